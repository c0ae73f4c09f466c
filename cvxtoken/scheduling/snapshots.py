"""Valid inequalities of one instant: what may be in the memory together, looked at until all of it completes.

A request with r rounds to go holds m = s + o - r tokens, for r = 0 (its completion) to o - 1. Requests that
hold memory at one time, a snapshot, all complete as planned only if each fits at each other's completion:

    sum over j with r_j >= r_i of (m_j + r_i) <= M   for every i of the snapshot.

Weights w(m, r) >= 0 that sum to at most 1 over every snapshot give a valid inequality at every time t,

    sum_i w(P_i - C_i + t, C_i - t) <= 1   with peaks P = s + o and completions C.

The memory's own inequality is w = m / M. It never sees the peaks to come; better weights are found here by
linear programming, against the snapshots that dynamic programming finds. Pairs of requests whose peaks do not
fit together, and all sets of starts that exclude each other in pairs, are special cases: requests that
conflict run at one time, and intervals that meet in pairs have a point in common. All derived here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvxtoken import highs
from cvxtoken.arrays import FloatArray, IntArray
from cvxtoken.errors import SolverError
from cvxtoken.scheduling.problem import Requests

TOLERANCE = 0.02  # of the weights' worth, at which their design ends
ROUNDS = 250  # of a stage of the design, at most
# blocks of side `fine` where a cell is worth that share of the largest worth, of side `coarse` elsewhere
STAGES = ((0.0, 3, 3), (0.3, 1, 3), (0.05, 1, 2))


@dataclass(frozen=True, eq=False)
class Cells:
    """All (m, r) that requests pass through, from the most rounds to go to the least.

    Attributes:
        held: m, shape (c,), in tokens.
        left: r, shape (c,), in rounds.
        memory: M.
    """

    held: IntArray
    left: IntArray
    memory: int

    @classmethod
    def of(cls, requests: Requests) -> Cells:
        """The cells of all requests."""
        peak, o = requests.peak, requests.output_tokens
        longest = {int(P): int(o[peak == P].max()) for P in np.unique(peak)}
        pairs = [(-r, P - r) for P, length in longest.items() for r in range(length)]
        r, m = np.array(sorted(pairs)).T
        return cls(held=m, left=-r, memory=requests.memory)

    def usage(self, requests: Requests, share: FloatArray) -> FloatArray:
        """Rounds spent in each cell, shape (..., c), by shares of the requests, shape (..., n)."""
        peak, o = requests.peak, requests.output_tokens
        through = (peak[:, None] == self.held + self.left) & (o[:, None] > self.left)
        return np.asarray(share @ through)

    def worst(self, weights: FloatArray) -> tuple[FloatArray, list[list[IntArray]]]:
        """The largest sum of each row of weights over a snapshot, and the snapshots that exceed 1.

        From the most rounds to go to the least, best[k, h] is the largest sum of k requests that hold h now;
        one with r rounds to go joins where h + m + (k + 1) r <= M. Any number may be in one cell.

        Args:
            weights: shape (rows, c); cells of weight 0 in all rows are left out.

        Returns:
            The sums, shape (rows,), and a list a row of snapshots as arrays of cells, for each size of
            snapshot the worst.
        """
        M, rows = self.memory, len(weights)
        most = int(M // max(1, self.held.min()))
        best = np.full((most + 1, M + 1, rows), -np.inf)
        best[0, 0] = 0
        last = np.full(best.shape, -1)  # the number of the addition that led there
        added, before = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        count = top = 0
        for cell in np.flatnonzero(weights.max(axis=0) > 0):
            m, r, w = int(self.held[cell]), int(self.left[cell]), weights[:, cell]
            for k in range(most):
                room = M - m - (k + 1) * r
                if room < 0 or k > top:
                    break
                joined, there = best[k, : room + 1] + w, best[k + 1, m : m + room + 1]
                h, row = np.nonzero(joined > there + 1e-12)
                if not len(h):
                    continue
                top = max(top, k + 1)
                added.append(np.full(len(h), cell))
                before.append(last[k, h, row])
                there[h, row] = joined[h, row]
                last[k + 1, m + h, row] = count + np.arange(len(h))
                count += len(h)
        by_size, at = best.max(axis=1), best.argmax(axis=1)
        chain = np.concatenate(added), np.concatenate(before)
        found: list[list[IntArray]] = [[] for _ in range(rows)]
        for k, row in zip(*np.nonzero(by_size > 1 + 1e-6), strict=True):
            found[row].append(_followed(chain, int(last[k, at[k, row], row])))
        return np.maximum(by_size.max(axis=0), 0), found


def _followed(chain: tuple[IntArray, IntArray], number: int) -> IntArray:
    cells = []
    while number >= 0:
        cells.append(chain[0][number])
        number = chain[1][number]
    return np.array(cells)


def best_weights(cells: Cells, worth: FloatArray) -> FloatArray:
    """Weights of the largest worth whose sum over no snapshot exceeds 1, to two percent where possible.

    Maximise worth . w over w >= 0 by cutting planes: a linear program over the snapshots found so far gives
    an outer point; the worst snapshots at a mean of it and of the best weights known are added, and that
    mean, scaled back, may be the better one. Cells share a weight in blocks, which become finer where much is
    worth: a few hundred unknowns take a few hundred rounds.

    Args:
        cells: where requests pass.
        worth: shape (rows, c), not negative; each row is a problem of its own.

    Returns:
        Shape (rows, c); at least as good as m / M.

    Raises:
        SolverError: a linear program was not solved.
    """
    best = np.tile(cells.held / cells.memory, (len(worth), 1))
    most = worth.max(axis=1, keepdims=True)
    for share, fine, coarse in STAGES:
        best = _refined(cells, worth, best, np.where(worth >= share * most, fine, coarse))
    return best


def _refined(cells: Cells, worth: FloatArray, start: FloatArray, sides: IntArray) -> FloatArray:
    m, r, row_length = cells.held, cells.left, cells.memory + 1
    keys = (sides * row_length + m // sides) * row_length + r // sides
    blocks = [np.unique(key, return_inverse=True)[1] for key in keys]
    programs = [
        _OuterProgram(np.bincount(block, row).astype(float)) for block, row in zip(blocks, worth, strict=True)
    ]
    best, value = start.copy(), (start * worth).sum(axis=1)
    open_rows = np.arange(len(worth))
    for _ in range(ROUNDS):
        outer = np.array([programs[row].solve()[blocks[row]] for row in open_rows])
        limit = (outer * worth[open_rows]).sum(axis=1)
        middle = 0.6 * best[open_rows] + 0.4 * outer
        largest, snapshots = cells.worst(middle)
        inner = middle / np.maximum(largest, 1)[:, None]
        gained = (inner * worth[open_rows]).sum(axis=1)
        for number, row in enumerate(open_rows):
            if gained[number] > value[row]:
                best[row], value[row] = inner[number], gained[number]
            programs[row].add([blocks[row][snapshot] for snapshot in snapshots[number]])
        open_rows = open_rows[value[open_rows] < limit * (1 - TOLERANCE)]
        if not len(open_rows):
            break
    return best


class _OuterProgram:
    """Maximise worth . w over 0 <= w <= 1 and the snapshots added; each solve starts at the last basis."""

    def __init__(self, worth: FloatArray) -> None:
        self.solver = highs.solver()
        for value in worth:
            self.solver.addCol(-float(value), 0.0, 1.0, 0, [], [])

    def add(self, snapshots: list[IntArray]) -> None:
        for snapshot in snapshots:
            cells, times = np.unique(snapshot, return_counts=True)
            self.solver.addRow(-np.inf, 1.0, len(cells), cells.astype(np.int32), times.astype(float))

    def solve(self) -> FloatArray:
        status, w = highs.run(self.solver)
        if status != highs.OPTIMAL:
            raise SolverError(f"HiGHS ended the design of weights at the status {status!r}")
        return w.clip(min=0.0)
