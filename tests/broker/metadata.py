"""The one question of Kafka's protocol that the harness asks by itself: Metadata, version 1.

A client library would hide the answer behind retries and threads; this says how one node sees the
cluster now. Source: kafka.apache.org/protocol, "Metadata API (Key: 3)", read 2026-11-22.
"""

import socket
import struct
from dataclasses import dataclass
from typing import BinaryIO

PATIENCE_S = 1.0
METADATA, VERSION, CORRELATION = 3, 1, 7


@dataclass(frozen=True)
class View:
    """A cluster as one of its nodes sees it.

    `leaders`: partition -> node, -1 while it has none; empty when the topic is unknown.
    `in_sync`: partition -> nodes that hold all of it.
    """

    nodes: frozenset[int]
    leaders: dict[int, int]
    in_sync: dict[int, frozenset[int]]


def ask(port: int, topic: str = "") -> View:
    """Raises: OSError when nobody answers within PATIENCE_S (hung, starting, gone)."""
    client, names = _text("harness"), [_text(topic)] if topic else []
    request = struct.pack(">hhi", METADATA, VERSION, CORRELATION) + client + struct.pack(
        ">i", len(names)) + b"".join(names)
    with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        with connection.makefile("rb") as answer:
            return _read(answer)


def _text(value: str) -> bytes:
    return struct.pack(">h", len(value)) + value.encode()


def _read(answer: BinaryIO) -> View:
    _numbers(answer, "ii")  # length, correlation
    nodes = []
    for _ in range(_number(answer, "i")):
        nodes.append(_number(answer, "i"))
        _skip_text(answer)  # host
        _number(answer, "i")  # port
        _skip_text(answer)  # rack
    _number(answer, "i")  # controller
    leaders: dict[int, int] = {}
    in_sync: dict[int, frozenset[int]] = {}
    for _ in range(_number(answer, "i")):
        _number(answer, "h")  # error
        _skip_text(answer)  # topic
        _number(answer, "b")  # internal
        for _ in range(_number(answer, "i")):
            _, partition, leaders_id = _numbers(answer, "hii")
            _list(answer)  # replicas
            leaders[partition], in_sync[partition] = leaders_id, frozenset(_list(answer))
    return View(frozenset(nodes), leaders, in_sync)


def _numbers(answer: BinaryIO, kinds: str) -> tuple[int, ...]:
    size = struct.calcsize(">" + kinds)
    data = answer.read(size)
    if len(data) < size:
        raise ConnectionError("the node hung up in the middle of its answer")
    return struct.unpack(">" + kinds, data)


def _number(answer: BinaryIO, kind: str) -> int:
    return _numbers(answer, kind)[0]


def _list(answer: BinaryIO) -> tuple[int, ...]:
    return _numbers(answer, "i" * _number(answer, "i"))


def _skip_text(answer: BinaryIO) -> None:
    answer.read(max(0, _number(answer, "h")))  # -1 is null
