"""A histogram as Prometheus wants it: a value on a bound is within it."""

from bot.metrics.buckets import Buckets


def test_each_value_is_counted_below_every_bound_that_it_does_not_exceed() -> None:
    buckets = Buckets((0.5, 1.0, 10.0))
    for value in (0.1, 0.5, 0.6, 1.0, 3.0, 11.0):
        buckets.observe(value)
    assert buckets.cumulative == [("0.5", 2), ("1.0", 4), ("10.0", 5), ("+Inf", 6)]
    assert buckets.sum == 16.2 and buckets.count == 6


def test_bounds_are_written_as_the_library_writes_them() -> None:
    assert [name for name, _ in Buckets((0.001, 0.25, 1.0, 300.0)).cumulative] == [
        "0.001", "0.25", "1.0", "300.0", "+Inf"]
