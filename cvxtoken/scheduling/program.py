"""The best schedule in hindsight as an integer program over time, and its linear relaxation.

The unknown x_{i,g} is 1 where request i completes in span g of h rounds, (g h, (g + 1) h], else 0. With the
weights w of valid inequalities (`snapshots`), of which w = m / M is the memory's own,

    minimise    sum_i sum_g (C_g - a_i) x_{i,g}
    subject to  sum_g x_{i,g} = 1                                       for every request i
                sum_i sum_g w(P_i - C_g + t, C_g - t) x_{i,g} <= 1      for every span of times t and every w.

With h = 1, x of zeros and ones and the memory's inequality alone, this is the integer program of arXiv
2502.07115, written in completions C = start + o in place of starts. With h > 1 the coefficients are means
over a span. That is an approximation, and only its multipliers are used.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from cvxtoken import highs
from cvxtoken.arrays import FloatArray, IntArray
from cvxtoken.highs import LinearProgram, Solution
from cvxtoken.scheduling.problem import Requests


@dataclass(frozen=True)
class Program:
    """The program and what its columns stand for.

    Attributes:
        linear: x is its unknown; the rows of the inequalities stand span by span within each inequality.
        request: i of each column.
        span: g of each column.
        width: h, in rounds.
    """

    linear: LinearProgram
    request: IntArray
    span: IntArray
    width: int


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
        latest: shape (n,); later completions are left out.
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
    packed = sp.vstack(rows).tocsr()
    linear = LinearProgram(cost, once, np.ones(len(o)), packed, np.ones(packed.shape[0]), whole)
    return Program(linear, request, span, width)


def _coefficients(
    profiles: list[FloatArray], request: IntArray, span: IntArray, spans: int, width: int
) -> sp.csr_matrix:
    """In row t and column (i, g) the mean of the weight over times in span t and completions in span g."""
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


def solve(program: Program, seconds: float = 60.0) -> Solution:
    """Solve with HiGHS: an integer program in so many seconds, its relaxation by the interior-point method.

    Raises:
        SolverError: there is no solution, as at a time limit.
    """
    options = {"time_limit": float(seconds)} if program.linear.whole else {"solver": "ipm"}
    return highs.solve(program.linear, **options)
