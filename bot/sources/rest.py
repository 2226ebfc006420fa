"""Tier 3: OKX over REST, asked only while somebody needs it.

Being asked for a quote is what makes it poll; when nobody has asked for a while it stops. While
the streams are fresh the chain never gets here, and no request leaves the machine. OKX allows 20
requests in 2 s ("GET ticker", 2026-07-17), so beyond some 70 symbols a round takes longer than a
price may be old.
"""

import threading
from collections.abc import Callable, Sequence
from time import monotonic, time

import requests
import urllib3

from bot.errors import BotError, ExchangeError, NoQuote, ParseError, StaleQuote
from bot.exchanges import okx
from bot.folding import Fold
from bot.model import MarketDataUpdate, Quote
from bot.pacing import Pacer
from bot.symbols import Symbol
from bot.wording import worded
from bot.worker import Detached, Worker

POLL_EVERY_S = 1.0  # for each symbol
WANTED_FOR_S = 5.0  # after the last time somebody asked
REQUESTS_PER_S = 8
CLOCK_ERROR_S = 60.0  # a stamp may seem so old by a clock that is wrong; beyond it is old
MAX_AGE_S = 10.0
REQUEST_S = 4.0
READ_S = 3.0
STRAYS = 3  # requests that hang beyond REQUEST_S; with so many no new one is begun
BODY_LIMIT = 1 << 20
PACE_S = 0.05
LIMITED = (418, 429, 503)
LIMITED_PAUSE_S = 2.0  # where Retry-After does not say how long
LONGEST_PAUSE_S = 3600.0

Answer = tuple[int, str, bytes]  # status, Retry-After, body

Report = Callable[[str, int], None]


class RestSource(Worker):
    """Polls the ticker of every wanted symbol, on its own thread."""

    tier = "okx"
    synthetic = False

    def __init__(
        self,
        urls: Sequence[str],
        symbols: Sequence[Symbol],
        report: Report = lambda reason, count: None,
        *,
        wanted_for_s: float = WANTED_FOR_S,
        mono: Callable[[], float] = monotonic,
        wall: Callable[[], float] = time,
    ) -> None:
        """report: called on this thread with a fault and how often it was seen. wanted_for_s: how
        long one question keeps it polling; longer than who asks pauses between two questions.
        """
        super().__init__("rest-okx")
        self._urls = list(urls)
        self._natives = {symbol.name: okx.native(symbol) for symbol in symbols}
        self._canonical = {native: name for name, native in self._natives.items()}
        self._report = report
        self._mono, self._wall = mono, wall
        self._fold = Fold()
        self._pacer = Pacer(REQUESTS_PER_S)
        self._wanted_for_s = wanted_for_s
        self._session = requests.Session()
        self._wanted: dict[str, float] = {}  # symbol -> monotonic s of the last question
        self._asked = threading.Event()
        self._newest: dict[str, tuple[MarketDataUpdate, float]] = {}  # and when it was current
        self._behind: dict[str, int] = {}  # the last stamp that was older than the one held
        self._faults: dict[str, str] = {}
        self._outage = ""  # what keeps every symbol from being answered
        self._not_before = 0.0
        self._strays: list[Detached[Answer]] = []
        self.requests = 0

    def quote(self, symbol: str) -> Quote:
        """Raises: NoQuote, StaleQuote. Thread: any; each call keeps the polling going."""
        if symbol not in self._natives:
            raise NoQuote(f"{symbol} is not configured")
        now = self._mono()
        self._wanted[symbol] = now
        self._asked.set()
        held, fault = self._newest.get(symbol), self._faults.get(symbol) or self._outage
        if held is None:
            raise NoQuote(fault or "first answer is on its way")
        update, fresh_at = held
        age = now - fresh_at
        if age >= MAX_AGE_S:
            raise StaleQuote(fault or f"the newest ticker is {age:.1f} s old")
        return Quote(
            symbol=symbol, price=update.price, bid=update.bid, ask=update.ask,
            volume=update.volume, source=self.tier, exchange=okx.NAME, timestamp=update.timestamp,
            received_at=update.received_at, age_s=age, trusted=True,
            reason="polled because no stream is fresh", status="degraded",
        )

    def stop(self) -> None:
        super().stop()
        self._asked.set()

    def step(self) -> None:
        now, wanted = self._mono(), self._wanted_now()
        if not wanted:
            self._asked.clear()
            # a question or a stop that came before the clearing is seen here, a later one wakes us
            if not self.stopping.is_set() and not self._wanted_now():
                self._asked.wait()
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

    def _wanted_now(self) -> list[str]:
        now = self._mono()
        return [symbol for symbol, at in list(self._wanted.items())
                if now - at < self._wanted_for_s]

    def _poll(self, symbol: str) -> None:
        try:
            body = self._fetch(okx.ticker_url(self._urls[0], self._natives[symbol]))
            update = okx.parse_ticker(body, self._canonical, int(self._wall() * 1000), self._mono())
            if update.symbol != symbol:
                raise NoQuote(f"asked for {symbol}, was told of {update.symbol}")
            self._keep(symbol, update)
            self._faults.pop(symbol, None)
            self._outage = ""
        except (NoQuote, ParseError, ExchangeError) as error:
            self._fail(symbol, error)

    def _keep(self, symbol: str, update: MarketDataUpdate) -> None:
        """Keep news only. A ticker whose stamp does not advance grows old, whoever sends it.

        Several caches answer under one name, and a later answer may be older: there is no step
        back. But when what is held has grown too old to serve while the stamps behind it advance,
        it was the held one that came from the future.
        """
        stamp, held = update.timestamp or 0, self._newest.get(symbol)
        if held is not None and stamp <= (held[0].timestamp or 0):
            advances = self._behind.get(symbol, stamp) < stamp < (held[0].timestamp or 0)
            self._behind[symbol] = stamp
            if not advances or update.received_mono - held[1] < MAX_AGE_S:
                return
        late = update.received_at / 1000 - stamp / 1000
        self._newest[symbol] = (
            update, update.received_mono - (late if late > CLOCK_ERROR_S else 0.0))

    def _fetch(self, url: str) -> bytes:
        """The body of a 200 answer. Raises: NoQuote. Returns within a second of stop()."""
        self._strays = [stray for stray in self._strays if not stray.ended]
        if len(self._strays) >= STRAYS:
            raise NoQuote(f"{len(self._strays)} requests hang")
        self.requests += 1
        call = Detached("rest-okx-request", lambda: self._get(url))
        for _ in range(int(REQUEST_S / 0.25)):
            if call.wait(0.25) or self.stopping.is_set():
                break
        if not call.ended:
            self._strays.append(call)
            raise NoQuote("stopped" if self.stopping.is_set()
                          else f"no answer within {REQUEST_S:g} s")
        try:
            status, retry_after, body = call.result()
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise NoQuote(worded(error)) from error
        if status in LIMITED:
            pause = float(retry_after) if retry_after.isdecimal() else LIMITED_PAUSE_S
            self._not_before = self._mono() + min(pause, LONGEST_PAUSE_S)
        if status != 200:
            raise NoQuote(f"HTTP status {status}")
        return body

    def _get(self, url: str) -> Answer:
        with self._session.get(url, timeout=READ_S, stream=True) as response:
            body = response.raw.read(BODY_LIMIT + 1, decode_content=True)
            if len(body) > BODY_LIMIT:
                raise requests.RequestException(f"answer of more than {BODY_LIMIT} bytes")
            return response.status_code, response.headers.get("Retry-After", ""), body

    def _fail(self, symbol: str, error: BotError) -> None:
        if self.stopping.is_set():
            return
        self._faults[symbol] = str(error)
        if isinstance(error, NoQuote):
            self._outage = str(error)
        self._urls.append(self._urls.pop(0))
        if count := self._fold.count(str(error), self._mono()):
            self._report(str(error), count)
