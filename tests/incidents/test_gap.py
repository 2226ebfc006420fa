"""What the recorder had to refuse, as an incident."""

import msgspec

from bot.incidents.gap import QUIET_S, Gap
from bot.incidents.incident import History, Incident
from bot.incidents.ledger import Ledger
from tests.helpers import Clock

FULL = "the disk is slow: a write has been under way for 60 s"


def ledger() -> tuple[Ledger, Clock, list[Incident]]:
    mono = Clock(1000.0)
    kept: list[Incident] = []
    made = Ledger("primary", ("BTCUSDT",), (), mono=mono, wall=lambda: 1.79e9 + mono.now)
    made.keep(kept.append)
    return made, mono, kept


def test_it_begins_at_the_last_look_without_and_ends_with_the_last_row() -> None:
    gap = Gap("primary")
    assert gap.look(0, "recording", 10.0, 1010.0) is None
    begun = gap.look(40, FULL, 11.0, 1011.0)
    assert begun is not None
    assert (begun.opened_at, begun.closed_at, begun.rule) == (1010.0, None, "unrecorded")
    assert begun.cause == f"the queue of the recorder was full: {FULL}"
    assert gap.look(1_240, FULL, 12.0, 1012.0) is None
    assert gap.look(1_240, FULL, 12.0 + QUIET_S - 0.1, 1021.9) is None
    over = gap.look(1_240, FULL, 12.0 + QUIET_S, 1022.0)
    assert over == msgspec.structs.replace(
        begun, revision=2, closed_at=1012.0, duration_ms=2_000.0,
        cause=f"1,240 rows were not recorded; {begun.cause}")
    assert gap.look(1_240, FULL, 90.0, 1090.0) is None
    again = gap.look(1_241, FULL, 91.0, 1091.0)
    assert again is not None and again.id != begun.id


def test_the_ledger_keeps_and_shows_it_and_holds_it_against_no_price() -> None:
    told, mono, kept = ledger()
    told.refused(0, "recording")
    mono.now += 1
    told.refused(7, FULL)
    assert [one.rule for one in told.incidents(10, symbol="BTCUSDT")] == ["unrecorded"]
    mono.now += QUIET_S
    told.refused(7, "recording")
    (shown,) = told.incidents(10)
    assert shown.closed_at is not None and shown.duration_ms == 1_000.0
    assert [one.revision for one in kept] == [1, 2]
    assert told.availability().served[0].incidents == 0


def test_what_earlier_lives_could_not_record_is_held_against_no_price() -> None:
    told, mono, kept = ledger()
    now = 1.79e9 + mono.now
    told.adopt(History(now - 100, now, (Incident(
        id="a", source=None, symbol=None, cause="c", rule="unrecorded", opened_at=now - 50,
        closed_at=now - 10, instance="primary"),)))
    assert told.availability().served[0].incidents == 0 and kept == []
    assert len(told.incidents(10)) == 1


def test_a_loss_is_kept_and_shown() -> None:
    told, mono, kept = ledger()
    lost = Incident(id="l", source=None, symbol=None, cause="3 commits are missing", rule="lost",
                    opened_at=1.0, closed_at=2.0, instance="primary")
    told.lost(lost)
    assert kept == [lost] == told.incidents(10)
