from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.stats import poisson

from cvxtoken import ProblemError, UnstableError
from cvxtoken.delay.iterations import IterationResult, simulate_iterations
from cvxtoken.estimates import Estimate
from cvxtoken.lengths import LengthDistribution
from tests.support.thorough import some

ALPHA, BETA = 0.0109, 0.0006
FIXED = LengthDistribution.uniform(100, 100)
GEOMETRIC = LengthDistribution.geometric(100, 3000)
VARIED = LengthDistribution.empirical([20] * 9 + [820])
DISCRETE = 0.01  # that whole iterations and blocking prefill add to a law of continuous work, relative


def near(e: Estimate, expected: float, discrete: float = DISCRETE) -> bool:
    """Within 6 standard errors (some 3.1 half-widths), so a false alarm has a chance below 1e-6."""
    return bool(abs(e.value - expected) <= 3.1 * (e.high - e.low) / 2 + discrete * expected)


def law(rate: float, blocking: float, tokens: float) -> float:
    return (blocking + (ALPHA + BETA) * tokens) / (1 - rate * (blocking + BETA * tokens))


def run(rho: float, lengths: LengthDistribution, blocking: float = 0.0, **options: object) -> IterationResult:
    rate = rho / (blocking + BETA * lengths.mean)
    settings = {"prefill": blocking, "num_requests": 60_000, **options}
    return simulate_iterations(rate, [1.0], [lengths], ALPHA, BETA, **settings)


@pytest.mark.parametrize(
    ("rho", "blocking", "lengths"),
    some(itertools.product([0.3, 0.6], [0.0, 0.04], [FIXED, GEOMETRIC, VARIED]), 5),
)
def test_mean_times_follow_the_closed_form(rho: float, blocking: float, lengths: LengthDistribution) -> None:
    seen = run(rho, lengths, blocking)
    rate = rho / (blocking + BETA * lengths.mean)
    assert near(seen.mean_system_time, law(rate, blocking, lengths.mean))
    assert near(seen.mean_in_system, rate * seen.mean_system_time.value)  # Little's law, measured apart
    if blocking:  # the law without prefill is not near, so this test can tell them apart
        assert not near(seen.mean_system_time, law(rate, 0, lengths.mean))
        assert not near(seen.mean_system_time, law(rate, 0, lengths.mean) + blocking)


def test_prefill_in_chunks_is_shared_as_tokens_are() -> None:
    prefill = 0.1
    tokens = 100 + prefill / (ALPHA + BETA)
    rate = 0.6 / (BETA * tokens)
    seen = simulate_iterations(
        rate, [1.0], [FIXED], ALPHA, BETA, prefill, 30.0, chunked=True, num_requests=100_000
    )
    assert near(seen.mean_system_time, law(rate, 0, tokens))
    assert not near(seen.mean_system_time, law(rate, prefill, 100))
    # m tokens in prefill, m + j in the iteration of token j; Little's law for tokens
    held = rate * (30 * tokens + 100 * 101 / 2) * (ALPHA + BETA) / (1 - 0.6)
    assert near(seen.mean_kv, held)


def test_each_type_is_slowed_by_the_same_factor() -> None:
    lengths, prefill = [FIXED, GEOMETRIC, VARIED], np.array([0.02, 0.06, 0.04])
    pi = np.array([0.5, 0.2, 0.3])
    rate = 0.6 / float(pi @ prefill + BETA * 100)
    seen = simulate_iterations(rate, pi, lengths, ALPHA, BETA, prefill, num_requests=100_000)
    for e, t0 in zip(seen.per_type, prefill, strict=True):
        assert near(e, (t0 + (ALPHA + BETA) * 100) / (1 - 0.6), 0.02)


def replay(rate: float, tokens: int, prefill: float, cap: int, count: int, seed: int) -> tuple[float, ...]:
    """The same engine one iteration at a time: E[T], E[N], E[N^2], share N > 3, E[KV], share KV > 40."""
    rng = np.random.default_rng(seed)
    arrivals = np.cumsum(rng.exponential(1 / rate, count))
    now, head, running = 0.0, 0, []
    sums, times = np.zeros(3), []
    marks: list[tuple[float, int]] = [(a, 1) for a in arrivals]
    while head < count or running:
        if not running and arrivals[head] > now:
            now = arrivals[head]
        blocked = 0.0
        while head < count and arrivals[head] <= now and len(running) < cap:
            running.append([tokens, arrivals[head]])
            blocked += prefill
            head += 1
        held = sum(7 + tokens - left for left, _ in running)
        seconds = ALPHA + BETA * len(running)
        later = held + len(running)
        sums += [blocked * held + seconds * later, blocked * (held > 40) + seconds * (later > 40), 0]
        now += blocked + seconds
        for request in running:
            request[0] -= 1
            if not request[0]:
                times.append(now - request[1])
                marks.append((now, -1))
        running = [request for request in running if request[0]]
    at, change = np.array(sorted(marks)).T
    n, gap = np.cumsum(change)[:-1], np.diff(at)
    means = [float(value @ gap / now) for value in (n, n**2, n > 3)]
    return (float(np.mean(times)), *means, *(float(value) for value in sums[:2] / now))


def test_steps_of_many_iterations_are_those_of_one_at_a_time() -> None:
    """The engine against a plain loop over iterations, under a cap; 6 standard errors of the loop's noise."""
    rate, tokens, prefill, cap = 6.0, 20, 0.05, 4
    plain = np.array([replay(rate, tokens, prefill, cap, 2000, seed) for seed in range(20)])
    seen = simulate_iterations(
        rate,
        [1.0],
        [LengthDistribution.uniform(tokens, tokens)],
        ALPHA,
        BETA,
        prefill,
        7.0,
        max_num_seqs=cap,
        more_than=[3],
        memory_above=[40.0],
        num_requests=300_000,
    )
    n2 = seen.variance_in_system.value + seen.mean_in_system.value**2
    fast = [seen.mean_system_time.value, seen.mean_in_system.value, n2]
    fast += [seen.more_than[3].value, seen.mean_kv.value, seen.memory_above[40.0].value]
    error = plain.std(0, ddof=1) / np.sqrt(len(plain))
    assert (np.abs(plain.mean(0) - fast) <= 6.5 * error).all()
    assert (error < 0.04 * plain.mean(0)).all()


def test_queries_of_one_token_have_a_known_law() -> None:
    """At beta = 0 those of one second run in the next: u into it N is Poisson of mean lambda (1 + u).

    The engine is hardly ever idle at 12 /s. 6 standard errors again.
    """
    one, rate = LengthDistribution.uniform(1, 1), 12.0
    seen = simulate_iterations(rate, [1.0], [one], 1.0, 0.0, more_than=[20], memory_above=[14.0])
    u = (np.arange(200) + 0.5) / 200
    for e, expected in (
        (seen.mean_system_time, 1.5),
        (seen.mean_in_system, 1.5 * rate),
        (seen.variance_in_system, 1.5 * rate + rate**2 / 12),
        (seen.more_than[20], float(poisson.sf(20, rate * (1 + u)).mean())),
        (seen.mean_kv, rate),
        (seen.deviation_kv, rate**0.5),
        (seen.memory_above[14.0], float(poisson.sf(14, rate))),
    ):
        assert near(e, expected, 1e-4)
        assert e.high - e.low < 0.03 * expected


def test_a_cap_of_one_is_the_fifo_queue() -> None:
    """Pollaczek and Khinchine's mean, with blocking prefill as part of the service; exact, so 6 errors."""
    service = 0.1 + (ALPHA + BETA) * VARIED.mean
    square = float(VARIED.probabilities @ (0.1 + (ALPHA + BETA) * np.arange(1, 821)) ** 2)
    rate = 0.5 / service
    seen = simulate_iterations(rate, [1.0], [VARIED], ALPHA, BETA, 0.1, max_num_seqs=1, num_requests=200_000)
    expected = service + rate * square / (2 * (1 - 0.5))
    assert near(seen.mean_system_time, expected, 0)
    assert near(seen.mean_in_system, rate * expected, 0)


def test_a_wide_cap_is_not_felt() -> None:
    free, wide = run(0.5, FIXED), run(0.5, FIXED, max_num_seqs=500)
    assert near(wide.mean_system_time, free.mean_system_time.value)


def test_deviation_with_blocking_prefill_is_larger_than_the_law_says() -> None:
    seen = run(0.6, FIXED, 0.04, more_than=[0, 5])
    assert seen.variance_in_system.low > 1.2 * seen.mean_in_system.value / (1 - 0.6)
    assert 0 < seen.more_than[5].value < seen.more_than[0].value < 1


def test_a_seed_is_the_same_numbers_and_another_is_not() -> None:
    first, again, other = (run(0.5, FIXED, num_requests=5000, seed=s, replications=16) for s in (3, 3, 4))
    assert first == again
    assert first.mean_system_time != other.mean_system_time


def test_warm_up_is_long_enough() -> None:
    """A window of half the requests right after the warm-up shows the same mean as a long one."""
    short, long = run(0.6, FIXED, num_requests=8000, seed=1), run(0.6, FIXED)
    assert near(short.mean_system_time, long.mean_system_time.value)
    assert short.warm_up == long.warm_up > 0


GOOD = {"arrival_rate": 1.0, "prior": [1.0], "lengths": [FIXED], "alpha": ALPHA, "beta": BETA}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"arrival_rate": -1.0}, "arrival_rate is -1.0; it must be finite and not negative"),
        ({"arrival_rate": 0.0}, "both must be positive"),
        ({"prior": [0.5]}, "prior sums to 0.5; it must sum to 1"),
        ({"prior": [0.5, 0.5]}, "it must be 1 numbers, or one for all"),
        ({"lengths": [100]}, "it must be a list of LengthDistribution"),
        ({"alpha": 0.0, "beta": 0.0}, "both must be positive"),
        ({"prefill": "x"}, "prefill is 'x'; it must be 1 numbers"),
        ({"num_requests": 0}, "num_requests is 0; it must be a whole number of at least 1"),
        ({"num_requests": 10**12}, "num_requests is 1000000000000; it must be at most 1000000000"),
        ({"replications": 10**9}, "replications is 1000000000; it must be at most 10000"),
        ({"replications": 1}, "replications is 1; it must be a whole number of at least 2"),
        ({"max_num_seqs": 0}, "max_num_seqs is 0; it must be a whole number of at least 1"),
        ({"seed": -1}, "seed is -1; it must be a whole number of at least 0"),
    ],
)
def test_bad_arguments(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        simulate_iterations(**GOOD | changes)


def test_too_many_queries() -> None:
    with pytest.raises(UnstableError, match=r"the load is 1\.2; it must be below 1"):
        run(1.2, FIXED)
    with pytest.raises(UnstableError, match="below 1"):
        run(0.5, FIXED, max_num_seqs=15)
