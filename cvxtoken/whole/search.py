"""The search for the best whole tokens, in float64: cells, bounds, enumeration. It proves nothing itself.

It finds an allocation, and cells with multipliers, from which `cvxtoken.verifier.whole` redoes the proof
rigorously. A cell is a range of sigma (`bounds`). It is closed where its bound reaches the best loss known.
Where the bounds of the best multiplier and of some around it leave only few allocations that could lose less,
these are enumerated. Otherwise the cell is halved. The cell of least bound comes first.
"""

from __future__ import annotations

import heapq
import time
from dataclasses import dataclass, field
from decimal import Context, Decimal
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cvxtoken.allocation.fields import PER_TYPE
from cvxtoken.allocation.problem import Workload
from cvxtoken.arrays import FloatArray
from cvxtoken.precision import WHOLE
from cvxtoken.whole.bounds import SURE, Bound, Candidates
from cvxtoken.whole.rounding import Neighbourhood, rounded

_MOST_CANDIDATES = 2_000_000  # whole numbers, of all types together, that the search takes on
_FEW = 1000
_MOST_ENUMERATED = 200_000  # allocations of one cell
_MOST_TIES = 20
_FAN = np.array([-0.5, 0.5, -2, 2, -8, 8])  # other multipliers of a cell, around the best
_PROMISING = 1.1  # times the best loss: up to here a local search is worth its time


@dataclass(frozen=True)
class Found:
    """What the search found.

    Attributes:
        ties: whole allocations whose losses float64 cannot tell apart; one of them is the best known.
        loss: of the ties, against the bound at z, in s.
        missing: how much better another allocation might be, in s; 0 where none was left out.
        z, v: t / y and s / y at the centre, shape (N,).
        z0: 1 / y there.
        edges: of the cells, as values of y, from 0 to 1.
        multipliers: by cell.
    """

    ties: list[FloatArray]
    loss: float
    missing: float
    z: FloatArray
    v: FloatArray
    z0: float
    edges: tuple[Decimal, ...]
    multipliers: tuple[tuple[float, ...], ...]


@dataclass(order=True)
class Cell:
    """A range of sigma with the best bound of the loss there, and the multiplier that gives it."""

    bound: float
    low: float = field(compare=False)
    high: float = field(compare=False)
    multiplier: float = field(compare=False)
    depth: int = field(compare=False)


def twins(workload: Workload) -> NDArray[np.intp]:
    """For each type, the first type with the same numbers, shape (N,)."""
    fields = [getattr(workload, name) for name in (*PER_TYPE, "max_tokens")]
    _, first, which = np.unique(np.column_stack(fields), axis=0, return_index=True, return_inverse=True)
    return np.asarray(first[which.ravel()])


def search(workload: Workload, centre: FloatArray, time_limit: float) -> Found:
    """The best whole tokens around a real optimum of shape (N,), within so many seconds."""
    return _Search(workload, centre, time.perf_counter() + time_limit).run()


class _Search:
    def __init__(self, workload: Workload, centre: FloatArray, deadline: float) -> None:
        self.workload, self.deadline = workload, deadline
        self.losses = Neighbourhood(workload, centre)
        self.twin = twins(workload)
        tokens, _ = rounded(workload, centre, "best")
        self.ties, self.loss = [tokens], self.loss_of(tokens)
        weight = workload.prior * workload.time_per_token
        self.candidates = Candidates(self.losses, tokens, self.enough)
        self.order = np.lexsort((self.twin, -weight))  # what moves y most comes first

    def loss_of(self, tokens: FloatArray) -> float:
        return float(self.losses.loss(self.losses.sums(tokens).sum(axis=-1)))

    @property
    def enough(self) -> float:
        """A cell whose bound is at least this holds nothing better."""
        return self.loss * (1 + SURE) + 1e-300

    def run(self) -> Found:
        load, y = self.losses.load, self.losses.y
        if not load:  # types do not meet: each has its best tokens
            return self.found([(0.0, (0.0,))], 0.0)
        if len(self.candidates.tokens) > _MOST_CANDIDATES:
            return self.found([(0.0, (0.0,))], self.loss)
        reach = self.reach()
        least, most = (y - 1) / load, y / load
        cuts = sorted({least, *np.clip([-reach, reach], least, most), most})
        cells = [self.cell(low, high, 0) for low, high in pairwise(cuts)]
        heapq.heapify(cells)
        closed: list[tuple[float, tuple[float, ...]]] = []
        while cells and cells[0].bound < self.enough and time.perf_counter() < self.deadline:
            cell = heapq.heappop(cells)
            middle = (cell.low + cell.high) / 2
            if multipliers := self.exhaust(cell):
                closed.append((cell.low, multipliers))
            elif not cell.low < middle < cell.high:  # float64 has no number between
                cells.append(cell)
                break
            else:
                heapq.heappush(cells, self.cell(cell.low, middle, cell.depth + 1))
                heapq.heappush(cells, self.cell(middle, cell.high, cell.depth + 1))
        least = min((cell.bound for cell in cells), default=self.enough)
        closed += [(cell.low, (cell.multiplier,)) for cell in cells]
        return self.found(closed, max(0.0, self.enough - least))

    def found(self, cells: list[tuple[float, tuple[float, ...]]], missing: float) -> Found:
        """What was found, with the cells, given by their lower ends in sigma, as edges of y."""
        exact, load = Context(WHOLE), Decimal(self.losses.load)
        cells = sorted(cells, reverse=True)  # y falls as sigma rises
        inner = [exact.subtract(self.losses.exact_y, exact.multiply(load, Decimal(low))) for low, _ in cells]
        edges = (Decimal(0), *inner[:-1], Decimal(1))
        z, v, z0 = self.losses.z, self.losses.v, self.losses.z0
        return Found(self.ties, self.loss, missing, z, v, z0, edges, tuple(nus for _, nus in cells))

    def reach(self) -> float:
        """How far sigma can move, to second order, until the sum of pi psi alone costs twice the loss."""
        w = self.workload
        curvature = w.saturation_rate**2 * self.losses.slope
        return 2 * float(np.sqrt(self.loss * np.sum(w.prior * w.time_per_token**2 / curvature)))

    def cell(self, low: float, high: float, depth: int) -> Cell:
        """A cell with its best bound, or with the first that is enough."""
        best = self.candidates.best_bound(low, high, self.enough)
        return Cell(best.value, low, high, best.nu, depth)

    def exhaust(self, cell: Cell) -> tuple[float, ...]:
        """Look at every allocation of the cell that could be better.

        Returns:
            The multipliers that rule out all others; empty where they leave too many allocations.
        """
        few = min(_FEW * 1.1**cell.depth, _MOST_ENUMERATED)
        c, relaxed = self.candidates, self.candidates.relaxed(cell.low, cell.high)
        first = c.bound(relaxed, cell.low, cell.high, cell.multiplier)
        self.improve(c.tokens[c.lowest(first.excess)])
        if first.value >= self.enough:
            return (first.nu,)
        bounds = self.fan(cell, relaxed, first)
        nus = tuple(bound.nu for bound in bounds)
        spare = np.array([self.enough - bound.value for bound in bounds])
        excess = np.array([bound.excess for bound in bounds])
        good = np.flatnonzero((excess <= spare[:, None]).all(axis=0))
        if (spare <= 0).any() or len(np.unique(c.type[good])) < len(self.twin):
            return nus
        good = good[np.lexsort((first.excess[good], c.type[good]))]  # by type, the least first
        options = np.split(good, np.flatnonzero(np.diff(c.type[good])) + 1)
        chosen = self.combine(options, excess, spare, few)
        if chosen is None:
            return ()
        self.keep(chosen)
        return nus

    def fan(self, cell: Cell, relaxed: FloatArray, first: Bound) -> list[Bound]:
        """Bounds of one cell by several multipliers.

        An allocation that the best multiplier does not rule out may lie far outside the cell; other
        multipliers then rule it out. They differ from the best by what rules out the largest step of y that
        is left.
        """
        c, w = self.candidates, self.workload
        near = np.bincount(c.type[first.excess <= self.enough - first.value], minlength=len(w)) > 1
        if not near.any():
            return [first]
        scale = (self.enough - first.value) / float(np.max((w.prior * w.time_per_token)[near]))
        others = (c.bound(relaxed, cell.low, cell.high, nu) for nu in first.nu + _FAN * scale)
        return [first, *others]

    def combine(
        self, options: list[NDArray[np.intp]], excess: FloatArray, spare: FloatArray, few: float
    ) -> NDArray[np.intp] | None:
        """All combinations of options whose excesses stay within `spare`; None if they are more than `few`.

        Returns:
            The candidates of each combination, shape (..., N).
        """
        free = [k for k in self.order if len(options[k]) > 1]
        least = np.array([option[0] for option in options])
        fixed = np.setdiff1d(self.order, free)
        spent, place = excess[:, least[fixed]].sum(axis=1, keepdims=True), np.zeros((1, 0), dtype=np.int32)
        for n, k in enumerate(free):
            spent = spent[:, :, None] + excess[:, None, options[k]]
            good = (spent <= spare[:, None, None]).all(axis=0)
            if n > 0 and self.twin[k] == self.twin[free[n - 1]]:  # only one order of twins
                good &= place[:, -1:] >= np.arange(len(options[k]))
            before, option = np.nonzero(good)
            few -= np.count_nonzero(option)
            if few < 0:
                return None
            spent = spent[:, before, option]
            place = np.column_stack([place[before], option])
        combinations = np.tile(least, (len(place), 1))
        for n, k in enumerate(free):
            combinations[:, k] = options[k][place[:, n]]
        return combinations

    def keep(self, combinations: NDArray[np.intp]) -> None:
        """Take over allocations that are better than the best known, or as good up to rounding."""
        c = self.candidates
        losses = self.losses.loss(c.sums[:, combinations].sum(axis=-1))
        for row in np.argsort(losses)[:_MOST_TIES]:
            self.take(c.tokens[combinations[row]], float(losses[row]))

    def improve(self, tokens: FloatArray) -> None:
        """Improve a relaxation's tokens by local search, where they are nearly as good as the best known."""
        if self.loss_of(tokens) < _PROMISING * self.loss:
            tokens = self.losses.descend(tokens)
            self.take(tokens, self.loss_of(tokens))

    def take(self, tokens: FloatArray, loss: float) -> None:
        """Remember an allocation if it is the best so far, or as good up to rounding."""
        if loss > self.enough:
            return
        if loss < self.loss * (1 - SURE):
            self.ties = []
        self.loss = min(self.loss, loss)
        if len(self.ties) < _MOST_TIES and not any((tokens == tie).all() for tie in self.ties):
            self.ties.append(tokens)
