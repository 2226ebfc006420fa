"""Which sources are to be believed, and which is active: pure functions, no clock, no state.

`judge` takes what was remembered of a symbol and what is seen now, and gives the next standing.
In four steps:

1. `fault` (fitness.py): a source is fit while it is connected, has brought the symbol on this
   connection, is not silent, frozen or late beyond the limit, and answers pings within it.
2. `jury` (trial.py): the fit ones state an interval each, REST answers speak along, and the
   largest group that agrees outvotes the others, or does not (agreement.py).
3. `tried`: who was outvoted FALL times in a row is put away, for longer each time, and let back
   once his time is over and he has agreed RISE times in a row.
4. `_choose`: an active source that is unfit or put away is left at once for a fit one, and for none
   when there is none. The primary comes back only after a time of unbroken fitness, which grows
   when it has been left again and again. Nothing else changes who is active, and a dispute that
   nobody can decide changes nothing. Two unfit sources therefore never swap.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

import msgspec

from bot.judging.agreement import Agreement, learn
from bot.judging.fitness import Fault, Policy, SourceView, fault
from bot.judging.trial import VOTE_S, Habits, Jury, Trial, Trials, is_away, jury, tried
from bot.model import Opinion

# While nothing but the start has happened, the primary may take over from a source that was only
# quicker to connect, without the wait that a return needs.
START_GRACE_S = 1.0
LOOK_OUT_S = 0.1  # between two looks for a source while there is none
LIVELY_SHARE = 0.4  # of the limit: a successor that has been silent for longer is the last choice
JUST_CONNECTED = "primary has just connected"

LOSSES_REMEMBERED_S = 3600.0
FREE_LOSSES = 2  # within that time; from the next one on the primary waits longer before it returns
FLAP_S, LONGEST_FLAP_S = 300.0, 3600.0


class Standing(msgspec.Struct, frozen=True):
    """The judgement for one symbol, and what the next one needs to remember.

    reason: why `active` is what it is; in_place_of: the source that was left for it, where `reason`
    is of that one. fit_since: monotonic s, only of sources that are fit now.
    grace_until: monotonic s up to which the primary may take over from the first one chosen; None
    before any was. last: the source that was active last. losses: monotonic s of the times at which
    the primary was left for a fault. faults: of the sources that are not fit. next_vote: monotonic
    s.
    """

    active: str | None = None
    reason: str = "no source has been fit yet"
    fit_since: Mapping[str, float] = {}
    grace_until: float | None = None
    last: str | None = None
    losses: tuple[float, ...] = ()
    faults: Mapping[str, Fault] = {}
    trials: Trials = {}
    habits: Habits = {}
    agreement: Agreement = Agreement()
    next_vote: float = float("-inf")
    in_place_of: str | None = None


def heard(
    before: Standing, views: Sequence[SourceView], policy: Policy, now: float,
    opinions: Sequence[Opinion] = (),
) -> tuple[dict[str, Fault], Jury]:
    """The first two steps: who is unfit, alone or put away, and how those with a vote agree."""
    faults = {view.source: found for view in views if (found := fault(view, policy))}
    fit = {view.source for view in views if view.source not in faults}
    verdict = jury(views, fit, opinions, before.trials, before.habits, now)
    return _away(faults, before.trials), verdict


def judge(
    before: Standing, views: Sequence[SourceView], policy: Policy, now: float,
    opinions: Sequence[Opinion] = (),
) -> Standing:
    """The next standing. `views` in the order in which sources are preferred after the primary."""
    faults, verdict = heard(before, views, policy, now, opinions)
    trials, habits, next_vote = before.trials, before.habits, before.next_vote
    if now >= next_vote:
        next_vote = now + VOTE_S
        trials = {view.source: tried(trials.get(view.source) or Trial(), view,
                                     fault(view, policy) is None, verdict, habits, now)
                  for view in views}
        if verdict.agreement.majority:
            habits = learn(habits, [voter for voter in verdict.members()
                                    if voter.who == voter.venue])
        faults = _away({source: found for source, found in faults.items()
                        if found.rule != "disagreement"}, trials)
    since = {view.source: max(before.fit_since.get(view.source, now), view.connected_since)
             for view in views
             if view.source not in faults and view.connected_since is not None}
    lively = {view.source for view in views
              if view.age_s is not None and view.age_s < LIVELY_SHARE * policy.max_latency_s}
    active, reason = _choose(before, faults, since, lively, verdict.agreement, policy, now)
    losses = tuple(at for at in before.losses if now - at < LOSSES_REMEMBERED_S)
    if before.active == policy.primary and policy.primary in faults and policy.failover:
        losses += (now,)
    grace_until = before.grace_until
    if grace_until is None and active in since:
        grace_until = now + START_GRACE_S
    if active == policy.primary and active in since:
        grace_until = now
    in_place_of = before.in_place_of
    if active != before.active:  # one that was fit is left for nothing of its own
        in_place_of = before.active if active and before.active in faults else None
    return Standing(active, reason, since, grace_until, active or before.active or before.last,
                    losses, faults, trials, habits, verdict.agreement, next_vote, in_place_of)


def failback_wait_s(standing: Standing, policy: Policy) -> float:
    """How long the primary must have been fit before it returns: longer when it flaps."""
    beyond = len(standing.losses) - FREE_LOSSES
    if beyond <= 0:
        return policy.failback_after_s
    return max(policy.failback_after_s, min(LONGEST_FLAP_S, FLAP_S * 2.0 ** (beyond - 1)))


def next_due_s(
    standing: Standing, views: Sequence[SourceView], policy: Policy, now: float
) -> float:
    """Seconds until a judgement of the same facts could differ: silence, or a return, is due."""
    if standing.active is None:
        return LOOK_OUT_S
    dues = [policy.max_latency_s - view.age_s for view in views
            if view.source in standing.fit_since and view.age_s is not None]
    if standing.active != policy.primary and policy.primary in standing.fit_since:
        dues.append(standing.fit_since[policy.primary] + failback_wait_s(standing, policy) - now)
    return max(0.0, min(dues, default=LOOK_OUT_S))


def _away(faults: Mapping[str, Fault], trials: Trials) -> dict[str, Fault]:
    """With those who are put away."""
    away = {source: Fault("disagreement", trial.words) for source, trial in trials.items()
            if is_away(trials, source)}
    return away | dict(faults)


def _choose(
    before: Standing,
    faults: Mapping[str, Fault],
    since: Mapping[str, float],
    lively: AbstractSet[str],
    agreement: Agreement,
    policy: Policy,
    now: float,
) -> tuple[str | None, str]:
    if not policy.failover:
        found = faults.get(policy.primary)
        return policy.primary, found.words if found else "failover is disabled"
    # who is outvoted at this moment is no successor, although not yet put away
    wrong = agreement.outside if agreement.majority else ()
    fit = sorted((source for source in since if source not in wrong),  # stable: in given order
                 key=lambda source: (source not in lively, source != policy.primary))
    if before.active in since:
        if policy.primary in fit and before.active != policy.primary:
            waited = now - since[policy.primary]
            if waited >= failback_wait_s(before, policy) and not agreement.disputed:
                return policy.primary, f"primary fit for {waited:.1f} s"
            if before.grace_until is not None and now < before.grace_until:
                return policy.primary, JUST_CONNECTED
        return before.active, before.reason
    if before.active is None:
        if fit:
            return fit[0], "first fresh data" if before.grace_until is None else "fresh again"
        return None, _all(faults)
    if fit:
        return fit[0], faults[before.active].words
    return None, _all(faults)


def _all(faults: Mapping[str, Fault]) -> str:
    return ("; ".join(f"{source}: {found.words}" for source, found in faults.items())
            or "the sources that are fit are outvoted")
