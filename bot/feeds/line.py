"""What one source says of one symbol, watched message by message: is it news, is it credible?"""

import math
from collections import deque
from collections.abc import Callable

import msgspec

# A price this far from the one before is doubted until something speaks for it. Ordinary moves
# between two messages of a liquid market are some hundredths of a per cent.
DOUBTED = 0.0030
USUAL_MOVES = 6.0  # or this many times the source's own usual move over the time that has passed
NEAR = 0.0015  # what another source says this near the doubted price speaks for it
CONFIRM_COUNT = 3
CONFIRM_S = 0.25
CREDIT = 3  # messages after which a price may be compared with; a first push may be old
# After so long without a price the one before says nothing: a guard must not outlive an outage.
MEMORY_S = 10.0

SIGMA_EVERY_S = 0.5
SIGMA_SHARE = 0.05
LEAST_SIGMA, MOST_SIGMA = 0.00005, 0.0020  # of one second, as a share of the price
GAP_MEMORY_S = 120.0
RUSH_S = 2.0
MOST_RUSH = 0.01
PAST, PAST_EVERY_S = 80, 0.1  # prices kept, and how far apart
AHEAD_MS = 10_000

Others = Callable[[], float | None]
Content = tuple[float | None, ...]
Last = tuple[int | None, int | None, Content]  # stamp in ms, number, content


class Stream(msgspec.Struct):
    """The messages of one kind (trade, ticker, orderbook): which of them are news.

    gap_s: the longest pause between two of late, which fades within minutes. Feed thread only,
    but for `gap_s` and `at`, which anyone may read.
    """

    gap_s: float = 0.0
    at: float | None = None
    _ms: int | None = None
    _id: int | None = None
    _told: Content = ()

    def advances(
        self, event_ms: int | None, event_id: int | None, told: Content, now: float
    ) -> bool:
        """Whether the message tells anything: a later event, or another one at the same time.

        What is sent again, or an older event, is no sign of life, whatever its price.
        """
        held, number = self._ms, self._id
        # numbers rise; a lower one is of a connection that lags behind another one
        known = self._told and (event_id <= number if event_id is not None and number is not None
                                else told == self._told)
        if held is not None and event_ms is not None:
            if event_ms < held or (event_ms == held and known):
                return False
        elif known:
            return False
        self._ms, self._id, self._told = event_ms, event_id, told
        if self.at is not None:
            gap = now - self.at
            faded = self.gap_s * (1.0 - min(1.0, gap / GAP_MEMORY_S))
            self.gap_s = gap if gap > faded else faded
        self.at = now
        return True

    def runs_ahead(self, event_ms: int) -> bool:
        """Whether the newest event was stamped far later than this one."""
        return self._ms is not None and self._ms - event_ms > AHEAD_MS

    @property
    def last(self) -> Last:
        """Stamp, number and content of the newest; nothing right after `forget`."""
        return self._ms, self._id, self._told

    def forget(self) -> None:
        """A new connection: what it repeats is its own first word, and the pause was no pause."""
        self._ms = self._id = self.at = None
        self._told = ()


class Line(msgspec.Struct):
    """The credible prices of one source for one symbol: a single wild tick is none of them.

    A price far from the one before is held back. It is believed once another source says the same,
    or once it has been said CONFIRM_COUNT times over CONFIRM_S; then `step_at` tells when, for
    nobody else has confirmed it yet. One thread, the feed's, calls `admit`; the fields may be read
    by anyone.

    price: the last credible one. at: monotonic s of it. sigma: its usual move within a second, as
    a share of it. held: the price that is doubted, if any; held_at: monotonic s of it. refused:
    prices that were held back.
    """

    price: float = 0.0
    at: float = -math.inf
    sigma: float = 4 * LEAST_SIGMA
    step_at: float | None = None
    held: float | None = None
    held_at: float = -math.inf
    refused: int = 0
    _held_since: float = 0.0
    _held_count: int = 0
    _credit: int = 0
    _mark: float = 0.0
    _mark_at: float = -math.inf
    _rush: float = 0.0
    _past: deque[tuple[float, float]] = msgspec.field(default_factory=deque)

    def admit(self, price: float, now: float, others: Others) -> bool:
        """Whether `price` may be served as what this source says.

        others: tells what the other sources say, None if there are none; asked where it matters.
        """
        last, passed = self.price, now - self.at
        if passed > MEMORY_S:
            if last and abs(price - last) > DOUBTED * last:
                self.step_at = now  # unless another source says the same, nobody knows
            self._restart(price, now)
            return True
        move = abs(price - last)
        if move > DOUBTED * last and move > USUAL_MOVES * self.sigma * math.sqrt(passed) * last:
            if self._credit < CREDIT:
                self.step_at = now
                self._restart(price, now)
                return True
            return self._doubt(price, now, others())
        self._rush = self._rush * max(0.0, 1.0 - passed / RUSH_S) + price / last - 1.0
        self._believe(price, now)
        if now - self._mark_at > SIGMA_EVERY_S:
            self._learn(price, now)
        return True

    def is_near(self, price: float) -> bool:
        """Whether a price that came too late to be compared in time may be this source's."""
        return not self.price or abs(price - self.price) <= DOUBTED * self.price

    def before(self, at: float) -> float | None:
        """The credible price at a moment of the last seconds, to PAST_EVERY_S; None if unknown."""
        return next((price for when, price in reversed(list(self._past)) if when <= at), None)

    def rush(self, now: float) -> float:
        """The move of about the last two seconds, as a share of the price, rising or falling."""
        return self._rush * max(0.0, 1.0 - (now - self.at) / RUSH_S)

    def _believe(self, price: float, now: float) -> None:
        self.price, self.at, self.held = price, now, None
        self._credit += 1
        if not self._past or now - self._past[-1][0] > PAST_EVERY_S:
            self._past.append((now, price))
            if len(self._past) > PAST:
                self._past.popleft()

    def _restart(self, price: float, now: float) -> None:
        """Begin anew: what was before says nothing of this price, nor of usual moves."""
        self._credit = 0
        self._rush = 0.0
        self._mark_at = -math.inf
        self._believe(price, now)

    def _doubt(self, price: float, now: float, others: float | None) -> bool:
        if others is not None and abs(price - others) <= NEAR * others:
            # a source that comes back from nonsense has not rushed, however far it came
            self._rush = max(-MOST_RUSH, min(MOST_RUSH, price / self.price - 1.0))
            self._believe(price, now)
            return True
        if self.held is None or abs(price - self.held) > DOUBTED * self.held:
            self._held_since, self._held_count = now, 0
        self.held, self.held_at = price, now
        self._held_count += 1
        if self._held_count >= CONFIRM_COUNT and now - self._held_since >= CONFIRM_S:
            self.step_at = now
            self._believe(price, now)
            return True
        self.refused += 1
        return False

    def _learn(self, price: float, now: float) -> None:
        passed = now - self._mark_at
        if passed < MEMORY_S and self._mark:
            move = (price / self._mark - 1.0) / math.sqrt(passed)
            square = self.sigma * self.sigma
            square += SIGMA_SHARE * (move * move - square)
            self.sigma = min(MOST_SIGMA, max(LEAST_SIGMA, math.sqrt(square)))
        self._mark, self._mark_at = price, now
