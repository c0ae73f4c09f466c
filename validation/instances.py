"""Instances that studies and tests share: random realistic ones and the stress matrix."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import cvxtoken


def realistic(seed: int, size: int) -> cvxtoken.Workload:
    """Like the measured workloads: b from 1e-5 to 1e-2, c from 1e-4 to 2e-3, utilisation at 0 below 0.9."""
    rng = np.random.default_rng([seed, size])
    prior = rng.dirichlet(np.full(size, 3.0)) + 1e-9
    gain = rng.uniform(0.1, 0.9, size)
    overhead = rng.uniform(0.01, 0.6, size)
    prior /= prior.sum()
    return cvxtoken.Workload(
        names=[f"task {k}" for k in range(size)],
        prior=prior,
        accuracy_gain=gain,
        saturation_rate=10 ** rng.uniform(-5, -2, size),
        base_accuracy=rng.uniform(0, 1, size) * (1 - gain),
        overhead=overhead,
        time_per_token=10 ** rng.uniform(-4, -2.7, size),
        arrival_rate=rng.uniform(0.01, 0.9) / (prior @ overhead),
        accuracy_weight=10 ** rng.uniform(1, 3),
        max_tokens=32768,
    )


def varying(workload: cvxtoken.Workload, seed: int = 0) -> cvxtoken.Workload:
    """The same with service times that vary: deviations of up to 1.5 times the means, of some types none."""
    s0, s1 = np.random.default_rng([seed, 7]).choice([0.0, 0.1, 0.5, 1.5], (2, len(workload)))
    s1[-1] = 0.7  # of one type at least
    return workload.replace(
        deviation=s0 * workload.overhead, deviation_per_token=s1 * workload.time_per_token
    )


def changed(workload: cvxtoken.Workload, utilization_at_zero: float, **fields: Any) -> cvxtoken.Workload:
    """A workload with other fields and the arrival rate that gives this utilisation without tokens."""
    workload = workload.replace(**fields)
    return workload.replace(arrival_rate=utilization_at_zero / float(workload.prior @ workload.overhead))


def stress(sizes: tuple[int, ...]) -> Iterator[tuple[str, cvxtoken.Workload]]:
    """The stress matrix: utilisation at zero, weight and spread of b at their extremes, and the corners."""
    for size in sizes:
        base = realistic(1000, size)
        slow = 10 ** np.random.default_rng(size).uniform(-6, -1, size)
        for rho0 in (0.5, 0.999, 1 - 1e-6, 1 - 1e-9):
            for weight in (30.0, 1e4, 1e8):
                name = f"N={size} rho0={rho0!r} alpha={weight:g}"
                yield name, changed(base, rho0, accuracy_weight=weight)
                yield (
                    f"{name} b=1e-6..1e-1",
                    changed(base, rho0, accuracy_weight=weight, saturation_rate=slow),
                )
        yield f"N={size} all at 0", changed(base, 0.5, accuracy_weight=1e-6)
        yield f"N={size} all at l_max", changed(base, 0.1, accuracy_weight=1e8, max_tokens=0.5)
