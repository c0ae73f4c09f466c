"""Measured accuracies and the curves fitted to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cvxtoken.fitting.task import TaskFit
from cvxtoken.picture import BLUE, GREEN, ORANGE, axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PLACES = 400  # of a curve


def fit(task: TaskFit, ax: Axes | None = None) -> Axes:
    """One task's accuracies, the curve with its band, and the lagged one if any (MissingExtraError)."""
    _, drawn = axes("budget (thinking tokens)", "accuracy (share of queries)", ax)
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
    drawn.set_title(f"{task.name}: {found.verdict}", fontsize=10)
    return drawn
