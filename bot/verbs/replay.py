"""The verb `replay`: the record through the same judgement again, faster than it was."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

import duckdb

from bot import __version__
from bot.config import load
from bot.errors import RecordError, RecorderError
from bot.judging.decisions import Decision
from bot.judging.memory import HERE
from bot.moments import EPOCH, NEGATIVE, in_iso, span
from bot.record.files import Record, opened_file, told
from bot.record.tape import Tape
from bot.verbs.breaking import breakable
from bot.verbs.printing import printable
from bot.verbs.query import announce, broken
from bot.verbs.reaching import EX_UNREACHABLE, opened
from bot.verbs.replaying import MOST_DIFFERENCES, Replay, Run

EX_OK = 0
EX_DIFFERENT = 1
EX_WRONG = 2
EX_PARTLY = 3
EX_DATAERR = 65  # as in sysexits.h
MOST_LINES = 40  # of differences
EPILOG = """\
examples:
  python -m bot replay incident.duckdb
  python -m bot replay --from 2026-11-22T09:58:00Z --to 2026-11-22T10:05:00Z
  python -m bot replay --from -1h > decisions.txt

Every decision made now is printed: who became active, who was no longer fit or believed, what the
price was worth. Then they are compared with what was decided then, and so is every price that was
served from the streams, digit by digit. A file that somebody else exported needs none of his
settings: they are in it.

Playing begins with the last state that was noted at --from or before it (one is every ten minutes);
what is decided from --from on is printed, and everything is compared. It ends at --to. Moments:
ISO 8601 (UTC unless an offset is given), a date, epoch ms, now, or how long ago: -90s, -5m, -1h,
-2d.

exit codes: 0 all of it was played and is the same; 1 something differs, or there is nothing to
play; 2 wrong arguments; 3 the same, but rows are missing, and not all of it could be played; 65 it
is damaged, or another version's; 69 no record can be reached; 78 bad settings; 130 interrupted
"""


def add_arguments(parser: ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser._negative_number_matcher = NEGATIVE
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE",
                        help="made by export --out FILE.duckdb; without it, the bot's own record")
    parser.add_argument("--from", dest="since", metavar="MOMENT", help="default: all there is")
    parser.add_argument("--to", dest="until", metavar="MOMENT", help="default: up to its end")


def run(arguments: Namespace) -> int:
    """Raises: ConfigError."""
    now = datetime.now(UTC).replace(tzinfo=None)
    try:
        since, until = span(arguments.since, arguments.until, now)
    except ValueError as error:
        print(error, file=sys.stderr)
        return EX_WRONG
    try:
        with _opened(arguments.file) as record:
            announce(record)
            with breakable(record.con):
                return _replay(Tape(record.con), since, until)
    except RecorderError as error:
        print(error, file=sys.stderr)
        return EX_UNREACHABLE
    except RecordError as error:
        print(printable(f"it cannot be played by version {__version__}: {error}"), file=sys.stderr)
        return EX_DATAERR
    except (duckdb.InterruptException, RuntimeError) as error:
        return broken(error)
    except duckdb.Error as error:
        print(printable(f"it cannot be read: {told(error)}"), file=sys.stderr)
        return EX_DATAERR


@contextmanager
def _opened(file: Path | None) -> Iterator[Record]:
    """Raises: ConfigError where the settings are needed, RecorderError."""
    if file is None:
        with opened(load()) as record:
            yield record
    else:
        with opened_file(file) as record:
            yield record


def _replay(tape: Tape, since: datetime | None, until: datetime | None) -> int:
    played = tape.span(since, until)
    if played is None:
        first = tape.first()
        print("there is nothing to play: " + (
            f"what can be played begins at {in_iso(first)}" if first else
            "this record holds no states; a bot notes one when its feeds start, and every ten "
            "minutes"), file=sys.stderr)
        return EX_DIFFERENT
    print(f"playing {in_iso(played.since)} to {in_iso(played.until)}", file=sys.stderr)
    replay, began = Replay(), monotonic()
    for made in replay.play(tape.entries(played)):
        at = EPOCH + timedelta(milliseconds=made.at_ms)
        if isinstance(made, Run):
            _introduce(made)
        elif (since is None or at >= since) and _changes(made.decision):
            print(printable(f"{in_iso(at)} {_words(made.decision)}"))
    sys.stdout.flush()
    return _tell(replay, played.last - played.first + 1, monotonic() - began)


def _introduce(run: Run) -> None:
    settings = run.settings
    print(printable(f"  a run of `{run.instance}`: {', '.join(settings.sources)}; "
                    f"{', '.join(settings.symbols)}"), file=sys.stderr)
    if settings.version != __version__:
        print(printable(f"  warning: version {settings.version} recorded it, {__version__} plays "
                        "it: what differs may be meant to"), file=sys.stderr)
    if settings.made_on != HERE:
        print(printable(f"  warning: it was recorded on {settings.made_on}, and this is {HERE}: "
                        "the last digits of `confidence` may differ"), file=sys.stderr)


def _changes(one: Decision) -> bool:
    """What a symbol is worth before there is any news of it is noted, and is no news."""
    detail = one.detail or {}
    return one.kind != "verdict" or detail.get("from") != detail.get("to")


def _words(one: Decision) -> str:
    change = ""
    if one.detail and "from" in one.detail:
        change = f" {one.detail['from'] or 'none'} -> {one.detail['to'] or 'none'}"
    who = "" if change and one.kind == "source_switch" else f" {one.source or '-'}"
    return f"{one.symbol} {one.kind}{who}{change}: {one.reason}"


def _tell(replay: Replay, rows: int, took_s: float) -> int:
    """rows: places in the span. Returns: the exit code."""
    tally, differences = replay.tally, replay.differences
    print(f"played {tally.updates} updates and {tally.judgements} judgements of "
          f"{timedelta(seconds=round(tally.mono_s))} in {took_s:.1f} s, "
          f"{tally.mono_s / max(took_s, 0.001):.0f} times as fast", file=sys.stderr)
    if tally.missing:
        print(f"warning: {tally.missing} rows are missing; what came between them and the next "
              f"state ({tally.skipped} rows) was not played", file=sys.stderr)
    what = f"{tally.decisions} decisions, {tally.prices} prices served"
    if tally.states:
        what += f", what is remembered at {tally.states} moments"
    if not differences and tally.missing:
        played = rows - tally.missing - tally.skipped
        share = int(played / rows * 1000) / 10  # never more than it was
        print(f"NOT all could be played, but {share} % ({played:,} of {rows:,} rows); of that the "
              f"same as then: {what}", file=sys.stderr)
        return EX_PARTLY
    if not differences:
        print(f"the same as then: {what}", file=sys.stderr)
        return EX_OK
    print(f"NOT the same as then ({what}):", file=sys.stderr)
    for words in differences[:MOST_LINES]:
        print(f"  {printable(words)}", file=sys.stderr)
    if len(differences) > MOST_LINES:
        more = "at least " if len(differences) == MOST_DIFFERENCES else ""
        print(f"  and {more}{len(differences) - MOST_LINES} more", file=sys.stderr)
    return EX_DIFFERENT
