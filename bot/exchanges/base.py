"""What an exchange is to the rest of the program: a table of constants and pure functions."""

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Protocol

import msgspec

from bot.errors import ParseError, short, shown
from bot.model import MarketDataUpdate, UpdateType
from bot.symbols import Symbol


class Allowance(msgspec.Struct, frozen=True):
    """What an exchange's REST API allows an address within `window_s`.

    limit: in the exchange's units, of which a request for one ticker costs `ticker`. header: the
    one of its answers that tells how many are used; None where none does.
    """

    limit: int
    window_s: float
    ticker: int
    header: str | None


class Exchange(Protocol):
    """One module per exchange: no socket, clock, log or state in it."""

    @property
    def NAME(self) -> str:
        """Lower case, as in EXCHANGES and in every update."""

    @property
    def WS_URL(self) -> str:
        """Default of <NAME>_WS_URL."""

    @property
    def REST_URL(self) -> str:
        """Default of <NAME>_REST_URL."""

    @property
    def PING(self) -> str | None:
        """Text message that asks for a sign of life; None: a WebSocket ping frame."""

    @property
    def PONG(self) -> bytes | None:
        """The frame that answers PING; None: a WebSocket pong frame."""

    @property
    def SENDS_PER_S(self) -> int:
        """Most messages we send within a second: below the published limit, with room for pongs."""

    @property
    def REST_ALLOWS(self) -> Allowance:
        """Published limit of the requests of `ticker_url`."""

    @property
    def TRADING(self) -> str:
        """The state of a symbol that is traded, in the exchange's word."""

    @property
    def ELSEWHERE(self) -> str:
        """Which addresses may answer where those above refuse the place one is in, in words."""

    def stream_url(self, base: str) -> str:
        """The URL to connect to, from one of <NAME>_WS_URL."""

    def native(self, symbol: Symbol) -> str:
        """The exchange's own spelling, as it stands in its messages."""

    def subscribe(self, natives: Sequence[str], kinds: Sequence[UpdateType]) -> list[str]:
        """Text messages that subscribe every symbol to every kind. `natives` is not empty."""

    def parse(
        self, frame: bytes, symbols: Mapping[str, str], received_at: int, received_mono: float
    ) -> list[MarketDataUpdate]:
        """The updates in one frame; none for an acknowledgement, a pong or an unknown symbol.

        symbols: native spelling -> canonical. received_at: epoch ms. received_mono: monotonic s.
        Each with its event_id where the exchange gives one, which within a stream only rises.

        Raises: ParseError for anything that is not the protocol or not a possible price;
        ExchangeError for an error that the exchange reports; ClosingSoon for its announcement that
        it will close the connection.
        """

    def is_acknowledgement(self, frame: bytes) -> bool:
        """Whether it says that a subscription was taken, which is no promise that data follow."""

    def ticker_url(self, base: str, native_symbol: str) -> str:
        """The REST request for one ticker, from one of <NAME>_REST_URL."""

    def parse_ticker(
        self, body: bytes, symbols: Mapping[str, str], received_at: int, received_mono: float
    ) -> MarketDataUpdate:
        """The ticker in a REST answer. Raises: ParseError, ExchangeError, as `parse` does."""

    def time_url(self, base: str) -> str:
        """The REST request for the exchange's clock."""

    def parse_time(self, body: bytes) -> int:
        """Its clock in a REST answer, epoch ms. Raises: ParseError, ExchangeError."""

    def instrument_url(self, base: str, native_symbol: str) -> str:
        """The REST request for what the exchange lists of a symbol."""

    def parse_instrument(self, body: bytes, native_symbol: str) -> str | None:
        """The state of a symbol in a REST answer, of whatever HTTP status; TRADING only where it is
        traded on spot. None: not listed.

        Raises: ParseError, ExchangeError for any other error than that.
        """


# Epoch ms. More digits are another unit, and no time that a program needs to know of.
Stamp = Annotated[int, msgspec.Meta(gt=0, lt=10**15)]

# The number of an event within its stream: a trade's, a book's.
EventId = Annotated[int, msgspec.Meta(ge=0, lt=10**18)]

# What reading a frame can raise when it is not what the protocol says.
UNREADABLE = (msgspec.MsgspecError, ValueError, TypeError, KeyError, IndexError, RecursionError)


def unreadable(exchange: str, frame: bytes, error: Exception) -> ParseError:
    """The error for a frame whose reading raised one of UNREADABLE."""
    return ParseError(f"{exchange}: {short(error)} in {shown(frame)}")


def price(value: float | None) -> float:
    """`value` if it can be a price. Raises: ValueError for none, zero, negative, NaN, infinite."""
    if value is None or not 0.0 < value < math.inf:
        raise ValueError(f"impossible price {value!r}")
    return value


def amount(value: float | None) -> float | None:
    """`value` if it can be a volume. Raises: ValueError for negative, NaN and infinite."""
    if value is not None and not 0.0 <= value < math.inf:
        raise ValueError(f"impossible volume {value!r}")
    return value


def spread(bid: float | None, ask: float | None) -> tuple[float | None, float | None]:
    """Best bid and ask; a side of zero or None means that the side is empty.

    Raises: ValueError where bid > ask, or where a side is not a possible price.
    """
    bid = price(bid) if bid else None
    ask = price(ask) if ask else None
    if bid is not None and ask is not None and bid > ask:
        raise ValueError(f"bid {bid!r} above ask {ask!r}")
    return bid, ask
