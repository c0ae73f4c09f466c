"""The curve that fits best, by SciPy's optimiser from many starts; any parameter may be fixed.

Likelihood: with k of n answers right at each budget, minimise half the binomial deviance

    sum n [ y ln(y / p) + (1 - y) ln((1 - y) / (1 - p)) ],   y = k / n;

Least squares: minimise sum (y - p)^2 / 2, in squared percent, all budgets alike. The coordinates are D; the
share A / (1 - D) of what D leaves; ln b; and the lag over the largest budget. With these, 0 <= D, 0 <= A and
A + D <= 1 are plain bounds. (Where A is fixed, A and D change places.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.special import xlogy

from cvxtoken.arrays import FloatArray
from cvxtoken.errors import SolverError
from cvxtoken.fitting.curve import Curve
from cvxtoken.fitting.points import Points

METHODS = ("likelihood", "least_squares")
PERCENT = 100.0
_GRID = 0.6  # step of ln b between starts
_STARTS = 3
_MOST_LAGS = 40  # places where a lag is looked for
_RESTARTS = 20
_ABNORMAL = 2  # the status of L-BFGS-B where its line search failed
_NOISE = 1e-7  # of 1 + the loss
_EDGE = 1e-12  # nearest that p comes to 0 or 1 in a logarithm


@dataclass(frozen=True)
class Estimate:
    """A fitted curve.

    Attributes:
        curve: where the optimiser ended.
        loss: of the curve: the deviance, or the sum of squares in squared percent.
        converged: whether the curve is a minimum, as far as float64 can tell.
    """

    curve: Curve
    loss: float
    converged: bool = True


def objective(points: Points, method: str) -> Callable[[FloatArray], tuple[FloatArray, FloatArray]]:
    """Half the loss of predicted accuracies of shape (..., n), and its derivatives in them."""
    y = points.accuracy
    if method == "least_squares":
        return lambda p: (PERCENT**2 * ((p - y) ** 2).sum(axis=-1) / 2, PERCENT**2 * (p - y))
    n = points.trials
    assert n is not None
    best = (n * (xlogy(y, y) + xlogy(1 - y, 1 - y))).sum()

    def half_deviance(p: FloatArray) -> tuple[FloatArray, FloatArray]:
        p = np.clip(p, _EDGE, 1 - _EDGE)
        loss = best - (n * (xlogy(y, p) + xlogy(1 - y, 1 - p))).sum(axis=-1)
        return loss, n * (p - y) / (p * (1 - p))

    return half_deviance


def rate_bounds(points: Points) -> tuple[float, float]:
    """Least and largest b tried: nearly a straight line, and saturated within the least step of budgets."""
    steps = np.diff(points.budgets, prepend=0.0)
    return 1e-3 / points.budgets[-1], 40 / float(steps[steps > 0].min())


def fit(
    points: Points,
    method: str,
    *,
    lagged: bool = False,
    start: Curve | None = None,
    fixed: dict[str, float] | None = None,
) -> Estimate:
    """The best curve, sought from a grid of b (and of the lag), and from a start where one is given.

    Args:
        points: the data.
        method: one of METHODS.
        lagged: whether the lag may differ from 0.
        start: a curve near the best one.
        fixed: given values of A, b or D, by symbol.

    Raises:
        SolverError: the best curve found is no minimum.
    """
    problem = _Problem(points, method, fixed or {})
    runs = [problem.descend(curve, lags) for curve, lags in problem.starts(lagged)]
    if start is not None:
        runs.append(problem.descend(start, (0.0, problem.largest) if lagged else (0.0, 0.0)))
    best = _best(runs)
    for lags in problem.ranges_at(best.curve.lag) if lagged else []:
        best = _best([best, problem.descend(best.curve, lags)])
    return best


def _best(runs: list[Estimate]) -> Estimate:
    """The run of least loss; one that did not converge can disqualify the others, but is never the answer."""
    least = min(run.loss for run in runs)
    settled = [run for run in runs if run.converged and run.loss <= least + _noise(least)]
    if not settled:
        raise SolverError(
            f"L-BFGS-B ended short of a minimum in {len(runs)} runs; the least loss is {least:.6g}"
        )
    return min(settled, key=lambda run: run.loss)


def _noise(loss: float) -> float:
    return _NOISE * (1 + abs(loss))


class _Problem:
    def __init__(self, points: Points, method: str, fixed: dict[str, float]) -> None:
        self.points, self.fixed = points, fixed
        self.l, self.largest = points.budgets, float(points.budgets[-1])
        self.loss = objective(points, method)
        self.first, self.second = ("A", "D") if "A" in fixed else ("D", "A")

    def starts(self, lagged: bool) -> list[tuple[Curve, tuple[float, float]]]:
        """The best few of a grid, with the range of lags in which each may move.

        The loss is smooth in the lag only between two budgets; hence starts in every range between two.
        """
        low, high = np.log(rate_bounds(self.points))
        rates = np.exp(np.linspace(low, high, int(np.ceil((high - low) / _GRID)) + 1))
        if "b" in self.fixed:
            rates = np.array([self.fixed["b"]])
        edges = self.lag_edges() if lagged else np.zeros(2)
        found = []
        for left, right in pairwise(edges):
            for lag in (0.75 * left + 0.25 * right, 0.25 * left + 0.75 * right)[: 2 if lagged else 1]:
                losses, curves = self.straight(rates, lag)
                least = [i for i in range(len(rates)) if losses[i] == losses[max(i - 1, 0) : i + 2].min()]
                found += [(losses[i], curves[i], (float(left), float(right))) for i in least]
        found.sort(key=lambda start: start[0])
        return [(curve, lags) for _, curve, lags in found[:_STARTS]]

    def lag_edges(self) -> FloatArray:
        edges = np.union1d([0.0], self.l)
        places = np.unique(np.linspace(0, len(edges) - 1, _MOST_LAGS + 1).astype(int))
        return np.asarray(edges[places])

    def ranges_at(self, lag: float) -> list[tuple[float, float]]:
        """The ranges of lags that meet at a lag, each a little shortened at its upper end.

        At that end itself, the slope of the loss is that of the next range.
        """
        short = 1e-9 * self.largest
        ranges = [(float(left), float(right)) for left, right in pairwise(self.lag_edges())]
        met = [lags for lags in ranges if min(abs(lag - lags[0]), abs(lag - lags[1])) <= 10 * short]
        return [(left, right - short) for left, right in met]

    def straight(self, rates: FloatArray, lag: float) -> tuple[FloatArray, list[Curve]]:
        """At each b the least-squares A and D, moved into their bounds, and half the loss there."""
        weights = np.ones(len(self.l)) if self.points.trials is None else self.points.trials
        weights = weights / weights.sum()
        g = -np.expm1(-np.outer(rates, np.maximum(self.l - lag, 0)))
        centred = g - (g @ weights)[:, None]
        variance = (centred**2) @ weights
        covariance = (centred * self.points.accuracy) @ weights
        A = np.clip(covariance / np.where(variance > 0, variance, np.inf), 1e-3, 1 - 1e-3)
        if "A" in self.fixed:
            A = np.full_like(A, self.fixed["A"])
        D = np.clip(weights @ self.points.accuracy - A * (g @ weights), 1e-3 * (1 - A), 1 - A)
        if "D" in self.fixed:
            D = np.full_like(D, self.fixed["D"])
            rise = (g * weights) @ (self.points.accuracy - self.fixed["D"])
            A = np.clip(rise / np.maximum((g**2) @ weights, 1e-300), 1e-3 * (1 - D), 1 - D)
        losses, _ = self.loss(D[:, None] + A[:, None] * g)
        return losses, [Curve(*row, lag) for row in zip(A.tolist(), rates.tolist(), D.tolist(), strict=True)]

    def descend(self, start: Curve, lags: tuple[float, float]) -> Estimate:
        """A local minimum by L-BFGS-B; `lags` bounds the lag.

        A run that ends at the limit of iterations goes on from there. Where the line search fails, the loss
        may be down to its rounding, or the run may be stuck; `settled` tells which.
        """
        from scipy.optimize import minimize  # slow to import, and only fits need it

        beta = np.log(rate_bounds(self.points))
        fixed = self.fixed
        beta = np.full(2, np.log(fixed["b"])) if "b" in fixed else beta
        head = (fixed[self.first],) * 2 if self.first in fixed else (0.0, 1.0)
        bounds = np.array([head, (0.0, 1.0), beta, np.array(lags) / self.largest])
        v0 = np.clip(self.coordinates(start), bounds[:, 0], bounds[:, 1])
        options = {"ftol": 1e-14, "gtol": 1e-9, "maxiter": 500}
        for _ in range(_RESTARTS):
            run = minimize(self.value, v0, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
            if not (np.isfinite(run.x).all() and np.isfinite(run.fun)):
                return Estimate(start, np.inf, converged=False)
            v0 = np.clip(run.x, bounds[:, 0], bounds[:, 1])
            converged = bool(run.success) or (run.status == _ABNORMAL and self.settled(v0, bounds))
            if converged:
                break
        return Estimate(self.curve(run.x), 2 * float(run.fun), converged)

    def settled(self, v: FloatArray, bounds: FloatArray) -> bool:
        """Whether no step down the gradient, clipped to the bounds, lowers the loss by more than rounding."""
        loss, slope = self.value(v)
        sizes = 4.0 ** -np.arange(40.0) / max(float(np.abs(slope).max()), 1e-300)
        tried = (np.clip(v - size * slope, bounds[:, 0], bounds[:, 1]) for size in sizes)
        return all(self.value(step)[0] >= loss - _noise(loss) for step in tried)

    def coordinates(self, curve: Curve) -> FloatArray:
        head, tail = (curve.A, curve.D) if self.first == "A" else (curve.D, curve.A)
        share = tail / (1 - head) if head < 1 else 0.0
        return np.array([head, share, np.log(curve.b), curve.lag / self.largest])

    def curve(self, v: FloatArray) -> Curve:
        head, share, beta, lag = map(float, v)
        parts = {self.first: head, self.second: share * (1 - head)}
        return Curve(b=float(np.exp(beta)), lag=lag * self.largest, **parts)

    def value(self, v: FloatArray) -> tuple[float, FloatArray]:
        """Half the loss and its gradient in the coordinates."""
        curve = self.curve(v)
        loss, dp = self.loss(curve(self.l))
        in_A, in_beta, in_D, in_lag = curve.slopes(self.l) @ dp
        head, tail = (in_A, in_D) if self.first == "A" else (in_D, in_A)
        slope = np.array([head - v[1] * tail, (1 - v[0]) * tail, in_beta, self.largest * in_lag])
        return float(loss), slope
