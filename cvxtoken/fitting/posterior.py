"""Curves that might be the true one: draws of A, b and D (and of the lag) from a posterior (derived here).

The density of a curve is its likelihood times Jeffreys' prior, the square root of the determinant of the
Fisher information G' W G of (A, ln b, D), which is the same whatever coordinates a curve has. It keeps the
draws away from where the data say nothing of b, and makes the intervals of what is computed from the curve,
such as a budget, hold the truth about as often as they say (`validation/intervals.py`); percentiles of refits
do not. Nothing outside 0 <= D, 0 <= A, A + D <= 1 is drawn. A lag has a flat density from 0 to the largest
budget.

Where it is known which answers are of one question, the accuracies y of Q questions have the covariance V of
`Points.covariance`, and the log likelihood is that of Hotelling's distribution,

    - Q / 2 ln(1 + (y - p)' V^-1 (y - p) / (Q - 1)),   W = V^-1.

Draws are by importance sampling (`cvxtoken.fitting.importance`). The coordinates are D, the accuracy q at the
largest budget, ln b and the lag; in these a curve that does not saturate has no long ridge. The first points
are about the estimate, with the inverse of the Fisher information.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cvxtoken.arrays import FloatArray
from cvxtoken.fitting.curve import Curve
from cvxtoken.fitting.estimate import rate_bounds
from cvxtoken.fitting.importance import chosen, sample
from cvxtoken.fitting.points import Points

_EDGE = 1e-12  # nearest that p comes to 0 or 1 in a logarithm
_ILL = 1e13  # condition number from which on a covariance is not inverted


@dataclass(frozen=True)
class PlausibleCurves:
    """Curves drawn from the posterior.

    Attributes:
        A, b, D, lag: shape (count,) each.
        effective: how many independent points the weighted ones amount to.
    """

    A: FloatArray
    b: FloatArray
    D: FloatArray
    lag: FloatArray
    effective: float

    def __len__(self) -> int:
        return len(self.A)


def plausible_curves(
    points: Points, centre: Curve, count: int, rng: np.random.Generator, lagged: bool = False
) -> PlausibleCurves:
    """Draw so many curves, each as likely as the measurements say.

    Args:
        points: with counts.
        centre: the estimate.
        count: how many.
        rng: NumPy's generator.
        lagged: whether the lag may differ from 0.
    """
    posterior = _Posterior(points, centre, lagged)
    v, weights = sample(posterior.log_density, *posterior.start(), 1e-14 * posterior.ranges**2, rng)
    drawn = v[chosen(weights, count, rng)]
    A, b, D, lag, _ = posterior.curves(drawn)
    return PlausibleCurves(A, b, D, lag, float(1 / (weights @ weights)))


class _Posterior:
    def __init__(self, points: Points, centre: Curve, lagged: bool) -> None:
        self.points, self.centre = points, centre
        self.l, self.top = points.budgets, float(points.budgets[-1])
        self.low, self.high = np.log(rate_bounds(points))
        self.size = 4 if lagged else 3
        self.ranges = np.array([1.0, 1.0, self.high - self.low, self.top])[: self.size]

    @cached_property
    def inverse(self) -> FloatArray | None:
        """V^-1 at the estimate, shape (n, n); None where questions are not known, or V is singular."""
        if self.points.by_question is None:
            return None
        V = self.points.covariance(self.centre(self.l))
        return np.asarray(np.linalg.inv(V)) if np.linalg.cond(V) <= _ILL else None

    @cached_property
    def overdispersion(self) -> float:
        """Mean ratio of the variances to binomial ones, by which a likelihood of answers is flattened."""
        p = self.centre(self.l)
        ratio = np.diag(self.points.covariance(p)) / self.points.variances(p)
        return max(float(ratio.mean()), 1.0)

    def curves(self, v: FloatArray) -> tuple[FloatArray, ...]:
        """A, b, D, the lag and 1 - exp(-b (l_max - lag)) at coordinates of shape (m, size)."""
        D, q, log_b = v[:, 0], v[:, 1], v[:, 2]
        lag = v[:, 3] if self.size > 3 else np.zeros(len(v))
        b = np.exp(np.clip(log_b, self.low, self.high))
        reach = -np.expm1(-b * np.maximum(self.top - lag, 0))
        A = (q - D) / np.where(reach > 0, reach, np.inf)
        return A, b, D, lag, reach

    def log_density(self, v: FloatArray) -> FloatArray:
        """Up to a constant, shape (m,); minus infinity outside the bounds."""
        A, b, D, lag, reach = self.curves(v)
        good = (D >= 0) & (A > 0) & (A + D <= 1) & (self.low <= v[:, 2]) & (v[:, 2] <= self.high)
        good &= (lag >= 0) & (lag < self.top) & (reach > 0)
        found = np.full(len(v), -np.inf)
        A, b, D, lag, reach = (x[good] for x in (A, b, D, lag, reach))
        x = b[:, None] * np.maximum(self.l - lag[:, None], 0)
        decay = np.exp(-x)
        p = D[:, None] + A[:, None] * (1 - decay)
        slopes = np.stack([1 - decay, A[:, None] * x * decay, np.ones_like(x)], axis=1)
        with np.errstate(divide="ignore"):  # NumPy 2.1 warns of a determinant of 0
            determinant = np.linalg.det(self.information(p, slopes))
        found[good] = (
            self.log_likelihood(p) + np.log(np.maximum(determinant, 1e-300)) / 2 - np.log(reach)
        )  # dA = dq / reach
        return found

    def log_likelihood(self, p: FloatArray) -> FloatArray:
        """Of accuracies of shape (m, n), shape (m,)."""
        y, n = self.points.accuracy, self.points.trials
        assert n is not None
        if self.inverse is not None:
            Q, r = self.points.questions or 0, y - p
            T = np.einsum("mi,ij,mj->m", r, self.inverse, r)
            return np.asarray(-Q / 2 * np.log1p(T / max(Q - 1, 1)))
        p = np.clip(p, _EDGE, 1 - _EDGE)
        return np.asarray((np.log(p) @ (n * y) + np.log1p(-p) @ (n * (1 - y))) / self.overdispersion)

    def information(self, p: FloatArray, slopes: FloatArray) -> FloatArray:
        """Fisher information for slopes of shape (m, parameters, n) at accuracies of shape (m, n)."""
        if self.inverse is not None:
            weighted = slopes @ self.inverse
        else:
            weighted = slopes / (self.points.variances(p) * self.overdispersion)[:, None, :]
        return np.asarray(weighted @ slopes.transpose(0, 2, 1))

    def start(self) -> tuple[FloatArray, FloatArray]:
        """The estimate in these coordinates and the covariance there, no wider than the ranges."""
        A, b, D, lag = self.centre.A, self.centre.b, self.centre.D, self.centre.lag
        room = self.top - lag
        reach, fall = float(-np.expm1(-b * room)), float(np.exp(-b * room))
        mean = np.array([D, D + A * reach, np.log(b), lag])
        # derivatives of A in (D, q, ln b, lag), where q = D + A reach
        in_A = np.array([-1, 1, -A * b * room * fall, A * b * fall]) / max(reach, 1e-12)
        G = self.centre.slopes(self.l)
        slopes = np.outer(in_A, G[0]) + np.array([G[2], 0 * G[2], G[1], G[3]])
        H = self.information(self.centre(self.l)[None, :], slopes[None, : self.size])[0]
        return mean[: self.size], np.linalg.inv(H + np.diag(12 / self.ranges**2))
