"""Which source is active: each rule of the policy; random markets are in test_judge_random."""

import pytest
from msgspec.structs import replace

from bot.judging.fitness import Policy, SourceView, unfit
from bot.judging.judge import (
    JUST_CONNECTED, LOOK_OUT_S, START_GRACE_S, Standing, judge, next_due_s,
)

POLICY = Policy(primary="binance", failover=True, max_latency_s=5.0, failback_after_s=10.0)
FIXED = Policy(primary="binance", failover=False, max_latency_s=5.0, failback_after_s=10.0)


def view(source: str, *, since: float | None = 0.5, age: float | None = 0.1,
         latency: float | None = 0.08, silent: float | None = None,
         detail: str = "refused") -> SourceView:
    return SourceView(source=source, connected_since=since, age_s=age, silent_s=silent or age,
                      latency_s=latency,
                      detail=detail)


def fit(source: str, since: float = 0.5) -> SourceView:
    return view(source, since=since)


def down(source: str) -> SourceView:
    return view(source, since=None, age=None, latency=None)


def stale(source: str) -> SourceView:
    return view(source, age=5.1)


def silent(source: str) -> SourceView:
    return view(source, age=None)


class Run:
    """Judges one moment after another, each from the standing before it."""

    def __init__(self, policy: Policy = POLICY, now: float = 1000.0) -> None:
        self.policy, self.now, self.standing = policy, now, Standing()

    def after(self, seconds: float, *views: SourceView) -> str | None:
        self.now += seconds
        self.standing = judge(self.standing, views, self.policy, self.now)
        return self.standing.active


@pytest.mark.parametrize("seen, fault", [
    (fit("okx"), None),
    (view("okx", latency=None), None),
    (view("okx", latency=0.0), None),
    (view("okx", age=0.0), None),
    (view("okx", age=5.0, latency=5.0), None),
    (view("okx", age=5.001), "no data for 5001 ms"),
    (view("okx", age=5.001, silent=0.1), "data come 5001 ms late"),
    (replace(view("okx", age=5.001), heard_s=0.1), "nothing but repetitions for 5001 ms"),
    (replace(view("okx", age=5.001, silent=4.999), heard_s=4.999), "no data for 5001 ms"),
    (view("okx", latency=5.001), "latency 5001 ms"),
    (view("okx", age=None), "connected, but no data yet"),
    (view("okx", since=None, detail="HTTP 451"), "not connected: HTTP 451"),
])
def test_fit_means_connected_fresh_and_quick(seen: SourceView, fault: str | None) -> None:
    """K3: without any data is unfit. K6: latency counts. K11: zero is a value like any other."""
    assert unfit(seen, POLICY) == fault


@pytest.mark.parametrize("unable", [down, stale, silent])
def test_nothing_is_active_before_a_source_is_fit(unable: object) -> None:
    assert callable(unable)
    assert Run().after(0, unable("binance"), unable("okx")) is None


@pytest.mark.parametrize("views, chosen", [
    ((fit("binance"), fit("okx")), "binance"),
    ((fit("okx"), fit("binance")), "binance"),
    ((down("binance"), fit("okx")), "okx"),
    ((silent("binance"), fit("okx")), "okx"),
    ((down("binance"), fit("okx"), fit("third")), "okx"),
    ((down("binance"), fit("third"), fit("okx")), "third"),
])
def test_first_choice_is_the_primary_then_the_order_given(
    views: tuple[SourceView, ...], chosen: str
) -> None:
    run = Run()
    assert run.after(0, *views) == chosen
    assert run.standing.reason == "first fresh data"


@pytest.mark.parametrize("lost, reason", [
    (down("binance"), "not connected: refused"),
    (view("binance", age=5.012), "no data for 5012 ms"),
    (view("binance", latency=5.5), "latency 5500 ms"),
    (silent("binance"), "connected, but no data yet"),
])
def test_unfit_active_source_is_left_at_once_with_its_fault_as_the_reason(
    lost: SourceView, reason: str
) -> None:
    run = Run()
    run.after(0, fit("binance"), fit("okx"))
    assert run.after(0.1, lost, fit("okx")) == "okx"
    assert (run.standing.reason, run.standing.in_place_of) == (reason, "binance")


def test_the_source_that_was_left_is_named_as_long_as_the_reason_is_of_it() -> None:
    run, told = Run(), []
    for seconds, primary, other in [
        (0, fit("binance"), fit("okx")), (100, down("binance"), fit("okx")),
        (1, fit("binance"), fit("okx")), (10, fit("binance"), fit("okx")),
        (1, down("binance"), down("okx")), (1, fit("binance"), fit("okx")),
    ]:
        run.after(seconds, primary, other)
        told.append((run.standing.active, run.standing.in_place_of))
    assert told == [("binance", None), ("okx", "binance"), ("okx", "binance"), ("binance", None),
                    (None, None), ("binance", None)]


@pytest.mark.parametrize("successor", [down("okx"), stale("okx"), silent("okx")])
def test_successor_must_be_fresh_itself(successor: SourceView) -> None:
    """K4: the candidate is checked for freshness. K14: nobody goes on pointing at the dead one."""
    run = Run()
    run.after(0, fit("binance"), fit("okx"))
    assert run.after(5, stale("binance"), successor) is None
    assert run.standing.reason.startswith("binance: no data for 5100 ms; okx: ")
    assert run.standing.last == "binance"


def test_two_stale_sources_never_swap() -> None:
    """K4: the earlier implementation swapped them every ten seconds, an alert each."""
    run = Run()
    run.after(0, fit("binance"), fit("okx"))
    assert {run.after(1, stale("binance"), stale("okx")) for _ in range(100)} == {None}


def test_first_fit_source_is_taken_when_there_was_none() -> None:
    run = Run()
    run.after(0, fit("binance"), fit("okx"))
    run.after(5, stale("binance"), stale("okx"))
    assert run.after(1, stale("binance"), fit("okx")) == "okx"
    assert run.standing.reason == "fresh again"


def test_returns_to_the_primary_only_after_unbroken_fitness() -> None:
    """K5: no instant fail-back, and none on the mere event of a connection."""
    run = Run()
    run.after(0, fit("binance"), fit("okx"))
    run.after(100, down("binance"), fit("okx"))
    assert run.after(1, fit("binance"), fit("okx")) == "okx"
    assert run.after(9.9, fit("binance"), fit("okx")) == "okx"
    assert run.after(0.1, fit("binance"), fit("okx")) == "binance"
    assert run.standing.reason == "primary fit for 10.0 s"


@pytest.mark.parametrize("breaks", [down("binance"), stale("binance"), silent("binance")])
def test_a_break_of_the_primary_starts_its_time_anew(breaks: SourceView) -> None:
    run = Run()
    run.after(0, fit("binance"), fit("okx"))
    run.after(100, down("binance"), fit("okx"))
    run.after(1, fit("binance"), fit("okx"))
    run.after(9, breaks, fit("okx"))
    run.after(1, fit("binance"), fit("okx"))
    assert run.after(9.9, fit("binance"), fit("okx")) == "okx"
    assert run.after(0.1, fit("binance"), fit("okx")) == "binance"


def test_reconnect_between_two_judgements_is_a_break_too() -> None:
    run = Run()
    run.after(0, fit("binance"), fit("okx"))
    run.after(100, down("binance"), fit("okx"))
    run.after(1, fit("binance"), fit("okx"))
    reconnected = run.now + 9
    assert run.after(10, fit("binance", since=reconnected), fit("okx")) == "okx"
    assert run.after(9, fit("binance", since=reconnected), fit("okx")) == "binance"


def test_connection_made_at_zero_of_the_clock_is_as_good_as_any() -> None:
    """K11: zero is a value like any other."""
    run = Run(now=-1.0)
    run.after(0, down("binance"), fit("okx"))
    for _ in range(12):
        active = run.after(1, fit("binance", since=0.0), fit("okx"))
    assert active == "binance"


def test_primary_is_served_again_also_after_a_stale_failover() -> None:
    """K5: after a stale failover the earlier implementation never restored it."""
    run = Run()
    run.after(0, fit("binance"), fit("okx"))
    assert run.after(100, stale("binance"), fit("okx")) == "okx"
    run.after(1, fit("binance"), fit("okx"))
    assert run.after(10, fit("binance"), fit("okx")) == "binance"


def test_flapping_primary_does_not_flap_the_feed() -> None:
    """K5: it is up for nine seconds and down for one, for ever."""
    run = Run()
    run.after(0, fit("binance"), fit("okx"))
    run.after(100, down("binance"), fit("okx"))
    for _ in range(20):
        assert run.after(1, fit("binance"), fit("okx")) == "okx"
        assert run.after(8.9, fit("binance"), fit("okx")) == "okx"
        assert run.after(0.1, down("binance"), fit("okx")) == "okx"


def test_primary_that_comes_back_connected_and_silent_is_not_taken() -> None:
    """K2 and K3 together froze the feed while it was called healthy."""
    run = Run()
    run.after(0, down("binance"), fit("okx"))
    for _ in range(100):
        assert run.after(1, silent("binance"), fit("okx")) == "okx"


def test_better_placed_source_is_not_taken_while_the_active_one_is_fit() -> None:
    run = Run()
    run.after(0, down("binance"), down("okx"), fit("third"))
    assert run.after(60, down("binance"), fit("okx"), fit("third")) == "third"


def test_primary_that_connected_a_little_later_takes_over_at_the_start() -> None:
    run = Run()
    run.after(0, down("binance"), fit("okx"))
    assert run.after(START_GRACE_S - 0.1, fit("binance"), fit("okx")) == "binance"
    assert run.standing.reason == JUST_CONNECTED


def test_primary_that_is_later_than_the_grace_waits_like_any_return() -> None:
    run = Run()
    run.after(0, down("binance"), fit("okx"))
    assert run.after(START_GRACE_S + 0.1, fit("binance"), fit("okx")) == "okx"


def test_primary_lost_within_the_grace_of_the_start_waits_before_it_returns() -> None:
    """K5: the grace is for a primary that connects late, not for one that flaps."""
    run = Run()
    run.after(0, fit("binance"), fit("okx"))
    assert run.after(0.2, down("binance"), fit("okx")) == "okx"
    assert run.after(0.2, fit("binance"), fit("okx")) == "okx"


@pytest.mark.parametrize("other", [fit("okx"), down("okx")])
@pytest.mark.parametrize("primary, reason", [
    (fit("binance"), "failover is disabled"),
    (down("binance"), "not connected: refused"),
    (stale("binance"), "no data for 5100 ms"),
])
def test_without_failover_the_active_source_never_changes(
    primary: SourceView, reason: str, other: SourceView
) -> None:
    """D114."""
    run = Run(FIXED)
    assert run.after(0, primary, other) == "binance"
    assert run.after(60, primary, other) == "binance"
    assert run.standing.reason == reason


def test_judging_is_pure() -> None:
    before = Standing(active="okx", fit_since={"okx": 5.0}, grace_until=6.0)
    views = (fit("binance"), fit("okx"))
    assert judge(before, views, POLICY, 20.0) == judge(before, views, POLICY, 20.0)
    assert before == Standing(active="okx", fit_since={"okx": 5.0}, grace_until=6.0)


@pytest.mark.parametrize("views, elapsed, due", [
    ((fit("binance"), fit("okx")), 0.0, 4.9),
    ((view("binance", age=4.0), fit("okx")), 0.0, 1.0),
    ((stale("binance"), view("okx", age=2.0)), 0.0, 3.0),
])
def test_the_next_judgement_is_due_when_a_fit_source_would_fall_silent(
    views: tuple[SourceView, ...], elapsed: float, due: float
) -> None:
    run = Run()
    run.after(elapsed, *views)
    assert next_due_s(run.standing, views, POLICY, run.now) == pytest.approx(due)


def test_the_next_judgement_is_due_when_the_primary_may_return() -> None:
    run = Run()
    run.after(0, down("binance"), fit("okx"))
    back = fit("binance", since=run.now + 5.0), fit("okx")
    run.after(5.0, *back)
    run.after(8.0, *back)
    assert run.standing.active == "okx"
    assert next_due_s(run.standing, back, POLICY, run.now) == pytest.approx(2.0)


def test_without_an_active_source_one_is_looked_out_for_all_the_time() -> None:
    run = Run()
    run.after(0, down("binance"), down("okx"))
    assert next_due_s(run.standing, (), POLICY, run.now) == LOOK_OUT_S
