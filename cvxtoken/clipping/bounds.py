"""An upper bound over all vectors of limits, type by type (derived here).

In a cell low <= y <= high of the idle share y = 1 - lambda E[S], E[W] >= lambda E[S^2] / (2 high); with a
multiplier nu for E[S] = (1 - y) / lambda the objective is at most

    sum share max_n [theta u(n) - (1 - theta) lambda s2(n) / (2 high) - nu s1(n)] + max nu E[S].
"""

from __future__ import annotations

import heapq

import numpy as np

from cvxtoken.clipping import model
from cvxtoken.clipping.problem import ClippingProblem

_HALVINGS = 400


def upper_bound(problem: ClippingProblem, considered: np.ndarray) -> float:
    """No vector of the limits considered has a better objective, to float64's rounding."""
    theta, lam = problem.theta, problem.arrival_rate
    parts = []
    for k, (share, lengths) in enumerate(zip(problem.shares, problem.types, strict=True)):
        found, place = model.moments(problem, k), np.minimum(considered, len(lengths)) - 1
        parts.append((share, found.s1[place], found.s2[place], found.u[place]))

    def bound(low: float, high: float) -> float:
        fixed = [(share, s1, theta * u - (1 - theta) * lam / (2 * high) * s2) for share, s1, s2, u in parts]
        ends = (1 - high) / lam, (1 - low) / lam

        def at(nu: float) -> tuple[float, float]:
            """The bound, which is convex in nu, and E[S] where the maxima are."""
            value, mean = max(nu * ends[0], nu * ends[1]), 0.0
            for share, s1, gain in fixed:
                n = int(np.argmax(gain - nu * s1))
                value, mean = value + share * float(gain[n] - nu * s1[n]), mean + share * float(s1[n])
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

    y_top = 1 - lam * sum(share * float(s1.min()) for share, s1, _, _ in parts)
    cells = [(-bound(0.0, y_top), 0.0, y_top)]
    for _ in range(_HALVINGS):
        _, low, high = heapq.heappop(cells)
        middle = (low + high) / 2
        for pair in ((low, middle), (middle, high)):
            heapq.heappush(cells, (-bound(*pair), *pair))
    return -cells[0][0]
