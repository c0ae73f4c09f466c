"""The utility-delay frontier as a picture (extra `plot`)."""

from __future__ import annotations

from pathlib import Path

from cvxtoken.clipping.result import ClippingReference
from cvxtoken.picture import BLUE, ORANGE, axes, save


def draw_frontier(reference: ClippingReference, path: Path) -> None:
    """Mean utility against mean wait over the limits, the best one marked, to a file.

    Raises:
        MissingExtraError: Matplotlib is not installed.
        ProblemError: the file cannot be written.
    """
    whose = " of who is served" if reference.loss is not None else ""
    figure, drawn = axes(f"mean wait in queue{whose} (s)", "mean utility")
    rows = [row for row in reference.frontier if row["stable"]]
    drawn.plot([row["mean_wait"] for row in rows], [row["utility"] for row in rows], color=BLUE, marker=".")
    drawn.plot([reference.mean_wait], [reference.utility], "o", color=ORANGE, markersize=9)
    label = f"best: {', '.join(map(str, reference.limits))} tokens"
    drawn.annotate(label, (reference.mean_wait, reference.utility), (10, -14), textcoords="offset points")
    save(figure, path)
