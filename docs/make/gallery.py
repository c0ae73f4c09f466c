"""Every picture that `cvxtoken plot` draws, as it draws it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from matplotlib.figure import Figure

import cvxtoken
from cvxtoken.plots.kinds import OF_FILE, OF_WORKLOAD

FIVE = cvxtoken.load("qwen3-8b")


def of_workload() -> dict[str, Callable[[], Figure]]:
    """What draws each kind of a workload, by the names that the files have in the docs."""
    return {f"plot-{kind}": partial(_figure, draw, FIVE) for kind, draw in OF_WORKLOAD.items()}


def of_file() -> dict[str, Callable[[], Figure]]:
    """Likewise each kind of a neighbouring problem, here of its example."""
    return {f"plot-{kind}": partial(_figure, draw, None) for kind, draw in OF_FILE.items()}


def _figure(draw: Callable[[Any], Any], data: Any) -> Figure:
    return draw(data).figure.figure
