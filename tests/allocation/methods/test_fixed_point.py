from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import cvxtoken
from cvxtoken import ProblemError, contraction_at, contraction_bound, fixed_point, spectral_radius_at
from cvxtoken.allocation import model
from cvxtoken.allocation.methods import contraction
from cvxtoken.allocation.methods.fixed_point import _gauss_seidel
from tests.support.instances import changed, realistic
from tests.support.thorough import some


def at(rate: float, weight: float) -> cvxtoken.Workload:
    return cvxtoken.load("qwen3-8b").replace(arrival_rate=rate, accuracy_weight=weight)


def test_light_load_contracts() -> None:
    w = at(0.01, 30)
    result = fixed_point(w)
    assert result.converged
    best = cvxtoken.solve(w).tokens
    assert contraction_at(w, best) == pytest.approx(0.0896, abs=1e-4)
    assert spectral_radius_at(w, best) == pytest.approx(0.084, abs=5e-4)
    assert contraction_bound(w).value == pytest.approx(0.0962, abs=1e-4)


def test_medium_load_is_a_two_cycle_that_damping_breaks() -> None:
    w = at(0.1, 30)
    result = fixed_point(w)
    assert not result.converged
    assert result.outcome.startswith("Two-cycle")
    best = cvxtoken.solve(w).tokens
    assert contraction_at(w, best) == pytest.approx(1.355, abs=5e-4)
    assert spectral_radius_at(w, best) == pytest.approx(1.052, abs=5e-4)
    for damping in (0.3, 0.5, 0.9):
        assert fixed_point(w, damping=damping).converged


def test_a_sup_norm_above_one_may_still_converge() -> None:
    w = at(0.095, 30)
    best = cvxtoken.solve(w).tokens
    assert contraction_at(w, best) == pytest.approx(1.27, abs=5e-3)
    assert spectral_radius_at(w, best) < 1
    assert fixed_point(w).converged


def test_heavy_load_leaves_the_stability_region() -> None:
    w = at(0.5, 100)
    result = fixed_point(w)
    assert not result.converged
    assert result.outcome == "Left the stability region: an iterate has utilisation 4.836, not below 1."
    bound = contraction_bound(w)
    assert bound.value is None
    assert "not defined on all of [0, u]" in bound.reason


def test_divergence_is_named() -> None:
    w = at(0.1, 30)
    best = cvxtoken.solve(w).tokens
    result = fixed_point(w, start=best * (1 + 1e-4), max_iterations=40)
    assert result.outcome.startswith("Diverges: the steps grow. Reached the limit of 40")


@pytest.mark.parametrize(("rate", "weight"), [(0.01, 30), (0.1, 30), (0.095, 30), (0.5, 100)])
def test_iterates_from_zero_bracket_the_optimum(rate: float, weight: float) -> None:
    w = at(rate, weight)
    result = fixed_point(w)
    assert result.bracket is not None
    lower, upper = result.bracket
    best = cvxtoken.solve(w).tokens
    rounding = 1e-9
    assert (lower <= best + rounding).all()
    assert (best <= upper + rounding).all()
    if result.converged:
        assert (upper - lower).max() < 1
    assert fixed_point(w, damping=0.5).bracket is None
    assert fixed_point(w, start=best).bracket is None


@pytest.mark.parametrize("seed", some(range(12), 3))
def test_proven_rate_holds_on_contractive_workloads(seed: int) -> None:
    """From any start in [0, u] the error falls at least by the bound at each step, in the sup norm."""
    rng = np.random.default_rng(seed)
    w = changed(realistic(seed, int(rng.integers(1, 8))), 0.02)
    while True:
        q = contraction_bound(w).value
        if q is not None and q < 1:
            break
        w = w.replace(arrival_rate=w.arrival_rate / 2)
    best = cvxtoken.solve(w).tokens
    u = model.upper_bounds(w)
    result = fixed_point(w, start=rng.uniform(0, 1, len(w)) * u)
    assert result.converged
    errors = [float(np.abs(tokens - best).max()) for tokens in result.trace.tokens]
    for before, after in pairwise(errors):
        assert after <= q * before + 1e-9  # rounding of tokens of order 1e4
    for _ in range(20):  # the bound is a Lipschitz constant on the whole box
        a, b = rng.uniform(0, 1, (2, len(w))) * u
        change = np.abs(model.answer(w, a) - model.answer(w, b)).max()
        assert change <= q * np.abs(a - b).max() + 1e-9


@pytest.mark.parametrize("size", [1, 6, 50])
def test_jacobian_agrees_with_differences(size: int) -> None:
    w = realistic(31, size)
    l = 0.7 * cvxtoken.solve(w).tokens + 0.01
    J = np.empty((size, size))
    for k in range(size):
        h = np.zeros(size)
        h[k] = 1e-5 * l[k] + 1e-4
        J[:, k] = (model.answer(w, l + h) - model.answer(w, l - h)) / (2 * h[k])
    assert contraction_at(w, l) == pytest.approx(np.abs(J).sum(axis=1).max(), rel=1e-5)
    assert spectral_radius_at(w, l) == pytest.approx(np.abs(np.linalg.eigvals(J)).max(), rel=1e-5)


def test_spectral_radius_of_many_types_agrees_with_the_dense_one(monkeypatch: pytest.MonkeyPatch) -> None:
    w = realistic(32, 150)
    l = 0.7 * cvxtoken.solve(w).tokens
    dense = spectral_radius_at(w, l)
    monkeypatch.setattr(contraction, "_DENSE", 10)
    assert spectral_radius_at(w, l) == pytest.approx(dense, rel=1e-9)


def test_gauss_seidel_is_one_type_after_the_other() -> None:
    w = realistic(33, 6).replace(arrival_rate=0.2)
    l = 0.5 * cvxtoken.solve(w).tokens
    expected = l.copy()
    for k in range(6):
        expected[k] = model.answer(w, expected)[k]
    np.testing.assert_allclose(_gauss_seidel(w, l), expected, rtol=1e-12)


def test_jacobian_outside_the_region_is_refused() -> None:
    w = at(0.1, 30)
    with pytest.raises(ProblemError, match="must be below 1"):
        contraction_at(w, w.max_tokens)
    with pytest.raises(ProblemError, match="must be from 0"):
        spectral_radius_at(w, -w.max_tokens)
