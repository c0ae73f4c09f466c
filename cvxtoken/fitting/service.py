"""Service time against tokens: a straight line, the scatter around it, and its effect on the queue.

    t(l) = t0 + c l + noise,   noise of standard deviation s(l) = s0 + s1 l.

In the paper the type and its tokens determine the service time. Where they do not, E[S^2] = sum pi (t^2 +
s^2), so that the paper's model understates the mean system time by lambda sum pi s(l)^2 / (2 y).
`understated_delay` computes it; where a server batches continuously, scatter does not matter to mean times.

Here l are the tokens used, or the budget (`cvxtoken.fitting.task`). Against the budget, t(l) is the mean over
requests that use it up and requests that do not. That mean use is concave in l and saturates; a line is its
best straight approximation over the budgets measured, and `cvxtoken.fitting.straightness` judges it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc

from cvxtoken.allocation import model
from cvxtoken.allocation.problem import Workload
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import ProblemError, SolverError
from cvxtoken.fitting.points import columns, require
from cvxtoken.fitting.straightness import Straightness, straightness
from cvxtoken.least_squares import nonnegative

_FAR = 6.0  # robust standard deviations from the robust line: what is farther is an outlier
_MOST_NAMED = 20
_SAMPLE = 20_000  # rows that are enough for the robust line
_LEVEL = 0.01
_LEAST_ROWS = 3
_ILL = 1e14  # condition number from which on a matrix's inverse is all rounding
_EVALUATIONS = 2000  # at most, for the robust line; it takes about ten


@dataclass(frozen=True)
class ServiceFit:
    """The line t(l) = t0 + c l by least squares with t0 >= 0.

    All rows count, outliers too, because the delay depends on the mean of all requests.

    Attributes:
        overhead: t0, in s.
        time_per_token: c, in s/token.
        covariance: of t0 and c, valid for any scatter (sandwich); 0 for t0 where it is at its bound 0.
        spread: standard deviation of the residuals, in s.
        spread_line: s0 in s and s1 in s/token of the scatter s(l) = s0 + s1 l, neither negative.
        spread_error: relative standard error of the residuals' mean square.
        straightness: whether the mean times follow a line.
        heteroscedasticity: p-value of the hypothesis that the scatter does not change with l (Breusch and
            Pagan).
        r_squared: share of the variance explained.
        rows: how many.
        outliers: numbers, from 0, of the rows farther than 6 robust standard deviations from a robust line;
            at most 20, the farthest first.
        outlier_count: how many outliers there are.
        without_outliers: t0 and c fitted without the outliers.
    """

    overhead: float
    time_per_token: float
    covariance: tuple[tuple[float, float], tuple[float, float]]
    spread: float
    spread_line: tuple[float, float]
    spread_error: float
    straightness: Straightness
    heteroscedasticity: float
    r_squared: float
    rows: int
    outliers: tuple[int, ...]
    outlier_count: int
    without_outliers: tuple[float, float]

    @property
    def standard_errors(self) -> tuple[float, float]:
        """Standard errors of t0 and c; NaN for t0 where it is at its bound 0."""
        errors = np.sqrt(np.diag(self.covariance))
        return float(errors[0]) if self.overhead > 0 else float("nan"), float(errors[1])

    def variance(self, tokens: ArrayLike) -> FloatArray:
        """The variance s(l)^2, in s^2, of the shape of l."""
        s0, s1 = self.spread_line
        return np.asarray((s0 + s1 * np.asarray(tokens, dtype=np.float64)) ** 2)

    @property
    def judgement(self) -> str:
        """What is worth knowing, in a sentence."""
        parts = [f"R^2 {self.r_squared:.4f}, scatter {self.spread:.3g} s"]
        if not self.straightness.holds:
            parts.append(f"{self.straightness.verdict}: {self.straightness.sentence}")
        if self.heteroscedasticity < _LEVEL:
            parts.append("the scatter changes with the tokens")
        if self.overhead == 0:
            parts.append("t0 is at its bound 0")
        if self.outlier_count:
            t0, c = self.without_outliers
            parts.append(f"{self.outlier_count} outliers (without them t0 = {t0:.4g} s, c = {c:.4g} s/token)")
        return "; ".join(parts)

    def to_document(self) -> dict[str, Any]:
        """A mapping of plain values."""
        error = self.standard_errors[0]
        return {
            "overhead": self.overhead,
            "time_per_token": self.time_per_token,
            "standard_errors": [error if error == error else None, self.standard_errors[1]],
            "spread": self.spread,
            "spread_line": list(self.spread_line),
            "spread_error": self.spread_error,
            "straightness": asdict(self.straightness),
            "heteroscedasticity": self.heteroscedasticity,
            "r_squared": self.r_squared,
            "rows": self.rows,
            "outliers": list(self.outliers),
            "outlier_count": self.outlier_count,
            "without_outliers": list(self.without_outliers),
            "judgement": self.judgement,
        }


def fit_service(tokens: ArrayLike, seconds: ArrayLike, used_up: bool = True) -> ServiceFit:
    """Fit t(l) = t0 + c l to measured requests.

    Args:
        tokens: how many each request generated, shape (rows,).
        seconds: how long each was served, shape (rows,).
        used_up: whether each generated all of these tokens. If these are budgets, of which some requests use
            little, no row is called an outlier.

    Raises:
        ProblemError: a value is not finite, tokens are negative or seconds not positive; there are fewer than
            three rows, or all lengths are nearly the same; or the time does not rise with the tokens.
        SolverError: a least-squares line, or a robust one, was not found.

    >>> found = fit_service([100, 200, 300, 400], [1.2, 2.2, 3.1, 4.2])
    >>> round(found.overhead, 3), round(found.time_per_token, 5)
    (0.2, 0.0099)
    """
    l, t = columns(tokens=tokens, seconds=seconds)
    require(l >= 0, "tokens", l, "must not be negative")
    require(t > 0, "seconds", t, "must be positive")
    if len(l) < _LEAST_ROWS or l.min() == l.max():
        raise ProblemError(
            f"tokens has {len(l)} rows from {l.min():g} to {l.max():g}; "
            f"at least {_LEAST_ROWS} rows of different lengths are needed"
        )
    t0, c = _line(l, t)
    if c <= 0:
        _design(l, intercept=True)  # where lengths are nearly alike, the sign of c is rounding
        raise ProblemError("seconds do not rise with tokens; the time per token must be positive")
    residual = t - (t0 + c * l)
    far = _far(l, t) if used_up else np.zeros_like(t)
    kept = far <= _FAR
    usable = kept.sum() >= _LEAST_ROWS and l[kept].min() < l[kept].max()
    order = np.argsort(-far, kind="stable")[:_MOST_NAMED]
    free = len(l) - 1 - (t0 > 0)
    return ServiceFit(
        overhead=t0,
        time_per_token=c,
        covariance=_covariance(l, residual, t0 > 0),
        spread=float(np.sqrt(residual @ residual / free)),
        spread_line=_spread_line(l, residual),
        spread_error=_spread_error(residual),
        straightness=straightness(l, t, (t0, c)),
        heteroscedasticity=_breusch_pagan(l, residual),
        r_squared=1 - float(residual @ residual) / max(float(((t - t.mean()) ** 2).sum()), 1e-300),
        rows=len(l),
        outliers=tuple(int(row) for row in order if far[row] > _FAR),
        outlier_count=int((~kept).sum()),
        without_outliers=_line(l[kept], t[kept]) if usable else (t0, c),
    )


def understated_delay(workload: Workload, tokens: ArrayLike, services: Sequence[ServiceFit]) -> float:
    """By how much the model's E[T] is too small because service times scatter, in s.

    It is lambda square sum_k pi_k s_k(l_k)^2 / (2 y), where square is 1 for one query at a time and 0 where
    the server is shared: the scatter adds to E[S^2], and to nothing else.

    Args:
        workload: the model.
        tokens: l, shape (N,), stable.
        services: one fit for each type.

    Raises:
        ProblemError: the tokens break their rule, or there is not one fit for each type.
    """
    l = model.checked_tokens(workload, tokens)
    if len(services) != len(workload):
        raise ProblemError(f"services has {len(services)} fits; it must have one a type, {len(workload)}")
    variance = np.array([float(fit.variance(l_k)) for fit, l_k in zip(services, l, strict=True)])
    y = float(model.idle(workload, l))
    more = workload.law.square * float(workload.prior @ variance)
    return workload.rate * more / (2 * y) if y > 0 else float("inf")


def _line(l: FloatArray, t: FloatArray) -> tuple[float, float]:
    """Least squares of t0 + c l with t0, c >= 0, on the triangular factor."""
    scale = float(l.max())
    Q, R = np.linalg.qr(np.column_stack([np.ones_like(l), l / scale]))
    t0, c = nonnegative(R, Q.T @ t)
    return float(t0), float(c) / scale


def _design(l: FloatArray, intercept: bool) -> FloatArray:
    """The rows (1, l / max l), or (l / max l,) without an intercept (ProblemError: lengths nearly alike)."""
    scale = float(l.max())
    X = np.column_stack([np.ones_like(l), l / scale])[:, 0 if intercept else 1 :]
    if not np.linalg.cond(X.T @ X) <= _ILL:
        raise ProblemError(
            f"tokens are from {l.min():.17g} to {scale:.17g}; lengths so much alike do not tell t0 from c"
        )
    return X


def _covariance(
    l: FloatArray, residual: FloatArray, intercept: bool
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Heteroscedasticity-consistent covariance of t0 and c (White's, times n / (n - free))."""
    X, scale = _design(l, intercept), float(l.max())
    bread = np.linalg.inv(X.T @ X)
    meat = (X * (residual**2)[:, None]).T @ X
    n, free = X.shape
    V = np.zeros((2, 2))
    V[2 - free :, 2 - free :] = bread @ meat @ bread * n / (n - free)
    V[1] /= scale
    V[:, 1] /= scale
    return (float(V[0, 0]), float(V[0, 1])), (float(V[1, 0]), float(V[1, 1]))


def _spread_line(l: FloatArray, residual: FloatArray) -> tuple[float, float]:
    """The line s0 + s1 l of the scatter, fitted to |residual| sqrt(pi / 2), pi = 3.14....

    The mean of that is the standard deviation, if residuals are normal. The line is then scaled so that its
    mean variance is that of the residuals, on which the delay depends.
    """
    s0, s1 = _line(l, np.abs(residual) * np.sqrt(np.pi / 2))
    mean = float(np.mean((s0 + s1 * l) ** 2))
    scale = np.sqrt(float(residual @ residual) / len(residual) / mean) if mean > 0 else 0.0
    return s0 * float(scale), s1 * float(scale)


def _spread_error(residual: FloatArray) -> float:
    """Of n residuals r: the standard deviation of r^2 over its mean and sqrt(n); 0 where all are 0."""
    squares = residual**2
    mean = float(squares.mean())
    return float(squares.std() / mean / np.sqrt(len(squares))) if mean > 0 else 0.0


def _breusch_pagan(l: FloatArray, residual: FloatArray) -> float:
    """Koenker's p-value: rows times R^2 of residual^2 on l is chi-square with one degree of freedom."""
    squares = residual**2 - np.mean(residual**2)
    centred = l - l.mean()
    total = float(squares @ squares) * float(centred @ centred)
    share = float(squares @ centred) ** 2 / total if total > 0 else 0.0
    return float(chdtrc(1, len(l) * share))


def _far(l: FloatArray, t: FloatArray) -> FloatArray:
    """Distances from a robust line, in robust standard deviations that may grow with l, shape (rows,)."""
    step = max(1, len(l) // _SAMPLE)
    line = _robust_line(l, t, step)
    distance = np.abs(t - line[0] - line[1] * l)
    spread = _robust_line(l, distance, step, positive=True)
    distance /= np.maximum(spread[0] + spread[1] * l, 1e-9 * float(np.median(t)))
    return np.asarray(distance / max(1.4826 * float(np.median(distance)), 1e-9))


def _robust_line(l: FloatArray, t: FloatArray, step: int, positive: bool = False) -> tuple[float, float]:
    """A line through most of the rows (Cauchy's loss), from every `step`-th row."""
    from scipy.optimize import least_squares  # slow to import, and only fits need it

    scale, unit = float(l.max()), float(np.median(t)) or 1.0
    x, z = l[::step] / scale, t[::step] / unit
    start = np.maximum(np.array(_line(l[::step], t[::step])) * [1, scale] / unit, 1e-6)
    width = max(float(np.median(np.abs(z - start[0] - start[1] * x))), 1e-9)
    bounds = (0 if positive else -np.inf, np.inf)
    found = least_squares(
        lambda v: v[0] + v[1] * x - z,
        start,
        bounds=bounds,
        loss="cauchy",
        f_scale=width,
        max_nfev=_EVALUATIONS,
    )
    if not (found.success and np.isfinite(found.x).all()):
        raise SolverError(f"the robust line of the service times was not found: {found.message}")
    return float(found.x[0]) * unit, float(found.x[1]) * unit / scale
