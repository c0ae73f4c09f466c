from __future__ import annotations

import numpy as np
import pytest

from cvxtoken.estimates import RESOLUTION, estimate, histogram, quantile
from cvxtoken.queueing import lindley_waits


def test_interval_is_student_s() -> None:
    found = estimate(np.array([1.0, 2.0, 3.0, 4.0]), predicted=2.0)
    half = 3.182446 * np.std([1, 2, 3, 4], ddof=1) / 2  # t quantile with 3 degrees of freedom, from a table
    assert found.value == 2.5
    assert found.low == pytest.approx(2.5 - half, rel=1e-6)
    assert found.high == pytest.approx(2.5 + half, rel=1e-6)
    assert found.predicted == 2.0


def test_replications_without_a_value_do_not_count() -> None:
    assert estimate(np.array([1.0, np.nan, 3.0])).value == 2.0
    assert np.isnan(estimate(np.array([1.0, np.nan])).low)


@pytest.mark.parametrize("unit", [1e-3, 1.0, 50.0])
def test_quantiles_are_right_to_the_resolution(unit: float) -> None:
    times = unit * np.random.default_rng(1).lognormal(0, 2, 100_000)
    counts = histogram(times, unit)
    assert counts.sum() == 100_000
    for share in (0.01, 0.5, 0.9, 0.99):
        assert quantile(counts, share, unit) == pytest.approx(np.quantile(times, share), rel=1.5 * RESOLUTION)


def test_zeros_are_counted_as_zero() -> None:
    counts = histogram(np.array([0.0, 0.0, 0.0, 5.0]), 1.0)
    assert quantile(counts, 0.5, 1.0) == 0
    assert quantile(counts, 0.99, 1.0) == pytest.approx(5, rel=RESOLUTION)
    extreme = histogram(np.array([1e-30, 1e30]), 1.0)
    assert extreme[0] == extreme[-1] == 1


@pytest.mark.parametrize("first", [0.0, 3.0])
def test_lindley_is_the_recursion(first: float) -> None:
    increments = np.random.default_rng(2).normal(-0.1, 1, 500)
    wait, expected = first, [first]
    for x in increments:
        wait = max(0.0, wait + x)
        expected.append(wait)
    np.testing.assert_allclose(lindley_waits(first, increments), expected, atol=1e-12)
