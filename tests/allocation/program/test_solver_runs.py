"""Runs of convex solvers that fail: an error, or a stand-in that is named, and never an answer."""

from __future__ import annotations

from collections.abc import Callable

import cvxpy as cp
import numpy as np
import pytest
from scipy.sparse.linalg import ArpackNoConvergence

import cvxtoken
from cvxtoken import SolverError, verifier
from cvxtoken.allocation.methods import contraction
from cvxtoken.allocation.program.solver import _price, attempt, witness
from cvxtoken.allocation.targeted import interior
from cvxtoken.allocation.targeted.feasible import feasible
from cvxtoken.allocation.targeted.optimum import certify_targets
from cvxtoken.allocation.targets import Targets
from cvxtoken.lagged.problem import LaggedWorkload
from cvxtoken.lagged.reference import solve_lagged
from cvxtoken.robust import reference as robust
from cvxtoken.robust.problem import Ensemble
from tests.support.failing import FAILURES, claim, fail, without_flint

QWEN = cvxtoken.load("qwen3-8b")
Constraints = Callable[[cp.Expression], list[cp.Constraint]]
SAID = {"solver error": "failed: broken", "overflow": "failed: too large"}
SAID |= {"an exception without a word": "failed: RuntimeError"}


def said(how: str) -> str:
    return SAID.get(how, how.split()[0].rstrip(","))


@pytest.mark.parametrize("how", FAILURES)
@pytest.mark.parametrize("asked", [{}, {"max_mean_wait": 0.2}])
def test_the_optimum_stands_on_other_feet(
    asked: dict[str, float], how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = cvxtoken.solve(QWEN, **asked)
    fail(monkeypatch, how)
    found = cvxtoken.solve(QWEN, **asked)
    assert found.status == "certified"
    assert found.objective == pytest.approx(sound.objective, rel=1e-15)
    assert found.solver.status == said(how)
    assert repr(said(how)) in str(found)


def norm(l: cp.Expression) -> list[cp.Constraint]:
    return [cp.norm(l) <= 5000]


@pytest.mark.parametrize("how", FAILURES)
@pytest.mark.parametrize("constraints", [norm, lambda l: [l[0] <= 2 * l[1]]])
def test_the_optimum_under_constraints_does_so_too(
    constraints: Constraints, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = cvxtoken.solve(QWEN, constraints=constraints)
    fail(monkeypatch, how)
    found = cvxtoken.solve(QWEN, constraints=constraints)
    assert found.status == "certified"
    assert max(found.lower, sound.lower) <= min(found.upper, sound.upper)
    assert found.solver.status == said(how)


@pytest.mark.parametrize("how", FAILURES)
def test_without_flint_constraints_need_the_solver(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fail(monkeypatch, how)
    without_flint(monkeypatch)
    words = (
        r"CLARABEL finds no allocation that meets the constraints: it says .*pip install 'cvxtoken\[conic\]'"
    )
    for constraints in (norm, lambda l: [l[0] <= 2 * l[1]]):
        with pytest.raises(SolverError, match=words):
            cvxtoken.solve(QWEN, constraints=constraints)


def test_without_flint_the_result_is_said_to_be_uncertified(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = cvxtoken.solve(QWEN, constraints=norm)
    without_flint(monkeypatch)
    found = cvxtoken.solve(QWEN, constraints=norm)
    assert found.status == "uncertified"
    assert found.uncertified_because == "the search needs python-flint: pip install 'cvxtoken[conic]'"
    assert f"uncertified       {found.uncertified_because}; none is better" in str(found)
    assert found.shadow_prices == ()
    assert found.objective == pytest.approx(sound.objective, rel=1e-5)
    assert cvxtoken.solve(QWEN).upper <= found.upper, "the bound is that without the constraints"
    verifier.check(found.certificate.to_document())


def test_a_point_short_of_its_constraints_is_not_handed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """What no certificate covers stands or falls with the solver's status."""
    without_flint(monkeypatch)
    for status in ("user_limit", "infeasible_inaccurate", "unbounded"):
        claim(monkeypatch, status)
        with pytest.raises(SolverError, match=f"CLARABEL ends short of the constraints: it says '{status}'"):
            cvxtoken.solve(QWEN, constraints=norm)
    claim(monkeypatch, "optimal_inaccurate")
    found = cvxtoken.solve(QWEN, constraints=norm)
    assert found.uncertified_because.endswith("; CLARABEL says 'optimal_inaccurate'")
    claim(monkeypatch, "user_limit")
    linear = cvxtoken.solve(QWEN, constraints=lambda l: [l[0] <= 2 * l[1]])
    assert linear.status == "certified", "a start is not believed, whatever it calls itself"


@pytest.mark.parametrize(("dual", "price"), [(None, 0), (np.nan, 0), (np.inf, 0), (-1.0, 0), ([2.5], 2.5)])
def test_duals_that_are_none_are_no_prices(dual: object, price: float) -> None:
    assert _price(dual) == price


def test_data_that_leave_no_program_are_told() -> None:
    def write() -> None:
        raise OverflowError("beyond")

    assert attempt(write) == (None, "failed: beyond")
    huge = QWEN.replace(accuracy_weight=1.7e308)
    found = witness(feasible(huge, Targets(max_mean_wait=0.2)), "CLARABEL")
    assert found.tokens is None
    assert found.run.status != "optimal"


@pytest.mark.parametrize("how", FAILURES)
def test_robust_budgets_stand_on_newton(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    draws = Ensemble([QWEN.replace(arrival_rate=rate) for rate in (0.05, 0.15)])
    sound = robust.solve_robust(draws)
    assert sound.solver_status == "optimal"
    fail(monkeypatch, how)
    found = robust.solve_robust(draws)
    assert found.solver_status == said(how)
    assert found.status == "certified"
    assert found.tokens == pytest.approx(sound.tokens, abs=1e-5)


@pytest.mark.parametrize("how", FAILURES)
def test_lagged_budgets_stand_on_roundings(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = LaggedWorkload(QWEN, [2000, 0, 0, 170, 0])
    sound = solve_lagged(problem)
    assert (sound.solver_status, sound.unsolved) == ("optimal", 0)
    assert "without a solver's point" not in str(sound)
    fail(monkeypatch, how)
    found = solve_lagged(problem)
    assert found.solver_status == found.to_document()["solver_status"] == said(how)
    assert found.unsolved == found.to_document()["unsolved"] == found.nodes
    assert f"{found.nodes} relaxations ({found.nodes} without a solver's point)" in str(found)
    assert found.lower <= sound.upper
    assert sound.lower <= found.upper


@pytest.mark.parametrize("step", ["singular", "not a number"])
def test_steps_that_are_none_end_the_search_where_it_is(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    targets, draws = Targets(max_mean_wait=0.2), Ensemble([QWEN, QWEN.replace(arrival_rate=0.15)])
    sound, average = certify_targets(QWEN, targets), robust.solve_robust(draws)
    point = interior.interior_point
    seen: list[interior.InteriorPoint] = []

    def watched(*arguments: object) -> interior.InteriorPoint:
        seen.append(point(*arguments))  # type: ignore[arg-type]
        return seen[-1]

    def failing(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
        if step == "singular":
            raise np.linalg.LinAlgError("Singular matrix")
        return np.full(right.shape, np.nan)

    monkeypatch.setattr("cvxtoken.allocation.targeted.optimum.interior_point", watched)
    monkeypatch.setattr(np.linalg, "solve", failing)
    found = certify_targets(QWEN, targets)
    assert len(seen) == 1
    assert all(np.isfinite(list(x.values())).all() for x in (seen[0].multipliers, seen[0].slack))
    assert found.lower <= sound.upper
    assert sound.lower <= found.upper
    start = robust.solve_robust(draws)
    assert start.lower <= average.upper
    assert start.tokens == pytest.approx(average.tokens, abs=5), "the solver's own point"


def failing_linalg(*_: object, **__: object) -> None:
    raise np.linalg.LinAlgError("no convergence")


def test_eigenvalues_that_are_not_found_are_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ArpackNoConvergence("none", np.zeros(0), np.zeros((0, 0)))

    tokens = cvxtoken.solve(QWEN).tokens
    monkeypatch.setattr(np.linalg, "eigvalsh", failing_linalg)
    with pytest.raises(SolverError, match="eigenvalues were not found: no convergence"):
        cvxtoken.spectral_radius_at(QWEN, tokens)
    monkeypatch.setattr(np.linalg, "eigvalsh", lambda matrix: np.full(len(matrix), np.nan))
    with pytest.raises(SolverError, match="eigenvalues are beyond float64"):
        cvxtoken.spectral_radius_at(QWEN, tokens)
    monkeypatch.setattr(contraction, "_DENSE", 2)
    assert 0 < cvxtoken.spectral_radius_at(QWEN, tokens) < 10
    monkeypatch.setattr("scipy.sparse.linalg.eigsh", refuse)
    with pytest.raises(SolverError, match="largest eigenvalue was not found"):
        cvxtoken.spectral_radius_at(QWEN, tokens)


def test_derivatives_that_are_not_found_are_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    found = cvxtoken.solve(QWEN)
    monkeypatch.setattr(np.linalg, "pinv", failing_linalg)
    with pytest.raises(SolverError, match="how the prices move was not found: no convergence"):
        cvxtoken.sensitivity(found)
