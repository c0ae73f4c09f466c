"""KV memory: a limit on its mean is a convex quadratic row of the tokens (derived here).

A query of type k holds its m_k prompt tokens and the thinking tokens made so far. It takes t0_k + c_k l_k
seconds alone, and 1 / y times as long where queries are served together, so that with Little's law

    E[KV] = lambda sum pi_k (m_k t0_k + c_k (m_k l_k + l_k^2 / 2)) / y

(without the y where one query is served at a time). E[KV] is not convex in (l, y), but E[KV] <= M is: y is
affine in the tokens, y = 1 - lambda (sigma0 T0 + sigma sum pi c l), and y E[KV] <= y M reads

    sum (a_k l_k + q_k l_k^2 / 2) <= limit,   a_k = lambda pi_k c_k (m_k + sigma M),   q_k = lambda pi_k c_k,
    limit = M (1 - lambda sigma0 T0) - lambda sum pi m t0,

with 0 for sigma and sigma0 where one query is served at a time. A thinking token is held from when it is
made: l^2 / 2 is the continuous form of l (l + 1) / 2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from cvxtoken.allocation.problem import Workload
from cvxtoken.delay.law import Number


class MemoryRow(NamedTuple):
    """The row of a limit on E[KV]: a and q of every type, and the limit; in tokens."""

    a: list[Number]
    q: list[Number]
    limit: Number


def memory_row(workload: Workload, most: float, exact: Callable[[float], Number]) -> MemoryRow:
    """The row of E[KV] <= most, in any numbers that `exact` makes of doubles."""
    w, lam, M = workload, exact(workload.rate), exact(most)
    fields = (w.prior, w.time_per_token, w.overhead, w.prompt_tokens)
    pi, c, t0, m = ([exact(x) for x in field.tolist()] for field in fields)
    together = w.server.runs_together
    shares = (w.server.token_share, w.server.overhead_share)
    sigma, sigma0 = (exact(share if together else 0.0) for share in shares)
    types = range(len(w))
    T0 = held = exact(0.0)
    for k in types:
        T0, held = T0 + pi[k] * t0[k], held + pi[k] * m[k] * t0[k]
    q = [lam * pi[k] * c[k] for k in types]
    a = [q[k] * (m[k] + sigma * M) for k in types]
    return MemoryRow(a, q, M * (exact(1.0) - lam * sigma0 * T0) - lam * held)
