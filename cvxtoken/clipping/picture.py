"""The utility-delay frontier as a picture (extra `plot`)."""

from __future__ import annotations

from pathlib import Path

from cvxtoken.clipping.result import ClippingReference
from cvxtoken.errors import MissingExtraError, ProblemError


def draw_frontier(reference: ClippingReference, path: Path) -> None:
    """Mean wait against utility over the limits, the best one marked, to a file.

    Raises:
        MissingExtraError: Matplotlib is not installed.
        ProblemError: the file cannot be written.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("a plot needs Matplotlib: pip install 'cvxtoken[plot]'") from error

    rows = [row for row in reference.frontier if row["stable"]]
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(
        [row["mean_wait"] for row in rows], [row["utility"] for row in rows], color="#0072b2", marker="."
    )
    axes.plot([reference.mean_wait], [reference.utility], "o", color="#d55e00", markersize=9)
    label = f"best: {', '.join(map(str, reference.limits))} tokens"
    axes.annotate(label, (reference.mean_wait, reference.utility), (10, -14), textcoords="offset points")
    axes.set_xlabel("mean wait in queue (s)" + (" of who is served" if reference.loss is not None else ""))
    axes.set_ylabel("mean utility")
    axes.grid(color="#e5e5e5")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    try:
        figure.savefig(path)
    except (OSError, ValueError) as error:
        raise ProblemError(f"{path}: cannot be written: {error}") from error
