"""What can be seen of a point of a CVXPY problem."""

from __future__ import annotations

from typing import Any

import cvxpy as cp
import numpy as np
import pytest

from cvxtoken.suite.points import missing_values, worst_violation

X = cp.Variable(3, name="x")
LIMITED = cp.Variable(2, bounds=[0, 2], name="limited")
MATRIX = cp.Variable((2, 2), PSD=True, name="matrix")
NEGATIVE = cp.Variable(nonpos=True, name="negative")


@pytest.mark.parametrize(
    ("variable", "constraints", "value", "violation", "what"),
    [
        (X, [X <= 1], [1, 4, 1], 3 / 5, "constraints[0]"),
        (X, [cp.norm(X) <= 2, cp.sum(X) == 3], [1, 1, 2], 1 / 5, "constraints[1]"),
        (X, [cp.SOC(X[0], X[1:])], [1, 3, 4], np.sqrt(8) / 5, "constraints[0]"),
        (X, [cp.ExpCone(X[0], X[1], X[2])], [0, 1, 0.5], 0.5 / 2, "constraints[0]"),
        (X, [cp.ExpCone(X[0], X[1], X[2])], [0, 1, 1], 0, ""),
        (X, [cp.log(X[0]) >= -1], [-1, 0, 0], 1 / 2, "the domain"),
        (LIMITED, [], [-1, 1], 1 / 2, "the sign or bounds of limited"),
        (LIMITED, [], [1, 5], 3 / 6, "the sign or bounds of limited"),
        (MATRIX, [], [[1, 2], [2, 1]], 1 / 3, "the domain"),
        (MATRIX, [], [[1, 1], [1, 1]], 0, ""),
        (NEGATIVE, [], 1, 1 / 2, "the sign or bounds of negative"),
    ],
)
def test_violations(variable: Any, constraints: list[Any], value: Any, violation: float, what: str) -> None:
    variable.save_value(np.array(value, dtype=float))
    found, named = worst_violation(cp.Problem(cp.Minimize(cp.sum(variable)), constraints))
    assert found == pytest.approx(violation, rel=1e-6, abs=1e-12)
    if violation:
        assert named.startswith(what)


def test_missing_values() -> None:
    X.save_value(None)
    NEGATIVE.save_value(np.array(np.inf))
    problem = cp.Problem(cp.Minimize(cp.sum(X) + NEGATIVE))
    assert sorted(missing_values(problem)) == ["negative", "x"]
