"""Cutting frames, held to another implementation that makes them."""

import random

import pytest
from websockets.frames import Frame, Opcode

from bot.feeds.frames import BINARY, CLOSE, LIMIT, PING, PONG, TEXT, FrameReader


def made(opcode: Opcode, data: bytes, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=False)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 200_000, LIMIT])
def test_a_message_of_any_length_comes_out_whole(size: int) -> None:
    data = random.Random(size).randbytes(size)
    assert FrameReader().feed(made(Opcode.BINARY, data)) == [(BINARY, data)]


def test_many_messages_in_one_piece_come_out_in_order() -> None:
    stream = b"".join(made(Opcode.TEXT, b"%d" % number) for number in range(1000))
    assert FrameReader().feed(stream) == [(TEXT, b"%d" % number) for number in range(1000)]


@pytest.mark.parametrize("seed", range(20))
def test_it_does_not_matter_where_the_stream_is_cut(seed: int) -> None:
    chance = random.Random(seed)
    expected, stream = [], b""
    for _ in range(60):
        data = chance.randbytes(chance.choice([0, 1, 5, 125, 126, 500, 70_000]))
        kind = chance.randrange(4)
        if kind == 0:
            opcode = chance.choice([Opcode.PING, Opcode.PONG, Opcode.CLOSE])
            stream += made(opcode, data[:125])
            expected.append((int(opcode), data[:125]))
        elif kind == 1:  # in fragments, with a ping between them
            middle = len(data) // 2
            stream += made(Opcode.TEXT, data[:middle], fin=False) + made(Opcode.PING, b"?")
            stream += made(Opcode.CONT, b"", fin=False) + made(Opcode.CONT, data[middle:])
            expected += [(PING, b"?"), (TEXT, data)]
        else:
            stream += made(Opcode.TEXT, data)
            expected.append((TEXT, data))
    reader, found, at = FrameReader(), [], 0
    while at < len(stream):
        step = chance.choice([1, 1, 2, 3, 7, 100, 5000, 100_000])
        found += reader.feed(stream[at:at + step])
        at += step
    assert found == expected and not reader.fault


def test_control_frames_come_out_as_such() -> None:
    stream = made(Opcode.PONG, b"1") + made(Opcode.CLOSE, b"\x03\xe8bye") + made(Opcode.PING, b"")
    assert FrameReader().feed(stream) == [(PONG, b"1"), (CLOSE, b"\x03\xe8bye"), (PING, b"")]


@pytest.mark.parametrize("bad, fault", [
    (b"\x81\xff" + b"\x00" * 8, "masked frame"),
    (b"\x81\x80\x00\x00\x00\x00", "masked frame"),
    (b"\xc1\x01x", "reserved bits are set"),
    (b"\x83\x01x", "unexpected frame with opcode 3"),
    (b"\x8b\x00", "unexpected frame with opcode 11"),
    (b"\x80\x01x", "unexpected frame with opcode 0"),
    (b"\x01\x01x\x81\x01y", "unexpected frame with opcode 1"),
    (b"\x09\x01x", "control frame in fragments or too long"),
    (b"\x89\x7e\x00\x7e" + b"x" * 126, "control frame in fragments or too long"),
    (b"\x82\x7f" + (LIMIT + 1).to_bytes(8, "big"), "frame of 1048577 bytes, more than 1048576"),
    (b"\x82\x7f" + b"\xff" * 8, "frame of 18446744073709551615 bytes, more than 1048576"),
])
def test_what_breaks_the_protocol_is_a_fault_and_what_came_before_is_kept(
    bad: bytes, fault: str
) -> None:
    reader = FrameReader()
    assert reader.feed(made(Opcode.TEXT, b"before") + bad + made(Opcode.TEXT, b"after"))[:1] == [
        (TEXT, b"before")]
    assert reader.fault == fault
    assert reader.feed(made(Opcode.TEXT, b"later")) == []


def test_a_message_may_not_grow_without_end_by_its_fragments() -> None:
    reader = FrameReader(limit=1000)
    reader.feed(made(Opcode.TEXT, b"x" * 600, fin=False))
    assert reader.feed(made(Opcode.CONT, b"x" * 600, fin=False)) == []
    assert reader.fault == "fragments of more than 1000 bytes, or 1024 of them"


def test_empty_fragments_end_somewhere() -> None:
    reader = FrameReader()
    reader.feed(made(Opcode.TEXT, b"", fin=False))
    assert reader.feed(made(Opcode.CONT, b"", fin=False) * 1000) == []
    assert reader.feed(made(Opcode.CONT, b"", fin=False) * 100_000) == []
    assert reader.fault == "fragments of more than 1048576 bytes, or 1024 of them"
