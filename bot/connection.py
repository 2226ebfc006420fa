"""One open WebSocket: frames in, text and pings out. Only the thread that reads it may use it.

Replies to server pings are sent by the reading thread too, so there is never a second sender: on
Python 3.11 and 3.12 a second thread that sends on a TLS connection with a timeout breaks it.
"""

import struct
from collections.abc import Callable
from time import monotonic

import websocket
from websocket import ABNF, continuous_frame, frame_buffer

from bot.errors import ConnectionLost

# No market data message of an exchange comes near it (a 400 level book is 30 KB).
FRAME_LIMIT = 1 << 20
READ_S = 0.2  # longest wait in one receive(), and so the pace of everything else its thread does


class _LimitedBuffer(frame_buffer):
    """Refuses a frame by its announced length, before a byte of it is stored."""

    def recv_length(self) -> None:
        super().recv_length()
        if (self.length or 0) > FRAME_LIMIT:
            raise websocket.WebSocketProtocolException(
                f"frame of {self.length} bytes, more than {FRAME_LIMIT}")


class _LimitedMessage(continuous_frame):
    """Refuses a message that grows over the limit by its fragments."""

    def add(self, frame: ABNF) -> None:
        super().add(frame)
        if self.cont_data and len(self.cont_data[1]) > FRAME_LIMIT:
            raise websocket.WebSocketProtocolException(
                f"fragments of more than {FRAME_LIMIT} bytes")


class GuardedWebSocket(websocket.WebSocket):
    """websocket-client's WebSocket with an upper bound on what a peer can make it store."""

    def __init__(self, *, skip_utf8_validation: bool, enable_multithread: bool) -> None:
        super().__init__(skip_utf8_validation=skip_utf8_validation,
                         enable_multithread=enable_multithread)
        self.frame_buffer = _LimitedBuffer(self._recv, skip_utf8_validation)
        self.cont_frame = _LimitedMessage(False, skip_utf8_validation)


class Connection:
    """An open WebSocket, in the hands of one reading thread.

    heard_at: monotonic s of the last frame of any kind. pongs: payloads of pong frames not yet
    taken by the owner.
    """

    def __init__(self, ws: websocket.WebSocket, mono: Callable[[], float] = monotonic) -> None:
        self._ws = ws
        self._mono = mono
        self.heard_at = mono()
        self.pongs: list[bytes] = []
        ws.settimeout(READ_S)

    def receive(self) -> list[bytes]:
        """The messages that arrived, text or binary, in order; none after READ_S of silence.

        UTF-8 is not checked here: the decoder refuses what is not, in C and not byte by byte.
        Raises: ConnectionLost, with the peer's close code and reason if there were any.
        """
        try:
            opcode, frame = self._ws.recv_data_frame(control_frame=True)
        except websocket.WebSocketTimeoutException:
            return []
        except (OSError, websocket.WebSocketException) as error:
            raise ConnectionLost(str(error) or type(error).__name__) from error
        self.heard_at = self._mono()
        if opcode == ABNF.OPCODE_TEXT or opcode == ABNF.OPCODE_BINARY:
            return [frame.data]
        if opcode == ABNF.OPCODE_PONG:
            self.pongs.append(frame.data)
        elif opcode == ABNF.OPCODE_CLOSE:
            raise ConnectionLost(_closing(frame.data))
        return []

    def send(self, text: str) -> None:
        """Raises: ConnectionLost."""
        self._send(text.encode(), ABNF.OPCODE_TEXT)

    def ping(self, payload: bytes) -> None:
        """Raises: ConnectionLost."""
        self._send(payload, ABNF.OPCODE_PING)

    def close(self) -> None:
        """Say goodbye with code 1000 and close, without waiting for an answer."""
        try:
            self._ws.send_close(websocket.STATUS_NORMAL)
        except (OSError, websocket.WebSocketException):
            pass  # the peer is gone already
        self._ws.shutdown()  # type: ignore[no-untyped-call]

    def _send(self, payload: bytes, opcode: int) -> None:
        try:
            self._ws.send(payload, opcode)
        except (OSError, websocket.WebSocketException) as error:
            raise ConnectionLost(f"cannot send: {error}") from error


def _closing(payload: bytes) -> str:
    if len(payload) < 2:
        return "closed by the exchange"
    (code,) = struct.unpack("!H", payload[:2])
    reason = payload[2:].decode("utf-8", "replace")
    return f"closed by the exchange, code {code}" + (f" ({reason})" if reason else "")
