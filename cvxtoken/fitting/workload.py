"""From an evaluation's rows and an arrival log to a workload."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxtoken.errors import ProblemError
from cvxtoken.fitting.arrivals import ArrivalFit
from cvxtoken.fitting.columns import Labels
from cvxtoken.fitting.fitted import FittedWorkload
from cvxtoken.fitting.matching import fit_matched
from cvxtoken.fitting.table import Column, Table, read_table, sha256_of
from cvxtoken.fitting.task import fit_task

ROWS = {
    "task": Column("label"),
    "budget_tokens": Column("number"),
    "thinking_tokens": Column("number", required=False),
    "correct": Column("flag"),
    "seconds": Column("gap"),
    "question": Column("label", required=False),
}
LOG = {"timestamp": Column("text"), "task": Column("label")}


def fit_workload(
    table: Table,
    arrivals: Table | None = None,
    *,
    arrival_rate: float | None = None,
    accuracy_weight: float = 30.0,
    max_tokens: float | None = None,
    busy_hour: bool = False,
    drop_unmatched: bool = False,
    columns: Mapping[str, str] | None = None,
    arrivals_columns: Mapping[str, str] | None = None,
    method: str = "likelihood",
    intervals: str = "profile",
    confidence: float = 0.9,
    random_service: bool = False,
) -> FittedWorkload:
    """Fit a workload to an evaluation's rows and an arrival log.

    Args:
        table: a .csv or .parquet file, or columns by name, one row for each answer: task, budget_tokens,
            correct, seconds (may be missing in rows), and optionally thinking_tokens (without it, budgets are
            taken to be used up) and question (answers to one question are not independent).
        arrivals: likewise, a log of arrivals: timestamp (in order; seconds or dates) and task.
        arrival_rate: lambda, in 1/s, in place of the log's or without a log; then priors are equal.
        accuracy_weight: alpha, in s per unit of accuracy; it is chosen, not measured.
        max_tokens: l_max, in place of the largest budget measured of each task.
        busy_hour: take rate and priors of the log's busy hour (`ArrivalFit.busy`), not of all of it.
        drop_unmatched: leave out tasks that only the table or only the log has, rows and arrivals; the
            provenance says which. Arrivals left out do not count in the rate.
        columns: what the files call a column, by the names above.
        arrivals_columns: the same for the log alone.
        method: see `fit_accuracy`.
        intervals: likewise.
        confidence: likewise.
        random_service: let service times vary in the workload by the scatter measured (`deviation` and
            `deviation_per_token`); otherwise they are certain, and `delay` says what that leaves out.

    Raises:
        ProblemError: the data are bad (the message names the file, the line and the rule), or a task has no
            times or no arrivals, or arrivals of a task have no rows, or there is no busy hour.
        MissingExtraError: a file is Parquet, and pyarrow is not installed.
    """
    mapping, own = dict(columns or {}), dict(arrivals_columns or {})
    for field, given, known in (("columns", mapping, {**ROWS, **LOG}), ("arrivals_columns", own, LOG)):
        for name in given:
            if name not in known:
                raise ProblemError(f"{field} holds {name!r}; it must be one of {', '.join(known)}")
    for field, told in (("busy_hour", busy_hour), ("arrivals_columns", own)):
        if told and arrivals is None:
            raise ProblemError(f"{field} needs an arrival log")
    found = read_table(table, ROWS, {name: mapping[name] for name in ROWS if name in mapping})
    groups = dict(zip(found["task"].names, _groups(found["task"]), strict=True))
    log, names = None, list(groups)
    notes: list[str] = []
    if arrivals is not None:
        entries = read_table(arrivals, LOG, {name: mapping[name] for name in LOG if name in mapping} | own)
        log, names, notes = fit_matched(
            _origin(arrivals), entries["timestamp"], _labels(entries["task"]), groups, drop_unmatched
        )
        if busy_hour:
            log = log.at_busy_hour()
            notes.append(f"the log's busy hour alone ({log.busy.text})" if log.busy else "")
    prior = _priors(names, log)
    tasks = tuple(fit_task(name, found, groups[name], (method, intervals, confidence)) for name in names)
    rows = sum(task.rows for task in tasks)
    tops = tuple(float(t.accuracy.points.budgets[-1]) if max_tokens is None else max_tokens for t in tasks)
    fitted = FittedWorkload(
        tasks=tasks,
        arrivals=log,
        arrival_rate=arrival_rate if arrival_rate is not None or log is None else log.rate,
        prior=prior,
        accuracy_weight=accuracy_weight,
        max_tokens=tops,
        provenance="; ".join([_provenance(table, rows, arrivals, log, arrival_rate, method), *notes]),
        random_service=random_service,
    )
    if fitted.arrival_rate is not None:
        _ = fitted.workload  # given values are checked now
    return fitted


def _groups(tasks: Labels) -> list[NDArray[np.intp]]:
    """Rows of each task."""
    order = np.argsort(tasks.codes, kind="stable")
    return np.split(order, np.cumsum(np.bincount(tasks.codes))[:-1])


def _labels(tasks: Labels) -> NDArray[Any]:
    return np.array(tasks.names, dtype=object)[tasks.codes]


def _priors(names: list[str], log: ArrivalFit | None) -> tuple[float, ...]:
    """Shares of the log by task; equal ones without a log."""
    if log is None:
        return (1 / len(names),) * len(names)
    shares = dict(zip(log.names, log.prior, strict=True))
    return tuple(shares[name] for name in names)


def _provenance(
    table: Table, rows: int, arrivals: Table | None, log: ArrivalFit | None, rate: float | None, method: str
) -> str:
    now = datetime.now(UTC).date().isoformat()
    parts = [f"fitted on {now} by cvxtoken ({method}) to {rows} rows of {_origin(table)}"]
    if log is not None and arrivals is not None:
        what = "priors and rate" if rate is None else "priors"
        parts.append(f"{what} of {sum(log.counts)} arrivals of {_origin(arrivals)}")
    else:
        parts.append("equal priors, by assumption")
    if rate is not None:
        parts.append(f"arrival rate {rate:g} /s as given")
    return "; ".join([*parts, "accuracy weight as chosen"])


def _origin(table: Table) -> str:
    """A file's name and SHA-256."""
    if not isinstance(table, str | Path):
        return "a table in memory"
    return f"{Path(table).name} (SHA-256 {sha256_of(table)[:16]})"
