"""Every error the package raises on purpose.

    BotError
    ├── ConfigError          bad settings; `faults` lists all of them
    ├── ParseError           a frame or answer that is not what the exchange documents
    ├── ImplausibleStamp     a time stamp that cannot be one of this stream's
    ├── ExchangeError        the exchange itself reported an error in a well-formed frame
    ├── ClosingSoon          the exchange announced that it will close this connection
    ├── ConnectError         no WebSocket could be opened; carries what the server asked for
    ├── ConnectionLost       an open WebSocket ended; the message says how
    ├── RecorderError        the database cannot be opened or written now
    ├── PortTakenError       the API address cannot be bound
    ├── DrillRunning         there is one drill at a time
    └── SourceError          a tier of the chain has no price to give
        ├── NoQuote          nothing was ever received, or the chain is exhausted
        ├── StaleQuote       the newest price is too old
        └── UntrustedQuote   there is a price, but not one to rely on
            └── DisputedQuote    sources disagree about it, and nothing says who is right
"""

from collections.abc import Sequence

from bot.causes import ConnectCause, LossCause

VALUE_LIMIT = 120


def shown(value: object) -> str:
    """`value` as it may stand in a message: one line, at most VALUE_LIMIT characters."""
    if isinstance(value, bytes):
        value = value[: 4 * VALUE_LIMIT].decode("utf-8", "replace")
    text = repr(value)
    return text if len(text) <= VALUE_LIMIT else text[: VALUE_LIMIT - 1] + "…"


def short(text: object) -> str:
    """Somebody else's words as part of a message: one line, at most VALUE_LIMIT characters."""
    line = " ".join(str(text).split())
    return line if len(line) <= VALUE_LIMIT else line[: VALUE_LIMIT - 1] + "…"


def named(error: Exception) -> str:
    """Somebody else's error in one line: its type, unless its words begin with that."""
    name, words = type(error).__name__, short(error)
    return words if words.startswith(name) else f"{name}: {words}"


class BotError(Exception):
    """Base of all errors raised here on purpose."""


class ConfigError(BotError):
    """Bad settings. `faults` holds one line for each."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


class ParseError(BotError):
    """A frame that cannot be read as the exchange's protocol describes it."""


class ImplausibleStamp(BotError):
    """A time stamp in another unit, from the future, or of old news on a stream of news."""


class ExchangeError(BotError):
    """A well-formed frame that reports an error, such as a refused subscription."""


class ClosingSoon(BotError):
    """The exchange announced, in a frame, that it will close this connection: no fault of it."""


class ConnectError(BotError):
    """No connection. `retry_after_s`: how long this URL must be left alone, if that is known.
    `status`: of HTTP, if the handshake was answered with one. `cause`: by which it is counted.
    """

    def __init__(
        self, message: str, *, cause: ConnectCause = "unreachable",
        retry_after_s: float | None = None, status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.cause = cause
        self.retry_after_s = retry_after_s
        self.status = status


class ConnectionLost(BotError):
    """An open WebSocket ended or broke the protocol. cause: by which it is counted."""

    def __init__(self, message: str, cause: LossCause = "network") -> None:
        super().__init__(message)
        self.cause = cause


class RecorderError(BotError):
    """The database cannot be opened or written at the moment."""


class RecordError(BotError):
    """A record cannot be read or played again."""


class PortTakenError(BotError):
    """The API address cannot be bound."""


class DrillRunning(BotError):
    """A drill cannot begin while another one goes on."""


class SourceError(BotError):
    """A tier has no price to give; the message says why."""


class NoQuote(SourceError):
    """No price at all. From the chain, `reasons` maps each tier to its error, in chain order."""

    def __init__(self, message: str, reasons: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.reasons = reasons or {}


class StaleQuote(SourceError):
    """The newest price is older than allowed."""


class UntrustedQuote(SourceError):
    """There is a price, but none that a reader who asked for a trusted one may have."""


class DisputedQuote(UntrustedQuote):
    """Sources disagree about the price, and nothing says who is right."""
