"""Who agrees with whom about a price: pure functions of intervals, after chrony's way with clocks.

Each source states an interval in which it holds the price to be: what it says, give or take its
spread, what is usual between it and the others (basis, noise), and how far a price of that age may
have moved since. The largest group whose intervals share a point are the truechimers; who lies
outside of it tells something else, and with a majority against it something false.

A venue has one vote however many of its mouths speak: its stream and its REST API fail together.
Where it stands one to one, a venue whose REST API contradicts its own stream decides it.
"""

import math
from collections.abc import Mapping, Sequence

import msgspec

# Shares of the price. What two venues may differ by before their difference is known, and after.
UNKNOWN_BASIS, KNOWN_BASIS = 0.0010, 0.0004
NOISE_WIDTHS = 3.0
BASIS_CAP = 0.0010  # a difference beyond this is never taken for usual
LEARNT_VOTES = 100
MEMORY = 1500  # votes: five minutes at five a second
FIRST_NOISE = 0.0001
MOST_NOISE = 0.0005


class Statement(msgspec.Struct, frozen=True):
    """What one mouth of a venue says: `binance`, or `binance rest`.

    price: as it says it. low, high: the interval, freed of the venue's usual difference.
    """

    who: str
    venue: str
    price: float
    low: float
    high: float

    @property
    def half(self) -> float:
        return (self.high - self.low) / 2


class Agreement(msgspec.Struct, frozen=True):
    """members: who agree, in the order given. majority: they outvote all others."""

    members: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    majority: bool = True

    @property
    def disputed(self) -> bool:
        """Sources tell different things, and nothing says who is right."""
        return not self.majority


class Habit(msgspec.Struct, frozen=True):
    """How a venue usually differs from the others: basis and noise as shares of the price."""

    basis: float = 0.0
    noise: float = FIRST_NOISE
    votes: int = 0

    @property
    def allowed(self) -> float:
        known = min(1.0, self.votes / LEARNT_VOTES)
        return UNKNOWN_BASIS + known * (KNOWN_BASIS - UNKNOWN_BASIS) + NOISE_WIDTHS * self.noise


def stated(
    who: str, venue: str, price: float, bid: float | None, ask: float | None,
    age_s: float, sigma: float, rush: float, habit: Habit,
) -> Statement:
    """The interval of one statement.

    sigma: usual move of the market in a second. rush: how far it has moved within the last two
    seconds, which another venue may be still to follow. Both are shares of the price.
    """
    spread = (ask - bid) / 2 if bid is not None and ask is not None and ask > bid else 0.0
    half = spread + price * (habit.allowed + sigma * math.sqrt(max(0.0, age_s)) + abs(rush))
    centre = price / (1.0 + habit.basis)
    return Statement(who, venue, price, centre - half, centre + half)


def agree(statements: Sequence[Statement]) -> Agreement:
    """The largest group that shares a point. Several as large that have a member in common are
    taken as one: with him in the middle none of them is proven wrong.
    """
    if not statements:
        return Agreement()
    groups = {frozenset(s for s in statements if s.low <= edge.low <= s.high)
              for edge in statements}
    strength = max(map(_strength, groups))
    strongest = [group for group in groups if _strength(group) == strength]
    united = frozenset[Statement]().union(*strongest)
    split = not strongest[0].intersection(*strongest)
    members = () if split else tuple(s.who for s in statements if s in united)
    outside = tuple(s.who for s in statements if s.who not in members)
    return Agreement(members, outside, not split and _outvotes(united, statements))


def spread_of(statements: Sequence[Statement], price: float) -> float:
    """How far the farthest of these prices is from `price`."""
    return max((abs(s.price - price) for s in statements), default=0.0)


def learn(
    habits: Mapping[str, Habit], statements: Sequence[Statement]
) -> Mapping[str, Habit]:
    """The habits after one more vote among statements that agree. Fewer than two teach nothing."""
    if len(statements) < 2:
        return habits
    held = {s.venue: habits.get(s.venue) or Habit() for s in statements}
    logs = {s.venue: math.log(s.price) for s in statements}
    bare = sorted(logs[venue] - habit.basis for venue, habit in held.items())
    middle = (bare[(len(bare) - 1) // 2] + bare[len(bare) // 2]) / 2
    learnt = dict(habits)
    for venue, habit in held.items():
        off = logs[venue] - middle - habit.basis
        votes = habit.votes + 1
        basis = habit.basis + off / min(votes + 9, MEMORY)
        noise = habit.noise + (abs(off) - habit.noise) / min(votes + 9, MEMORY)
        learnt[venue] = Habit(max(-BASIS_CAP, min(BASIS_CAP, basis)), min(MOST_NOISE, noise), votes)
    return learnt


def _strength(group: frozenset[Statement]) -> tuple[int, int]:
    return len({s.venue for s in group}), len(group)


def _outvotes(group: frozenset[Statement], statements: Sequence[Statement]) -> bool:
    """More than half of the venues, and more than the others have; or, against as many, with more
    statements, so that one of the others is contradicted by its own venue.
    """
    venues = {s.venue for s in group}
    every = {s.venue for s in statements}
    rest = [s for s in statements if s not in group]
    others = {s.venue for s in rest}
    if 2 * len(venues) <= len(every):
        return False
    return len(venues) > len(others) or len(group) > len(rest)
