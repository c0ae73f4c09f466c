"""The M/G/1 queue: Poisson arrivals, any service time, one server, first come first served."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cvxtoken.typing import FloatArray


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
