"""Residuals are 0 at the optimum, and distances those of the cones' definitions."""

from __future__ import annotations

import numpy as np
import pytest

import cvxtoken
from cvxtoken.allocation.program.cones import cone_program
from cvxtoken.conic.program import EXPONENTIAL, NONNEGATIVE, SECOND_ORDER
from cvxtoken.conic.residuals import dual_residual, gap, outside, primal_residual
from tests.support.cones import solved

EXP = ((EXPONENTIAL, 3),)


def points(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A point of the exponential cone's border, and one of its dual's."""
    r, v = np.random.default_rng(seed).normal(size=(2, 200)) * 3
    s, u = np.random.default_rng(seed + 1).uniform(0.1, 5, size=(2, 200))
    return np.array([r, s, s * np.exp(r / s)]).T, np.array([-u, v, u * np.exp(-v / u - 1)]).T


def test_points_of_the_exponential_cone_and_of_its_dual_are_inside() -> None:
    for x, z in zip(*points(1), strict=True):
        assert outside(x, EXP) <= 1e-12 * (1 + np.abs(x).max())
        assert outside(z, EXP, dual=True) <= 1e-12 * (1 + np.abs(z).max())
        assert (
            outside(np.add(x, [-0.1, 0, 0.1]), EXP) == outside(np.add(z, [0, 0.1, 0.1]), EXP, dual=True) == 0
        )
        assert 0 < outside(np.add(x, [0.1, 0, 0]), EXP) <= 0.1 + 1e-12
        assert 0 < outside(z - [0, 0, 0.1], EXP, dual=True) <= 0.1 + 1e-12
    x, z = points(2)
    assert (x @ z.T).min() >= -1e-9, "the two cones are dual to each other"


@pytest.mark.parametrize(
    ("point", "dual", "expected"),
    [
        ((-1.0, 0.0, 2.0), False, 0.0),  # limits of the cones
        ((0.0, 1.0, 2.0), True, 0.0),
        ((1.0, 0.0, 2.0), False, 1.0),
        ((-1.0, -3.0, 2.0), False, 3.0),
        ((2.0, 1.0, 2.0), True, 2.0),
        ((0.0, -1.0, 2.0), True, 1.0),
        ((-1e-9, -1.0, 2.0), True, 1.0),
        ((-1e-9, 1.0, 0.0), True, 0.0),
        ((1000.0, 1.0, 1.0), False, 1000.0),
    ],
)
def test_edges_of_the_exponential_cones(point: tuple[float, ...], dual: bool, expected: float) -> None:
    assert outside(np.array(point), EXP, dual) == pytest.approx(expected, abs=1e-7)


def test_other_cones_are_their_own_duals_and_the_worst_part_counts() -> None:
    cones = ((NONNEGATIVE, 2), (SECOND_ORDER, 3), *EXP)
    good = np.array([0, 1, 5, 3, 4, 0, 1, 1])
    assert outside(good, cones) == 0
    assert outside(good - [0.5, 0, 0, 0, 0, 0, 0, 0], cones) == 0.5
    assert outside(good - [0.5, 0, 2, 0, 0, 0, 0, 0], cones, dual=False) == 2
    assert outside(np.array([0.0, -1.0]), ((NONNEGATIVE, 2),), dual=True) == 1


def test_an_optimum_obeys_the_conditions_and_another_point_does_not() -> None:
    (instance,) = cvxtoken.instances("workloads/qwen3-8b-0.1-30")
    program = cone_program(instance.workload).program
    v, z, _ = solved(program)
    assert max(primal_residual(program, v), dual_residual(program, z), gap(program, v, z)) < 1e-6
    other = cone_program(instance.workload.replace(accuracy_weight=31.0)).program
    assert dual_residual(other, z) > 1e-3
    assert primal_residual(program, v * 0.9) > 1e-3
    assert gap(program, v, z * 1.1) > 1e-3
