"""A cluster of Apache Kafka on this machine: start it, break it, ask who leads.

    with Cluster(tmp_path, nodes=3) as cluster:
        cluster.create_topic("ticker", replication=3)
        cluster.leader("ticker", 0).kill()
"""

import base64
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from kafka.admin import KafkaAdminClient, NewTopic

from tests.broker import metadata
from tests.broker.disk import Disk
from tests.broker.node import BrokerError, Node
from tests.broker.settings import Mechanism, Security, server_properties
from tests.helpers import eventually

ADMIN_MS = 10_000
FORMAT_WITHIN_S = 60.0
USERS = {"bot": "bot-secret"}


class Cluster:
    """Nodes 1..n that are broker and controller in one, in one quorum. `start` it, then `end` it.

    `sasl`, `users` and `tls` hold for the clients' listener; the nodes among themselves and the
    harness talk in the clear. `properties` are added to every server.properties and win.
    `disk_mb`: the messages lie on a file system of that size; see `disks`, one per node. A broker
    that cannot write there ends by itself, since it has no other place for messages.
    """

    def __init__(
        self, folder: Path, nodes: int = 1, *, sasl: Mechanism | None = None, tls: bool = False,
        users: Mapping[str, str] = USERS, properties: Mapping[str, str] = {},
        disk_mb: int = 0,
    ) -> None:
        self.folder = folder
        self.nodes = [Node(number, folder / f"node{number}") for number in range(1, nodes + 1)]
        self.security = Security(folder, sasl, users, tls)
        self.properties = properties
        self.disks = [Disk(node.folder / "disk", disk_mb) for node in self.nodes if disk_mb]
        self._prepared = False

    @property
    def bootstrap(self) -> str:
        return ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)

    def options(self, user: str = "bot") -> dict[str, Any]:
        """What a kafka-python client must be given to come in as `user`."""
        return {"bootstrap_servers": self.bootstrap.split(",")} | self.security.options(user)

    def start(self) -> None:
        """Start every node that does not run, all at once. Raises: BrokerError."""
        if not self._prepared:
            self._prepare()
        idle = [node for node in self.nodes if not node.running]
        for node in idle:
            node.launch()
        for node in idle:
            node.await_ready(self.nodes)

    def stop(self) -> None:
        """SIGTERM to all, SIGKILL to those who do not mind it; the data stays."""
        for node in self.nodes:
            node.terminate()
        for node in self.nodes:
            node.stop()

    def end(self) -> None:
        """Kill what runs and give the disks back: for the end of a test."""
        for node in self.nodes:
            node.kill()
        for disk in self.disks:
            disk.unmount()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.end()

    def create_topic(self, name: str, partitions: int = 3, replication: int = 1,
                     config: Mapping[str, str] = {}) -> None:
        """Create it and wait until every node that answers knows its leaders."""
        with self._admin() as admin:
            admin.create_topics(
                [NewTopic(name, partitions, replication, topic_configs=dict(config))],
                timeout_ms=ADMIN_MS)
        for node in self._answering():
            eventually(lambda: _led(node, name) == partitions, what=f"{name} has leaders")

    def delete_topic(self, name: str) -> None:
        """Delete it and wait until every node that answers has forgotten it."""
        with self._admin() as admin:
            admin.delete_topics([name], timeout_ms=ADMIN_MS)
        for node in self._answering():
            eventually(lambda: not metadata.ask(node.inner, name).leaders, what=f"no {name}")

    def view(self, topic: str = "") -> metadata.View:
        """As the first node that answers sees it. Raises: BrokerError when none does."""
        for node in self._answering():
            try:
                return metadata.ask(node.inner, topic)
            except OSError:
                continue
        raise BrokerError("no node answers")

    def leader(self, topic: str, partition: int = 0) -> Node | None:
        """None while there is none. Right after a kill this is still the dead one."""
        number = self.view(topic).leaders.get(partition, -1)
        return self.nodes[number - 1] if number > 0 else None

    def new_leader(self, topic: str, partition: int, than: Node) -> Node:
        """Wait until another node than `than` leads. Returns: it."""
        def found() -> Node | Literal[False]:
            leader = self.leader(topic, partition)
            return leader if leader and leader is not than else False
        return eventually(found, 30.0, f"{topic}-{partition} has a new leader")

    def _answering(self) -> list[Node]:
        return [node for node in self.nodes if node.running and not node.hung]

    @contextmanager
    def _admin(self) -> Iterator[Any]:
        # with a version given, the constructor asks nobody and cannot block
        admin = KafkaAdminClient(
            bootstrap_servers=[f"127.0.0.1:{node.inner}" for node in self._answering()],
            api_version=(4, 3), request_timeout_ms=ADMIN_MS)
        try:
            yield admin
        finally:
            admin.close()

    def _prepare(self) -> None:
        """Write the settings, mount the disks, format the storage of all nodes at once."""
        # the zero keeps it from beginning with a dash, which would be taken for an option
        cluster_id = base64.urlsafe_b64encode(b"\0" + os.urandom(15)).decode().rstrip("=")
        self.folder.mkdir(parents=True, exist_ok=True)
        self.security.prepare()
        for node in self.nodes:
            node.prepare(server_properties(
                node, self.nodes, self.security, bool(self.disks), self.properties))
        for disk in self.disks:
            disk.mount()
        self._prepared = True
        formats = [node.run("kafka.tools.StorageTool", "format", "-t", cluster_id, "-c",
                            str(node.settings), *self.security.scram()) for node in self.nodes]
        try:
            for node, process in zip(self.nodes, formats):
                if process.wait(FORMAT_WITHIN_S):
                    raise BrokerError(f"node {node.number} was not formatted:\n{node.tail()}")
        finally:
            for process in formats:
                process.kill()
                process.wait()


def _led(node: Node, topic: str) -> int:
    """How many of its partitions have a leader, as this node sees it."""
    return sum(leader > 0 for leader in metadata.ask(node.inner, topic).leaders.values())
