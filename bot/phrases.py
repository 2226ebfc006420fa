"""Prices, sources and changes in a few words, for lines of the log."""

from collections.abc import Sequence

from bot.causes import TIERS
from bot.model import LinkStatus, Quote, RecordStatus, SourceStatus
from bot.wording import counted


def severity(previous: str | None, current: str | None) -> str:
    """Of a change between tiers: good news, a lower tier, or no real price at all."""
    if current is None or current == "mock":
        return "critical"
    better = previous is None or TIERS.index(current) < TIERS.index(previous)
    return "info" if better else "warning"


def where(symbol: str, symbols: Sequence[str]) -> str:
    """Whose a line is, to stand before its words: named unless it is the only one of `symbols`."""
    return "" if tuple(symbols) == (symbol,) else f" [{symbol}]"


def in_short(quote: Quote | None) -> str:
    """A price for one line: what, from where, how old."""
    if quote is None:
        return "has no price"
    if quote.synthetic:
        return f"{quote.price}, made up"
    origin = quote.exchange or "+".join(quote.exchanges)
    trust = "" if quote.trusted else ", not trusted"
    return f"{quote.price} from {origin} ({quote.source}), {quote.age_s * 1000:.0f} ms old{trust}"


def source_in_words(source: SourceStatus) -> str:
    if not source.connected:
        return f"{source.exchange} down, {source.errors} errors"
    latency = "latency unknown" if source.latency is None else f"{source.latency} ms"
    return (f"{source.exchange} up, {latency}, {source.messages_received} updates, "
            f"{source.errors} errors")


def amiss(links: Sequence[LinkStatus], record: RecordStatus | None) -> str:
    """What else does not work, for the end of a line. record: None where nothing is recorded."""
    faults = [f"; cannot {link.direction} {link.topic}: {link.reason}"
              for link in links if link.up is False]
    if record is not None and not record.active:
        faults.append(f"; not recording: {record.state}, {counted(record.waiting, 'row')} waiting")
    elif record is not None and record.is_low:
        faults.append(f"; {record.state}")
    if record is not None and record.dropped:
        faults.append(f"; {counted(record.dropped, 'row')} not recorded since the start")
    return "".join(faults)
