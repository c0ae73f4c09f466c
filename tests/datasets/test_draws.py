"""Random numbers: in their ranges, evenly, and short decimals."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from cvxtoken.datasets.draws import Digits, Even, Stream, priors, scaled
from cvxtoken.datasets.families import FAMILIES


def test_whole_numbers_are_even_and_reach_both_ends() -> None:
    found = Stream(1, "test", 0).integers(-3, 6, (100_000,))
    counts = np.bincount(found + 3)
    assert len(counts) == 10
    chi_square = ((counts - 10_000) ** 2 / 10_000).sum()
    assert chi_square < 50  # of nine degrees of freedom: by chance alone in 1e-7 of seeds; the seed is fixed


def test_ends_may_differ() -> None:
    high = np.array([0, 1, 2**31 - 2])
    found = Stream(1, "test", 0).integers(0, high, (10_000, 3))
    assert (found >= 0).all()
    assert (found <= high).all()
    assert found[:, 2].max() > 2**31 - 2**20


def test_the_numbers_are_decimals_of_few_digits() -> None:
    stream = Stream(2, "test", 0)
    for kind, digits in ((Even(0, 999, 1000), 3), (Digits(-9, 3), 3)):
        for value in kind.draw(stream, (300,)).tolist():
            assert len(Decimal(repr(value)).normalize().as_tuple().digits) <= digits
    digits, powers = np.array([123, 999, 100]), np.array([-22, 19, 0])
    assert scaled(digits, powers).tolist() == [123e-22, 999e19, 100.0]


def test_priors_are_millionths_of_which_none_is_left() -> None:
    parts = priors(Stream(3, "test", 0), (1000, 7))
    assert (parts.sum(axis=1) == 1_000_000).all()
    assert parts.min() > 1e6 * 200 / 6200 - 1


@pytest.mark.parametrize("name", FAMILIES)
def test_loads_are_those_that_the_card_states(name: str) -> None:
    drawn = FAMILIES[name].draw(Stream(0, name, 0), 2000, 4, 2000)
    share = np.array([server.overhead_share for server in drawn.servers])[drawn.which]
    load = drawn.arrival_rate * share * (drawn.prior * drawn.overhead).sum(axis=1)
    if name == "loaded":
        assert 1e-8 < (1 - load).min() < 1.1e-6
        assert 0.05 < (1 - load).max() < 0.1
    else:
        assert 0.049 < load.min() < 0.06
        assert 0.89 < load.max() < 0.901
    assert len(drawn) == 2000
    assert set(np.unique(drawn.which)) == set(range(len(FAMILIES[name].servers)))
