"""What readers of a price saw during a drill: fed sample by sample, pure of threads and clocks."""

from collections.abc import Mapping

import msgspec

from bot.model import Quote

NO_PRICE = "none"


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a drill showed. Times in ms, steps in 1/10,000 of the price; None where nothing was.

    active_during: who was active last while the fault was on. unfit_after_ms: from the fault, which
    a feed begins within 0.2 s, to the judgement that the source is not fit. switched_after_ms: from
    the fault to another active source; price_step_bps: from the last real price served before that
    to the first one after it. blackout_any_ms, blackout_trusted_ms: how long a reader of any real
    price, and a reader who takes only a trusted one, got none. worst_age_ms: the oldest real price
    served.
    statuses: how long the price served had each status, `none` standing for no price. came_back:
    the source was fit again at the end. back_after_ms: from the end of the fault until who was
    active before was active again, and the source fit. interrupted: the bot stopped meanwhile.
    """

    active_before: str | None
    active_during: str | None
    active_after: str | None
    unfit_after_ms: float | None
    switched_after_ms: float | None
    price_step_bps: float | None
    blackout_any_ms: float
    blackout_trusted_ms: float
    worst_age_ms: float | None
    statuses: Mapping[str, float]
    came_back: bool
    back_after_ms: float | None
    samples: int
    interrupted: bool


class Witness:
    """Two readers: one takes any price, the other only trusted ones.

    What a sample saw is held to last until the next one. Made-up prices are no prices here.
    """

    def __init__(self, source: str, began: float, ends: float) -> None:
        """source: on which the fault is, from `began` to `ends`, monotonic s."""
        self._source, self._began, self._ends = source, began, ends
        self._last: tuple[float, str, bool, bool] | None = None
        self._statuses: dict[str, float] = {}
        self._without_any_s = self._without_trusted_s = 0.0
        self._worst_age_s: float | None = None
        self._price: float | None = None
        self._unfit_s: float | None = None
        self._switched_s: float | None = None
        self._left_price: float | None = None
        self._step_bps: float | None = None
        self._before: str | None = None
        self._during: str | None = None
        self._after: str | None = None
        self._back_s: float | None = None
        self._fit = False
        self._samples = 0

    def sample(
        self, now: float, active: str | None, fit: bool, served: Quote | None,
        trusted: Quote | None,
    ) -> None:
        """fit: the source is. served: the best for a reader of any price; trusted: of such ones."""
        self._lasted(now)
        real = served if served is not None and not served.synthetic else None
        status = served.status if served is not None else NO_PRICE
        self._last = (now, status, real is not None, trusted is not None)
        if self._samples == 0:
            self._before = self._during = active
        self._samples += 1
        self._after, self._fit = active, fit
        if not fit and self._unfit_s is None:
            self._unfit_s = now - self._began
        self._watch_active(now, active)
        self._watch_price(real)
        if now < self._ends:
            self._during = active
        elif self._back_s is None and fit and active == self._before:
            self._back_s = now - self._ends

    @property
    def back(self) -> bool:
        """All is as it was before the fault."""
        return self._back_s is not None

    def report(self, now: float, interrupted: bool) -> Report:
        self._lasted(now)
        return Report(
            active_before=self._before, active_during=self._during, active_after=self._after,
            unfit_after_ms=_ms(self._unfit_s), switched_after_ms=_ms(self._switched_s),
            price_step_bps=self._step_bps,
            blackout_any_ms=self._without_any_s * 1000,
            blackout_trusted_ms=self._without_trusted_s * 1000,
            worst_age_ms=_ms(self._worst_age_s),
            statuses={status: s * 1000 for status, s in self._statuses.items()},
            came_back=self._fit, back_after_ms=_ms(self._back_s), samples=self._samples,
            interrupted=interrupted)

    def _lasted(self, now: float) -> None:
        """Book what the last sample saw for the time until now."""
        if self._last is None:
            return
        at, status, any_price, trusted_price = self._last
        self._last = (now, status, any_price, trusted_price)
        for_s = now - at
        self._statuses[status] = self._statuses.get(status, 0.0) + for_s
        self._without_any_s += 0.0 if any_price else for_s
        self._without_trusted_s += 0.0 if trusted_price else for_s

    def _watch_active(self, now: float, active: str | None) -> None:
        left = self._before == self._source and active not in (self._source, None)
        if left and self._switched_s is None:
            self._switched_s = now - self._began
            self._left_price = self._price

    def _watch_price(self, real: Quote | None) -> None:
        if real is None:
            return
        self._worst_age_s = max(self._worst_age_s or 0.0, real.age_s)
        if self._left_price is not None and self._step_bps is None:
            self._step_bps = (real.price / self._left_price - 1.0) * 10_000
        self._price = real.price


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000
