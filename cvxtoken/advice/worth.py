"""What budgets are worth over the draws: intervals, regret, and how often targets are missed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvxtoken.allocation import model
from cvxtoken.allocation.problem import Workload
from cvxtoken.allocation.targets import Targets
from cvxtoken.arrays import FloatArray
from cvxtoken.fitting.drawn import Drawn, Optima, draw, optima
from cvxtoken.fitting.fitted import FittedWorkload
from cvxtoken.fitting.uncertainty import budget_interval, interval
from cvxtoken.lagged.problem import LaggedWorkload

_SLACK = 1e-9  # relative: a target is not missed by rounding
_TARGETED = 100  # draws under targets, which are solved one by one
_SETTLED = 4096  # plain workloads into which draws with lags are split, about


@dataclass(frozen=True, eq=False)
class Worth:
    """Given budgets over R draws.

    Attributes:
        drawn, best: the draws and the best budgets of each.
        token_intervals: of the best budgets, shape (2, N); NaN where no draw has any.
        accuracy_intervals: of the accuracies at the given budgets, shape (2, N).
        system_times: E[T] at the given budgets, in s, shape (R,); infinite where unstable.
        regret: by draw what the best budgets gain over the given ones, shape (R,), in s or accuracy; infinite
            where the given ones are unstable, NaN where they miss a target or nothing meets it.
        infeasible: draws in which no budgets meet the targets.
        misses: by target, how many draws miss it with the given budgets, and what they reach in all but one
            of ten draws.
    """

    drawn: Drawn
    best: Optima
    token_intervals: FloatArray
    accuracy_intervals: FloatArray
    system_times: FloatArray
    regret: FloatArray
    infeasible: int
    misses: dict[str, tuple[int, float]]

    @property
    def unstable(self) -> int:
        """Draws in which the given budgets have no steady state."""
        return int(np.isinf(self.system_times).sum())

    @property
    def mean_regret(self) -> float:
        """Over the draws in which the given budgets are stable and meet the targets; NaN where none do."""
        counted = self.regret[np.isfinite(self.regret)]
        return float(counted.mean()) if counted.size else float("nan")


def draws_for(fitted: FittedWorkload, targets: Targets, count: int, seed: int) -> tuple[Drawn, Optima]:
    """Draws and their optima; fewer draws where each takes more."""
    lagged = targets.is_trivial and bool(fitted.lagged.lag.any())
    if lagged:
        count = min(count, max(_SETTLED >> int((fitted.lagged.lag > 0).sum()), 20))
    elif not targets.is_trivial:
        count = min(count, _TARGETED)
    drawn = draw(fitted, count, seed, lagged)
    return drawn, optima(drawn, targets)


def worth(drawn: Drawn, best: Optima, targets: Targets, tokens: FloatArray, confidence: float) -> Worth:
    """What given tokens, shape (N,), are worth over the draws."""
    pairs = list(zip(drawn.workloads, drawn.lag, strict=True))
    accuracies = np.array([LaggedWorkload(w, lag).accuracy(tokens) for w, lag in pairs])
    times = drawn.system_times(tokens)
    if targets.objective == "accuracy":
        reached = np.array([float(w.prior @ p) for (w, _), p in zip(pairs, accuracies, strict=True)])
    else:
        reached = drawn.objectives(tokens)
    met = ~np.isnan(best.objective)
    values = _values(drawn.workloads, targets, tokens, accuracies)
    missed = {name: value > limit * (1 + _SLACK) for name, (value, limit) in values.items()}
    regret = np.where(met, best.objective, np.nan) - reached
    for value in missed.values():
        regret = np.where(value, np.nan, regret)
    none, top = np.full((2, len(tokens)), np.nan), drawn.workloads[0].max_tokens
    return Worth(
        drawn=drawn,
        best=best,
        token_intervals=budget_interval(best.tokens[met], confidence, top) if met.any() else none,
        accuracy_intervals=interval(accuracies, confidence),
        system_times=times,
        regret=regret,
        infeasible=int((~met).sum()),
        misses={name: (int(missed[name].sum()), _nine_of_ten(*values[name])) for name in values},
    )


def _nine_of_ten(value: FloatArray, limit: float) -> float:
    """What a value does not exceed in nine of ten draws; of accuracies, negated, what they reach."""
    found = float(np.quantile(value, 0.9, method="higher"))
    return -found if limit < 0 else found


def _values(
    workloads: tuple[Workload, ...], targets: Targets, tokens: FloatArray, accuracies: FloatArray
) -> dict[str, tuple[FloatArray, float]]:
    """By target its values over the draws, shape (R,), and its limit; least ones both negated."""
    measures = {
        "max_mean_system_time": model.mean_system_time,
        "max_mean_wait": model.mean_wait,
        "max_utilization": model.utilization,
        "max_mean_tokens": lambda w, l: w.prior @ l,
        "max_mean_kv_tokens": model.mean_kv_tokens,
    }
    found = {
        name: (np.array([float(measures[name](w, tokens)) for w in workloads]), limit)
        for name, limit in targets.limits.items()
    }
    names = workloads[0].names
    for name, least in targets.min_accuracy.items():
        found[f"min_accuracy of {name}"] = (-accuracies[:, names.index(name)], -least)
    return found
