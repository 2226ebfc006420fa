"""What kafka-python says only to its log: an outage, a refused password, a missing topic.

Its clients raise nothing for those, and may say it 65,000 times a second (measured with 3.0.12 and
a partition without a leader). So its loggers are cut off from ours; what they say is put into words
for people, the most telling of late is kept for each client, and how many there were.
"""

import logging
import re
from time import monotonic

from bot.errors import short

LOGGER = "kafka"
STORM = 500  # errors within a second: a client that spins
FRESH_S = 15.0

NOISE, VAGUE, TELLING, CERTAIN = 0, 1, 2, 3
HUNG_UP = "the broker hangs up"
ON_CONNECTING = f"{HUNG_UP} on connecting: it may want TLS"
# What a message is told as; {0}: its first group. The first pattern that is found counts.
CAUSES: list[tuple[str, int, str]] = [
    (r"Bootstrap \S+ not ready|in the clear|Unable to bootstrap|acks=1|No node available"
     r"|blocking the event loop|Expiring \d+ record|Exception occurred waiting"
     r"|KafkaConnectionError(\)| \(backoff [\d.]+ secs\))?$", NOISE, ""),
    (r"SaslAuthenticationFailedError: (?:\w+Error: )?(?:Authentication failed[:,]? )?(.+?)"
     r"(?: \(backoff.*|\))?$", CERTAIN, "authentication failed: {0}"),
    (r"(does not support \S+ sasl mechanism)|SaslHandshake failed: (\w+)", CERTAIN,
     "authentication failed: {0}"),
    (r"CERTIFICATE_VERIFY_FAILED\] (.+?) \(_ssl", TELLING, "TLS: {0}"),
    (r"Handshake failed: (?:\[SSL: )?(UNEXPECTED_EOF|WRONG_VERSION|RECORD_LAYER|PACKET_LENGTH)",
     TELLING, "TLS handshake failed: the broker may not speak TLS at this port"),
    (r"Handshake failed: (.+?)(?: \(_ssl.*| \(backoff.*)?$", TELLING, "TLS handshake failed: {0}"),
    (r"Invalid frame length", TELLING,
     "the answer is not Kafka's: it may want TLS at this port"),
    (r"Topic (\S+) not found in cluster metadata|Topic (\S+) is not available", TELLING,
     "topic {0} does not exist"),
    (r"Topic (\S+) is not authorized|Not authorized to read from topic (\S+?)\.?$", TELLING,
     "access to topic {0} is denied"),
    (r"'(\S+)' is not a valid topic name", TELLING, "{0} cannot be the name of a topic"),
    (r"DNS lookup failed for (\S+):\d+,", TELLING, "the name {0} cannot be resolved"),
    (r"DNS Resolution failure", VAGUE, "the name of the broker cannot be resolved"),
    (r"ECONNREFUSED", VAGUE, "no broker answers at {brokers}: connection refused"),
    (r"(ETIMEDOUT|EHOSTUNREACH|ENETUNREACH)", VAGUE, "no broker answers at {brokers}: {0}"),
    (r"Bootstrap attempt to \S+ failed: KafkaConnectionError: socket disconnected", TELLING,
     f"{HUNG_UP} on our first question: it may want TLS or a log-in"),
    # Kafka says why and hangs up at once; 3.0.12 reads both together and drops the words
    (r"Bootstrap connection to \S+ failed: KafkaConnectionError: socket disconnected", TELLING,
     ON_CONNECTING),
    (r"socket disconnected|ECONNRESET|EPIPE", VAGUE, HUNG_UP),
    (r"timed out", VAGUE, "the broker does not answer"),
    (r"Failed to produce messages to .+?: (?:\[Error \d+\] )?(.+)$", VAGUE, "{0}"),
    (r"Uncaught error in kafka producer", VAGUE,
     "the client fails inside; so it does where a leader is no broker"),
    (r"LEADER|NotLeader|Leader ?NotAvailable|UnknownBrokerIdError", VAGUE,
     "a partition has no leader"),
]


class Grumbles(logging.Handler):
    """One for the process. A record belongs to the client whose name its thread's name holds:
    its owner's, and those of the library, which are named after the client id.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._clients: dict[str, tuple[str, bool]] = {}  # its brokers, and whether it logs in
        self._secrets: tuple[str, ...] = ()
        self._last: dict[str, tuple[float, int, str]] = {}  # monotonic s, rank, words
        self._rush: dict[str, tuple[float, int]] = {}

    def attach(self, client: str, secret: str | None, brokers: str = "its address") -> None:
        """Listen for a client. secret: never to be repeated; with one it logs in."""
        logger = logging.getLogger(LOGGER)
        if self not in logger.handlers:
            logger.addHandler(self)
            logger.propagate = False
            logger.setLevel(logging.WARNING)
        self._clients[client] = brokers, bool(secret)
        if secret and secret not in self._secrets:
            self._secrets = (*self._secrets, secret, repr(secret)[1:-1])

    def emit(self, record: logging.LogRecord) -> None:
        thread = record.threadName or ""
        # the first name in it, since an instance may be called like another client
        client = min((name for name in list(self._clients) if name in thread),
                     key=thread.index, default="")
        now = monotonic()
        since, count = self._rush.get(client, (now, 0))
        self._rush[client] = (since, count + 1) if now - since < 1.0 else (now, 1)
        if count >= STORM:
            return
        rank, words = in_words(self._masked(record), *self._clients.get(client, ("", False)))
        at, best, _ = self._last.get(client, (0.0, NOISE, ""))
        if rank and (rank >= best or now - at > FRESH_S):
            self._last[client] = (now, rank, words)

    def last_words(self, client: str) -> str | None:
        """The cause of what a client complained of lately."""
        at, _, words = self._last.get(client, (0.0, NOISE, ""))
        return short(words) if words and monotonic() - at <= FRESH_S else None

    def storms(self, client: str) -> bool:
        """Whether it complains so fast that it must be spinning."""
        since, count = self._rush.get(client, (0.0, 0))
        return count >= STORM and monotonic() - since < 2.0

    def calm(self, client: str) -> None:
        """It was thrown away: what it said still tells why, but how often counts no more."""
        self._rush.pop(client, None)

    def forget(self, client: str) -> None:
        """All is well again, or begins anew."""
        self._last.pop(client, None)
        self._rush.pop(client, None)

    def _masked(self, record: logging.LogRecord) -> str:
        try:
            words = record.getMessage()
        except (TypeError, ValueError, KeyError):
            words = str(record.msg)
        for secret in self._secrets:
            words = words.replace(secret, "****")
        return words[:1000]


def in_words(message: str, brokers: str, logs_in: bool) -> tuple[int, str]:
    """How much a message of the library tells, and what."""
    line = message.partition("\n")[0]
    for pattern, rank, words in CAUSES:
        if found := re.search(pattern, line):
            if words == ON_CONNECTING and logs_in:
                words = f"authentication failed, it seems: {HUNG_UP} at the log-in"
            return rank, words.format(next(filter(None, found.groups()), ""), brokers=brokers)
    return VAGUE, message


GRUMBLES = Grumbles()
