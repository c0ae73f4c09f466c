"""What pictures share (extra `plot`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cvxtoken.errors import MissingExtraError, ProblemError

BLUE, ORANGE, GREEN = "#0072b2", "#d55e00", "#009e73"  # told apart by all eyes


def axes(x: str, y: str) -> tuple[Any, Any]:
    """A figure and its axes with labels (MissingExtraError where Matplotlib is not installed)."""
    figure, drawn = panels(1, x, y)
    return figure, drawn[0]


def panels(count: int, x: str, y: str) -> tuple[Any, list[Any]]:
    """A figure and so many axes, alike (MissingExtraError where Matplotlib is not installed)."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("a plot needs Matplotlib: pip install 'cvxtoken[plot]'") from error

    across = min(count, 3)
    down = -(-count // across)
    size = (7, 4.5) if count == 1 else (3.6 * across, 2.8 * down)
    figure = Figure(figsize=size, layout="constrained")
    drawn = [figure.add_subplot(down, across, number) for number in range(1, count + 1)]
    for panel in drawn:
        panel.set_xlabel(x)
        panel.set_ylabel(y)
        panel.grid(color="#e5e5e5")
        for side in ("top", "right"):
            panel.spines[side].set_visible(False)
    return figure, drawn


def save(figure: Any, path: Path) -> None:
    """Write a figure (ProblemError where the file cannot be written)."""
    try:
        figure.savefig(path)
    except (OSError, ValueError) as error:
        raise ProblemError(f"{path}: cannot be written: {error}") from error
