"""A recorded stream, read from JSON lines and prepared for being played at another time."""

import gzip
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import msgspec

# Epoch ms (13 digits) or us (16) in the fields that hold the exchange's clock. Replaced in the
# text, so that everything else stays byte for byte what the exchange sent.
STAMPS = {
    "binance": re.compile(rb'("[ETOC]":)(\d{16}|\d{13})(?=[,}\]])'),
    "okx": re.compile(rb'("ts":")(\d{16}|\d{13})(?=")'),
}
BINANCE_EVENTS = {
    "trade": "@trade", "aggTrade": "@aggTrade", "24hrTicker": "@ticker",
    "24hrMiniTicker": "@miniTicker", "depthUpdate": "@depth@100ms",
}


class Played(NamedTuple):
    """One recorded frame. at_ms: when it was received, on the recorder's clock."""

    at_ms: float | None
    exchange: str
    topic: str
    symbol: str
    payload: bytes
    price: float | None

    def stamp_ms(self) -> int | None:
        """The first stamp in it."""
        found = STAMPS[self.exchange].search(self.payload)
        return _ms(found[2]) if found else None

    def moved(self, by_ms: int) -> bytes:
        """The payload with every stamp moved."""
        return STAMPS[self.exchange].sub(
            lambda found: found[1] + _moved(found[2], by_ms), self.payload)


class Record:
    """The data frames of a file in their order; replies, notices and unknown frames are left out.

    skew_ms: smallest difference of receipt and stamp, which is transport time and clock error.
    """

    def __init__(self, frames: Iterable[Played]) -> None:
        self.frames = list(frames)
        self.exchanges = {frame.exchange for frame in self.frames}
        lags = [frame.at_ms - stamp for frame in self.frames
                if frame.at_ms is not None and (stamp := frame.stamp_ms()) is not None]
        self.skew_ms = min(lags, default=0.0)

    @classmethod
    def load(cls, path: Path) -> "Record":
        """Raises: ValueError, naming the line; OSError."""
        opened = gzip.open if path.suffix == ".gz" else open
        frames = []
        with opened(path, "rb") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    row = _decode_line(line)
                except msgspec.MsgspecError as error:
                    raise ValueError(f"{path}, line {number}: {error}") from error
                frame = _read(row.raw.encode(), row.recv_ms)
                if frame is not None:
                    frames.append(frame)
        if not frames:
            raise ValueError(f"{path} holds no data of a known exchange")
        return cls(frames)

    def topics(self, exchange: str) -> set[str]:
        return {frame.topic for frame in self.frames if frame.exchange == exchange}


class _Line(msgspec.Struct):
    raw: str
    recv_ms: float | None = None


class _Row(msgspec.Struct):
    px: str = ""
    last: str = ""


class _Arg(msgspec.Struct):
    channel: str
    instId: str = ""


class _Combined(msgspec.Struct):
    stream: str
    data: msgspec.Raw


class _Okx(msgspec.Struct):
    arg: _Arg
    data: list[_Row]


class _Binance(msgspec.Struct):
    s: str
    e: str = ""
    u: int = 0
    p: object = None
    c: object = None


_decode_line = msgspec.json.Decoder(_Line).decode
_decode_combined = msgspec.json.Decoder(_Combined).decode
_decode_okx = msgspec.json.Decoder(_Okx).decode
_decode_binance = msgspec.json.Decoder(_Binance).decode


def _read(raw: bytes, at_ms: float | None) -> Played | None:
    """The frame, recognised by its shape; None for what is no data."""
    for reader in (_read_okx, _read_combined, _read_binance):
        try:
            return reader(raw, at_ms)
        except (msgspec.MsgspecError, ValueError):
            continue
    return None


def _read_okx(raw: bytes, at_ms: float | None) -> Played:
    frame = _decode_okx(raw)
    rows = [row.px or row.last for row in frame.data if row.px or row.last]
    price = float(rows[-1]) if rows else None
    topic = f"{frame.arg.channel}:{frame.arg.instId}"
    return Played(at_ms, "okx", topic, frame.arg.instId.replace("-", ""), raw, price)


def _read_combined(raw: bytes, at_ms: float | None) -> Played:
    frame = _decode_combined(raw)
    symbol = frame.stream.partition("@")[0].upper()
    payload = bytes(frame.data)
    return Played(at_ms, "binance", frame.stream, symbol, payload, _price(payload))


def _read_binance(raw: bytes, at_ms: float | None) -> Played:
    frame = _decode_binance(raw)
    kind = BINANCE_EVENTS[frame.e] if frame.e in BINANCE_EVENTS else "@bookTicker"
    if kind == "@bookTicker" and (frame.e or not frame.u):
        raise ValueError("neither an event nor a quote")
    return Played(at_ms, "binance", frame.s.lower() + kind, frame.s, raw, _price(raw))


def _price(payload: bytes) -> float | None:
    try:
        frame = _decode_binance(payload)
    except msgspec.MsgspecError:
        return None  # an array, a frame without a symbol
    key = {"trade": frame.p, "aggTrade": frame.p, "24hrTicker": frame.c, "24hrMiniTicker": frame.c}
    value = key.get(frame.e)
    return float(value) if isinstance(value, str) else None


def _ms(digits: bytes) -> int:
    return int(digits) if len(digits) == 13 else int(digits) // 1000


def _moved(digits: bytes, by_ms: int) -> bytes:
    by = by_ms if len(digits) == 13 else by_ms * 1000
    return b"%d" % (int(digits) + by)
