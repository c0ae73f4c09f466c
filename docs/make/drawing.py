"""What the docs' own figures share."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from cvxtoken.picture import GRID

STYLE = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": GRID,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.titlesize": 10,
    "font.size": 10,
}


def panels(count: int = 1, width: float = 7.0, height: float = 3.6) -> tuple[Figure, list[Any]]:
    """A figure with so many axes side by side."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, list(np.atleast_1d(figure.subplots(1, count)))
