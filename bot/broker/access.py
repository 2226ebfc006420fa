"""How to get at the brokers, and the two clients of kafka-python with settings that suit a daemon.

Its defaults do not: they wait half a minute where this daemon must know within seconds, create
topics, and believe that nothing more was asked of them than to try on. Each setting below that is
not obvious was measured with 3.0.12 against a broker that was killed, hung or not there.
"""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from bot.broker.grumbles import GRUMBLES
from bot.config import Config

if TYPE_CHECKING:  # at run time only the two functions below load it, and only when they are used
    from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer

log = logging.getLogger(__name__)

# Said and not asked for: else the constructor waits for a broker for 30 s, raises, and leaks a
# thread and three descriptors each time. A client steps down by itself to what an older one speaks.
API_VERSION = (4, 3)
REQUEST_MS = 3000
METADATA_MS = 10_000  # after so long a client looks again who leads a partition
DELIVERY_MS = 4000
BLOCK_MS = 200
FETCH_WAIT_MS = 500
BATCH_BYTES = 65_536
CLOSE_S = 0.3
# Faults of a record and not of the way: it would be refused again.
REFUSED = ("MessageSizeTooLargeError", "RecordTooLargeError", "RecordListTooLargeError",
           "InvalidTimestampError", "InvalidRecordError", "CorruptRecordError")
MOST_SPOILT = 8  # clients until something is acknowledged; each may meet another such batch


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """Brokers and credentials. protocol: PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL."""

    brokers: Sequence[str]
    instance: str
    protocol: str = "PLAINTEXT"
    mechanism: str | None = None
    username: str | None = None
    password: str | None = None
    cafile: Path | None = None

    def __repr__(self) -> str:
        return f"Access({','.join(self.brokers)})"

    @property
    def words(self) -> str:
        return ",".join(self.brokers)

    def consumer(self, name: str) -> "KafkaConsumer":
        """Neither waits nor connects. name: of the thread that owns it."""
        from kafka import KafkaConsumer
        return self._made(KafkaConsumer, name, auto_offset_reset="latest",
                          enable_auto_commit=False, group_id=None, fetch_max_wait_ms=FETCH_WAIT_MS)

    def producer(self, name: str) -> "KafkaProducer":
        """Neither waits nor connects. name: of the thread that owns it."""
        from kafka import KafkaProducer
        return self._made(
            KafkaProducer, name, acks=1, enable_idempotence=False, linger_ms=5,
            batch_size=BATCH_BYTES, max_block_ms=BLOCK_MS, delivery_timeout_ms=DELIVERY_MS,
            # with one at a time a batch that is sent again does not overtake the next one
            max_in_flight_requests_per_connection=1)

    def admin(self, name: str, seconds: float) -> "KafkaAdminClient":
        """Connects, and asks who is there. name: of the thread that owns it. Raises: whatever the
        library does, after `seconds` at the latest.
        """
        from kafka import KafkaAdminClient
        GRUMBLES.attach(name, self.password, self.words)
        client: Any = KafkaAdminClient.__new__(KafkaAdminClient)
        try:
            client.__init__(
                bootstrap_servers=list(self.brokers), client_id=f"{name}-{self.instance}",
                security_protocol=self.protocol, request_timeout_ms=int(seconds * 1000),
                bootstrap_timeout_ms=int(seconds * 1000), **self._credentials())
        except Exception:  # whatever it is, its thread is left running (3.0.12)
            if hasattr(client, "_net"):
                client._net.stop()
            raise
        return client

    def _made(self, client: Callable[..., Any], name: str, **options: Any) -> Any:
        GRUMBLES.attach(name, self.password, self.words)
        options |= self._credentials()
        return client(
            bootstrap_servers=list(self.brokers), client_id=f"{name}-{self.instance}",
            api_version=API_VERSION, security_protocol=self.protocol,
            allow_auto_create_topics=False, request_timeout_ms=REQUEST_MS,
            metadata_max_age_ms=METADATA_MS, reconnect_backoff_ms=50,
            reconnect_backoff_max_ms=1000, retry_backoff_ms=100, metrics_enabled=False, **options)

    def _credentials(self) -> dict[str, Any]:
        options: dict[str, Any] = {}
        if self.mechanism is not None:
            options |= {"sasl_mechanism": self.mechanism, "sasl_plain_username": self.username,
                        "sasl_plain_password": self.password}
        if self.cafile is not None:
            options["ssl_cafile"] = str(self.cafile)
        return options


def access(config: Config) -> Access:
    return Access(
        brokers=config.kafka_brokers, instance=config.instance_id,
        protocol=config.kafka_security_protocol, mechanism=config.kafka_sasl_mechanism,
        username=config.kafka_sasl_username, password=config.kafka_sasl_password,
        cafile=config.kafka_ssl_cafile)


def is_records(error: Exception) -> bool:
    """Whether a record is refused for what it is."""
    return type(error).__name__ in REFUSED


class Spoilt:
    """Whether a client was thrown away only for a record that spoilt its batch: all is well, and
    nobody need be told. The library has no name for the fault of that record's neighbours but the
    base of all its errors (3.0.12), which may stand for anything. So it counts only beside a record
    that `is_records` says so of, and not for ever.
    """

    def __init__(self) -> None:
        self._refused = self._before = 0  # when this turn began, and when the last one did
        self._acknowledged = self._count = 0

    def turn(self, refused: int, acknowledged: int) -> None:
        """A turn begins; both are numbers of records, so far."""
        self._before, self._refused = self._refused, refused
        if acknowledged > self._acknowledged:
            self._acknowledged, self._count = acknowledged, 0

    def excuses(self, error: Exception, refused: int) -> bool:
        """Asked once the client is gone, for until then it may go on about its batch."""
        if type(error).__name__ != "KafkaError" or refused == self._before:
            return False
        self._count += 1
        return self._count <= MOST_SPOILT


def ended(producer: "KafkaProducer") -> None:
    """End a client at once. Its own `close` would wait for brokers that do not answer, then raise
    and leave its thread running (3.0.12); what it held is not lost, for its owner holds it too.
    """
    force_close = getattr(getattr(producer, "_sender", None), "force_close", None)
    try:
        if force_close is not None:
            force_close()
        producer.close(CLOSE_S)
    except Exception as error:
        log.debug("kafka-python: %s while it was closed", error)
