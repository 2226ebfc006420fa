"""Whatever words and numbers come in, they can be told: nothing here may end the daemon."""

import math
import random
from typing import cast

import msgspec
import pytest

from bot.alerts.case import Told
from bot.alerts.cases import Cases
from bot.alerts.channel import Answer
from bot.alerts.facts import Facts, Happening, Severity
from bot.alerts.letter import text, title
from bot.events import FailoverFailed, LinkChanged, RecordingChanged, SourceSwitched
from bot.incidents.incident import DOWN, LOST, UNRECORDED
from bot.logs.facts import clean
from tests.alerts.making import WALL, incident, tier
from tests.alerts.making import told as made
from tests.alerts.receiver import MOST
from tests.alerts.test_channels import ALL

SIGNS = (
    "\ud83d", "\udc80", "\udfff", "\0", "\x1b[31m", "\n", "\r", "\u2028", "\u202e", "🔥", "<", "&",
    "@everyone", "*_`~|", "é", " ", "", "\\", "\"", "{}", "%s", "drill:", "none", "\U0010ffff")
NUMBERS = (0.0, -1.0, math.nan, math.inf, -math.inf, 1e300, -1e300, 5e-324, WALL, WALL + 1)
RULES = ("stale", "connection", "disagreement", DOWN, LOST, UNRECORDED)


class Babel:
    """Says anything at all."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)

    def words(self, most: int = 12) -> str:
        return "".join(self.dice.choices(SIGNS, k=self.dice.randrange(most)))

    def number(self) -> float:
        return self.dice.choice(NUMBERS)

    def maybe(self, value: object) -> object:
        return value if self.dice.random() < 0.7 else None

    def happening(self) -> Happening:
        words, number, maybe = self.words, self.number, self.maybe
        symbol, source = self.dice.choice(("BTCUSDT", words())), words()
        match self.dice.randrange(6):
            case 0 | 1:
                rule = self.dice.choice((*RULES, words()))
                return incident(
                    words(), cast("str | None", maybe(source)), cast("str | None", maybe(symbol)),
                    rule, cause=words(300), revision=self.dice.randrange(5), opened_at=number(),
                    closed_at=maybe(number()), duration_ms=maybe(number()),
                    blackout_ms=maybe(number()), detected_after_ms=number())
            case 2:
                found = tier(cast("str | None", maybe(words())), words(), symbol, words(300))
                return msgspec.structs.replace(found, at=number())
            case 3:
                return LinkChanged(words(), self.dice.random() < 0.3, words(300), number(), None)
            case 4:
                return RecordingChanged(self.dice.random() < 0.3, words(), words(300), number())
        return self.dice.choice((SourceSwitched(symbol, words(), words(), number(), words()),
                                 FailoverFailed(symbol, words(), number(), words())))

    def told(self) -> list[Told]:
        facts = Facts("websocket", lambda symbol: self.dice.random() < 0.2)
        cases = Cases(clean(self.words() + "\udc80"), self.dice.choice(list(Severity)))
        found, now = [], 0.0
        for _ in range(60):
            now += self.dice.expovariate(1 / 5)
            fact, move = facts.of(self.happening())
            for one in (fact, *facts.retold()):
                if one is not None:
                    cases.take(one, now, WALL + now)
            if move is not None:
                cases.move(move, now)
            found += cases.due(now, WALL + now)
        return found + cases.due(now + 3_000, WALL + now + 3_000)


@pytest.mark.parametrize("seed", range(40))
def test_whatever_is_said_can_be_told(seed: int) -> None:
    tellings = Babel(seed).told()
    assert tellings
    for told in tellings:
        for make in ALL.values():
            channel = make()
            for edit, reply in ((None, None), ("7", None), (None, "7")):
                body = channel.request(told, edit, reply, seed).body
                written = str(body.get("text") or body.get("content"))
                assert len(written.encode("utf-16-le")) // 2 <= MOST.get(channel.name, 16_383)
                msgspec.json.encode(body)
        assert title(told) in text(told)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("seed", range(10))
def test_whatever_is_answered_can_be_read(name: str, seed: int) -> None:
    channel, babel = ALL[name](), Babel(seed)
    values: tuple[object, ...] = (
        True, False, None, 0, -1, 10**18, 1.5, [], {}, [[[]]] * 3, "x" * 9999, "\0", "7", "٣")
    for _ in range(300):
        pick = babel.dice.choice
        answer: dict[str, object] = {
            "ok": pick(values), "description": pick(values), "message": pick(values),
            "id": pick(values), "code": pick((*values, 10008)), "retry_after": pick(values),
            "parameters": {"retry_after": pick(values), "migrate_to_chat_id": pick(values)},
            "result": pick((pick(values), {"message_id": pick(values)}))}
        body = msgspec.json.encode({
            key: value for key, value in answer.items() if babel.dice.random() < 0.7})
        if babel.dice.random() < 0.3:
            body = body[:babel.dice.randrange(len(body) + 1)] + bytes([babel.dice.randrange(256)])
        status = pick((200, 204, 302, 400, 401, 404, 429, 500))
        outcome = channel.outcome(Answer(status, babel.words(), body))
        if outcome.message is not None:
            channel.request(made("c"), outcome.message)
        assert outcome.wait_s is None or 1.0 <= outcome.wait_s <= 3600.0
