"""One type of task: the fits of its accuracy and service time, and what a workload stores of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cvxtoken.errors import ProblemError
from cvxtoken.fitting.accuracy import AccuracyFit, fit_points
from cvxtoken.fitting.points import points_of_rows
from cvxtoken.fitting.service import ServiceFit, fit_service
from cvxtoken.logs.columns import Columns

FLAT_GAIN = 1e-9  # A of a type whose accuracy does not rise; no budget above 0 is ever worth its time then
FLAT_CAP = 0.0  # its largest budget, in tokens
USED = 0.9  # share of the budget: where less is used on average, the judgement says so


@dataclass(frozen=True)
class TaskFit:
    """One type of task.

    Attributes:
        name: as in the table.
        rows: how many.
        accuracy, service: the fits.
        budget_use: mean of thinking_tokens over budget_tokens; None without thinking_tokens.
    """

    name: str
    rows: int
    accuracy: AccuracyFit
    service: ServiceFit
    budget_use: float | None

    @property
    def judgement(self) -> str:
        """What is worth knowing about the fits, in a sentence."""
        parts = [self.accuracy.judgement, self.service.judgement]
        if self.budget_use is not None and self.budget_use < USED:
            parts.append(
                f"only {100 * self.budget_use:.0f} % of the budget is used on average, so that a budget "
                "takes less time than the workload says"
            )
        return "; ".join(parts)


def stored(task: TaskFit, l_max: float) -> tuple[float, float, float, float]:
    """A, b, D and l_max of a task in a workload; a flat task has a tiny gain and no room for tokens."""
    fit = task.accuracy
    if fit.verdict == "flat":
        weights = fit.points.trials
        mean = float(np.average(fit.points.accuracy, weights=weights))
        return FLAT_GAIN, 1 / float(fit.points.budgets[-1]), min(mean, 1 - FLAT_GAIN), FLAT_CAP
    A = max(fit.accuracy_gain, FLAT_GAIN)
    return A, fit.saturation_rate, min(max(fit.base_accuracy, 0.0), 1 - A), l_max


def fit_task(name: str, found: Columns, rows: NDArray[np.intp], how: tuple[str, str, float]) -> TaskFit:
    """Both fits of one task; errors name the task."""
    budgets = found["budget_tokens"][rows]
    thinking = found["thinking_tokens"][rows] if "thinking_tokens" in found else None
    seconds = found["seconds"][rows]
    timed = np.isfinite(seconds)
    if not timed.any():
        raise ProblemError(f"task {name!r} has no seconds; without times its service cannot be told")
    questions = found["question"].codes[rows] if "question" in found else None
    tokens = budgets if thinking is None else thinking
    try:
        accuracy = fit_points(points_of_rows(budgets, found["correct"][rows], questions), *how)
        service = fit_service(tokens[timed], seconds[timed])
    except ProblemError as error:
        raise ProblemError(f"task {name!r}: {error}") from error
    asked = budgets > 0
    use = None if thinking is None or not asked.any() else float(np.mean(thinking[asked] / budgets[asked]))
    return TaskFit(name, len(rows), accuracy, service, use)
