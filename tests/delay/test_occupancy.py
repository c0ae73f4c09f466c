from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import nbinom

from cvxtoken import ProblemError, UnstableError
from cvxtoken.delay.iterations import simulate_iterations
from cvxtoken.delay.occupancy import kv_in_use, occupancy
from cvxtoken.lengths import LengthDistribution


def chain(rate: float, alpha: float, beta: float, tokens: float, size: int) -> np.ndarray:
    """P(N = n) from the generator of the birth-death chain, solved as equations."""
    leave = np.arange(1, size) / (tokens * (alpha + beta * np.arange(1, size)))
    q = np.diag(np.full(size - 1, rate), 1) + np.diag(leave, -1)
    q -= np.diag(q.sum(1))
    q[:, 0] = 1  # the probabilities sum to 1, in place of one equation
    return np.linalg.solve(q.T, np.eye(size)[0])


@pytest.mark.parametrize(("alpha", "beta"), [(0.9, 0.1), (0.0, 1.0), (1.0, 0.0)])
def test_the_number_in_service_is_that_of_the_exact_chain(alpha: float, beta: float) -> None:
    rate, tokens = 0.05, 10.0
    p = chain(rate, alpha, beta, tokens, 120)
    found = occupancy(rate * tokens * (alpha + beta), rate * tokens * beta)
    n = np.arange(120)
    assert found.mean == pytest.approx(p @ n, rel=1e-10)
    assert found.deviation**2 == pytest.approx(p @ n**2 - (p @ n) ** 2, rel=1e-10)
    tail = 1 - np.cumsum(p)
    assert found.more_than(n[:30]) == pytest.approx(tail[:30], abs=1e-10)
    if beta:
        assert found.more_than(n) == pytest.approx(nbinom.sf(n, 1 + alpha / beta, 1 - rate * tokens * beta))


def compound(counts: np.ndarray, held: np.ndarray, size: int) -> np.ndarray:
    """sum_n P(N = n) held^(* n), by convolution."""
    total, power = np.zeros(size), np.eye(size)[0]
    for share in counts:
        total += share * power
        power = np.convolve(power, held)[:size]
    return total


@pytest.mark.parametrize("rho", [0.0, 0.4])
def test_kv_in_use_is_the_sum_of_what_the_queries_hold(rho: float) -> None:
    geometric = LengthDistribution.geometric(3, 12)
    found = kv_in_use(1.5, rho, [1.0, 2.0], [4.5, geometric], [2, 5], prefill=[0.5, 0.0])
    held = np.zeros(18)
    held[2] = 0.5 / 3.5
    held[3:8] = np.array([1, 1, 1, 1, 0.5]) / 4.5 / 3.5
    held[6:18] += geometric.survival / geometric.mean * 2 / 3.5
    n = np.arange(60)
    tails = occupancy(1.5, rho).more_than(n)
    expected = compound(np.diff(1 - tails, prepend=0.0), held, 400)
    assert found.step == 1
    assert found.probabilities[:400] == pytest.approx(expected[: len(found.probabilities)], abs=1e-12)
    k = np.arange(400)
    assert found.mean == pytest.approx(expected @ k, rel=1e-10)
    assert found.deviation**2 == pytest.approx(expected @ k**2 - found.mean**2, rel=1e-8)
    assert found.above([0, 10, 10.9, 50]) == pytest.approx(
        1 - np.cumsum(expected)[[0, 10, 10, 50]], abs=1e-11
    )
    for share in (0.5, 0.9, 0.99):
        assert found.quantile(share) == np.searchsorted(np.cumsum(expected), share)


@pytest.mark.parametrize(("demand", "rho"), [(0.5, 0.45), (30.0, 0.8), (30.0, 0.0), (1e-6, 1e-7)])
def test_what_wraps_around_is_within_its_bound(demand: float, rho: float) -> None:
    """A looser bound is a shorter transform: what it gets wrong is at most that bound."""
    arguments = (demand, rho, [1.0], [50], [20])
    fine = kv_in_use(*arguments)
    for aliasing in (1e-3, 1e-6):
        found = kv_in_use(*arguments, aliasing=aliasing)
        size = len(found.probabilities)
        assert size < len(fine.probabilities)
        beyond = float(fine.above(size - 1))
        assert beyond <= aliasing
        wrapped = np.abs(found.probabilities - fine.probabilities[:size]).sum()
        assert wrapped <= 2 * aliasing
        assert wrapped == pytest.approx(beyond, rel=1e-3, abs=1e-11)


def test_large_memories_are_coarsened_by_what_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = (40.0, 0.8, [1.0, 2.0], [700, 300], [100, 50])
    fine = kv_in_use(*arguments)
    monkeypatch.setattr("cvxtoken.delay.occupancy._POINTS", 1 << 11)
    coarse = kv_in_use(*arguments)
    assert fine.step == 1
    assert fine.coarsening == pytest.approx(0, abs=1e-12)
    assert coarse.step > 64
    assert len(coarse.probabilities) < 5000
    assert (coarse.mean, coarse.deviation) == (fine.mean, fine.deviation)
    grid = coarse.step * np.arange(len(coarse.probabilities))
    assert coarse.probabilities @ grid == pytest.approx(fine.mean, rel=1e-9)
    spread = np.sqrt(coarse.probabilities @ (grid - fine.mean) ** 2)
    assert spread / fine.deviation - 1 == pytest.approx(coarse.coarsening, rel=1e-6)
    memory = fine.mean + fine.deviation * np.array([-1, 0, 1, 2, 3])
    assert 0 < coarse.coarsening < 0.01
    assert (np.abs(coarse.above(memory) - fine.above(memory)) <= coarse.coarsening / 2).all()


def test_three_types_in_simulation() -> None:
    """Means, deviations and tails are within 6 standard errors: a false alarm once in 1e8 or so.

    Without the prompts, or with ages of half the length, the same test would fail.
    """
    lengths = [LengthDistribution.uniform(100, 100), LengthDistribution.geometric(60, 600)]
    lengths.append(LengthDistribution.empirical([10] * 9 + [400]))
    pi, prompt = np.array([0.5, 0.3, 0.2]), np.array([50.0, 200.0, 10.0])
    alpha, beta, rho = 0.011, 0.0006, 0.6
    l = np.array([d.mean for d in lengths])
    rate = rho / (beta * float(pi @ l))
    demand = rho * (alpha + beta) / beta
    law, n = kv_in_use(demand, rho, pi * l, lengths, prompt), occupancy(demand, rho)
    memory, many = float(np.round(law.mean + law.deviation)), round(n.mean + n.deviation)
    seen = simulate_iterations(
        rate,
        pi,
        lengths,
        alpha,
        beta,
        prompt_tokens=prompt,
        more_than=[many],
        memory_above=[memory],
        num_requests=150_000,
    )
    pairs = [
        (seen.mean_in_system, n.mean, 0.01),
        (seen.variance_in_system, n.deviation**2, 0.05),
        (seen.mean_kv, law.mean, 0.01),
        (seen.deviation_kv, law.deviation, 0.02),
        (seen.more_than[many], float(n.more_than(many)), 0.005),
        (seen.memory_above[memory], float(law.above(memory)), 0.005),
    ]
    for e, expected, discrete in pairs:
        # beside the noise, what whole iterations add to a law of continuous work
        assert abs(e.value - expected) <= 3.1 * (e.high - e.low) / 2 + discrete * max(expected, 1), e
    bare = kv_in_use(demand, rho, pi * l, lengths, 0)
    assert seen.mean_kv.value > bare.mean + 10 * (seen.mean_kv.high - seen.mean_kv.low)


def test_nothing_in_service() -> None:
    n = occupancy(0, 0)
    assert (n.mean, n.deviation, float(n.more_than(0))) == (0, 0, 0)
    law = kv_in_use(0, 0, [1.0], [5], [3])
    assert (law.mean, law.deviation, float(law.above(0)), float(law.quantile(0.9))) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-1.0, 0.5, [1], [5], [3]), "demand is -1.0; it must be finite and not negative"),
        ((1.0, float("nan"), [1], [5], [3]), "rho is nan; it must be finite and not negative"),
        ((0.5, 0.7, [1], [5], [3]), "rho must be at most demand"),
        ((1.0, 0.5, [1, 2], [5], [3]), r"decoding is \[1, 2\]; it must be 1 numbers, or one for all"),
        ((1.0, 0.5, [1], [-5], [3]), "lengths is -5; it must be finite and not negative"),
        ((1.0, 0.5, [1], [5], [3.5]), r"prompt_tokens is \[3.5\]; it must hold whole numbers"),
        ((1.0, 0.5, [1], [0], [3]), "decoding is 1.0 for a type without tokens; it must be 0"),
        ((1.0, 0.5, [0], [5], [3]), "decoding and prefill are all 0"),
        ((1.0, 0.5, [1], [5], [3], 0.0, 0.0), "aliasing is 0.0; it must be at least 1e-15"),
    ],
)
def test_bad_arguments(arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        kv_in_use(*arguments)


def test_bad_questions() -> None:
    with pytest.raises(UnstableError, match="rho is 1; it must be below 1"):
        occupancy(2, 1)
    with pytest.raises(ProblemError, match=r"number is 0.5; it must hold whole numbers"):
        occupancy(2, 0.5).more_than(0.5)
    law = kv_in_use(1.0, 0.5, [1], [5], [3])
    with pytest.raises(ProblemError, match="memory is -1; it must not be negative"):
        law.above(-1)
    with pytest.raises(ProblemError, match="share is 1; it must lie between 0 and 1"):
        law.quantile(1)
