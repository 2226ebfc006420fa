"""The oracle has teeth: it notices each of the ways in which the product is broken here."""

import pytest

from tests.chaos.planted import PLANTS, caught


@pytest.mark.parametrize("name", PLANTS)
def test_a_product_that_is_broken_on_purpose_is_noticed(name: str) -> None:
    seed, words = caught(name)
    assert words, f"not within {seed} seeds"
