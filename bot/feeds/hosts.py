"""The addresses of one source, in order of preference, and the attempt to reach one of them."""

from collections.abc import Callable, Sequence
from time import monotonic

from bot.errors import ConnectError
from bot.feeds.connection import Connection
from bot.feeds.dial import HANDSHAKE_S, Dial

STRAY_DIALS = 3  # attempts that were left behind and still hang; with so many none is begun


class Hosts:
    """At most one attempt is under way. One thread only.

    url: of the last attempt.
    """

    def __init__(
        self, urls: Sequence[str], handshake_s: float = HANDSHAKE_S,
        mono: Callable[[], float] = monotonic,
    ) -> None:
        self.url = urls[0]
        self._urls = list(urls)
        self._handshake_s = handshake_s
        self._mono = mono
        self._not_before = dict.fromkeys(urls, 0.0)
        self._failed: set[str] = set()  # since one was opened for the last time
        self._dial: Dial | None = None
        self._strays: list[Dial] = []

    @property
    def dialling(self) -> bool:
        return self._dial is not None

    def pause_s(self) -> float:
        """Until any of them may be tried: one that was told to wait longer is left alone."""
        return max(0.0, min(self._not_before.values()) - self._mono())

    def in_turn(self) -> str:
        """The one to try next while there is no connection."""
        return min(self._urls, key=lambda url: self._not_before[url])

    def preferred(self, before: str | None = None) -> str | None:
        """The first that may be tried, at best one that has not just failed.

        before: only those that are preferred to this one. Returns: None if there is none.
        """
        now = self._mono()
        among = self._urls[:self._urls.index(before)] if before is not None else self._urls
        free = [url for url in among if self._not_before[url] <= now]
        return next((url for url in free if url not in self._failed), free[0] if free else None)

    def dial(self, url: str) -> None:
        """Begin an attempt. Raises: ConnectError if too many hang already."""
        self.url = url
        # a URL that was tried goes behind the others; a failure sends it further back
        self._not_before[url] = self._mono()
        self._strays = [stray for stray in self._strays if not stray.wait(0.0)]
        if len(self._strays) >= STRAY_DIALS:
            raise ConnectError(f"{url}: {len(self._strays)} attempts hang in name look-up",
                               cause="lookup")
        self._dial = Dial(url, self._handshake_s)

    def poll(self, wait_s: float) -> Connection | None:
        """The connection, or None as long as the attempt goes on. Raises: ConnectError."""
        dial = self._dial
        assert dial is not None, "dialling"
        if not dial.wait(wait_s):
            if dial.expired:
                self._strays.append(dial)
                self.abandon()
                self._failed.add(self.url)
                raise ConnectError(f"{self.url}: no answer within {self._handshake_s:g} s",
                                   cause="timeout")
            return None
        self._dial = None
        try:
            connection = dial.connection()
        except ConnectError as error:
            self._failed.add(self.url)
            if error.retry_after_s is not None:
                self._not_before[self.url] = self._mono() + error.retry_after_s
            raise
        self._failed.clear()
        return connection

    def blame(self, url: str) -> None:
        """It was opened and was of no use."""
        self._failed.add(url)

    def abandon(self) -> None:
        """Give the attempt up, if one is under way."""
        if self._dial is not None:
            self._dial.abandon()
            self._dial = None
