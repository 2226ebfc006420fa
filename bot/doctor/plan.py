"""Which checks there are for these settings, and what follows from them together."""

from collections.abc import Collection, Iterator, Sequence
from functools import partial

from bot.config import Config
from bot.doctor import (
    alerts, brokers, certificates, clock, heard, log_folder, machine, names, port, prices, proxies, record,
    rest, settings, streams, unit)
from bot.doctor.finding import Finding, Report
from bot.doctor.place import hosts, rest_places, stream_places, uses_kafka
from bot.doctor.rounds import Check

QUICK_S = 5.0
OWN_FAULT = "a fault of this program: report it"
# In this order they are listed; each begins at the same time as the others.
NAMES = (settings.NAME, machine.VERSIONS, machine.LIMITS, clock.NAME, names.NAME, proxies.NAME,
         certificates.NAME, rest.NAME, heard.NAME, prices.NAME, brokers.NAME, record.NAME,
         port.NAME, alerts.NAME, log_folder.NAME, unit.NAME)
# Whose findings rest on what others saw.
RESTS_ON = {clock.NAME: rest.NAME, prices.NAME: heard.NAME}


def checks(config: Config, only: Collection[str] = NAMES) -> list[Check]:
    """only: names of NAMES. What others rest on is checked too, and not shown."""
    needed = {*only, *(RESTS_ON[name] for name in only if name in RESTS_ON)}
    return [check._replace(shown=check.name in only) for check in _all(config)
            if check.name in needed]


def conclusions(reports: Sequence[Report], only: Collection[str] = NAMES) -> Iterator[Finding]:
    """What the reports say together. Nothing where there was nothing to compare."""
    rested = [report for report in reports if report.clocks or report.prices]
    if clock.NAME in only:
        yield from clock.judged([reading for report in rested for reading in report.clocks])
    if prices.NAME in only:
        yield from prices.judged([price for report in rested for price in report.prices])


def _all(config: Config) -> Iterator[Check]:
    yield Check(settings.NAME, "", partial(settings.look, config), QUICK_S, OWN_FAULT)
    yield Check(machine.VERSIONS, "", machine.versions, QUICK_S, OWN_FAULT)
    yield Check(machine.LIMITS, "", machine.limits, QUICK_S, OWN_FAULT)
    yield Check(clock.NAME, "NTP", clock.ntp, clock.SECONDS, clock.REMEDY)
    yield from _network(config)
    yield from _here(config)


def _network(config: Config) -> Iterator[Check]:
    known = hosts(config)
    for host in {host.name: host for host in reversed(known)}.values():
        yield Check(names.NAME, host.name, partial(names.look, host), names.SECONDS, names.REMEDY,
                    spare=host.spare)
    for host in known:
        if host.secure:
            yield Check(certificates.NAME, f"{host.name}:{host.port}",
                        partial(certificates.look, host), certificates.SECONDS,
                        certificates.REMEDY, spare=host.spare)
    yield from _proxies(config)
    for place in rest_places(config):
        yield Check(rest.NAME, place.subject, rest.Api(place, config.symbols).look, rest.SECONDS,
                    rest.REMEDY, spare=not place.first)
    for place in stream_places(config):
        yield Check(heard.NAME, place.subject, streams.Stream(place, config).look,
                    streams.SECONDS, streams.REMEDY, spare=not place.first)
    for broker in config.kafka_brokers if uses_kafka(config) else ():
        yield Check(brokers.NAME, broker, partial(brokers.look, config, broker), brokers.SECONDS,
                    brokers.REMEDY)


def _proxies(config: Config) -> Iterator[Check]:
    try:
        ways = proxies.ways(hosts(config))
    except ValueError as error:
        yield Check(proxies.NAME, "", partial(proxies.unreadable, error), QUICK_S, OWN_FAULT)
        return
    for way in ways:
        yield Check(proxies.NAME, way.subject, partial(proxies.look, way), proxies.SECONDS,
                    proxies.REMEDY)
    if not ways:
        yield Check(proxies.NAME, "", proxies.none_needed, QUICK_S, OWN_FAULT)


def _here(config: Config) -> Iterator[Check]:
    if config.enable_duckdb:
        for about, look in (("disk", record.disk), ("file", record.file),
                            ("archive", record.archive)):
            yield Check(record.NAME, about, partial(look, config), record.SECONDS, record.REMEDY)
    yield Check(port.NAME, "", partial(port.look, config), port.SECONDS, port.REMEDY)
    yield Check(alerts.NAME, "", partial(alerts.look, config), QUICK_S, OWN_FAULT)
    yield Check(log_folder.NAME, "", partial(log_folder.look, config), log_folder.SECONDS,
                log_folder.REMEDY)
    yield Check(unit.NAME, "", unit.look, unit.SECONDS, unit.REMEDY)
