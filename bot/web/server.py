"""The API's thread: waitress, one poll at a time."""

import logging
import resource
import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from waitress import create_server, wasyncore
from waitress.task import ThreadedTaskDispatcher

from bot.errors import ConfigError, PortTakenError
from bot.web.app import create_app
from bot.web.guard import Guard, trusted_hosts
from bot.web.hub import Hub
from bot.web.upgrade import Channel
from bot.web.view import View
from bot.worker import Deadline, Worker

THREADS = 4
POLL_S = 1.0
END_S = 0.5  # for answers under way when the server stops; each takes well below a millisecond


class WebServer(Worker):
    """Serves `view` on host:port, and gives the WebSockets of /ws to `hub`.

    The owner calls `bind` before `start`; from then on clients can connect, and wait. Idle and
    half-sent connections cost a descriptor each and no thread; they are closed after 30 s.
    """

    def __init__(
        self, view: View, hub: Hub, *, host: str, port: int, token: str | None = None
    ) -> None:
        super().__init__("web")
        hosts = trusted_hosts(host)
        self.port = port
        self._host = host.strip("[]")
        self._app = create_app(view, token=token, trusted_hosts=hosts)
        self._channel = partial(Channel, guard=Guard(token, hosts), hand_over=hub.adopt)
        self._lock = threading.Lock()  # guards _server
        self._server: Any = None
        self._listener: socket.socket | None = None
        self._pool: _Pool | None = None
        self._map: dict[int, Any] = {}

    def bind(self) -> None:
        """Take the port. Afterwards `port` is the one taken, also when 0 was asked for.

        Raises: PortTakenError; ConfigError for a host that is none.
        """
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            # Past connections may linger on the port after a restart; a listener keeps it for
            # itself all the same, but on Linux only listen() tells.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((self._host, self.port))
            sock.listen(1024)
        except socket.gaierror as error:
            sock.close()
            raise ConfigError([f"API_HOST: must be an address of this machine, got {self._host!r} "
                               f"({error.strerror})"]) from error
        except OSError as error:
            sock.close()
            raise PortTakenError(
                f"cannot listen on {self._host} port {self.port}: {error.strerror or error}; stop "
                f"what uses it (ss -ltnp shows it) or set API_HOST, API_PORT") from error
        self._listener = sock
        self.port = sock.getsockname()[1]

    def stop(self) -> None:
        super().stop()
        with self._lock:  # after close() the trigger's descriptor may be another file's
            if self._server is not None:
                self._server.pull_trigger()
        if self._thread.ident is None:
            self.close()

    def open(self) -> None:
        assert self._listener is not None, "bind() comes before start()"
        logging.getLogger("waitress").addFilter(_sparse)
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # warns of every short wait
        self._pool = _Pool()
        self._pool.set_thread_count(THREADS)
        server = create_server(
            self._app, map=self._map, _dispatcher=self._pool, sockets=[self._listener],
            connection_limit=_connection_limit(), channel_timeout=30, cleanup_interval=5,
            max_request_header_size=16 * 1024, max_request_body_size=16 * 1024,
            # so that a question is given up when the client that asked it has left
            channel_request_lookahead=1,
            asyncore_use_poll=True, ident=None, expose_tracebacks=False, log_socket_errors=False,
        )
        server.channel_class = self._channel
        with self._lock:
            self._server = server

    def step(self) -> None:
        wasyncore.loop(timeout=POLL_S, use_poll=True, map=self._map, count=1)

    def close(self) -> None:
        with self._lock:
            self._server = None
        if self._pool is not None:
            self._pool.end(END_S)
        wasyncore.close_all(self._map, ignore_all=True)
        if self._listener is not None:
            self._listener.close()


class _Pool(ThreadedTaskDispatcher):  # type: ignore[misc]  # waitress is untyped
    """waitress' workers, named as ours are and joined; its own shutdown does not wait that long."""

    def __init__(self) -> None:
        super().__init__()
        self._started: list[threading.Thread] = []

    def start_new_thread(self, target: Callable[[int], None], thread_no: int) -> None:
        thread = threading.Thread(target=target, name=f"web-{thread_no}", args=(thread_no,),
                                  daemon=True)
        self._started.append(thread)
        thread.start()

    def end(self, seconds: float) -> None:
        deadline = Deadline(seconds)
        self.shutdown(timeout=seconds)
        for thread in self._started:
            thread.join(deadline.left_s)


class _Sparse(logging.Filter):
    """Passes what one line of waitress says once a minute; under attack it says it per request."""

    def __init__(self, every_s: float = 60.0) -> None:
        super().__init__()
        self._every_s = every_s
        self._passed: dict[tuple[str, int], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        place, now = (record.pathname, record.lineno), time.monotonic()
        if now - self._passed.get(place, -self._every_s) < self._every_s:
            return False
        self._passed[place] = now
        return True


_sparse = _Sparse()


def _connection_limit() -> int:
    """At most half of the process' descriptors: without any left no feed could reconnect."""
    return min(1000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)
