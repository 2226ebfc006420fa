"""One exchange's REST ticker, asked on a thread of its own, and only while somebody wants it."""

import math
import threading
from collections.abc import Callable, Sequence
from time import monotonic, time
from typing import NamedTuple

import requests
import urllib3

from bot.causes import REST_RESULTS, RestResult
from bot.errors import BotError, ExchangeError, NoQuote, ParseError
from bot.exchanges.base import Exchange
from bot.feeds.pacing import Pacer
from bot.folding import Fold, Report
from bot.limits import LIMITED, retry_after_s
from bot.model import MarketDataUpdate, Opinion
from bot.sources.budget import Budget
from bot.symbols import Symbol
from bot.wording import worded
from bot.worker import Detached, Worker

POLL_EVERY_S = 1.0  # for each symbol
WANTED_FOR_S = 5.0  # after the last time somebody asked
REQUESTS_PER_S = 8
REQUEST_S = 4.0
READ_S = 3.0
STRAYS = 3  # requests that hang beyond REQUEST_S; with so many no new one is begun
BODY_LIMIT = 1 << 20
PACE_S = 0.05
PAUSED = (*LIMITED, 503)  # who is out of order is left alone for a while too
PAUSE_S = 2.0  # where Retry-After does not say how long


class Answer(NamedTuple):
    """used: what the answer tells of the budget."""

    status: int
    retry_after: str
    used: str
    body: bytes


class Unanswered(NoQuote):
    """No usable answer. result: by which it is counted; None: it was given up at the stop."""

    def __init__(self, message: str, result: RestResult | None) -> None:
        super().__init__(message)
        self.result = result


class Poller(Worker):
    """Asks for the ticker of a symbol once a second while it is wanted, or once, and tells `opine`.

    Both exchanges allow far more than REQUESTS_PER_S: OKX 20 requests in 2 s ("GET ticker",
    2026-07-17), Binance 3,000 a minute of weight 2 (rest-api.md, 2026-07-21). Beyond some 70
    symbols a round takes longer than a price may be old.

    requests: that were sent. results: questions, by what came of them. budget: how much of what is
    allowed that uses.
    """

    def __init__(
        self,
        exchange: Exchange,
        urls: Sequence[str],
        symbols: Sequence[Symbol],
        report: Report = lambda reason, count: None,
        opine: Callable[[Opinion], None] = lambda opinion: None,
        *,
        wanted_for_s: float = WANTED_FOR_S,
        mono: Callable[[], float] = monotonic,
        wall: Callable[[], float] = time,
    ) -> None:
        """report: called on this thread with a fault and how often it was seen; opine: with every
        answer. wanted_for_s: how long one question keeps it polling; longer than who asks pauses
        between two questions.
        """
        super().__init__(f"rest-{exchange.NAME}")
        self._exchange = exchange
        self._urls = list(urls)
        self._natives = {symbol.name: exchange.native(symbol) for symbol in symbols}
        self._canonical = {native: name for name, native in self._natives.items()}
        self._opine = opine
        self._mono, self._wall = mono, wall
        self._fold = Fold(report)
        self._pacer = Pacer(REQUESTS_PER_S)
        self._wanted_for_s = wanted_for_s
        self._session = requests.Session()
        self._wanted: dict[str, float] = {}  # symbol -> monotonic s up to which it is wanted
        self._once: set[str] = set()  # symbols to poll once
        self._asked = threading.Event()
        self._faults: dict[str, str] = {}
        self._outage = ""  # what keeps every symbol from being answered
        self._not_before = 0.0
        self._strays: list[Detached[Answer]] = []
        self.requests = 0
        self.results: dict[RestResult, int] = dict.fromkeys(REST_RESULTS, 0)
        self.budget = Budget(exchange.REST_ALLOWS, mono)

    def want(self, symbol: str) -> None:
        """Keep polling a canonical symbol for a while. Thread: any."""
        self._wanted[symbol] = self._mono() + self._wanted_for_s
        self._asked.set()

    def ask(self, symbol: str) -> None:
        """Poll it once, soon. Thread: any."""
        if symbol in self._natives:
            self._once.add(symbol)
            self._asked.set()

    def stop(self) -> None:
        super().stop()
        self._asked.set()

    def step(self) -> None:
        now, wanted = self._mono(), self._wanted_now()
        self._fold.remind(now)
        if not wanted:
            self._asked.clear()
            # a question or a stop that came before the clearing is seen here, a later one wakes us
            if not self.stopping.is_set() and not self._wanted_now():
                self._asked.wait(self._until_due(now))
            return
        if now < self._not_before:
            self.stopping.wait(min(1.0, self._not_before - now))
            return
        for symbol in wanted:
            while not self._pacer.may_send(self._mono()) and not self.stopping.wait(PACE_S):
                pass
            if self._mono() >= self._not_before and not self.stopping.is_set():
                self._poll(symbol)
        self.stopping.wait(max(0.0, now + POLL_EVERY_S - self._mono()))

    def close(self) -> None:
        self._session.close()

    def taken(self, symbol: str, update: MarketDataUpdate) -> None:
        """An answer came; for those who keep it. Thread: this one."""

    def _wanted_now(self) -> list[str]:
        now = self._mono()
        wanted = [symbol for symbol, until in list(self._wanted.items()) if now < until]
        return list(dict.fromkeys([*wanted, *list(self._once)]))

    def _until_due(self, now: float) -> float | None:
        """s until a fault is to be told of again; None: there is none."""
        return None if self._fold.due == math.inf else max(0.0, self._fold.due - now)

    def _poll(self, symbol: str) -> None:
        asked_mono = self._mono()
        self._once.discard(symbol)
        try:
            body = self._fetch(self._exchange.ticker_url(self._urls[0], self._natives[symbol]))
            update = self._exchange.parse_ticker(
                body, self._canonical, int(self._wall() * 1000), self._mono())
            if update.symbol != symbol:
                raise Unanswered(f"asked for {symbol}, was told of {update.symbol}", "unreadable")
            self.results["ok"] += 1
            self.taken(symbol, update)
            # as of the question, since nobody knows when in the meantime it was answered
            self._opine(Opinion(self._exchange.NAME, symbol, update.price, update.bid, update.ask,
                                update.timestamp, asked_mono))
            self._faults.pop(symbol, None)
            self._outage = ""
        except (Unanswered, ParseError, ExchangeError) as error:
            self._count(error)
            self._fail(symbol, error)

    def _fetch(self, url: str) -> bytes:
        """The body of a 200 answer. Raises: Unanswered. Returns within a second of stop()."""
        self._strays = [stray for stray in self._strays if not stray.ended]
        if len(self._strays) >= STRAYS:
            raise Unanswered(f"{len(self._strays)} requests hang", "hanging")
        self.requests += 1
        self.budget.asked()
        call = Detached(f"{self.name}-request", lambda: self._get(url))
        for _ in range(int(REQUEST_S / 0.25)):
            if call.wait(0.25) or self.stopping.is_set():
                break
        if not call.ended:
            self._strays.append(call)
            if self.stopping.is_set():
                raise Unanswered("stopped", None)
            raise Unanswered(f"no answer within {REQUEST_S:g} s", "timeout")
        try:
            status, retry_after, used, body = call.result()
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            timeout = isinstance(error, requests.Timeout | urllib3.exceptions.TimeoutError)
            raise Unanswered(worded(error), "timeout" if timeout else "network") from error
        self.budget.told(used)
        if status in PAUSED:
            pause_s = retry_after_s(retry_after, self._wall())
            self._not_before = self._mono() + (PAUSE_S if pause_s is None else pause_s)
        if status != 200:
            raise Unanswered(f"HTTP status {status}",
                             "limited" if status in PAUSED else "status")
        return body

    def _get(self, url: str) -> Answer:
        with self._session.get(url, timeout=READ_S, stream=True) as response:
            body = response.raw.read(BODY_LIMIT + 1, decode_content=True)
            if len(body) > BODY_LIMIT:
                raise requests.RequestException(f"answer of more than {BODY_LIMIT} bytes")
            used = response.headers.get(self._exchange.REST_ALLOWS.header or "", "")
            return Answer(response.status_code, response.headers.get("Retry-After", ""), used, body)

    def _count(self, error: Unanswered | ParseError | ExchangeError) -> None:
        result: RestResult | None = "refused" if isinstance(error, ExchangeError) else "unreadable"
        if isinstance(error, Unanswered):
            result = error.result
        if result is not None:
            self.results[result] += 1

    def _fail(self, symbol: str, error: BotError) -> None:
        if self.stopping.is_set():
            return
        self._faults[symbol] = str(error)
        if isinstance(error, NoQuote):
            self._outage = str(error)
        self._urls.append(self._urls.pop(0))
        self._fold.tell(str(error), str(error), self._mono())
