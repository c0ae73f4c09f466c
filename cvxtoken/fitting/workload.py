"""From an evaluation's rows and an arrival log to a workload."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from cvxtoken.allocation.problem import FIFO
from cvxtoken.delay import Server
from cvxtoken.errors import ProblemError
from cvxtoken.files import nearest
from cvxtoken.fitting.arrivals import ArrivalFit, fit_arrivals
from cvxtoken.fitting.fitted import FittedWorkload
from cvxtoken.fitting.rows import LOG, ROWS, matched, read_log, read_rows
from cvxtoken.fitting.task import AGAINST, fit_task
from cvxtoken.logs.columns import Hints, Labels, Table
from cvxtoken.logs.reading import Reading


def fit_workload(
    table: Table,
    arrivals: Table | None = None,
    *,
    arrival_rate: float | None = None,
    accuracy_weight: float = 30.0,
    max_tokens: float | None = None,
    busy_hour: bool = False,
    columns: Mapping[str, str] | None = None,
    arrivals_columns: Mapping[str, str] | None = None,
    task: str | None = None,
    hints: Hints | None = None,
    method: str = "likelihood",
    intervals: str = "profile",
    confidence: float = 0.9,
    random_service: bool = False,
    service_against: str = "auto",
    server: Server = FIFO,
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
        busy_hour: take rate and priors of the log's busy hour (`ArrivalFit.busy`), not of all of it.
        columns: what the table calls a column, by the names above; the log too where it has such a column.
        arrivals_columns: what the log calls a column.
        task: that of all rows, of a table without a column for it.
        hints: what is told of the files where it is doubtful: units, order of dates, rows to leave out.
        method: see `fit_accuracy`.
        intervals: likewise.
        confidence: likewise.
        random_service: let service times vary in the workload by the scatter measured (`deviation` and
            `deviation_per_token`); otherwise they are certain, but for tasks that do not use up their
            budgets, and `delay` says what that leaves out.
        service_against: what seconds are fitted against: 'budget', 'tokens' (used), or 'auto', the budget
            where less than 95 % of it is used on average.
        server: the delay law of the workload.

    Raises:
        ProblemError: the data are bad (the message names the file, the line and the rule) or doubtful (it
            says which option answers), or a task has no times or no arrivals, or there is no busy hour.
    """
    if service_against not in AGAINST:
        hint = nearest(service_against, AGAINST)
        raise ProblemError(
            f"service_against is {service_against!r}; it must be one of {', '.join(AGAINST)}{hint}"
        )
    told, log_told, hints = dict(columns or {}), dict(arrivals_columns or {}), hints or Hints()
    hints.check(ROWS, LOG)
    for option, names, known in (("columns", told, ROWS | LOG), ("arrivals_columns", log_told, LOG)):
        for name in names:
            if name not in known:
                raise ProblemError(f"{option} holds {name!r}; it must be one of {', '.join(known)}")
    if busy_hour and arrivals is None:
        raise ProblemError("busy_hour needs an arrival log")
    found, reading = read_rows(table, {name: told[name] for name in told if name in ROWS}, task, hints)
    log: ArrivalFit | None = None
    readings: tuple[Reading, ...] = (reading,)
    if arrivals is not None:
        log_told = {name: told[name] for name in told if name not in ROWS} | log_told
        only = found["task"].names[0] if len(found["task"].names) == 1 else None
        entries = read_log(arrivals, log_told, told, only, hints)
        found, reading, entries = matched(found, reading, entries, "tasks" in hints.drop)
        try:
            log = fit_arrivals(entries.times, entries.tasks.texts)
            log = log.at_busy_hour() if busy_hour else log
        except ProblemError as error:
            raise ProblemError(f"{entries.reading.origin}: {error}") from error
        readings = (reading, entries.reading)
    names = found["task"].names
    prior = _priors(names, log)
    tasks = tuple(
        fit_task(name, found, rows, (method, intervals, confidence), service_against)
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
        provenance=_provenance(readings, len(found["task"]), log, arrival_rate, method, busy_hour),
        random_service=random_service,
        server=server,
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
    readings: tuple[Reading, ...],
    rows: int,
    log: ArrivalFit | None,
    rate: float | None,
    method: str,
    busy_hour: bool,
) -> str:
    now = datetime.now(UTC).date().isoformat()
    parts = [f"fitted on {now} by cvxtoken ({method}) to {rows} rows of {readings[0].source}"]
    if log is not None:
        what = "priors and rate" if rate is None else "priors"
        hour = f" in the busy hour ({log.busy.text})" if busy_hour and log.busy is not None else ""
        parts.append(f"{what} of {sum(log.counts)} arrivals of {readings[1].source}{hour}")
    else:
        parts.append("equal priors, by assumption")
    if rate is not None:
        parts.append(f"arrival rate {rate:g} /s as given")
    return "; ".join([*parts, "accuracy weight as chosen"])
