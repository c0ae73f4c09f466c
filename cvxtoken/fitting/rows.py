"""The rows of an evaluation and the entries of an arrival log, read from tables and made to match."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxtoken.errors import ProblemError
from cvxtoken.files import nearest
from cvxtoken.logs.columns import Column, Columns, Hints, Labels, Table, Times
from cvxtoken.logs.reading import Reading
from cvxtoken.logs.units import check_pace

_ONE_TASK = ", or by --task NAME where all rows are of one (task)"
ROWS = {
    "task": Column("label", otherwise=_ONE_TASK),
    "budget_tokens": Column("tokens"),
    "thinking_tokens": Column("tokens", required=False),
    "correct": Column("score"),
    "seconds": Column("seconds", gaps=True),
    "question": Column("label", required=False),
    "answers": Column("tokens", required=False, least=1, whole=True),
}
LOG = {"timestamp": Column("time"), "task": Column("label", required=False)}
_STATUS = {"status": Column("status", required=False)}
_MOST_ANSWERS = 100_000_000


@dataclass(frozen=True, eq=False)
class Log:
    """An arrival log: times in order, and the task of each, shape (arrivals,)."""

    times: Times
    tasks: Labels
    reading: Reading


def read_rows(
    table: Table, columns: Mapping[str, str], task: str | None, hints: Hints
) -> tuple[Columns, Reading]:
    """The rows of an evaluation, one for each answer.

    Aggregated rows, which have a column of answers, become as many rows, each with the mean score and time.

    Args:
        table: see `fit_workload`.
        columns: what it calls a column.
        task: that of all rows, of a table that names none.
        hints: what is told of it.

    Raises:
        ProblemError: see `cvxtoken.logs.read.read`; or the seconds seem to be none.
    """
    from cvxtoken.logs.read import read  # Polars, beneath it, is slow to import

    wanted = ROWS | _STATUS
    if task is not None:
        wanted["task"] = Column("label", required=False)
    found, reading, _ = read(table, wanted, columns, hints)
    if task is not None:
        if "task" in found:
            raise ProblemError(
                f"{reading.origin}: --task (task) is given, and the table has a column for it; rows of "
                f"one task are "
                "chosen by --where (Hints.where)"
            )
        found["task"] = Labels([task], np.zeros(reading.rows, dtype=np.int64))
        reading = reading.noting(f"all of task {task!r}, as told")
    if "seconds" not in hints.units:
        used = "thinking_tokens" in found
        tokens = found["thinking_tokens" if used else "budget_tokens"]
        theirs = next(one.theirs for one in reading.columns if one.ours == "seconds")
        check_pace(found["seconds"], tokens, f"{reading.origin}: {theirs!r}", "seconds", used)
    if "answers" not in found:
        return found, reading
    return _spread(found, reading)


def _spread(found: Columns, reading: Reading) -> tuple[Columns, Reading]:
    """Each row as many times as it has answers (ProblemError: there are too many)."""
    times = found.pop("answers").astype(np.int64)
    total = int(times.sum())
    if total > _MOST_ANSWERS:
        raise ProblemError(
            f"{reading.origin}: there are {total} answers; there must be at most {_MOST_ANSWERS}"
        )
    each = np.repeat(np.arange(len(times)), times)
    rows = {
        name: Labels(column.names, column.codes[each]) if isinstance(column, Labels) else column[each]
        for name, column in found.items()
    }
    return rows, reading.noting(
        f"{len(times)} rows stand for {total} answers, so that times scatter more than these means"
    )


def read_log(
    arrivals: Table, columns: Mapping[str, str], perhaps: Mapping[str, str], task: str | None, hints: Hints
) -> Log:
    """An arrival log.

    Args:
        arrivals: see `fit_workload`.
        columns: what it calls a column.
        perhaps: what the evaluation calls one.
        task: that of all arrivals, where it names none: the only task of the evaluation, if it has one.
        hints: what is told of it; `where` is of the evaluation.

    Raises:
        ProblemError: see `cvxtoken.logs.read.read`; or it has no column for the task.
    """
    from cvxtoken.logs.read import read  # Polars, beneath it, is slow to import

    own = Hints(hints.units, {}, hints.drop, hints.dates, hints.zone, hints.decimal)
    wanted = LOG if task is not None else LOG | {"task": Column("label")}
    found, reading, _ = read(arrivals, wanted, columns, own, perhaps, "--arrivals-column")
    if "task" not in found:
        found["task"] = Labels([str(task)], np.zeros(reading.rows, dtype=np.int64))
        reading = reading.noting(f"all of task {task!r}, the only one")
    return Log(found["timestamp"], found["task"], reading)


def matched(found: Columns, reading: Reading, log: Log, drop: bool) -> tuple[Columns, Reading, Log]:
    """The tables without the tasks that only one has, if these are to be dropped (ProblemError if not)."""
    ours, theirs = found["task"], log.tasks
    alone, strange = (
        [n for n in a if n not in b] for a, b in ((ours.names, theirs.names), (theirs.names, ours.names))
    )
    if not drop:
        hint = "; --drop tasks leaves such tasks out (Hints.drop)"
        if alone:
            raise ProblemError(
                f"{log.reading.origin}: task {alone[0]!r} has no arrivals{nearest(alone[0], strange)}; "
                f"the log has {_few(theirs.names)}{hint}"
            )
        if strange:
            raise ProblemError(
                f"{log.reading.origin}: arrivals of task {strange[0]!r}, which has no rows; the table has "
                f"{_few(ours.names)}{hint}"
            )
        return found, reading, log
    both = [name for name in ours.names if name in theirs.names]
    if not both:
        raise ProblemError(
            f"{reading.origin} and {log.reading.origin} have no task in common: {_few(ours.names)}, and "
            f"{_few(theirs.names)}"
        )
    rows, arrivals = (np.isin(labels.texts, both) for labels in (ours, theirs))
    if alone:
        note = f"{int((~rows).sum())} rows of {_few(alone)}, without arrivals, left out"
        reading, found = reading.noting(note), {name: _some(column, rows) for name, column in found.items()}
    if strange:
        note = f"{int((~arrivals).sum())} arrivals of {_few(strange)}, without rows, left out of the rate"
        times = Times(log.times.seconds[arrivals], log.times.start)
        log = Log(times, _some(theirs, arrivals), log.reading.noting(note))
    return found, reading, log


def _few(names: list[str]) -> str:
    return ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")


def _some(column: Any, rows: np.ndarray) -> Any:
    """The values of some rows; of labels without those that no row has."""
    if not isinstance(column, Labels):
        return column[rows]
    codes = column.codes[rows]
    there = np.unique(codes)
    return Labels([column.names[code] for code in there], np.searchsorted(there, codes))
