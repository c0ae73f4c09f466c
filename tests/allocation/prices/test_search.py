from __future__ import annotations

import numpy as np
import pytest

import cvxtoken
from cvxtoken.allocation import model
from cvxtoken.allocation.prices import search as prices
from cvxtoken.allocation.prices.columns import Columns
from cvxtoken.allocation.prices.gap import appraise
from tests.support.instances import realistic, stress, varying
from tests.support.prices import best_response
from tests.support.thorough import some

STRESS = list(stress((1, 6, 50)))


@pytest.mark.parametrize("theta", [1e-6, 0.3, 1e6])
@pytest.mark.parametrize("p", [1.0, 50.0, 1e9])
def test_best_response_is_the_clipped_root(theta: float, p: float) -> None:
    w = realistic(8, 50)
    l, free = best_response(w, theta, p)
    benefit = w.accuracy_weight * w.accuracy_gain * w.saturation_rate * np.exp(-w.saturation_rate * l)
    cost = w.time_per_token * (p + theta * model.service_time(w, l))
    np.testing.assert_allclose(benefit[free], cost[free], rtol=1e-12)
    assert (benefit[l == 0] <= cost[l == 0]).all()
    assert (benefit[l == w.max_tokens] >= cost[l == w.max_tokens]).all()
    assert (free == ((l > 0) & (l < w.max_tokens))).all()


@pytest.mark.parametrize("seed", some(range(5), 2))
def test_newton_step_is_that_of_the_residuals(seed: int) -> None:
    w = realistic(seed, 6).replace(arrival_rate=0.2)
    u, v = np.random.default_rng(seed).uniform(-1, 1, 2)
    step = prices.evaluate(w, u, v).step
    h = 1e-6
    jacobian = np.empty((2, 2))
    for column, (du, dv) in enumerate([(h, 0), (0, h)]):
        right, left = prices.evaluate(w, u + du, v + dv).step, prices.evaluate(w, u - du, v - dv).step
        jacobian[:, column] = [
            (right.idle_residual - left.idle_residual) / (2 * h),
            (right.price_residual - left.price_residual) / (2 * h),
        ]
    expected = np.linalg.solve(jacobian, [-step.idle_residual, -step.price_residual])
    np.testing.assert_allclose([step.log_theta, step.log_p], expected, rtol=1e-5)


@pytest.mark.parametrize(("name", "w"), STRESS)
def test_search_ends_at_consistent_prices(name: str, w: cvxtoken.Workload) -> None:
    points = list(prices.price_path(w))
    assert len(points) <= 80  # 46 is the most seen on 1000 instances; each is one pass over the types
    last = points[-1]
    assert last.error <= 1e-9
    idle = float(model.idle(w, last.tokens))
    assert idle > 0
    assert np.log(w.arrival_rate / idle) == pytest.approx(last.log_theta, abs=1e-7)  # y cancels at 1e-9


def test_search_does_not_depend_on_its_start() -> None:
    w = realistic(9, 50)
    best = float(model.objective(w, prices.solve_prices(w)))
    rng = np.random.default_rng(0)
    for _ in range(20):
        start = rng.uniform(0, w.max_tokens)
        start *= 0.99 * float(w.idle_at_zero) / (w.arrival_rate * ((w.time_per_token * start) @ w.prior))
        tokens = prices.solve_prices(w, np.minimum(start, w.max_tokens))
        assert float(model.objective(w, tokens)) == pytest.approx(best, rel=1e-14)


@pytest.mark.parametrize(("name", "w"), STRESS[::5])
def test_bisection_alone_finds_the_prices(
    name: str, w: cvxtoken.Workload, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The globally convergent part without Newton's help: the signs of the residuals suffice."""
    expected = float(model.objective(w, prices.solve_prices(w)))
    monkeypatch.setattr(prices, "REACH", 0.0)
    found = float(model.objective(w, prices.solve_prices(w)))
    assert found == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("size", [1, 2])
def test_any_start_leads_to_the_certified_optimum(size: int) -> None:
    """Few types give the hardest prices: a type that barely thinks makes the residuals kink."""
    rng = np.random.default_rng(size)
    for seed in [1224, *range(300)]:
        w = realistic(seed, size)
        start = np.minimum(rng.uniform(0, 1, size) * 10.0 ** rng.uniform(-3, 3), w.max_tokens)
        tokens = prices.solve_prices(w, start if model.idle(w, start) > 0 else None)
        assert cvxtoken.certify(w, tokens).relative_gap < 1e-20, seed


@pytest.mark.parametrize("kind", ["times vary", "batching", "near the edge", "beyond single precision"])
def test_two_passes_over_very_many_types_are_mostly_enough(kind: str) -> None:
    w = realistic(6, 70_000)
    if kind == "times vary":
        w = varying(w, 1)
    elif kind == "batching":
        w = w.replace(server=cvxtoken.Sharing(0.02))
    elif kind == "near the edge":
        w = w.replace(arrival_rate=w.arrival_rate * (1 - 1e-5) / (1 - model.idle_at_zero(w)))
    else:
        w = w.replace(saturation_rate=w.saturation_rate * 1e-42, max_tokens=1e3)
    first = next(prices.price_path(w))
    gap = float(appraise(first.columns, first.tokens).relative_gap)
    assert gap <= (1e-12 if kind != "beyond single precision" else 1.0)
    *_, last = prices.price_path(w)
    assert float(appraise(last.columns, last.tokens).relative_gap) <= 1e-14


def test_a_sample_tells_the_first_prices_of_very_many_types() -> None:
    w = realistic(4, 80_000)
    columns = Columns.of(w)
    sample = columns.sample(16_384)
    assert sample.prior.sum() == pytest.approx(1, rel=1e-12)
    assert len(sample.prior) == 20_000
    points = list(prices.price_path(w))
    assert points[0].error <= 1e-8
    assert len(points) <= 5
    alone = list(prices.price_path(w, np.zeros(len(w))))
    assert points[-1].log_theta == pytest.approx(alone[-1].log_theta, abs=1e-12)
