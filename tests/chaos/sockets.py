"""One random schedule over real sockets: the real aggregator against practice exchanges."""

import gc
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Any, NamedTuple

import msgspec

from bot.aggregator import MultiSourceWebSocketAggregator
from bot.exchanges import ALL
from bot.exchanges.base import Exchange
from bot.model import MarketDataUpdate, UpdateType
from bot.sandbox.server import Sandbox
from bot.sources.poller import Poller
from bot.symbols import Symbol, parse_symbol
from bot.worker import Deadline, stop_all
from tests.chaos.troubles import SYMBOL, TROUBLES, Plan, drawn
from tests.chaos.witness import Past, Sight, Witness, listener
from tests.helpers import eventually

SILENT = ("silence", "half_open", "symbol")
BACKOFF_S = 0.1
FAILBACK_MS = 500
START_S, RECOVERY_S, HELD_S, ENDED_S = 5.0, 25.0, 0.5, 8.0
STOP_S = 5.0


class Alias:
    """An exchange under another name."""

    def __init__(self, name: str, exchange: Exchange) -> None:
        self.NAME = name
        self._exchange = exchange
        self.WS_URL, self.REST_URL = exchange.WS_URL, exchange.REST_URL
        self.PING, self.PONG = exchange.PING, exchange.PONG
        self.SENDS_PER_S = exchange.SENDS_PER_S
        self.REST_ALLOWS = exchange.REST_ALLOWS
        self.SENDS_PER_S, self.TRADING = exchange.SENDS_PER_S, exchange.TRADING
        self.ELSEWHERE = exchange.ELSEWHERE

    def stream_url(self, base: str) -> str:
        return self._exchange.stream_url(base)

    def native(self, symbol: Symbol) -> str:
        return self._exchange.native(symbol)

    def subscribe(self, natives: Sequence[str], kinds: Sequence[UpdateType]) -> list[str]:
        return self._exchange.subscribe(natives, kinds)

    def parse(self, frame: bytes, symbols: Mapping[str, str], received_at: int,
              received_mono: float) -> list[MarketDataUpdate]:
        return [self._renamed(update) for update in
                self._exchange.parse(frame, symbols, received_at, received_mono)]

    def is_acknowledgement(self, frame: bytes) -> bool:
        return self._exchange.is_acknowledgement(frame)

    def time_url(self, base: str) -> str:
        return self._exchange.time_url(base)

    def parse_time(self, body: bytes) -> int:
        return self._exchange.parse_time(body)

    def instrument_url(self, base: str, native_symbol: str) -> str:
        return self._exchange.instrument_url(base, native_symbol)

    def parse_instrument(self, body: bytes, native_symbol: str) -> str | None:
        return self._exchange.parse_instrument(body, native_symbol)

    def ticker_url(self, base: str, native_symbol: str) -> str:
        return self._exchange.ticker_url(base, native_symbol)

    def parse_ticker(self, body: bytes, symbols: Mapping[str, str], received_at: int,
                     received_mono: float) -> MarketDataUpdate:
        return self._renamed(
            self._exchange.parse_ticker(body, symbols, received_at, received_mono))

    def _renamed(self, update: MarketDataUpdate) -> MarketDataUpdate:
        return msgspec.structs.replace(update, exchange=self.NAME)


class Outcome(NamedTuple):
    """recovery: s from the end of the last fault to a good quote that stayed; None: never. left:
    threads and descriptors that outlived the run. last: what was served last. seconds: of the run.
    """

    plan: Plan
    sight: Sight
    recovery: float | None
    left: list[str]
    last: str
    seconds: float


def run(seed: int) -> Outcome:
    """One schedule from start to end."""
    plan, began = drawn(seed), monotonic()
    threads, files = set(threading.enumerate()), _descriptors()
    with Sandbox((SYMBOL, "ETHUSDT"), exchanges=plan.shapes, rate=plan.rate, seed=seed) as sandbox:
        pasts = {name: Past(sandbox._venues[name].listings[SYMBOL]) for name in plan.shapes}
        with _aggregating(plan, sandbox) as aggregator:
            witness = Witness(plan, aggregator, pasts, monotonic())
            aggregator.on("source_disconnected", listener(witness.lost))
            try:
                recovery = _lived(plan, sandbox, aggregator, witness)
            finally:
                stop_all([witness], Deadline(STOP_S))
    assert witness.failure is None, witness.failure
    return Outcome(plan, witness.sight, recovery, _left(threads, files), witness.last,
                   monotonic() - began)


@contextmanager
def _aggregating(plan: Plan, sandbox: Sandbox) -> Iterator[MultiSourceWebSocketAggregator]:
    """As the daemon puts it together."""
    known = {name: Alias(name, ALL[shape]) for name, shape in plan.shapes.items()}
    names = list(plan.shapes)
    aggregator = MultiSourceWebSocketAggregator(
        exchanges=names, primary_exchange=names[0], known=known, opinions_of=names,
        conflict_resolution=plan.resolution, max_source_latency=plan.limit_ms,
        failback_after=FAILBACK_MS, ws_urls={name: [sandbox.ws_url(name)] for name in names})
    for feed in aggregator.feeds.values():
        feed._backoff._base_s = feed._backoff._cap_s = BACKOFF_S
    pollers = {name: Poller(known[name], [sandbox.rest_url(name)], [parse_symbol(SYMBOL)],
                            opine=aggregator.opine) for name in names}
    aggregator.on("doubt", lambda doubt: pollers[doubt.exchange].ask(doubt.symbol))
    for symbol in (SYMBOL, "ETHUSDT"):
        aggregator.subscribe(symbol)
    aggregator.connect()
    for poller in pollers.values():
        poller.start()
    try:
        yield aggregator
    finally:
        stuck = aggregator.disconnect(STOP_S) + stop_all(pollers.values(), Deadline(STOP_S))
        workers = [*aggregator.workers, *pollers.values()]
        failed = {worker.name: worker.failure for worker in workers if worker.failure}
        assert not stuck and not failed, (stuck, failed)


def _lived(plan: Plan, sandbox: Sandbox, aggregator: MultiSourceWebSocketAggregator,
           witness: Witness) -> float | None:
    """Throw the faults, wait for the end of the last one, and for recovery."""
    sources = set(plan.shapes)
    eventually(lambda: set(aggregator.standing(SYMBOL).fit_since) == sources, START_S)
    began = witness._began = monotonic()
    witness.start()
    for at, act in sorted(_acts(plan, sandbox, witness), key=lambda one: one[0]):
        witness.stopping.wait(max(0.0, began + at - monotonic()))
        act()
    over = monotonic()
    deadline = Deadline(RECOVERY_S)
    while not deadline.passed:
        since = witness.good_since
        if since is not None and monotonic() - since > HELD_S and (
                aggregator.connected == len(sources)):
            return max(0.0, since - over)
        witness.stopping.wait(0.01)
    return None


def _acts(plan: Plan, sandbox: Sandbox, witness: Witness) -> Iterator[tuple[float, Any]]:
    """What is done when."""
    yield plan.over, lambda: None
    for at, percent in plan.jumps:
        yield at, lambda percent=percent: sandbox.jump(SYMBOL, percent)
    for one in plan.troubles:
        trouble = TROUBLES[one.name]
        yield one.start, lambda one=one: sandbox.fault(one.source, one.name, one.value)
        if trouble.like in SILENT:
            yield one.start, lambda one=one: witness.silenced(one.source)
            yield one.end, lambda one=one: witness.healed(one.source)
        if not trouble.once:
            yield one.end, lambda one=one: sandbox.heal(one.source, one.name)


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def _left(threads: set[threading.Thread], files: int) -> list[str]:
    """What is still there after a while."""
    deadline = Deadline(ENDED_S)
    for thread in set(threading.enumerate()) - threads:
        thread.join(deadline.left_s)
    gc.collect()  # the practice exchanges leave their selectors to it
    left = [thread.name for thread in set(threading.enumerate()) - threads]
    more = _descriptors() - files
    return left + ([f"{more} descriptors"] if more > 0 else [])
