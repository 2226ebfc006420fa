"""Sources judged by what the others say: who has a vote, who is put away, who is let back. Pure."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from statistics import fmean

import msgspec

from bot.judging.agreement import Agreement, Habit, Statement, agree, stated
from bot.judging.fitness import SourceView
from bot.model import Opinion

VOTE_S = 0.2  # between two votes, however often it is judged
FALL = 5
SMALL = 0.0030  # honest exchanges may differ by that for a second or two in a burst
FALL_SMALL = 15
RISE = 5
PUT_AWAY_S, LONGEST_AWAY_S = 10.0, 300.0
FORGIVEN_S = 600.0  # of agreement, and an offence is forgotten
OPINION_S = 5.0  # a REST answer speaks along for so long


class Trial(msgspec.Struct, frozen=True):
    """What is remembered of one source's votes.

    unproven: it was let back with nobody there to agree with, and nobody has agreed since.

    outside, inside: votes in a row. until: monotonic s at which its time away is over; None while
    it is not put away. offences: how often it was, of late. changed: monotonic s of the last time.
    """

    outside: int = 0
    inside: int = 0
    until: float | None = None
    offences: int = 0
    changed: float = 0.0
    words: str = ""
    unproven: bool = False


class Jury(msgspec.Struct, frozen=True):
    """One vote: who said what, and how it came out. sigma: usual move of the market in a second."""

    voters: Sequence[Statement]
    agreement: Agreement
    sigma: float

    def members(self) -> list[Statement]:
        return [voter for voter in self.voters if voter.who in self.agreement.members]


Trials = Mapping[str, Trial]
Habits = Mapping[str, Habit]


def jury(
    views: Sequence[SourceView], fit: AbstractSet[str], opinions: Sequence[Opinion], trials: Trials,
    habits: Habits, now: float,
) -> Jury:
    """Those who have a vote are the fit ones that are not put away, and REST beside them."""
    # a frozen source shows no moves, so the liveliest one tells how far prices may have gone
    sigma = max((view.sigma for view in views), default=0.0)
    rush = max((abs(view.rush) for view in views), default=0.0)
    voters = [statement(view, habits, sigma) for view in views
              if view.source in fit and not is_away(trials, view.source)]
    voters += [
        stated(f"{said.exchange} rest", said.exchange, said.price, said.bid, said.ask,
               now - said.asked_mono, sigma, rush, habits.get(said.exchange) or Habit())
        for said in opinions if now - said.asked_mono < OPINION_S]
    present = [voter for voter in voters if voter is not None]
    return Jury(present, agree(present), sigma)


def statement(view: SourceView, habits: Habits, sigma: float) -> Statement | None:
    """What a source's stream says; None while it has said nothing."""
    if view.price is None or view.age_s is None:
        return None
    return stated(view.source, view.source, view.price, view.bid, view.ask, view.age_s,
                  max(sigma, view.sigma), view.rush, habits.get(view.source) or Habit())


def is_away(trials: Trials, source: str) -> bool:
    trial = trials.get(source)
    return trial is not None and trial.until is not None


def tried(trial: Trial, view: SourceView, fit: bool, jury: Jury, habits: Habits, now: float
          ) -> Trial:
    """The trial after one more vote. A source that is unfit by itself is neither in nor out."""
    if trial.offences and trial.until is None and now - trial.changed > FORGIVEN_S:
        trial = Trial(changed=now)
    if not fit:
        return msgspec.structs.replace(trial, outside=0, inside=0)
    if trial.until is None:
        return _accused(trial, view, jury, now)
    own = statement(view, habits, jury.sigma)
    circle = [voter for voter in jury.members() if voter.venue != view.source]
    agrees = own is not None and all(own.low <= s.high and s.low <= own.high for s in circle)
    inside = trial.inside + 1 if agrees else 0
    if inside >= RISE and now >= trial.until:
        return Trial(offences=trial.offences, changed=now, unproven=not circle)
    return msgspec.structs.replace(trial, inside=inside)


def _accused(trial: Trial, view: SourceView, jury: Jury, now: float) -> Trial:
    if not jury.agreement.majority or view.source not in jury.agreement.outside:
        proven = len(jury.agreement.members) > 1 and view.source in jury.agreement.members
        return msgspec.structs.replace(trial, outside=0, unproven=trial.unproven and not proven)
    if view.held is not None or view.silent_s is not None and view.silent_s > VOTE_S:
        return trial  # it has said nothing since the last vote, or is doubted: slow, but no liar
    outside, price = trial.outside + 1, view.price or 0.0
    small = abs(_off(view.source, price, jury)) < SMALL
    if outside < (FALL_SMALL if small else FALL):
        return msgspec.structs.replace(trial, outside=outside)
    away_s = min(LONGEST_AWAY_S, PUT_AWAY_S * 2.0 ** trial.offences)
    return Trial(until=now + away_s, offences=trial.offences + 1, changed=now,
                 words=f"{against(view.source, price, jury)}; put away for {away_s:.0f} s")


def against(source: str, price: float, jury: Jury) -> str:
    """In words: with whom a source disagrees, and by how much."""
    others = [voter.who for voter in _others(source, jury)]
    if not others:
        return "stands alone"
    return (f"disagrees with {' and '.join(others)} by "
            f"{_off(source, price, jury) * 10_000:+.1f} bps")


def _others(source: str, jury: Jury) -> list[Statement]:
    """Those that `source` disagrees with: whose intervals do not meet its own."""
    own = next((voter for voter in jury.voters if voter.who == source), None)
    if own is None:
        return jury.members()
    return [voter for voter in jury.voters if voter.low > own.high or voter.high < own.low]


def _off(source: str, price: float, jury: Jury) -> float:
    """How far `price` is from the mean of the others, as a share of it."""
    others = [voter.price for voter in _others(source, jury)]
    return price / fmean(others) - 1.0 if others else 0.0
