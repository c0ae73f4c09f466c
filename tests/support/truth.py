"""The optimum of a small workload to about 70 digits, by another road than the package's.

Newton's method on the full gradient in mpmath, from the package's point, on the types that are not at a
bound; what it returns is checked against the optimality conditions, so that where it came from does not
matter: F is strictly convex.
"""

from __future__ import annotations

import itertools
from fractions import Fraction
from functools import cache
from typing import Any

import mpmath
import numpy as np
from mpmath import mp, mpf

import cvxtoken
from cvxtoken.allocation import model

mp.dps = 90  # for whoever imports this module


def exact(value: Any) -> Any:
    """A double, a decimal or a fraction as an mpf of 90 digits."""
    fraction = Fraction(value)
    return mpf(fraction.numerator) / fraction.denominator


def columns(w: cvxtoken.Workload) -> list[list[Any]]:
    """The numbers pi, A, b, D, t0, c, s0 and s1 of all types."""
    fields = (w.prior, w.accuracy_gain, w.saturation_rate, w.base_accuracy, w.overhead, w.time_per_token)
    return [[exact(x) for x in field.tolist()] for field in (*fields, w.deviation, w.deviation_per_token)]


def law(w: cvxtoken.Workload, l: list[Any]) -> tuple[Any, Any]:
    """E[T] and y at tokens (mpf), straight from the definition of each kind of server."""
    pi, _, _, _, t0, c, _, _ = columns(w)
    types = range(len(l))
    lam = exact(w.rate)
    overhead, thinking = (mp.fsum(pi[k] * x[k] for k in types) for x in (t0, [c[k] * l[k] for k in types]))
    mean = overhead + thinking
    if w.server.kind == "sharing":
        y = 1 - lam * (exact(w.server.overhead) * overhead + exact(w.server.sigma) * thinking)
        return mean / y, y
    y = 1 - lam * mean
    return mean + lam * mean_square(w, l) / (2 * y), y


def mean_square(w: cvxtoken.Workload, l: list[Any]) -> Any:
    """E[S^2] = sum pi E[S_k^2] at tokens (mpf): a mean squared and a variance."""
    pi, _, _, _, t0, c, s0, s1 = columns(w)
    types = range(len(l))
    return mp.fsum(pi[k] * ((t0[k] + c[k] * l[k]) ** 2 + (s0[k] + s1[k] * l[k]) ** 2) for k in types)


def square_slope(w: cvxtoken.Workload, k: int, l: Any) -> Any:
    """Half of the derivative of E[S_k^2]."""
    fields = (w.overhead, w.time_per_token, w.deviation, w.deviation_per_token)
    t0, c, s0, s1 = (exact(field[k]) for field in fields)  # of one type: all of `columns` is slow to read
    return c * (t0 + c * l) + s1 * (s0 + s1 * l)


def objective(w: cvxtoken.Workload, tokens: Any) -> Any:
    """J at any tokens (mpf), straight from its definition."""
    pi, A, b, D, *_ = columns(w)
    l = [exact(value) if not isinstance(value, mpf) else value for value in tokens]
    accuracy = mp.fsum(pi[k] * (A[k] * (1 - mp.exp(-b[k] * l[k])) + D[k]) for k in range(len(l)))
    return exact(w.accuracy_weight) * accuracy - law(w, l)[0]


def best_whole(w: cvxtoken.Workload) -> tuple[list[list[int]], Any]:
    """All best whole allocations of a small box, and their J.

    Every one is evaluated in float64, those within 1e-9 relative of the best in 90 digits; ties are equal to
    1e-60 relative.
    """
    tops = np.floor(w.max_tokens).astype(int)
    box = np.array(list(itertools.product(*(range(top + 1) for top in tops))), dtype=float)
    J = model.objective(w, box)
    near = box[J.max() - J <= 1e-9 * (1 + abs(J.max()))].astype(int).tolist()
    values = [objective(w, l) for l in near]
    best = max(values)
    return [
        l for l, J in zip(near, values, strict=True) if best - J <= (1 + abs(best)) * mpf(10) ** -60
    ], best


def system_slopes(w: cvxtoken.Workload, l: list[Any]) -> list[Any]:
    """The derivatives of E[T] in all tokens over pi, from the definition of each kind of server."""
    c, lam = columns(w)[5], exact(w.rate)
    system, y = law(w, l)
    if w.server.kind == "sharing":  # of E[S] / y
        common = (1 + lam * exact(w.server.sigma) * system) / y
        return [c_k * common for c_k in c]
    common = 1 + lam**2 * mean_square(w, l) / (2 * y**2)
    return [c[k] * common + lam * square_slope(w, k, l[k]) / y for k in range(len(l))]


def gradient(w: cvxtoken.Workload, l: list[Any]) -> list[Any]:
    pi, A, b, *_ = columns(w)
    alpha, price = exact(w.accuracy_weight), system_slopes(w, l)
    return [pi[k] * (alpha * A[k] * b[k] * mp.exp(-b[k] * l[k]) - price[k]) for k in range(len(l))]


@cache
def solved(w: cvxtoken.Workload) -> cvxtoken.Reference:
    """The package's certified optimum, solved once for all who ask."""
    return cvxtoken.solve(w)


@cache
def optimum(w: cvxtoken.Workload) -> tuple[list[Any], Any]:
    """l* and J*, their optimality conditions verified to 1e-60 relative to the first type's scale."""
    l_max = [exact(value) for value in w.max_tokens.tolist()]
    l = [exact(value) for value in solved(w).tokens.tolist()]
    free = [k for k in range(len(l)) if 0 < l[k] < l_max[k]]
    for _ in range(8):
        if free:
            step = mp.lu_solve(_jacobian(w, l, free), mpmath.matrix([gradient(w, l)[k] for k in free]))
            for k, change in zip(free, step, strict=True):
                l[k] -= change
    slope = gradient(w, l)
    scale = [exact(w.prior[k]) * exact(w.time_per_token[k]) for k in range(len(l))]
    for k, value in enumerate(slope):
        free_here, at_zero = k in free, l[k] == 0
        good = abs(value) < scale[k] * mpf(10) ** -60 if free_here else (value <= 0) == at_zero
        if not (good or l_max[k] == 0) or not 0 <= l[k] <= l_max[k]:
            raise AssertionError(f"the truth of type {k} is not optimal: gradient {value}")
    return l, objective(w, l)


def _jacobian(w: cvxtoken.Workload, l: list[Any], free: list[int]) -> Any:
    """Second derivatives of J for the free types, from the definition (not from the rank-two form)."""
    pi, A, b, _, _, c, _, s1 = columns(w)
    lam, alpha = exact(w.rate), exact(w.accuracy_weight)
    system, y = law(w, l)
    sharing = w.server.kind == "sharing"
    square, g = mean_square(w, l), [square_slope(w, k, l[k]) for k in range(len(l))]
    matrix = mpmath.zeros(len(free))
    for row, k in enumerate(free):
        for column, j in enumerate(free):
            if sharing:  # E[S] / y has 2 load' / y^2 + 2 E[S] load'^2 / y^3
                load = lam * exact(w.server.sigma)
                both = 2 * load * pi[k] * c[k] * pi[j] * c[j] * (1 + load * system) / y**2
            else:
                cross = (g[k] * c[j] + g[j] * c[k]) / y**2 + c[k] * c[j] * lam * square / y**3
                both = lam**2 * pi[k] * pi[j] * cross
            matrix[row, column] = -both
        own = alpha * A[k] * b[k] ** 2 * mp.exp(-b[k] * l[k])
        own += 0 if sharing else lam * (c[k] ** 2 + s1[k] ** 2) / y
        matrix[row, row] -= pi[k] * own
    return matrix
