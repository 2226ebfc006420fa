"""One simulation told event by event."""

from tests.chaos.faults import Schedule
from tests.chaos.simulation import NAMES, Simulation


def traced(plan: Schedule) -> None:
    """Run it, and print every event of the product with its time, and what was wrong when."""
    world = Simulation(plan)

    def at(moment: float, words: str) -> None:
        world.later(moment, lambda now: _say(now, words), inside=False)

    def listen(event: object) -> None:
        _say(world.now, str(event))

    for phase in world.market.phases:
        if phase.name != "calm":
            at(phase.start, f"MARKET {phase.name} until {phase.end:.1f} s")
    for jump in world.market.jumps:
        at(jump, "MARKET jumps")
    for fault in plan.faults:
        at(fault.start, f"BEGINS {fault}")
        at(fault.end, f"ENDS   {fault}")
    for name in NAMES:
        if name != "market_data":
            world.publisher.on(name, listen)
    told = 0.0
    for wrong in world.run().figures.wrong:
        if wrong.at - told > 1.0:
            print(wrong)
        told = wrong.at


def _say(now: float, words: str) -> None:
    print(f"{now:8.3f} s  {words}")
