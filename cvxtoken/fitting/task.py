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
USED = 0.95  # share of the budget: where less is used on average, seconds are fitted against the budget
AGAINST = ("auto", "budget", "tokens")


@dataclass(frozen=True)
class TaskFit:
    """One type of task.

    Attributes:
        name: as in the table.
        rows: how many.
        accuracy, service: the fits.
        budget_use: mean of thinking_tokens over budget_tokens; None without thinking_tokens.
        against: what the seconds are fitted against, 'budget' or 'tokens' (used).
    """

    name: str
    rows: int
    accuracy: AccuracyFit
    service: ServiceFit
    budget_use: float | None
    against: str

    @property
    def varies(self) -> bool:
        """Whether a budget is used by chance: its time then varies in any workload made of this."""
        return self.budget_use is not None and self.against == "budget"

    @property
    def judgement(self) -> str:
        """What is worth knowing about the fits, in a sentence."""
        return "; ".join(filter(None, [self.accuracy.judgement, self.service.judgement, self.use]))

    @property
    def use(self) -> str:
        """What of a budget is used, and what follows; empty where that is not known."""
        if self.budget_use is None:
            return ""
        told = f"{100 * self.budget_use:.0f} % of the budget is used on average"
        if self.against == "budget":
            return f"{told}: seconds are fitted against the budget"
        if self.budget_use < USED:
            return f"only {told}: seconds against tokens say that a budget takes longer than it does"
        return f"{told}: seconds are fitted against the tokens used"


def stored(task: TaskFit, l_max: float) -> tuple[float, float, float, float]:
    """A, b, D and l_max of a task in a workload; a flat task has a tiny gain and no room for tokens."""
    fit = task.accuracy
    if fit.verdict == "flat":
        weights = fit.points.trials
        mean = float(np.average(fit.points.accuracy, weights=weights))
        return FLAT_GAIN, 1 / float(fit.points.budgets[-1]), min(mean, 1 - FLAT_GAIN), FLAT_CAP
    A = max(fit.accuracy_gain, FLAT_GAIN)
    return A, fit.saturation_rate, min(max(fit.base_accuracy, 0.0), 1 - A), l_max


def fit_task(
    name: str, found: Columns, rows: NDArray[np.intp], how: tuple[str, str, float], against: str = "auto"
) -> TaskFit:
    """Both fits of one task; errors name the task.

    Accuracy is always fitted against the budget, which is what is chosen. So seconds must be too, unless a
    budget is as good as used up ('auto'): the time that a budget takes is the mean over requests that use
    all of it and those that end before.
    """
    budgets = found["budget_tokens"][rows]
    thinking = found["thinking_tokens"][rows] if "thinking_tokens" in found else None
    seconds = found["seconds"][rows]
    timed = np.isfinite(seconds)
    if not timed.any():
        raise ProblemError(f"task {name!r} has no seconds; without times its service cannot be told")
    questions = found["question"].codes[rows] if "question" in found else None
    asked = budgets > 0
    use = None if thinking is None or not asked.any() else float(np.mean(thinking[asked] / budgets[asked]))
    if against == "auto":
        against = "budget" if thinking is None or (use is not None and use < USED) else "tokens"
    if against == "tokens" and thinking is None:
        raise ProblemError("service_against is 'tokens'; the table has no thinking_tokens")
    tokens = budgets if thinking is None or against == "budget" else thinking
    try:
        accuracy = fit_points(points_of_rows(budgets, found["correct"][rows], questions), *how)
        used_up = against == "tokens" or use is None or use >= USED
        service = fit_service(tokens[timed], seconds[timed], used_up)
    except ProblemError as error:
        raise ProblemError(f"task {name!r}: {error}") from error
    return TaskFit(name, len(rows), accuracy, service, use, against)
