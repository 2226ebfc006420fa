"""One process of Apache Kafka, broker and controller in one, on ports and data of its own."""

import random
import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.broker import fetch, metadata
from tests.helpers import eventually

START_WITHIN_S = 60.0
STOP_WITHIN_S = 10.0
JAVA = ("java", "-Xms128m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
        "-Djava.awt.headless=true")
LOGGING = """\
rootLogger.level = WARN
rootLogger.appenderRef.file.ref = file
appender.file.type = File
appender.file.name = file
appender.file.fileName = {log}
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d{{HH:mm:ss.SSS}} %p %c{{1}}: %m%n%ex{{short}}
"""


class BrokerError(Exception):
    """What a broker did not do, with the end of what it wrote."""


def own_port() -> int:
    """A free port below the range the kernel gives to clients.

    Inside that range a client that dials a dead broker again and again can get the broker's port
    as its own, talk to itself, and keep the broker from coming back.
    """
    while True:
        port = random.randrange(15000, 32000)
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError:
            continue


class Node:
    """Ready means that it answers Metadata and finds itself in it.

    `port` is for clients; `inner` is for the harness and the other nodes, always in the clear;
    `console` and `log` are its files: what it printed, and its warnings.
    """

    def __init__(self, number: int, folder: Path) -> None:
        self.number = number
        self.folder = folder
        self.port, self.inner, self.quorum = own_port(), own_port(), own_port()
        self.settings = folder / "server.properties"
        self.console, self.log = folder / "console.log", folder / "broker.log"
        self.hung = False
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process, f"node {self.number} was never started"
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def prepare(self, settings: str) -> None:
        """Write its files, before the first start."""
        self.folder.mkdir(parents=True)
        self.settings.write_text(settings)
        (self.folder / "log4j2.properties").write_text(LOGGING.format(log=self.log))

    def run(self, main: str, *arguments: str) -> "subprocess.Popen[bytes]":
        """Start one of Kafka's programs in this node's folder; it survives Ctrl-C."""
        with self.console.open("ab") as console:
            return subprocess.Popen(
                [*JAVA, f"-Dlog4j2.configurationFile={self.folder / 'log4j2.properties'}",
                 "-cp", f"{fetch.folder()}/*", main, *arguments], cwd=self.folder,
                stdin=subprocess.DEVNULL, stdout=console, stderr=console, start_new_session=True)

    def launch(self) -> None:
        """Start its process and do not wait for it."""
        assert not self.running, f"node {self.number} runs already"
        self._process = self.run("kafka.Kafka", str(self.settings))
        # outlives a pytest that is killed, sees the pipe close, and takes the broker along
        self._guard = subprocess.Popen(
            ["sh", "-c", 'read _; kill -9 "$0"', str(self._process.pid)], stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL, start_new_session=True)

    def await_ready(self, others: Sequence["Node"] = ()) -> None:
        """Wait until it sees itself and `others`. Raises: BrokerError."""
        wanted = {self.number, *(other.number for other in others)}

        def ready() -> bool:
            if not self.running:
                raise BrokerError(f"node {self.number} ended while starting:\n{self.tail()}")
            try:
                seen = metadata.ask(self.inner).nodes
                socket.create_connection(("127.0.0.1", self.port), 1.0).close()
            except OSError:
                return False
            return wanted <= seen
        try:
            eventually(ready, START_WITHIN_S, f"node {self.number} is ready")
        except AssertionError as error:
            raise BrokerError(f"{error}\n{self.tail()}") from None

    def start(self) -> None:
        """Start and wait until ready; after `kill` or `stop` on the same ports and data."""
        self.launch()
        self.await_ready()

    def tail(self, size: int = 3000) -> str:
        """The end of what it wrote."""
        return "\n".join(f"{file}:\n{file.read_text(errors='replace')[-size:]}"
                         for file in (self.console, self.log) if file.exists())

    def hang(self) -> None:
        """It keeps its connections and answers nothing."""
        self._signal(signal.SIGSTOP)
        eventually(self._stands_still, what="the node stands still")
        self.hung = True

    def _stands_still(self) -> bool:
        """SIGSTOP stops thread after thread, and meanwhile they may answer."""
        tasks = Path(f"/proc/{self.pid}/task").glob("*/stat")
        return all(task.read_text().rpartition(")")[2].split()[0] == "T" for task in tasks)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)
        self.hung = False

    def kill(self) -> None:
        """End it without a farewell; nothing happens if it is gone."""
        self._signal(signal.SIGKILL)
        self.ended()

    def terminate(self) -> None:
        """Ask it to end, and do not wait."""
        self._signal(signal.SIGCONT)
        self._signal(signal.SIGTERM)

    def stop(self) -> None:
        """Ask it to end; kill it after STOP_WITHIN_S."""
        self.terminate()
        try:
            self.ended(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def ended(self, within: float = STOP_WITHIN_S) -> int | None:
        """Wait for its end. Returns: the exit code. Raises: subprocess.TimeoutExpired."""
        code = self._process.wait(within) if self._process else None
        self.hung = False
        if self._guard and self._guard.stdin:
            self._guard.kill()
            self._guard.wait()
            self._guard.stdin.close()
            self._guard = None
        return code

    def _signal(self, number: signal.Signals) -> None:
        if self.running and self._process:
            self._process.send_signal(number)
