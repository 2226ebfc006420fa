"""Practice exchanges on loopback: everything a client needs, and everything that can go wrong."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from bot.sandbox import binance_side, okx_side
from bot.sandbox.control import Control
from bot.sandbox.driver import Driver
from bot.sandbox.faults import Value
from bot.sandbox.market import MARKETS, Listing, Move, Walk, start_price
from bot.sandbox.player import Player
from bot.sandbox.port import LOOPBACK
from bot.sandbox.record import Record
from bot.sandbox.side import Kind, Side
from bot.sandbox.transport import Post
from bot.sandbox.venue import Venue, now_ms
from bot.symbols import Symbol, parse_symbol
from bot.worker import Deadline, Worker, stop_all

SIDES: Mapping[str, Side] = {"binance": binance_side, "okx": okx_side}
STOP_S = 3.0


class Sandbox:
    """Binance and OKX as a client sees them, on 127.0.0.1.

    rate: trades per second on each exchange; 0: only what is pushed. ports: names as in PORTS, 0 or
    missing for any. control_port: None for no control server. snapshot_age_s: how old the first
    OKX trade is. play: a record, JSON lines of {"recv_ms", "raw"}, that its exchange sends instead
    of the walk, `speed` times as fast (0: at once), from the first subscription on; `everything`
    also sends what nobody subscribed. idle_s, ping_s: the exchanges' own 30 s and 20 s, to shorten.

    Symbols may be spelled in any way that the settings allow. Every method may be called from any
    thread; what names an unknown exchange or symbol raises ValueError.
    """

    PORTS = ("binance", "okx", "binance-rest", "okx-rest")

    def __init__(
        self,
        symbols: Sequence[str] = ("BTCUSDT", "ETHUSDT"),
        *,
        rate: float = 20.0,
        seed: int = 1,
        snapshot_age_s: float = 2.0,
        ports: Mapping[str, int] | None = None,
        control_port: int | None = None,
        play: str | Path | None = None,
        speed: float = 1.0,
        loop: bool = False,
        everything: bool = False,
        idle_s: float | None = None,
        ping_s: float | None = None,
    ) -> None:
        markets = [parse_symbol(symbol) for symbol in symbols]
        numbers = ports or {}
        self._post = Post()
        self._venues = {
            name: Venue(
                side, _listings(markets, name, int(snapshot_age_s * 1000)), self._post,
                (numbers.get(name, 0), numbers.get(f"{name}-rest", 0)), snapshot_age_s,
                side.IDLE_S and (idle_s or side.IDLE_S), side.PING_S and (ping_s or side.PING_S),
            )
            for name, side in SIDES.items()
        }
        self._player: Player | None = None
        walking = set(SIDES)
        if play is not None:
            record = Record.load(Path(play))
            walking -= record.exchanges
            self._player = Player(record, self._venues, speed, loop, everything)
        driver = Driver(self._venues, Walk(markets, seed, rate), rate, walking)
        self._workers: list[Worker] = [driver, *([self._player] if self._player else [])]
        self._control = None if control_port is None else Control(self, control_port)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Raises: OSError where a port is taken; nothing is left open then."""
        self._post.start()
        try:
            for venue in self._venues.values():
                venue.open()
            if self._control is not None:
                self._control.bind()
        except OSError:
            self.stop()
            raise
        for worker in self._workers:
            worker.start()
        if self._control is not None:
            self._control.start()

    def stop(self) -> None:
        """End every connection and thread; may be called again."""
        deadline = Deadline(STOP_S)
        if self._control is not None:
            stop_all([self._control], deadline)
            self._control.unbind()
        stop_all(self._workers, deadline)
        for venue in self._venues.values():
            venue.close()
        stop_all([self._post], deadline)

    def ws_url(self, exchange: str) -> str:
        venue = self._venue(exchange)
        return f"ws://{LOOPBACK}:{venue.stream_port.number}{venue.side.path()}"

    def rest_url(self, exchange: str) -> str:
        return f"http://{LOOPBACK}:{self._venue(exchange).rest_port.number}"

    @property
    def control_url(self) -> str:
        if self._control is None:
            raise ValueError("this sandbox was made without a control port")
        return f"http://{LOOPBACK}:{self._control.number}"

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
        return self._venue(exchange).counts["violations"]

    def rest_requests(self, exchange: str) -> int:
        return self._venue(exchange).counts["rest"]

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

    def wait_played(self, timeout: float) -> bool:
        """Returns: whether the record was played to its end in time."""
        if self._player is None:
            raise ValueError("this sandbox plays no record")
        return self._player.played.wait(timeout)

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
            raise ValueError(f"unknown exchange {exchange!r}; there are {', '.join(SIDES)}")
        return venue

    def _market(self, exchange: str, symbol: str) -> tuple[Venue, str]:
        venue, name = self._venue(exchange), parse_symbol(symbol).name
        if name not in venue.listings:
            raise ValueError(f"{name} is not here; there are {', '.join(venue.listings)}")
        return venue, name


def _listings(symbols: Sequence[Symbol], exchange: str, age_ms: int) -> list[Listing]:
    coarser = MARKETS[exchange].coarser
    return [Listing(symbol, start_price(symbol), now_ms() - age_ms, coarser) for symbol in symbols]
