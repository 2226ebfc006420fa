"""`status --watch`: the screen of a terminal, drawn anew; or lines, where there is no terminal.

The bot is asked on a thread of its own, so that one that hangs stops neither the clock on the
screen nor Ctrl-C.
"""

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from threading import Event
from time import monotonic
from types import FrameType
from typing import NoReturn, TextIO

import requests

from bot.config import Config
from bot.ending import EX_INTERRUPTED
from bot.verbs.calling import base_url
from bot.verbs.looking import Look, look
from bot.verbs.picture import Silence, picture
from bot.verbs.terminal import has_colours, is_terminal, size
from bot.wording import worded
from bot.worker import Detached

SLICE_S = 0.1
LONGEST_LOOK_S = 10.0
MOST_STRAYS = 3  # looks that hang beyond that; with so many none is begun
ENTER, LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
HOME, REST_OF_LINE, REST_OF_SCREEN = "\x1b[H", "\x1b[K", "\x1b[J"


class Asker:
    """Looks at the bot every so often. One thread only, and it never waits.

    seen: the last look that was answered, if one was; seen_at: monotonic s of its answer. error:
    why the last one was not. looks: how many have ended.
    """

    def __init__(self, config: Config, every_s: float) -> None:
        self.seen: Look | None = None
        self.seen_at = self.begun_at = monotonic()
        self.error = ""
        self.looks = 0
        self._config = config
        self._every_s = every_s
        self._call: Detached[Look] | None = None
        self._strays: list[Detached[Look]] = []
        self._next = monotonic()

    def poll(self) -> bool:
        """Begin a look that is due, take one that has ended. Returns: whether one has."""
        now = monotonic()
        if self._call is None:
            self._strays = [stray for stray in self._strays if not stray.ended]
            if now >= self._next and len(self._strays) < MOST_STRAYS:
                self.begun_at, self._next = now, now + self._every_s
                self._call = Detached("look", lambda: look(self._config))
            return False
        if self._call.ended:
            self._take(self._call)
        elif now - self.begun_at > LONGEST_LOOK_S:
            self.error = "it hangs"
            self._strays.append(self._call)
        else:
            return False
        self._call = None
        self.looks += 1
        return True

    def _take(self, call: Detached[Look]) -> None:
        try:
            self.seen = call.result()
            self.seen_at, self.error = monotonic(), ""
        except (requests.RequestException, ValueError) as error:
            self.error = worded(error)

    @property
    def silence(self) -> Silence | None:
        """How long there has been no answer, once that is longer than it takes."""
        waited_s = monotonic() - self.seen_at
        if not self.error and waited_s < self._every_s + 1.0:
            return None
        return Silence(waited_s, self.error or "it is waited for")


def watch(config: Config, every_s: float, as_json: bool) -> int:
    """Until a signal. Returns: the exit code. Raises: BrokenPipeError."""
    asker = Asker(config, every_s)
    try:
        with _ended_by_signals():
            if as_json:
                _lines_of_json(asker)
            elif is_terminal(sys.stdout):
                _screens(asker, base_url(config), every_s)
            else:
                _pages(asker, base_url(config), every_s)
    except KeyboardInterrupt:
        return EX_INTERRUPTED


def _lines_of_json(asker: Asker) -> NoReturn:
    while True:
        if asker.poll():
            now = datetime.now(UTC)
            told = {"at": int(now.timestamp() * 1000)}
            answer = {"error": asker.error} if asker.error or asker.seen is None else (
                asker.seen.told())
            print(json.dumps(told | answer), flush=True)
        Event().wait(SLICE_S)


def _pages(asker: Asker, where: str, every_s: float) -> NoReturn:
    """One below the other, as for a file."""
    while True:
        if asker.poll():
            lines = picture(asker.seen, asker.silence, where, every_s, datetime.now(UTC))
            print("\n".join([*lines, ""]), flush=True)
        Event().wait(SLICE_S)


def _screens(asker: Asker, where: str, every_s: float) -> NoReturn:
    colours = has_colours(sys.stdout)
    with _screen(sys.stdout):
        drawn: object = None
        while True:
            asker.poll()
            now = datetime.now(UTC)
            shape = size(), int(now.timestamp()), asker.looks
            if shape != drawn:  # a new second, a new answer, another size
                drawn = shape
                columns, rows = size()
                _draw(sys.stdout, picture(asker.seen, asker.silence, where, every_s, now,
                                          columns, rows, colours))
            Event().wait(SLICE_S)


def _draw(out: TextIO, lines: list[str]) -> None:
    """No line break after the last one: it would move the picture up."""
    out.write(HOME + "\n".join(line + REST_OF_LINE for line in lines) + REST_OF_SCREEN)
    out.flush()


@contextmanager
def _screen(out: TextIO) -> Iterator[None]:
    """The terminal is afterwards as it was before, whatever happens."""
    out.write(ENTER)
    try:
        yield
    finally:
        with suppress(OSError, ValueError):  # the terminal has gone
            out.write(LEAVE)
            out.flush()


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP raise SystemExit with the code that a shell tells of them."""
    def end(number: int, frame: FrameType | None) -> NoReturn:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
