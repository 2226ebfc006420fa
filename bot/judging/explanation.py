"""Why a price is what it is: every leg that was looked at, and the rule that took or refused it."""

import msgspec

from bot.judging.judge import Standing
from bot.judging.resolution import Case, judged
from bot.judging.trial import against, statement
from bot.model import FeedHealth, Opinion


class LegVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """One voice of one exchange, at one moment.

    kind: stream | rest. low, high: the interval within which it holds the price to be, freed of
    its usual difference `basis_bps` from the others, with `noise_bps` around it. lag_ms: of its
    newest message, above what is usual; offset_ms: how far our clock is ahead of its stamps.
    held: a price that is doubted and so not the leg's. rule: that refused it, or `agrees`.
    back_in_ms: until it may be let back at the earliest; None while it is not put away.
    """

    source: str
    kind: str
    price: float | None
    bid: float | None = None
    ask: float | None = None
    age_ms: float | None = None
    lag_ms: float | None = None
    offset_ms: float | None = None
    low: float | None = None
    high: float | None = None
    basis_bps: float | None = None
    noise_bps: float | None = None
    held: float | None = None
    accepted: bool
    rule: str
    words: str
    back_in_ms: float | None = None


class Explanation(msgspec.Struct, frozen=True):
    """active, why: the active source and why it is, in words that name whom they are about where
    that is another one. members: who agree; majority: they outvote the
    others. legs: streams in the order of EXCHANGES, then REST opinions.
    """

    active: str | None
    why: str
    members: tuple[str, ...]
    outside: tuple[str, ...]
    majority: bool
    legs: tuple[LegVerdict, ...]


def explain(
    case: Case, healths: list[FeedHealth], opinions: list[Opinion], held: dict[str, float | None]
) -> Explanation:
    """held: by source, the price that its line doubts."""
    agreement = case.jury.agreement
    streams = [_stream(case, health, held.get(health.source)) for health in healths]
    return Explanation(
        case.standing.active, _why(case.standing), agreement.members, agreement.outside,
        agreement.majority, (*streams, *(_opinion(case, said) for said in opinions)))


def _why(standing: Standing) -> str:
    left = standing.in_place_of
    return f"in place of {left}: {standing.reason}" if left else standing.reason


def _stream(case: Case, health: FeedHealth, held: float | None) -> LegVerdict:
    source, view = health.source, case.views[health.source]
    said = statement(view, case.standing.habits, case.jury.sigma)
    habit = case.standing.habits.get(source)
    rule, words = _rule(case, source)
    return LegVerdict(
        source=source, kind="stream", price=view.price, bid=view.bid, ask=view.ask,
        age_ms=_ms(view.age_s), lag_ms=_ms(health.event_lag_s),
        offset_ms=_ms(health.clock_offset_s),
        low=said.low if said else None, high=said.high if said else None,
        basis_bps=habit.basis * 10_000 if habit else None,
        noise_bps=habit.noise * 10_000 if habit else None, held=held,
        accepted=rule in ("agrees", "alone"), rule=rule, words=words,
        back_in_ms=_back_in_ms(case, source))


def _back_in_ms(case: Case, source: str) -> float | None:
    trial = case.standing.trials.get(source)
    if trial is None or trial.until is None:
        return None
    return max(0.0, trial.until - case.now) * 1000


def _rule(case: Case, source: str) -> tuple[str, str]:
    found = case.faults.get(source)
    if found is not None:
        return found.rule, found.words
    status, words = judged(case, source)
    rules = {"trusted": "agrees", "degraded": "alone", "disputed": "disagreement"}
    return rules.get(status, status), words or "agrees with the others"


def _opinion(case: Case, said: Opinion) -> LegVerdict:
    who = f"{said.exchange} rest"
    voter = next((voter for voter in case.jury.voters if voter.who == who), None)
    age_ms = (case.now - said.asked_mono) * 1000
    agrees = who in case.jury.agreement.members
    words = "agrees with the others" if agrees else against(who, said.price, case.jury)
    if voter is None:
        words = "asked too long ago to count"
    return LegVerdict(
        source=said.exchange, kind="rest", price=said.price, bid=said.bid, ask=said.ask,
        age_ms=age_ms, low=voter.low if voter else None, high=voter.high if voter else None,
        accepted=agrees, words=words,
        rule="agrees" if agrees else "disagreement" if voter else "age")


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000
