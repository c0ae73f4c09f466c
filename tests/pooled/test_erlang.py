"""Erlang's formula and g, in floats, fractions and intervals, against textbooks and against 90 digits."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from mpmath import mp, mpf

from cvxtoken.pooled.bounds import line_above
from cvxtoken.pooled.erlang import erlang_c, slope, spare, spares
from cvxtoken.precision import SQUARED
from cvxtoken.rigorous import Rounding
from tests.pooled.instances import random_problem
from tests.support import pooled_truth
from tests.support.thorough import some
from tests.support.truth import exact

SERVERS = (1, 2, 3, 4, 8, 16, 100)


@pytest.mark.parametrize("servers", SERVERS)
def test_it_is_the_formula_of_textbooks(servers: int) -> None:
    for share in (1e-3, 0.1, 0.5, 0.9, 0.999):
        a = share * servers
        true = pooled_truth.spare(servers, exact(a))
        assert erlang_c(servers, a) == pytest.approx(
            float(pooled_truth.erlang_c(servers, exact(a))), rel=1e-11
        )
        assert float(spares(servers, a)) == pytest.approx(float(true), rel=1e-11)
        enclosure = spare(servers, Rounding(SQUARED).exact(a), Rounding(SQUARED).exact)
        assert exact(enclosure.low) <= true * (1 + mpf(10) ** -80)
        assert exact(enclosure.high) >= true * (1 - mpf(10) ** -80)
        assert exact(enclosure.high) - exact(enclosure.low) <= true * mpf(10) ** -44
        derivative = mp.diff(lambda x: pooled_truth.spare(servers, x), exact(a))
        assert slope(servers, a) == pytest.approx(float(derivative), rel=1e-10)


def test_known_values() -> None:
    assert spare(1, Fraction(1, 3), Fraction) == Fraction(2, 3)
    assert spare(1, Fraction(0), Fraction) == 1
    for a in (Fraction(1, 7), Fraction(1), Fraction(19, 10)):  # C(2, a) = a^2 / (2 + a)
        assert spare(2, a, Fraction) == a * (2 - a) * (2 + a) / a**2
    assert (erlang_c(4, 0.0), erlang_c(4, 4.0), erlang_c(4, 5.0)) == (0, 1, 1)
    assert spares(4, np.array([0.0, 4.0, 7.0])).tolist() == [math.inf, 0, 0]
    assert spares(1000, 1.0) == math.inf, "beyond doubles, and not NaN"


@pytest.mark.parametrize("servers", SERVERS[1:])
def test_g_decreases_and_is_convex(servers: int) -> None:
    """At fractions, exactly."""
    grid = [Fraction(servers * k, 40) for k in range(1, 41)]
    g = [spare(servers, a, Fraction) for a in grid]
    steps = [b - a for a, b in itertools.pairwise(g)]
    assert g[-1] == 0
    assert max(steps) < 0
    assert all(after > before for before, after in itertools.pairwise(steps))


@pytest.mark.parametrize("seed", some(range(10), 3))
def test_lines_are_above_g_and_near_its_chord(seed: int) -> None:
    problem = random_problem(seed)
    R, rng = problem.servers, np.random.default_rng(seed)
    for _ in range(20):
        left, right = sorted(R * rng.uniform(0.02, 1, 2))
        line = line_above(problem, left, right)
        for share in (0, 0.3, 1):
            a = exact(left) + (exact(right) - exact(left)) * exact(share)
            h, g = exact(line.u) - exact(line.s) * a, pooled_truth.spare(R, a)
            assert h >= g
            assert share == 0.3 or h <= g * (1 + mpf(10) ** -15)
