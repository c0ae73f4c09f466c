"""The best allocation for one queue of several servers to about 70 digits, by another road.

Erlang's formula is the one of textbooks, of factorials and powers. Newton's method on the gradient goes on
from the package's tokens, and what it returns is checked against the optimality conditions; that no other
stationary point is better is for tests on grids.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from mpmath import mp, mpf

from cvxtoken.pooled import PooledWorkload, solve_pooled
from tests.support import truth
from tests.support.truth import exact


def erlang_c(servers: int, a: Any) -> Any:
    """a^R/R! R/(R-a) over sum_{j<R} a^j/j! + a^R/R! R/(R-a)."""
    last = a**servers / mp.factorial(servers) * servers / (servers - a)
    return last / (mp.fsum(a**j / mp.factorial(j) for j in range(servers)) + last)


def spare(servers: int, a: Any) -> Any:
    """g(a) = a (R - a) / C(R, a), for 0 < a < R."""
    return a * (servers - a) / erlang_c(servers, a)


def load(problem: PooledWorkload, l: list[Any]) -> Any:
    """a = lambda E[S] (mpf)."""
    pi, _, _, _, t0, c, _, _ = truth.columns(problem.workload)
    mean = mp.fsum(pi[k] * (t0[k] + c[k] * l[k]) for k in range(len(l)))
    return exact(problem.workload.arrival_rate) * mean


def objective(problem: PooledWorkload, tokens: Any) -> Any:
    """J at any tokens (mpf), straight from its definition."""
    w, R = problem.workload, problem.servers
    pi, A, b, D, *_ = truth.columns(w)
    l = [value if isinstance(value, mpf) else exact(value) for value in tokens]
    accuracy = mp.fsum(pi[k] * (A[k] * (1 - mp.exp(-b[k] * l[k])) + D[k]) for k in range(len(l)))
    lam, a = exact(w.arrival_rate), load(problem, l)
    wait = lam * truth.mean_square(w, l) / (2 * spare(R, a)) if a or R == 1 else mpf(0)
    if R == 1 and not a:
        wait = lam * truth.mean_square(w, l) / 2
    return exact(w.accuracy_weight) * accuracy - a / lam - wait


def gradient(problem: PooledWorkload, l: list[Any]) -> list[Any]:
    """dJ/dl_k over pi_k."""
    w = problem.workload
    _, A, b, _, _, c, _, _ = truth.columns(w)
    lam, alpha, a = exact(w.arrival_rate), exact(w.accuracy_weight), load(problem, l)
    g, slope = spare(problem.servers, a), mp.diff(lambda x: spare(problem.servers, x), a)
    common = 1 - lam**2 * truth.mean_square(w, l) * slope / (2 * g**2)
    return [
        alpha * A[k] * b[k] * mp.exp(-b[k] * l[k]) - c[k] * common - lam * truth.square_slope(w, k, l[k]) / g
        for k in range(len(l))
    ]


@cache
def _best(problem: PooledWorkload) -> tuple[list[Any], Any]:
    top = [exact(value) for value in problem.workload.max_tokens.tolist()]
    l = [exact(value) for value in solve_pooled(problem.workload, problem.servers).tokens.tolist()]
    free = [k for k in range(len(l)) if 0 < l[k] < top[k]]

    def residual(*values: Any) -> list[Any]:
        at = [*l]
        for k, value in zip(free, values, strict=True):
            at[k] = value
        slopes = gradient(problem, at)
        return [slopes[k] for k in free]

    for _ in range(4 if free else 0):
        centre = [l[k] for k in free]
        step = mpf(10) ** -30
        base = residual(*centre)
        matrix = mp.matrix(len(free))
        for j in range(len(free)):
            moved = residual(*(x + step * (i == j) for i, x in enumerate(centre)))
            for i in range(len(free)):
                matrix[i, j] = (moved[i] - base[i]) / step
        change = mp.lu_solve(matrix, mp.matrix(base))
        for k, value in zip(free, change, strict=True):
            l[k] -= value
    for k, slope in enumerate(gradient(problem, l)) if load(problem, l) else ():
        if k in free:
            good = (
                abs(slope) < exact(problem.workload.time_per_token[k]) * mpf(10) ** -40
                and 0 <= l[k] <= top[k]
            )
        else:
            good = top[k] == 0 or (slope <= 0) == (l[k] == 0)
        if not good:
            raise AssertionError(f"the truth of type {k} is not optimal: gradient {slope}")
    return l, objective(problem, l)


_known: dict[str, PooledWorkload] = {}


def best(problem: PooledWorkload) -> Any:
    """The best J (mpf)."""
    return _best(_known.setdefault(problem.sha256, problem))[1]
