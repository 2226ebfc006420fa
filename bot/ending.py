"""How a command ends that Ctrl-C stops, or whose output nobody takes."""

import errno
import os
import sys
from collections.abc import Callable
from contextlib import suppress

EX_OK = 0
EX_IOERR = 74  # as in sysexits.h
EX_INTERRUPTED = 130  # as a shell tells of SIGINT
# what a write to a full or failing disk says; an error of a file that somebody opened has its name
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def ended(work: Callable[[], int]) -> int:
    """Do it, to the last byte of its output. Returns: the exit code."""
    try:
        try:
            return work()
        finally:
            if sys.stdout is not None:  # which it is where it was closed (>&-)
                sys.stdout.flush()
    except KeyboardInterrupt:
        return interrupted()
    except BrokenPipeError:
        return hang_up()
    except OSError as error:
        if error.filename is not None or error.errno not in NO_ROOM:
            raise
        hang_up()
        _say(f"the output cannot be written: {error.strerror}")
        return EX_IOERR


def interrupted(words: str = "interrupted") -> int:
    """After Ctrl-C. Returns: the exit code."""
    _say(words)
    return EX_INTERRUPTED


def hang_up() -> int:
    """Whoever read the output has left, which is no fault. Returns: the exit code."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at the end
    return EX_OK


def _say(words: str) -> None:
    with suppress(OSError):  # it may be on the same device
        print(words, file=sys.stderr, flush=True)
