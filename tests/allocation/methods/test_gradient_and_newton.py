from __future__ import annotations

import numpy as np
import pytest

import cvxtoken
from cvxtoken import projected_gradient, step_size_bound
from cvxtoken.allocation import model
from cvxtoken.allocation.methods.newton import newton_direction
from cvxtoken.allocation.methods.projected_gradient import ProjectedGradient
from tests.allocation.methods.test_methods import random_start
from tests.support.instances import changed, realistic, stress, varying
from tests.support.thorough import some

INSTANCES = [realistic(seed, size) for seed in range(6) for size in (1, 6)] + [w for _, w in stress((6,))][:8]
INSTANCES += [varying(w, seed) for seed, w in enumerate(INSTANCES[:6])]


@pytest.mark.parametrize("number", some(range(len(INSTANCES)), 7))
def test_step_size_bounds_the_curvature_of_the_whole_sublevel_set(number: int) -> None:
    w = INSTANCES[number]
    start = random_start(w, number)
    L = 1 / step_size_bound(w, start)
    floor = float(model.objective(w, start))
    best = cvxtoken.solve(w).tokens
    rng = np.random.default_rng(number)
    checked = 0
    for _ in range(300):  # towards the edge of the set, from the optimum and from the start
        towards = random_start(w, int(rng.integers(1 << 30)))
        point = (best if rng.random() < 0.5 else start) * (s := rng.random()) + (1 - s) * towards
        if model.idle(w, point) > 0 and float(model.objective(w, point)) >= floor:
            assert np.abs(np.linalg.eigvalsh(model.hessian(w, point).dense())).max() <= L
            checked += 1
    assert checked > 0


def test_step_size_where_every_allocation_is_stable_and_where_not() -> None:
    w = cvxtoken.load("qwen3-8b")
    assert float(model.utilization(w, w.max_tokens)) > 1
    light = w.replace(arrival_rate=0.01)
    assert float(model.utilization(light, light.max_tokens)) < 1
    assert step_size_bound(light) > step_size_bound(w) > 0
    # the box alone already gives the largest row sum at l_max
    H = model.hessian(light, light.max_tokens).dense()
    curvature = np.max(light.accuracy_weight * light.prior * light.accuracy_gain * light.saturation_rate**2)
    assert 1 / step_size_bound(light) <= 1.01 * (curvature + np.abs(H).sum(axis=1).max())


@pytest.mark.parametrize("rule", ["constant", "backtracking"])
@pytest.mark.parametrize("number", some(range(len(INSTANCES)), 7))
def test_objective_never_falls(rule: str, number: int) -> None:
    w = INSTANCES[number]
    result = projected_gradient(w, start=random_start(w, number), rule=rule, max_iterations=200)
    values = np.array(result.trace.objectives)
    rounding = 1e-13 * (w.accuracy_weight + np.abs(values[:-1]))
    assert (np.diff(values) >= -rounding).all()


@pytest.mark.parametrize("number", some(range(len(INSTANCES)), 7))
def test_acceleration_stays_in_the_sublevel_set_of_the_start(number: int) -> None:
    w = INSTANCES[number]
    start = random_start(w, number)
    method = ProjectedGradient(w, "accelerated", step_size_bound(w, start))
    state = method.start(start)
    floor = float(model.objective(w, start))
    momenta = set()
    for _ in range(150):
        state = method.step(state)
        momenta.add(state.momentum)
        assert float(model.objective(w, state.point)) >= floor
        assert state.objective >= floor - method.noise(floor)
    assert len(momenta) > 2, "momentum is used"


def test_acceleration_and_backtracking_pay() -> None:
    w = cvxtoken.load("qwen3-8b").replace(arrival_rate=0.5, accuracy_weight=100)
    steps = {
        rule: projected_gradient(w, rule=rule, max_iterations=500) for rule in ("backtracking", "accelerated")
    }
    assert all(result.converged for result in steps.values())
    assert steps["accelerated"].iterations < steps["backtracking"].iterations
    constant = projected_gradient(w, max_iterations=500)
    assert not constant.converged
    assert constant.outcome.startswith("Reached the limit of 500 iterations")


def test_constant_step_converges_on_the_default_workload() -> None:
    result = projected_gradient(cvxtoken.load("qwen3-8b"))
    assert result.converged
    assert 5000 < result.iterations < 12_000


@pytest.mark.parametrize("seed", some(range(5), 2))
def test_newton_direction_solves_the_dense_system(seed: int) -> None:
    w = realistic(seed, 8)
    l = random_start(w, seed)
    H, slope = model.hessian(w, l), model.gradient(w, l)
    free = np.random.default_rng(seed).random(8) < 0.7
    direction = newton_direction(H, slope, free)
    assert (direction[~free] == 0).all()
    dense = H.dense()[np.ix_(free, free)]
    np.testing.assert_allclose(direction[free], -np.linalg.solve(dense, slope[free]), rtol=1e-8)


@pytest.mark.parametrize("size", [1, 6])
@pytest.mark.parametrize("left", [0.5, 1e-3, 1e-5])
def test_newton_leaves_the_edge_of_the_stability_region(size: int, left: float) -> None:
    """There Woodbury's identity loses the direction to cancellation; steps along what is left go nowhere."""
    w = changed(realistic(1000, size), 1 - 1e-6, accuracy_weight=30.0)
    share = (1 - left) * float(w.idle_at_zero) / (w.arrival_rate * float(w.time_per_token @ w.prior))
    result = cvxtoken.newton(w, start=np.full(size, share))
    assert result.converged
    assert result.certificate.relative_gap <= 1e-12
    # 2 to 18 on every processor tried; steps of rounding alone took from 120 to more than 500
    assert result.iterations <= 50
