"""Why nothing is feasible.

each function checks the reason, by hand, and returns the value of an empty problem.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from mpmath import e, exp, ln, mpf, sqrt

from cvxtoken.library.cones import infeasible as data
from tests.library.truths import finance
from tests.library.truths.tools import nowhere, plog


def farkas() -> Any:
    """z = (1, 1, 3) >= 0: the left sides cancel, the right ones are 4 + 4 - 3 * 2 > 0."""
    rows, right, z = [[1, 2], [2, 1], [-1, -1]], [4, 4, -2], [1, 1, 3]
    assert all(sum(v * row[j] for v, row in zip(z, rows, strict=True)) == 0 for j in range(2))
    return nowhere(sum(v * b for v, b in zip(z, right, strict=True)) > 0)


def marriage() -> Any:
    """Three men have two jobs."""
    return nowhere(sum(any(data.CROWD[i][j] for i in range(3)) for j in range(4)) < 3)


def parity() -> Any:
    return -nowhere(2 * 1 != 3)


def unequal_supply() -> Any:
    return nowhere(3 + 3 != 2 + 2 + 3)


def disc_and_line() -> Any:
    return nowhere(3 * 3 + 4 * 4 < 6 * 6)


def disc_and_line_close_by() -> Any:
    return nowhere(Fraction(1 + 2**-30) > 1)


def three_discs() -> Any:
    """The least disc round the three points has the radius a b c / (4 area), as the triangle is acute."""
    a, b, c = 7, sqrt(mpf(45)), sqrt(mpf(52))
    assert max(a * a, 45, 52) * 2 < a * a + 45 + 52
    assert max(a, b, c) < 2 * mpf(3.625)  # each two meet
    return nowhere(a * b * c / (4 * mpf(21)) > mpf(3.625))


def too_little_risk() -> Any:
    assert data.FACTOR == finance.data.FACTOR
    return -nowhere(finance.least_risk() > 2)


def logarithm_above_its_line() -> Any:
    """ln x - x is greatest at 1."""
    return nowhere(ln(1) - 1 < 0)


def logarithm_just_above() -> Any:
    return nowhere(ln(1) - 1 + 1 - mpf(2) ** -20 < 0)


def tower() -> Any:
    return nowhere(exp(e) > 15)


def too_much_entropy() -> Any:
    return nowhere(ln(10) < 2.5)


def two_balls_of_information() -> Any:
    """The sum of the two divergences is least at (1/2, 1/2), where each is ln(4/3) / 2."""
    return -nowhere(ln(mpf(4) / 3) / 2 > 0.125)


def soft_maximum_too_low() -> Any:
    return nowhere(ln(4) > 1.375)


def loud_neighbours() -> Any:
    """(1, 1, 1) times the rules on p: 2 sum p - 2 sum p >= 3 is false."""
    G = data.GAINS
    gain = [G[j][j] - sum(G[i][j] for i in range(3) if i != j) for j in range(3)]
    return nowhere(max(gain) <= 0)


def arithmetic_and_geometric_mean() -> Any:
    return nowhere(2 * sqrt(mpf(1)) > 1)


def above_capacity() -> Any:
    return nowhere(3 * ln(2) / 4 < 0.625)


def unlikely() -> Any:
    p = mpf(3) / 8
    return -nowhere(-8 * (plog(p) + plog(1 - p)) > 5.25)


def impossible_moments() -> Any:
    return -nowhere(8 < 3 * 3)


def beyond_a_large_number() -> Any:
    return nowhere(exp(50) > mpf(5e21))


def rounding() -> Any:
    return nowhere(Fraction(0.1) + Fraction(0.2) != Fraction(0.3))


def exponential_below_zero() -> Any:
    return nowhere(holds=True)


def hyperbola_and_its_asymptote() -> Any:
    """x y = 0."""
    return nowhere(0 < 1)
