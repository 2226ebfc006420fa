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

    def knows_bearer(self, authorization: str | None) -> bool:
        """authorization: the header as WSGI has it, one character for each byte."""
        if self.token is None:
            return True
        scheme, _, given = (authorization or "").partition(" ")
        same = hmac.compare_digest(given.strip().encode("latin-1"), self.token.encode())
        return same and scheme.lower() == "bearer"

    def knows_origin(self, origin: str | None, host: str | None) -> bool:
        """Only browsers send an Origin; theirs must be a page that this very server gave them."""
        if origin is None:
            return True
        scheme, separator, place = origin.lower().partition("://")
        return separator != "" and scheme in ("http", "https") and place == (host or "").lower()


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
