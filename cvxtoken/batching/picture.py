"""Delay against batch size as a picture (extra `plot`)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from cvxtoken.batching.reference import BatchingReference
from cvxtoken.picture import BLUE, GREEN, ORANGE, axes, save


def draw_curves(references: Iterable[BatchingReference], path: Path) -> None:
    """Mean system time against batch size, the best sizes marked, to a file.

    Raises:
        MissingExtraError: Matplotlib is not installed.
        ProblemError: the file cannot be written.
    """
    figure, drawn = axes("batch size (at most; fixed: exactly)", "mean system time (s)")
    shown = list(references)
    for reference, colour, marker in zip(shown, (BLUE, ORANGE, GREEN), "os^", strict=False):
        stable = [(b, value) for b, value in reference.curve if np.isfinite(value)]
        drawn.plot(
            *zip(*stable, strict=True), color=colour, marker=marker, markersize=3, label=reference.discipline
        )
        drawn.plot(
            [reference.best_batch], [reference.delays.mean_system_time], marker, color=colour, markersize=10
        )
    # sizes that barely keep up would hide all others
    drawn.set_ylim(0, 4 * max((reference.delays.mean_system_time for reference in shown), default=1.0))
    drawn.legend(frameon=False)
    save(figure, path)
