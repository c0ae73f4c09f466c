"""Budgets that follow a stream of arrivals, and stay where they are as long as noise alone would explain it.

Let theta = (lambda_1, ..., lambda_N) be the rates of the types, S the covariance of their estimate (diagonal:
Poisson arrivals are independent), l the budgets in force and l' the optimum at the new estimate. The gain

    g(theta) = J(l'; theta) - J(l; theta)

is the regret of l. Where only noise lies between the estimate that l was set for and the new one, their
difference is d = S^(1/2) z with z about normal (S is the sum of both covariances), and to second order
g = d' M d / 2, whose gradient is M d and whose standard error e is (d' M S M d)^(1/2). With
A = S^(1/2) M S^(1/2), by Cauchy and Schwarz,

    2 g / e = z' A z / |A z| <= |z|,   and |z|^2 is chi-square with N degrees of freedom.

So a move only where 2 g / e > q, with q^2 the quantile of chi-square at 1 - level, lets noise alone move the
budgets in at most a share `level` of independent looks, whatever M is. Near full load g is no quadratic:
instead of 2 g > q e, which is the same to first order, g is asked to be positive also at the rates that speak
most for staying, theta - (q / 2) S g' / e, none of them below 0, and at those as far on the way back to the
rates that l was set for (of a quadratic, g is 0 half way back, so that this asks for |z| > q itself). Budgets
that are unstable at the new estimate are left at once.

Few arrivals are less normal than many, and none would seem to be sure of a rate of 0: so S has for the new
estimate the variances at the higher rate, its own or that which l was set for.

Source: derived here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtri

from cvxtoken.allocation import model
from cvxtoken.allocation.fields import checked_scalar
from cvxtoken.allocation.many.tracker import Budgets, Tracker
from cvxtoken.allocation.problem import Workload
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import ProblemError
from cvxtoken.following.rates import Decay, Estimate, Memory, Window

_STEP = 1e-4  # of the rates, relative to their sum, in the differences that stand for derivatives
_LOOKS = 1000  # at most, after a silence; earlier ones could only see what these see


@dataclass(frozen=True)
class Change:
    """New budgets, and why.

    Attributes:
        time: when, in s, on the clock of the arrivals.
        estimate: of the rates at that time.
        budgets: the optimum there.
        gain: what it gains over the budgets before, in s; infinite where those are unstable.
        gain_error: standard error of the gain; NaN where the gain is infinite.
    """

    time: float
    estimate: Estimate
    budgets: Budgets
    gain: float
    gain_error: float


class Follower:
    """Budgets for the load of the recent past.

    Estimates are by a window or by weights that decay (`following.rates`); every `every` seconds the optimum
    at the estimate is found by a `Tracker`, and becomes the budgets if it gains more than noise would explain
    (see above) and more than `least_gain` of the mean system time there.

    Args:
        workload: its rate and shares are the estimate to begin with, and its optimum the first budgets.
        start: time from which arrivals are watched, in s.
        half_life: of the weights, in s.
        window: in s, in place of weights.
        every: seconds between looks; a twentieth of the half-life or window without it.
        least_gain: share of the mean system time; not negative.
        level: share of the looks in which noise alone may move budgets.

    Attributes:
        tokens: the budgets in force, shape (N,).
        estimate: the last one.

    Raises:
        ProblemError: a number breaks its rule, or both a half-life and a window are given.

    >>> from cvxtoken.library import load
    >>> follower = Follower(load("qwen3-8b"), start=0.0, half_life=300.0)
    >>> for second in range(0, 3600, 4):
    ...     changes = follower.arrive(float(second), second // 4 % 5)
    >>> follower.estimate.arrival_rate.__round__(2)
    0.25
    """

    def __init__(
        self,
        workload: Workload,
        start: float,
        half_life: float | None = None,
        window: float | None = None,
        every: float | None = None,
        least_gain: float = 0.01,
        level: float = 1e-3,
    ) -> None:
        """Solve the workload as it is."""
        if half_life is not None and window is not None:
            raise ProblemError("half_life and window are both given; only one of them can be followed")
        if not 0 < level < 1:
            raise ProblemError(f"level is {level}; it must be between 0 and 1")
        if not 0 <= least_gain < np.inf:
            raise ProblemError(f"least_gain is {least_gain}; it must be finite and not negative")
        self._workload = workload
        self._memory: Memory
        length = window or half_life or 300.0
        if window is not None:
            self._memory = Window(workload, start, window)
        else:
            self._memory = Decay(workload, start, 300.0 if half_life is None else half_life)
        self._every = checked_scalar("every", length / 20 if every is None else every)
        self._least, self._quantile = least_gain, float(np.sqrt(chdtri(len(workload), level)))
        self._tracker = Tracker(workload)
        self._next = start + self._every
        self._overloaded = not self._tracker.budgets.stable
        self.tokens = self._tracker.budgets.tokens
        self.estimate = Estimate(workload.arrival_rate * workload.prior, 0.0)
        self._held = self.estimate  # that the budgets in force are for

    @property
    def budgets(self) -> Budgets:
        """The optimum at the last estimate, which need not be in force."""
        return self._tracker.budgets

    def arrive(self, time: float, kind: int) -> list[Change]:
        """An arrival of the type with this place; the changes up to its time."""
        changes = self.advance(time)
        self._memory.add(time, kind)
        return changes

    def advance(self, time: float) -> list[Change]:
        """Let time pass without an arrival; the changes, in order."""
        self._next = max(self._next, time - _LOOKS * self._every)
        changes = []
        while self._next <= time:
            change = self._look(self._next)
            if change is not None:
                changes.append(change)
            self._next += self._every
        return changes

    def _look(self, now: float) -> Change | None:
        self.estimate = estimate = self._memory.estimate(now)
        best = self._tracker.update(estimate.arrival_rate, estimate.prior)
        gain, error = self._worth(best, estimate)
        if not gain > 0:
            return None
        self.tokens, self._held = best.tokens, estimate
        self._overloaded = not best.stable
        return Change(now, estimate, best, gain, error)

    def _worth(self, best: Budgets, estimate: Estimate) -> tuple[float, float]:
        """Gain of the new budgets and its standard error; 0 and NaN where it is not worth moving."""
        if not best.stable:  # nothing is gained, but it must be said; no tokens at all end it soonest
            return (0.0 if self._overloaded else np.inf), np.nan
        w, theta = self._workload, estimate.rates
        gain = float(self._gains(best.tokens, theta[None])[0])
        if gain == np.inf:
            return gain, np.nan
        if gain <= self._least * best.mean_system_time:
            return 0.0, np.nan
        steps = _STEP * theta.sum() * np.eye(len(w))
        slopes = self._gains(best.tokens, theta + steps) - self._gains(best.tokens, theta - steps)
        slopes = np.where(np.isfinite(slopes), slopes, 0.0) / (2 * _STEP * theta.sum())
        S = np.maximum(theta, self._held.rates) * estimate.spread + self._held.variances
        error = float(np.sqrt(slopes**2 @ S))
        radius, back = self._quantile / 2, self._held.rates - theta
        distance = float(np.sqrt((back**2 / S).sum()))
        doubts = [lowest(theta, slopes, S, radius), theta + back * min(1.0, radius / max(distance, 1e-300))]
        doubted = self._gains(best.tokens, np.array(doubts)).min()
        return (gain, error) if doubted > 0 else (0.0, np.nan)

    def _gains(self, tokens: FloatArray, rates: FloatArray) -> FloatArray:
        """g at rates of shape (M, N)."""
        better = objectives(self._workload, tokens, rates)
        held = objectives(self._workload, self.tokens, rates)
        return np.subtract(better, held, out=np.full_like(held, np.inf), where=held > -np.inf)


def lowest(theta: FloatArray, slopes: FloatArray, S: FloatArray, radius: float) -> FloatArray:
    """Where a linear function of rates is least among those not below 0 and no farther than the radius.

    Distances are in standard errors: S are variances. Rates that would be below 0 are put there, and the
    others have what their way to 0 leaves of the square of the radius. All of shape (N,).
    """
    found, free = theta.copy(), np.ones(len(theta), dtype=bool)
    while True:
        left = radius**2 - float((theta[~free] ** 2 / S[~free]).sum())
        length = float(slopes[free] ** 2 @ S[free])
        if left <= 0 or length <= 0:
            return found
        found[free] = theta[free] - np.sqrt(left / length) * (S * slopes)[free]
        below = free & (found < 0)
        if not below.any():
            return found
        found[below] = 0.0
        free &= ~below


def objectives(workload: Workload, tokens: FloatArray, rates: FloatArray) -> FloatArray:
    """J at budgets of shape (N,) for rates of the types of shape (M, N), in s, shape (M,).

    Minus infinity where unstable. Rates are over all replicas.
    """
    w = workload
    total = rates.sum(axis=1)
    lam, pi = total / w.server.replicas, rates / total[:, None]
    T0 = pi @ w.overhead
    law = w.server.law(lam, T0, float)
    t, s = model.service_time(w, tokens), model.deviation(w, tokens)
    C = pi @ (w.time_per_token * tokens)
    y = 1 - lam * (law.overhead_share * T0 + law.token_share * C)
    with np.errstate(divide="ignore", invalid="ignore"):
        wait = lam * (law.square * (pi @ (t * t + s * s)) + law.constant) / (2 * y)
        time = law.offset + law.direct * (pi @ t) + wait
        value = w.accuracy_weight * (pi @ model.accuracy(w, tokens)) - time
    return np.where(y > 0, value, -np.inf)
