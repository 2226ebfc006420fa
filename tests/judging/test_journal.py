"""What is noted, and that it can be played whatever happened at the end."""

import threading

from bot.events import Publisher
from bot.feeds.intake import Intake
from bot.judging.announcer import Announcer
from bot.judging.decisions import DECISIONS, Decision
from bot.judging.desk import Desk
from bot.judging.fitness import Policy
from bot.judging.journal import Input, Journal, Note, State, Turn
from bot.judging.memory import MEND_EVERY_S, Memoirs
from bot.judging.player import Player
from bot.model import FeedHealth

SYMBOL = "BTCUSDT"
POLICY = Policy(primary="binance", failover=True, max_latency_s=5.0, failback_after_s=10.0)


class Bench:
    """A desk with one source that is not connected, and what is noted at it."""

    def __init__(self) -> None:
        self.notes: list[Note] = []
        self.lost = 0
        self.now = 100.0
        self.desk = Desk(POLICY, "primary", 10.0,
                         Journal(self.notes.append, lambda: self.lost, "primary"))
        publisher = Publisher((*DECISIONS, "market_data", "source_activated"))
        self.desk.intakes["binance"] = Intake("binance", self.desk.store, publisher,
                                              journal=self.desk.journal)
        self.memoirs = Memoirs(self.desk, Announcer(publisher, lambda: self.now))

    def healths(self) -> list[FeedHealth]:
        return [FeedHealth(source="binance", connected_since=None, latency_s=None,
                           event_lag_s=None, messages_received=0, errors=0, last_update=None,
                           detail="refused")]

    def judge(self) -> None:
        seen, now = self.desk.look(self.healths, lambda: self.now)
        self.desk.judge(SYMBOL, seen, now)

    @property
    def kinds(self) -> list[str]:
        return [note.kind if isinstance(note, Input) else type(note).__name__
                for note in self.notes]

    def played(self) -> Player:
        """All of it played again, from the state on."""
        start = next(at for at, note in enumerate(self.notes) if isinstance(note, State))
        first = self.notes[start]
        assert isinstance(first, State)
        player = Player(first)
        for note in self.notes[start:]:
            player.play(note)
        return player

    def decided(self) -> list[Decision]:
        player = self.played()
        player.finish()
        return [taken.decision for taken in player.taken()]


def test_a_run_begins_with_a_note_of_that_and_a_source_is_told_when_it_changes() -> None:
    bench = Bench()
    bench.memoirs.note_due([SYMBOL], bench.now)
    bench.judge()
    bench.judge()
    assert bench.kinds == ["begun", "State", "source", "look", "judged", "look", "judged"]


def test_that_a_second_connection_begins_is_noted_and_played() -> None:
    bench = Bench()
    bench.memoirs.note_due([SYMBOL], bench.now)
    bench.desk.intakes["binance"].expect_old([(SYMBOL, "ticker"), (SYMBOL, "trade")], bench.now)
    assert bench.kinds == ["begun", "State", "expected"]
    again = bench.played().desk.intakes["binance"]
    assert again.known.fresh == {(SYMBOL, "ticker"), (SYMBOL, "trade")}


def test_a_state_is_noted_when_something_was_lost_but_not_at_every_loss() -> None:
    bench = Bench()
    for after, lost, states in ((0.0, 0, 1), (1.0, 1, 1), (MEND_EVERY_S, 2, 2), (1.0, 3, 2),
                                (MEND_EVERY_S, 3, 3), (MEND_EVERY_S, 3, 3)):
        bench.now, bench.lost = bench.now + after, lost
        bench.memoirs.note_due([SYMBOL], bench.now)
        assert bench.kinds.count("State") == states


def test_what_was_judged_as_the_bot_stopped_is_not_told_again() -> None:
    """The judge was stopped between his judgement and telling it, and undid it."""
    bench = Bench()
    bench.memoirs.note_due([SYMBOL], bench.now)
    bench.judge()
    bench.desk.clear(bench.now + 0.001)  # by the main thread
    bench.desk.clear(bench.now)  # by who judged
    assert bench.decided() == []


def test_what_was_told_before_the_stop_is_told_again() -> None:
    bench = Bench()
    bench.memoirs.note_due([SYMBOL], bench.now)
    bench.judge()
    bench.desk.clear(bench.now + 0.001)
    assert [decision.kind for decision in bench.decided()] == ["source_judged", "verdict"]


def test_who_waits_for_a_turn_is_let_in_between() -> None:
    turn, entered, waits = Turn(), threading.Event(), threading.Event()

    def wait() -> None:
        waits.set()
        with turn:
            entered.set()

    with turn:
        other = threading.Thread(target=wait)
        other.start()
        assert waits.wait(5.0)
        assert not entered.is_set()
    while not entered.is_set():
        with turn:
            pass
        turn.give_way()
    other.join(5.0)
    assert not other.is_alive()


def test_nothing_is_noted_where_nobody_keeps_it() -> None:
    journal = Journal()
    journal.note("look", 1.0)
    journal.state(1.0, "{}", b"")
    assert not journal.kept
