"""What a node is told: server.properties, and the security of the clients' listener."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from tests.broker.node import Node

Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
LOGIN = "org.apache.kafka.common.security"


class Security:
    """SASL with `users` (name -> password), TLS with a certificate of 127.0.0.1, both, or none."""

    def __init__(self, folder: Path, sasl: Mechanism | None, users: Mapping[str, str],
                 tls: bool) -> None:
        self.sasl = sasl
        self.users = users
        self.tls = tls
        self.certificate, self._key = folder / "cert.pem", folder / "key.pem"
        self._both = folder / "keystore.pem"

    @property
    def protocol(self) -> str:
        """In Kafka's words: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL."""
        if self.sasl:
            return "SASL_SSL" if self.tls else "SASL_PLAINTEXT"
        return "SSL" if self.tls else "PLAINTEXT"

    def options(self, user: str) -> dict[str, Any]:
        """For a kafka-python client."""
        options: dict[str, Any] = {"security_protocol": self.protocol}
        if self.sasl:
            options |= {"sasl_mechanism": self.sasl, "sasl_plain_username": user,
                        "sasl_plain_password": self.users[user]}
        return options | ({"ssl_cafile": str(self.certificate)} if self.tls else {})

    def prepare(self) -> None:
        """Make the certificate."""
        if self.tls:
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                 "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                 "-keyout", str(self._key), "-out", str(self.certificate)],
                check=True, capture_output=True)
            self._both.write_text(self._key.read_text() + self.certificate.read_text())

    def scram(self) -> list[str]:
        """Arguments for the formatting, which is when SCRAM's users come into being."""
        if not self.sasl or self.sasl == "PLAIN":
            return []
        return [part for name, password in self.users.items() for part in (
            "--add-scram", f"{self.sasl}=[name={name},password={password}]")]

    def properties(self) -> dict[str, str]:
        """For the broker."""
        found: dict[str, str] = {}
        if self.sasl:
            prefix = f"listener.name.clients.{self.sasl.lower()}.sasl.jaas.config"
            users = "".join(f' user_{name}="{word}"' for name, word in self.users.items())
            found |= {
                "listener.name.clients.sasl.enabled.mechanisms": self.sasl,
                prefix: f"{LOGIN}.plain.PlainLoginModule required{users};"
                if self.sasl == "PLAIN" else f"{LOGIN}.scram.ScramLoginModule required;"}
        if self.tls:
            found |= {"listener.name.clients.ssl.keystore.type": "PEM",
                      "listener.name.clients.ssl.keystore.location": str(self._both)}
        return found


def server_properties(node: Node, nodes: Sequence[Node], security: Security, disk: bool,
                      extra: Mapping[str, str]) -> str:
    """The text of `node`'s file; `extra` wins over what stands here."""
    clients = f"CLIENTS://127.0.0.1:{node.port},INNER://127.0.0.1:{node.inner}"
    copies = str(min(3, len(nodes)))
    found = {
        "process.roles": "broker,controller",
        "node.id": str(node.number),
        "listeners": f"{clients},QUORUM://127.0.0.1:{node.quorum}",
        "advertised.listeners": clients,
        "listener.security.protocol.map":
            f"CLIENTS:{security.protocol},INNER:PLAINTEXT,QUORUM:PLAINTEXT",
        "inter.broker.listener.name": "INNER",
        "controller.listener.names": "QUORUM",
        "controller.quorum.voters":
            ",".join(f"{each.number}@127.0.0.1:{each.quorum}" for each in nodes),
        # a full disk is to hit the messages and not the cluster's own log
        "metadata.log.dir": str(node.folder / "metadata"),
        "log.dirs": str(node.folder / ("disk/data" if disk else "data")),
        "auto.create.topics.enable": "false",
        "offsets.topic.num.partitions": "2",
        "offsets.topic.replication.factor": copies,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": "1",
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",
        # its 128 MB do not fit into a small heap
        "log.cleaner.dedupe.buffer.size": "2097152",
        # A killed node loses its partitions, and may register again when it comes back, only after
        # this time. Kafka's own default is 9000, and so long does every restart wait with it.
        "broker.session.timeout.ms": "2000",
        "broker.heartbeat.interval.ms": "500",
    } | security.properties() | dict(extra)
    return "".join(f"{key}={value}\n" for key, value in found.items())
