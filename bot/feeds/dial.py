"""Opening a WebSocket with one deadline over look-up, TCP, proxy, TLS and upgrade together.

websocket-client's `timeout=` is per read, so that a peer which drips bytes could hold it for ever,
and look-up is outside it. Hence each attempt runs on a thread of its own whose owner can walk away,
and cut the socket from under it.
"""

import functools
import http.client
import socket
import ssl
import threading
import time
import urllib.request
from base64 import b64encode
from collections.abc import Callable
from urllib.parse import SplitResult, unquote, urlsplit

import websocket

from bot import __version__
from bot.causes import ConnectCause
from bot.errors import ConnectError
from bot.feeds.connection import Connection
from bot.limits import LIMITED, retry_after_s
from bot.readers import is_loopback
from bot.wording import worded
from bot.worker import Deadline, Detached

HANDSHAKE_S = 10.0
BLOCKED = 451
LIMITED_PAUSE_S = 60.0  # after 451, and after 418 or 429 without Retry-After


class Dial:
    """One attempt. Its owner calls `wait` until it ends, then `connection`; or `abandon`."""

    def __init__(self, url: str, seconds: float = HANDSHAKE_S) -> None:
        self._url = url
        self._parts = urlsplit(url)
        self._deadline = Deadline(seconds)
        self._lock = threading.Lock()  # guards _socket and _abandoned
        self._socket: socket.socket | None = None
        self._abandoned = False
        self._call = Detached(f"dial-{self._parts.hostname}", self._open)

    @property
    def expired(self) -> bool:
        return self._deadline.passed

    def wait(self, seconds: float) -> bool:
        """Returns: whether the attempt has ended, well or not."""
        return self._call.wait(seconds)

    def abandon(self) -> None:
        """Cut whatever is open. The thread then ends by itself, at the latest with its look-up."""
        with self._lock:
            self._abandoned = True
            if self._socket is not None:
                _cut(self._socket)

    def connection(self) -> Connection:
        """The open connection, once `wait` returned true. Raises: ConnectError."""
        return self._call.result()

    def _open(self) -> Connection:
        host = self._parts.netloc
        try:
            name = str(self._parts.hostname)
            sock = reach(self._parts.scheme, name, port_of(self._parts), self._deadline, self._hold)
            if self._parts.scheme == "wss":
                sock = self._hold(_tls(sock, name, self._deadline))
            sock.settimeout(max(0.1, self._deadline.left_s))
            ws = websocket.WebSocket(enable_multithread=False)
            ws.connect(  # type: ignore[no-untyped-call]
                self._url, socket=sock, redirect_limit=0, suppress_origin=True,
                header=[f"User-Agent: autonomous-bot/{__version__}"])
            self._hold(sock)
            return Connection(ws)
        except websocket.WebSocketBadStatusException as error:
            raise _refusal(host, error.status_code, error.resp_headers or {}) from error
        except (OSError, ValueError, websocket.WebSocketException,
                http.client.HTTPException) as error:
            # ValueError: a proxy variable that is no URL, a host name that DNS cannot spell
            if self._socket is not None:
                self._socket.close()
            raise ConnectError(f"{host}: {worded(error)}", cause=_cause(error)) from error

    def _hold(self, sock: socket.socket) -> socket.socket:
        with self._lock:
            self._socket = sock
            if self._abandoned:
                _cut(sock)
                sock.close()
                raise ConnectError("given up")
        return sock


def reach(
    scheme: str, host: str, port: int, deadline: Deadline,
    hold: Callable[[socket.socket], object] = lambda sock: None,
) -> socket.socket:
    """A TCP connection to a host, or through the proxy that the environment names for it.

    scheme: wss or ws. hold: is given the socket before a tunnel stands, so that a proxy which drips
    can be cut too. Raises: OSError, ValueError, http.client.HTTPException; then nothing is open.
    """
    proxy = proxy_for(scheme, host)
    near, near_port = (host, port) if proxy is None else (str(proxy.hostname), proxy.port or 80)
    sock = tcp(near, near_port, deadline)
    try:
        hold(sock)
        if proxy is not None:
            _tunnel(sock, proxy, host, port, deadline)
        return sock
    except BaseException:
        sock.close()
        raise


def tcp(host: str, port: int, deadline: Deadline) -> socket.socket:
    """Try every address of the host; each has its share of the time that is left."""
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    failure: OSError = ConnectionError("no address")
    for number, (family, kind, protocol, _, address) in enumerate(addresses):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(max(0.1, deadline.left_s / (len(addresses) - number)))
            sock.connect(address)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            return sock
        except OSError as error:
            sock.close()
            failure = error
    raise failure


def _tunnel(
    sock: socket.socket, proxy: SplitResult, host: str, port: int, deadline: Deadline
) -> None:
    """Have the proxy, to which `sock` leads, connect it to the host. Raises: OSError, with the
    status of a refusal in its words; http.client.HTTPException.
    """
    sock.settimeout(max(0.1, deadline.left_s))
    client = http.client.HTTPConnection(str(proxy.hostname), proxy.port or 80)
    client.set_tunnel(host, port, credentials_of(proxy))
    client.sock = sock
    client._tunnel()  # type: ignore[attr-defined]  # what connect() does after its own TCP


def _tls(sock: socket.socket, host: str, deadline: Deadline) -> ssl.SSLSocket:
    sock.settimeout(max(0.1, deadline.left_s))
    try:
        return tls_context().wrap_socket(sock, server_hostname=host)
    except BaseException:
        sock.close()
        raise


@functools.cache
def tls_context() -> ssl.SSLContext:
    # one for all: building it costs 20 ms and 0.8 MB
    return ssl.create_default_context()


def port_of(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme in ("wss", "https") else 80)


def proxy_for(scheme: str, host: str) -> SplitResult | None:
    """The proxy that the environment names for a host, if any. scheme: wss or ws."""
    proxies = urllib.request.getproxies_environment()
    found = proxies.get("https" if scheme == "wss" else "http") or proxies.get("all")
    if not found or is_loopback(host) or urllib.request.proxy_bypass(host):
        return None
    return urlsplit(found if "://" in found else f"http://{found}")


def credentials_of(proxy: SplitResult) -> dict[str, str]:
    """The header that a proxy with a log-in wants."""
    if proxy.username is None:
        return {}
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": "Basic " + b64encode(pair.encode()).decode()}


def _refusal(host: str, status: int, headers: dict[str, str]) -> ConnectError:
    if status == BLOCKED:  # for good, whatever Retry-After says; another host may still answer
        return ConnectError(f"{host}: blocked: handshake answered with HTTP status {status}, which "
                            f"refuses the place this machine is in", cause="blocked",
                            retry_after_s=LIMITED_PAUSE_S, status=status)
    pause = retry_after_s(headers.get("retry-after", ""), time.time())
    if pause is None and status in LIMITED:
        pause = LIMITED_PAUSE_S
    return ConnectError(f"{host}: handshake answered with HTTP status {status}",
                        cause="limited" if status in LIMITED else "handshake",
                        retry_after_s=pause, status=status)


def _cause(error: Exception) -> ConnectCause:
    if isinstance(error, socket.gaierror):
        return "lookup"
    if isinstance(error, TimeoutError | websocket.WebSocketTimeoutException):
        return "timeout"
    if isinstance(error, ssl.SSLError):
        return "tls"
    spoken = (websocket.WebSocketException, http.client.HTTPException)
    return "handshake" if isinstance(error, spoken) else "unreachable"


def _cut(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # it was not connected any more
