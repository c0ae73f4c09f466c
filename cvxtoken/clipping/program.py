"""Is a hard limit the best policy at all? The linear-fractional program over all randomised stopping rules.

A rule that stops answers at random is a mixture of limits. Let each type have weights w_n >= 0 of the limits
n, with sum_n w_n = 1. The moments s1 = E[S] and s2 = E[S^2] and the utility u are linear in w. The least wait
at a utility of at least `required` is

    minimise  lambda s2(w) / (2 (1 - lambda s1(w)))   subject to  u(w) >= required,

linear over linear. (Where the server shares, the wait W rises with s1 alone, so that least s1 is least wait:
the same with s1 in place of lambda s2 / 2 and 0 in place of lambda s1, and v is then a bound of s1, W(v) one
of the wait.) By Charnes and Cooper, with `inverse` = 1 / (1 - lambda s1) and x = w inverse, it is the linear
program

    minimise  lambda / 2 sum share s2 x
    subject to  sum_n x_n = inverse for every type,  inverse - lambda sum share s1 x = 1,
                sum share u x >= required inverse,  x >= 0.

Certificate (derived here): v is a lower bound of the wait if, for some mu >= 0,

    sum share min_n [lambda s2_n / 2 + v lambda s1_n - mu u_n] + mu required - v >= 0,

because then lambda s2 / 2 - v (1 - lambda s1) >= mu (u - required) >= 0 for every w with u(w) >= required.
The left side is evaluated exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import scipy.sparse as sp

from cvxtoken import highs
from cvxtoken.arrays import FloatArray
from cvxtoken.clipping import model
from cvxtoken.clipping.problem import ClippingProblem
from cvxtoken.clipping.reference import checked_limits
from cvxtoken.clipping.result import ClippingReference
from cvxtoken.errors import ProblemError, SolverError
from cvxtoken.rigorous import double_below

MISSED = 1e-6  # of 1 + |utility|: a rule that misses the utility by more is no answer; solvers keep to 1e-7


@dataclass(frozen=True)
class Mixture:
    """The randomised rule of least wait at a given utility.

    Attributes:
        mean_wait: E[W] of the rule, in s.
        lower: proven lower bound of the wait of every rule over the limits considered, in s.
        limits: shape (m,); the limits considered.
        weights: w, shape (number of types, m).
    """

    mean_wait: float
    lower: float
    limits: np.ndarray
    weights: FloatArray

    def support(self, number: int = 0) -> dict[int, float]:
        """The limits that a type uses, at most two except in degenerate cases, and their weights."""
        used = np.flatnonzero(self.weights[number] > 1e-9)
        return {int(self.limits[i]): float(self.weights[number, i]) for i in used}


def least_wait(problem: ClippingProblem, utility: float, limits: Sequence[int] | None = None) -> Mixture:
    """The least mean wait of patient requests at a mean utility of at least this, over all randomised rules.

    Args:
        problem: the data; its patience has no part in it.
        utility: the mean utility required.
        limits: those that may be mixed; by default all, which is meant for up to a few thousand.

    Raises:
        ProblemError: no rule reaches this utility.
        SolverError: the linear program was not solved.
    """
    longest = max(len(lengths) for lengths in problem.types)
    grid = np.arange(1, longest + 1) if limits is None else checked_limits(limits, longest)
    tables = model.by_type(problem, grid)
    s1, u = tables.s1, tables.u
    if not utility <= u.max(axis=1).sum() + 1e-12:
        raise ProblemError(f"utility is {utility}; no rule gives more than {u.max(axis=1).sum():.9g}")
    lam, cost = _fraction(problem, tables)
    scale = float(cost.max())  # of the objective, so that the solver's tolerances on it are relative
    try:
        solution = highs.solve(_linear(lam, s1, cost / scale, u, utility))
    except highs.InfeasibleError as error:
        raise ProblemError(f"utility is {utility}; no stable rule over these limits gives as much") from error
    weights = np.maximum(solution.x[:-1].reshape(s1.shape), 0)
    sums = weights.sum(axis=1, keepdims=True)
    if not (sums > 0).all():
        raise SolverError("HiGHS ended with a type without any limit")
    weights /= sums
    mixed = model.Moments(*((x * weights).sum() for x in (s1, tables.s2, u)))
    idle = float(model.idle(problem, mixed.s1))
    missing = utility - float((u * weights).sum())
    if idle <= 0 and problem.server.runs_together:
        raise ProblemError(f"utility is {utility}; no stable rule over these limits gives as much")
    if not (idle > 0 and missing <= MISSED * (1 + abs(utility))):
        raise SolverError(
            f"HiGHS ended with a rule that leaves an idle share of {idle:.3g} and misses the utility by "
            f"{missing:.3g}"
        )
    value = float(model.mean_wait(problem, mixed))
    mu = float(solution.multipliers[0]) * scale
    guess = float(mixed.s1) if problem.server.runs_together else value
    return Mixture(value, lower_bound(problem, grid, utility, guess, mu), grid, weights)


def _fraction(problem: ClippingProblem, tables: model.Moments) -> tuple[float, FloatArray]:
    """The program minimises cost / (1 - lam s1): lam, and the cost of each limit, shape as the tables."""
    if problem.server.runs_together:
        return 0.0, tables.s1
    return problem.rate, problem.rate * tables.s2 / 2


def _linear(
    lam: float, s1: FloatArray, cost: FloatArray, u: FloatArray, utility: float
) -> highs.LinearProgram:
    """The linear program; its unknown is x, type by type, and then `inverse`."""
    types, limits = s1.shape
    each_type = sp.kron(sp.eye(types), np.ones((1, limits)))
    ones = np.ones((types, 1))
    equal = sp.bmat([[each_type, -ones], [-lam * s1.reshape(1, -1), np.ones((1, 1))]], format="csr")
    return highs.LinearProgram(
        cost=np.append(cost.ravel(), 0.0),
        equal=equal,
        right=np.append(np.zeros(types), 1.0),
        less=sp.csr_matrix(np.append(-u.ravel(), utility)[None]),
        limit=np.zeros(1),
    )


def randomisation_gap(reference: ClippingReference, points: int = 400) -> Mixture:
    """The randomised rule of least wait that gives the utility of the best limits.

    Where its wait is that of the best limits, no rule is better than a hard limit at this utility. The limits
    that may be mixed are so many points, spread over all limits, and the best limits.

    Args:
        reference: of patient requests.
        points: how many, at least 2.

    Raises:
        ProblemError: the requests are impatient.
    """
    if reference.loss is not None:
        raise ProblemError("patience is given; randomised rules are compared for patient requests only")
    longest = max(len(lengths) for lengths in reference.problem.types)
    grid = np.unique([*np.linspace(1, longest, points).astype(int), *reference.limits])
    return least_wait(reference.problem, reference.utility, grid.tolist())


def lower_bound(
    problem: ClippingProblem, limits: np.ndarray, utility: float, guess: float, mu: float
) -> float:
    """The largest wait that the certificate proves at mu, rounded down; v is found by Newton's method.

    The left side of the certificate falls as v rises, and is concave and piecewise linear, so that Newton's
    steps end at its root. That v is checked in rational numbers, and lowered until the certificate holds.

    The guess is one of v, mu the price of the utility.
    """
    tables = model.by_type(problem, limits)
    s1, u = tables.s1, tables.u
    lam, cost = _fraction(problem, tables)
    v = guess
    for _ in range(100):
        terms = cost + v * lam * s1 - mu * u
        at = np.argmin(terms, axis=1)
        rows = np.arange(len(at))
        left = float(terms[rows, at].sum()) + mu * utility - v
        slope = lam * float(s1[rows, at].sum()) - 1
        if slope >= 0 or abs(left) <= 1e-15 * (abs(v) + mu):
            break
        v -= left / slope
    shrink = 1e-14
    while v > 0 and not proves(problem, limits, utility, v, mu):
        v -= shrink * (abs(v) + mu)
        shrink *= 4
    return max(wait_at(problem, v), 0.0) if problem.server.runs_together else max(v, 0.0)


def wait_at(problem: ClippingProblem, s1: float) -> float:
    """W(s1) where the server shares and T0 <= s1, rounded down; 0 below T0, infinite where unstable."""
    T0, s = Fraction(model.mean_overhead(problem)), Fraction(s1)
    server, lam = problem.server, Fraction(problem.rate)
    rho = lam * (Fraction(server.overhead_share) * T0 + Fraction(server.token_share) * (s - T0))
    if s <= T0:
        return 0.0
    return double_below(s * rho / (1 - rho)) if rho < 1 else float("inf")


def proves(problem: ClippingProblem, limits: np.ndarray, utility: float, v: float, mu: float) -> bool:
    """Whether the certificate holds, in rational numbers, for the doubles of the tables."""
    tables = model.by_type(problem, limits)
    s1, u = tables.s1, tables.u
    lam, cost = _fraction(problem, tables)
    V, M = Fraction(v), Fraction(mu)
    total = M * Fraction(utility) - V
    for row in range(len(s1)):
        # exactly: the least term in float64, and those that may be less but for rounding
        terms = cost[row] + v * lam * s1[row] - mu * u[row]
        size = float(np.abs(terms).max() + mu * np.abs(u[row]).max())
        near = np.flatnonzero(terms <= terms.min() + 1e-14 * size)
        total += min(
            _exact_cost(problem, tables, row, i)
            + V * Fraction(lam) * Fraction(s1[row, i])
            - M * Fraction(u[row, i])
            for i in near.tolist()
        )
    return total >= 0


def _exact_cost(problem: ClippingProblem, tables: model.Moments, row: int, i: int) -> Fraction:
    """The cost of a limit, for the doubles of its moments."""
    if problem.server.runs_together:
        return Fraction(tables.s1[row, i])
    return Fraction(problem.rate) * Fraction(tables.s2[row, i]) / 2
