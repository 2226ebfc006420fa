"""What kafka-python says only to its log: an outage, a refused password, a missing topic.

Its clients raise nothing for those, and may say it 65,000 times a second (measured with 3.0.12 and
a partition without a leader). So its loggers are cut off from ours; of what they say the last words
are kept for each client, and how many there were.
"""

import logging
from time import monotonic

from bot.errors import short

LOGGER = "kafka"
STORM = 500  # errors within a second: a client that spins
FRESH_S = 15.0


class Grumbles(logging.Handler):
    """One for the process. A record belongs to the client whose name its thread's name holds:
    its owner's, and those of the library, which are named after the client id.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._secrets: tuple[str, ...] = ()
        self._last: dict[str, tuple[float, str]] = {}
        self._rush: dict[str, tuple[float, int]] = {}
        self._clients: tuple[str, ...] = ()

    def attach(self, client: str, secret: str | None) -> None:
        """Listen for a client. secret: never to be repeated."""
        logger = logging.getLogger(LOGGER)
        if self not in logger.handlers:
            logger.addHandler(self)
            logger.propagate = False
            logger.setLevel(logging.WARNING)
        if secret and secret not in self._secrets:
            self._secrets = (*self._secrets, secret)
        if client not in self._clients:
            self._clients = (*self._clients, client)

    def emit(self, record: logging.LogRecord) -> None:
        thread = record.threadName or ""
        client = next((name for name in self._clients if name in thread), "")
        now = monotonic()
        since, count = self._rush.get(client, (now, 0))
        self._rush[client] = (since, count + 1) if now - since < 1.0 else (now, 1)
        if count < STORM:
            self._last[client] = (now, record.getMessage()[:1000])

    def last_words(self, client: str) -> str | None:
        """What a client complained of lately."""
        at, words = self._last.get(client, (0.0, ""))
        if not words or monotonic() - at > FRESH_S:
            return None
        for secret in self._secrets:
            words = words.replace(secret, "****")
        return short(words)

    def storms(self, client: str) -> bool:
        """Whether it complains so fast that it must be spinning."""
        since, count = self._rush.get(client, (0.0, 0))
        return count >= STORM and monotonic() - since < 2.0

    def forget(self, client: str) -> None:
        self._last.pop(client, None)
        self._rush.pop(client, None)


GRUMBLES = Grumbles()
