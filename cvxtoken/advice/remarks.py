"""What to know before budgets are deployed, one sentence each; what is nothing to worry about is not said."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cvxtoken.advice.worth import Worth
from cvxtoken.allocation import model
from cvxtoken.allocation.targets import Targets
from cvxtoken.arrays import FloatArray
from cvxtoken.fitting.fitted import FittedWorkload
from cvxtoken.fitting.task import USED, TaskFit

_BUSY = 0.9  # a utilization from which on waits depend on all that is left out
_FEW = 30  # answers at a budget
_COSTLY = 0.1  # regret, as a share of the gain
_OFTEN = 0.1  # share of draws


def remarks(
    fitted: FittedWorkload, targets: Targets, tokens: FloatArray, worth: Worth, gain: float
) -> Iterator[str]:
    """All of them, tasks first."""
    for k, task in enumerate(fitted.tasks):
        yield from (f"{task.name}: {text}" for text in _of_curve(task, targets))
        yield from (f"{task.name}: {text}" for text in _of_service(task))
        yield from (f"{task.name}: {text}" for text in _of_budget(task, tokens[k], fitted.max_tokens[k]))
    yield from _of_load(fitted, tokens, worth)
    yield from _of_targets(targets, worth)
    if worth.mean_regret > _COSTLY * gain > 0:
        yield (
            f"the measurements are few: the budgets lose {100 * worth.mean_regret / gain:.0f} % of what "
            "thinking gains, on average over the draws; measure more answers near these budgets"
        )


def _of_curve(task: TaskFit, targets: Targets) -> Iterator[str]:
    fit = task.accuracy
    if fit.verdict == "lag" and not targets.is_trivial:
        yield f"{fit.judgement}; targets know no lags: this budget is that of a curve that does not fit"
    elif fit.verdict in ("lag", "misfit", "too few points", "at a bound", "flat"):
        yield fit.judgement
    trials = fit.points.trials
    if trials is not None and trials.min() < _FEW:
        place = int(np.argmin(trials))
        yield f"only {trials[place]:.0f} answers at a budget of {fit.points.budgets[place]:g}"


def _of_service(task: TaskFit) -> Iterator[str]:
    straight = task.service.straightness
    if not straight.holds:
        yield (
            f"seconds against {'the budget' if task.against == 'budget' else 'tokens'}: {straight.verdict}: "
            f"{straight.sentence}; measure at budgets nearer to this one"
        )
    if task.against == "tokens" and task.budget_use is not None and task.budget_use < USED:
        yield task.use


def _of_budget(task: TaskFit, tokens: float, l_max: float) -> Iterator[str]:
    largest = float(task.accuracy.points.budgets[-1])
    if task.accuracy.verdict == "flat":
        if tokens > 0:
            yield "the budget allows for a small rise, which the answers do not exclude; without it 0 is best"
        return
    if tokens > largest:
        yield f"the budget is beyond the largest measured, {largest:g} tokens; no measurement supports it"
    elif tokens >= np.floor(l_max):
        yield f"the budget is the largest allowed, {l_max:g} tokens; more may be better"
    elif tokens == 0:
        yield "thinking is not worth its time here"


def _of_load(fitted: FittedWorkload, tokens: FloatArray, worth: Worth) -> Iterator[str]:
    log, rho = fitted.arrivals, float(model.utilization(fitted.workload, tokens))
    if log is not None and not log.poisson:
        yield f"arrivals: {log.judgement}"
    if rho >= _BUSY:
        yield f"the utilization is {rho:.3f}: a little more load, and waits grow without bound"
    draws = len(worth.drawn)
    if worth.unstable:
        yield f"in {worth.unstable} of {draws} draws these budgets have no steady state"
    if worth.drawn.unstable:
        more = worth.drawn.unstable
        yield f"in {more} of {draws + more} draws no budgets at all are stable"


def _of_targets(targets: Targets, worth: Worth) -> Iterator[str]:
    draws = len(worth.drawn)
    if worth.infeasible:
        yield f"in {worth.infeasible} of {draws} draws no budgets meet the targets; they count in no interval"
    least = {f"min_accuracy of {name}": share for name, share in targets.min_accuracy.items()}
    for name, (count, reached) in worth.misses.items():
        if count > _OFTEN * draws:
            asked = (targets.limits | least)[name]
            side = "at least" if name in least else "at most"
            # as far on the other side of what was asked for as nine of ten draws are on this one
            surer = min(2 * asked - reached, 1.0) if name in least else asked**2 / reached
            yield (
                f"{name} of {asked:g} is missed in {count} of {draws} draws, for it is met just so by the "
                f"point estimates; in nine of ten it is {side} {reached:.4g}: ask for {surer:.3g} to be surer"
            )
