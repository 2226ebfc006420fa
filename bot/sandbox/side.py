"""What one exchange's protocol is to the practice server: constants and pure functions."""

import http
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol
from urllib.parse import parse_qs, urlsplit

from websockets.datastructures import Headers
from websockets.http11 import Response

from bot.sandbox.market import Listing

Kind = Literal["trade", "ticker", "book"]
Listings = Mapping[str, Listing]  # by canonical symbol
Builder = Callable[[Listing], bytes]


class Push(NamedTuple):
    """A data message. payload: JSON without any envelope. price: the last price it tells."""

    topic: str
    symbol: str
    payload: bytes
    price: float | None = None


@dataclass
class Session:
    """What one client has asked for. topics: an ordered set."""

    id: str
    combined: bool = False
    topics: dict[str, None] = field(default_factory=dict)


class Reply(NamedTuple):
    """Answers to one message, and what it subscribed or unsubscribed."""

    frames: Sequence[bytes] = ()
    added: Sequence[str] = ()
    removed: Sequence[str] = ()


class Answer(NamedTuple):
    """A REST answer before it is put into HTTP."""

    body: bytes
    status: int = 200
    retry_after_s: int | None = None
    headers: Mapping[str, str] = {}


class Side(Protocol):
    """One module per exchange. A topic is a stream (Binance) or `channel:instId` (OKX)."""

    @property
    def NAME(self) -> str: ...

    @property
    def PING_S(self) -> float | None:
        """Seconds between the server's own ping frames; None: it sends none."""

    @property
    def IDLE_S(self) -> float | None:
        """A client to which nothing was sent for so long is closed; None: never."""

    @property
    def TICKER_PERIOD_S(self) -> float:
        """Shortest time between two tickers of a symbol."""

    @property
    def TICKS_UNCHANGED(self) -> bool:
        """Whether a ticker is also sent when nothing has changed."""

    @property
    def MESSAGES_PER_S(self) -> int:
        """What a client may send, as the exchange counts it."""

    @property
    def COUNTS_CONTROL_FRAMES(self) -> bool: ...

    @property
    def DROPS_FAST_CLIENTS(self) -> bool: ...

    @property
    def WEIGHT_HEADER(self) -> str | None:
        """Of REST answers: tells how much the client has used within this minute."""

    @property
    def COARSER(self) -> int:
        """How many decimals its price step has less than `market.decimals` says."""

    def path(self) -> str:
        """The path of the WebSocket URL that the client's setting has to hold."""

    def native(self, listing: Listing) -> str: ...

    def session(self, path: str, identity: str) -> Session | None:
        """A new client's session; None: there is nothing at this path."""

    def catalogue(self, listings: Listings) -> set[str]:
        """Every topic that this server feeds by itself."""

    def reply(self, session: Session, text: str, catalogue: AbstractSet[str]) -> Reply: ...

    def frames(self, kind: Kind, listing: Listing) -> Sequence[tuple[str, Builder]]:
        """The topics that one change concerns, each with what builds its payload."""

    def wrapped(self, session: Session, push: Push) -> bytes:
        """The text frame in which this client gets the push."""

    def first(self, topic: str, listings: Listings, trade_ms: int) -> Push | None:
        """What is sent upon subscription; trade_ms: the last trade is shown as not later."""

    def notice(self, session: Session, now_ms: int) -> bytes:
        """The announcement that the connection will be closed."""

    def rest(self, path: str, query: Mapping[str, str], listings: Listings, now_ms: int) -> Answer:
        ...

    def rest_fault(self, status: int, retry_after_s: int) -> Answer:
        """What a REST request gets while the fault 429 or 503 is on."""


def split_path(path: str) -> tuple[str, dict[str, str]]:
    """Path and query of a request; of a repeated parameter the last value."""
    parts = urlsplit(path)
    query = parse_qs(parts.query, keep_blank_values=True)
    return parts.path, {name: values[-1] for name, values in query.items()}


def http_response(answer: Answer) -> Response:
    headers = Headers({
        "Content-Type": "application/json",
        "Content-Length": str(len(answer.body)),
        "Connection": "close",
    })
    if answer.retry_after_s is not None:
        headers["Retry-After"] = str(answer.retry_after_s)
    headers.update(answer.headers)
    phrase = {418: "I'm a teapot"}.get(answer.status) or http.HTTPStatus(answer.status).phrase
    return Response(answer.status, phrase, headers, answer.body)


def trimmed(value: float) -> str:
    """At most eight decimals and no trailing zeros."""
    text = f"{value:.8f}".rstrip("0").rstrip(".")
    return "0" if text in ("", "-0") else text
