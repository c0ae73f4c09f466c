"""The best allocation of a small problem with lags to about 70 digits, by another road than the package's.

Every way for the types to be off or on is tried. Where all have chosen, the problem is the paper's with
t0 + c l0 for t0, s0 + s1 l0 for s0 and l_max - l0 for l_max, held in fractions; Newton's method finds its
optimum, and what it returns is checked against the optimality conditions.
"""

from __future__ import annotations

import itertools
from fractions import Fraction
from functools import cache
from types import SimpleNamespace
from typing import Any

import mpmath
import numpy as np
from mpmath import mp, mpf

import cvxtoken
from cvxtoken.allocation.fields import PER_TYPE
from cvxtoken.allocation.prices.search import solve_prices
from cvxtoken.lagged import LaggedWorkload
from tests.support import truth
from tests.support.truth import exact

_SHIFTED = (("overhead", "time_per_token"), ("deviation", "deviation_per_token"))


def objective(problem: LaggedWorkload, tokens: Any) -> Any:
    """J at any tokens (mpf), straight from its definition."""
    w = problem.workload
    pi, A, b, _, _, _, _, _ = truth.columns(w)
    l, lag = [exact(value) for value in tokens], [exact(value) for value in problem.lag.tolist()]
    types = range(len(l))
    # truth.objective loses A e^(-b l) where a lag leaves A e^(-b (l - l0)_+)
    late = [mp.exp(-b[k] * max(0, l[k] - lag[k])) - mp.exp(-b[k] * l[k]) for k in types]
    lost = mp.fsum(pi[k] * A[k] * late[k] for k in types)
    return truth.objective(w, l) - exact(w.accuracy_weight) * lost


def best(problem: LaggedWorkload) -> Any:
    """The best J (mpf)."""
    return _best(problem.workload, tuple(problem.lag.tolist()))


@cache
def _best(w: cvxtoken.Workload, lag: tuple[float, ...]) -> Any:
    ways = [(False, True) if 0 < l0 < top else (l0 == 0,) for l0, top in zip(lag, w.max_tokens, strict=True)]
    found = (_best_of(w, np.array(lag), np.array(on)) for on in itertools.product(*ways))
    return max(J for J in found if J is not None)


def _best_of(w: cvxtoken.Workload, lag: Any, on: Any) -> Any:
    """The best J where these types are on; None where nothing is stable."""
    base = [Fraction(l0) if is_on else Fraction(0) for l0, is_on in zip(lag.tolist(), on, strict=True)]
    fields = {f: [Fraction(x) for x in getattr(w, f).tolist()] for f in (*PER_TYPE, "max_tokens")}
    for start, slope in _SHIFTED:
        fields[start] = [x + y * l0 for x, y, l0 in zip(fields[start], fields[slope], base, strict=True)]
    fields["max_tokens"] = [
        top - l0 if is_on else Fraction(0)
        for top, l0, is_on in zip(fields["max_tokens"], base, on, strict=True)
    ]
    if Fraction(w.arrival_rate) * sum(map(Fraction.__mul__, fields["prior"], fields["overhead"])) >= 1:
        return None
    near = w.replace(**{f: [float(x) for x in fields[f]] for f in ("overhead", "deviation", "max_tokens")})
    shifted = SimpleNamespace(
        server=w.server,
        rate=w.rate,
        arrival_rate=w.arrival_rate,
        accuracy_weight=w.accuracy_weight,
        **{field: np.array(values, dtype=object) for field, values in fields.items()},
    )
    return _polished(shifted, solve_prices(near).tolist())


def _polished(w: Any, start: list[float]) -> Any:
    """The best J of the paper's problem, its optimality conditions verified."""
    top = [exact(value) for value in w.max_tokens.tolist()]
    l = [min(exact(value), most) for value, most in zip(start, top, strict=True)]
    l = [most if most - value <= mpf(10) ** -9 * most else value for value, most in zip(l, top, strict=True)]
    free = [k for k in range(len(l)) if 0 < l[k] < top[k]]
    for _ in range(8):
        if free:
            slope = truth.gradient(w, l)
            step = mp.lu_solve(truth._jacobian(w, l, free), mpmath.matrix([slope[k] for k in free]))
            for k, change in zip(free, step, strict=True):
                l[k] -= change
    for k, slope in enumerate(truth.gradient(w, l)):
        scale = exact(w.prior[k]) * exact(w.time_per_token[k])
        if k in free:
            good = abs(slope) < scale * mpf(10) ** -60 and 0 <= l[k] <= top[k]
        else:
            good = top[k] == 0 or (slope <= 0) == (l[k] == 0)
        if not good:
            raise AssertionError(f"the truth of type {k} is not optimal: gradient {slope}")
    return truth.objective(w, l)
