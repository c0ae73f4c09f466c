"""How sure a fit is: standard errors, intervals, goodness of fit (derived here from M-estimation).

Let G be the slopes of p in (A, ln b, D) at the n budgets, W the weights of the loss (1 / binomial variance
for the likelihood) and V the covariance of the accuracies. The estimate's covariance is the sandwich H^-1 G'
W V W G H^-1 with H = G' W G. For the likelihood of independent answers it is H^-1. Parameters at their bounds
do not move.

Intervals are by profile: they hold the values of one parameter at which the loss, minimised over the others,
rises by less than quantile times ratio. The quantile is that of chi-square (of F, where the variance is
estimated). The ratio is that of the sandwich's variance to the variance in H^-1: 1 for the likelihood of
independent answers (Chandler and Bate, Biometrika 2007).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import linalg
from scipy.special import chdtrc, chdtri, fdtrc, fdtri

from cvxtoken.arrays import FloatArray
from cvxtoken.errors import SolverError
from cvxtoken.fitting.estimate import PERCENT, Estimate, fit, rate_bounds
from cvxtoken.fitting.points import Points

AT_BOUND = 1e-6  # a share nearer to 0 or 1 than this is at its bound
SYMBOLS = ("A", "b", "D")
_RESOLVED = 1e-6  # the least rise of the loss that the optimiser surely sees


@dataclass(frozen=True)
class Inference:
    """How sure a fitted curve without a lag is."""

    points: Points
    method: str
    estimate: Estimate

    @cached_property
    def directions(self) -> FloatArray:
        """A basis of the moves of (A, ln b, D) that no bound forbids, shape (3, free)."""
        curve = self.estimate.curve
        low, high = rate_bounds(self.points)
        normals = []
        if curve.D <= AT_BOUND:
            normals.append([0.0, 0.0, 1.0])
        if curve.A + curve.D >= 1 - AT_BOUND:
            normals.append([1.0, 0.0, 1.0])
        if curve.A <= AT_BOUND:
            normals.append([1.0, 0.0, 0.0])
        if curve.A <= AT_BOUND or not 1.001 * low < curve.b < high / 1.001:
            normals.append([0.0, 1.0, 0.0])
        return np.asarray(linalg.null_space(np.array(normals))) if normals else np.eye(3)

    @cached_property
    def slopes(self) -> FloatArray:
        """The slopes G along the free directions, shape (n, free)."""
        return np.asarray(self.estimate.curve.slopes(self.points.budgets)[:3].T @ self.directions)

    @property
    def free_residuals(self) -> int:
        """Number of budgets minus number of free parameters."""
        return len(self.points) - int(self.slopes.shape[1])

    @cached_property
    def covariance(self) -> tuple[FloatArray, FloatArray]:
        """The sandwich and H^-1 for (A, ln b, D), shape (3, 3) each; infinite where not identified."""
        directions, G = self.directions, self.slopes
        predicted = self.estimate.curve(self.points.budgets)
        if self.method == "likelihood":
            weights = 1 / self.points.variances(predicted)
        else:
            weights = np.full(len(self.points), PERCENT**2)
        if self.points.trials is not None:
            V = self.points.covariance(predicted)
        elif self.free_residuals > 0:
            V = np.eye(len(weights)) * self.estimate.loss / PERCENT**2 / self.free_residuals
        else:
            V = np.diag(np.full(len(weights), np.nan))
        if not G.shape[1]:
            return np.zeros((3, 3)), np.zeros((3, 3))
        H = (G.T * weights) @ G
        if not np.isfinite(V).all() or not np.linalg.cond(H) <= 1e13:
            return np.full((3, 3), np.inf), np.full((3, 3), np.inf)
        inverse = np.linalg.inv(H)
        bread = inverse @ (G.T * weights)
        return directions @ bread @ V @ bread.T @ directions.T, directions @ inverse @ directions.T

    def standard_errors(self) -> tuple[float, float, float]:
        """Those of A, b (b times that of ln b) and D; NaN for a parameter at its bound or not identified."""
        variance = np.diag(self.covariance[0])
        errors = np.where(np.isfinite(variance) & (variance > 0), np.sqrt(np.abs(variance)), np.nan)
        return float(errors[0]), float(errors[1] * self.estimate.curve.b), float(errors[2])

    def band(self, l: FloatArray, confidence: float) -> FloatArray:
        """Pointwise interval of p(l) to first order, inside [0, 1], shape (2, ...)."""
        G, V = self.estimate.curve.slopes(l)[:3], self.covariance[0]
        if not np.isfinite(V).all():
            return np.array([np.zeros(l.shape), np.ones(l.shape)])
        spread = np.sqrt(np.maximum(np.einsum("i...,ij,j...->...", G, V, G), 0.0))
        centre, half = self.estimate.curve(l), math.sqrt(self.quantile(confidence)) * spread
        return np.asarray(np.clip([centre - half, centre + half], 0, 1))

    def quantile(self, confidence: float) -> float:
        """The quantile of the squared standardised error of one parameter."""
        if self.points.trials is None:
            return float(fdtri(1, max(self.free_residuals, 1), confidence))
        if self.points.questions is not None:
            return float(fdtri(1, max(self.points.questions - 1, 1), confidence))
        return float(chdtri(1, 1 - confidence))

    def intervals(self, confidence: float) -> tuple[tuple[float, float], ...]:
        """Profile intervals of A, b and D; an end that the data leave open is the parameter's bound."""
        sandwich, plain = (np.diag(matrix) for matrix in self.covariance)
        found = []
        for j, symbol in enumerate(SYMBOLS):
            known = np.isfinite(sandwich[j]) and plain[j] > 0
            ratio = float(sandwich[j] / plain[j]) if known else self.overdispersion
            rise = max(self.quantile(confidence) * ratio, _RESOLVED)
            step = math.sqrt(self.quantile(confidence) * float(sandwich[j])) if known else math.nan
            found.append(self.interval(symbol, rise, step))
        return tuple(found)

    @cached_property
    def overdispersion(self) -> float:
        """Mean ratio of the variances to what the loss assumes: binomial ones, or one squared percent."""
        if self.points.trials is None:
            free = self.free_residuals
            return self.estimate.loss / free if free > 0 else math.inf
        p = self.estimate.curve(self.points.budgets)
        variance = np.diag(self.points.covariance(p))
        binomial = self.points.variances(p)
        return float((variance * PERCENT**2 if self.method != "likelihood" else variance / binomial).mean())

    def interval(self, symbol: str, rise: float, step: float) -> tuple[float, float]:
        """Both ends of one profile interval."""
        curve = self.estimate.curve
        if symbol == "b":
            low, high = (math.log(bound) for bound in rate_bounds(self.points))
            ends = [self.end(symbol, math.log(curve.b), edge, rise, step) for edge in (low, high)]
            return (
                0.0 if ends[0] == low else math.exp(ends[0]),
                math.inf if ends[1] == high else math.exp(ends[1]),
            )
        value = getattr(curve, symbol)
        left, right = (self.end(symbol, value, edge, rise, step) for edge in (0.0, 1.0))
        return left, right

    def end(self, symbol: str, centre: float, edge: float, rise: float, step: float) -> float:
        """Where the profile has risen by `rise` on the way from the estimate to an edge; else the edge."""
        from scipy.optimize import brentq  # slow to import, and only fits need it

        if abs(edge - centre) < AT_BOUND or not math.isfinite(rise):
            return edge
        excess = self.profile(symbol, centre, rise)
        sign = math.copysign(1.0, edge - centre)
        step = min(step if step > 0 else abs(edge - centre) / 8, abs(edge - centre))
        inside, outside = centre, centre + sign * step
        while excess(outside) < 0:
            if outside == edge:
                return edge
            step *= 1.5
            inside, outside = outside, centre + sign * min(step, abs(edge - centre))
            outside = edge if abs(outside - edge) < 1e-12 else outside
        root, run = brentq(
            excess, inside, outside, xtol=1e-4 * step, rtol=1e-10, full_output=True, disp=False
        )
        if not (run.converged and math.isfinite(root)):
            raise SolverError(f"the end of the interval of {symbol} was not found: {run.flag}")
        return float(root)

    def profile(self, symbol: str, centre: float, rise: float) -> Callable[[float], float]:
        """How much larger the root of a profile's rise is than that of `rise`, at values of one parameter.

        A profile is nearly a parabola, so its root is nearly linear, and a zero is found in few steps.
        """

        def excess(value: float) -> float:
            if value == centre:
                return -math.sqrt(rise)
            natural = math.exp(value) if symbol == "b" else value
            there = fit(self.points, self.method, start=self.estimate.curve, fixed={symbol: natural})
            return math.sqrt(max(0.0, there.loss - self.estimate.loss)) - math.sqrt(rise)

        return excess

    def goodness_of_fit(self) -> float | None:
        """The p-value of the residuals; None without counts, or where no budget is left to test with.

        Let N span what the slopes leave free (N' G = 0). To first order N' (y - p) then has mean 0 and
        covariance N' V N, whatever the estimator, so that T = (y - p)' N (N' V N)^-1 N' (y - p) is
        chi-square; its degrees of freedom are n minus the number of free parameters. Where V is estimated
        from questions, T has Hotelling's distribution. For independent answers T is Pearson's statistic to
        first order. None also where N' V N is singular in float64.
        """
        free, questions = self.free_residuals, self.points.questions
        if self.points.trials is None or free < 1 or (questions is not None and free + 1 >= questions):
            return None
        p = self.estimate.curve(self.points.budgets)
        N = linalg.null_space((self.slopes / np.abs(self.slopes).max(axis=0)).T, rcond=1e-10)
        residual = N.T @ (self.points.accuracy - p)
        spread = N.T @ self.points.covariance(p) @ N
        if not np.linalg.cond(spread) <= 1e13:
            return None
        T = float(residual @ np.linalg.solve(spread, residual))
        free = N.shape[1]
        if questions is None:
            return float(chdtrc(free, T))
        left = questions - free
        return float(fdtrc(free, left, T * left / (free * (questions - 1))))
