"""Discord's webhooks. Source: docs.discord.com, "Webhook resource" (execute with wait, edit webhook
message), "Rate limits".

A message is edited in place; a bell is a new one, for edits ring none.
"""

import re
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from bot.alerts import letter
from bot.alerts.case import Told
from bot.alerts.channel import (
    Addressed, Answer, Outcome, Request, fields, message, read, seconds, size,
)

LIMIT = 2_000  # of UTF-16 units
NO_PREVIEWS = 1 << 2  # the flag SUPPRESS_EMBEDS
UNKNOWN_MESSAGE, UNKNOWN_WEBHOOK, INVALID_TOKEN = 10008, 10015, 50027
LOST = ("the webhook was removed, or its address is not whole: copy it into ALERT_WEBHOOK_URL "
        "again")
LOOK = "look at the webhook in the channel's settings, Integrations"
OWN_SIGNS = re.compile(r"([\\*_~`|<>\[\]])")


class Discord(Addressed):
    name = "discord"
    has_updates = True

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._parts = urlsplit(url)

    def request(
        self, told: Told, edit: str | None = None, reply_to: str | None = None, more: int = 0
    ) -> Request:
        """A webhook cannot reply; `reply_to` is passed over."""
        text = letter.text(told, lambda text: size(escaped(text)) <= LIMIT, more)
        body: dict[str, object] = {"content": escaped(text), "allowed_mentions": {"parse": []},
                                   "flags": NO_PREVIEWS}
        path, query = self._parts.path.rstrip("/"), dict(parse_qsl(self._parts.query))
        query.pop("wait", None)  # thread_id, the other one there is, belongs to both
        if edit is not None:
            return Request("PATCH", self._at(f"{path}/messages/{edit}", query), body)
        return Request("POST", self._at(path, query | {"wait": "true"}), body)

    def outcome(self, answer: Answer) -> Outcome:
        told = fields(answer.body)
        if 200 <= answer.status < 300:
            return Outcome(ok=True, message=message(told.get("id")))
        if answer.status == 429:
            return Outcome(wait_s=seconds(told.get("retry_after", answer.retry_after)),
                           why="asks for fewer messages")
        if answer.status == 404 and told.get("code") == UNKNOWN_MESSAGE:
            return Outcome(is_gone=True, why="the message was deleted")
        lost = told.get("code") in (UNKNOWN_WEBHOOK, INVALID_TOKEN)
        return read(answer, LOST if lost else LOOK, "ALERT_WEBHOOK_URL",
                    str(told.get("message", "")))

    def _at(self, path: str, query: dict[str, str]) -> str:
        return urlunsplit(self._parts._replace(path=path, query=urlencode(query)))


def escaped(text: str) -> str:
    """Without the signs that would be read as form."""
    return OWN_SIGNS.sub(r"\\\1", text)
