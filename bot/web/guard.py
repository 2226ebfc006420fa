"""Who may ask: decided from the headers alone, for the API and for /ws alike."""

import hmac
import ipaddress
from collections.abc import Sequence

import msgspec


class Guard(msgspec.Struct, frozen=True):
    """token: what a bearer must show, None for nothing. trusted_hosts: the only host names, without
    port, that a request may be addressed to; None for any.

    A page of another site can make a browser ask a loopback address under its own host name (DNS
    rebinding), and can open a WebSocket anywhere; `Host` and `Origin` give both away.
    """

    token: str | None
    trusted_hosts: Sequence[str] | None

    def knows_host(self, host: str | None) -> bool:
        if self.trusted_hosts is None:
            return True
        name, colon, port = (host or "").lower().rpartition(":")
        if not colon or port.endswith("]"):
            name, port = (host or "").lower(), "0"
        return name in self.trusted_hosts and port.isascii() and port.isdigit()

    def admits(self, authorization: str | None, cookies: str | None, host: str | None) -> bool:
        """By the bearer's header, or by the cookie that a browser got when it logged in."""
        return self.knows_bearer(authorization) or self.knows_cookie(cookies, host)

    def knows_token(self, given: str) -> bool:
        return self.token is None or _same(given, self.token)

    def ticket(self) -> str:
        """What the cookie holds: the token cannot be had back from it, and with another token it
        is void."""
        token = (self.token or "").encode()
        return hmac.new(token, b"dashboard of autonomous-bot", "sha256").hexdigest()

    def knows_cookie(self, cookies: str | None, host: str | None) -> bool:
        """cookies, host: the headers."""
        pairs = (pair.strip().partition("=") for pair in (cookies or "").split(";"))
        wanted = cookie_name(host)
        return self.token is not None and any(
            name == wanted and _same(value, self.ticket()) for name, _, value in pairs)

    def knows_bearer(self, authorization: str | None) -> bool:
        """authorization: the header as WSGI has it, one character for each byte."""
        if self.token is None:
            return True
        scheme, _, given = (authorization or "").partition(" ")
        # what WSGI gives as characters are the bytes that were sent
        same = hmac.compare_digest(given.strip().encode("latin-1"), self.token.encode())
        return same and scheme.lower() == "bearer"

    def knows_origin(self, origin: str | None, host: str | None) -> bool:
        """Only browsers send an Origin; theirs must be a page that this very server gave them."""
        if origin is None:
            return True
        scheme, separator, place = origin.lower().partition("://")
        return separator != "" and scheme in ("http", "https") and place == (host or "").lower()


def cookie_name(host: str | None) -> str:
    """A browser gives a cookie to every port of a host, so that of each bot has its own name."""
    _, _, port = (host or "").rpartition(":")
    return f"autonomous-bot-{port if port.isascii() and port.isdigit() else 'session'}"


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), wanted.encode())


def trusted_hosts(address: str) -> tuple[str, ...] | None:
    """The host names that lead to `address` when only this machine can reach it, else None."""
    bare = address.lower().strip("[]")
    try:
        parsed = ipaddress.ip_address(bare)
    except ValueError:
        if bare != "localhost":
            return None
    else:
        if not parsed.is_loopback:
            return None
    own = f"[{bare}]" if ":" in bare else bare
    return tuple(dict.fromkeys(("127.0.0.1", "localhost", "[::1]", own)))
