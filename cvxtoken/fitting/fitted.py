"""Fits of all types and the workload they make, with error bars and provenance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cvxtoken.allocation import model
from cvxtoken.allocation.prices.search import reliable_prices
from cvxtoken.allocation.problem import FIFO, Workload
from cvxtoken.delay import Server
from cvxtoken.errors import ProblemError, SolverError
from cvxtoken.files import Document, write_text
from cvxtoken.fitting.arrivals import ArrivalFit
from cvxtoken.fitting.service import understated_delay
from cvxtoken.fitting.task import TaskFit, stored
from cvxtoken.lagged.problem import LaggedWorkload
from cvxtoken.logs.reading import Reading
from cvxtoken.tables import table as text_table


@dataclass(frozen=True)
class FittedWorkload:
    """Fits of all types, and the workload they make.

    Attributes:
        tasks: in order of first appearance in the table.
        arrivals: the log's; None where the rate was given.
        arrival_rate: lambda, in 1/s; None where neither was given.
        prior: pi, one a task.
        accuracy_weight: alpha, in s.
        max_tokens: l_max of each task: as given, or else the largest budget measured.
        provenance: where the numbers come from, in words.
        random_service: whether service times vary in the workload, by the scatter of each fit. If not, they
            are certain, as in the paper, but for tasks that do not use up their budgets (`TaskFit.varies`).
        server: the delay law.
        readings: what was understood of the table, and of the log.
    """

    tasks: tuple[TaskFit, ...]
    arrivals: ArrivalFit | None
    arrival_rate: float | None
    prior: tuple[float, ...]
    accuracy_weight: float
    max_tokens: tuple[float, ...]
    provenance: str
    random_service: bool = False
    server: Server = FIFO
    readings: tuple[Reading, ...] = ()

    @cached_property
    def workload(self) -> Workload:
        """The point estimates as a workload.

        A flat task is stored with A = 1e-9, its mean accuracy as D, and a largest budget of 0 tokens. Lags
        are left out; `lagged` has them.

        Raises:
            ProblemError: no arrival rate is known.
        """
        if self.arrival_rate is None:
            raise ProblemError("arrival_rate is not known; give an arrival log, or a rate")
        deviations = [
            task.service.spread_line if self.random_service or task.varies else (0.0, 0.0)
            for task in self.tasks
        ]
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
            deviation=[s0 for s0, _ in deviations],
            deviation_per_token=[s1 for _, s1 in deviations],
            server=self.server,
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

    @cached_property
    def delay(self) -> tuple[float, float] | None:
        """The workload's E[T] at its optimal budgets, and what scattering service times add to it, in s.

        E[T] includes what the scatter adds where times vary in the workload; else the workload leaves it out.
        None where no arrival rate is known, no budgets are stable at it, or the best ones are not found to a
        gap of 1e-12.
        """
        if self.arrival_rate is None or self.workload.idle_at_zero <= 0:
            return None
        try:
            tokens = reliable_prices(self.workload)
        except SolverError:
            return None
        more = understated_delay(self.workload, tokens, [task.service for task in self.tasks])
        return float(model.mean_system_time(self.workload, tokens)), more

    def save(self, path: str | Path) -> None:
        """Write the workload to a .toml file, with the fits' error bars as comments, or to a .json file.

        Raises:
            ProblemError: no arrival rate is known, or the file cannot be written.
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
            "random_service": self.random_service,
            "mean_system_time": None if self.delay is None else self.delay[0],
            "understated_delay": None if self.delay is None else self.delay[1],
            "tasks": {
                task.name: {
                    "rows": task.rows,
                    "prior": prior,
                    "max_tokens": l_max,
                    "budget_use": task.budget_use,
                    "service_against": task.against,
                    "accuracy": task.accuracy.to_document(),
                    "service": task.service.to_document(),
                }
                for task, prior, l_max in zip(self.tasks, self.prior, self.max_tokens, strict=True)
            },
            "workload": None if self.arrival_rate is None else self.workload.to_document(),
            "readings": [reading.to_document() for reading in self.readings],
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
            if self.arrivals.advice:
                lines.append(f"advice: {self.arrivals.advice}")
        if self.delay is not None:
            mean, more = self.delay
            varying = [task.name for task in self.tasks if self.random_service or task.varies]
            role, certain = "leaves out", mean
            if len(varying) == len(self.tasks):
                role, certain = "counts", mean - more
            elif varying:
                role = f"counts for {', '.join(varying)} alone"
            lines.append(
                f"delay: at the optimal budgets the workload's mean system time is {mean:.4g} s; the scatter "
                f"of the service times, which it {role}, adds {more:.2g} s ({100 * more / certain:.2g} %)"
            )
        elif self.arrival_rate is not None and self.workload.idle_at_zero > 0:
            lines.append("delay: unknown; the optimal budgets are not found to a relative gap of 1e-12")
        elif self.arrival_rate is not None:
            lines.append(f"delay: at {self.arrival_rate:.6g} /s the queue is unstable even without thinking")
        return "\n".join([*lines, *map(str, self.readings), self.provenance])


def _estimates(task: TaskFit, l_max: float) -> tuple[str, ...]:
    """A, b and D with their intervals; for a flat task the values that are stored."""
    fit = task.accuracy
    if fit.verdict == "flat":
        A, _, D, _ = stored(task, l_max)
        return f"{A:.0e} (stored)", "-", f"{D:.3g} (mean)"
    return tuple(
        f"{getattr(fit, name):.3g} [{low:.3g}, {'∞' if math.isinf(high) else f'{high:.3g}'}]"
        for name, (low, high) in fit.intervals.items()
    )
