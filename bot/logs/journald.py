"""journald's native protocol: one datagram for each line, with its facts as fields.

Source: systemd.io/JOURNAL_NATIVE_PROTOCOL, read 2026-11. The library of systemd is not used: while
journald hangs it keeps the interpreter's lock, and with it the whole process.
"""

import errno
import logging
import socket
import struct
import sys
from collections.abc import Iterator

from bot.logs.facts import facts_of
from bot.logs.lines import BARE, ForStream, level_of

SOCKET = "/run/systemd/journal/socket"
IDENTIFIER = "autonomous-bot"
PATIENCE_S = 0.25  # for a journald that is busy
LONGEST = 48 * 1024  # bytes of a value, as journald's own LineMax
SHORTEST = 1024  # of each, where the system takes no datagram of that size
CUT = " [cut]"
TOO_LARGE = (errno.EMSGSIZE, errno.ENOBUFS)


class Journal(logging.Handler):
    """Sends to `path`. While journald hangs a line is refused at once, and raises; while there is
    none it goes to stderr, which journald reads when it is back.
    """

    def __init__(self, instance: str, path: str = SOCKET) -> None:
        super().__init__()
        self._instance = instance
        self._path = path
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8 << 20)  # as sd_journal_send
        self._sock.setsockopt(
            socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", 0, int(PATIENCE_S * 1e6)))
        self._hangs = False
        self._stream = logging.StreamHandler(sys.stderr)
        self._stream.setFormatter(ForStream(BARE))

    def emit(self, record: logging.LogRecord) -> None:
        """Takes PATIENCE_S at most, and that only once for each time that journald hangs."""
        try:
            self._send(record)
            self._hangs = False
        except TimeoutError:
            self._hangs = True
            self.handleError(record)
        except OSError:
            self._stream.handleError = self.handleError  # type: ignore[method-assign]
            self._stream.emit(record)

    def close(self) -> None:
        self._sock.close()
        super().close()

    def _send(self, record: logging.LogRecord) -> None:
        """Raises: TimeoutError while journald hangs; another OSError where there is none."""
        flags = socket.MSG_DONTWAIT if self._hangs else 0
        for longest in (LONGEST, SHORTEST):
            data = b"".join(encoded(name, value, longest) for name, value in self._fields(record))
            try:
                self._sock.sendto(data, flags, self._path)
                return
            except BlockingIOError as error:
                raise TimeoutError("it does not read") from error
            except OSError as error:
                if error.errno not in TOO_LARGE or longest == SHORTEST:
                    raise

    def _fields(self, record: logging.LogRecord) -> Iterator[tuple[str, str]]:
        message = record.getMessage()
        yield "MESSAGE", f"{message}\n{record.exc_text}" if record.exc_text else message
        yield "PRIORITY", str(level_of(record))
        yield "SYSLOG_IDENTIFIER", IDENTIFIER
        yield "INSTANCE", self._instance
        yield "LOGGER", record.name
        yield "THREAD_NAME", record.threadName or ""
        yield "CODE_FILE", record.pathname
        yield "CODE_LINE", str(record.lineno)
        yield "CODE_FUNC", record.funcName or ""
        for name, value in facts_of(record).items():
            yield name.upper(), str(value)


def encoded(name: str, value: str, longest: int = LONGEST) -> bytes:
    """A field; in the form with its length where the value has a newline."""
    data = value.encode("utf-8", "backslashreplace")
    if len(data) > longest:
        data = data[:longest - len(CUT)].decode("utf-8", "ignore").encode() + CUT.encode()
    if b"\n" not in data:
        return b"%s=%s\n" % (name.encode(), data)
    return b"%s\n%s%s\n" % (name.encode(), struct.pack("<Q", len(data)), data)
