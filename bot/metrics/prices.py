"""What is served, and how the sources are: looked at when it is asked for."""

import math
from collections.abc import Callable

from bot.aggregator import MultiSourceWebSocketAggregator
from bot.causes import NONE, TIERS
from bot.chain import Chain
from bot.feeds.feed import Feed
from bot.judging.judge import Standing
from bot.judging.trial import is_away
from bot.metrics import catalogue as known
from bot.metrics.sheet import Sheet
from bot.metrics.switches import Switches
from bot.model import STATUSES

ALL_STATUSES = (*STATUSES, NONE)
SERVED_BY = (*TIERS, NONE)


def put_price(sheet: Sheet, chain: Chain, symbol: str) -> None:
    quote, _ = chain.ask(symbol)
    if quote is not None:
        sheet.put(known.PRICE, quote.price, symbol)
        sheet.put(known.PRICE_AGE, quote.age_s, symbol)
        sheet.put(known.PRICE_CONFIDENCE, quote.confidence, symbol)
    trusted = quote is not None and quote.trusted
    ready = trusted or chain.ask(symbol, math.inf)[0] is not None
    sheet.put(known.PRICE_TRUSTED, trusted, symbol)
    sheet.put(known.PRICE_READY, ready, symbol)
    sheet.put_one_of(known.PRICE_STATUS, ALL_STATUSES, quote.status if quote else NONE, symbol)
    sheet.put_one_of(known.SERVED_TIER, SERVED_BY, quote.source if quote else NONE, symbol)


def put_switches(sheet: Sheet, switches: Switches) -> None:
    for labels, count in switches.count.copy().items():
        sheet.put(known.SWITCHES, count, *labels)
    for symbol, buckets in switches.blackouts.items():
        sheet.put(known.NO_SUCCESSOR, switches.failed[symbol], symbol)
        sheet.put_buckets(known.BLACKOUT, buckets, symbol)


def put_sources(
    sheet: Sheet, aggregator: MultiSourceWebSocketAggregator, symbols: tuple[str, ...],
    mono: Callable[[], float],
) -> None:
    standings = {symbol: aggregator.standing(symbol) for symbol in symbols}
    for name, feed in aggregator.feeds.items():
        _put_connection(sheet, feed, mono)
        _put_counts(sheet, feed, symbols)
        for symbol, standing in standings.items():
            _put_standing(sheet, name, symbol, standing)
            leg = aggregator.desk.leg(name, symbol)
            if leg is not None:
                sheet.put(known.SOURCE_PRICE, leg.price, name, symbol)
                sheet.put(known.SOURCE_AGE, max(0.0, mono() - leg.fresh_at), name, symbol)


def _put_connection(sheet: Sheet, feed: Feed, mono: Callable[[], float]) -> None:
    name, health = feed.source, feed.health()
    since = health.connected_since
    sheet.put(known.SOURCE_UP, since is not None, name)
    sheet.put(known.SOURCE_CONNECTED, None if since is None else max(0.0, mono() - since), name)
    sheet.put(known.PING, health.latency_s, name)
    sheet.put(known.CLOCK_OFFSET, health.clock_offset_s, name)


def _put_counts(sheet: Sheet, feed: Feed, symbols: tuple[str, ...]) -> None:
    name, intake, tally = feed.source, feed.intake, feed.tally
    sheet.put_buckets(known.LAG, intake.lags, name)
    sheet.put_each(known.UPDATES, intake.counts.items(), name)
    sheet.put(known.REPEATS, intake.repeats, name)
    sheet.put_each(known.ERRORS, tally.errors.items(), name)
    sheet.put_each(known.RECONNECTS, tally.losses.items(), name)
    sheet.put(known.HANDOVERS, tally.handovers, name)
    for symbol in symbols:
        line = intake.lines.get(symbol)
        sheet.put(known.HELD_BACK, line.refused if line else 0, name, symbol)


def _put_standing(sheet: Sheet, source: str, symbol: str, standing: Standing) -> None:
    sheet.put(known.SOURCE_FIT, source in standing.fit_since, source, symbol)
    sheet.put(known.SOURCE_ACTIVE, standing.active == source, source, symbol)
    sheet.put(known.SOURCE_AWAY, is_away(standing.trials, source), source, symbol)
    if fault := standing.faults.get(source):
        sheet.put(known.SOURCE_FAULT, 1, source, symbol, fault.rule)
