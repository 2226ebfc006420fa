"""Peers that no honest broker is: one that lies about its leaders, one that is silent, one far off.
"""

import socket
import struct
import threading
from types import TracebackType
from typing import Self

API_VERSIONS, METADATA = 18, 3
UNSUPPORTED = 35
# API -> the one version that is spoken: Produce, Fetch, ListOffsets, Metadata, ApiVersions
SPOKEN = {0: 3, 1: 4, 2: 1, METADATA: 4, API_VERSIONS: 0}
NOBODY = 9


class Peer:
    """Listens from the start until it is ended. A silent one accepts and says nothing."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._run(self._accept)

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def serve(self, client: socket.socket) -> None:
        """What happens to a connection, on a thread of its own."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        for each in (self._listener, *self._open):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            each.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(client)
            self._run(self._served, client)

    def _served(self, client: socket.socket) -> None:
        try:
            self.serve(client)
        except OSError:
            client.close()

    def _run(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()


class Liar(Peer):
    """Knows one topic whose every partition is led by a broker that is not in its list."""

    def __init__(self, topic: str, partitions: int = 3) -> None:
        self._topic, self._partitions = topic, partitions
        self.asked = 0
        super().__init__()

    def serve(self, client: socket.socket) -> None:
        with client.makefile("rb") as requests:
            while len(size := requests.read(4)) == 4:
                request = requests.read(struct.unpack(">i", size)[0])
                api, version, correlation = struct.unpack_from(">hhi", request)
                self.asked += 1
                if api == API_VERSIONS:
                    answer = _versions(UNSUPPORTED if version else 0)
                elif api == METADATA:
                    answer = self._metadata()
                else:
                    return
                answer = struct.pack(">i", correlation) + answer
                client.sendall(struct.pack(">i", len(answer)) + answer)

    def _metadata(self) -> bytes:
        """Version 4: throttling, brokers, cluster, controller, topics."""
        brokers = struct.pack(">ii", 1, 1) + _text("127.0.0.1") + struct.pack(">ih", self.port, -1)
        partitions = b"".join(
            struct.pack(">hiiiiii", 0, number, NOBODY, 1, NOBODY, 1, NOBODY)
            for number in range(self._partitions))
        topics = struct.pack(">ih", 1, 0) + _text(self._topic) + struct.pack(
            ">bi", 0, self._partitions) + partitions
        return struct.pack(">i", 0) + brokers + _text("liars") + struct.pack(">i", 1) + topics


class Distant(Peer):
    """Passes on what it hears to a port of this machine, each piece `delay_s` late."""

    def __init__(self, port: int, delay_s: float) -> None:
        self._target, self._delay_s = port, delay_s
        self._ended = threading.Event()
        super().__init__()

    def serve(self, client: socket.socket) -> None:
        server = socket.create_connection(("127.0.0.1", self._target))
        self._open.append(server)
        self._run(self._pass, server, client)
        self._pass(client, server)

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                self._ended.wait(self._delay_s)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            target.close()


def _versions(error: int) -> bytes:
    """Version 0, which every client reads."""
    return struct.pack(">hi", error, len(SPOKEN)) + b"".join(
        struct.pack(">hhh", api, version, version) for api, version in sorted(SPOKEN.items()))


def _text(value: str) -> bytes:
    return struct.pack(">h", len(value)) + value.encode()
