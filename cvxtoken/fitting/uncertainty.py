"""What the uncertainty of a fitted workload means for its budgets.

`cvxtoken.fitting.drawn` draws workloads that might be the true one, and finds the best budgets of each, and
so what given budgets lose in it. `cvxtoken.robust` gives the budgets of the best average.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxtoken.allocation import model
from cvxtoken.allocation.prices.search import reliable_prices
from cvxtoken.allocation.problem import Workload
from cvxtoken.allocation.targets import Targets
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import ProblemError
from cvxtoken.fitting.drawn import Drawn, draw, optima
from cvxtoken.fitting.fitted import FittedWorkload
from cvxtoken.robust.problem import Ensemble
from cvxtoken.robust.reference import RobustReference, solve_robust
from cvxtoken.tables import table

_AVERAGED = 100  # draws whose average the robust budgets maximise: a proof of more takes many seconds


@dataclass(frozen=True)
class BudgetUncertainty:
    """Budgets, and what they are worth over the draws.

    Attributes:
        workload: the point estimates.
        drawn: the draws.
        confidence: of the intervals.
        point: the optimal budgets of the point estimates, shape (N,).
        token_intervals: of l*, shape (2, N).
        objective_interval: of J*, in s.
        regret: by draw, J* minus J at the point estimate's budgets, in s, shape (R,); infinite where these
            are unstable.
        robust: the budgets of the best average over the first draws.
        robust_regret: by draw, the regret of the robust budgets, in s, shape (R,).
    """

    workload: Workload
    drawn: Drawn
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
        return {
            "draws": len(self.drawn),
            "confidence": self.confidence,
            "point": dict(zip(names, self.point.tolist(), strict=True)),
            "token_intervals": {n: list(ends) for n, *ends in zip(names, low, high, strict=True)},
            "objective_interval": list(self.objective_interval),
            "mean_regret": _finite(self.regret.mean()),
            "unstable": self.unstable,
            "without_stable_budgets": self.drawn.unstable,
            "robust": self.robust.to_document(),
            "robust_mean_regret": _finite(self.robust_regret.mean()),
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
            f"in {percent} of {len(self.drawn)} draws",
            f"mean regret       {self.regret.mean():.3g} s of the point estimate, "
            f"{self.robust_regret.mean():.3g} s of the robust budgets",
            f"robust            {self.robust.status}, relative gap <= {self.robust.relative_gap:.3g}, "
            f"over {len(self.robust.ensemble)} draws",
        ]
        if self.unstable:
            stated.append(f"the point estimate's budgets are unstable in {self.unstable} draws")
        if self.drawn.unstable:
            stated.append(f"{self.drawn.unstable} more draws have no stable budgets at all")
        return "\n".join(stated)


def draw_workloads(fitted: FittedWorkload, count: int, seed: int = 0) -> list[Workload]:
    """Workloads that might be the true one; the same seed gives the same. Lags are left out.

    Args:
        fitted: with an arrival rate.
        count: how many are drawn, at most 10,000; those without a stable allocation are left out.
        seed: of NumPy's generator.

    Raises:
        ProblemError: no arrival rate is known, or the count is out of range.
        UnstableError: half of the draws, or more, have no stable allocation.
    """
    return list(draw(fitted, count, seed).workloads)


def budget_uncertainty(
    fitted: FittedWorkload, count: int = 1000, seed: int = 0, confidence: float = 0.9
) -> BudgetUncertainty:
    """Intervals of the optimal budgets and of J*, the regret of the point estimate, and robust budgets.

    Args:
        fitted: with an arrival rate.
        count: how many draws, at most 10,000; robust budgets are best on average over the first hundred.
        seed: of NumPy's generator.
        confidence: of the intervals (percentiles of the draws).

    Raises:
        ProblemError: no arrival rate is known, the count or confidence is out of range, or a draw is so
            extreme that its optimum is not reached to a relative gap of 1e-12.
        UnstableError: the point estimate, or half of the draws, have no stable allocation.
        SolverError: the point estimate's optimum is not reached to a relative gap of 1e-12.
    """
    checked_confidence(confidence)
    workload = fitted.workload
    drawn = draw(fitted, count, seed)
    model.require_stable(workload)
    point = reliable_prices(workload)
    best = optima(drawn, Targets())
    robust = solve_robust(Ensemble(drawn.workloads[:_AVERAGED]))
    low, high = interval(best.objective, confidence)
    return BudgetUncertainty(
        workload=workload,
        drawn=drawn,
        confidence=confidence,
        point=point,
        token_intervals=budget_interval(best.tokens, confidence, np.array(fitted.max_tokens)),
        objective_interval=(float(low), float(high)),
        regret=best.objective - drawn.objectives(point),
        robust=robust,
        robust_regret=best.objective - drawn.objectives(robust.tokens),
    )


def interval(values: FloatArray, confidence: float) -> FloatArray:
    """The equal-tailed interval of draws along the first axis, shape (2, ...).

    Its ends are at the places p (R + 1) of the R ordered draws, between which one more draw is with the
    probability that is asked for.
    """
    shares = [(1 - confidence) / 2, (1 + confidence) / 2]
    return np.asarray(np.quantile(values, shares, axis=0, method="weibull"))


def budget_interval(tokens: FloatArray, confidence: float, max_tokens: FloatArray) -> FloatArray:
    """The interval of the best budgets of the draws, of shape (R, N) within 0 and l_max, shape (2, N).

    It is equal-tailed inside the bounds. Where one end is at its bound, nothing lies beyond that end, and the
    other end has all of the tail: so the interval is not surer than it says, although many draws may have
    their best budget just at the bound.
    """
    low, high = interval(tokens, confidence)
    shares = np.array([1 - confidence, confidence])
    least, most = np.quantile(tokens, shares, axis=0, method="weibull")
    at_zero, at_top = low <= 0, high >= max_tokens
    low = np.where(at_top & ~at_zero, least, low)
    high = np.where(at_zero & ~at_top, most, high)
    return np.array([low, high])


def checked_confidence(confidence: float) -> float:
    """The confidence of intervals, above 0 and below 1 (ProblemError)."""
    if not 0 < confidence < 1:
        raise ProblemError(f"confidence is {confidence}; it must be between 0 and 1")
    return confidence


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
