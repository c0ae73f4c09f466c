"""Further CVXPY constraints: rows for the linear inequalities, exact cones for all others, errors by name."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import cvxpy as cp
import numpy as np
import pytest

import cvxtoken
from cvxtoken import ProblemError, TargetError, verifier
from cvxtoken.allocation.program.constraints import further_cones, linear_rows
from cvxtoken.conic.program import SECOND_ORDER, ZERO, blocks
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
    """Random rows of either sign, some active; where the polish does not end, the exact cones close them."""
    for seed in range(25):
        rng = np.random.default_rng(seed)
        w = realistic(seed, 5).replace(max_tokens=5000.0)
        best = cvxtoken.solve(w).tokens
        A = rng.normal(size=(2, 5))
        limits = A @ best - rng.uniform(-0.1, 0.1, 2) * (np.abs(A) @ best)
        found = cvxtoken.solve(w, constraints=lambda l, A=A, b=limits: [A @ l <= b])
        verifier.check(found.certificate.to_document())
        assert found.status == "certified"


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


def test_cones_have_the_tokens_first_whatever_cvxpy_adds() -> None:
    rng = np.random.default_rng(3)
    B = rng.normal(size=(3, 4)).round(2)
    own = cp.Variable(2, name="own")
    found = further_cones(lambda l: [cp.norm(B @ l) <= own[0], l[3] <= 5, l[0] == own[1], 2 * own[0] <= 7], 4)
    assert found is not None
    assert found.replaced == ()
    program = found.program
    assert not program.q.any()
    A = program.A.toarray()
    (cone,) = [rows for kind, rows in blocks(program.cones) if kind == SECOND_ORDER]
    assert (-A[list(cone)[1:], :4] == B).all(), "the columns of the tokens, in order"
    (equation,) = [rows for kind, rows in blocks(program.cones) if kind == ZERO]
    assert np.abs(A[equation[0], :4]).tolist() == [1, 0, 0, 0]
    assert 5 not in program.b, "linear inequalities are targets"
    assert further_cones(lambda l: [l <= 5], 4) is None


def test_constraints_beyond_these_cones_are_named() -> None:
    with pytest.raises(ProblemError, match="the variable pick is boolean"):
        further_cones(lambda l: [l[0] == 9 * cp.Variable(name="pick", boolean=True)], 3)
    approximate = further_cones(lambda l: [cp.pnorm(l, 1.23456789) <= 9000], 3)
    assert approximate is not None
    assert "by fractions, off by up to" in approximate.replaced[0]


def test_constraints_that_cannot_be_met() -> None:
    with pytest.raises(TargetError, match="no allocation meets the targets and constraints") as caught:
        cvxtoken.solve(QWEN, constraints=lambda l: [l[0] >= 40000])
    assert "linear of 1" in caught.value.proof.check()
