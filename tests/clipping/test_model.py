from __future__ import annotations

import math

import numpy as np
import pytest

from cvxtoken.clipping import model
from cvxtoken.clipping.problem import ClippingProblem, default_problem
from cvxtoken.lengths import LengthDistribution
from tests.support.thorough import some


def small(seed: int, types: int = 1, **fields: object) -> ClippingProblem:
    rng = np.random.default_rng(seed)
    lengths = [LengthDistribution(rng.dirichlet(np.full(rng.integers(3, 30), 0.5))) for _ in range(types)]
    shares = rng.dirichlet(np.full(types, 3.0))
    longest = sum(share * len(item) for share, item in zip(shares, lengths, strict=True))
    a, c = rng.uniform(0.01, 1), rng.choice([0.0, 0.7])
    rate = rng.uniform(0.2, 1.1) / (a * longest + c)
    data = {"utility_weight": rng.uniform(0.3, 0.99)} | fields
    return ClippingProblem(
        lengths=lengths, shares=shares, time_per_token=a, overhead=c, arrival_rate=rate, **data
    )


def test_the_papers_setting() -> None:
    p = default_problem()
    found = model.moments(p)
    waits = model.mean_wait(p, found)
    at = {n: round(float(waits[n - 1]), 2) for n in (800, 1000, 1600, 2400, 3000)}
    assert at == {800: 5.65, 1000: 9.01, 1600: 22.34, 2400: 42.31, 3000: 55.37}
    assert found.u[1599] == pytest.approx(0.705, abs=5e-4)


@pytest.mark.parametrize("seed", some(range(20), 7))
def test_moments_are_the_expectations(seed: int) -> None:
    p = small(seed)
    (d,) = p.types
    n = np.arange(1, len(d) + 1)
    found = model.moments(p)
    for limit in n:
        times = p.time_per_token * np.minimum(n, limit) + p.overhead
        assert found.s1[limit - 1] == pytest.approx(d.probabilities @ times, rel=1e-12)
        assert found.s2[limit - 1] == pytest.approx(d.probabilities @ times**2, rel=1e-12)
        assert found.u[limit - 1] == pytest.approx(d.probabilities @ (n <= limit), abs=1e-12)


def test_utilities() -> None:
    p = small(3)
    (d,) = p.types
    n = np.arange(1, len(d) + 1)
    tokens = model.utility(p.replace(utility="share_tokens"))
    table = model.utility(p.replace(utility=np.sqrt(n)))
    function = model.utility(p.replace(utility=np.sqrt))
    for limit in n:
        kept = np.minimum(n, limit)
        assert tokens[limit - 1] == pytest.approx(d.probabilities @ kept / (d.probabilities @ n))
        assert table[limit - 1] == pytest.approx(d.probabilities @ np.sqrt(kept))
    assert function.tolist() == table.tolist()


@pytest.mark.parametrize(
    ("limit", "loss", "wait"), [(1300, 0.108, 22.1), (1600, 0.160, 24.5), (3000, 0.270, 26.9)]
)
def test_impatient_requests_in_the_papers_setting(limit: int, loss: float, wait: float) -> None:
    found = model.impatience(default_problem().replace(arrival_rate=1 / 25, patience=60.0), np.array([limit]))
    assert found.loss == pytest.approx(loss, abs=0.002)
    assert found.wait_of_served == pytest.approx(wait, abs=0.05)
    assert found.mean_wait == pytest.approx(60 * found.loss + found.wait_of_served * (1 - found.loss))


def test_interpolation_is_the_papers() -> None:
    """With constants fitted to the two percentages that the paper prints (56.36 % and about 0.12)."""
    p = default_problem().replace(arrival_rate=1 / 25, patience=60.0, time_per_token=0.0219, overhead=1.4)
    small_limit, large = (model.impatience(p, np.array([n])).interpolated for n in (1300, 3000))
    assert small_limit == pytest.approx(0.119, abs=5e-4)
    assert 1 - small_limit / large == pytest.approx(0.5635, abs=1e-4)


@pytest.mark.parametrize("rho", [0.5, 1.0, 1.7])
def test_constant_service_has_the_known_loss(rho: float) -> None:
    """M/D/1+D: H(x) = sum_k (rho (k s - x) / s)^k e^(rho (x - k s) / s) / k! over k s <= x, by transforms."""
    s, tau = 2.0, 7.3
    p = ClippingProblem(
        lengths=LengthDistribution([0, 1.0]), time_per_token=1.0, arrival_rate=rho / s, patience=tau
    )
    lam = rho / s
    H = sum(
        (lam * (k * s - tau)) ** k * math.exp(lam * (tau - k * s)) / math.factorial(k)
        for k in range(int(tau // s) + 1)
    )
    found = model.impatience(p, np.array([2]))
    assert found.loss == pytest.approx(1 - H / (1 + rho * H), abs=2e-6)
    assert found.interpolated == pytest.approx(found.loss, abs=1e-12), "cv^2 = 0"


def test_exponential_service_has_the_known_loss() -> None:
    """A fine geometric distribution is nearly exponential."""
    for rho in (0.6, 1.0, 1.4):
        p = ClippingProblem(
            lengths=LengthDistribution.geometric(2000, 60_000),
            time_per_token=1e-3,
            arrival_rate=rho / 2,
            patience=5.0,
        )
        found = model.impatience(p, np.array([60_000]))
        assert found.loss == pytest.approx(model._exponential_loss(rho / 2, 2.0, 5.0), abs=3e-4)


def test_partial_moments_of_the_service_time() -> None:
    p = small(5, types=2)
    limits = np.array([2, 3])
    y = np.array([0.0, 0.1, p.time_per_token + p.overhead, 2.2 * p.time_per_token, 50.0])
    one, two = model._partial_moments(p, limits, y)
    for place, at in enumerate(y):
        first = second = 0.0
        for share, d, limit in zip(p.shares, p.types, limits, strict=True):
            times = p.time_per_token * np.minimum(np.arange(1, len(d) + 1), limit) + p.overhead
            first += share * float(d.probabilities @ np.minimum(times, at))
            second += share * float(d.probabilities @ np.minimum(times, at) ** 2)
        assert one[place] == pytest.approx(first, rel=1e-12)
        assert two[place] == pytest.approx(second, rel=1e-12)
