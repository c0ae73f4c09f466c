"""Instances of the tests: loads from light to nearly full, with and without overheads and deviations."""

from __future__ import annotations

import numpy as np

from cvxtoken.pooled import PooledWorkload
from tests.support.instances import realistic, varying


def random_problem(seed: int, size: int | None = None, servers: int | None = None) -> PooledWorkload:
    """One to three types, two to eight servers; by the seed, without overheads or with deviations."""
    rng = np.random.default_rng([seed, 8])
    size = int(rng.integers(1, 4)) if size is None else size
    servers = int(rng.choice([2, 3, 4, 8])) if servers is None else servers
    w = realistic(seed, size)
    w = w.replace(arrival_rate=w.arrival_rate * servers * 10 ** rng.uniform(-1, 0))
    w = w.replace(accuracy_weight=w.accuracy_weight * 10 ** rng.uniform(-1, 1))
    if seed % 5 == 1:
        w = w.replace(overhead=np.zeros(size))
    if seed % 3 == 2:
        w = varying(w, seed)
    return PooledWorkload(w, servers)
