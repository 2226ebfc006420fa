"""Name look-up, as each connection of the bot has to do it."""

import ipaddress
import socket
from collections.abc import Iterable, Iterator
from functools import partial
from time import monotonic

from bot.doctor.finding import Finding, Report, fail, listed, ok, warn
from bot.doctor.place import Host
from bot.doctor.rounds import Check
from bot.feeds.dial import proxy_for
from bot.worker import Deadline

NAME = "dns"
SECONDS = 6.0
SLOW_S = 1.0
REMEDY = "the resolver does not answer: /etc/resolv.conf, `resolvectl status`, and the way to it"
NO_ROUTE = "a route or a tunnel for IPv6, or a resolver that knows the IPv4 addresses (A records)"


def name_checks(known: Iterable[Host]) -> Iterator[Check]:
    """Each name once, whatever its ports."""
    for host in {host.name: host for host in reversed(list(known))}.values():
        yield Check(NAME, host.name, partial(look, host), SECONDS, REMEDY, spare=host.spare)


def look(host: Host, deadline: Deadline) -> Report:
    return Report((_found(host),))


def _found(host: Host) -> Finding:
    if is_address(host.name):
        return ok(NAME, host.name, f"an address, nothing to look up ({host.use})")
    proxy = proxy_for(host.scheme, host.name) if host.proxied else None
    if proxy is not None:
        return ok(NAME, host.name, f"looked up by the proxy {proxy.hostname} ({host.use})")
    begun = monotonic()
    try:
        found = socket.getaddrinfo(host.name, host.port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        return _failed(host, error, monotonic() - begun)
    except UnicodeError:
        return fail(NAME, host.name, "is no name that DNS could hold", f"check {host.setting}")
    addresses = list(dict.fromkeys(str(row[4][0]) for row in found))
    return judged(host, addresses, monotonic() - begun, has_route_6())


def _failed(host: Host, error: socket.gaierror, took_s: float) -> Finding:
    words = f"{error.strerror} (after {took_s * 1000:.0f} ms; for {host.use})"
    if error.errno in (socket.EAI_NONAME, socket.EAI_NODATA):
        return fail(NAME, host.name, words, f"check the spelling in {host.setting}; if that is "
                    f"right the resolver does not know it: ask another one with dig or host")
    return fail(NAME, host.name, words, REMEDY)


def judged(host: Host, addresses: list[str], took_s: float, route_6: bool) -> Finding:
    """addresses: in the order in which they are tried. route_6: whether IPv6 leads anywhere."""
    words = f"{listed(addresses, 3)} in {took_s * 1000:.0f} ms ({host.use})"
    parsed = [ipaddress.ip_address(address.partition("%")[0]) for address in addresses]
    if not any(address.version == 4 for address in parsed) and not route_6:
        return fail(NAME, host.name, f"{words}: IPv6 only, and this machine has no route for it",
                    NO_ROUTE)
    public = "." in host.name and not host.name.endswith((".local", ".localhost", ".internal"))
    if public and all(address.is_loopback or address.is_unspecified for address in parsed):
        return warn(NAME, host.name, f"{words}: that is this machine, so a filter or /etc/hosts "
                    f"hides the real address", "take it out of the filter, or use another resolver")
    if took_s > SLOW_S:
        return warn(NAME, host.name, f"{words}: slow, and each reconnect waits for it",
                    "a nearer resolver, or a cache such as systemd-resolved")
    return ok(NAME, host.name, words)


def is_address(name: str) -> bool:
    try:
        return bool(ipaddress.ip_address(name))
    except ValueError:
        return False


def has_route_6() -> bool:
    """Nothing is sent: connecting a datagram socket only looks for a route."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.connect(("2001:4860:4860::8888", 53))
        return True
    except OSError:
        return False
