"""Places where everything hangs: names, connections, handshakes, disks."""

import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from tests.processes import free_port
from tests.servers import raw_server, swallow

# `python -m bot`, with a resolver that never answers for names and a disk that never syncs.
HANGING = """
import os, socket, sys, threading
import bot.__main__
real = socket.getaddrinfo

def look_up(host, *arguments, **options):
    if str(host).endswith(".example"):
        threading.Event().wait(600)
    return real(host, *arguments, **options)

socket.getaddrinfo = look_up
os.fsync = lambda file: threading.Event().wait(600)
sys.exit(bot.__main__.main(sys.argv[1:]))
"""


@contextmanager
def black_hole() -> Iterator[int]:
    """A port that drops packets: its queue is full, and nobody takes from it."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        port: int = listener.getsockname()[1]
        while True:
            caller = stack.enter_context(socket.socket())
            caller.settimeout(0.3)
            try:
                caller.connect(("127.0.0.1", port))
            except TimeoutError:
                break
        yield port


@contextmanager
def abyss() -> Iterator[Mapping[str, str]]:
    """Settings under which nothing answers, each address in another way."""
    with black_hole() as hole, raw_server(swallow) as server:
        yield {
            "ENABLE_WEBSOCKET_FEEDS": "true",
            "BINANCE_WS_URL": f"ws://127.0.0.1:{hole},wss://localhost:{server.port},"
                              "wss://stream.example:9443",
            "BINANCE_REST_URL": f"http://127.0.0.1:{hole},https://api.example",
            "OKX_WS_URL": f"ws://127.0.0.1:{server.port}/ws,ws://127.0.0.1:{free_port()}/ws",
            "OKX_REST_URL": f"http://127.0.0.1:{server.port},https://localhost:{hole}",
            "ENABLE_KAFKA": "true",
            "KAFKA_BROKERS": f"127.0.0.1:{server.port},127.0.0.1:{hole},kafka.example:9092",
            "API_PORT": str(server.port),
            "ALERT_WEBHOOK_URL": "https://hook.example/x",
        }
