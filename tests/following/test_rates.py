from __future__ import annotations

import numpy as np
import pytest

from cvxtoken.following.rates import Decay, Memory, Window
from tests.following.data import arrivals, pair

KINDS = {"decay": lambda w: Decay(w, 0.0, 300.0), "window": lambda w: Window(w, 0.0, 900.0)}


@pytest.mark.parametrize("kind", KINDS)
def test_estimates_are_near_the_truth_and_their_variances_are_right(kind: str) -> None:
    """Means and variances of 200 estimates: within 4.8 standard errors, missed once in a million."""
    w, found, said = pair(), [], []
    for seed in range(200):
        memory: Memory = KINDS[kind](w)
        for time, place in zip(*arrivals(seed, [0.5], 4000.0), strict=True):
            memory.add(time, place)
        estimate = memory.estimate(4000.0)
        found.append(estimate.rates)
        said.append(estimate.variances)
    truth, variance = np.array([0.35, 0.15]), np.var(found, axis=0, ddof=1)
    # one arrival of the first rate draws the mean to it by less than 1 in 200
    assert np.abs(np.mean(found, axis=0) - truth) == pytest.approx(
        0, abs=float(4.8 * np.sqrt(variance.max() / 200) + 0.002)
    )
    assert np.mean(said, axis=0) == pytest.approx(variance, rel=4.8 * np.sqrt(2 / 199))


@pytest.mark.parametrize("kind", KINDS)
def test_formulas(kind: str) -> None:
    w = pair()
    memory: Memory = KINDS[kind](w)
    assert memory.estimate(0.0).rates == pytest.approx(w.arrival_rate * w.prior)
    assert memory.estimate(0.0).variances.tolist() == [0.0, 0.0]
    for time, place in ((10.0, 0), (400.0, 1), (350.0, 0), (600.0, 0)):  # one comes late
        memory.add(time, place)
    now, ages = 1200.0, np.array([[1190.0, 850.0, 600.0], [800.0, np.inf, np.inf]])
    if kind == "decay":
        weights = 0.5 ** (ages / 300)
        grid = (np.arange(120_000) + 0.5) / 100
        W, W2 = (float((0.5 ** (power * grid / 300)).sum() / 100) for power in (1, 2))
    else:
        weights = (ages < 900).astype(float)
        W = W2 = 900.0
    estimate = memory.estimate(now)
    rates = (weights.sum(axis=1) + w.prior) / (W + 1 / w.arrival_rate)
    assert estimate.rates == pytest.approx(rates, rel=1e-6)
    assert estimate.variances == pytest.approx(rates * W2 / (W + 1 / w.arrival_rate) ** 2, rel=1e-6)
    assert estimate.arrival_rate == pytest.approx(rates.sum())
    assert estimate.prior == pytest.approx(rates / rates.sum())


@pytest.mark.parametrize("kind", KINDS)
def test_a_silence_is_seen(kind: str) -> None:
    memory: Memory = KINDS[kind](pair())
    for time in range(1000):
        memory.add(float(time), 0)
    assert memory.estimate(1000.0).rates[0] == pytest.approx(1, rel=0.02)
    assert memory.estimate(1e5).arrival_rate < 0.01
    assert memory.estimate(1e5).rates.min() > 0
