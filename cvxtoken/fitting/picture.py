"""Points, fitted curves and their bands as a picture (extra `plot`)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cvxtoken.fitting.task import TaskFit
from cvxtoken.picture import BLUE, GREEN, ORANGE, panels, save

_PLACES = 400


def draw_fits(tasks: tuple[TaskFit, ...], path: Path) -> None:
    """A panel a task: measured accuracies, the curve with its band, and the lagged one where there is a lag.

    Raises:
        MissingExtraError: Matplotlib is not installed.
        ProblemError: the file cannot be written.
    """
    figure, drawn = panels(len(tasks), "thinking tokens", "accuracy")
    for task, panel in zip(tasks, drawn, strict=True):
        fit = task.accuracy
        l = np.linspace(0, fit.points.budgets[-1], _PLACES)
        low, high = fit.band(l)
        panel.fill_between(l, low, high, color=BLUE, alpha=0.2, linewidth=0)
        panel.plot(l, fit.curve(l), color=BLUE)
        if fit.lagged is not None:
            panel.plot(l, fit.lagged(l), color=GREEN, linestyle="--")
        panel.plot(fit.points.budgets, fit.points.accuracy, "o", color=ORANGE, markersize=5)
        panel.set_title(f"{task.name}: {fit.verdict}", fontsize=10)
    save(figure, path)
