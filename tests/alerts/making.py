"""Happenings, and cases of them on a clock that a test turns."""

from bot.alerts.case import Event, Told
from bot.alerts.cases import Cases
from bot.alerts.facts import Fact, Facts, Happening, Severity
from bot.alerts.thing import Item, Pace
from bot.events import TierChanged
from bot.incidents.incident import Incident

WALL = 1_790_000_000.0  # epoch s at the monotonic 0


def incident(id: str = "i1", source: str | None = "binance", symbol: str | None = "BTCUSDT",
             rule: str = "silence", **fields: object) -> Incident:
    whole: dict[str, object] = {
        "id": id, "source": source, "symbol": symbol, "rule": rule, "cause": f"because of {rule}",
        "opened_at": WALL, "instance": "primary"}
    return Incident(**whole | fields)  # type: ignore[arg-type]


def price(id: str = "p1", symbol: str = "BTCUSDT", rule: str = "stale",
          **fields: object) -> Incident:
    return incident(id, None, symbol, rule, **fields)


def tier(current: str | None, previous: str | None = "websocket", symbol: str = "BTCUSDT",
         reason: str = "the streams are silent") -> TierChanged:
    return TierChanged(symbol, previous, current, WALL, reason)


class Desk:
    """Cases at work. told: everything so far, with the moment of it."""

    def __init__(self, least: Severity = Severity.WARNING, pace: Pace = Pace()) -> None:
        self.now = 0.0
        self.cases = Cases("primary", least, pace)
        self.drilled: set[str] = set()  # symbols of which everything may be the work of a drill
        self.facts = Facts("websocket", lambda symbol: symbol in self.drilled)
        self.told: list[tuple[float, Told]] = []

    @property
    def wall(self) -> float:
        return WALL + self.now

    @property
    def events(self) -> list[str]:
        return [told.event for _, told in self.told]

    @property
    def last(self) -> Told:
        return self.told[-1][1]

    def take(self, *events: Happening) -> None:
        for event in events:
            fact, move = self.facts.of(event)
            if fact is not None:
                self.cases.take(fact, self.now, self.wall)
            if move is not None:
                self.cases.move(move, self.now)

    def open(self, id: str = "p1", source: str | None = None, symbol: str = "BTCUSDT",
             rule: str = "stale", **fields: object) -> None:
        """An incident that begins now."""
        self.take(incident(id, source, symbol, rule, opened_at=self.wall, **fields))

    def close(self, id: str = "p1", source: str | None = None, symbol: str = "BTCUSDT",
              rule: str = "stale", lasted_s: float = 1.0, **fields: object) -> None:
        """It ends now."""
        self.take(incident(id, source, symbol, rule, opened_at=self.wall - lasted_s, revision=9,
                           closed_at=self.wall, duration_ms=lasted_s * 1000, **fields))

    def wait(self, seconds: float, step: float = 0.25) -> list[Told]:
        """Let time pass. Returns: what was told meanwhile."""
        before, until = len(self.told), self.now + seconds
        while self.now < until - 1e-9:
            self.now = min(until, self.now + step)
            for fact in self.facts.retold():
                self.cases.take(fact, self.now, self.wall)
            self.told += [(self.now, told) for told in self.cases.due(self.now, self.wall)]
        return [told for _, told in self.told[before:]]


def told(id: str = "c1", event: Event = "opened", severity: Severity = Severity.WARNING, *,
         bells: int = 0, lasted_s: float = 3.0, opened_at: float = WALL,
         items: tuple[Item, ...] | None = None, **fields: object) -> Told:
    """A case, told."""
    closed_at = opened_at + lasted_s if event == "closed" else None
    whole: dict[str, object] = {
        "id": id, "revision": 1, "event": event, "severity": severity, "bells": bells, "paths": (),
        "instance": "primary", "opened_at": opened_at, "closed_at": closed_at,
        "lasted_s": lasted_s, "items": (item(),) if items is None else items}
    return Told(**whole | fields)  # type: ignore[arg-type]


def item(severity: Severity = Severity.WARNING, **fields: object) -> Item:
    whole: dict[str, object] = {
        "subject": ("kafka", "reading prices"), "over": False, "severity": severity,
        "rule": "kafka", "cause": "no answer", "at": WALL}
    fact = Fact(**whole | fields)  # type: ignore[arg-type]
    return Item(fact, severity, not fact.over, 1, WALL, 3.0, 0.0)
