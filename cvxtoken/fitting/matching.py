"""Tasks that only the evaluation's rows have, or only the log of arrivals."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxtoken.errors import ProblemError
from cvxtoken.fitting.arrivals import ArrivalFit, fit_arrivals


def fit_matched(
    origin: str, timestamps: Sequence[Any], tasks: NDArray[Any], measured: Collection[str], drop: bool
) -> tuple[ArrivalFit, list[str], list[str]]:
    """The log's fit, the tasks that it shares with the rows, and what was left out, in words.

    Args:
        origin: of the log, for messages.
        timestamps: of each arrival.
        tasks: of each arrival.
        measured: the tasks that have rows.
        drop: whether rows and arrivals of tasks that only one side has are left out; the latter then do not
            count in the rate.

    Raises:
        ProblemError: a task has rows or arrivals alone and none is to be left out; no task has both; or the
            log is bad.
    """
    logged = dict.fromkeys(tasks.tolist())
    unknown = [name for name in logged if name not in measured]
    silent = [name for name in measured if name not in logged]
    hint = "--drop-unmatched (drop_unmatched=True) leaves such tasks out"
    if silent and not drop:
        raise ProblemError(f"task {silent[0]!r} has no arrivals; the log has {', '.join(logged)}; {hint}")
    if unknown and not drop:
        raise ProblemError(
            f"{origin}: arrivals of task {unknown[0]!r}, which has no rows; "
            f"the table has {', '.join(measured)}; {hint}"
        )
    kept = ~np.isin(tasks, unknown)
    if not kept.any():
        raise ProblemError(
            f"{origin}: no task has both rows and arrivals; the log has {', '.join(logged)}, "
            f"the table {', '.join(measured)}"
        )
    times = timestamps if kept.all() else [timestamps[row] for row in np.flatnonzero(kept).tolist()]
    try:
        log = fit_arrivals(times, tasks[kept])
    except ProblemError as error:
        raise ProblemError(f"{origin}: {error}") from error
    dropped = []
    if unknown:
        dropped.append(f"left out {(~kept).sum()} of {len(kept)} arrivals: no rows of {', '.join(unknown)}")
    if silent:
        dropped.append(f"left out the rows of {', '.join(silent)}: no arrivals")
    return log, [name for name in measured if name in logged], dropped
