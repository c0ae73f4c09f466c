"""A simulation of one queue for several servers, with which Lee and Longton's law can be compared.

Poisson arrivals draw their type by the priors and take the server that is free first. Service takes t0 + c l
seconds; where it varies, it has a gamma distribution with this mean and the standard deviation s0 + s1 l.
With the times from an arrival until each server is free, a query waits the least of them, which grows by its
service; all fall by the time to the next arrival, not below 0: the recursion of Kiefer and Wolfowitz (1955),
a step of it for all replications at once. Closed forms are used for the column `predicted` alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cvxtoken.allocation import model
from cvxtoken.allocation.problem import Workload
from cvxtoken.allocation.simulation import check_counts, check_warm_up, gamma_times
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import UnstableError
from cvxtoken.estimates import Estimate, estimate
from cvxtoken.pooled.erlang import erlang_c
from cvxtoken.pooled.problem import PooledWorkload

_BLOCK = 256  # queries of every replication at a time; with another number a seed gives other numbers


@dataclass(frozen=True)
class PooledSimulation:
    """What was measured; predicted is what Lee and Longton's law says, which is exact for exponential times.

    Attributes:
        mean_wait: E[W], in s.
        waiting: the share of queries that wait at all; Erlang's C is predicted.
        utilization: the share of time that a server is busy.
        num_requests: queries counted in all.
        warm_up: queries dropped at the start of each replication.
    """

    mean_wait: Estimate
    waiting: Estimate
    utilization: Estimate
    num_requests: int
    warm_up: int


def simulate_pooled(
    workload: Workload,
    servers: int,
    tokens: ArrayLike,
    num_requests: int = 1_000_000,
    seed: int = 0,
    replications: int = 200,
) -> PooledSimulation:
    """Simulate one queue for several servers at an allocation.

    Each replication starts with an empty queue, drops a warm-up, and counts the same number of queries. The
    warm-up is a tenth of that number, and at least 20 relaxation times of a + rho (1 + cv^2) / (1 - rho)^2
    queries each, a being the load and rho = a / R; cv is the coefficient of variation of the service time.

    Args:
        workload: the instance, with `Fifo()` for its server.
        servers: R, from 1 to 1000.
        tokens: shape (N,), in the box.
        num_requests: queries counted over all replications together; at least one for each, at most 10^10.
        seed: not negative; it gives the same numbers on any machine with the same NumPy.
        replications: from 2 to 10,000; with more of them the same number of queries takes less time.

    Raises:
        ProblemError: an argument breaks its rule, a service time of mean 0 has a deviation, or the load is so
            near to R that warm-ups would take more than 10^10 queries.
        UnstableError: the load is not below R.
    """
    problem = PooledWorkload(workload, servers)
    l = model.checked_tokens(workload, tokens)
    check_counts(num_requests, seed, replications)
    load = float(problem.load(l))
    rho = load / problem.servers
    if rho >= 1:
        raise UnstableError(f"tokens give a utilization of {rho:.6g}: no steady state exists to simulate")
    each = -(-num_requests // replications)
    mean, square = model.moments(workload, l)
    spread = float(square / mean**2) if mean > 0 else 0.0  # 1 + cv^2
    warm_up = int(np.ceil(max(each / 10, 20 * (load + rho * spread / (1 - rho) ** 2))))
    check_warm_up(warm_up, replications, rho)
    waits, delayed, busy, elapsed = _run(problem, l, warm_up, each, seed, replications)
    return PooledSimulation(
        mean_wait=estimate(waits / each, float(problem.mean_wait(l))),
        waiting=estimate(delayed / each, erlang_c(problem.servers, load)),
        utilization=estimate(busy / (problem.servers * elapsed), rho),
        num_requests=each * replications,
        warm_up=warm_up,
    )


def _run(
    problem: PooledWorkload, l: FloatArray, warm_up: int, counted: int, seed: int, replications: int
) -> FloatArray:
    """Sums over the counted queries of every replication, shape (4, replications).

    They are of waits, of queries that wait, of service times, and of times between arrivals.
    """
    w = problem.workload
    t, (shape, scale) = model.service_time(w, l), gamma_times(w, l)
    edges = np.cumsum(w.prior)[:-1]
    arrivals, types, times = np.random.default_rng(seed).spawn(3)
    left = np.zeros((replications, problem.servers))
    rows = np.arange(replications)
    sums = np.zeros((4, replications))
    for step in range(warm_up + counted):
        now = step % _BLOCK
        if now == 0:
            size = (_BLOCK, replications)
            gaps = arrivals.standard_exponential(size) / w.arrival_rate
            kind = np.searchsorted(edges, types.random(size), side="right")
            service = t[kind]
            if w.is_random:
                drawn = times.standard_gamma(shape[kind]) * scale[kind]
                service = np.where(shape[kind] > 0, drawn, service)
        left -= gaps[now][:, None]
        np.maximum(left, 0.0, out=left)
        first = left.argmin(axis=1)
        wait = left[rows, first]
        left[rows, first] += service[now]
        if step >= warm_up:
            sums += wait, wait > 0, service[now], gaps[now]
    return sums
