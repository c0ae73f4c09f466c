"""Bounds on the loss of whole tokens in a range of the idle share, in float64 and free of cancellation.

The mathematics stands in `cvxtoken.verifier.whole`, which redoes these bounds rigorously. Here they bound
losses, in the symbols of `rounding`: around a real allocation l^ with idle share y^, with d = l - l^ and
sigma = sum pi c d, so that y = y^ - load sigma. For a cell low <= sigma <= high and any multiplier nu,
every whole allocation in the cell loses

    F - F_bound >= sum pi [psi(l) + (lambda square / (2 y(low))) distance^2 + nu c d] - max nu sigma
                   + (lambda constant / (2 y(low))) distance0^2,

where the distance is that of 0 from the interval c d + load z [low, high], and distance0 that of 0 from
load z0 [low, high]. Where service times vary, the square of the distance of 0 from s1 d + load v [low, high]
is added to that of the first. The best nu is found by intersecting tangents.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cvxtoken.allocation.prices import gap
from cvxtoken.arrays import FloatArray
from cvxtoken.whole.rounding import Neighbourhood

SURE = 1e-9  # relative: losses in float64 that differ by more surely differ


@dataclass(frozen=True)
class Bound:
    """The bound that one multiplier gives in a cell.

    Attributes:
        nu: the multiplier.
        value: the bound, in s.
        slope: its derivative in nu.
        excess: by candidate, what it costs above the least of its type, in s.
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
        """List the tokens that cost their type alone at most four times the loss of known tokens.

        Others cannot be better. Once the loss would be enough for that. But the checker knows no such list,
        so no least value, shifted by a multiplier, may lie at an end of it; hence four times.
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
        self.parts = [(per_token[self.type] * d, z[self.type]) for per_token, z in parts]

    def relaxed(self, low: float, high: float) -> FloatArray:
        """By candidate, pi [psi + (lambda / (2 y(low))) distance^2]."""
        load, weight = self.losses.load, self.weight(low) * self.losses.workload.law.square
        square = np.zeros(len(self.tokens))
        for moved, z in self.parts:
            square += np.maximum(0, np.maximum(moved + load * z * low, -(moved + load * z * high))) ** 2
        return np.asarray(self.sums[0] + weight * self.prior * square)

    def weight(self, low: float) -> float:
        """lambda / (2 y(low))."""
        return float(self.losses.workload.rate / (2 * (self.losses.y - self.losses.load * low)))

    def common(self, low: float, high: float) -> float:
        """What the constant of the delay law loses in a cell, whatever the candidates, in s."""
        losses = self.losses
        moved = losses.z0 * losses.load * max(0.0, low, -high)
        return float(self.weight(low) * losses.workload.law.constant * moved**2)

    def bound(self, relaxed: FloatArray, low: float, high: float, nu: float) -> Bound:
        """The bound of a cell by one multiplier."""
        shift = self.sums[3]
        tilted = relaxed + nu * shift
        least = np.minimum.reduceat(tilted, self.starts)
        excess = tilted - least[self.type]
        sigma = float(shift[self.lowest(excess)].sum())
        edge = min(max(sigma, low), high) if nu == 0 else (low if nu < 0 else high)
        value = float(least.sum()) - nu * edge + self.common(low, high)
        return Bound(nu, value, sigma - edge, excess)

    def lowest(self, excess: FloatArray) -> NDArray[np.intp]:
        """The first candidate of every type whose excess is 0."""
        zero = np.flatnonzero(excess == 0)
        _, first = np.unique(self.type[zero], return_index=True)
        return np.asarray(zero[first])

    def best_bound(self, low: float, high: float, enough: float) -> Bound:
        """Maximise the concave, piecewise linear bound: double nu to a bracket, then intersect tangents.

        It ends early where a bound is at least `enough`.
        """
        relaxed = self.relaxed(low, high)
        near = self.bound(relaxed, low, high, 0.0)
        if near.slope == 0 or near.value >= enough:
            return near
        step = 2 * enough / near.slope
        for _ in range(60):
            far = self.bound(relaxed, low, high, near.nu + step)
            if far.value >= enough:
                return far
            if far.slope * near.slope <= 0:
                break
            near, step = far, 2 * step
        for _ in range(40):
            best = max(near, far, key=lambda bound: bound.value)
            if near.slope == far.slope:
                return best
            nu = (far.value - near.value + near.slope * near.nu - far.slope * far.nu) / (
                near.slope - far.slope
            )
            ceiling = near.value + near.slope * (nu - near.nu)
            inside = min(near.nu, far.nu) < nu < max(near.nu, far.nu)
            if not inside or ceiling <= best.value + SURE * enough:
                return best
            middle = self.bound(relaxed, low, high, nu)
            if middle.value >= enough or middle.slope == 0:
                return middle
            near, far = (middle, far) if middle.slope * near.slope > 0 else (near, middle)
        return max(near, far, key=lambda bound: bound.value)
