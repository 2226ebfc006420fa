"""Tier 3: OKX over REST, asked only while somebody needs it.

Being asked for a quote is what makes it poll; when nobody has asked for a while it stops. While
the streams are fresh the chain never gets here, and no request leaves the machine.
"""

from collections.abc import Callable, Sequence
from time import monotonic, time

from bot.errors import NoQuote, StaleQuote
from bot.exchanges import okx
from bot.folding import Report
from bot.judging.agreement import UNKNOWN_BASIS
from bot.model import MarketDataUpdate, Opinion, Quote
from bot.sources.poller import WANTED_FOR_S, Poller
from bot.symbols import Symbol

CLOCK_ERROR_S = 60.0  # a stamp may seem so old by a clock that is wrong; beyond it is old
MAX_AGE_S = 10.0


class RestSource(Poller):
    """The newest ticker of every wanted symbol."""

    tier = "okx"
    synthetic = False

    def __init__(
        self,
        urls: Sequence[str],
        symbols: Sequence[Symbol],
        report: Report = lambda reason, count: None,
        opine: Callable[[Opinion], None] = lambda opinion: None,
        *,
        wanted_for_s: float = WANTED_FOR_S,
        doubted: Callable[[str], str | None] = lambda symbol: None,
        mono: Callable[[], float] = monotonic,
        wall: Callable[[], float] = time,
    ) -> None:
        """doubted: why OKX is not believed about a symbol at the moment, by what its stream says;
        None if nothing is held against it.
        """
        super().__init__(okx, urls, symbols, report, opine, wanted_for_s=wanted_for_s, mono=mono,
                         wall=wall)
        self._doubted = doubted
        self._newest: dict[str, tuple[MarketDataUpdate, float]] = {}  # and when it was current
        self._behind: dict[str, int] = {}  # the last stamp that was older than the one held

    def quote(self, symbol: str) -> Quote:
        """Raises: NoQuote, StaleQuote. Thread: any; each call keeps the polling going."""
        if symbol not in self._natives:
            raise NoQuote(f"{symbol} is not configured")
        self.want(symbol)
        held, fault = self._newest.get(symbol), self._faults.get(symbol) or self._outage
        if held is None:
            raise NoQuote(fault or "first answer is on its way")
        update, fresh_at = held
        age = self._mono() - fresh_at
        if age >= MAX_AGE_S:
            raise StaleQuote(fault or f"the newest ticker is {age:.1f} s old")
        doubt = self._doubted(symbol)
        spread = update.ask - update.bid if update.bid and update.ask else 0.0
        return Quote(
            symbol=symbol, price=update.price, bid=update.bid, ask=update.ask,
            volume=update.volume, source=self.tier, exchange=okx.NAME, timestamp=update.timestamp,
            received_at=update.received_at, age_s=age, trusted=doubt is None,
            status="disputed" if doubt else "degraded",
            reason=f"okx {doubt}" if doubt else "polled because no stream is fresh",
            sources_used=("okx rest",),
            # nobody confirms it, and it is as old as it says
            confidence=spread / 2 + update.price * UNKNOWN_BASIS * (1.0 + age),
        )

    def taken(self, symbol: str, update: MarketDataUpdate) -> None:
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
