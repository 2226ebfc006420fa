"""The fault switches: which there are, and which are on for one exchange."""

import math
import threading
import time
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

Value = float | str | None
Unit = Literal["", "ms", "%", "close code", "HTTP status", "symbol", "s", "s, us or ns", "bps/s",
               "% of messages", "factor", "n"]


class Fault(NamedTuple):
    """default: the value when none is given. once: it happens at once and is over."""

    explanation: str
    unit: Unit = ""
    default: Value = None
    once: bool = False


FAULTS: dict[str, Fault] = {
    "cut": Fault("open connections are dropped without a close frame (TCP reset)", once=True),
    "close": Fault("open connections are closed in an orderly way", "close code", 1001.0, True),
    "notice": Fault("open connections are told that they will be closed, and are after the value "
                    "if it is not 0", "s", 0.0, True),
    "refuse": Fault("connections are dropped and new ones refused by TCP"),
    "reject": Fault("new handshakes are answered with an HTTP error", "HTTP status", 503.0),
    "silence": Fault("pings and subscriptions are answered, but no data is sent"),
    "mute": Fault("half-open: TCP connects, then nothing at all is answered or sent"),
    "delay": Fault("everything sent, pongs included, is late", "ms", 3000.0),
    "repeat": Fault("the last price is sent again and again with the same event time"),
    "junk": Fault("broken JSON, impossible prices, wrong types and binary between the data"),
    "wrong": Fault("all prices are off", "%", 0.5),
    "frozen": Fault("messages go on with new stamps, but their content is what it was"),
    "replay": Fault("the last messages are sent again, in order and with old stamps", "s", 30.0),
    "ahead": Fault("stamps run ahead", "s", 3600.0),
    "behind": Fault("stamps lag behind, while prices are current", "s", 3600.0),
    "unit": Fault("stamps are in another unit than ms", "s, us or ns", "us"),
    "spike": Fault("single prices are 5 % off, up or down", "% of messages", 1.0),
    "drift": Fault("prices creep away from the truth", "bps/s", 1.0),
    "scale": Fault("prices are multiplied", "factor", 10.0),
    "invert": Fault("prices are 1/price"),
    "crossed": Fault("the bid is above the ask"),
    "empty": Fault("bid, ask and the day's volume are missing"),
    "swap": Fault("every fifth message of a stream is overtaken by the one after it"),
    "twice": Fault("every message is sent twice"),
    "slow": Fault("only every n-th message of a stream is sent", "n", 50.0),
    "flap": Fault("each connection is cut so long after its beginning", "s", 3.0),
    "deaf": Fault("on new connections subscriptions are acknowledged and never served"),
    "symbol": Fault("one symbol goes dead while its neighbours live", "symbol"),
    "halt": Fault("one symbol is halted: REST says so, and its streams are silent", "symbol"),
    "huge": Fault("one frame of 10 MB is sent", once=True),
    "rest429": Fault("REST answers 429 with Retry-After", "s", 5.0),
    "rest503": Fault("REST answers 503"),
    "rest_reject": Fault("REST answers with an HTTP error", "HTTP status", 451.0),
    "rest_slow": Fault("REST answers late", "ms", 3000.0),
    "rest_hang": Fault("REST never answers"),
    "rest_wrong": Fault("REST prices are off", "%", 0.5),
    "rest_stale": Fault("REST repeats what it said when the fault began"),
}

RANGES: dict[Unit, tuple[float, float]] = {
    "ms": (0, 3_600_000), "s": (0, 86_400), "%": (-99, 1000),
    "close code": (1000, 4999), "HTTP status": (400, 599), "bps/s": (-1000, 1000),
    "% of messages": (0, 100), "factor": (1e-6, 1e6), "n": (1, 1_000_000),
}
WORDS: dict[Unit, tuple[str, ...]] = {"s, us or ns": ("s", "us", "ns")}


def checked(fault: str, value: object, seconds: object) -> tuple[Value, float | None]:
    """The value in its own type, and the duration in s. Raises: ValueError saying what is meant."""
    known = FAULTS.get(fault)
    if known is None:
        raise ValueError(f"unknown fault {fault!r}; there are {', '.join(FAULTS)}")
    duration = None if seconds in (None, "") else _number(seconds, f"{fault}: seconds", 0, 86_400)
    if value in (None, ""):
        value = known.default
    if known.unit == "symbol":
        if not isinstance(value, str):
            raise ValueError(f"{fault}: name the symbol, as in BTCUSDT")
        return value, duration
    if not known.unit:
        if value is not None:
            raise ValueError(f"{fault} takes no value, got {value!r}")
        return None, duration
    if known.unit in WORDS:
        if value not in WORDS[known.unit]:
            raise ValueError(f"{fault}: must be {known.unit}, got {value!r}")
        return str(value), duration
    low, high = RANGES[known.unit]
    return _number(value, f"{fault}: {known.unit}", low, high), duration


def _number(value: object, what: str, low: float, high: float) -> float:
    try:
        number = float(value)  # type: ignore[arg-type]  # what is not a number ends below
    except (TypeError, ValueError):
        number = math.nan
    if isinstance(value, bool) or not low <= number <= high:
        raise ValueError(f"{what} must be a number from {low:g} to {high:g}, got {value!r}")
    return number


class Switches:
    """The faults of one exchange. Any thread may read and throw them."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()  # guards changes; readers take whichever dict is there
        # fault -> value, end, beginning
        self._on: dict[str, tuple[Value, float | None, float]] = {}

    def throw(self, fault: str, value: Value, seconds: float | None) -> None:
        now = self._clock()
        end = None if seconds is None else now + seconds
        with self._lock:
            self._on = {**self._on, fault: (value, end, now)}

    def heal(self, fault: str | None = None) -> None:
        """Switch one fault off, or all."""
        with self._lock:
            self._on = {name: state for name, state in self._on.items() if fault and name != fault}

    def expire(self) -> bool:
        """Switch off what has lasted its time. Returns: whether anything was."""
        now = self._clock()
        over = [name for name, (_, end, _) in self._on.items() if end is not None and end <= now]
        for name in over:
            self.heal(name)
        return bool(over)

    def on(self, fault: str) -> bool:
        return fault in self._on

    def number(self, fault: str) -> float:
        """The fault's value; 0 when it is off."""
        value = self._on.get(fault, (0.0,))[0]
        return value if isinstance(value, float) else 0.0

    def text(self, fault: str) -> str | None:
        value = self._on.get(fault, (None,))[0]
        return value if isinstance(value, str) else None

    def lasted_s(self, fault: str) -> float:
        """For how long it has been on; 0 when it is off."""
        return next((lasted_s for name, _, lasted_s in self.thrown() if name == fault), 0.0)

    def thrown(self) -> Iterator[tuple[str, Value, float]]:
        """What is on: fault, value, and for how many s."""
        now = self._clock()
        for name, (value, _, began) in self._on.items():
            yield name, value, now - began

    def state(self) -> dict[str, dict[str, Value]]:
        """What is on: fault -> value and seconds left, None for one without end."""
        now = self._clock()
        return {
            name: {"value": value, "seconds_left": end and round(max(0.0, end - now), 1)}
            for name, (value, end, _) in self._on.items()
        }
