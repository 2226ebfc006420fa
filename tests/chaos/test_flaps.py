"""An hour of a connection that comes and goes."""

import pytest

from tests.chaos.flaps import broken, flapped


@pytest.mark.parametrize("sources", [2, 3])
def test_an_hour_of_flapping_is_few_switches_and_no_stale_price(sources: int) -> None:
    """python -m tests.chaos --flaps runs the other rhythms."""
    assert not broken(flapped((25.0, 5.0, sources)))
