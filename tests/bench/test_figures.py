"""The promised figures, measured: `make bench`. Each row ends with the promise it is held to."""

import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import pytest
import requests

from bot.aggregator import EVENTS, MultiSourceWebSocketAggregator
from bot.events import Publisher, SourceSwitched
from bot.exchanges import ALL
from bot.feeds.feed import Feed
from bot.feeds.subscriptions import Subscriptions
from bot.sandbox.server import Sandbox
from bot.store import LatestPrices
from bot.symbols import parse_symbol
from tests.bench.conftest import Figure, blasting, spread
from tests.helpers import eventually
from tests.processes import Daemon, daemon
from tests.servers import raw_server, swallow

pytestmark = pytest.mark.bench

FEEDS_ON = {"ENABLE_WEBSOCKET_FEEDS": "true", "ENABLE_DUCKDB": "false"}
PAUSE = threading.Event().wait  # a measurement lasts as long as it lasts
RUNS = 50
ROUNDS = 5


def feed_of(exchange: str, url: str) -> Feed:
    subscriptions = Subscriptions()
    subscriptions.add(parse_symbol("BTCUSDT"), ["ticker", "trade"])
    return Feed(ALL[exchange], [url], subscriptions, LatestPrices(), Publisher(EVENTS))


@pytest.mark.parametrize("exchange", ["binance", "okx"])
@pytest.mark.parametrize("rate, regime", [(0, "blast"), (2000, "2,000/s one by one"),
                                          (200, "200/s one by one")])
def test_cpu_per_message_from_socket_to_store(
    figure: Figure, exchange: str, rate: int, regime: str
) -> None:
    with blasting(exchange, rate, 1 if rate else 50) as url:
        feed = feed_of(exchange, url)
        feed.start()
        eventually(lambda: feed.health().messages_received > 100)
        cpu, count = time.process_time(), feed.health().messages_received
        PAUSE(5.0)
        cpu, count = time.process_time() - cpu, feed.health().messages_received - count
        feed.stop()
        assert feed.join(1.0)
    each = cpu / count * 1e6
    figure(f"CPU per message, socket to store, {exchange}, {regime}",
           f"{each:.1f} us ({count / 5:.0f}/s)", "< 1 ms")
    assert each < 1000


def cpu_s(bot: Daemon) -> float:
    fields = Path(f"/proc/{bot.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100.0


def rss_mb(bot: Daemon) -> float:
    return int(Path(f"/proc/{bot.process.pid}/statm").read_text().split()[1]) * 4096 / 1e6


def cost(folder: Path, settings: dict[str, str], seconds: float = 10.0) -> tuple[float, float]:
    """Returns: share of one core in %, RSS in MB."""
    folder.mkdir()
    with daemon(folder, settings) as bot:
        bot.wait_for("initialized successfully")
        PAUSE(3.0)
        before = cpu_s(bot)
        PAUSE(seconds)
        share, memory = (cpu_s(bot) - before) / seconds * 100, rss_mb(bot)
        if settings.get("ENABLE_WEBSOCKET_FEEDS") == "true":
            assert bot.json("/api/websocket/health")["updateCount"] > 150 * seconds
        assert bot.terminate() == 0
    return share, memory


@pytest.mark.parametrize("recording", [False, True])
def test_added_cpu_and_memory_at_200_messages_a_second(
    figure: Figure, tmp_path: Path, recording: bool
) -> None:
    """Evenly spaced, so that every message wakes the process: the dearest way to bring them."""
    duck = {"ENABLE_DUCKDB": str(recording).lower(), "ENABLE_OKX_LIVE": "false"}
    cpu, memory = [], []
    with blasting("binance", 100) as binance, blasting("okx", 100) as okx:
        feeds = FEEDS_ON | duck | {"BINANCE_WS_URL": binance, "OKX_WS_URL": okx}
        for number in range(ROUNDS):
            off = cost(tmp_path / f"off{number}", duck)
            on = cost(tmp_path / f"on{number}", feeds)
            cpu.append(on[0] - off[0])
            memory.append(on[1] - off[1])
    beside = "with" if recording else "without"
    figure(f"added CPU at 200 messages/s, {beside} DuckDB",
           f"median {median(cpu):.2f}, {min(cpu):.2f} to {max(cpu):.2f} % of a core "
           f"({ROUNDS} rounds)", "< 3 %")
    figure(f"added RSS at 200 messages/s, {beside} DuckDB",
           f"median {median(memory):.1f}, {min(memory):.1f} to {max(memory):.1f} MB, "
           f"of {on[1]:.0f}", "< 15 MB")
    assert median(cpu) < 3 and median(memory) < 15


@contextmanager
def switching(limit_ms: int) -> Iterator[tuple[
        MultiSourceWebSocketAggregator, Sandbox, list[tuple[float, SourceSwitched]]]]:
    with Sandbox(rate=100) as sandbox:
        aggregator = MultiSourceWebSocketAggregator(
            max_source_latency=limit_ms, failback_after=50,
            ws_urls={name: [sandbox.ws_url(name)] for name in ("binance", "okx")})
        for feed in aggregator.feeds.values():
            feed._backoff._base_s = feed._backoff._cap_s = 0.02
        switches: list[tuple[float, SourceSwitched]] = []
        aggregator.on("source_switch",
                      lambda event: switches.append((time.monotonic(), event)))
        aggregator.subscribe("BTCUSDT", ["ticker", "trade"])
        aggregator.connect(timeout=5.0)
        yield aggregator, sandbox, switches
        aggregator.disconnect()


def settled(aggregator: MultiSourceWebSocketAggregator) -> str | None:
    """Who is active, while both could be; one that was lost often is not the primary for a while.
    """
    both = set(aggregator.standing("BTCUSDT").fit_since) == {"binance", "okx"}
    return aggregator.active_source if both else None


def test_time_from_loss_to_switch(figure: Figure) -> None:
    times = []
    with switching(5000) as (aggregator, sandbox, switches):
        for _ in range(RUNS):
            active = eventually(lambda: settled(aggregator))
            switches.clear()
            cut = time.monotonic()
            sandbox.fault(active, "cut")
            eventually(lambda: switches, within=10.0)
            times.append(switches[0][0] - cut)
    figure("connection lost -> other source active", spread(times), "< 100 ms")
    assert max(times) < 0.1


def test_time_from_silence_to_switch(figure: Figure) -> None:
    late, limit = [], 0.5
    with switching(int(limit * 1000)) as (aggregator, sandbox, switches):
        for _ in range(RUNS):
            active = eventually(lambda: settled(aggregator), within=10.0)
            switches.clear()
            sandbox.fault(active, "silence")
            eventually(lambda: switches, within=10.0)
            leg = aggregator.desk.store.leg(active, "BTCUSDT", 5.0)
            assert leg is not None
            late.append(switches[0][0] - leg.fresh_at - limit)
            sandbox.heal()
    figure("MAX_SOURCE_LATENCY passed in silence -> other source active", spread(late), "< 250 ms")
    assert max(late) < 0.25


@pytest.mark.parametrize("dashboards", [0, 100])
def test_api_while_ten_thousand_messages_a_second_arrive(
    figure: Figure, tmp_path: Path, dashboards: int
) -> None:
    with blasting("binance", 5000, 5) as binance, blasting("okx", 5000, 5) as okx:
        with daemon(tmp_path, FEEDS_ON | {"BINANCE_WS_URL": binance, "OKX_WS_URL": okx,
                                          "ENABLE_DUCKDB": "true"}) as bot:
            bot.wait_for("is served from websocket")
            watching = Dashboards(bot.port, dashboards)
            times: list[float] = []
            ages: list[float] = []
            before, began = bot.json("/api/websocket/health")["updateCount"], time.monotonic()
            with requests.Session() as session:
                session.trust_env = False
                for number in range(1000):
                    path = ("/api/v1/prices/BTCUSDT", "/api/websocket/health",
                            "/readyz", "/api/v1/prices")[number % 4]
                    asked = time.perf_counter()
                    answer = session.get(f"http://127.0.0.1:{bot.port}{path}", timeout=5)
                    times.append(time.perf_counter() - asked)
                    assert answer.status_code == 200
                    if number % 4 == 0:
                        ages.append(answer.json()["ageMs"] / 1000)
                    PAUSE(0.01)
            health = bot.json("/api/websocket/health")
            rate = (health["updateCount"] - before) / (time.monotonic() - began)
            watching.stop()
            assert bot.terminate() == 0
            assert "refused" not in bot.log
    beside = f", {dashboards} dashboards" if dashboards else ""
    figure(f"API answer at {rate:.0f} messages/s{beside}", spread(times), "p99 < 50 ms")
    figure(f"age of the price in it{beside}", spread(ages), "< 1 s")
    assert sorted(times)[989] < 0.05 and max(ages) < 1.0 and rate > 9000


class Dashboards:
    """So many WebSocket clients that read, in one thread, and one that never does."""

    def __init__(self, port: int, count: int) -> None:
        self._stopping = threading.Event()
        self._clients = [self._connect(port) for _ in range(count + 1 if count else 0)]
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _connect(self, port: int) -> socket.socket:
        sock = socket.create_connection(("127.0.0.1", port))
        sock.sendall(f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: Upgrade\r\n"
                     "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode())
        assert b" 101 " in sock.recv(512)
        sock.setblocking(False)
        return sock

    def _read(self) -> None:
        while not self._stopping.wait(0.05):
            for sock in self._clients[1:]:
                try:
                    sock.recv(1 << 16)
                except BlockingIOError:
                    pass

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()
        for sock in self._clients:
            sock.close()


PHASES = ("running", "all exchanges silent", "all exchanges refuse", "handshake swallowed",
          "REST hangs")


@pytest.mark.parametrize("phase", PHASES)
def test_stop_time(figure: Figure, tmp_path: Path, phase: str) -> None:
    times = []
    for number in range(5):
        with Sandbox(rate=100) as sandbox, raw_server(swallow) as hole:
            settings = FEEDS_ON | sandbox.environment() | {"ENABLE_DUCKDB": "true"}
            fault = {"all exchanges silent": "mute", "all exchanges refuse": "refuse",
                     "REST hangs": "refuse"}.get(phase)
            if fault:
                sandbox.fault("binance", fault)
                sandbox.fault("okx", fault)
            if phase == "REST hangs":
                sandbox.fault("okx", "rest_hang")
            if phase == "handshake swallowed":
                settings |= {f"{name}_WS_URL": f"ws://127.0.0.1:{hole.port}"
                             for name in ("BINANCE", "OKX")}
            folder = tmp_path / str(number)
            folder.mkdir()
            with daemon(folder, settings) as bot:
                bot.wait_for("initialized successfully")
                PAUSE(1.0)
                began = time.monotonic()
                bot.signal(signal.SIGTERM)
                assert bot.ended(5.0) == 0
                times.append(time.monotonic() - began)
    figure(f"SIGTERM -> gone, {phase}", spread(times), "< 5 s")
    assert max(times) < 5.0
