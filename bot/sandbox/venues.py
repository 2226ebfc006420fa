"""All practice exchanges by name: what a test says through them, asks them and does to them."""

from collections.abc import Mapping

from bot.sandbox.faults import Value
from bot.sandbox.market import Move
from bot.sandbox.port import LOOPBACK
from bot.sandbox.side import Kind
from bot.sandbox.venue import Venue, now_ms


class Venues:
    """Any thread may call anything; what names an unknown exchange or symbol raises ValueError.

    Symbols may be spelled in any way that the settings allow.
    """

    def __init__(self, venues: Mapping[str, Venue]) -> None:
        self._venues = venues

    @property
    def exchanges(self) -> tuple[str, ...]:
        return tuple(self._venues)

    def ws_url(self, exchange: str) -> str:
        venue = self._venue(exchange)
        return f"ws://{LOOPBACK}:{venue.stream_port.number}{venue.side.path()}"

    def rest_url(self, exchange: str) -> str:
        return f"http://{LOOPBACK}:{self._venue(exchange).rest_port.number}"

    def environment(self) -> dict[str, str]:
        """The settings that point the bot here."""
        settings = {}
        for name in self._venues:
            settings[f"{name.upper()}_WS_URL"] = self.ws_url(name)
            settings[f"{name.upper()}_REST_URL"] = self.rest_url(name)
        return settings

    def push_trade(
        self, exchange: str, symbol: str, price: float, *,
        size: float = 0.01, seller: bool = False, event_ms: int | None = None,
    ) -> int:
        """A trade happens. Returns: to how many clients it was sent."""
        venue, name = self._market(exchange, symbol)
        with venue.lock:
            move = Move(price, size, seller)
            venue.listings[name].trade(move, now_ms() if event_ms is None else event_ms)
            return venue.show("trade", name)

    def push_ticker(
        self, exchange: str, symbol: str, price: float, *, bid: float | None = None,
        ask: float | None = None, volume: float | None = None, event_ms: int | None = None,
    ) -> int:
        """The ticker is sent. bid, ask: None for one tick apart, 0 for an empty side."""
        return self._push_quote("ticker", exchange, symbol, price, bid, ask, volume, event_ms)

    def push_book(
        self, exchange: str, symbol: str, bid: float, ask: float, *, event_ms: int | None = None
    ) -> int:
        """The best bid and ask are sent; 0 for an empty side."""
        return self._push_quote("book", exchange, symbol, None, bid, ask, None, event_ms)

    def send_raw(self, exchange: str, frame: str | bytes) -> int:
        """Send a text or binary message to every connection. Returns: to how many."""
        return self._venue(exchange).broadcast(frame)

    def true_price(self, exchange: str, symbol: str) -> float:
        """The last price traded there, whatever faults make of it."""
        venue, name = self._market(exchange, symbol)
        return venue.listings[name].price

    def last_price(self, exchange: str, symbol: str) -> float:
        """The last price a client was sent; the start price before that."""
        venue, name = self._market(exchange, symbol)
        return venue.last_price(name)

    def connections(self, exchange: str) -> int:
        """Open WebSocket connections."""
        return len(self._venue(exchange).clients)

    def subscriptions(self, exchange: str) -> list[str]:
        """What is subscribed by anyone, sorted: `btcusdt@trade`, `trades:BTC-USDT`."""
        clients = self._venue(exchange).clients
        return sorted({topic for client in clients for topic in list(client.session.topics)})

    def received(self, exchange: str) -> list[tuple[float, str]]:
        """Text messages from clients, each with its monotonic time in s."""
        return list(self._venue(exchange).received)

    def close_codes(self, exchange: str) -> list[int]:
        """The codes of the closes that clients began; 1005 for a close without a code."""
        return list(self._venue(exchange).close_codes)

    def violations(self, exchange: str) -> int:
        """How many messages came faster than the exchange allows."""
        return self._venue(exchange).violations

    def rest_requests(self, exchange: str) -> int:
        return self._venue(exchange).rest.requests

    def fault(
        self, exchange: str, fault: str, value: object = None, *, seconds: object = None
    ) -> None:
        """Throw a switch, for a time or until healed. Raises: ValueError, naming what there is."""
        self._venue(exchange).fault(fault, value, seconds)

    def heal(self, exchange: str | None = None, fault: str | None = None) -> None:
        """End a fault, or all; of one exchange, or of all."""
        for venue in [self._venue(exchange)] if exchange else self._venues.values():
            venue.heal(fault)

    def faults(self) -> dict[str, dict[str, dict[str, Value]]]:
        """What is on: exchange -> fault -> value and seconds left."""
        return {name: venue.switches.state() for name, venue in self._venues.items()}

    def _push_quote(
        self, kind: Kind, exchange: str, symbol: str, price: float | None, bid: float | None,
        ask: float | None, volume: float | None, event_ms: int | None,
    ) -> int:
        venue, name = self._market(exchange, symbol)
        with venue.lock:
            listing = venue.listings[name]
            listing.event_ms = now_ms() if event_ms is None else event_ms
            listing.price = listing.price if price is None else price
            listing.volume = listing.volume if volume is None else volume
            listing.quote_around(listing.price, listing.seller)
            listing.quote(listing.bid if bid is None else bid, listing.ask if ask is None else ask)
            return venue.show(kind, name)

    def _venue(self, exchange: str) -> Venue:
        venue = self._venues.get(exchange)
        if venue is None:
            raise ValueError(f"unknown exchange {exchange!r}; there are {', '.join(self._venues)}")
        return venue

    def _market(self, exchange: str, symbol: str) -> tuple[Venue, str]:
        venue = self._venue(exchange)
        return venue, venue.listed(symbol)
