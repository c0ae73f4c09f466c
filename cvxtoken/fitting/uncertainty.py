"""What the uncertainty of a fitted workload means for its budgets.

Everything that was measured is drawn: accuracy curves are refitted to data drawn anew (`AccuracyFit.draws`);
t0 and c are normal with their covariance; the rate is a gamma variable of its mean and standard error; the
priors are Dirichlet with the counts plus 1/2 (Jeffreys). Each draw is a workload that might be the true one.
`solve_many` gives its optimum, and so what the point estimate's budgets lose in it. `cvxtoken.robust` gives
the budgets of the best average.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxtoken.allocation import model
from cvxtoken.allocation.many.solve import solve_many
from cvxtoken.allocation.prices.search import reliable_prices
from cvxtoken.allocation.problem import Workload
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import ProblemError
from cvxtoken.fitting.fitted import FittedWorkload
from cvxtoken.fitting.task import FLAT_GAIN, TaskFit
from cvxtoken.robust.problem import Ensemble
from cvxtoken.robust.reference import RobustReference, solve_robust
from cvxtoken.tables import table


@dataclass(frozen=True)
class BudgetUncertainty:
    """Budgets, and what they are worth over the draws.

    Attributes:
        workload: the point estimates.
        ensemble: the draws.
        confidence: of the intervals.
        point: the optimal budgets of the point estimates, shape (N,).
        token_intervals: of l*, shape (2, N).
        objective_interval: of J*, in s.
        regret: by draw, J* minus J at the point estimate's budgets, in s, shape (R,); infinite where these
            are unstable.
        robust: the budgets of the best average.
        robust_regret: by draw, the regret of the robust budgets, in s, shape (R,).
    """

    workload: Workload
    ensemble: Ensemble
    confidence: float
    point: FloatArray
    token_intervals: FloatArray
    objective_interval: tuple[float, float]
    regret: FloatArray
    robust: RobustReference
    robust_regret: FloatArray

    @property
    def unstable(self) -> int:
        """Draws in which the point estimate's budgets have no steady state."""
        return int(np.isinf(self.regret).sum())

    def to_document(self) -> dict[str, Any]:
        """A mapping of plain values; a mean regret that is infinite is None."""
        names = self.workload.names
        low, high = self.token_intervals.tolist()
        mean = float(self.regret.mean())
        return {
            "draws": len(self.ensemble),
            "confidence": self.confidence,
            "point": dict(zip(names, self.point.tolist(), strict=True)),
            "token_intervals": {n: list(ends) for n, *ends in zip(names, low, high, strict=True)},
            "objective_interval": list(self.objective_interval),
            "mean_regret": mean if np.isfinite(mean) else None,
            "unstable": self.unstable,
            "robust": self.robust.to_document(),
            "robust_mean_regret": float(self.robust_regret.mean()),
        }

    def __str__(self) -> str:
        low, high = self.token_intervals
        columns = (self.workload.names, self.point, low, high, self.robust.tokens)
        rows = [(name, *(f"{l:.1f}" for l in budgets)) for name, *budgets in zip(*columns, strict=True)]
        percent = f"{100 * self.confidence:g} %"
        stated = [
            table(["task", "point estimate", f"{percent} from", "to", "robust"], rows),
            f"objective         J* from {self.objective_interval[0]:.4f} to "
            f"{self.objective_interval[1]:.4f} s "
            f"in {percent} of {len(self.ensemble)} draws",
            f"mean regret       {self.regret.mean():.3g} s of the point estimate, "
            f"{self.robust_regret.mean():.3g} s of the robust budgets",
            f"robust            {self.robust.status}, relative gap <= {self.robust.relative_gap:.3g}",
        ]
        if self.unstable:
            stated.append(f"the point estimate's budgets are unstable in {self.unstable} draws")
        return "\n".join(stated)


def draw_workloads(fitted: FittedWorkload, count: int, seed: int = 0) -> list[Workload]:
    """Workloads that might be the true one; the same seed gives the same.

    Raises:
        ProblemError: no arrival rate is known, or the count is not positive.
    """
    if count < 1:
        raise ProblemError(f"count is {count}; it must be positive")
    centre = fitted.workload
    rng = np.random.default_rng(seed)
    curves = [_curves(task, count, seed) for task in fitted.tasks]
    services = [_services(task, count, rng) for task in fitted.tasks]
    rates, priors = _arrivals(fitted, count, rng)
    drawn = []
    for draw in range(count):
        A, b, D = (np.array([curve[draw][i] for curve in curves]) for i in range(3))
        t0, c = (np.array([service[draw, i] for service in services]) for i in range(2))
        drawn.append(
            centre.replace(
                accuracy_gain=A,
                saturation_rate=b,
                base_accuracy=np.minimum(D, 1 - A),
                overhead=t0,
                time_per_token=c,
                arrival_rate=float(rates[draw]),
                prior=priors[draw],
                source=f"draw {draw} of seed {seed}; {centre.source}",
            )
        )
    return drawn


def budget_uncertainty(
    fitted: FittedWorkload, count: int = 200, seed: int = 0, confidence: float = 0.9
) -> BudgetUncertainty:
    """Intervals of the optimal budgets and of J*, the regret of the point estimate, and robust budgets.

    Args:
        fitted: with an arrival rate.
        count: how many draws.
        seed: of NumPy's generator.
        confidence: of the intervals (percentiles of the draws).

    Raises:
        ProblemError: no arrival rate is known, the count or confidence is out of range, or a draw is so
            extreme that its optimum is not reached to a relative gap of 1e-12.
        UnstableError: the point estimate, or a draw, has no stable allocation.
        SolverError: the point estimate's optimum is not reached to a relative gap of 1e-12.
    """
    if not 0 < confidence < 1:
        raise ProblemError(f"confidence is {confidence}; it must be between 0 and 1")
    workload = fitted.workload
    ensemble = Ensemble(draw_workloads(fitted, count, seed))
    model.require_stable(workload)
    ensemble.require_stable()
    point = reliable_prices(workload)
    found = solve_many(ensemble.draws)
    if not found.solved.all():
        first = int(np.argmin(found.solved))
        raise ProblemError(f"draw {first} of the workload has no optimum to rely on. {found.outcome(first)}")
    best = found.objective
    robust = solve_robust(ensemble)
    shares = [(1 - confidence) / 2, (1 + confidence) / 2]
    low, high = np.quantile(best, shares)
    return BudgetUncertainty(
        workload=workload,
        ensemble=ensemble,
        confidence=confidence,
        point=point,
        token_intervals=np.quantile(found.tokens, shares, axis=0),
        objective_interval=(float(low), float(high)),
        regret=best - ensemble.objectives(point),
        robust=robust,
        robust_regret=best - ensemble.objectives(robust.tokens),
    )


def _curves(task: TaskFit, count: int, seed: int) -> list[tuple[float, float, float]]:
    """A, b and D of each draw; for a flat task only the mean accuracy is drawn."""
    curves = task.accuracy.draws(count, seed)
    if task.accuracy.verdict == "flat":
        l = task.accuracy.points.budgets
        means = [float(curve(l).mean()) for curve in curves]
        return [(FLAT_GAIN, 1 / float(l[-1]), min(mean, 1 - FLAT_GAIN)) for mean in means]
    return [(max(curve.A, FLAT_GAIN), curve.b, min(curve.D, 1 - FLAT_GAIN)) for curve in curves]


def _services(task: TaskFit, count: int, rng: np.random.Generator) -> FloatArray:
    """Draws of t0 and c, shape (count, 2): normal, t0 at least 0, c at least a hundredth of its estimate."""
    service = task.service
    drawn = rng.multivariate_normal([service.overhead, service.time_per_token], service.covariance, count)
    return np.asarray(np.maximum(drawn, [0.0, service.time_per_token / 100]))


def _arrivals(fitted: FittedWorkload, count: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Rates, shape (count,), and priors, shape (count, N); without a log, all as in the workload."""
    log, names = fitted.arrivals, [task.name for task in fitted.tasks]
    rates, priors = np.full(count, fitted.workload.arrival_rate), np.tile(fitted.workload.prior, (count, 1))
    if log is not None:
        found = dict(zip(log.names, log.counts, strict=True))
        priors = rng.dirichlet([found[name] + 0.5 for name in names], count)
        if fitted.arrival_rate == log.rate and log.rate_error > 0:
            shape = (log.rate / log.rate_error) ** 2
            rates = rng.gamma(shape, log.rate / shape, count)
    return rates, priors
