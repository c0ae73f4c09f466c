"""From an evaluation's rows and an arrival log to a workload, with error bars and provenance."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxtoken.allocation.problem import Workload
from cvxtoken.errors import ProblemError
from cvxtoken.files import Document, write_text
from cvxtoken.fitting.arrivals import ArrivalFit, fit_arrivals
from cvxtoken.fitting.columns import Labels
from cvxtoken.fitting.table import Column, Table, read_table, sha256_of
from cvxtoken.fitting.task import TaskFit, fit_task, stored
from cvxtoken.lagged.problem import LaggedWorkload
from cvxtoken.tables import table as text_table

ROWS = {
    "task": Column("label"),
    "budget_tokens": Column("number"),
    "thinking_tokens": Column("number", required=False),
    "correct": Column("flag"),
    "seconds": Column("gap"),
    "question": Column("label", required=False),
}
LOG = {"timestamp": Column("text"), "task": Column("label")}


@dataclass(frozen=True)
class FittedWorkload:
    """Fits of all types, and the workload they make.

    Attributes:
        tasks: in order of first appearance in the table.
        arrivals: the log's; None where the rate was given.
        arrival_rate: lambda, in 1/s; None where neither was given.
        prior: pi, one a task.
        accuracy_weight: alpha, in s.
        max_tokens: l_max of each task: the largest budget measured, unless given.
        provenance: where the numbers come from, in words.
    """

    tasks: tuple[TaskFit, ...]
    arrivals: ArrivalFit | None
    arrival_rate: float | None
    prior: tuple[float, ...]
    accuracy_weight: float
    max_tokens: tuple[float, ...]
    provenance: str

    @cached_property
    def workload(self) -> Workload:
        """The point estimates as a workload.

        A flat task is stored with A = 1e-9, its mean accuracy as D, and a cap of 1e-9 tokens: none. Lags are
        left out; `lagged` has them.

        Raises:
            ProblemError: no arrival rate is known.
        """
        if self.arrival_rate is None:
            raise ProblemError("arrival_rate is not known; give an arrival log, or a rate")
        parts = [stored(task, l_max) for task, l_max in zip(self.tasks, self.max_tokens, strict=True)]
        return Workload(
            names=[task.name for task in self.tasks],
            prior=self.prior,
            accuracy_gain=[part[0] for part in parts],
            saturation_rate=[part[1] for part in parts],
            base_accuracy=[part[2] for part in parts],
            overhead=[task.service.overhead for task in self.tasks],
            time_per_token=[task.service.time_per_token for task in self.tasks],
            arrival_rate=self.arrival_rate,
            accuracy_weight=self.accuracy_weight,
            max_tokens=[part[3] for part in parts],
            source=self.provenance,
        )

    @cached_property
    def lagged(self) -> LaggedWorkload:
        """The point estimates with the lagged curve of every task whose verdict is lag.

        Raises:
            ProblemError: no arrival rate is known.
        """
        curves = [task.accuracy.lagged for task in self.tasks]
        workload = self.workload
        fields = {"accuracy_gain": "A", "saturation_rate": "b", "base_accuracy": "D"}
        changes = {
            name: [
                plain if curve is None else getattr(curve, symbol)
                for plain, curve in zip(getattr(workload, name).tolist(), curves, strict=True)
            ]
            for name, symbol in fields.items()
        }
        lag = [0.0 if curve is None else curve.lag for curve in curves]
        return LaggedWorkload(workload.replace(**changes), lag)

    def save(self, path: str | Path) -> None:
        """Write the workload to a .toml file, with the fits' error bars as comments, or to a .json file.

        Raises:
            ProblemError: no arrival rate is known, or the file cannot be written; nothing is written then.
        """
        path = Path(path)
        workload = self.workload
        if path.suffix != ".toml":
            workload.save(path)
            return
        import tomli_w

        comments = "".join(f"# {line}\n" for line in str(self).splitlines())
        write_text(path, comments + "\n" + tomli_w.dumps(workload.to_document()))

    def to_document(self) -> Document:
        """A mapping of plain values."""
        return {
            "provenance": self.provenance,
            "arrival_rate": self.arrival_rate,
            "accuracy_weight": self.accuracy_weight,
            "arrivals": None if self.arrivals is None else self.arrivals.to_document(),
            "tasks": {
                task.name: {
                    "rows": task.rows,
                    "prior": prior,
                    "max_tokens": l_max,
                    "budget_use": task.budget_use,
                    "accuracy": task.accuracy.to_document(),
                    "service": task.service.to_document(),
                }
                for task, prior, l_max in zip(self.tasks, self.prior, self.max_tokens, strict=True)
            },
            "workload": None if self.arrival_rate is None else self.workload.to_document(),
        }

    def __str__(self) -> str:
        rows = [
            (
                task.name,
                f"{prior:.3f}",
                *_estimates(task, l_max),
                f"{task.service.overhead:.4g}",
                f"{task.service.time_per_token:.4g}",
                f"{task.accuracy.rmse:.4f}",
                task.accuracy.verdict,
            )
            for task, prior, l_max in zip(self.tasks, self.prior, self.max_tokens, strict=True)
        ]
        columns = ["task", "prior", "A", "b (1/token)", "D", "t0 (s)", "c (s/token)", "RMSE", "verdict"]
        confidence = f"{100 * self.tasks[0].accuracy.confidence:g} % intervals in brackets"
        lines = [text_table(columns, rows, left=("verdict",)), confidence]
        lines += [f"{task.name}: {task.judgement}" for task in self.tasks]
        if self.arrivals is not None:
            lines.append(f"arrivals: {self.arrivals.rate:.6g} /s; {self.arrivals.judgement}")
        return "\n".join([*lines, self.provenance])


def fit_workload(
    table: Table,
    arrivals: Table | None = None,
    *,
    arrival_rate: float | None = None,
    accuracy_weight: float = 30.0,
    max_tokens: float | None = None,
    columns: Mapping[str, str] | None = None,
    method: str = "likelihood",
    intervals: str = "profile",
    confidence: float = 0.9,
) -> FittedWorkload:
    """Fit a workload to an evaluation's rows and an arrival log.

    Args:
        table: a .csv or .parquet file, or columns by name, one row an answer: task, budget_tokens, correct,
            seconds (may be missing in rows), and, if there are such columns, thinking_tokens (else budgets
            are taken to be used up) and question (answers to one are not independent).
        arrivals: likewise a log: timestamp (in order; seconds or dates) and task.
        arrival_rate: lambda, in 1/s, in place of the log's or without a log; then priors are equal.
        accuracy_weight: alpha, in s per unit of accuracy: a choice that no data make.
        max_tokens: l_max, in place of the largest budget measured of each task.
        columns: what the files call a column, by the names above.
        method: see `fit_accuracy`.
        intervals: likewise.
        confidence: likewise.

    Raises:
        ProblemError: bad data, with the file, the line and the rule; a task that has no times or no arrivals.
        MissingExtraError: a Parquet file, and pyarrow is not installed.
    """
    mapping = dict(columns or {})
    for name in mapping:
        if name not in ROWS and name not in LOG:
            raise ProblemError(f"columns holds {name!r}; it must be one of {', '.join({**ROWS, **LOG})}")
    found = read_table(table, ROWS, {name: mapping[name] for name in ROWS if name in mapping})
    names = found["task"].names
    log = None
    if arrivals is not None:
        entries = read_table(arrivals, LOG, {name: mapping[name] for name in LOG if name in mapping})
        log = fit_arrivals(entries["timestamp"], _labels(entries["task"]))
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
        provenance=_provenance(table, len(found["task"]), arrivals, log, arrival_rate, method),
    )
    if fitted.arrival_rate is not None:
        _ = fitted.workload  # what was given is checked now
    return fitted


def _groups(tasks: Labels) -> list[NDArray[np.intp]]:
    """Rows of each task."""
    order = np.argsort(tasks.codes, kind="stable")
    return np.split(order, np.cumsum(np.bincount(tasks.codes))[:-1])


def _labels(tasks: Labels) -> NDArray[Any]:
    return np.array(tasks.names, dtype=object)[tasks.codes]


def _priors(names: list[str], log: ArrivalFit | None) -> tuple[float, ...]:
    """Shares of the log by task; equal ones without a log (ProblemError where they do not match)."""
    if log is None:
        return (1 / len(names),) * len(names)
    shares = dict(zip(log.names, log.prior, strict=True))
    for name in names:
        if name not in shares:
            raise ProblemError(f"task {name!r} has no arrivals; the log has {', '.join(log.names)}")
    for name in log.names:
        if name not in names:
            raise ProblemError(
                f"arrivals of task {name!r}, which has no rows; the table has {', '.join(names)}"
            )
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


def _estimates(task: TaskFit, l_max: float) -> tuple[str, ...]:
    """A, b and D with their intervals; of a flat task what is stored for it."""
    fit = task.accuracy
    if fit.verdict == "flat":
        A, _, D, _ = stored(task, l_max)
        return f"{A:.0e} (stored)", "-", f"{D:.3g} (mean)"
    return tuple(
        f"{getattr(fit, name):.3g} [{low:.3g}, {'∞' if math.isinf(high) else f'{high:.3g}'}]"
        for name, (low, high) in fit.intervals.items()
    )
