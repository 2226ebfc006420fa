"""What was judged in random markets full of faults is judged the same when it is played again."""

from collections.abc import Callable
from typing import Any

import pytest

from bot.judging.decisions import DECISIONS, Decision
from bot.judging.journal import Journal, Note, State
from bot.judging.memory import Memory, decoded
from bot.judging.player import Player
from bot.model import Quote
from tests.chaos.faults import schedule
from tests.chaos.simulation import Simulation

SEEDS = range(1, 21)

Outcome = Quote | str


class Recording:
    """A simulation's notes, what it decided, and what it answered, each in order."""

    def __init__(self, seed: int) -> None:
        self.notes: list[Note] = []
        self.decisions: list[Decision] = []
        simulation = Simulation(schedule(seed), Journal(self.notes.append), states_s=20.0)
        for event, as_decision in DECISIONS.items():
            simulation.publisher.on(event, self._taker(as_decision))
        simulation.run()
        self.answers = simulation.answers
        self.memory = Memory(simulation.desk.remembered(), simulation.court.announcer.told)

    def _taker(self, as_decision: Callable[[Any], Decision]) -> Callable[[object], None]:
        return lambda event: self.decisions.append(as_decision(event))


def played(notes: list[Note]) -> tuple[Memory, list[Decision], list[Outcome]]:
    """notes: the first is a state; what the others hold must be what is remembered there."""
    assert isinstance(notes[0], State)
    player = Player(notes[0])
    answers: list[Outcome] = []
    for note in notes[1:]:
        if isinstance(note, State):
            player.finish()
            assert player.memory == decoded(note)
        outcome = player.play(note)
        if outcome is not None:
            answers.append(outcome if isinstance(outcome, Quote) else str(outcome))
    player.finish()
    return player.memory, [taken.decision for taken in player.taken()], answers


@pytest.mark.parametrize("seed", SEEDS)
def test_every_decision_and_every_price_comes_out_again(seed: int) -> None:
    made = Recording(seed)
    states = [at for at, note in enumerate(made.notes) if isinstance(note, State)]
    memory, decisions, answers = played(made.notes[states[0]:])
    assert decisions == made.decisions and len(decisions) > 3
    assert answers == made.answers[-len(answers):] and len(answers) > 100
    assert memory == made.memory
    memory, decisions, answers = played(made.notes[states[-1]:])
    assert decisions == made.decisions[len(made.decisions) - len(decisions):]
    assert answers == made.answers[-len(answers):]
    assert memory == made.memory and len(states) > 2
