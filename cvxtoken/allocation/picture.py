"""The accuracy-delay frontier as a picture (extra `plot`)."""

from __future__ import annotations

from pathlib import Path

from cvxtoken.allocation.frontier import Frontier
from cvxtoken.allocation.reference import Reference
from cvxtoken.picture import BLUE, ORANGE, axes, save


def draw_frontier(frontier: Frontier, trade_off: Reference, path: Path) -> None:
    """Mean accuracy against mean system time, the workload's own trade-off marked, to a file.

    Raises:
        MissingExtraError: Matplotlib is not installed.
        ProblemError: the file cannot be written.
    """
    figure, drawn = axes("mean system time (s)", "mean accuracy")
    times = [point.mean_system_time for point in frontier.points]
    drawn.plot(times, [point.mean_accuracy for point in frontier.points], color=BLUE, marker=".")
    here = trade_off.mean_system_time, trade_off.mean_accuracy
    drawn.plot(*[[x] for x in here], "o", color=ORANGE, markersize=9)
    label = f"accuracy weight {frontier.workload.accuracy_weight:g} s"
    drawn.annotate(label, here, (10, -14), textcoords="offset points")
    save(figure, path)
