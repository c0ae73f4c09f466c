"""Bounds on the loss of whole tokens in a range of the idle share, in float64 and free of cancellation.

The mathematics stands in `cvxtoken.verifier.whole`, which redoes these bounds rigorously. Here they are
losses (`rounding`): around a real allocation with idle share y^, for d = l - l^ and a cell
low <= sigma <= high of sigma = sum pi c d, where y = y^ - lambda sigma, every whole allocation loses

    F - F_bound >= sum pi [e(l) + (lambda / (2 y(low))) distance^2 + nu c d] - max nu sigma,

the distance being that of 0 from c d + lambda z [low, high]; where service times vary, that of 0 from
s1 d + lambda v [low, high] is squared and added. The best nu is found by cutting tangents.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cvxtoken.allocation.prices import gap
from cvxtoken.arrays import FloatArray
from cvxtoken.whole.rounding import Neighbourhood

SURE = 1e-9  # relative: what losses in float64 surely tell apart


@dataclass(frozen=True)
class Bound:
    """What one multiplier gives in a cell.

    Attributes:
        nu: the multiplier.
        value: the bound, in s.
        slope: its derivative in nu.
        excess: of every candidate, what it costs above its type's least, in s.
    """

    nu: float
    value: float
    slope: float
    excess: FloatArray


class Candidates:
    """All whole numbers of tokens that a good allocation can have, type by type in one row.

    Attributes:
        type: of each candidate.
        tokens: of each candidate.
        sums: what it adds to the four sums of `Neighbourhood.sums`, shape (4, ...).
    """

    def __init__(self, losses: Neighbourhood, tokens: FloatArray, loss: float) -> None:
        """List what costs a type alone no more than four times the loss of known tokens.

        No others can be better. Why four: the checker knows no such list, so that no least value, shifted
        by a multiplier, may lie at its end.
        """
        w = losses.workload
        self.losses, reach = losses, []
        for direction, end in ((-1, tokens), (1, losses.top - tokens)):
            inside, limit = np.zeros(len(w)), end.copy()
            while (inside < limit).any():
                middle = np.ceil((inside + limit) / 2)
                good = w.prior * gap.excess(w, losses.slope, tokens + direction * middle) <= 4 * loss
                inside, limit = np.where(good, middle, inside), np.where(good, limit, middle - 1)
            reach.append(inside)
        sizes = (reach[0] + reach[1] + 1).astype(np.int64)
        self.starts = np.cumsum(sizes) - sizes
        self.type = np.repeat(np.arange(len(w)), sizes)
        self.tokens = (tokens - reach[0])[self.type] + np.arange(len(self.type)) - self.starts[self.type]
        self.sums = losses.sums(self.tokens, self.type)
        self.prior = w.prior[self.type]
        d = self.tokens - losses.centre[self.type]
        parts = [(w.time_per_token, losses.z), (w.deviation_per_token, losses.v)][: 2 if w.is_random else 1]
        self.parts = [(slope[self.type] * d, z[self.type]) for slope, z in parts]

    def relaxed(self, low: float, high: float) -> FloatArray:
        """Pi [e + (lambda / (2 y(low))) distance^2] of every candidate."""
        lam = self.losses.workload.arrival_rate
        square = np.zeros(len(self.tokens))
        for moved, z in self.parts:
            square += np.maximum(0, np.maximum(moved + lam * z * low, -(moved + lam * z * high))) ** 2
        return np.asarray(self.sums[0] + lam / (2 * (self.losses.y - lam * low)) * self.prior * square)

    def bound(self, relaxed: FloatArray, low: float, high: float, nu: float) -> Bound:
        """The bound of a cell by one multiplier."""
        shift = self.sums[3]
        tilted = relaxed + nu * shift
        least = np.minimum.reduceat(tilted, self.starts)
        excess = tilted - least[self.type]
        sigma = float(shift[self.lowest(excess)].sum())
        edge = min(max(sigma, low), high) if nu == 0 else (low if nu < 0 else high)
        return Bound(nu, float(least.sum()) - nu * edge, sigma - edge, excess)

    def lowest(self, excess: FloatArray) -> NDArray[np.intp]:
        """The first candidate of every type whose excess is 0."""
        zero = np.flatnonzero(excess == 0)
        _, first = np.unique(self.type[zero], return_index=True)
        return np.asarray(zero[first])

    def best_bound(self, low: float, high: float, enough: float) -> Bound:
        """Maximise the concave piecewise linear bound: double nu until bracketed, then cut tangents.

        It ends early where a bound is enough.
        """
        relaxed = self.relaxed(low, high)
        a = self.bound(relaxed, low, high, 0.0)
        if a.slope == 0 or a.value >= enough:
            return a
        step = 2 * enough / a.slope
        for _ in range(60):
            b = self.bound(relaxed, low, high, a.nu + step)
            if b.value >= enough:
                return b
            if b.slope * a.slope <= 0:
                break
            a, step = b, 2 * step
        for _ in range(40):
            best = max(a, b, key=lambda bound: bound.value)
            if a.slope == b.slope:
                return best
            nu = (b.value - a.value + a.slope * a.nu - b.slope * b.nu) / (a.slope - b.slope)
            ceiling = a.value + a.slope * (nu - a.nu)
            if not min(a.nu, b.nu) < nu < max(a.nu, b.nu) or ceiling <= best.value + SURE * enough:
                return best
            c = self.bound(relaxed, low, high, nu)
            if c.value >= enough or c.slope == 0:
                return c
            a, b = (c, b) if c.slope * a.slope > 0 else (a, c)
        return max(a, b, key=lambda bound: bound.value)
