"""What happens in the bot, read as facts about things that can be wrong. Nothing here waits."""

from collections.abc import Callable, Mapping
from enum import IntEnum

import msgspec

from bot.causes import TIERS
from bot.events import FailoverFailed, LinkChanged, RecordingChanged, SourceSwitched, TierChanged
from bot.incidents.incident import DOWN, LOST, PAUSED, UNRECORDED, Incident
from bot.incidents.story import is_drill
from bot.logs.facts import clean

Happening = (
    Incident | TierChanged | LinkChanged | RecordingChanged | SourceSwitched | FailoverFailed)
Subject = tuple[str, ...]

LONG_DOWN_MS = 60_000.0  # a bot that did not run, or stood still, for longer is worth a warning
OVER_AT_ONCE = (DOWN, PAUSED, LOST)  # known only when they are over
NOWHERE = "nowhere"
LATEST = 253_402_300_799.0  # epoch s, of the last year that can be written as a date


class Severity(IntEnum):
    INFO = 0
    WARNING = 1
    CRITICAL = 2

    @property
    def word(self) -> str:
        """As it stands in the settings and in JSON."""
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> "Severity":
        return cls[word.upper()]


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """How one thing is that can be wrong.

    subject: its kind (source, price, tier, kafka, record, down, paused, unrecorded,
    lost) and whose it is;
    one subject is wrong at most once at a time. over: it is well again. id, revision: of the
    incident it comes from; empty and 0 without one. rule: one word, of bot.incidents.story.ADVICE.
    cause: why, in words. at: epoch s at which it began. lasted_s: how long, where that is known
    better than by the moments at which facts come. blackout_ms: how long there was no trusted price
    because of it. to: the tier served from instead.
    """

    subject: Subject
    over: bool
    severity: Severity
    rule: str
    cause: str
    at: float
    source: str | None = None
    symbol: str | None = None
    to: str | None = None
    is_drill: bool = False
    id: str = ""
    revision: int = 0
    lasted_s: float | None = None
    blackout_ms: float = 0.0

    @property
    def kind(self) -> str:
        return self.subject[0]

    @property
    def is_blackout(self) -> bool:
        """Whether there is no trusted price of the symbol because of it."""
        return self.kind == "price" or (
            self.kind == "tier" and self.rule in ("none", "synthetic"))

    @property
    def is_notice(self) -> bool:
        """Whether it is told although it is over when it becomes known."""
        return self.over and self.rule in OVER_AT_ONCE


class Move(msgspec.Struct, frozen=True):
    """What the bot did about a symbol. kind: source | tier."""

    kind: str
    symbol: str
    previous: str
    current: str


class Facts:
    """Reads happenings in their order. What is kept is bounded by the number of symbols."""

    def __init__(
        self, home: str, rehearsed: Callable[[str], bool] = lambda symbol: False
    ) -> None:
        """home: the tier that serves while all is well. rehearsed: whether it may be the work of a
        drill that the price of a symbol is as it is at this moment."""
        self._home = home
        self._rehearsed = rehearsed
        self._drilled: dict[str, TierChanged] = {}  # of what symbols the tier is put down to one
        self._served: set[str] = set()  # symbols of which a tier is known

    @property
    def is_waiting(self) -> bool:
        """Whether something may have to be retold."""
        return bool(self._drilled)

    def retold(self) -> list[Fact]:
        """What a drill does not explain any more."""
        over = [symbol for symbol in self._drilled if not self._rehearsed(symbol)]
        return [self._tier(self._drilled.pop(symbol), False) for symbol in over]

    def of(self, event: Happening) -> tuple[Fact | None, Move | None]:
        event = sound(event)
        match event:
            case Incident():
                return self._of_incident(event), None
            case TierChanged():
                return self._of_tier(event), self._move(event)
            case SourceSwitched():
                return None, Move("source", event.symbol, event.previous or "none", event.current)
            case FailoverFailed():
                return None, Move("source", event.symbol, event.previous, "none")
            case LinkChanged():
                return Fact(subject=("kafka", event.link), over=event.up, cause=event.reason,
                            severity=Severity.WARNING, rule="kafka", at=event.at), None
            case RecordingChanged():
                return Fact(subject=("record",), over=event.good, cause=event.reason,
                            severity=Severity.WARNING, rule=event.rule, at=event.at), None

    def _of_incident(self, incident: Incident) -> Fact:
        over = incident.closed_at is not None
        return Fact(
            subject=_subject(incident), over=over, severity=_severity(incident),
            rule=incident.rule, cause="" if incident.cause == incident.rule else incident.cause,
            at=incident.opened_at, source=incident.source, symbol=incident.symbol,
            is_drill=is_drill(incident), id=incident.id, revision=incident.revision,
            lasted_s=None if incident.duration_ms is None else incident.duration_ms / 1000,
            blackout_ms=incident.blackout_ms or 0.0)

    def _move(self, event: TierChanged) -> Move | None:
        """Where a symbol is served from for the first time is no move."""
        if event.symbol in self._served:
            return Move("tier", event.symbol, event.previous or NOWHERE, event.current or NOWHERE)
        self._served.add(event.symbol)
        return None

    def _of_tier(self, event: TierChanged) -> Fact:
        self._drilled.pop(event.symbol, None)
        low = _rank(event.current) > _rank(self._home)
        if drilled := low and self._rehearsed(event.symbol):
            self._drilled[event.symbol] = event
        return self._tier(event, drilled)

    def _tier(self, event: TierChanged, drilled: bool) -> Fact:
        unreal = event.current in (None, "mock")
        return Fact(
            subject=("tier", event.symbol), symbol=event.symbol, at=event.at, cause=event.reason,
            over=_rank(event.current) <= _rank(self._home), to=event.current or NOWHERE,
            rule={None: "none", "mock": "synthetic"}.get(event.current, "tier"),
            is_drill=drilled, severity=Severity.INFO if drilled else
            Severity.CRITICAL if unreal else Severity.WARNING)


def sound(event: Happening) -> Happening:
    """The same, of texts and numbers that can be told whatever they were: some words come from
    outside, and incidents from a file."""
    return msgspec.structs.replace(event, **{
        name: _sound(getattr(event, name)) for name in event.__struct_fields__})


def _sound(value: object) -> object:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, float):  # a moment or a length; NaN compares false
        return min(value, LATEST) if value >= 0.0 else 0.0
    return value


def _subject(incident: Incident) -> Subject:
    if incident.source is not None:
        return "source", incident.source, incident.symbol or ""
    if incident.symbol is not None:
        return "price", incident.symbol
    if incident.rule in OVER_AT_ONCE:
        return incident.rule, incident.id
    return (incident.rule,)


def _severity(incident: Incident) -> Severity:
    if is_drill(incident):
        return Severity.INFO
    if incident.rule in (DOWN, PAUSED):
        is_long = (incident.duration_ms or 0.0) > LONG_DOWN_MS
        return Severity.WARNING if is_long else Severity.INFO
    if incident.source is None and incident.symbol is not None:
        return Severity.CRITICAL
    return BY_RULE.get(incident.rule, Severity.INFO)


# Of a source that is unfit by another rule another one takes the place: that is the bot's daily
# work. One that is put away said what is not so.
BY_RULE: Mapping[str, Severity] = dict.fromkeys(
    ("disagreement", UNRECORDED, LOST), Severity.WARNING)


def _rank(tier: str | None) -> int:
    return TIERS.index(tier) if tier in TIERS else len(TIERS)
