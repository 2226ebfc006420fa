"""TLS to every address: is the certificate valid, for how long, and is it the host's own."""

import http.client
import re
import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from bot.doctor.finding import Finding, Report, fail, ok, warn
from bot.doctor.place import Host
from bot.doctor.rounds import Check
from bot.doctor.trouble import network_remedy
from bot.feeds.dial import reach, tls_context
from bot.wording import worded
from bot.worker import Deadline, Detached

NAME = "tls"
SECONDS = 9.0
REMEDY = ("the name look-up has no end, see the lines `dns`; or a proxy or the host answers a byte "
          "at a time")
REACH_S, TLS_S = 4.0, 3.0
MARGIN_S = 0.5  # of the check's time, to say what was found
SWALLOWED = "a firewall that looks into TLS, or a host in trouble"
FEW_DAYS = 7
# Of those who sell or write what opens TLS on its way, as they sign for it.
INTERCEPTORS = (
    "zscaler", "fortinet", "fortigate", "palo alto", "netskope", "blue coat", "bluecoat", "sophos",
    "kaspersky", "avast", "eset", "bitdefender", "cisco umbrella", "skyhigh", "mcafee", "mitmproxy",
    "charles proxy", "fiddler", "portswigger", "squid", "check point", "untangle", "watchguard",
    "sonicwall", "barracuda", "adguard", "forcepoint", "websense", "cloudflare gateway")
Distinguished = Iterable[Iterable[tuple[str, str]]]


def certificate_checks(known: Iterable[Host]) -> Iterator[Check]:
    for host in known:
        if host.secure:
            yield Check(NAME, f"{host.name}:{host.port}", partial(look, host), SECONDS, REMEDY,
                        spare=host.spare)


def look(host: Host, deadline: Deadline) -> Report:
    return Report((_found(host, deadline),))


def _found(host: Host, deadline: Deadline) -> Finding:
    subject, begun = f"{host.name}:{host.port}", time.monotonic()
    connected = 0.0
    try:
        with _reached(host) as sock:
            connected = time.monotonic()
            with tls_context().wrap_socket(sock, server_hostname=host.name) as tls:
                certificate, version = tls.getpeercert() or {}, tls.version()
    except ssl.SSLCertVerificationError as error:
        return _refused(host, subject, error, deadline)
    except (OSError, ValueError, http.client.HTTPException) as error:
        words = worded(error)
        if connected:
            return fail(NAME, subject, f"connected, then the handshake failed: {words}", SWALLOWED
                        if "timed out" in words else "does that port speak TLS? Check "
                        f"{host.setting}; else {SWALLOWED}")
        return fail(NAME, subject, f"cannot connect: {words}", network_remedy(words, host.setting))
    timing = (f"{version}, TCP {(connected - begun) * 1000:.0f} ms, "
              f"TLS {(time.monotonic() - connected) * 1000:.0f} ms")
    return judged(subject, certificate, timing, time.time())


def judged(subject: str, certificate: dict[str, Any], timing: str, now_s: float) -> Finding:
    """Of a certificate that is valid. now_s: epoch s."""
    by = issuer(certificate)
    days = (ssl.cert_time_to_seconds(certificate["notAfter"]) - now_s) / 86_400
    words = f"certificate of {by}, {days:.0f} days left; {timing}"
    if intercepts(by):
        return warn(NAME, subject, f"{words}: it is opened on its way by {by}, who can read and "
                    f"change every price", "have this host exempted there")
    if days < FEW_DAYS:
        return warn(NAME, subject, words, "nothing here: its owner has to renew it; look again "
                    "before it ends")
    return ok(NAME, subject, words)


def _refused(
    host: Host, subject: str, error: ssl.SSLCertVerificationError, deadline: Deadline
) -> Finding:
    """A certificate that is not valid: whose is it? To find out takes two connections more, which
    may hang; what is known is told all the same.
    """
    asked = Detached(f"signer-{host.name}", partial(_signer, host))
    in_time = asked.wait(max(0.0, deadline.left_s - MARGIN_S))
    by = asked.result() if in_time else None
    words = f"certificate not valid: {error.verify_message.rstrip('.')}"
    words += f"; signed by {by}" if by else ""
    words += "" if in_time else "; who signed it was asked, and no answer came"
    if by and intercepts(by):
        return fail(NAME, subject, f"{words}: the connection is opened on its way",
                    "have this host exempted there; or, if you trust them with your prices, put "
                    "their CA where SSL_CERT_FILE and REQUESTS_CA_BUNDLE point to")
    if "expired" in words or "not yet valid" in words:
        return fail(NAME, subject, words, "is the clock of this machine right? See the line "
                    "`clock`; if so its owner has to renew it")
    if "mismatch" in words.lower():
        return fail(NAME, subject, words, f"another server answers in its place: see the lines "
                    f"`dns` and `proxy`, and check {host.setting}")
    return fail(NAME, subject, words, "either the connection is opened on its way by whoever "
                "signed that, or this machine has no list of CAs (Debian: apt install "
                "ca-certificates)")


def _signer(host: Host) -> str | None:
    """Who signed a certificate that nobody vouches for; None if that cannot be found out.

    Python tells only of what was verified. So it is fetched without being verified, and then
    verified against itself.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    try:
        context.verify_mode = ssl.CERT_NONE
        shown = _shown(host, context, binary=True)
        context.verify_mode = ssl.CERT_REQUIRED
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.load_verify_locations(cadata=shown)
        return issuer(_shown(host, context))
    except (OSError, ValueError, http.client.HTTPException):  # expired, or gone
        return None


def _shown(host: Host, context: ssl.SSLContext, binary: bool = False) -> Any:
    with _reached(host) as sock, context.wrap_socket(
            sock, server_hostname=host.name) as tls:
        return tls.getpeercert(binary)


def _reached(host: Host) -> socket.socket:
    """As the feeds reach it, with TLS_S for each answer.

    Raises: OSError, ValueError, http.client.HTTPException.
    """
    sock = reach(host.scheme, host.name, host.port, Deadline(REACH_S))
    sock.settimeout(TLS_S)
    return sock


def issuer(certificate: dict[str, Any]) -> str:
    """The organisation that signed it, and its common name."""
    rows: Distinguished = certificate.get("issuer", ())
    names = dict(pair for row in rows for pair in row)
    parts = [names.get("organizationName"), names.get("commonName")]
    return ", ".join(dict.fromkeys(filter(None, parts))) or "nobody"


def intercepts(name: str) -> bool:
    return any(re.search(rf"\b{re.escape(word)}\b", name.lower()) for word in INTERCEPTORS)
