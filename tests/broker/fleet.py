"""Daemons around a real broker: their settings, a watch on what they serve, and what lies in Kafka.
"""

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, Self

import msgspec
import requests
from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, TopicPartition

from bot.sandbox.server import Sandbox
from tests.broker.cluster import Cluster
from tests.helpers import eventually
from tests.processes import Daemon, daemon

LOOK_EVERY_S = 0.05
QUICK = {"POLL_INTERVAL": "100", "MAX_SOURCE_LATENCY": "800", "MAX_PRICE_AGE": "1500",
         "FAILBACK_AFTER": "1000", "ENABLE_DUCKDB": "false"}
LINK = re.compile(r"\[KAFKA\] (Not )?(reading|publishing to) (\S+?)(?= again| any more|:|$)", re.I)


def market(*symbols: str, rate: float = 30.0) -> Sandbox:
    """One market, and two sets of exchanges in it that can be silenced apart: `feeds` names them.
    """
    return Sandbox(symbols or ("BTCUSDT",), rate=rate, exchanges={
        "binance": "binance", "okx": "okx", "binance_b": "binance", "okx_b": "okx"})


def feeds(sandbox: Sandbox, suffix: str = "") -> dict[str, str]:
    """Settings of a daemon that listens to one of the sets. suffix: "" or "_b"."""
    found = {"ENABLE_WEBSOCKET_FEEDS": "true"}
    for name in ("binance", "okx"):
        found[f"{name.upper()}_WS_URL"] = sandbox.ws_url(name + suffix)
        found[f"{name.upper()}_REST_URL"] = sandbox.rest_url(name + suffix)
    return QUICK | found


def consumer(topic: str) -> dict[str, str]:
    """Settings of a daemon that has nothing but Kafka."""
    return QUICK | {"ENABLE_KAFKA": "true", "KAFKA_TOPIC": topic, "ENABLE_OKX_LIVE": "false",
                    "MODE": "paper_trading"}


def silence(sandbox: Sandbox, suffix: str = "") -> None:
    for name in ("binance", "okx"):
        sandbox.fault(name + suffix, "silence")


class Crew:
    """Starts daemons, each in a folder of its own, which end with the block."""

    def __init__(self, folder: Path, common: Mapping[str, str], stack: ExitStack) -> None:
        self._folder, self._common, self._stack = folder, common, stack

    def __call__(self, name: str, settings: Mapping[str, str], *verb: str) -> Daemon:
        home = self._folder / name
        home.mkdir()
        return self._stack.enter_context(
            daemon(home, {"INSTANCE_ID": name} | dict(self._common) | dict(settings), *verb))


@contextmanager
def crew(folder: Path, cluster: Cluster, user: str = "") -> Iterator[Crew]:
    """user: comes in with SASL PLAIN. His password must be in nothing that any of them says."""
    common = {"KAFKA_BROKERS": cluster.bootstrap}
    if user:
        common |= {"KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT", "KAFKA_SASL_MECHANISM": "PLAIN",
                   "KAFKA_SASL_USERNAME": user,
                   "KAFKA_SASL_PASSWORD": cluster.security.users[user]}
    with ExitStack() as stack:
        yield Crew(folder, common, stack)
    if user:
        told = [path for path in folder.rglob("autonomous_bot.log*")
                if cluster.security.users[user] in path.read_text()]
        assert not told, told


def links(bot: Daemon) -> dict[str, list[str]]:
    """What the log tells of each use of Kafka, in order: `up` or `down`."""
    found: dict[str, list[str]] = {}
    for line in bot.lines:
        if match := LINK.search(line):
            found.setdefault(f"{match[2].lower()} {match[3]}", []).append(
                "down" if match[1] else "up")
    return found


def all_links(bot: Daemon, up: bool, within: float = 20.0) -> None:
    """Wait until /api/v1/kafka tells that of every link."""
    bot.wait_for("Trading Bot initialized successfully")

    def so() -> bool:
        return {link["up"] for link in bot.json("/api/v1/kafka")["links"]} == {up}
    eventually(so, within, f"links are {'up' if up else 'down'}: {bot.json('/api/v1/kafka')}")


class Seen(NamedTuple):
    """An answer of the API. at: monotonic s."""

    at: float
    price: dict[str, Any]


class Watch:
    """Asks a daemon for all its prices, twenty times a second, while the block lasts."""

    def __init__(self, bot: Daemon) -> None:
        self._url = f"http://127.0.0.1:{bot.port}/api/v1/prices"
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._look, name="watch")
        self.seen: dict[str, list[Seen]] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ending.set()
        self._thread.join()

    def _look(self) -> None:
        with requests.Session() as session:
            session.trust_env = False
            while not self._ending.wait(LOOK_EVERY_S):
                body = session.get(self._url, timeout=5).json()
                now = time.monotonic()
                for price in body.get("prices", []):
                    self.seen.setdefault(price["symbol"], []).append(Seen(now, price))

    def untrusted_s(self) -> float:
        """The longest time from one trusted price to the next, of any symbol."""
        return max(_longest(seen, lambda price: price.get("trusted") is True)
                   for seen in self.seen.values())

    def without_news_s(self) -> float:
        """The longest time in which no price of a symbol had a later event."""
        longest = 0.0
        for seen in self.seen.values():
            stamps = [price for price in seen if price.price["price"] is not None]
            news = stamps[:1] + [b for a, b in pairwise(stamps)
                                 if a.price["timestamp"] != b.price["timestamp"]]
            longest = max([longest, *(b.at - a.at for a, b in pairwise(news))])
        return longest

    def steps_back(self) -> list[tuple[str, str, int]]:
        """Where a served event is before the one served before it: symbol, exchange, and ms.

        Between two exchanges there is no order; each is compared with itself.
        """
        found = []
        for symbol, seen in self.seen.items():
            last: dict[str, int] = {}
            for _, price in seen:
                if price["price"] is None:
                    continue
                back = last.get(price["exchange"], 0) - price["timestamp"]
                if back > 0:
                    found.append((symbol, price["exchange"], back))
                last[price["exchange"]] = price["timestamp"]
        return found


def _longest(seen: list[Seen], wanted: Callable[[dict[str, Any]], bool]) -> float:
    return max((b.at - a.at for a, b in pairwise([one for one in seen if wanted(one.price)])),
               default=float("inf"))


class Lying(NamedTuple):
    """A record as it lies in a topic."""

    partition: int
    key: str
    value: dict[str, Any]
    headers: dict[str, bytes]
    timestamp: int


def lying_in(cluster: Cluster, topic: str) -> list[Lying]:
    """All records of a topic, read with another client than ours, in the order of offsets."""
    inner = ",".join(f"127.0.0.1:{node.inner}" for node in cluster.nodes)
    reader = Consumer({"bootstrap.servers": inner, "group.id": "raw", "enable.auto.commit": False})
    begins = [TopicPartition(topic, number, OFFSET_BEGINNING)
              for number in cluster.view(topic).leaders]
    found: list[Lying] = []
    try:
        ends = {at.partition: reader.get_watermark_offsets(at, timeout=10.0) for at in begins}
        left = {number for number, (low, high) in ends.items() if low < high}
        reader.assign(begins)
        while left:  # as far as it reaches now, for it may be growing
            record = reader.poll(10.0)
            assert record is not None and not record.error(), f"{topic}: {record}"
            found.append(_lying(record))
            if (record.offset() or 0) >= ends[found[-1].partition][1] - 1:
                left.discard(found[-1].partition)
    finally:
        reader.close()
    return found


def _lying(record: Message) -> Lying:
    partition, key, value = record.partition(), record.key(), record.value()
    assert partition is not None and isinstance(key, bytes) and isinstance(value, bytes)
    headers = {str(name): word for name, word in list(record.headers() or [])
               if isinstance(word, bytes)}
    return Lying(partition, key.decode(), msgspec.json.decode(value), headers,
                 record.timestamp()[1])
