from __future__ import annotations

import warnings

import cvxpy as cp
import numpy as np
import pytest

import cvxtoken
from cvxtoken.allocation import model
from cvxtoken.allocation.explain import explain, rule
from cvxtoken.allocation.program.forms import FORMS, program
from cvxtoken.errors import ProblemError, UnstableError
from tests.support import truth
from tests.support.instances import changed, realistic, stress
from tests.support.thorough import some
from tests.support.uno import needs_uno


def raw_point(form: str, workload: cvxtoken.Workload, **options: object) -> np.ndarray:
    built = program(workload, form)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        built.problem.solve(**options)
    return np.clip(built.tokens.value, 0, workload.max_tokens)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_disciplined_and_has_the_certified_optimum(form: str) -> None:
    w = cvxtoken.load("qwen3-8b")
    built = program(w, form)
    assert built.problem.is_dcp()
    best = cvxtoken.solve(w).objective
    value = float(model.objective(w, raw_point(form, w, solver="CLARABEL")))
    assert value == pytest.approx(best, rel=1e-6)  # an interior-point method at its default tolerances


@pytest.mark.parametrize(
    "options",
    [
        {"solver": "SCS", "eps": 1e-9},
        pytest.param({"solver": "UNO", "nlp": True, "logger": "SILENT"}, marks=needs_uno),
    ],
)
@pytest.mark.parametrize("size", [1, 6, 50])
def test_independent_witness(size: int, options: dict[str, object]) -> None:
    """The same CVXPY object under a first-order and an SQP method: both know nothing of our polish."""
    w = realistic(11, size)
    best = cvxtoken.solve(w).objective
    value = float(model.objective(w, raw_point("presolved", w, **options)))
    accuracy = 1e-6 * (1 + abs(best))  # what these methods reach at these settings
    assert best - accuracy <= value <= best + 1e-12 * (1 + abs(best))


def test_parametric_form_is_resolved_without_a_new_compilation() -> None:
    w = cvxtoken.load("qwen3-8b")
    built = program(w, "parametric")
    assert built.problem.is_dcp(dpp=True)
    for rate, weight in [(0.1, 30.0), (0.01, 30.0), (0.5, 100.0)]:
        built.update(rate, weight)
        built.problem.solve(solver="CLARABEL")
        other = w.replace(arrival_rate=rate, accuracy_weight=weight)
        value = float(model.objective(other, np.clip(built.tokens.value, 0, other.max_tokens)))
        assert value == pytest.approx(cvxtoken.solve(other).objective, rel=1e-6)


@pytest.mark.parametrize(("name", "w"), some(stress((1, 6)), 3))
def test_presolve_never_cuts_the_optimum(name: str, w: cvxtoken.Workload) -> None:
    u = model.upper_bounds(w)
    tokens = cvxtoken.solve(w).tokens
    rounding = 1e-14 / w.saturation_rate  # of a logarithm of order ten, in tokens
    assert (tokens <= u + rounding).all()


def test_presolve_is_tight_where_the_queue_is_empty() -> None:
    w = realistic(2, 6).replace(arrival_rate=1e-9)
    reference = cvxtoken.solve(w)
    np.testing.assert_allclose(model.upper_bounds(w), reference.tokens, rtol=1e-4, atol=1e-3)


def test_idle_share_is_exact_near_full_load() -> None:
    """1 - lambda E[S] in floats would be off by 4e-8 here."""
    w = changed(realistic(2, 6), 1 - 1e-9)
    built = program(w)
    built.terms["x"].value = np.zeros(built.terms["x"].size)
    assert float(built.terms["y"].value) == float(w.idle_at_zero)


def test_no_type_thinks() -> None:
    w = changed(realistic(1, 6), 0.5, accuracy_weight=1e-6)
    built = program(w)
    assert built.terms["x"].size == 1
    assert cvxtoken.solve(w).tokens.tolist() == [0.0] * 6


def test_bad_requests() -> None:
    with pytest.raises(ProblemError, match="did you mean 'presolved'"):
        program(cvxtoken.load("qwen3-8b"), "presolve")
    with pytest.raises(UnstableError):
        program(cvxtoken.load("qwen3-8b").replace(arrival_rate=5), "raw")


def test_explain_tells_curvature_and_delay() -> None:
    w = cvxtoken.load("qwen3-8b")
    text = explain(cvxtoken.solve(w))
    assert "exp is convex and increasing; its argument is affine" in text
    assert "is_dcp() is True" in text
    l = cvxtoken.solve(w).tokens
    assert f"E[W] = {float(model.mean_wait(w, l)):.6f} s" in text


def test_rules_name_what_cvxpy_says() -> None:
    x = cp.Variable()
    assert rule(cp.exp(x)) == "exp is convex and increasing; its argument is affine"
    assert rule(-cp.exp(x)) == "minus a convex term"
    assert rule(-2 * cp.exp(x)) == "a negative multiple of a convex term"
    assert rule(cp.log(cp.log(x))) == "log is concave and increasing; its argument is concave"
    assert rule(cp.logistic(-x)) == "logistic is convex and increasing; its argument is affine"
    assert rule(x + cp.exp(x)) == "a sum of affine and convex terms"


def test_truth_is_of_the_same_problem() -> None:
    w = realistic(7, 3)
    l, best = truth.optimum(w)
    assert float(best) == pytest.approx(cvxtoken.solve(w).objective, rel=1e-15)
    assert [float(x) for x in l] == pytest.approx(cvxtoken.solve(w).tokens.tolist(), rel=1e-12)
