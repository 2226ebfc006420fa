"""Pauses between reconnects: exponential, full jitter, without a last attempt (K19)."""

from bot.backoff import BASE_S, CAP_S, Backoff


def highest(low: float, high: float) -> float:
    assert low == 0.0
    return high


def test_ceiling_doubles_from_the_base_to_the_cap() -> None:
    backoff = Backoff(uniform=highest)
    assert [backoff.next_s() for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert (BASE_S, CAP_S) == (1.0, 60.0)


def test_never_gives_up_and_never_passes_the_cap() -> None:
    backoff = Backoff(uniform=highest)
    assert max(backoff.next_s() for _ in range(5000)) == CAP_S


def test_reset_begins_again_at_the_base() -> None:
    backoff = Backoff(base_s=0.5, cap_s=4.0, uniform=highest)
    for _ in range(10):
        backoff.next_s()
    backoff.reset()
    assert backoff.next_s() == 0.5


def test_real_jitter_fills_the_whole_range() -> None:
    waits = []
    for _ in range(300):
        backoff = Backoff(base_s=10.0)
        waits.append(backoff.next_s())
    assert all(0.0 <= wait <= 10.0 for wait in waits)
    assert min(waits) < 3.0 and max(waits) > 7.0
