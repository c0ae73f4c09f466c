"""A straight line through measured times, with intervals that hold for few rows and whatever scatter.

    t = a + s x + noise,   a, s >= 0, by least squares with all rows alike.

Intervals are 95 % for one number each, and do not suppose that the scatter is the same for all x (the times
of large batches scatter more). The variance of w't is sum w_i^2 r_i^2 / (1 - h_i), White's sandwich (HC2).
The degrees of freedom of Student's t are Bell and McCaffrey's (Imbens and Kolesar, Rev. Econ. Stat. 2016),
which fall where one row decides alone. Over 4 to 28 rows with a scatter of 3 % they cover the truth in 91 to
99 of 100 data sets; Student's plain interval for s does so in 58 of 100 where x is 1, 2, 4, ..., 512.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from cvxtoken.arrays import FloatArray
from cvxtoken.estimates import CONFIDENCE

Interval = tuple[float, float]
_ROUNDING = 1e-9  # relative


@dataclass(frozen=True, eq=False)
class Line:
    """A fitted line.

    Attributes:
        x, t: the rows, shape (rows,) each.
        free: a and s by least squares without bounds.
        intercept: a, not negative.
        slope: s, not negative.
    """

    x: FloatArray
    t: FloatArray
    free: tuple[float, float]
    intercept: float
    slope: float

    def __call__(self, x: ArrayLike) -> FloatArray:
        """a + s x, of the shape of x."""
        return np.asarray(self.intercept + self.slope * np.asarray(x, dtype=np.float64))

    @property
    def r_squared(self) -> float:
        """Share of the variance of the times explained; 1 where they do not vary at all."""
        r, centred = self.t - self(self.x), self.t - self.t.mean()
        total = float(centred @ centred)
        return 1 - float(r @ r) / total if total > 0 else 1.0

    @property
    def falls(self) -> bool:
        """Whether the times fall with x by more than chance, and by more than rounding."""
        drop = -self.free[1] * float(np.ptp(self.x))
        return self.free[1] + self.half_width((0.0, 1.0)) < 0 and drop > _ROUNDING * float(self.t.mean())

    def half_width(self, gradient: tuple[float, float]) -> float:
        """Of the 95 % interval of g'(a, s), for a given gradient g.

        With X the rows (1, x), A = (X'X)^-1, w = X A g and D = diag(w_i^2 / (1 - h_i)), the variance is r'D r
        and the degrees of freedom are tr(M D)^2 / tr(M D M D), M = I - X A X'.
        """
        scale = float(self.x.max())
        X = np.column_stack([np.ones_like(self.x), self.x / scale])
        A = np.linalg.inv(X.T @ X)
        h = np.einsum("ij,jk,ik->i", X, A, X)
        r = self.t - X @ np.array([self.free[0], self.free[1] * scale])
        D = (X @ A @ np.array([gradient[0], gradient[1] / scale])) ** 2 / np.maximum(1 - h, _ROUNDING)
        K = A @ (X.T * D) @ X
        freedom = float((1 - h) @ D) ** 2 / (float((1 - 2 * h) @ D**2) + float(np.trace(K @ K)))
        return float(np.sqrt(D @ r**2)) * float(stdtrit(freedom, (1 + CONFIDENCE) / 2))

    def interval(self, gradient: tuple[float, float]) -> Interval:
        """The 95 % interval of g'(a, s), about the estimate without bounds; no end is negative."""
        centre, half = float(np.dot(gradient, self.free)), self.half_width(gradient)
        return max(centre - half, 0.0), max(centre + half, 0.0)

    def share_interval(self) -> Interval:
        """The 95 % interval of s / (a + s) to first order, inside [0, 1]; all of it where a + s may be 0."""
        a, s = self.free
        if a + s <= 0:
            return 0.0, 1.0
        centre, half = s / (a + s), self.half_width((-s / (a + s) ** 2, a / (a + s) ** 2))
        return min(max(centre - half, 0.0), 1.0), min(max(centre + half, 0.0), 1.0)


def fit_line(x: FloatArray, t: FloatArray) -> Line:
    """Least squares with a, s >= 0, of rows with two different x at least."""
    centred = x - x.mean()
    s = float(centred @ t) / float(centred @ centred)
    a = float(t.mean()) - s * float(x.mean())
    if s < 0:
        return Line(x, t, (a, s), float(t.mean()), 0.0)
    if a < 0:
        return Line(x, t, (a, s), 0.0, float(x @ t) / float(x @ x))
    return Line(x, t, (a, s), a, s)
