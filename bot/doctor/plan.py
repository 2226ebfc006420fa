"""Which checks there are for these settings, and what follows from them together."""

from collections.abc import Collection, Iterable, Iterator, Sequence

from bot.config import Config
from bot.doctor.alerts import alert_checks
from bot.doctor.brokers import broker_checks
from bot.doctor.certificates import certificate_checks
from bot.doctor.clock import clock_checks, compare_clocks
from bot.doctor.finding import Finding, Report, skip
from bot.doctor.log_folder import log_checks
from bot.doctor.machine import machine_checks
from bot.doctor.names import name_checks
from bot.doctor.place import hosts, stream_places
from bot.doctor.port import port_checks
from bot.doctor.prices import compare_prices
from bot.doctor.proxies import proxy_checks
from bot.doctor.record import record_checks
from bot.doctor.rest import rest_checks
from bot.doctor.rounds import Check
from bot.doctor.settings import settings_checks
from bot.doctor.streams import stream_checks
from bot.doctor.unit import unit_checks

NAMES = ("settings", "versions", "limits", "clock", "dns", "proxy", "tls", "rest", "stream",
         "prices", "kafka", "record", "api", "alerts", "logs", "unit")
# Whose findings rest on what others saw.
RESTS_ON = {"clock": "rest", "prices": "stream"}
UNNEEDED = {
    "dns": "no host is needed with these settings",
    "tls": "no address of these settings is reached over TLS",
    "rest": "no exchange is asked over REST with these settings",
    "stream": "ENABLE_WEBSOCKET_FEEDS is off: no stream is listened to",
    "kafka": "not used: ENABLE_KAFKA and KAFKA_PUBLISH_TOPIC are off",
    "record": "nothing is recorded: ENABLE_DUCKDB is off",
}


def checks(config: Config, only: Collection[str] = NAMES) -> list[Check]:
    """only: names of NAMES. What others rest on is checked too, and not shown."""
    needed = {*only, *(RESTS_ON[name] for name in only if name in RESTS_ON)}
    return [check._replace(shown=check.name in only) for check in _all(config)
            if check.name in needed]


def conclusions(
    config: Config, reports: Sequence[Report], only: Collection[str] = NAMES
) -> Iterator[Finding]:
    """What the reports say together."""
    if "clock" in only:
        yield from compare_clocks([clock for report in reports for clock in report.clocks])
    if "prices" in only:
        yield from compare_prices(
            [price for report in reports for price in report.prices],
            [symbol.name for symbol in config.symbols],
            [place.exchange.NAME for place in stream_places(config) if place.first])


def unneeded(planned: Iterable[Check], only: Collection[str] = NAMES) -> Iterator[Finding]:
    """A line for each check that has nothing to look at: who asked for it is to know."""
    there = {*(check.name for check in planned), *RESTS_ON}
    for name in NAMES:
        if name in only and name not in there:
            yield skip(name, "", UNNEEDED[name])


def _all(config: Config) -> Iterator[Check]:
    """All begin at the same time; their number grows with that of the addresses only."""
    known = hosts(config)
    yield from settings_checks(config)
    yield from machine_checks()
    yield from clock_checks()
    yield from name_checks(known)
    yield from proxy_checks(known)
    yield from certificate_checks(known)
    yield from rest_checks(config)
    yield from stream_checks(config)
    yield from broker_checks(config)
    yield from record_checks(config)
    yield from port_checks(config)
    yield from alert_checks(config)
    yield from log_checks(config)
    yield from unit_checks()
