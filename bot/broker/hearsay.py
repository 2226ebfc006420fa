"""What other instances say in a topic -> prices, by the judgement that the streams go through.

It is evidence at second hand: how old it is cannot be measured, only be shown by stamps
(bot.broker.stamps), and by the same stamps a backlog is old.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from time import monotonic, time

import msgspec

from bot.broker.sorting import NOBODY, Counts, Opened, Received, Sorter
from bot.broker.stamps import Stamps, Whose
from bot.broker.wire import as_update
from bot.errors import ImplausibleStamp, NoQuote, ParseError, StaleQuote
from bot.events import Listener, Publisher
from bot.feeds.intake import Intake
from bot.folding import Fold, Report
from bot.judging.announcer import Announcer
from bot.judging.desk import Desk
from bot.judging.explanation import Explanation
from bot.judging.fitness import Policy
from bot.judging.resolution import Resolution
from bot.model import FeedHealth, Quote

TIER = "kafka"
MAX_AGE_S = 10.0
RECENT_S = 5.0
JUDGE_ALL_S = 0.2
# what an Announcer tells
TOLD = ("source_judged", "source_activated", "source_switch", "failover_failed", "verdict_changed")
LOG_APPEND_TIME = 1  # the broker's stamp, and not the writer's


class Hearsay:
    """The newest of every (exchange, symbol) and type, judged. All but `quote` and what is told of
    it is for the reader's thread.
    """

    def __init__(
        self,
        instance: str,
        symbols: Iterable[str],
        exchanges: Iterable[str],
        policy: Policy,
        resolution: Resolution,
        report: Report = lambda reason, count: None,
        mono: Callable[[], float] = monotonic,
        wall: Callable[[], float] = time,
    ) -> None:
        """exchanges: whose prices count, in the order in which they are preferred; who writes to
        the topic must not be able to bring votes of its own making. report: told of poison, and
        how often it was seen.
        """
        self._instance = instance
        self._mono, self._wall = mono, wall
        self.symbols = tuple(symbols)
        self.desk = Desk(policy, resolution, MAX_AGE_S)
        self._sorter = Sorter(instance, self.symbols)
        self._stamps = Stamps(MAX_AGE_S, mono, wall)
        self._publisher = Publisher(("market_data", *TOLD))
        self._announcer: Announcer | None = None  # while somebody listens
        self._order = tuple(exchanges)
        self._since: dict[str, float] = {}  # exchange -> monotonic s of its first record
        self._told_by: dict[tuple[str, str], str] = {}  # (exchange, symbol) -> instance
        self._touched: set[str] = set()  # symbols with news since the last judgement
        self._judged_at = float("-inf")  # monotonic s of the last judgement of all
        self._fold = Fold(report)
        # symbol -> monotonic s of its last record, and that one's age
        self._late: dict[str, tuple[float, float]] = {}
        self._refused = (float("-inf"), "")  # monotonic s of the last one refused, and why

    def tell(self, listeners: Mapping[str, Listener]) -> None:
        """Have every change told. listeners: by the events in TOLD. To be called before the start.
        """
        for event, listener in listeners.items():
            self._publisher.on(event, listener)
        self._announcer = Announcer(self._publisher, self._mono, self._wall)

    # ---- the reader's thread

    def take(self, records: Iterable[Received]) -> None:
        """Take what was read together, in the order of its partitions."""
        now, wall = self._mono(), self._wall()
        for same in self._sorter.newest_first(self._opened(records, now)):
            self._take_newest(same, now, wall)

    def judge(self) -> None:
        """Judge what news came of; all of them only so often, for they may be hundreds."""
        healths, now = self.healths(), self._mono()
        self._fold.remind(now)
        due = now - self._judged_at >= JUDGE_ALL_S
        if due:
            self._judged_at = now
        for symbol in self.symbols if due else self._touched:
            before, case, _ = self.desk.judge(symbol, healths, now)
            if self._announcer is not None:
                self._announcer.judged(before, case, self.desk.outcome(case),
                                       self.desk.policy.max_latency_s)
        self._touched.clear()

    def _take_newest(self, same: list[Opened], now: float, wall: float) -> None:
        """One that a false stamp puts before the others must not hide them."""
        for number, opened in enumerate(same, 1):
            try:
                self._admit(opened, now, wall)
            except ImplausibleStamp as error:
                self.counts.implausible += 1
                self._refuse("stamp", f"record of {opened.writer} refused: {error}", now)
                continue
            self.counts.taken += 1
            self.counts.conflated += len(same) - number
            return

    def _opened(self, records: Iterable[Received], now: float) -> Iterator[Opened]:
        for record in records:
            try:
                opened = self._sorter.open(record)
            except ParseError as error:
                self.counts.poison += 1
                self._refuse("poison", f"record skipped: {error}", now)
                continue
            if opened is not None and opened.message.exchange.lower() not in self._order:
                self.counts.others += 1
            elif opened is not None:
                yield opened

    def _admit(self, opened: Opened, now: float, wall: float) -> None:
        """Raises: ImplausibleStamp."""
        message, exchange = opened.message, opened.message.exchange.lower()
        late_s = self._stamps.late_s(_stamps(opened, exchange), now, wall)
        update = as_update(message, opened.symbol, int(wall * 1000), now)
        self._late[opened.symbol] = now, late_s
        self._touched.add(opened.symbol)
        if self._intake(exchange, now).take([update], now, late_s):
            self._told_by[exchange, opened.symbol] = opened.writer

    def _intake(self, exchange: str, now: float) -> Intake:
        intake = self.desk.intakes.get(exchange)
        if intake is None:
            intake = self.desk.intakes[exchange] = Intake(
                exchange, self.desk.store, self._publisher,
                self.desk.reference, self._mono, self._wall)
            self._since[exchange] = now
        return intake

    def _refuse(self, kind: str, words: str, now: float) -> None:
        self._refused = now, words
        self._fold.tell(kind, words, now)

    # ---- any thread

    @property
    def counts(self) -> Counts:
        """What became of the records."""
        return self._sorter.counts

    def healths(self) -> list[FeedHealth]:
        """One for each exchange that was heard."""
        return [FeedHealth(source=exchange, connected_since=self._since[exchange], latency_s=None,
                           event_lag_s=None, messages_received=0, errors=0, last_update=None,
                           detail="")
                for exchange in self._order if exchange in self._since]

    def quote(self, symbol: str) -> Quote:
        """Raises: NoQuote, StaleQuote, UntrustedQuote."""
        now = self._mono()
        try:
            quote = self.desk.quote(symbol, self.healths(), now)
        except StaleQuote as error:
            raise StaleQuote(f"{error}{self._hint(symbol, now)}") from error
        except NoQuote as error:
            was_read = any(told == symbol for _, told in list(self._told_by))
            words = str(error) if was_read else f"nothing of {symbol} was read yet"
            raise NoQuote(f"{words}{self._hint(symbol, now)}") from None
        told_by = sorted({self._told_by.get((exchange, symbol), NOBODY)
                          for exchange in (quote.exchange, *quote.exchanges) if exchange})
        return msgspec.structs.replace(
            quote, source=TIER, reason=f"{quote.reason}; told by {', '.join(told_by)}")

    def explain(self, symbol: str) -> Explanation:
        """Every exchange that was heard, and the rule that took or refused its price."""
        return self.desk.explain(symbol, self.healths(), self._mono())

    def _hint(self, symbol: str, now: float) -> str:
        """What may be behind it, if anything was read lately."""
        at, late_s = self._late.get(symbol, (float("-inf"), 0.0))
        if now - at < RECENT_S and late_s >= MAX_AGE_S:
            return (f"; records come {late_s:.0f} s late by this machine's clock: "
                    f"a backlog, or one of the clocks is wrong")
        at, words = self._refused
        if now - at < RECENT_S:
            return f"; {words}"
        if self.counts.own and not self.counts.taken:
            return (f"; only records of this very instance: give each daemon its own INSTANCE_ID, "
                    f"this one is {self._instance!r}")
        return ""


def _stamps(opened: Opened, exchange: str) -> list[tuple[Whose, int]]:
    """Every stamp there is, each with whose it is. Raises: ImplausibleStamp where there is none."""
    message, record = opened.message, opened.record
    stamps: list[tuple[Whose, int]] = []
    if message.timestamp is not None:
        stamps.append((("exchange", exchange), message.timestamp))
    if message.received_at is not None:
        stamps.append((("instance", opened.writer), message.received_at))
    if record.timestamp_type == LOG_APPEND_TIME:
        stamps.append((("broker", ""), record.timestamp))
    if not stamps and record.timestamp > 0:
        stamps.append((("record of", opened.writer), record.timestamp))
    if not stamps:
        raise ImplausibleStamp("it bears no time stamp at all")
    return stamps
