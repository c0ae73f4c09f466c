"""Newton's step in balls and in doubles, on one program with every cone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from flint import arb
from scipy import sparse

from cvxtoken.conic.program import (
    EXPONENTIAL,
    NONNEGATIVE,
    POWER,
    SECOND_ORDER,
    SEMIDEFINITE,
    ZERO,
    ConeProgram,
)
from cvxtoken.conic.search.equations import Equations, Point, moved
from cvxtoken.conic.search.exact import precision
from cvxtoken.conic.search.steps import ball_step, double_step

CONES = (
    (ZERO, 1),
    (NONNEGATIVE, 2),
    (SECOND_ORDER, 3),
    (EXPONENTIAL, 3),
    (POWER, 3),
    (SEMIDEFINITE, 3),
)


def path() -> tuple[Equations, Point]:
    """A program of 5 unknowns and a point inside its cones."""
    rng = np.random.default_rng(11)
    A = rng.integers(-4, 5, (15, 5)) / 4
    s, z = np.zeros(15), np.zeros(15)
    empty = ConeProgram(sparse.csc_array(A), s, np.zeros(5), 0.0, CONES, exponents=(0.3,))
    for cone in Equations(empty).cones:
        s[cone.rows], z[cone.rows] = cone.centre(False), cone.centre(True)
    x = rng.integers(-4, 5, 5) / 8  # with s it is feasible, and so is z
    made = Equations(replace(empty, b=A @ x + s, q=-A.T @ z))
    return made, made.start(np.zeros(5), 1.5 * s, 0.7 * z)


def parts(point: Point) -> list[float]:
    return [float(a) for v in (point.x, point.s, point.z, *point.w) for a in v]


def test_both_steps_are_the_same() -> None:
    equations, point = path()
    with precision(300):
        balls = ball_step(equations, point, arb("0.1"))
        doubles = double_step(equations, point, arb("0.1"))
    assert np.allclose(parts(balls), parts(doubles), rtol=1e-9, atol=1e-9)
    assert np.abs(parts(balls)).max() > 0.1


def test_a_step_solves_the_linear_equations_at_once() -> None:
    equations, point = path()
    assert max(abs(float(r)) for part in equations.residuals(point) for r in part) > 0.1
    with precision(300):
        after = moved(point, ball_step(equations, point, arb("0.1")))
        assert max(abs(float(r)) for part in equations.residuals(after) for r in part) < 1e-80


def test_steps_end_at_the_root() -> None:
    """Newton's method doubles the digits: from a point near the path to 1e-60 of mu."""
    equations, point = path()
    with precision(400):
        mu = equations.mu(point)
        errors = []
        for _ in range(12):
            step = ball_step(equations, point, mu)
            share = 1.0
            while not equations.inside(moved(point, step, share)):
                share *= 0.7
            point = moved(point, step, share)
            errors.append(equations.error(point, mu)[0])
    assert errors[-1] < 1e-60
    assert equations.inside(point)
