"""The priority chain: the first tier that has a price serves it."""

import logging
from collections.abc import Mapping, Sequence

from bot.errors import DisputedQuote, NoQuote, SourceError, StaleQuote, UntrustedQuote
from bot.logs.facts import facts
from bot.model import Quote
from bot.sources.base import SWITCHED_OFF, NoSource, Source

log = logging.getLogger(__name__)


class Chain:
    """Tiers, best first. Asking it blocks nobody, since no tier waits for anything."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = tuple(sources)

    @property
    def tiers(self) -> dict[str, str | None]:
        """Each tier, best first, with why it is not there at all; None for those that are."""
        return {source.tier: source.why if isinstance(source, NoSource) else None
                for source in self._sources}

    def poll(self, symbol: str, max_age_s: float | None = None) -> Quote:
        """First price down the chain.

        max_age_s: when given, a price that is older, synthetic or not trusted is passed over too,
        and one that is disputed ends the search: the tiers below it are of those that disagree.
        Raises: NoQuote, whose `reasons` maps each tier to why it was passed over, in chain order.
        Thread: any.
        """
        quote, reasons = self.ask(symbol, max_age_s)
        if quote is None:
            raise NoQuote(f"no price: {in_words(reasons)}", reasons)
        return quote

    def ask(
        self, symbol: str, max_age_s: float | None = None
    ) -> tuple[Quote | None, dict[str, str]]:
        """What `poll` serves, if anything, and why the tiers above it were passed over.

        While the price found is not trusted the tiers below it are asked as well, so that a lower
        one is warm when the price above it has grown too old. The streams keep their place until
        then; of the tiers below them one that only holds an old price gives way to a trusted one.
        """
        found: Quote | None = None
        reasons: dict[str, str] = {}
        for source in self._sources:
            if found is not None and source.synthetic:
                break
            try:
                quote = self._quote(source, symbol)
                if max_age_s is not None:
                    _require(quote, max_age_s)
            except DisputedQuote as error:
                reasons[source.tier] = str(error)
                break
            except SourceError as error:
                if found is None:
                    reasons[source.tier] = str(error)
                continue
            if found is None:
                found = quote
            elif (quote.trusted and found.status == "stale"
                  and found.source != self._sources[0].tier):
                reasons[found.source] = f"price is not trusted ({found.reason})"
                found = quote
            if quote.trusted:
                break
        return found, reasons

    def _quote(self, source: Source, symbol: str) -> Quote:
        try:
            return source.quote(symbol)
        except SourceError:
            raise
        except Exception as error:
            # a defect in one tier must not take the others along
            log.exception("tier %s failed for %s", source.tier, symbol,
                          extra=facts("tier_failed", source=source.tier, symbol=symbol,
                                      reason=str(error)))
            raise NoQuote(f"internal fault: {error}") from error


def explains(reasons: Mapping[str, str]) -> bool:
    """Whether a tier was passed over for more than being switched off."""
    return any(not why.startswith(SWITCHED_OFF) for why in reasons.values())


def in_words(reasons: Mapping[str, str]) -> str:
    """For a line of the log: what is switched off explains nothing, unless everything is."""
    on = {tier: why for tier, why in reasons.items() if not why.startswith(SWITCHED_OFF)}
    return "; ".join(f"{tier}: {why}" for tier, why in (on or reasons).items())


def _require(quote: Quote, max_age_s: float) -> None:
    """Raises: StaleQuote, UntrustedQuote, DisputedQuote."""
    if quote.status == "disputed":
        raise DisputedQuote(f"price is disputed ({quote.reason})")
    if quote.synthetic:
        raise UntrustedQuote("price is synthetic")
    if not quote.trusted:
        raise UntrustedQuote(f"price is not trusted ({quote.reason})")
    if quote.age_s > max_age_s:
        raise StaleQuote(f"price is {quote.age_s * 1000:.0f} ms old, "
                         f"{max_age_s * 1000:.0f} ms allowed")
