"""Slack's incoming webhooks, and what takes their form. Source: docs.slack.dev, "Sending messages
using incoming webhooks", "Formatting message text", "Rate limits".

They cannot edit: a case is told when it opens, with each bell, and when it is over.
"""

from bot.alerts import letter
from bot.alerts.case import Told
from bot.alerts.channel import Addressed, Answer, Outcome, Request, read

LIMIT = 3_900  # of characters, escaped; "4,000 is advised", 40,000 are cut off
REMEDIES = {
    "no_service": "the webhook was removed: make a new one and put it into ALERT_WEBHOOK_URL",
    "no_team": "the workspace is not known: put the whole address into ALERT_WEBHOOK_URL",
    "invalid_token": "the last part of ALERT_WEBHOOK_URL is wrong: copy the whole address again",
    "channel_not_found": "the channel was removed: make a webhook for another one",
    "channel_is_archived": "the channel is archived: bring it back, or make another webhook",
    "action_prohibited": "an administrator forbids it: ask, or make a webhook for another channel",
}


class Slack(Addressed):
    name = "slack"
    has_updates = False

    def request(
        self, told: Told, edit: str | None = None, reply_to: str | None = None, more: int = 0
    ) -> Request:
        text = letter.text(told, lambda text: len(escaped(text)) <= LIMIT, more)
        return Request("POST", self._url, {
            "text": escaped(text), "mrkdwn": False, "unfurl_links": False, "unfurl_media": False})

    def outcome(self, answer: Answer) -> Outcome:
        if 200 <= answer.status < 300:
            return Outcome(ok=True)
        said = answer.body.decode("utf-8", "replace").strip()
        return read(answer, REMEDIES.get(said, "copy the webhook's address into ALERT_WEBHOOK_URL "
                                               "again"), "ALERT_WEBHOOK_URL")


def escaped(text: str) -> str:
    """The three signs that Slack reads as its own."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
