"""Runs of SciPy's optimisers that fail: an error, never an answer."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import scipy.optimize

from cvxtoken import SolverError
from cvxtoken.batching.problem import BatchTime
from cvxtoken.errors import ProblemError
from cvxtoken.fitting import fit_accuracy, fit_service
from cvxtoken.fitting.estimate import fit
from cvxtoken.fitting.inference import Inference
from cvxtoken.fitting.points import points_of_counts
from cvxtoken.least_squares import nonnegative
from tests.fitting.data import BUDGETS, counts

MINIMIZE = scipy.optimize.minimize
POINTS = points_of_counts(BUDGETS, counts(1), np.full(len(BUDGETS), 400.0))


def minimizers(damage: Callable[[Any, np.ndarray], Any]) -> Callable[..., Any]:
    """SciPy's own run, damaged; told where it began."""

    def minimize(function: Any, v0: np.ndarray, **options: Any) -> Any:
        return damage(MINIMIZE(function, v0, **options), v0)

    return minimize


def stuck(status: int) -> Callable[..., Any]:
    def minimize(function: Any, v0: np.ndarray, **_: Any) -> Any:
        return SimpleNamespace(x=v0, fun=function(v0)[0], success=False, status=status)

    return minimize


def broken(**changes: Any) -> Callable[[Any, np.ndarray], Any]:
    def damage(run: Any, _: np.ndarray) -> Any:
        return SimpleNamespace(**{"x": run.x, "fun": run.fun, "success": True, "status": 0, **changes})

    return damage


@pytest.mark.parametrize(
    "minimize",
    [
        stuck(1),
        stuck(2),
        stuck(99),
        minimizers(broken(success=False, status=1)),
        minimizers(broken(fun=np.nan)),
        minimizers(broken(fun=-np.inf)),
        minimizers(broken(x=np.full(4, np.nan))),
    ],
)
def test_an_optimiser_that_does_not_arrive_is_an_error(
    minimize: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scipy.optimize, "minimize", minimize)
    with pytest.raises(SolverError, match="L-BFGS-B ended short of a minimum in"):
        fit_accuracy(BUDGETS, counts(1), np.full(len(BUDGETS), 400))


def test_a_line_search_that_fails_at_the_minimum_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = fit(POINTS, "likelihood")
    monkeypatch.setattr(scipy.optimize, "minimize", minimizers(broken(success=False, status=2)))
    assert fit(POINTS, "likelihood") == sound


def test_a_run_at_its_limit_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = fit(POINTS, "likelihood")

    def impatient(function: Any, v0: np.ndarray, **options: Any) -> Any:
        options["options"] = {**options["options"], "maxiter": 12}
        return MINIMIZE(function, v0, **options)

    monkeypatch.setattr(scipy.optimize, "minimize", impatient)
    assert fit(POINTS, "likelihood").loss == pytest.approx(sound.loss, abs=1e-6)


def test_one_run_that_fails_is_not_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even where its loss is the least; where other runs are as good, one of them is the answer."""
    sound = fit(POINTS, "likelihood")
    calls = []

    def first(lower: float) -> Callable[[Any, np.ndarray], Any]:
        def damage(run: Any, _: np.ndarray) -> Any:
            calls.append(run)
            if len(calls) > 20:  # the first start and its restarts
                return run
            return broken(fun=run.fun - lower, success=False, status=1)(run, run.x)

        return damage

    monkeypatch.setattr(scipy.optimize, "minimize", minimizers(first(0.0)))
    assert fit(POINTS, "likelihood", start=sound.curve).loss == pytest.approx(sound.loss, abs=1e-6)
    calls.clear()
    monkeypatch.setattr(scipy.optimize, "minimize", minimizers(first(1.0)))
    with pytest.raises(SolverError, match="ended short"):
        fit(POINTS, "likelihood", start=sound.curve)


@pytest.mark.parametrize(("converged", "root"), [(False, 0.5), (True, np.nan)])
def test_an_end_that_is_not_found_is_an_error(
    converged: bool, root: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    inference = Inference(POINTS, "likelihood", fit(POINTS, "likelihood"))
    report = SimpleNamespace(converged=converged, flag="convergence error")
    monkeypatch.setattr(scipy.optimize, "brentq", lambda *_, **__: (root, report))
    with pytest.raises(SolverError, match=r"the end of the interval of A was not found: convergence error"):
        inference.intervals(0.9)


def test_nonnegative_least_squares_are_those_of_all_choices_of_columns() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        A, b = rng.normal(size=(8, 3)), rng.normal(size=8)
        losses = [float(b @ b)]
        for chosen in range(1, 8):
            part = A[:, [k for k in range(3) if chosen >> k & 1]]
            x = np.linalg.lstsq(part, b)[0]
            if (x >= 0).all():
                losses.append(float(((part @ x - b) ** 2).sum()))
        found = nonnegative(A, b)
        assert float(((A @ found - b) ** 2).sum()) == pytest.approx(min(losses), rel=1e-12)
        assert nonnegative(A, b * 2.0**-50) == pytest.approx(found * 2.0**-50, rel=1e-12), "of any size"


@pytest.mark.parametrize("point", [[np.nan, 0.1], [1.0, 1.0], [0.0, 0.0], [-1.0, 0.1], None])
def test_nonnegative_least_squares_that_are_not_solved(
    point: list[float] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nnls(A: np.ndarray, _: np.ndarray) -> tuple[np.ndarray, float]:
        if point is None:
            raise RuntimeError("Maximum number of iterations reached.")
        return np.resize(point, A.shape[1]), 0.0

    monkeypatch.setattr(scipy.optimize, "nnls", nnls)
    tokens = np.array([100.0, 200, 300, 400, 500])
    with pytest.raises(SolverError, match="were not solved"):
        fit_service(tokens, 0.2 + 0.01 * tokens + np.array([0, 0.1, 0, 0.1, 0]))
    with pytest.raises(SolverError, match="were not solved"):
        BatchTime.fit([1, 2, 3, 4, 5], tokens, 0.2 + 0.01 * tokens)


def test_a_negative_coefficient_is_no_solution(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though no slope is left at it."""
    A, b = np.column_stack([np.ones(4), np.arange(4.0)]), np.array([-1.0, 0.0, 1.0, 2.0])
    monkeypatch.setattr(scipy.optimize, "nnls", lambda A, b: (np.linalg.lstsq(A, b)[0], 0.0))
    with pytest.raises(SolverError, match="were not solved"):
        nonnegative(A, b)


def test_a_robust_line_that_is_not_found_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    found = SimpleNamespace(x=np.array([0.1, 0.1]), success=False, message="too many evaluations")
    monkeypatch.setattr(scipy.optimize, "least_squares", lambda *_, **__: found)
    with pytest.raises(SolverError, match="robust line of the service times was not found: too many"):
        fit_service([100, 200, 300, 400], [1.2, 2.2, 3.1, 4.2])
    found.success, found.x = True, np.array([np.nan, 0.1])
    with pytest.raises(SolverError, match="was not found"):
        fit_service([100, 200, 300, 400], [1.2, 2.2, 3.1, 4.2])


def test_lengths_nearly_alike_tell_no_line() -> None:
    with pytest.raises(ProblemError, match="lengths so much alike do not tell t0 from c"):
        fit_service(1e6 + np.array([0, 1e-4, 2e-4, 3e-4]), 1.5 + 5e-11 * np.arange(4))
