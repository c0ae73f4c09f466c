"""The memory over time as a picture (extra `plot`)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cvxtoken.picture import BLUE, ORANGE, axes, save
from cvxtoken.scheduling.comparison import Comparison
from cvxtoken.scheduling.schedule import memory_at


def draw_memory(comparison: Comparison, path: Path) -> None:
    """Memory held under the first policy and in the best schedule known, with the limit, to a file.

    Raises:
        MissingExtraError: Matplotlib is not installed.
        ProblemError: the file cannot be written.
    """
    known = comparison.reference
    figure, drawn = axes("time (rounds)", "memory held (tokens)")
    name, run = next(iter(comparison.runs.items()))
    drawn.plot(*run.profile.T, color=ORANGE, linewidth=1, label=name)
    ends = known.starts + known.requests.output_tokens
    # what is held is linear between the first rounds and the last rounds of what starts and ends
    times = np.unique(np.concatenate([known.starts, known.starts + 1, ends, ends + 1]))
    times = times[times <= ends.max()]
    held = memory_at(known.requests, known.starts, times)
    drawn.plot(times, held, color=BLUE, linewidth=1, label="best schedule known")
    drawn.axhline(known.requests.memory, color="#555555", linestyle="--", linewidth=1)
    drawn.set_ylim(bottom=0)
    drawn.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    save(figure, path)
