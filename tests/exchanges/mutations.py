"""Frames made wrong, one value at a time or by chance."""

import copy
import math
import random
from collections.abc import Iterator
from typing import Any

# what can never be a price, as a text and in other types
IMPOSSIBLE: list[Any] = [
    "0", "0.0", "-1", "-61734.5", "NaN", "nan", "-NaN", "Infinity", "inf", "-inf", "1e400", "", " ",
    "abc", "1,5", "0x10", "1_000", "٣", "null", "true", 0, -1, math.nan, math.inf, 10**400, True,
    None, [], {}, [1], ["1"],
]
# what must harm nothing in any field
WILD: list[Any] = [2**63, -2**70, "9" * 400, -10**400, "x" * 5000, "\ud800", "two\nlines"]
INSERTS = (b"-", b"e9", b"0", b"_", b'"', b"null", b"{", b"\\u0000")

Place = tuple[str | int, ...]
DROP = object()


def leaves(value: Any, path: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Every place in a message, inner nodes included, with what stands there."""
    if path:
        yield path, value
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from leaves(inner, (*path, place))


def replaced(message: Any, path: Place, value: object) -> Any:
    """A copy of `message` with another value at `path`, or with none for DROP."""
    whole = copy.deepcopy(message)
    part = whole
    for step in path[:-1]:
        part = part[step]
    if value is DROP:
        del part[path[-1]]
    else:
        part[path[-1]] = value
    return whole


def dicts(value: Any) -> Iterator[dict[str, Any]]:
    inner = list(value.values()) if isinstance(value, dict) else value
    if isinstance(inner, list):
        for part in inner:
            yield from dicts(part)
    if isinstance(value, dict):
        yield value


def as_number(value: object) -> float | None:
    try:
        return float(value) if isinstance(value, str) else None
    except ValueError:
        return None


def mutated(frame: bytes, frames: list[bytes], chance: random.Random) -> bytes:
    """`frame` with one to four bytes, stretches or halves changed."""
    out = bytearray(frame)
    for _ in range(chance.randint(1, 4)):
        at, end = sorted((chance.randrange(len(out) + 1), chance.randrange(len(out) + 1)))
        match chance.randrange(6):
            case 0 | 1 if out:
                out[min(at, len(out) - 1)] = chance.randrange(256)
            case 2:
                out[at:at] = chance.choice(INSERTS)
            case 3:
                del out[at:at + chance.randint(1, 3)]
            case 4:
                out[at:at] = out[at:min(end, at + 20)]
            case _:
                if chance.random() < 0.2:
                    other = chance.choice(frames)
                    out[at:] = other[chance.randrange(len(other)):]
    return bytes(out)
