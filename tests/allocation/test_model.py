from __future__ import annotations

import numpy as np
import pytest

import cvxtoken
from cvxtoken.allocation import model
from cvxtoken.errors import ProblemError, UnstableError
from tests.support import truth
from tests.support.instances import changed, realistic
from tests.support.thorough import some


def stable_tokens(workload: cvxtoken.Workload, seed: int = 0) -> np.ndarray:
    """Random tokens that use half of the idle time there is without any."""
    l = np.random.default_rng(seed).uniform(1, 1000, len(workload))
    thinking = workload.arrival_rate * ((workload.time_per_token * l) @ workload.prior)
    return l * (0.5 * float(workload.idle_at_zero) / thinking)


def test_one_type_by_hand() -> None:
    w = cvxtoken.Workload(
        names=["a"],
        prior=[1],
        accuracy_gain=[0.5],
        saturation_rate=[0.01],
        base_accuracy=[0.25],
        overhead=[0.5],
        time_per_token=[0.005],
        arrival_rate=0.5,
        accuracy_weight=10,
        max_tokens=1000,
    )
    l = np.array([100.0])  # one second of service, an M/D/1 queue at utilisation 1/2
    assert model.service_time(w, l) == pytest.approx([1.0])
    assert model.utilization(w, l) == pytest.approx(0.5, rel=1e-14)
    assert model.mean_wait(w, l) == pytest.approx(0.5)
    assert model.mean_system_time(w, l) == pytest.approx(1.5)
    assert model.accuracy(w, l) == pytest.approx([0.25 + 0.5 * (1 - np.exp(-1))])
    assert model.objective(w, l) == pytest.approx(10 * (0.75 - 0.5 * np.exp(-1)) - 1.5)


@pytest.mark.parametrize("size", [1, 6, 50])
def test_objective_agrees_with_its_definition_in_90_digits(size: int) -> None:
    w = realistic(1, size)
    l = stable_tokens(w)
    expected = float(truth.objective(w, l.tolist()))
    # a few roundings of terms of the size of alpha and E[T]
    assert model.objective(w, l) == pytest.approx(expected, rel=1e-13, abs=1e-13 * w.accuracy_weight)


@pytest.mark.parametrize("size", some([1, 6, 50], 2))
def test_gradient_and_hessian_agree_with_90_digits(size: int) -> None:
    w = realistic(2, size)
    l = stable_tokens(w)
    exact = [truth.exact(x) for x in l.tolist()]
    slope = np.array([float(g) for g in truth.gradient(w, exact)])
    np.testing.assert_allclose(model.gradient(w, l), slope, rtol=1e-10, atol=1e-13 * np.abs(slope).max())

    columns = []
    for k in range(size):  # central differences; in 90 digits their error is about 1e-40
        h = exact[k] * truth.mpf(10) ** -30
        left, right = ([x + sign * h if j == k else x for j, x in enumerate(exact)] for sign in (-1, 1))
        pairs = zip(truth.gradient(w, left), truth.gradient(w, right), strict=True)
        columns.append([float((b - a) / (2 * h)) for a, b in pairs])
    H = model.hessian(w, l)
    scale = np.abs(H.dense()).max()
    np.testing.assert_allclose(H.dense(), np.array(columns).T, rtol=1e-10, atol=1e-13 * scale)
    v = np.random.default_rng(5).normal(size=size)
    np.testing.assert_allclose(H @ v, H.dense() @ v, rtol=1e-12, atol=1e-12 * scale)
    assert np.linalg.eigvalsh(H.dense()).max() < 0, "J is strictly concave"


def test_many_allocations_at_once() -> None:
    w = realistic(3, 6)
    grid = np.linspace(0, 1, 12).reshape(4, 3, 1) * stable_tokens(w)
    values = model.objective(w, grid)
    assert values.shape == (4, 3)
    assert values[2, 1] == pytest.approx(float(model.objective(w, grid[2, 1])), rel=1e-14)
    assert model.gradient(w, grid).shape == (4, 3, 6)


def test_an_unstable_allocation_waits_for_ever() -> None:
    w = realistic(4, 3)
    l = np.full(3, 1e6)
    assert model.mean_wait(w, l) == np.inf
    assert model.objective(w, l) == -np.inf


def test_idle_share_keeps_its_digits_near_full_load() -> None:
    w = changed(realistic(5, 6), 1 - 1e-9)
    l = stable_tokens(w)
    pi, _, _, _, t0, c, _, _ = truth.columns(w)
    mean = sum(pi[k] * (t0[k] + c[k] * truth.exact(l[k])) for k in range(6))
    exact = float(1 - truth.exact(w.arrival_rate) * mean)
    assert float(model.idle(w, l)) == pytest.approx(exact, rel=1e-14)


@pytest.mark.parametrize("size", [2, 256, 257, 20_000])
@pytest.mark.parametrize("utilization", [0.3, 0.98, 0.99, 1 - 1e-9, 1 + 1e-9, 7.0])
def test_idle_share_without_tokens_is_exact_where_it_is_small(size: int, utilization: float) -> None:
    w = changed(realistic(5, size), utilization)
    exact = float(w.idle_at_zero)
    digits = 1e-15 if size <= 256 or exact < 1 / 64 else 1e-12
    assert model.idle_at_zero(w) == pytest.approx(exact, rel=digits)
    if exact > 0:
        model.require_stable(w)
    else:
        with pytest.raises(UnstableError):
            model.require_stable(w)


def test_infeasibility_is_decided_exactly() -> None:
    w = cvxtoken.load("qwen3-8b").replace(overhead=[0.5] * 5, prior=[0.25, 0.25, 0.25, 0.125, 0.125])
    with pytest.raises(UnstableError, match=r"arrival_rate is 2\.0 /s.*utilisation is 1, 0 over the limit"):
        model.require_stable(w.replace(arrival_rate=2.0))
    model.require_stable(w.replace(arrival_rate=np.nextafter(2.0, 0)))
    with pytest.raises(UnstableError) as caught:
        cvxtoken.solve(w.replace(arrival_rate=3.7))
    largest = float(str(caught.value).split("rate is ")[-1].split()[0])
    assert largest == np.nextafter(2.0, 0)


def test_infeasibility_beyond_float64_is_told_too() -> None:
    w = realistic(1, 2).replace(overhead=[1e200, 1e200], arrival_rate=1e300)
    with pytest.raises(UnstableError, match=r"utilisation is 1\.0+e\+500"):
        cvxtoken.solve(w)


@pytest.mark.parametrize(
    ("tokens", "message"),
    [([1.0], "shape"), (["x", 1], "list of numbers"), ([-1, 0], "'task 0' is -1"), ([0, 1e9], "'task 1' is")],
)
def test_checked_tokens(tokens: list[float], message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        model.checked_tokens(realistic(1, 2), tokens)
