"""Measured accuracies and the curves fitted to them; advised budgets with their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from cvxtoken.arrays import FloatArray
from cvxtoken.fitting.task import TaskFit
from cvxtoken.picture import BLUE, GREEN, ORANGE, axes, legend, title, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PLACES = 400  # of a curve


def fit(task: TaskFit, ax: Axes | None = None) -> Axes:
    """One task's accuracies, the curve with its band, and the lagged one if any (MissingExtraError)."""
    _, drawn = axes("budget l (thinking tokens)", "accuracy p(l) (share of queries)", ax)
    found = task.accuracy
    l = np.linspace(0, found.points.budgets[-1], _PLACES)
    low, high = found.band(l)
    drawn.fill_between(
        l, low, high, color=BLUE, alpha=0.2, linewidth=0, label=f"{100 * found.confidence:g} % band"
    )
    drawn.plot(l, found.curve(l), color=BLUE, label="fitted")
    if found.lagged is not None:
        drawn.plot(l, found.lagged(l), color=GREEN, linestyle="--", label="with a lag")
    drawn.plot(found.points.budgets, found.points.accuracy, "o", color=ORANGE, markersize=5, label="measured")
    drawn.legend(frameon=False, fontsize=8)
    title(drawn, f"{words(task.name)}: {found.verdict}")
    return drawn


def advised(
    budgets: Mapping[str, float],
    intervals: FloatArray,
    confidence: float,
    point: Sequence[float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Budgets by task, each with its interval (MissingExtraError).

    Args:
        budgets: in tokens.
        intervals: of the best budgets, shape (2, N).
        confidence: of these.
        point: the best budgets for the point estimates, shape (N,), where these are others.
        ax: the axes to draw in.
    """
    _, drawn = axes("budget l (thinking tokens)", "", ax)
    places = np.arange(len(budgets))
    low, high = intervals
    drawn.hlines(
        places, low, high, color=BLUE, linewidth=5, alpha=0.35, label=f"{100 * confidence:g} % interval"
    )
    drawn.plot(list(budgets.values()), places, "o", color=BLUE, markersize=8, label="advised")
    if point is not None:
        drawn.plot(point, places, "D", color=ORANGE, markersize=6, label="by the point estimates")
    drawn.set_yticks(places, [words(name) for name in budgets])
    drawn.set_ylim(len(budgets) - 0.4, -0.6)
    drawn.set_xlim(left=0)
    legend(drawn, "Advised budgets, and what may truly be the best")
    return drawn
