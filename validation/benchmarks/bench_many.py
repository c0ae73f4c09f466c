"""B instances of five types in one call, against CVXPY's DPP re-solve of one; and the tracker's updates."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
import pytest

from cvxtoken import Tracker, Workloads, price_newton, solve_many
from cvxtoken.allocation.fields import PER_TYPE
from validation.benchmarks.competitors import resolve
from validation.benchmarks.conftest import Report, fastest, memory, workload

SIZE = 5
WORKERS = os.cpu_count() or 1
TITLE = f"B instances of {SIZE} types"


def instances(count: int) -> Workloads:
    """Like `validation.instances.realistic`, as arrays."""
    rng = np.random.default_rng(count)
    shape = (count, SIZE)
    prior = rng.dirichlet(np.full(SIZE, 3.0), count) + 1e-9
    prior /= prior.sum(axis=1, keepdims=True)
    gain, overhead = rng.uniform(0.1, 0.9, shape), rng.uniform(0.01, 0.6, shape)
    numbers = dict(zip(PER_TYPE, (prior, gain, 10 ** rng.uniform(-5, -2, shape)), strict=False))
    return Workloads(
        **numbers,
        base_accuracy=rng.uniform(0, 1, shape) * (1 - gain),
        overhead=overhead,
        time_per_token=10 ** rng.uniform(-4, -2.7, shape),
        max_tokens=32768,
        arrival_rate=rng.uniform(0.01, 0.9, count) / (prior * overhead).sum(axis=1),
        accuracy_weight=10 ** rng.uniform(1, 3, count),
    )


def resolve_seconds(rounds: int = 200) -> float:
    """One DPP re-solve with another rate and weight, on average: other work slows it as it does ours."""
    w = workload(SIZE)
    solve, rng = resolve(w), np.random.default_rng(0)
    changed = [
        w.replace(arrival_rate=w.arrival_rate * rate, accuracy_weight=w.accuracy_weight * weight)
        for rate, weight in rng.uniform(0.5, 1.0, (rounds, 2))
    ]
    return fastest(lambda: [solve(other) for other in changed], 1) / rounds


@pytest.mark.parametrize("count", [1, 10, 100, 1000, 10_000, 100_000, 1_000_000])
def test_many(benchmark: Any, report: Report, count: int) -> None:
    data = instances(count)
    found = solve_many(data)
    assert found.solved.all()
    each = resolve_seconds()
    options = {"workers": WORKERS} if count >= 100_000 else {}
    benchmark.pedantic(solve_many, (data,), options, rounds=7 if count < 1_000_000 else 3)
    each = min(each, resolve_seconds())
    seconds = benchmark.stats.stats.min / count
    proven = fastest(lambda: solve_many(data, prove=True, **options), 3) / count
    report.add(
        TITLE,
        B=str(count),
        processes=str(options.get("workers", 1)),
        microseconds_each=f"{1e6 * seconds:.3g}",
        DPP_resolve_milliseconds=f"{1e3 * each:.3g}",
        ratio=f"{each / seconds:.0f}",
        ratio_with_proof=f"{each / proven:.0f}",
        megabytes=f"{memory(lambda: solve_many(data)) / 1e6:.1f}",
        worst_gap=f"{found.relative_gap.max():.1e}",
    )
    if count == 1_000_000:
        assert each / seconds >= 1000


def test_one_at_a_time(benchmark: Any, report: Report) -> None:
    w = workload(SIZE)
    benchmark(price_newton, w)
    seconds = benchmark.stats.stats.min
    report.add("One instance of 5 types", solver="price_newton", microseconds=f"{1e6 * seconds:.0f}")


def updates(size: int, change: float, call: Callable[[Tracker, float], Any]) -> list[float]:
    """Seconds of 300 updates of the arrival rate, each by up to a share of it."""
    w, rng = workload(size), np.random.default_rng(0)
    tracker, seconds = Tracker(w), []
    for rate in w.arrival_rate * (1 + change * rng.uniform(-1, 1, 300)):
        started = time.perf_counter()
        found = call(tracker, float(rate))
        seconds.append(time.perf_counter() - started)
        assert found.relative_gap <= 1e-12
    return seconds


@pytest.mark.parametrize(("size", "limit"), [(5, 200e-6), (1000, 1e-3)])
@pytest.mark.parametrize("change", [0.01, 0.1])
def test_tracker(report: Report, size: int, limit: float, change: float) -> None:
    runs = [
        median(updates(size, change, lambda tracker, rate: tracker.update(arrival_rate=rate)))
        for _ in range(5)
    ]
    report.add(
        "Tracker.update",
        types=str(size),
        change=f"{change:.0%}",
        median_microseconds=f"{1e6 * min(runs):.0f}",
    )
    assert min(runs) <= limit
