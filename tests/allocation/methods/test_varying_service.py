"""The constants of the paper's methods where service times vary, against differences and sampled points."""

from __future__ import annotations

import numpy as np
import pytest

import cvxtoken
from cvxtoken import contraction_at, contraction_bound, spectral_radius_at, step_size_bound
from cvxtoken.allocation import model
from tests.support.instances import realistic, varying

LIGHT = varying(cvxtoken.load("qwen3-8b").replace(arrival_rate=0.02, max_tokens=4000))
WILD = [
    realistic(seed, 3).replace(accuracy_weight=1.0, max_tokens=300.0, deviation=d, deviation_per_token=s)
    for seed in range(4)
    for d, s in ((0.0, 0.1), (5.0, 0.1), (5.0, 0.0))
]


@pytest.mark.parametrize("w", [LIGHT, LIGHT.replace(deviation=0.0, deviation_per_token=0.003)])
def test_the_jacobian_of_the_map(w: cvxtoken.Workload) -> None:
    l = cvxtoken.solve(w).tokens
    columns = [(model.answer(w, l + d) - model.answer(w, l - d)) / 0.02 for d in 0.01 * np.eye(5)]
    J = np.array(columns).T
    assert contraction_at(w, l) == pytest.approx(np.abs(J).sum(axis=1).max(), rel=1e-5)
    assert spectral_radius_at(w, l) == pytest.approx(np.abs(np.linalg.eigvals(J)).max(), rel=1e-5)
    bound = contraction_bound(w).value
    assert bound is not None
    u = model.upper_bounds(w)
    corner = model.idle(w, u) > 0
    assert corner
    points = np.random.default_rng(0).uniform(0, 1, (200, 5)) * u
    assert max(contraction_at(w, point) for point in points) <= bound


def test_the_bound_of_the_map_is_nearly_reached_where_the_variance_rules() -> None:
    """One type, c tiny: the diagonal of the bound is all that is left, and its share must be there."""
    w = cvxtoken.Workload(
        names=["a"],
        prior=[1.0],
        accuracy_gain=[0.5],
        saturation_rate=[0.01],
        base_accuracy=[0.0],
        overhead=[0.1],
        time_per_token=[1e-6],
        max_tokens=1000.0,
        deviation_per_token=[1e-3],
        arrival_rate=0.1,
        accuracy_weight=1.0,
    )
    bound = contraction_bound(w).value or 0.0
    u = model.upper_bounds(w)
    slope = float((model.answer(w, u / 1e3) - model.answer(w, np.zeros(1)))[0] / (u[0] / 1e3))
    assert abs(slope) <= bound


@pytest.mark.parametrize("w", WILD)
def test_the_step_size_bounds_the_curvature(w: cvxtoken.Workload) -> None:
    """Wherever J is at least J at the start; with deviations of a hundred times the means at low loads."""
    L = 1 / step_size_bound(w)
    floor = float(model.objective(w, np.zeros(3)))
    rng = np.random.default_rng(1)
    checked = 0
    for l in np.concatenate([rng.uniform(0, 1, (300, 3)) ** 3 * w.max_tokens, np.zeros((1, 3))]):
        if model.idle(w, l) > 0 and float(model.objective(w, l)) >= floor:
            assert np.abs(np.linalg.eigvalsh(model.hessian(w, l).dense())).max() <= L
            checked += 1
    assert checked > 0
