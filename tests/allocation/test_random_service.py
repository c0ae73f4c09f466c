"""Service times that vary: E[S^2] = sum pi (t^2 + s^2), s = s0 + s1 l, in every room that knows of delays."""

from __future__ import annotations

import json
from decimal import Decimal

import numpy as np
import pytest

import cvxtoken
from cvxtoken import verifier
from cvxtoken.allocation import model
from cvxtoken.allocation.explain import explain
from cvxtoken.allocation.methods.fixed_point import _gauss_seidel
from cvxtoken.allocation.prices.search import price_path
from cvxtoken.allocation.program.forms import FORMS, program
from cvxtoken.allocation.targeted.interior import _Change
from cvxtoken.allocation.targeted.optimum import certify_targets
from cvxtoken.allocation.targets import Targets
from cvxtoken.lagged.program import envelope_program
from cvxtoken.robust.program import ensemble_program
from cvxtoken.verifier import whole as integer_verifier
from cvxtoken.whole.rounding import Neighbourhood
from tests.support import targets as judge
from tests.support import truth
from tests.support.instances import boxed, changed, realistic, varying
from tests.support.thorough import some
from tests.support.truth import exact, mp

BASE = cvxtoken.load("qwen3-8b")
VARYING = varying(BASE)
RANDOM = [varying(realistic(seed, size), seed) for seed in some(range(6), 2) for size in (1, 6, 50)]
EXTREME = [
    varying(changed(realistic(7, size), rho0, accuracy_weight=weight), 3)
    for size in (1, 6)
    for rho0 in (0.5, 1 - 1e-6)
    for weight in (30.0, 1e6)
]


# some types do not think, though at no tokens their times vary
SILENT = BASE.replace(deviation=0.4, deviation_per_token=0.01, accuracy_weight=1.0)
COLUMNS = ("accuracy_gain", "saturation_rate", "base_accuracy", "overhead", "time_per_token", "max_tokens")


# --- the optimum ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("w", RANDOM + EXTREME)
def test_the_optimum_is_certified(w: cvxtoken.Workload) -> None:
    reference = cvxtoken.solve(w)
    assert reference.status == "certified"
    assert reference.certificate.relative_gap <= Decimal("1e-20")
    assert verifier.check(json.loads(json.dumps(reference.certificate.to_document()))).startswith("proven")
    assert exact(reference.certificate.lower) <= truth.objective(w, reference.certificate.tokens)


@pytest.mark.parametrize("w", [w for w in RANDOM if len(w) < 50][:6] + EXTREME[:2])
def test_the_optimum_is_the_truth(w: cvxtoken.Workload) -> None:
    _, J = truth.optimum(w)
    proof = cvxtoken.solve(w).certificate
    assert exact(proof.lower) <= J <= exact(proof.upper)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("w", [*RANDOM[:2], SILENT])
def test_every_form_is_convex_and_has_this_optimum(form: str, w: cvxtoken.Workload) -> None:
    built = program(w, form)
    assert built.problem.is_dcp()
    built.problem.solve(solver="CLARABEL")
    tokens = np.clip(built.tokens.value, 0, w.max_tokens)
    best = cvxtoken.solve(w).objective
    assert float(model.objective(w, tokens)) == pytest.approx(best, abs=1e-6 * (1 + abs(best)))
    if "J" in built.terms:
        assert built.problem.value == pytest.approx(best, abs=1e-6 * (1 + abs(best)))


def test_a_certain_certificate_says_nothing_of_a_varying_instance() -> None:
    """With deviations and the right hash put in, neither bound is a truth, and neither is accepted."""
    document = cvxtoken.solve(BASE).certificate.to_document()
    forged = document | {"instance": VARYING.to_instance(), "sha256": VARYING.sha256}
    with pytest.raises(verifier.Refused, match="lower is above"):
        verifier.check(forged)
    honest = cvxtoken.solve(VARYING).certificate.to_document()
    with pytest.raises(verifier.Refused, match="upper is below"):
        verifier.check(honest | {"instance": BASE.to_instance(), "sha256": BASE.sha256})
    for change in ({"deviation": [0.0] * 5}, {"deviation": [-0.1] * 5}, {"deviation_per_token": [0.0]}):
        with pytest.raises(verifier.Refused):
            verifier.check(honest | {"instance": honest["instance"] | change})
    partial = {field: value for field, value in honest["instance"].items() if field != "deviation"}
    with pytest.raises(verifier.Refused, match="keys"):
        verifier.check(honest | {"instance": partial})


def test_more_deviation_costs_more_and_sensitivity_knows_it() -> None:
    reference = cvxtoken.solve(VARYING)
    found = cvxtoken.sensitivity(reference)
    for field in ("deviation", "deviation_per_token", "overhead", "time_per_token"):
        values, k = getattr(VARYING, field), int(np.argmax(VARYING.deviation * VARYING.deviation_per_token))
        step = np.where(np.arange(5) == k, 1e-4 * values, 0.0)
        more, less = (cvxtoken.solve(VARYING.replace(**{field: values + d})) for d in (step, -step))
        slope = (more.objective - less.objective) / (2 * step[k])
        assert slope < 0
        assert found.objective[field][k] == pytest.approx(slope, rel=1e-6)
        tokens = (more.tokens - less.tokens) / (2 * step[k])
        assert found.tokens(field)[:, k] == pytest.approx(tokens, rel=1e-4)
    shift = 1e-6 * np.array([1, 0, 0, -1, 0])
    more, less = (cvxtoken.solve(VARYING.replace(prior=VARYING.prior + d)) for d in (shift, -shift))
    slope = (more.objective - less.objective) / 2e-6
    assert found.objective["prior"][0] - found.objective["prior"][3] == pytest.approx(slope, rel=1e-6)


def test_targets() -> None:
    rng = np.random.default_rng(5)
    for seed in range(8):
        w = varying(realistic(seed, 4), seed)
        goal = ("trade-off", "accuracy")[seed % 2]
        asked = judge.random_targets(w, rng, goal, judge.combination(rng, goal), seed % 3 == 0)
        proof, best = certify_targets(w, asked), judge.optimum(w, asked)
        assert proof.relative_gap <= Decimal("1e-30")  # without the polish it would be some 1e-20
        rounding = mp.mpf(10) ** -80  # of the truth, which has 90 digits
        assert exact(proof.lower) <= best.high + rounding
        assert best.low <= exact(proof.upper) + rounding
        assert verifier.check(json.loads(json.dumps(proof.to_document()))).startswith("proven")


def test_impossible_targets_are_judged_with_the_variance() -> None:
    least = float(model.mean_wait(SILENT, np.zeros(5)))
    assert cvxtoken.solve(SILENT, max_mean_wait=least * 1.001).status == "certified"
    with pytest.raises(cvxtoken.TargetError) as told:
        cvxtoken.solve(SILENT, max_mean_wait=least * 0.999)
    assert told.value.best["max_mean_wait"] == pytest.approx(least, rel=1e-8)


# --- the methods, many at once --------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["projected_gradient", "newton", "price_newton"])
def test_methods_reach_it(method: str) -> None:
    for w in RANDOM[:2]:
        found = getattr(cvxtoken, method)(w)
        assert found.converged, found.outcome
        best = cvxtoken.solve(w).objective
        assert found.objective == pytest.approx(best, abs=1e-9 * (1 + abs(best)))


def test_the_fixed_point_converges_where_its_bound_says_so() -> None:
    contractive = [w.replace(arrival_rate=w.arrival_rate / 50) for w in RANDOM[::3]]
    bounds = [cvxtoken.contraction_bound(w) for w in contractive]
    assert sum(bound.value is not None and bound.value < 1 for bound in bounds) >= 2
    for w, bound in zip(contractive, bounds, strict=True):
        for order in ("jacobi", "gauss-seidel"):
            if bound.value is not None and bound.value < 1:
                assert cvxtoken.fixed_point(w, order=order).converged


def test_a_sweep_type_by_type_sees_the_new_moments() -> None:
    for w in (VARYING, SILENT, RANDOM[1]):
        start = 0.5 * cvxtoken.solve(w).tokens + 1
        l = start.copy()
        for k in range(len(w)):
            l[k] = model.answer(w, l)[k]
        assert _gauss_seidel(w, start) == pytest.approx(l, rel=1e-9, abs=1e-9)


def test_many_and_tracked_agree_with_one() -> None:
    workloads = [*RANDOM, BASE, *EXTREME]
    found = cvxtoken.solve_many(workloads)
    for k, w in enumerate(workloads):
        best = cvxtoken.solve(w)
        assert found.status[k] == 0, found.outcome(k)
        assert found.objective[k] == pytest.approx(best.objective, rel=1e-11, abs=1e-11)
        assert cvxtoken.Workloads.of(workloads).workload(k, w.names) == w
    tracker = cvxtoken.Tracker(VARYING)
    for rate in (0.11, 0.2):
        budgets = tracker.update(arrival_rate=rate)
        best = cvxtoken.solve(VARYING.replace(arrival_rate=rate))
        assert budgets.objective == pytest.approx(best.objective, rel=1e-11)


def test_a_bad_deviation_marks_its_instance_only() -> None:
    shared = {f: getattr(BASE, f) for f in (*COLUMNS, "prior", "arrival_rate", "accuracy_weight")}
    found = cvxtoken.solve_many(cvxtoken.Workloads(**shared, deviation=[[0.0], [-1.0], [np.nan], [0.5]]))
    assert found.status.tolist() == [0, 3, 3, 0]
    assert "deviation of 'type 0' is -1.0" in found.outcome(1)
    assert found.objective[3] < found.objective[0]


def test_the_interior_point_has_its_derivatives_and_finds_the_gain() -> None:
    targets = Targets("accuracy", max_mean_system_time=2.0)
    names, w = ["max_mean_system_time", "max_mean_wait"], SILENT
    change = _Change(w, targets, np.full(5, 10.0), names)
    d = np.array([100.0, 30.0, 5.0, 200.0, 60.0])

    def values(d: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        change.at(d)
        change.derivatives()
        return change.g, change.g1[:, 1]

    change.at(d)
    change.derivatives()
    C, hessian = change.g1, np.diag(change.wait2) + change.V @ change.core @ change.V.T
    base = float(model.mean_wait(w, np.full(5, 10.0)))
    assert change.g[1] == pytest.approx(float(model.mean_wait(w, 10 + d)) - base, rel=1e-12)
    for k, step in enumerate(1e-4 * np.eye(5)):
        (high, up), (low, down) = values(d + step), values(d - step)
        assert C[k] == pytest.approx((high - low) / 2e-4, rel=1e-6)
        assert hessian[k] == pytest.approx((up - down) / 2e-4, rel=1e-5)


def test_price_bounds_hold_on_the_whole_path() -> None:
    """The signs of the residuals never exclude the optimum: the search ends at it from anywhere."""
    rng, steps = np.random.default_rng(2), 0
    for w in EXTREME + RANDOM[:6]:
        best = cvxtoken.solve(w)
        start = rng.uniform(0, 1, len(w)) * np.minimum(2 * best.tokens, w.max_tokens)
        while float(model.idle(w, start)) <= 0:
            start /= 2
        *before, last = price_path(w, start)
        steps += len(before) + 1
        gap = best.objective - float(model.objective(w, last.tokens))
        assert abs(gap) <= 1e-9 * (1 + abs(best.objective) + w.accuracy_weight)
    assert steps <= 90  # 78; Newton's method on a wrong Jacobian takes some 110


# --- whole tokens ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", some(range(8), 3))
def test_whole_tokens_are_the_best_of_all(seed: int) -> None:
    w = varying(boxed(seed), seed)
    best, J = truth.best_whole(w)
    found = cvxtoken.solve_integer(w)
    assert found.exact
    assert found.tokens.tolist() in best
    assert exact(found.certificate.lower) <= J <= exact(found.certificate.upper)
    assert integer_verifier.check(found.certificate.to_document()).startswith("proven")


@pytest.mark.parametrize(("seed", "size", "cells"), [(3, 20, 3), (4, 50, 4)])
def test_whole_tokens_of_many_types_are_exact_in_few_cells(seed: int, size: int, cells: int) -> None:
    """A bound that knows nothing of the deviations would leave more cells, or none that closes."""
    found = cvxtoken.solve_integer(varying(realistic(seed, size), seed - 2 if size == 50 else 0))
    assert found.exact
    assert len(found.certificate.edges) <= cells + 1


def test_the_loss_of_rounding_is_an_identity() -> None:
    for w in RANDOM[:6]:
        centre = cvxtoken.solve(w).tokens
        near = Neighbourhood(w, centre)
        whole = np.floor(centre * 0.9)
        loss = float(near.loss(near.sums(whole).sum(axis=-1)))
        true = float(truth.objective(w, centre) - truth.objective(w, whole))
        assert loss == pytest.approx(true, rel=1e-6, abs=1e-9)


# --- robust and lagged ----------------------------------------------------------------------------------


def test_robust_budgets_are_certified_and_not_beaten() -> None:
    ensemble = cvxtoken.Ensemble([VARYING, varying(BASE, 4).replace(arrival_rate=0.2), BASE])
    found = cvxtoken.solve_robust(ensemble)
    assert found.status == "certified"
    rng = np.random.default_rng(0)
    tried = [found.tokens * rng.uniform(0.8, 1.2, 5) for _ in range(200)]
    assert max(float(ensemble.objectives(l).mean()) for l in tried) <= found.upper
    one = cvxtoken.solve_robust(cvxtoken.Ensemble([VARYING]))
    assert one.objective == pytest.approx(cvxtoken.solve(VARYING).objective, rel=1e-12)


def test_the_witnesses_of_both_count_the_variance() -> None:
    """Their bounds would forgive programs that do not."""
    ensemble = cvxtoken.Ensemble([VARYING, SILENT])
    lagged = cvxtoken.LaggedWorkload(VARYING, np.zeros(5))
    best = cvxtoken.solve_robust(ensemble).objective, cvxtoken.solve(VARYING).objective
    programs = ensemble_program(ensemble), envelope_program(lagged, np.zeros(5, dtype=np.int64))
    for built, J in zip(programs, best, strict=True):
        built.problem.solve(solver="CLARABEL")
        assert built.problem.value == pytest.approx(J, abs=1e-6 * (1 + abs(J)))


def test_lagged_optima_are_the_best_of_a_grid() -> None:
    for seed in range(4):
        w = varying(boxed(2 * seed).replace(max_tokens=20.0), seed)
        lags = np.where(np.arange(len(w)) % 2 == 0, 6.0, 0.0)
        problem = cvxtoken.LaggedWorkload(w, lags)
        found = cvxtoken.solve_lagged(problem)
        assert found.status == "certified"
        rng = np.random.default_rng(seed)
        grid = np.concatenate([rng.uniform(0, 20, (4000, len(w))), np.zeros((1, len(w)))])
        grid = grid[model.idle(w, grid) > 0]
        best = max(float(problem.objective(l)) for l in grid)
        assert best <= found.objective + 1e-9 * (1 + abs(best))
        plain = cvxtoken.solve_lagged(cvxtoken.LaggedWorkload(w, np.zeros(len(w))))
        assert plain.objective == pytest.approx(cvxtoken.solve(w).objective, rel=1e-9)


def test_explain_tells_of_the_deviation() -> None:
    assert "v = (sqrt(pi) t, sqrt(pi) s)" in explain(cvxtoken.solve(VARYING))
    assert "sqrt(pi) s" not in explain(cvxtoken.solve(BASE))
