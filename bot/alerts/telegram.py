"""Telegram's Bot API. Source: core.telegram.org/bots/api, "sendMessage", "editMessageText",
"ReplyParameters", "ResponseParameters".

A message is edited in place; a bell is a new one in reply, for edits ring none.
"""

from urllib.parse import urlsplit

from bot.alerts import letter
from bot.alerts.case import Told
from bot.alerts.channel import (
    Answer, Json, Outcome, Request, fields, host_of, message, read, seconds, size,
)

LIMIT = 4_096  # of UTF-16 units
SAME = "message is not modified"
GONE = ("message to edit not found", "message can't be edited", "message_id_invalid")
REMEDIES = {
    "chat not found": "write /start to the bot, or add it to the group or channel; then look at "
                      "ALERT_TELEGRAM_CHAT",
    "bot was blocked": "unblock the bot in Telegram",
    "bot was kicked": "add the bot to the group again",
    "bot can't initiate": "write /start to the bot",
    "bot is not a member": "add the bot to the channel, as an administrator",
    "not enough rights": "let the bot write there",
    "need administrator rights": "make the bot an administrator of the channel",
    "user is deactivated": "set another ALERT_TELEGRAM_CHAT",
}
BY_STATUS = {401: "look at ALERT_TELEGRAM_TOKEN (@BotFather shows it with /token)",
             404: "look at ALERT_TELEGRAM_TOKEN (@BotFather shows it with /token) and at "
                  "ALERT_TELEGRAM_URL"}


class Telegram:
    name = "telegram"
    has_updates = True

    def __init__(self, base: str, token: str, chat: str) -> None:
        """base: of the Bot API server. chat: a number, or @name."""
        self._base = f"{base.rstrip('/')}/bot{token}"
        self._chat: int | str = chat if chat.startswith("@") else int(chat)
        self.to = f"{chat} by {host_of(urlsplit(base))}"
        self.secrets = (token, token.partition(":")[2])

    def request(
        self, told: Told, edit: str | None = None, reply_to: str | None = None, more: int = 0
    ) -> Request:
        """Plain text, so that nothing in it has to be escaped."""
        body: Json = {"chat_id": self._chat, "link_preview_options": {"is_disabled": True},
                      "text": letter.text(told, lambda text: size(text) <= LIMIT, more)}
        if edit is not None:
            return Request("POST", f"{self._base}/editMessageText",
                           body | {"message_id": int(edit)})
        if reply_to is not None:
            body["reply_parameters"] = {"message_id": int(reply_to),
                                        "allow_sending_without_reply": True}
        return Request("POST", f"{self._base}/sendMessage", body)

    def outcome(self, answer: Answer) -> Outcome:
        told = fields(answer.body)
        said = str(told.get("description", ""))
        parameters, result = told.get("parameters"), told.get("result")
        if told.get("ok") is True and 200 <= answer.status < 300:
            name = result.get("message_id") if isinstance(result, dict) else None
            return Outcome(ok=True, message=message(name))
        if SAME in said:
            return Outcome(ok=True)
        if any(words in said.lower() for words in GONE):
            return Outcome(is_gone=True, why="the message was deleted")
        more = parameters if isinstance(parameters, dict) else {}
        if answer.status == 429:
            return Outcome(wait_s=seconds(more.get("retry_after", answer.retry_after)),
                           why="asks for fewer messages")
        if 200 <= answer.status < 300:
            return Outcome(is_final=True, why="what answers is not Telegram's Bot API; look at "
                                              "ALERT_TELEGRAM_URL")
        return read(answer, _remedy(answer.status, said, more), "ALERT_TELEGRAM_URL",
                    said)


def _remedy(status: int, said: str, more: Json) -> str:
    if "migrate_to_chat_id" in more:
        return f"the group has a new number: ALERT_TELEGRAM_CHAT={more['migrate_to_chat_id']}"
    found = (remedy for words, remedy in REMEDIES.items() if words in said.lower())
    return next(found, BY_STATUS.get(
        status, "look at ALERT_TELEGRAM_TOKEN and ALERT_TELEGRAM_CHAT"))
