"""Cutting a server's byte stream into WebSocket frames (RFC 6455, section 5). No I/O.

websocket-client reads a frame in three system calls and some fifty Python calls; at a few hundred
messages a second that was more than half of the daemon's whole cost. It still does the handshake
and everything that is sent.
"""

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA
CONTINUED = 0x0
# No market data message of an exchange comes near it (a 400 level book is 30 KB).
LIMIT = 1 << 20
MOST_PARTS = 1024

_FIN, _RESERVED, _OPCODE, _MASKED = 0x80, 0x70, 0x0F, 0x80
_WHOLE_TEXT = _FIN | TEXT

Frame = tuple[int, bytes]


class FrameReader:
    """Takes bytes as they come, gives whole messages and control frames as (opcode, payload).

    fault: set once the peer broke the protocol, or announced more than `limit` bytes, which are
    then not waited for; nothing after it is read. UTF-8 is left to who decodes the text.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self.fault = ""
        self._limit = limit
        self._held = bytearray()  # the beginning of a frame that is not whole yet
        self._needed = 0  # its length, as far as known
        self._parts: list[bytes] = []  # of a fragmented message
        self._size = 0  # of the parts together
        self._opcode = 0

    def feed(self, data: bytes) -> list[Frame]:
        """What became whole by `data`, in order; on a fault, what came before it."""
        if self.fault:
            return []
        if self._held:
            self._held += data
            if len(self._held) < self._needed:
                return []
            data = bytes(self._held)
            self._held.clear()
            self._needed = 0
        found: list[Frame] = []
        at, end = 0, len(data)
        while end - at >= 2 and not self.fault:
            begin, length = at + 2, data[at + 1]
            if length > 125:
                begin += 2 if length == 126 else 8
                if length & _MASKED:
                    self.fault = "masked frame"
                elif begin > end:
                    break
                elif (length := int.from_bytes(data[at + 2:begin], "big")) > self._limit:
                    self.fault = f"frame of {length} bytes, more than {self._limit}"
                if self.fault:
                    break
            stop = begin + length
            if stop > end:
                self._needed = stop - at
                break
            if data[at] == _WHOLE_TEXT and not self._parts:
                found.append((TEXT, data[begin:stop]))
            else:
                self._take(data[at], data[begin:stop], found)
            at = stop
        if not self.fault:
            self._held += data[at:]
        return found

    def _take(self, first: int, payload: bytes, found: list[Frame]) -> None:
        """Everything that is not the usual: whole text, outside a fragmented message."""
        opcode = first & _OPCODE
        if first & _RESERVED:
            self.fault = "reserved bits are set"
        elif opcode in (CLOSE, PING, PONG):
            if not first & _FIN or len(payload) > 125:
                self.fault = "control frame in fragments or too long"
            else:
                found.append((opcode, payload))
        elif opcode not in (CONTINUED, TEXT, BINARY) or (opcode == CONTINUED) != bool(self._opcode):
            self.fault = f"unexpected frame with opcode {opcode}"
        else:
            self._gather(first, opcode, payload, found)

    def _gather(self, first: int, opcode: int, payload: bytes, found: list[Frame]) -> None:
        self._opcode = opcode or self._opcode
        self._parts.append(payload)
        self._size += len(payload)
        if self._size > self._limit or len(self._parts) > MOST_PARTS:
            self.fault = f"fragments of more than {self._limit} bytes, or {MOST_PARTS} of them"
        elif first & _FIN:
            found.append((self._opcode, b"".join(self._parts)))
            self._parts.clear()
            self._opcode = self._size = 0
