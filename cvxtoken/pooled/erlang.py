"""Erlang's C formula, and what Lee and Longton's law divides by (the form is derived here).

With R servers, the load a = lambda E[S] and the sum of positive terms

    K = sum_{j=0}^{R-1} (R-1)! / (R-1-j)! a^-j,   K_0 = 1,  K_j = 1 + j K_{j-1} / a,  K = K_{R-1},

a query finds all servers busy with Erlang's probability C = a / (a + (R - a) K), and

    g(a) = a (R - a) / C = (R - a) (a + (R - a) K),   E[W] = lambda E[S^2] / (2 g(a)).

At R = 1 that is g = 1 - a, the law of Pollaczek and Khinchine. As K = 1 + sum_{j>=1}, it is

    g(a) = R (R - a) + (R - a)^2 sum_{j=1}^{R-1} (R-1)! / (R-1-j)! a^-j,

where (R - a)^2 and a^-j are positive, decreasing and convex for 0 < a < R, and so is their product: g is
decreasing and convex. No sum subtracts anything but R - a, so that intervals of g stay narrow.

Source: Erlang (1917); Lee and Longton (1959) for the law.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cvxtoken.arrays import FloatArray
from cvxtoken.delay.law import Number


def spare(servers: int, load: Number, exact: Callable[[float], Number]) -> Number:
    """g(a), in any numbers that add, subtract, multiply and divide.

    Args:
        servers: R.
        load: a, from 0 to R; not 0 where R >= 2.
        exact: makes such a number of a whole one.
    """
    K = one = exact(1)
    for j in range(1, servers):
        K = one + exact(j) * K / load
    left = exact(servers) - load
    return left * (load + left * K)


def spares(servers: int, load: FloatArray | float) -> FloatArray:
    """g(a) in floats, of any shape; infinite at 0 where R >= 2, and 0 from R on."""
    a = np.asarray(load, dtype=np.float64)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        g = np.asarray(spare(servers, a, float))
    return np.where(a < servers, np.where(np.isnan(g), np.inf, g), 0.0)


def erlang_c(servers: int, load: float) -> float:
    """The probability that a query waits, C(R, a), of exponential service; 1 from a = R on, where all do."""
    if load >= servers:
        return 1.0
    return load * (servers - load) / float(spares(servers, load)) if load > 0 else 0.0


def slope(servers: int, load: float) -> float:
    """dg/da, in floats, for 0 < a < R."""
    K, K_slope = 1.0, 0.0
    for j in range(1, servers):
        K, K_slope = 1 + j * K / load, j * (K_slope - K / load) / load
    left = servers - load
    return left * (1 - K + left * K_slope) - (load + left * K)
