from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from cvxtoken import UnstableError
from cvxtoken.batching import (
    BatchingProblem,
    BatchTime,
    default_problem,
    delays,
    delays_without_limit,
    inoue_approximation,
    inoue_bound,
)
from cvxtoken.batching.model import batch, bulk_queue, largest_rate
from cvxtoken.batching.problem import DISCIPLINES
from cvxtoken.batching.simulation import elastic_stays
from cvxtoken.lengths import LengthDistribution
from cvxtoken.queueing import pollaczek_khinchine

V100 = (0.1438e-3, 1.8874e-3)  # alpha and tau0 in s, arXiv 1912.06322


def v100(rho: float, largest: int = 400) -> BatchingProblem:
    alpha, tau0 = V100
    return BatchingProblem(
        lengths=LengthDistribution([1.0]),
        batch_time=BatchTime(alpha, tau0, 0.0, 0.0),
        arrival_rate=rho / alpha,
        max_batch=largest,
    )


@pytest.mark.parametrize(
    ("rho", "ms"), [(0.3, 4.225), (0.5, 5.902), (0.7, 9.818), (0.8, 14.715), (0.9, 29.408)]
)
def test_inoue_v100(rho: float, ms: float) -> None:
    found = delays(v100(rho))
    assert round(1e3 * found.mean_system_time, 3) == ms
    assert found.tail < 1e-12
    bound = inoue_bound(*V100, rho / V100[0])
    assert bound >= found.mean_system_time * (1 - 1e-9)
    # Inoue's own form of the mean, from the moments of the batch size
    b = np.arange(1, len(found.batch_sizes) + 1)
    sizes = found.batch_sizes / found.batch_sizes.sum()
    mean, square = float(sizes @ b), float(sizes @ b**2)
    alpha, tau0 = V100
    lam = rho / alpha
    T = alpha + tau0 + (1 + 2 * lam * alpha) * (square - mean) / (2 * lam * mean)
    assert found.mean_system_time == pytest.approx(T, rel=1e-9)


@pytest.mark.parametrize("discipline", DISCIPLINES)
@pytest.mark.parametrize("rho", [0.2, 0.7, 0.95])
def test_one_request_a_batch_is_the_mg1_queue(discipline: str, rho: float) -> None:
    p = default_problem().replace(lengths=LengthDistribution.lognormal(4, 0.6, 1500))
    times = p.batch_time(1, np.arange(1.0, 1501))  # type: ignore[operator]
    s1, s2 = (float(p.lengths.probabilities @ times**k) for k in (1, 2))
    p = p.replace(arrival_rate=rho / s1)
    found = delays(p, discipline, 1)
    wait = float(pollaczek_khinchine(p.arrival_rate, s2, 1 - rho))
    assert found.mean_wait == pytest.approx(wait, rel=1e-9)
    assert found.mean_system_time == pytest.approx(wait + s1, rel=1e-9)
    assert found.utilization == pytest.approx(rho, rel=1e-9)


def small(rate: float = 0.4) -> BatchingProblem:
    lengths = LengthDistribution([0.5, 0.0, 0.3, 0.2])
    return BatchingProblem(
        lengths=lengths, batch_time=BatchTime(0.1, 0.3, 0.05, 0.4), arrival_rate=rate, max_batch=3
    )


@pytest.mark.parametrize("discipline", ["dynamic", "elastic"])
@pytest.mark.parametrize("b", [1, 2, 3])
def test_batches_agree_with_enumeration(discipline: str, b: int) -> None:
    p = small()
    k, probabilities = p.linear, p.lengths.probabilities
    mean = square = stay = 0.0
    arrivals = np.zeros(6)
    for combination in itertools.product(range(1, 5), repeat=b):
        weight = math.prod(float(probabilities[n - 1]) for n in combination)
        lengths = np.array(combination, dtype=float)
        if discipline == "dynamic":
            duration = k.k1 * b + k.k2 + (k.k3 * b + k.k4) * lengths.max()
            stays = np.full(b, duration)
        else:  # the definition, token by token
            stays, clock = np.zeros(b), k.k1 * b + k.k2
            for token in range(1, int(lengths.max()) + 1):
                clock += k.k3 * int((lengths >= token).sum()) + k.k4
                stays[lengths == token] = clock
            duration = clock
            assert elastic_stays(k, lengths)[0] == pytest.approx(stays)
        mean, square = mean + weight * duration, square + weight * duration**2
        stay += weight * stays.mean()
        x = p.arrival_rate * duration
        arrivals += weight * np.array([math.exp(-x) * x**j / math.factorial(j) for j in range(6)])
    found = batch(p, discipline, b)
    assert (found.mean, found.square, found.stay) == pytest.approx((mean, square, stay), rel=1e-12)
    assert found.arrivals[:6] == pytest.approx(arrivals, abs=1e-14)
    assert found.arrivals.sum() == pytest.approx(1, abs=1e-11)


@pytest.mark.parametrize("least", [1, 3])
def test_the_chain_agrees_with_a_dense_one(least: int) -> None:
    p = small()
    batches = [batch(p, "dynamic", b) for b in range(least, 4)]
    found = bulk_queue(p.arrival_rate, batches)
    size, lam = 300, p.arrival_rate
    P = np.zeros((size, size))
    for x in range(size):
        b = min(max(x, least), 3)
        for j, value in enumerate(batches[b - least].arrivals):
            P[x, min(max(x - b, 0) + j, size - 1)] += value
    X = np.linalg.matrix_power(P, 4096)[0]
    X /= X.sum()
    b = np.clip(np.arange(size), least, 3)
    H, H2 = (np.array([getattr(batches[k - least], f) for k in b]) for f in ("mean", "square"))
    cycle = float(X @ (np.maximum(least - np.arange(size), 0) / lam + H))
    forming = [sum(range(x, least)) / lam for x in range(size)]
    wait = float(X @ (forming + np.maximum(np.arange(size) - b, 0) * H + lam * H2 / 2)) / (lam * cycle)
    assert found.mean_wait == pytest.approx(wait, rel=1e-9)
    assert found.mean_batch == pytest.approx(float(X @ b), rel=1e-9)
    assert lam * cycle == pytest.approx(found.mean_batch, rel=1e-9), "what comes goes"


def test_stability_is_where_the_largest_batches_keep_up() -> None:
    p = small()
    limit = largest_rate(p, "dynamic", 3)
    assert limit == pytest.approx(3 / batch(p, "dynamic", 3).mean)
    near = delays(p.replace(arrival_rate=0.99 * limit))
    assert near.mean_system_time > 10 * delays(p.replace(arrival_rate=0.5 * limit)).mean_system_time
    assert near.tail < 1e-10


@pytest.mark.parametrize("rho", [0.3, 0.9])
def test_without_a_limit(rho: float) -> None:
    found = delays_without_limit(v100(rho, 1))
    assert found.mean_system_time == pytest.approx(delays(v100(rho, 400)).mean_system_time, rel=1e-10)
    with pytest.raises(UnstableError, match="batches of up to 4096 keep up with less than"):
        delays_without_limit(v100(1.01, 1))


def test_what_the_closed_bound_misses_is_told() -> None:
    found = inoue_approximation(default_problem())
    assert found.exact == pytest.approx(delays(default_problem()).mean_system_time)
    assert found.worst_fit > 0.05, "E[H(b, L_b)] is not linear in b"
    exact = inoue_approximation(v100(0.5, 64))
    assert (exact.alpha, exact.tau0) == pytest.approx(V100)
    assert exact.worst_fit < 1e-12
    assert exact.bound is not None
    assert exact.bound >= exact.exact


def test_a_table_and_a_function_are_batch_times_too() -> None:
    p = small()
    table = np.array([p.times(b) for b in (1, 2, 3)])
    for given in (table, lambda b, lengths: table[b - 1]):
        assert delays(p.replace(batch_time=given)).mean_wait == pytest.approx(delays(p).mean_wait, rel=1e-12)
