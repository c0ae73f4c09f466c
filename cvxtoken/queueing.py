"""The M/G/1 queue: Poisson arrivals, any service time, one server, first come first served."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cvxtoken.arrays import FloatArray


def pollaczek_khinchine(arrival_rate: float, second_moment: ArrayLike, idle: ArrayLike) -> FloatArray:
    """Mean waiting time in queue, E[W] = lambda E[S^2] / (2 y), in seconds.

    Args:
        arrival_rate: lambda, in 1/s.
        second_moment: E[S^2], in s^2; any shape.
        idle: y = 1 - lambda E[S], the share of time the server is idle; broadcast with `second_moment`.

    Returns:
        E[W]; infinite where y <= 0, where the queue has no steady state.

    Source: the Pollaczek-Khinchine formula (any text on queues).
    """
    second_moment, idle = np.broadcast_arrays(np.asarray(second_moment, float), np.asarray(idle, float))
    wait = np.full(idle.shape, np.inf)
    np.divide(arrival_rate * second_moment, 2.0 * idle, out=wait, where=idle > 0)
    return wait


def lindley_waits(first: float, increments: FloatArray) -> FloatArray:
    """Waiting times W_0 .. W_n by Lindley's recursion W_(j+1) = max(0, W_j + X_j), without a loop.

    With the partial sums P_j = X_0 + ... + X_(j-1) it unrolls to W_j = P_j + max(W_0, -min_(1<=i<=j) P_i).

    Args:
        first: W_0, in s.
        increments: X_j = S_j - A_(j+1), the service of query j less the time to the next arrival, shape
            (n,), in s.

    Returns:
        Shape (n + 1,): the waits of the n queries, and of the one after them.

    Source: Lindley (1952).
    """
    waits = np.empty(len(increments) + 1)
    waits[0] = first
    sums = np.cumsum(increments)
    lowest = np.minimum.accumulate(sums)
    np.maximum(first, -lowest, out=lowest)
    np.add(sums, lowest, out=waits[1:])
    return waits
