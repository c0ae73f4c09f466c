"""Whole tokens from real ones: nearest, down, or improved by local search, each with a certified loss.

The loss is measured without cancellation. Let l^ be any stable real allocation with idle share y^, and
z = t^ / y^, v = s^ / y^ (0 where service times are certain). With d = l - l^ and sigma = sum pi c d, this is
exact (derived here) with the numbers of the delay law, z0 = 1 / y^ and load = lambda times its token_share:

    F(l) = F_bound(z) + sum pi_k psi_k(l_k) + (lambda / (2 y)) [Q + 2 load sigma R + load^2 sigma^2 Z],
    Q = square sum pi (c^2 + s1^2) d^2,  R = square sum pi (z c + v s1) d,  y = y^ - load sigma,
    Z = square sum pi (z^2 + v^2) + constant z0^2,

where psi_k >= 0 is the type's own excess over its minimum (`gap.excess`). A move of one type changes four
sums: those of pi psi, Q, R and sigma.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cvxtoken.allocation import model
from cvxtoken.allocation.prices import gap
from cvxtoken.allocation.problem import Workload
from cvxtoken.allocation.proof.certificate import certify
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import ProblemError, UnstableError

MODES = ("nearest", "down", "best")
_PAIRED = 300  # so many of the best single moves are tried in pairs


@dataclass(frozen=True)
class RoundedTokens:
    """A whole allocation and what it costs.

    Attributes:
        tokens: shape (N,), integers, stable and in the box.
        mode: as asked for.
        repaired: whether the plain rounding was unstable, so that all budgets were rounded down instead.
        objective: J in s, to the nearest double.
        loss: proven upper bound of J* - J(tokens), in s, J* being the continuous optimum.
    """

    tokens: NDArray[np.int64]
    mode: str
    repaired: bool
    objective: float
    loss: float


def round_tokens(workload: Workload, tokens: ArrayLike, mode: str = "nearest") -> RoundedTokens:
    """Round an allocation to whole tokens, never to an unstable one.

    'nearest' rounds each budget to the nearest whole number in the box; where that is unstable, all are
    rounded down instead, which is never unstable. 'down' rounds down. 'best' improves the nearest rounding:
    it moves one type, or two types at once, by one token each, until no move gains. It is a heuristic.

    Args:
        workload: the instance.
        tokens: real, stable, shape (N,); usually the optimum.
        mode: 'nearest', 'down' or 'best'.

    Raises:
        ProblemError: the tokens are outside the box, or the mode is unknown.
        UnstableError: the tokens are unstable.
    """
    if mode not in MODES:
        raise ProblemError(f"mode is {mode!r}; it must be one of {', '.join(MODES)}")
    l = model.checked_tokens(workload, tokens)
    proof = certify(workload, l)  # refuses unstable tokens too
    whole, repaired = rounded(workload, l, mode)
    reached = certify(workload, whole).lower
    loss = math.nextafter(float(proof.upper - reached), math.inf)  # the difference is rounded to nearest
    return RoundedTokens(whole.astype(np.int64), mode, repaired, float(reached), loss)


def rounded(workload: Workload, l: FloatArray, mode: str) -> tuple[FloatArray, bool]:
    """Whole tokens by `mode`, and whether the plain rounding was unstable; see `round_tokens`."""
    down = np.floor(l)
    whole = down if mode == "down" else np.minimum(np.rint(l), np.floor(workload.max_tokens))
    repaired = bool(model.idle(workload, whole) <= 0)
    if repaired:
        whole = down
    return (Neighbourhood(workload, l).descend(whole) if mode == "best" else whole), repaired


class Neighbourhood:
    """Losses of whole allocations near a real one, and of their neighbours, without cancellation."""

    def __init__(self, workload: Workload, centre: FloatArray) -> None:
        w = workload
        self.workload, self.centre = w, centre
        self.exact_y = model.exact_idle(w, centre)
        self.y = float(self.exact_y)
        if self.y <= 0:
            raise UnstableError("the allocation to round has a utilisation of 1 or more; it must be below 1")
        self.z, self.v = model.service_time(w, centre) / self.y, model.deviation(w, centre) / self.y
        law, lam = w.law, w.rate
        self.z0, self.load = 1 / self.y, lam * law.token_share
        self.Z = law.square * float(w.prior @ (self.z**2 + self.v**2)) + law.constant * self.z0**2
        self.marginal = law.square * model.marginal_time(w, centre) / self.y  # square (z + v s1 / c)
        self.curvature = law.square * model.curvature(w)
        kappa = law.direct + self.load * lam * self.Z / 2 + lam * self.marginal
        self.slope = kappa * w.time_per_token / w.saturation_rate
        self.top = np.floor(w.max_tokens)

    def sums(self, l: FloatArray, types: NDArray[np.intp] | None = None) -> FloatArray:
        """What each type adds to (sum pi psi, Q, R, sigma) at tokens of shape (..., N); shape (4, ..., N).

        `types` says which type each entry of the last axis belongs to; by default 0..N-1 in this order.
        """
        w = self.workload
        prior, c, curvature, centre, marginal, slope = (
            field if types is None else field[types]
            for field in (w.prior, w.time_per_token, self.curvature, self.centre, self.marginal, self.slope)
        )
        d = l - centre
        cd = c * d
        return np.asarray(
            prior * np.array([gap.excess(w, slope, l, types), curvature * d**2, marginal * cd, cd])
        )

    def loss(self, sums: FloatArray) -> FloatArray:
        """F - F_bound from the four totals, shape (4, ...) -> (...); infinite where unstable."""
        own, Q, R, sigma = sums
        rise = self.load * sigma
        y = self.y - rise
        with np.errstate(divide="ignore"):
            coupling = self.workload.rate / (2 * y) * (Q + 2 * rise * R + rise**2 * self.Z)
        return np.asarray(np.where(y > 0, own + coupling, np.inf))

    def descend(self, l: FloatArray) -> FloatArray:
        """Best single or pair move of one token each, until none lowers the loss by more than rounding."""
        steps = np.array([-1.0, 1.0])[:, None]
        while True:
            now = self.sums(l)
            total = now.sum(axis=-1)
            there = np.clip(l + steps, 0, self.top)
            change = (self.sums(there) - now[:, None, :]).reshape(4, -1)  # of one type, down then up
            single = self.loss(total[:, None] + change)
            best = np.argsort(single)[:_PAIRED]
            pairs = self.loss(total[:, None, None] + change[:, best, None] + change[:, None, best])
            same = (best[:, None] % len(l)) == (best[None, :] % len(l))
            pairs[same] = np.inf
            target = float(self.loss(total)) * (1 - 1e-12)
            i, j = np.unravel_index(np.argmin(pairs), pairs.shape)
            moves = best[[0]] if single[best[0]] <= pairs[i, j] else best[[i, j]]
            if not min(single[best[0]], pairs[i, j]) < target:
                return l
            l = l.copy()
            for move in moves:
                l[move % len(l)] = there.ravel()[move]
