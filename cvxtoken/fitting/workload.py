"""From an evaluation's rows and an arrival log to a workload."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from cvxtoken.errors import ProblemError
from cvxtoken.fitting.arrivals import ArrivalFit, fit_arrivals
from cvxtoken.fitting.fitted import FittedWorkload
from cvxtoken.fitting.rows import LOG, ROWS, matched, read_log, read_rows
from cvxtoken.fitting.task import fit_task
from cvxtoken.logs.columns import Hints, Labels, Table
from cvxtoken.logs.reading import Reading


def fit_workload(
    table: Table,
    arrivals: Table | None = None,
    *,
    arrival_rate: float | None = None,
    accuracy_weight: float = 30.0,
    max_tokens: float | None = None,
    columns: Mapping[str, str] | None = None,
    arrivals_columns: Mapping[str, str] | None = None,
    task: str | None = None,
    hints: Hints | None = None,
    method: str = "likelihood",
    intervals: str = "profile",
    confidence: float = 0.9,
    random_service: bool = False,
) -> FittedWorkload:
    """Fit a workload to an evaluation's rows and an arrival log.

    Args:
        table: a file (CSV and its kin, JSON, JSON lines or Parquet, plain or compressed), columns by name, or
            a pandas or Polars frame, one row for each answer: task, budget_tokens, correct (right or wrong,
            or a score from 0 to 1), seconds (may be missing in rows), and optionally thinking_tokens
            (without it, budgets are taken to be used up), question (answers to one question are not
            independent) and answers (how many a row of mean accuracy and mean seconds stands for). Columns
            are also found by the names of known tools (`cvxtoken.logs.aliases`).
        arrivals: likewise, a log of arrivals: timestamp (seconds or dates) and task.
        arrival_rate: lambda, in 1/s, in place of the log's or without a log; then priors are equal.
        accuracy_weight: alpha, in s per unit of accuracy; it is chosen, not measured.
        max_tokens: l_max, in place of the largest budget measured of each task.
        columns: what the table calls a column, by the names above; the log too where it has such a column.
        arrivals_columns: what the log calls a column.
        task: that of all rows, of a table without a column for it.
        hints: what is told of the files where it is doubtful: units, order of dates, rows to leave out.
        method: see `fit_accuracy`.
        intervals: likewise.
        confidence: likewise.
        random_service: let service times vary in the workload by the scatter measured (`deviation` and
            `deviation_per_token`); otherwise they are certain, and `delay` says what that leaves out.

    Raises:
        ProblemError: the data are bad (the message names the file, the line and the rule) or doubtful (it
            says which option answers), or a task has no times or no arrivals.
    """
    told, log_told, hints = dict(columns or {}), dict(arrivals_columns or {}), hints or Hints()
    for option, names, known in (("columns", told, ROWS | LOG), ("arrivals_columns", log_told, LOG)):
        for name in names:
            if name not in known:
                raise ProblemError(f"{option} holds {name!r}; it must be one of {', '.join(known)}")
    found, reading = read_rows(table, {name: told[name] for name in told if name in ROWS}, task, hints)
    log: ArrivalFit | None = None
    readings: tuple[Reading, ...] = (reading,)
    if arrivals is not None:
        log_told = {name: told[name] for name in told if name not in ROWS} | log_told
        only = found["task"].names[0] if len(found["task"].names) == 1 else None
        entries = read_log(arrivals, log_told, told, only, hints)
        found, reading, entries = matched(found, reading, entries, "tasks" in hints.drop)
        try:
            log = fit_arrivals(entries.seconds, entries.tasks.texts)
        except ProblemError as error:
            raise ProblemError(f"{entries.reading.origin}: {error}") from error
        readings = (reading, entries.reading)
    names = found["task"].names
    prior = _priors(names, log)
    tasks = tuple(
        fit_task(name, found, rows, (method, intervals, confidence))
        for name, rows in zip(names, _groups(found["task"]), strict=True)
    )
    tops = tuple(float(t.accuracy.points.budgets[-1]) if max_tokens is None else max_tokens for t in tasks)
    fitted = FittedWorkload(
        tasks=tasks,
        arrivals=log,
        arrival_rate=arrival_rate if arrival_rate is not None or log is None else log.rate,
        prior=prior,
        accuracy_weight=accuracy_weight,
        max_tokens=tops,
        provenance=_provenance(readings, len(found["task"]), log, arrival_rate, method),
        random_service=random_service,
        readings=readings,
    )
    if fitted.arrival_rate is not None:
        _ = fitted.workload  # given values are checked now
    return fitted


def _groups(tasks: Labels) -> list[NDArray[np.intp]]:
    """Rows of each task."""
    order = np.argsort(tasks.codes, kind="stable")
    return np.split(order, np.cumsum(np.bincount(tasks.codes))[:-1])


def _priors(names: list[str], log: ArrivalFit | None) -> tuple[float, ...]:
    """Shares of the log by task; equal ones without a log."""
    if log is None:
        return (1 / len(names),) * len(names)
    shares = dict(zip(log.names, log.prior, strict=True))
    return tuple(shares[name] for name in names)


def _provenance(
    readings: tuple[Reading, ...], rows: int, log: ArrivalFit | None, rate: float | None, method: str
) -> str:
    now = datetime.now(UTC).date().isoformat()
    parts = [f"fitted on {now} by cvxtoken ({method}) to {rows} rows of {readings[0].source}"]
    if log is not None:
        what = "priors and rate" if rate is None else "priors"
        parts.append(f"{what} of {sum(log.counts)} arrivals of {readings[1].source}")
    else:
        parts.append("equal priors, by assumption")
    if rate is not None:
        parts.append(f"arrival rate {rate:g} /s as given")
    return "; ".join([*parts, "accuracy weight as chosen"])
