"""Name look-up, as each connection of the bot has to do it."""

import ipaddress
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from time import monotonic
from typing import NamedTuple

from bot.doctor.finding import Finding, Report, fail, listed, ok, softened, warn
from bot.doctor.place import Host
from bot.doctor.rounds import Check
from bot.feeds.dial import proxy_for
from bot.worker import Deadline, Detached

NAME = "dns"
SECONDS = 6.0
MARGIN_S = 0.5  # of the check's time, to say what was found
SLOW_S = 1.0
REMEDY = "the resolver does not answer: /etc/resolv.conf, `resolvectl status`, and the way to it"
NO_NAMES = ("its resolver or its network: /etc/resolv.conf, `resolvectl status`, `ip route`; "
            "behind a proxy set HTTPS_PROXY")
NO_ROUTE = "a route or a tunnel for IPv6, or a resolver that knows the IPv4 addresses (A records)"
NOT_THERE = (socket.EAI_NONAME, socket.EAI_NODATA)


class Answer(NamedTuple):
    """addresses: in the order in which they are tried. error: why there are none."""

    took_s: float
    addresses: Sequence[str] = ()
    error: OSError | UnicodeError | None = None


def name_checks(known: Iterable[Host]) -> Iterator[Check]:
    """One for all names, for only together they tell whether the resolver is at fault."""
    names = each_once(known)
    if names:
        yield Check(NAME, "", partial(look, names), SECONDS, REMEDY)


def each_once(known: Iterable[Host]) -> list[Host]:
    """Whatever its ports, and with all who need it."""
    names: dict[str, Host] = {}
    for host in known:
        before = names.setdefault(host.name, host)
        uses = dict.fromkeys([*before.use.split(", "), *host.use.split(", ")])
        names[host.name] = before._replace(use=", ".join(uses), spare=before.spare and host.spare)
    return list(names.values())


def look(known: Sequence[Host], deadline: Deadline) -> Report:
    """known: each name once."""
    unasked = {host: words for host in known if (words := _unasked(host))}
    # each on a thread of its own: nothing else leaves a look-up that hangs
    calls = {host: Detached(f"dns-{host.name}", partial(_look_up, host))
             for host in known if host not in unasked}
    answers = {host: call.result() if call.wait(max(0.0, deadline.left_s - MARGIN_S)) else None
               for host, call in calls.items()}
    if _resolves_nothing(answers):
        rest = [ok(NAME, host.name, words) for host, words in unasked.items()]
        return Report((_no_names(answers), *rest))
    route_6 = has_route_6()
    return Report(tuple(
        ok(NAME, host.name, unasked[host]) if host in unasked else
        _found(host, answers[host], route_6) for host in known))


def _unasked(host: Host) -> str | None:
    """Why it is not looked up here, if so."""
    if is_address(host.name):
        return f"an address, nothing to look up ({host.use})"
    proxy = proxy_for(host.scheme, host.name) if host.proxied else None
    return f"looked up by the proxy {proxy.hostname} ({host.use})" if proxy else None


def _look_up(host: Host) -> Answer:
    begun = monotonic()
    try:
        found = socket.getaddrinfo(host.name, host.port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        return Answer(monotonic() - begun, error=error)
    addresses = list(dict.fromkeys(str(row[4][0]) for row in found))
    return Answer(monotonic() - begun, addresses)


def _resolves_nothing(answers: Mapping[Host, Answer | None]) -> bool:
    """Whether it is not these names that are at fault. answers: None for those that hang."""
    # that one is in /etc/hosts
    asked = {host: answer for host, answer in answers.items() if host.name != "localhost"}
    if len(asked) < 2 or any(answer and not isinstance(answer.error, socket.gaierror)
                             for answer in asked.values()):
        return False
    return any(not host.chosen or not answer or not _is_unknown(answer)
               for host, answer in asked.items())


def _is_unknown(answer: Answer) -> bool:
    """Somebody answered that there is no such name."""
    return isinstance(answer.error, socket.gaierror) and answer.error.errno in NOT_THERE


def _no_names(answers: Mapping[Host, Answer | None]) -> Finding:
    words = dict.fromkeys(f"{answer.error.strerror}" if answer and isinstance(answer.error, OSError)
                          else "no answer" for answer in answers.values())
    names = listed((host.name for host in answers), 3)
    return fail(NAME, "", f"this machine resolves no name: {names} ({', '.join(words)})", NO_NAMES)


def _found(host: Host, answer: Answer | None, route_6: bool) -> Finding:
    if answer is None:
        found = fail(NAME, host.name, f"no end within {SECONDS - MARGIN_S:g} s (for {host.use})",
                     REMEDY)
    elif answer.error is not None:
        found = _failed(host, answer)
    else:
        found = judged(host, answer.addresses, answer.took_s, route_6)
    return softened(found) if host.spare else found


def _failed(host: Host, answer: Answer) -> Finding:
    if not isinstance(answer.error, OSError):
        return fail(NAME, host.name, "is no name that DNS could hold", f"check {host.setting}")
    words = f"{answer.error.strerror} (after {answer.took_s * 1000:.0f} ms; for {host.use})"
    if not _is_unknown(answer):
        return fail(NAME, host.name, words, REMEDY)
    ask = "the resolver does not know it, or a filter hides it: ask another one with dig or host"
    return fail(NAME, host.name, words, f"check the spelling in {host.setting}; if that is right "
                f"{ask}" if host.chosen else ask)


def judged(host: Host, addresses: Sequence[str], took_s: float, route_6: bool) -> Finding:
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
