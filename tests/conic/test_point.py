"""The proven point of a problem: feasible, by the problem's own variables, and only of that problem."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pytest

from cvxtoken import ProblemError, certify_problem, proven_point


def test_a_maximum_is_reached_at_the_point() -> None:
    """Of every kind of variable; the optimum is by hand: x = 2, y = x^2, S = [[1/2, 1/2], [1/2, 1/2]]."""
    x, y = cp.Variable(nonneg=True), cp.Variable((2, 1))
    S = cp.Variable((2, 2), PSD=True)
    known = [y[0] >= cp.square(x), y[1] == 7, cp.trace(S) <= 1]
    problem = cp.Problem(cp.Maximize(4 * x - y[0, 0] + S[0, 1]), known)
    certificate = certify_problem(problem)
    point = proven_point(problem, certificate)
    assert problem.value is None, "nothing of the problem is changed"
    # J is flat at the optimum: its proven 30 digits are some 15 of the point
    assert point[x] == pytest.approx(2, abs=1e-6)
    np.testing.assert_allclose(point[y], [[4], [7]], atol=1e-5)
    np.testing.assert_allclose(point[S], np.full((2, 2), 0.5), atol=1e-6)
    value = 4 * point[x] - point[y][0, 0] + point[S][0, 1]
    assert value == pytest.approx(float(certificate.lower), abs=1e-12)


def test_a_geometric_program_has_positive_values() -> None:
    a, b = cp.Variable(pos=True), cp.Variable(pos=True)
    problem = cp.Problem(cp.Maximize(a * b), [a + 2 * b <= 4])
    point = proven_point(problem, certify_problem(problem))
    assert [point[a], point[b]] == pytest.approx([2, 1], abs=1e-6)


def test_what_has_no_point_or_another_problem() -> None:
    x = cp.Variable()
    one = cp.Problem(cp.Minimize(x), [x >= 1])
    certificate = certify_problem(one)
    with pytest.raises(ProblemError, match="of another problem"):
        proven_point(cp.Problem(cp.Minimize(x), [x >= 2]), certificate)
    none = cp.Problem(cp.Minimize(x), [x >= 1, x <= 0])
    with pytest.raises(ProblemError, match=r"\(infeasible\) holds no feasible point"):
        proven_point(none, certify_problem(none))
