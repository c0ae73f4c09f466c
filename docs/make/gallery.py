"""Every picture that `cvxtoken plot` draws, as it draws it."""

from __future__ import annotations

from matplotlib.figure import Figure

import cvxtoken
from cvxtoken.plots.kinds import OF_FILE, OF_WORKLOAD

FIVE = cvxtoken.load("qwen3-8b")


def all_kinds() -> dict[str, Figure]:
    """Figures by the names that their files have in the docs."""
    drawn = {kind: draw(FIVE) for kind, draw in OF_WORKLOAD.items()}
    drawn |= {kind: draw(None) for kind, draw in OF_FILE.items()}
    return {f"plot-{kind}": axes.figure.figure for kind, axes in drawn.items()}
