"""The proxies that the environment names: which hosts they are for, and whether they connect."""

import http.client
import re
import socket
import urllib.request
from collections.abc import Iterable, Iterator
from functools import partial
from time import monotonic
from typing import NamedTuple
from urllib.parse import SplitResult

from bot.doctor.finding import Finding, Report, fail, ok
from bot.doctor.place import Host
from bot.doctor.rounds import OWN_FAULT, QUICK_S, Check
from bot.feeds.dial import proxy_for, reach
from bot.wording import worded
from bot.worker import Deadline

NAME = "proxy"
SECONDS = 8.0
REACH_S = 7.0
REMEDY = "the proxy swallows requests: check HTTPS_PROXY, or name the hosts in NO_PROXY"
STATUS = re.compile(r"failed: (\d{3})")


class Way(NamedTuple):
    """A proxy, and one of the hosts that are reached through it. hosts: how many there are."""

    proxy: SplitResult
    target: Host
    hosts: int

    @property
    def subject(self) -> str:
        """Without its user and password."""
        return f"{self.proxy.hostname}:{self.proxy.port or 80}"


def ways(hosts: Iterable[Host]) -> list[Way]:
    """Raises: ValueError for a proxy variable that is no URL."""
    found: dict[str, Way] = {}
    for host in hosts:
        proxy = proxy_for(host.scheme, host.name) if host.proxied else None
        if proxy is not None:
            proxy.port  # raises where it is no number
            before = found.get(proxy.netloc)
            found[proxy.netloc] = Way(proxy, before.target if before else host,
                                      before.hosts + 1 if before else 1)
    return list(found.values())


def proxy_checks(known: Iterable[Host]) -> Iterator[Check]:
    try:
        found = ways(known)
    except ValueError as error:
        yield Check(NAME, "", partial(unreadable, error), QUICK_S, OWN_FAULT)
        return
    for way in found:
        yield Check(NAME, way.subject, partial(look, way), SECONDS, REMEDY)
    if not found:
        yield Check(NAME, "", none_needed, QUICK_S, OWN_FAULT)


def none_needed(deadline: Deadline) -> Report:
    return Report((ok(NAME, "", "none in force, hosts are reached directly" + _exempt()),))


def unreadable(error: ValueError, deadline: Deadline) -> Report:
    return Report((fail(NAME, "", f"a proxy variable is no URL: {error}",
                        "write it as http://host:port in HTTPS_PROXY, HTTP_PROXY or ALL_PROXY"),))


def look(way: Way, deadline: Deadline) -> Report:
    return Report((_found(way),))


def _found(way: Way) -> Finding:
    if way.proxy.scheme != "http":
        return fail(NAME, way.subject, f"{way.proxy.scheme}:// is not spoken by the streams",
                    "name a proxy that takes CONNECT over plain HTTP: http://host:port")
    begun, target = monotonic(), f"{way.target.name}:{way.target.port}"
    reached: list[socket.socket] = []
    try:
        reach(way.target.scheme, way.target.name, way.target.port, Deadline(REACH_S),
              reached.append).close()
    except (OSError, ValueError, http.client.HTTPException) as error:
        return _failed(way, target, worded(error), connected=bool(reached))
    return ok(NAME, way.subject, f"connects to {target} in {(monotonic() - begun) * 1000:.0f} ms, "
              f"for {way.hosts} hosts" + _exempt())


def _failed(way: Way, target: str, words: str, connected: bool) -> Finding:
    if connected and words == "timed out":
        return fail(NAME, way.subject, f"was asked for {target} and does not answer", REMEDY)
    if not connected:
        return fail(NAME, way.subject, f"cannot be reached: {words}",
                    "start the proxy, or correct or unset HTTPS_PROXY, HTTP_PROXY, ALL_PROXY")
    status = STATUS.search(words)
    if status and status[1] == "407":
        given = "refuses the log-in" if way.proxy.username else "wants a log-in"
        return fail(NAME, way.subject, f"{given} (HTTP 407)",
                    "put user and password into the variable: http://user:password@host:port")
    return fail(NAME, way.subject, f"does not connect to {target}: {words}",
                "have the proxy allow that host and port, or name the host in NO_PROXY if it can "
                "be reached directly")


def _exempt() -> str:
    hosts = urllib.request.getproxies_environment().get("no")
    return f"; NO_PROXY={hosts}" if hosts else ""
