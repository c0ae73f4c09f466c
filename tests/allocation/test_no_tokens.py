"""A type that may not think at all: a largest budget of 0 is a box like any other."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

import cvxtoken
from cvxtoken import ProblemError, verifier
from cvxtoken.allocation.program.cones import cone_program
from cvxtoken.allocation.program.forms import FORMS, program
from cvxtoken.verifier import whole as integer_verifier

BASE = cvxtoken.load("qwen3-8b")
HALF = BASE.replace(max_tokens=[32768, 0, 5000, 0, 100])
NONE = BASE.replace(max_tokens=0)


@pytest.mark.parametrize("w", [HALF, NONE])
def test_the_optimum_is_certified_by_every_road(w: cvxtoken.Workload) -> None:
    best = cvxtoken.solve(w)
    assert best.status == "certified"
    assert (best.tokens[w.max_tokens == 0] == 0).all()
    assert verifier.check(best.certificate.to_document()).startswith("proven")
    whole = cvxtoken.solve_integer(w)
    assert whole.exact
    assert integer_verifier.check(whole.certificate.to_document()).startswith("proven")
    many = cvxtoken.solve_many([w, BASE])
    assert many.solved.all()
    tracked = cvxtoken.Tracker(w).budgets
    robust = cvxtoken.solve_robust(cvxtoken.Ensemble([w]))
    lagged = cvxtoken.solve_lagged(cvxtoken.LaggedWorkload(w, [0, 10, 0, 0, 0]))
    assert lagged.status == "certified"
    pooled = cvxtoken.solve_pooled(w, 1)
    assert cvxtoken.solve_pooled(w, 3).status == "certified"
    for objective in (
        many.objective[0],
        tracked.objective,
        robust.objective,
        lagged.objective,
        pooled.objective,
    ):
        assert objective == pytest.approx(best.objective, rel=1e-9)
    for method in ("fixed_point", "projected_gradient", "newton", "price_newton"):
        options = {"damping": 0.3} if method == "fixed_point" else {}
        assert getattr(cvxtoken, method)(w, **options).converged
    assert np.isfinite(cvxtoken.sensitivity(best).objective["max_tokens"]).all()


@pytest.mark.parametrize("form", [form for form in FORMS if form != "raw"])
def test_programs_reach_it(form: str) -> None:
    built = program(HALF, form)
    built.problem.solve(solver="CLARABEL")
    assert built.tokens.value == pytest.approx(cvxtoken.solve(HALF).tokens, abs=1, rel=1e-3)


def test_cones_leave_such_types_out() -> None:
    assert cone_program(HALF).types.tolist() == [0, 2, 4]


def test_targets_hold_with_it() -> None:
    found = cvxtoken.solve(HALF, objective="accuracy", max_mean_system_time=1.0)
    assert found.status == "certified"
    assert found.certificate.relative_gap <= Decimal("1e-15")
    assert (found.tokens[HALF.max_tokens == 0] == 0).all()
    with pytest.raises(cvxtoken.TargetError, match="min_accuracy of 'GSM8K'"):
        cvxtoken.solve(HALF, min_accuracy={"GSM8K": 0.9})


def test_below_zero_is_refused_and_files_hold_it(tmp_path) -> None:
    with pytest.raises(ProblemError, match="max_tokens of 'AIME 2025'"):
        BASE.replace(max_tokens=[1, -1.0, 1, 1, 1])
    HALF.save(tmp_path / "w.toml")
    assert cvxtoken.Workload.load(tmp_path / "w.toml") == HALF
