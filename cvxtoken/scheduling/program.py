"""The best schedule in hindsight as an integer program over time, and its linear relaxation.

x_{i,g} says that request i completes in span g of h rounds, (g h, (g + 1) h]. With valid inequalities w of
`snapshots`, of which w = m / M is the memory's own,

    minimise    sum_i sum_g (C_g - a_i) x_{i,g}
    subject to  sum_g x_{i,g} = 1                                       for every request i
                sum_i sum_g w(P_i - C_g + t, C_g - t) x_{i,g} <= 1      for every span of times t and every w.

With h = 1, x of zeros and ones and the memory's inequality alone this is the integer program of arXiv
2502.07115, in completions C = start + o in place of starts. With h > 1 coefficients are means over a span:
an approximation, of which only the multipliers are used.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import cvxpy as cp
import numpy as np
import scipy.sparse as sp

from cvxtoken.arrays import FloatArray, IntArray
from cvxtoken.errors import SolverError
from cvxtoken.scheduling.problem import Requests


@dataclass(frozen=True)
class Program:
    """The program and what its columns stand for.

    Attributes:
        problem: in CVXPY.
        x: its variable, one a column.
        request: i of each column.
        span: g of each column.
        width: h, in rounds.
        packed: the constraint of the inequalities, row by row of spans within each inequality.
    """

    problem: cp.Problem
    x: cp.Variable
    request: IntArray
    span: IntArray
    width: int
    packed: cp.Constraint


def build(
    requests: Requests,
    latest: IntArray,
    profiles: list[list[FloatArray]],
    width: int = 1,
    whole: bool = False,
) -> Program:
    """Write the program.

    Args:
        requests: the data.
        latest: shape (n,); completions beyond are left out.
        profiles: for each inequality and request, w(P_i - r, r) for r = 0..o_i - 1, scaled to at most 1.
        width: h.
        whole: whether x is zeros and ones.
    """
    o, earliest = requests.output_tokens, requests.arrival + requests.output_tokens
    first, last = (earliest - 1) // width, (latest - 1) // width
    request = np.repeat(np.arange(len(requests)), last - first + 1)
    span = np.concatenate([np.arange(a, b + 1) for a, b in zip(first, last, strict=True)])
    spans = int(last.max()) + 1
    middle = span * width + (width + 1) / 2
    cost = np.maximum(middle, earliest[request]) - requests.arrival[request]
    once = sp.csr_matrix((np.ones(len(span)), (request, np.arange(len(span)))))
    rows = [
        _coefficients([profile[i] for i in range(len(o))], request, span, spans, width)
        for profile in profiles
    ]
    x = cp.Variable(len(span), boolean=True) if whole else cp.Variable(len(span), nonneg=True)
    packed = sp.vstack(rows).tocsr() @ x <= 1
    problem = cp.Problem(cp.Minimize(cost @ x), [once @ x == 1, packed])
    return Program(problem, x, request, span, width, packed)


def _coefficients(
    profiles: list[FloatArray], request: IntArray, span: IntArray, spans: int, width: int
) -> sp.csr_matrix:
    """Row t and column (i, g): the mean over times in span t and completions in span g of the weight."""
    # a completion in span g and a time in span t are (g - t) h + d rounds apart, d with a triangle's chances
    triangle = np.convolve(np.ones(width), np.ones(width)) / width**2
    rows, columns, values = [], [], []
    at = np.searchsorted(request, np.arange(len(profiles) + 1))
    for i, profile in enumerate(profiles):
        mean = np.convolve(profile, triangle)[width - 1 :: width]  # for 0, 1, ... spans between them
        number = np.arange(at[i], at[i + 1])
        for spans_ahead, value in enumerate(mean):
            t = span[number] - spans_ahead
            good = t >= 0
            if value > 0:
                rows.append(t[good])
                columns.append(number[good])
                values.append(np.full(int(good.sum()), value))
    shape = (spans, len(request))
    if not rows:
        return sp.csr_matrix(shape)
    return sp.csr_matrix((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape)


def solve(program: Program, seconds: float = 60.0) -> tuple[FloatArray, FloatArray | None, float]:
    """Solve with HiGHS.

    Returns:
        x, shape (columns,); the multipliers of `packed`, not negative (None for an integer program); and the
        bound that the solver states, which nothing here proves (-inf where it has none yet).

    Raises:
        SolverError: there is no solution, as at a time limit.
    """
    whole = bool(program.x.attributes["boolean"])
    options: dict[str, object] = {"time_limit": float(seconds)} if whole else {"solver": "ipm"}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # 'may be inaccurate', as at a time limit: nothing here relies on it
            program.problem.solve(solver=cp.HIGHS, highs_options=options)
    except cp.SolverError as error:
        raise SolverError(f"HiGHS ended without a solution: {error}") from error
    if program.x.value is None:
        raise SolverError(f"HiGHS ended with status {program.problem.status!r}")
    stats = program.problem.solver_stats.extra_stats
    if whole:
        return program.x.value, None, float(stats.mip_dual_bound)
    return program.x.value, np.maximum(program.packed.dual_value, 0.0), float(program.problem.value)
