"""An upper bound over all vectors of limits, type by type (derived here).

In a cell low <= y <= high of the idle share y = 1 - lambda E[S], E[W] >= lambda E[S^2] / (2 high). Write
s1(n), s2(n) and u(n) for E[S], E[S^2] and E[u] of a type at the limit n. With any multiplier nu for
E[S] = (1 - y) / lambda the objective in the cell is at most

    sum share max_n [theta u(n) - (1 - theta) lambda s2(n) / (2 high) - nu s1(n)] + max nu E[S],

where the last maximum is over the values of E[S] in the cell.
"""

from __future__ import annotations

import heapq

import numpy as np

from cvxtoken.clipping import model
from cvxtoken.clipping.problem import ClippingProblem

_HALVINGS = 400


def upper_bound(problem: ClippingProblem, considered: np.ndarray) -> float:
    """A number that no vector of the limits considered exceeds in the objective, up to float64's rounding."""
    theta, lam = problem.theta, problem.arrival_rate
    tables = model.by_type(problem, considered)

    def bound(low: float, high: float) -> float:
        gains = theta * tables.u - (1 - theta) * lam / (2 * high) * tables.s2
        ends = (1 - high) / lam, (1 - low) / lam

        def at(nu: float) -> tuple[float, float]:
            """The bound at nu, in which it is convex, and E[S] at the limits that attain the maxima."""
            value, mean = max(nu * ends[0], nu * ends[1]), 0.0
            for s1, gain in zip(tables.s1, gains, strict=True):
                n = int(np.argmax(gain - nu * s1))
                value, mean = value + float(gain[n] - nu * s1[n]), mean + float(s1[n])
            return value, mean

        best, mean = at(0.0)
        if ends[0] <= mean <= ends[1]:
            return best
        target = ends[0] if mean < ends[0] else ends[1]
        inner, outer = 0.0, -1e-6 if mean < ends[0] else 1e-6
        for _ in range(60):
            value, mean_there = at(outer)
            best = min(best, value)
            if (mean_there - target) * (mean - target) <= 0:
                break
            inner, outer = outer, 4 * outer
        for _ in range(40):
            middle = (inner + outer) / 2
            value, mean_there = at(middle)
            best = min(best, value)
            inner, outer = (middle, outer) if (mean_there - target) * (mean - target) > 0 else (inner, middle)
        return best

    y_top = 1 - lam * float(tables.s1.min(axis=1).sum())
    cells = [(-bound(0.0, y_top), 0.0, y_top)]
    for _ in range(_HALVINGS):
        _, low, high = heapq.heappop(cells)
        middle = (low + high) / 2
        for pair in ((low, middle), (middle, high)):
            heapq.heappush(cells, (-bound(*pair), *pair))
    return -cells[0][0]
