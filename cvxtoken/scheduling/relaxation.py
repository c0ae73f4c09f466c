"""The lower bound that any multipliers give: Lagrange's relaxation of inequalities over time.

With multipliers lambda_t >= 0 on sum_i w(P_i - C_i + t, C_i - t) <= 1 for several weights w, every schedule
has (derived here; `cvxtoken.verifier.schedule` redoes it in whole numbers)

    TEL >= sum_i min over C >= a_i + o_i of [C - a_i + sum_w sum_t lambda_t w(P_i - C + t, C - t)]
           - sum_w sum_t lambda_t.

No horizon is assumed: after the last multiplier the bracket only grows with C. Good multipliers are those of
the linear program over spans of rounds, interpolated linearly to single rounds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvxtoken.arrays import FloatArray, IntArray
from cvxtoken.scheduling.problem import Requests
from cvxtoken.scheduling.program import build, solve
from cvxtoken.scheduling.snapshots import Cells, best_weights

UNIT = 1000  # weights are whole numbers; about this is the largest sum that they may have
# Weights are designed for so many classes of requests by length. In a class, a request counts by the distance
# of its rank from the middle, as exp(-(distance / (WIDTH n))^2) + FLOOR. Half the width makes a bound two
# percent worse.
CLASSES, WIDTH, FLOOR = 8, 0.2, 0.03


@dataclass(frozen=True, eq=False)
class Inequality:
    """The inequality sum_i w(P_i - C_i + t, C_i - t) <= `most` at every time t.

    Attributes:
        weights: w, whole numbers, shape (M + 1, longest) over m and r; None for w = m, the memory's.
        most: the largest sum.
    """

    weights: IntArray | None
    most: int

    def profile(self, peak: int, output_tokens: int) -> IntArray:
        """The weights w(P - r, r) for r = 0..o - 1 rounds to go."""
        r = np.arange(output_tokens)
        return peak - r if self.weights is None else self.weights[peak - r, r]


def inequalities(requests: Requests) -> list[Inequality]:
    """The memory's inequality, and one for each class of requests by length, with weights where these pass.

    Raises:
        SolverError: a linear program of the design was not solved.
    """
    cells = Cells.of(requests)
    rank = np.argsort(np.lexsort((requests.prompt_tokens, requests.output_tokens)))
    middle = np.linspace(0, len(requests) - 1, CLASSES)
    near = np.exp(-(((rank - middle[:, None]) / (WIDTH * len(requests))) ** 2)) + FLOOR
    worth = cells.usage(requests, near)
    weights = best_weights(cells, worth / (worth @ cells.held / requests.memory)[:, None])
    found = [Inequality(None, requests.memory)]
    for row in np.floor(weights * UNIT).astype(np.int64):
        table = np.zeros((requests.memory + 1, int(cells.left.max()) + 1), dtype=np.int64)
        table[cells.held, cells.left] = row
        (largest,), _ = cells.worst(row[None].astype(float))
        found.append(Inequality(table, round(largest)))  # whole numbers, which doubles add up exactly
    return found


class Relaxation:
    """Inequalities as weights of each request by rounds to go, scaled to sums of at most 1."""

    def __init__(self, requests: Requests, valid: list[Inequality]) -> None:
        self.requests, self.valid = requests, valid
        self.kinds, self.kind = np.unique(
            np.stack([requests.peak, requests.output_tokens]), axis=1, return_inverse=True
        )
        self.profiles = [
            [item.profile(int(P), int(o)) / item.most for P, o in self.kinds.T] for item in valid
        ]


def multipliers_of(relaxation: Relaxation, last: int, width: int) -> FloatArray:
    """Multipliers from the linear program over spans of a width, for completions up to the last one.

    Raises:
        SolverError: it was not solved.
    """
    requests = relaxation.requests
    by_request = [[profiles[k] for k in relaxation.kind] for profiles in relaxation.profiles]
    latest = np.maximum(requests.arrival + requests.output_tokens, last)
    multipliers = solve(build(requests, latest, by_request, width)).multipliers
    spans = multipliers.reshape(len(relaxation.valid), -1) / width
    middle = np.arange(spans.shape[1]) * width + (width + 1) / 2
    times = np.arange(1, int(latest.max()) + 1)
    lines = [np.interp(times, middle, row, right=0.0) for row in spans]
    return np.pad(lines, ((0, 0), (1, 0)))  # at time 0 nothing runs yet
