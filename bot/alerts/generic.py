"""Any receiver of JSON: every event of a case is posted, with the same id. `text` is what
Mattermost, Rocket.Chat and the like show of it."""

from bot.alerts import letter
from bot.alerts.case import Told
from bot.alerts.channel import Addressed, Answer, Json, Outcome, Request, read
from bot.alerts.thing import Item

MOST_ITEMS = 200
LIMIT = 8_000  # of text; Mattermost cuts at 16,383 characters


class Generic(Addressed):
    name = "webhook"
    has_updates = True

    def request(
        self, told: Told, edit: str | None = None, reply_to: str | None = None, more: int = 0
    ) -> Request:
        advice, runbook = letter.guidance(told) if told.items else ("", "")
        return Request("POST", self._url, {
            "id": told.id,
            "revision": told.revision,
            "event": told.event,
            "severity": told.severity.word,
            "title": letter.title(told),
            "text": letter.text(told, lambda text: len(text) <= LIMIT, more),
            "instance": told.instance,
            "openedAt": _ms(told.opened_at),
            "closedAt": None if told.closed_at is None else _ms(told.closed_at),
            "durationMs": _ms(told.lasted_s),
            "items": [_item(item) for item in told.items[:MOST_ITEMS]],
            "itemCount": len(told.items),
            "advice": advice,
            "runbook": runbook,
            "untold": more,
        })

    def outcome(self, answer: Answer) -> Outcome:
        if 200 <= answer.status < 300:
            return Outcome(ok=True)
        return read(answer, "look at ALERT_WEBHOOK_URL and at what listens there",
                    "ALERT_WEBHOOK_URL")


def _item(item: Item) -> Json:
    fact = item.fact
    return {
        "kind": fact.kind,
        "source": fact.source,
        "symbol": fact.symbol,
        "severity": item.severity.word,
        "open": item.is_open,
        "rule": fact.rule,
        "cause": fact.cause or None,
        "servedFrom": fact.to,
        "drill": fact.is_drill,
        "openedAt": _ms(item.at),
        "durationMs": _ms(item.lasted_s),
        "times": item.times,
        "incident": fact.id or None,
    }


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
