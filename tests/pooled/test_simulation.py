"""The simulation against exact queues, and the law against the simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import stdtrit

import cvxtoken
from cvxtoken import ProblemError, UnstableError
from cvxtoken.estimates import CONFIDENCE, Estimate
from cvxtoken.pooled import simulate_pooled, solve_pooled
from tests.support.instances import realistic

REPLICATIONS = 200
FALSE_ALARM = 1e-8  # of one comparison; there are some 30 in this file


def agrees(found: Estimate, true: float) -> bool:
    """Whether a true value is within the interval in which it lies but for a false alarm."""
    narrow, wide = (stdtrit(REPLICATIONS - 1, 1 - p / 2) for p in (1 - CONFIDENCE, FALSE_ALARM))
    return bool(abs(found.value - true) <= (found.high - found.low) / 2 * wide / narrow)


def exponential(servers: int, rho: float) -> cvxtoken.Workload:
    """Two types of the same exponential service times, of mean 0.5 s at 100 tokens."""
    w = realistic(1, 2).replace(time_per_token=[0.005, 0.005], max_tokens=1000.0, prior=[0.3, 0.7])
    w = w.replace(overhead=[0.0, 0.0], deviation_per_token=[0.005, 0.005], arrival_rate=servers * rho / 0.5)
    return w


@pytest.mark.parametrize(("servers", "rho"), [(1, 0.5), (2, 0.3), (2, 0.9), (4, 0.8), (16, 0.9)])
def test_exponential_service_is_the_queue_of_erlang(servers: int, rho: float) -> None:
    """M/M/R: E[W] = C E[S] / (R - a), and a share C waits. The law is exact, too."""
    a, w = servers * rho, exponential(servers, rho)
    terms = np.cumprod([1.0, *(a / j for j in range(1, servers + 1))])
    C = terms[-1] / (1 - rho) / (terms[:-1].sum() + terms[-1] / (1 - rho))
    found = simulate_pooled(w, servers, [100.0, 100.0], 1_000_000, replications=REPLICATIONS)
    assert found.mean_wait.predicted == pytest.approx(C * 0.5 / (servers - a), rel=1e-9)
    assert found.waiting.predicted == pytest.approx(C, rel=1e-9)
    assert agrees(found.mean_wait, C * 0.5 / (servers - a))
    assert agrees(found.waiting, C)
    assert agrees(found.utilization, rho)
    # the test can fail: a queue of a few percent more load is told apart
    assert not agrees(found.mean_wait, 1.2 * C * 0.5 / (servers - a))


def test_one_server_waits_as_pollaczek_and_khinchine_say() -> None:
    w = cvxtoken.load("qwen3-8b").replace(arrival_rate=0.5)
    found = simulate_pooled(w, 1, [300.0] * 5, replications=REPLICATIONS)
    assert agrees(found.mean_wait, float(cvxtoken.allocation.model.mean_wait(w, np.full(5, 300.0))))


def test_the_law_is_near_the_queue_where_service_times_are_those_of_thinking() -> None:
    """An approximation: within 15 % of the simulated mean wait, and in fact not exact."""
    w = cvxtoken.load("qwen3-8b").replace(arrival_rate=1.2)
    found = simulate_pooled(w, 4, solve_pooled(w, 4).tokens, 2_000_000, replications=REPLICATIONS)
    assert found.mean_wait.value == pytest.approx(found.mean_wait.predicted, rel=0.15)
    assert agrees(found.utilization, float(found.utilization.predicted or 0))


def test_a_seed_gives_the_same_numbers() -> None:
    w = exponential(2, 0.5)
    first, again, other = (
        simulate_pooled(w, 2, [100.0, 50.0], 1000, seed, replications=10) for seed in (1, 1, 2)
    )
    assert first == again
    assert first.mean_wait.value != other.mean_wait.value
    assert first.num_requests == 1000
    assert first.warm_up >= 20


def test_bad_arguments() -> None:
    w = exponential(2, 0.5)
    for change, message in (
        ({"servers": 0}, "servers is 0"),
        ({"tokens": [1.0]}, "tokens has shape"),
        ({"replications": 1}, "replications is 1"),
        ({"num_requests": 5}, "num_requests is 5"),
        ({"seed": -1}, "seed is -1"),
    ):
        arguments = {"servers": 2, "tokens": [100.0, 100.0], "num_requests": 1000} | change
        with pytest.raises(ProblemError, match=message):
            simulate_pooled(w, **arguments)  # type: ignore[arg-type]
    with pytest.raises(UnstableError, match="no steady state"):
        simulate_pooled(w, 2, [300.0, 300.0])
