from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from scipy.special import stdtrit

import cvxtoken
from cvxtoken import ProblemError, UnstableError, simulate
from cvxtoken.allocation import model, simulation
from tests.support.instances import realistic


def loaded(rho: float) -> tuple[cvxtoken.Workload, np.ndarray]:
    """A workload of three types and tokens with this utilisation."""
    w = realistic(41, 3)
    l = np.array([400.0, 900.0, 100.0])
    return w.replace(arrival_rate=rho / float(model.moments(w, l)[0])), l


@pytest.mark.parametrize("rho", [0.2, 0.6, 0.9])
def test_closed_forms_are_in_widened_intervals(rho: float) -> None:
    """Intervals of 95 % widened threefold: some 6 sigma, so a false alarm has a chance below 1e-6."""
    w, l = loaded(rho)
    found = simulate(w, l, num_requests=400_000, seed=1)
    named = [found.mean_system_time, found.mean_wait, found.accuracy, found.utilization, found.objective]
    named += [value for values in found.per_type.values() for value in values.values()]
    for value in named:
        assert value.predicted is not None
        assert abs(value.value - value.predicted) <= 3 * (value.high - value.low) / 2
    assert found.utilization.predicted == pytest.approx(rho)
    assert found.num_requests == 400_000
    assert found.stable


def test_deterministic_service_has_the_known_quantiles() -> None:
    """One type, so M/D/1; at rho = 1/2 P(W = 0) is 1/2, and P(W <= 1 service) is e^(1/2) / 2 = 0.824."""
    w = cvxtoken.load("qwen3-8b")
    w = w.replace(overhead=[1.0] * 5, arrival_rate=0.5)
    found = simulate(w, np.zeros(5), num_requests=400_000, seed=2)
    assert found.wait_quantiles["p50"].value == pytest.approx(0, abs=0.05)
    # P(W <= 2) is e / 2 - e^(1/2) / 4 = 0.947, so the 0.9 quantile lies between 1 and 2 services
    assert 1 < found.wait_quantiles["p90"].value < 2
    assert found.system_time_quantiles["p50"].value == pytest.approx(1, rel=0.02)
    assert found.mean_wait.predicted == pytest.approx(0.5)


def test_a_seed_is_the_same_numbers_and_another_is_not() -> None:
    w, l = loaded(0.5)
    first, again, other = (simulate(w, l, num_requests=50_000, seed=s) for s in (7, 7, 8))
    assert first == again
    assert first.mean_wait != other.mean_wait


def test_common_random_numbers() -> None:
    """With the same seed other tokens meet the same arrivals and types: the difference is far less noisy."""
    w, l = loaded(0.7)
    seeds = range(6)
    pairs = [
        (simulate(w, l, 40_000, s).mean_wait.value, simulate(w, 0.99 * l, 40_000, s).mean_wait.value)
        for s in seeds
    ]
    differences = np.array([a - b for a, b in pairs])
    assert differences.std() < 0.3 * np.array(pairs)[:, 0].std()
    assert (differences > 0).all()


def test_the_block_is_not_seen_in_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streams are drawn block by block, so another block is another sample; the queue is the same one."""
    w, l = loaded(0.9)
    found = simulate(w, l, num_requests=200_000, seed=3)
    monkeypatch.setattr(simulation, "BLOCK", 1000)
    other = simulate(w, l, num_requests=200_000, seed=3)
    spread = found.mean_wait.high - found.mean_wait.low
    assert abs(found.mean_wait.value - other.mean_wait.value) < 3 * spread


def test_warm_up_grows_near_saturation() -> None:
    (light, l), (heavy, _) = loaded(0.3), loaded(0.95)
    assert simulate(light, l, 20_000, replications=2).warm_up == 1000
    assert simulate(heavy, l, 20_000, replications=2).warm_up > 5000


def test_progress_is_told() -> None:
    w, l = loaded(0.5)
    seen: list[int] = []
    found = simulate(w, l, num_requests=10_000, replications=2, on_progress=seen.append)
    assert sum(seen) == found.num_requests + 2 * found.warm_up


def test_unstable_tokens_only_on_request() -> None:
    w, l = loaded(1.2)
    with pytest.raises(UnstableError, match=r"utilisation of 1\.2: no steady state"):
        simulate(w, l)
    found = simulate(w, l, num_requests=20_000, allow_unstable=True)
    assert not found.stable
    assert found.mean_wait.predicted is None
    assert "no steady state exists" in str(found)
    assert json.dumps(found.to_document(), allow_nan=False)


def test_queries_that_take_no_time() -> None:
    w = realistic(42, 2).replace(overhead=[0.0, 0.0])
    found = simulate(w, [0.0, 0.0], num_requests=1000)
    assert found.mean_system_time.value == found.mean_system_time.predicted == 0
    assert found.per_type["task 0"]["mean_system_time"].predicted == 0
    assert found.system_time_quantiles["p99"].value == 0


def test_a_type_that_never_came_has_no_figures() -> None:
    w = realistic(42, 2).replace(prior=[1e-9, 1 - 1e-9])
    document = simulate(w, [0.0, 0.0], num_requests=1000).to_document()
    assert document["per_type"]["task 0"]["accuracy"]["value"] is None
    assert json.dumps(document, allow_nan=False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_requests": 0}, "num_requests is 0; it must be a whole number of at least 20"),
        ({"num_requests": 1e6}, "num_requests is 1000000.0"),
        ({"seed": -1}, "seed is -1; it must be a whole number of at least 0"),
        ({"num_requests": 10**12}, "num_requests is 1000000000000; it must be at most 10000000000"),
        ({"replications": 10**9}, "replications is 1000000000; it must be at most 10000"),
        ({"replications": 1}, "replications is 1; it must be a whole number of at least 2"),
        ({"tokens": [1.0]}, "tokens has shape"),
        ({"tokens": [-1.0, 0, 0]}, "must be from 0"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], message: str) -> None:
    w, l = loaded(0.5)
    with pytest.raises(ProblemError, match=message):
        simulate(w, **{"tokens": l, **arguments})


def test_another_simulator_agrees() -> None:
    """Ciw, an independent event-driven library, on the same types at utilisation 0.7.

    The mean wait over eight of its runs, in a Student interval with a false alarm of 1e-6.
    """
    import ciw

    w, l = loaded(0.7)
    rates = (w.arrival_rate * w.prior).tolist()
    times = model.service_time(w, l).tolist()
    network = ciw.create_network(
        arrival_distributions={
            name: [ciw.dists.Exponential(rate)] for name, rate in zip(w.names, rates, strict=True)
        },
        service_distributions={
            name: [ciw.dists.Deterministic(t)] for name, t in zip(w.names, times, strict=True)
        },
        number_of_servers=[1],
    )
    means = []
    for seed in range(8):
        ciw.seed(seed)
        queue = ciw.Simulation(network)
        queue.simulate_until_max_customers(8000, method="Finish")
        waits = [record.waiting_time for record in queue.get_all_records()]
        means.append(np.mean(waits[1000:]))
    half = stdtrit(9, 1 - 5e-7) * np.std(means, ddof=1) / np.sqrt(10)
    ours = simulate(w, l, num_requests=1_000_000, seed=1).mean_wait
    assert abs(np.mean(means) - ours.value) <= half
    assert half <= ours.value / 2, "an interval so wide would show nothing"
