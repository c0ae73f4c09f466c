from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import cvxtoken
from cvxtoken import BudgetUncertainty, FittedWorkload, ProblemError, budget_uncertainty, draw_workloads
from cvxtoken.fitting.uncertainty import budget_interval
from tests.fitting.data import write_arrivals, write_rows


@pytest.fixture(scope="session")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> FittedWorkload:
    folder = tmp_path_factory.mktemp("measured")
    rows = write_rows(folder / "rows.csv", per_budget=100)
    return cvxtoken.fit_workload(rows, write_arrivals(folder / "arrivals.csv"))


@pytest.fixture(scope="session")
def found(fitted: FittedWorkload) -> BudgetUncertainty:
    return budget_uncertainty(fitted, count=80)


def test_draws_spread_as_the_fits_say(fitted: FittedWorkload) -> None:
    draws = draw_workloads(fitted, 80)
    maths = fitted.tasks[0]
    for field, error in (
        ("accuracy_gain", maths.accuracy.standard_errors["accuracy_gain"]),
        ("base_accuracy", maths.accuracy.standard_errors["base_accuracy"]),
        ("overhead", maths.service.standard_errors[0]),
        ("time_per_token", maths.service.standard_errors[1]),
        ("prior", fitted.arrivals.prior_errors[fitted.arrivals.names.index("maths")]),
    ):
        values = [getattr(draw, field)[0] for draw in draws]
        assert np.std(values) == pytest.approx(error, rel=0.4), field
        assert np.mean(values) == pytest.approx(getattr(fitted.workload, field)[0], abs=0.6 * error), field
    rates = [draw.arrival_rate for draw in draws]
    assert np.std(rates) == pytest.approx(fitted.arrivals.rate_error, rel=0.4)
    assert {draw.max_tokens[2] for draw in draws} == {8000}, "a flat task may rise a little, unseen"
    assert draw_workloads(fitted, 2) == draw_workloads(fitted, 2)
    assert draw_workloads(fitted, 2, seed=1)[1] != draw_workloads(fitted, 2)[1]


def test_regrets_are_what_certified_optima_say(found: BudgetUncertainty) -> None:
    point = cvxtoken.solve(found.workload)
    assert found.point == pytest.approx(point.tokens, abs=1e-6)
    optima = []
    for r in (0, 7, 79):
        draw = found.drawn.workloads[r]
        best = cvxtoken.solve(draw)
        at_point = float(cvxtoken.certify(draw, found.point).lower)
        assert found.regret[r] == pytest.approx(best.objective - at_point, abs=1e-9)
        optima.append(best.tokens)
    low, high = found.token_intervals
    assert (low[:2] < found.point[:2]).all()
    assert (found.point[:2] < high[:2]).all()
    assert low[2] == found.point[2] == 0, "a flat task does not think"
    assert 0 <= high[2] < 8000, "but chance may hide a rise that is worth some tokens"
    assert found.objective_interval[0] < found.objective_interval[1]


def test_robust_budgets_lose_least_on_average(found: BudgetUncertainty) -> None:
    assert found.robust.status == "certified"
    assert (found.regret >= -1e-9).all()
    assert (found.robust_regret >= -1e-9).all()
    assert 0 < found.robust_regret.mean() <= found.regret.mean() + 1e-12
    mean = found.robust.ensemble.objectives(found.robust.tokens).mean()
    assert mean == pytest.approx(found.robust.objective, rel=1e-9)


def test_how_it_reads(found: BudgetUncertainty) -> None:
    text = str(found)
    assert "90 % of 80 draws" in text
    assert "unstable" not in text
    document = found.to_document()
    assert document["draws"] == 80
    assert document["token_intervals"]["trivia"][0] == 0
    assert document["robust"]["status"] == "certified"


def test_point_budgets_may_be_unstable_in_a_draw(fitted: FittedWorkload, tmp_path: Path) -> None:
    """At a load at which the point estimate's budgets are just stable, they are unstable in some draws."""
    busy = cvxtoken.FittedWorkload(
        fitted.tasks, fitted.arrivals, fitted.arrival_rate, fitted.prior, 1e7, fitted.max_tokens, "test"
    )
    rough = budget_uncertainty(busy, count=20)
    assert rough.unstable > 0
    assert rough.to_document()["mean_regret"] is None
    assert f"unstable in {rough.unstable} draws" in str(rough)
    assert np.isfinite(rough.robust_regret).all()
    assert rough.robust.relative_gap < 1e-12


def test_bad_arguments(fitted: FittedWorkload) -> None:
    with pytest.raises(ProblemError, match="count is 0"):
        budget_uncertainty(fitted, count=0)
    with pytest.raises(ProblemError, match="confidence is 2"):
        budget_uncertainty(fitted, confidence=2)


def test_an_interval_that_ends_at_a_bound_has_its_tail_at_the_other_end() -> None:
    ordered = np.arange(1.0, 100.0)  # of R = 99 draws those at the places p (R + 1) are whole numbers
    at_zero, at_top = np.maximum(ordered - 20, 0), np.minimum(ordered + 20, 100)
    both = np.clip(3 * ordered - 100, 0, 100)
    tokens = np.stack([ordered, at_zero, at_top, both, np.zeros(99)], axis=1)
    low, high = budget_interval(tokens, 0.9, np.full(5, 100.0))
    assert low == pytest.approx([5, 0, 30, 0, 0])
    assert high == pytest.approx([95, 70, 100, 100, 0])
    inside = ((low <= tokens) & (tokens <= high)).mean(axis=0)
    assert inside[:3] == pytest.approx(0.9, abs=0.02)
