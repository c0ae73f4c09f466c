"""Workloads whose types may not think at all, where a command has nothing to choose."""

from __future__ import annotations

import pytest

import cvxtoken
from cvxtoken.allocation.explain import explain
from tests.support.instances import realistic, varying


@pytest.mark.parametrize("points", [1, 20])
def test_a_frontier_says_that_there_are_no_points_to_choose(points: int) -> None:
    for w in (realistic(1, 3), varying(realistic(1, 3))):
        with pytest.raises(cvxtoken.ProblemError, match="max_tokens is 0 for all types; to choose points"):
            cvxtoken.frontier(w.replace(max_tokens=0), points=points)


def test_a_frontier_at_given_limits_is_the_one_point_there_is() -> None:
    w = realistic(1, 3).replace(max_tokens=0)
    least = cvxtoken.solve(w).mean_system_time
    point = cvxtoken.frontier(w, points=[2 * least]).points[0]
    assert not point.tokens.any()
    assert point.mean_system_time == pytest.approx(least, rel=1e-12)


def test_an_explanation_of_no_time_at_all_has_shares_of_zero() -> None:
    w = realistic(1, 2).replace(overhead=[0.0, 0.0], max_tokens=0)
    assert "waiting  E[W] = 0.000000 s (0.0%)" in explain(cvxtoken.solve(w))
