"""The only maker of threads: Worker for the daemon's own, Detached and Hand for what may hang."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from bot.logs.facts import facts

log = logging.getLogger(__name__)

T = TypeVar("T")


class Worker:
    """A thread with a life: open, then step until stopped, then close.

    `open`, `step` and `close` run on the worker's own thread, and what they open belongs to it.
    `start`, `stop` and `join` are for the owner. `step` returns within a second of `stop()`. What
    escapes `open` or `step` ends the thread and is kept in `failure`.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.stopping = threading.Event()
        self.failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def open(self) -> None:
        """Acquire what the thread needs."""

    def step(self) -> None:
        """Do a bounded piece of work."""
        raise NotImplementedError

    def close(self) -> None:
        """Release what `open` acquired. Called also when `open` failed."""

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end; returns at once and may be called again."""
        self.stopping.set()

    def join(self, timeout: float) -> bool:
        """Wait for the end. Returns: whether the thread has ended (or never began)."""
        if self._thread.ident is not None:
            self._thread.join(max(0.0, timeout))
        return not self._thread.is_alive()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            self.open()
            while not self.stopping.is_set():
                self.step()
        except Exception as error:
            self._failed(error)
        try:
            self.close()
        except Exception as error:
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        self.failure = self.failure or error
        log.exception("thread %s ended by an internal fault", self.name,
                      extra=facts("thread_failed", reason=str(error)))


class Deadline:
    """A moment on the monotonic clock, shared by several waits."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._at = clock() + seconds

    @property
    def left_s(self) -> float:
        return max(0.0, self._at - self._clock())

    @property
    def passed(self) -> bool:
        return self._clock() >= self._at


def stop_all(workers: Iterable[Worker], deadline: Deadline) -> list[str]:
    """Signal every worker, then join each. Returns: the names of those that did not end in time."""
    ours: Sequence[Worker] = list(workers)
    for worker in ours:
        worker.stop()
    return [worker.name for worker in ours if not worker.join(deadline.left_s)]


class Detached(Generic[T]):
    """A call that cannot be interrupted (name look-up, HTTP request) on a daemon thread of its own.

    Its owner waits as long as it likes and may walk away; the thread then ends when the call does,
    and whoever started it bounds how many of them can be under way.
    """

    def __init__(self, name: str, call: Callable[[], T]) -> None:
        self._call = call
        self._done = threading.Event()
        self._result: T | None = None
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def wait(self, timeout: float) -> bool:
        """Returns: whether the call has ended, well or not."""
        return self._done.wait(timeout)

    @property
    def ended(self) -> bool:
        return self._done.is_set()

    @property
    def failure(self) -> Exception | None:
        """What the call raised, once it has ended."""
        return self._error

    def result(self) -> T:
        """What the call returned. Raises: what it raised. Only after `wait` returned true."""
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]  # T may itself include None

    def _run(self) -> None:
        try:
            self._result = self._call()
        except Exception as error:
            self._error = error
        self._done.set()


class Stuck(Exception):
    """A call did not end in its time."""


class Hand:
    """A daemon thread that does what may hang, call after call, for an owner that must not.

    Once a call is stuck the owner lets the hand go: it ends when that call does, after doing what
    it was left with. Whoever makes hands bounds how many of those there can be.
    """

    def __init__(self, name: str) -> None:
        self._calls: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
        self._answers: SimpleQueue[tuple[object, Exception | None]] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        return not self._thread.is_alive()

    def do(self, call: Callable[[], T], timeout: float, stopping: threading.Event) -> T:
        """What `call` returns. Raises: what it raises; Stuck after `timeout` s, or within a quarter
        of a second of `stopping`, and then there must be no further call.
        """
        self._calls.put(call)
        deadline = Deadline(timeout)
        while not deadline.passed:
            try:
                result, error = self._answers.get(timeout=min(0.25, deadline.left_s))
            except Empty:
                if stopping.is_set():
                    break
                continue
            if error is not None:
                raise error
            return result  # type: ignore[return-value]  # it is what `call` returned
        raise Stuck(f"no end after {timeout:g} s")

    def let_go(self, last: Callable[[], object]) -> None:
        """Do `last`, and end."""
        self._calls.put(last)
        self._calls.put(None)

    def join(self, timeout: float) -> bool:
        """Returns: whether it has ended."""
        self._thread.join(max(0.0, timeout))
        return self.ended

    def _run(self) -> None:
        while call := self._calls.get():
            try:
                self._answers.put((call(), None))
            except Exception as error:
                self._answers.put((None, error))
