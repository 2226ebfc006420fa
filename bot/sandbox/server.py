"""Practice exchanges on loopback: everything a client needs, and everything that can go wrong."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from bot.sandbox import binance_side, okx_side
from bot.sandbox.control import Control
from bot.sandbox.driver import Driver
from bot.sandbox.market import VOLATILITY, Listing, Walk, market, start_price
from bot.sandbox.player import Player
from bot.sandbox.port import LOOPBACK
from bot.sandbox.record import Record
from bot.sandbox.side import Side
from bot.sandbox.transport import Post
from bot.sandbox.venue import Venue, now_ms
from bot.sandbox.venues import Venues
from bot.symbols import Symbol, parse_symbol
from bot.worker import Deadline, Worker, stop_all

SIDES: Mapping[str, Side] = {"binance": binance_side, "okx": okx_side}
NAME = re.compile(r"[a-z][a-z0-9_]*")
STOP_S = 3.0


class Sandbox(Venues):
    """Exchanges as a client sees them, on 127.0.0.1, which trade in one market.

    exchanges: name -> shape (a key of SIDES), by default one of each shape under its own name.
    rate: trades per second on each exchange; 0: only what is pushed. volatility: standard deviation
    of one second's move, as a share of the price. ports: exchange, or `<exchange>-rest`, -> number;
    0 or missing for any. control_port: None for no control server. snapshot_age_s: how old the
    first OKX trade is. play: a record, JSON lines of {"recv_ms", "raw"}, that its exchange sends
    instead of the walk, `speed` times as fast (0: at once), from the first subscription on;
    `everything` also sends what nobody subscribed. idle_s, ping_s: the exchanges' own 30 s and
    20 s, to shorten.

    Raises: ValueError for names, shapes, figures and records that cannot be; OSError.
    """

    def __init__(
        self,
        symbols: Sequence[str] = ("BTCUSDT", "ETHUSDT"),
        *,
        exchanges: Mapping[str, str] | None = None,
        rate: float = 20.0,
        volatility: float = VOLATILITY,
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
        markets, sides, numbers = _parsed(symbols), _sides(exchanges), ports or {}
        self._post = Post()
        super().__init__({
            name: Venue(
                name, side, _listings(markets, side, int(snapshot_age_s * 1000)), self._post,
                (numbers.get(name, 0), numbers.get(f"{name}-rest", 0)), snapshot_age_s,
                side.IDLE_S and (idle_s or side.IDLE_S), side.PING_S and (ping_s or side.PING_S),
            )
            for name, side in sides.items()
        })
        self._player: Player | None = None
        walking = set(sides)
        if play is not None:
            record = _record(Path(play), sides)
            walking -= record.exchanges
            self._player = Player(record, self._venues, speed, loop, everything)
        moving = {name: market(name, side.COARSER) for name, side in sides.items()}
        self._walk = Walk(markets, seed, moving, _not_negative("volatility", volatility))
        self._driver = Driver(
            self._venues, self._walk, _not_negative("rate", rate) or None, walking)
        self._workers: list[Worker] = [self._driver, *([self._player] if self._player else [])]
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

    @property
    def control_url(self) -> str:
        if self._control is None:
            raise ValueError("this sandbox was made without a control port")
        return f"http://{LOOPBACK}:{self._control.number}"

    def fair(self, symbol: str) -> float:
        """What all exchanges' prices lie around: each has its own basis and noise, some bps."""
        return self._walk.fair(self._listed(symbol))

    def jump(self, symbol: str, percent: float) -> None:
        """The whole market moves, and trades at the new price on every exchange at once.

        Raises: ValueError for a move that leaves no price.
        """
        if percent <= -100:
            raise ValueError(f"jump: must be above -100 %, got {percent!r}")
        self._driver.jump(self._listed(symbol), percent)

    def rate(self, per_s: float) -> None:
        """So many trades per second on each exchange from now on.

        0 is a quiet market: Binance's ticker goes on once a second with new stamps, OKX says
        nothing. (A sandbox made with rate=0 has no market: it sends only what is pushed.)
        """
        self._driver.trade_at(_not_negative("rate", per_s))

    def wait_played(self, timeout: float) -> bool:
        """Returns: whether the record was played to its end in time."""
        if self._player is None:
            raise ValueError("this sandbox plays no record")
        return self._player.played.wait(timeout)

    def _listed(self, symbol: str) -> str:
        return next(iter(self._venues.values())).listed(symbol)


def _parsed(symbols: Sequence[str]) -> list[Symbol]:
    return [parse_symbol(symbol) for symbol in symbols]


def _sides(exchanges: Mapping[str, str] | None) -> dict[str, Side]:
    shapes = {name: name for name in SIDES} if exchanges is None else exchanges
    for name, shape in shapes.items():
        if not NAME.fullmatch(name):
            raise ValueError(f"exchange {name!r}: must be a lower-case word")
        if shape not in SIDES:
            raise ValueError(f"exchange {name}: unknown shape {shape!r}; there are "
                             + ", ".join(SIDES))
    if not shapes:
        raise ValueError("no exchanges")
    return {name: SIDES[shape] for name, shape in shapes.items()}


def _record(path: Path, sides: Mapping[str, Side]) -> Record:
    record = Record.load(path)
    for name in record.exchanges:
        if sides.get(name) is not SIDES[name]:
            raise ValueError(f"{path} is of {name}, which is not among the exchanges")
    return record


def _not_negative(what: str, value: float) -> float:
    if not 0 <= value < float("inf"):
        raise ValueError(f"{what}: must not be negative, got {value!r}")
    return value


def _listings(symbols: Sequence[Symbol], side: Side, age_ms: int) -> list[Listing]:
    return [Listing(symbol, start_price(symbol), now_ms() - age_ms, side.COARSER)
            for symbol in symbols]
