"""The objective in rational numbers, for limits that float64 cannot tell apart.

With the prefix sums c_i(n) = sum_{j <= n} p_j j^i of the doubles p_j, E[N_n] = c_1(n) + n (c_0(n_max) -
c_0(n)), and so on: one pass over whole numbers serves all limits.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from itertools import accumulate

import numpy as np

from cvxtoken.clipping.problem import ClippingProblem
from cvxtoken.lengths import LengthDistribution
from cvxtoken.rigorous import exact_dot, whole_numbers


class _Sums:
    """The prefix sums of a distribution of lengths, exactly."""

    def __init__(self, lengths: LengthDistribution) -> None:
        self.whole, exponent = whole_numbers(lengths.probabilities)
        self.unit = Fraction(2) ** exponent
        self.known: dict[int, list[int]] = {}

    def prefix(self, i: int) -> list[int]:
        """c_i(0), c_i(1), ... in units."""
        if i not in self.known:
            terms = [x * n**i for n, x in enumerate(self.whole, 1)] if i else self.whole
            self.known[i] = [0, *accumulate(terms)]
        return self.known[i]

    def of(self, i: int, n: int) -> Fraction:
        """c_i(n)."""
        return Fraction(self.prefix(i)[n]) * self.unit

    def moment(self, i: int, n: int) -> Fraction:
        """E[min(N, n)^i], for probabilities that may not quite sum to 1."""
        c0, ci = self.prefix(0), self.prefix(i)
        return Fraction(ci[n] + n**i * (c0[-1] - c0[n])) * self.unit


@lru_cache(maxsize=16)
def _sums(lengths: LengthDistribution) -> _Sums:
    return _Sums(lengths)


def exact_objective(problem: ClippingProblem, limits: np.ndarray) -> Fraction:
    """The objective theta E[u] - (1 - theta) E[W] at stable limits, exactly, in rational numbers."""
    c, t0 = Fraction(problem.time_per_token), Fraction(problem.overhead)
    T0 = s1 = s2 = u = Fraction(0)
    for k, (share, lengths, limit) in enumerate(zip(problem.shares, problem.types, limits, strict=True)):
        weight, sums, n = Fraction(share), _sums(lengths), min(int(limit), len(lengths))
        m0, m1 = sums.moment(0, n), sums.moment(1, n)
        m2 = Fraction(0) if problem.server.runs_together else sums.moment(2, n)  # there it has no part
        T0 += weight * t0 * m0
        s1 += weight * (c * m1 + t0 * m0)
        s2 += weight * (c * c * m2 + 2 * c * t0 * m1 + t0 * t0 * m0)
        u += weight * _utility(problem, k, n)
    if problem.inputs is not None:
        g = Fraction(problem.inputs.mean)
        T0, s1, s2 = g * T0, g * s1, Fraction(problem.inputs.square) * s2
    theta, lam = Fraction(problem.theta), Fraction(problem.rate)
    law = problem.server.law(lam, T0, Fraction)
    y = 1 - lam * (law.overhead_share * T0 + law.token_share * (s1 - T0))
    T = law.offset + law.direct * s1 + lam * (law.square * s2 + law.constant) / (2 * y)
    objective: Fraction = theta * u - (1 - theta) * (T - s1)
    return objective


def _utility(problem: ClippingProblem, number: int, n: int) -> Fraction:
    """E[u] of one type at the limit n."""
    lengths = problem.types[number]
    if problem.utility == "share_whole":
        return _sums(lengths).of(0, n)
    if problem.utility == "share_tokens":
        return _sums(lengths).moment(1, n) / _mean_tokens(problem)
    values = problem.utility_values(number)[np.minimum(np.arange(1, len(lengths) + 1), n) - 1]
    return exact_dot(lengths.probabilities, values)


@lru_cache(maxsize=16)
def _mean_tokens(problem: ClippingProblem) -> Fraction:
    """E[N] over all types."""
    means = (_sums(item).of(1, len(item)) for item in problem.types)
    return sum(
        (Fraction(share) * mean for share, mean in zip(problem.shares, means, strict=True)), Fraction(0)
    )
