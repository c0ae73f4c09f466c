from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp

from cvxtoken.rigorous import Interval, Rounding, double_above, double_below, exact_dot
from tests.support.truth import exact

numbers = st.decimals(min_value=-1000, max_value=1000, allow_nan=False, places=6)
positive = st.decimals(min_value="0.000001", max_value=1000, allow_nan=False, places=6)
digits = st.integers(min_value=2, max_value=12)


def interval(low: Decimal, width: Decimal, working: int) -> Interval:
    return Interval(low, low + abs(width), Rounding(working))


def holds(found: Interval, value: Fraction) -> bool:
    return Fraction(found.low) <= value <= Fraction(found.high)


@given(a=numbers, b=numbers, width=st.decimals(0, 3, places=3), share=st.fractions(0, 1), working=digits)
def test_sums_differences_and_products_are_enclosed(
    a: Decimal, b: Decimal, width: Decimal, share: Fraction, working: int
) -> None:
    x, y = interval(a, width, working), interval(b, width, working)
    inside = Fraction(a) + share * Fraction(width)
    other = Fraction(b) + (1 - share) * Fraction(width)
    assert holds(x + y, inside + other)
    assert holds(x - y, inside - other)
    assert holds(x * y, inside * other)
    assert holds(-x, -inside)


@given(a=numbers, b=positive, width=st.decimals(0, 3, places=3), share=st.fractions(0, 1), working=digits)
def test_quotients_are_enclosed(
    a: Decimal, b: Decimal, width: Decimal, share: Fraction, working: int
) -> None:
    x, y = interval(a, width, working), interval(b, width, working)
    inside = Fraction(a) + share * Fraction(width)
    other = Fraction(b) + (1 - share) * Fraction(width)
    assert holds(x / y, inside / other)


@given(value=st.fractions(), error=st.fractions(0, 1), share=st.fractions(-1, 1), working=digits)
def test_rational_numbers_are_enclosed(
    value: Fraction, error: Fraction, share: Fraction, working: int
) -> None:
    found = Rounding(working).holding(value, error)
    assert holds(found, value + share * error)
    assert Fraction(found.high) - Fraction(found.low) <= 2 * error + (abs(value) + 1) * 4 / Fraction(10) ** (
        working - 1
    )


@pytest.mark.parametrize("working", [2, 3, 4, 5, 20])
@pytest.mark.parametrize("width", ["0", "0.001", "0.5", "3"])
def test_exponential_and_logarithm_are_enclosed(working: int, width: str) -> None:
    """At few digits half of all roundings go the wrong way: without widening hundreds of these fail."""
    rng = np.random.default_rng(7)
    rounding = Rounding(working)
    for value in rng.uniform(-30, 5, 300):
        low = Decimal(f"{value:.6f}")
        high = low + Decimal(width)
        found = Interval(low, high, rounding).exp()
        assert exact(found.low) <= mp.exp(exact(low)) <= mp.exp(exact(high)) <= exact(found.high)
        low = Decimal(f"{np.exp(value):.20f}")
        high = low + Decimal(width)
        found = Interval(low, high, rounding).ln()
        assert exact(found.low) <= mp.log(exact(low)) <= mp.log(exact(high)) <= exact(found.high)


def test_intervals_are_tight() -> None:
    found = Rounding(30).exact(0.1).exp()
    assert found.high - found.low < Decimal("1e-28")
    assert (found.ln().high - found.ln().low) < Decimal("1e-27")


def test_extreme_exponents_end_quickly() -> None:
    tiny = Rounding(50).exact(-1e300).exp()
    assert tiny.low == 0 < tiny.high


def test_division_by_what_may_be_zero_is_refused() -> None:
    with pytest.raises(ZeroDivisionError):
        interval(Decimal(1), Decimal(0), 5) / interval(Decimal(-1), Decimal(1), 5)


@given(
    pairs=st.lists(
        st.tuples(*2 * [st.floats(allow_nan=False, allow_infinity=False)]), min_size=1, max_size=20
    )
)
def test_exact_dot_is_exact(pairs: list[tuple[float, float]]) -> None:
    a, b = np.array(pairs).T
    assert exact_dot(a, b) == sum(Fraction(x) * Fraction(y) for x, y in pairs)


def test_doubles_around_a_decimal() -> None:
    third = Decimal(1) / 3
    for number in (third, -third, Decimal("0.1"), Decimal(0), Decimal(2)):
        low, high = double_below(number), double_above(number)
        assert Decimal(low) <= number <= Decimal(high)
        assert high <= np.nextafter(low, np.inf)
    assert double_below(Decimal(2)) == double_above(Decimal(2)) == 2.0
