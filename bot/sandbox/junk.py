"""What an exchange must never send, and at times does."""

import json
from collections.abc import Iterator
from itertools import cycle
from typing import Any

from bot.sandbox.market import Listing
from bot.sandbox.side import Push, Session, Side

HUGE_BYTES = 10_000_000
BAD_PRICES: tuple[Any, ...] = ("NaN", "0", "-1.5", "Infinity", "1e999", "", None, {}, [], True)
PRICE_KEYS = ("p", "c", "px", "last")
FIXED: tuple[bytes, ...] = (
    b'{"stream":"btcusdt@trade","data":{"e":"trade","E":17',
    b'{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"px":',
    b"not json", b"[]", b"null", b"0", b'"text"', b"{}", b'{"data":7}', b'{"data":null}',
    b"[" * 2000,
)
BINARY = b"\x00\xff\xfe\x80junk"


def frames(side: Side, session: Session, listing: Listing) -> Iterator[tuple[bytes, bool]]:
    """Bad frames without end, each with whether it is text."""
    bad = [(frame, True) for frame in FIXED] + [(BINARY, False)]
    for kind in ("trade", "ticker"):
        topic, build = side.frames(kind, listing)[0]
        for value in BAD_PRICES:
            payload = _spoiled(json.loads(build(listing)), value)
            push = Push(topic, listing.symbol.name, json.dumps(payload).encode())
            bad.append((side.wrapped(session, push), True))
    yield from cycle(bad)


def huge() -> bytes:
    """Valid JSON that holds nothing."""
    return b'{"data":"' + b"x" * (HUGE_BYTES - 11) + b'"}'


def _spoiled(payload: Any, value: Any) -> Any:
    for row in payload if isinstance(payload, list) else [payload]:
        row.update((key, value) for key in PRICE_KEYS if key in row)
    return payload
