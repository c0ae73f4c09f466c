"""Further CVXPY constraints: linear inequalities are certified, anything else is said not to be."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import cvxpy as cp
import numpy as np
import pytest

import cvxtoken
from cvxtoken import ProblemError, SolverError, verifier
from cvxtoken.allocation.program.constraints import linear_rows
from tests.support.instances import realistic

QWEN = cvxtoken.load("qwen3-8b")


def test_rows_are_read_off() -> None:
    A = np.array([[1.0, 2.0, 0.5], [0.0, -3.0, 0.25]])
    rows, others = linear_rows(
        lambda l: [A @ l <= 7, l[0] >= 5, 2 * l[1] - l[2] <= l[0] + 3, cp.norm(l) <= 9], 3
    )
    assert rows == (
        (1.0, 2.0, 0.5, 7.0),
        (0.0, -3.0, 0.25, 7.0),
        (-1.0, 0.0, 0.0, -5.0),
        (-1.0, 2.0, -1.0, 3.0),
    )
    assert len(others) == 1
    assert linear_rows(lambda l: [cp.sum(l) <= 4, 0 * l[0] <= 1], 2)[0] == ((1.0, 1.0, 4.0), (0.0, 0.0, 1.0))


@pytest.mark.parametrize(
    ("asked", "constraints"),
    [
        ({}, lambda l: [l[1] <= l[0] + 100, l[2] >= 1000]),
        ({}, lambda l: [cp.sum(l) <= 9000]),
        ({}, lambda l: [l[0] >= 20000, l[4] <= 100]),
        ({"max_mean_system_time": 2.0}, lambda l: [l[1] <= l[0], l[3] <= 2000]),
        ({"objective": "accuracy", "max_mean_wait": 0.2}, lambda l: [l[0] + l[1] <= 5000, l[2] >= 500]),
        ({"min_accuracy": {"GSM8K": 0.952}}, lambda l: [l[0] <= 1.5 * l[3], l[1] <= 99999]),
    ],
)
def test_linear_inequalities_are_certified(asked: dict[str, Any], constraints: Any) -> None:
    found = cvxtoken.solve(QWEN, constraints=constraints, **asked)
    assert found.status == "certified"
    assert found.certificate.relative_gap <= Decimal("1e-30")
    verifier.check(found.certificate.to_document())
    plain = cvxtoken.solve(QWEN, **asked)
    assert found.objective <= plain.upper
    l = cp.Variable(5)
    l.value = found.tokens
    assert max(float(np.max(c.violation())) for c in constraints(l)) <= 1e-9
    prices = [price for price in found.shadow_prices if price.target == "linear"]
    assert any(price.active for price in prices) == (found.objective < plain.lower - 1e-9)


def test_a_price_of_a_row_is_what_it_buys() -> None:
    here, there = (cvxtoken.solve(QWEN, constraints=lambda l, x=x: [cp.sum(l) <= x]) for x in (9000, 9001))
    (price,) = here.shadow_prices
    assert there.objective - here.objective == pytest.approx(price.objective, rel=1e-3)


def test_random_rows_close() -> None:
    """Random rows of either sign, some active: certified, or said not to be."""
    certified = 0
    for seed in range(25):
        rng = np.random.default_rng(seed)
        w = realistic(seed, 5).replace(max_tokens=5000.0)
        best = cvxtoken.solve(w).tokens
        A = rng.normal(size=(2, 5))
        limits = A @ best - rng.uniform(-0.1, 0.1, 2) * (np.abs(A) @ best)
        try:
            found = cvxtoken.solve(w, constraints=lambda l, A=A, b=limits: [A @ l <= b])
        except SolverError:
            continue
        verifier.check(found.certificate.to_document())
        assert (found.status == "certified") == (not found.uncertified_because)
        certified += found.status == "certified"
    assert certified >= 22


@pytest.mark.parametrize(
    "constraints",
    [
        lambda l: [cp.norm(l) <= 5000],
        lambda l: [l[0] == l[1]],
        lambda l: [l[0] <= 4000, cp.exp(l[0] / 1e3) <= 20],
    ],
)
def test_other_constraints_are_solved_and_said_to_be_uncertified(constraints: Any) -> None:
    found = cvxtoken.solve(QWEN, constraints=constraints)
    assert found.status == "uncertified"
    assert "certificates know linear inequalities only" in found.uncertified_because
    assert "uncertified" in str(found)
    assert found.shadow_prices == ()
    l = cp.Variable(5)
    l.value = found.tokens
    assert max(float(np.max(c.violation())) for c in constraints(l)) <= 0.1  # of a solver's tolerances
    assert found.objective <= cvxtoken.solve(QWEN).upper <= found.upper
    verifier.check(found.certificate.to_document())


@pytest.mark.parametrize(
    ("constraints", "message"),
    [
        (lambda l: [cp.sqrt(l[0]) <= 3], r"is not convex by the rules of CVXPY"),
        (lambda l: [1.0], r"holds 1\.0; it must be a CVXPY constraint"),
        (lambda l: None, r"must return a list of CVXPY constraints"),
    ],
)
def test_bad_constraints(constraints: Any, message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        cvxtoken.solve(QWEN, constraints=constraints)


def test_constraints_that_cannot_be_met() -> None:
    with pytest.raises(SolverError, match="finds no allocation that meets the constraints"):
        cvxtoken.solve(QWEN, constraints=lambda l: [l[0] >= 40000])
