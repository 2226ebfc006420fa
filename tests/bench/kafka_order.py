"""What a load is told to do, and what all loads on a broker share."""

import sys
import time
from collections.abc import Callable
from typing import Any

import msgspec

from bot.broker import writer as writing
from bot.broker.access import Access
from bot.broker.writer import Update
from bot.judging.fitness import Policy
from bot.model import MarketDataUpdate

PARTITIONS = 3
SYMBOLS = [f"{base}USDT" for base in ("BTC", "ETH", "SOL", "XRP", "ADA", "DOT", "LTC", "BCH",
                                      "LINK", "UNI", "ATOM", "AVAX")]
POLICY = Policy(primary="binance", failover=True, max_latency_s=5.0, failback_after_s=10.0)
ROOM = 10_000  # a load that goes flat out stays this little ahead
PATIENCE_S = 60.0
CLIENTS = ("ours", "kafka", "confluent")
now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000


class Order(msgspec.Struct, kw_only=True):
    """rate: records/s, 0 for flat out. number: of them then. options: over those of bot.broker, by
    name: of its client, or in capitals of its writer.
    """

    brokers: str = ""
    topic: str = ""
    client: str = "ours"
    rate: int = 0
    seconds: float = 5.0
    number: int = 50_000
    options: dict[str, Any] = {}

    @property
    def access(self) -> Access:
        return Tuned(brokers=self.brokers.split(","), instance="load").over(self.options)


class Tuned(Access, frozen=True):
    options: dict[str, Any] = {}

    def over(self, options: dict[str, Any]) -> "Tuned":
        for name, value in options.items():
            if name.isupper():
                setattr(writing, name, value)
        return msgspec.structs.replace(
            self, options={name: value for name, value in options.items() if name.islower()})

    def _made(self, client: Callable[..., Any], name: str, **options: Any) -> Any:
        return super()._made(client, name, **options | self.options)


def update(number: int) -> Update:
    now = now_ms()
    return Update(MarketDataUpdate(
        "binance", SYMBOLS[number % len(SYMBOLS)], "trade", 50_000.0 + number % 100, 0.02799,
        None, None, now, now, time.monotonic(), number))


def report(found: dict[str, Any]) -> None:
    print(msgspec.json.encode(found).decode(), flush=True)


def ready() -> None:
    print("ready", flush=True)
    sys.stdin.readline()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.001)


def paced(rate: int, seconds: float, act: Callable[[int], None]) -> int:
    """One by one, each at its time. Returns: how many."""
    total, due = int(rate * seconds), time.monotonic()
    for number in range(total):
        act(number)
        due += 1.0 / rate
        if (left := due - time.monotonic()) > 0.0005:
            time.sleep(left)
    return total


# ---- writing
