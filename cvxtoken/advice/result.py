"""Advice: the budgets to deploy, and all that is known of how good they are."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from cvxtoken.advice.remarks import remarks
from cvxtoken.advice.whole import WholeBudgets
from cvxtoken.advice.worth import Worth
from cvxtoken.allocation import model
from cvxtoken.allocation.targets import Targets
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import ProblemError
from cvxtoken.files import nearest, write_text
from cvxtoken.fitting.fitted import FittedWorkload
from cvxtoken.fitting.uncertainty import interval
from cvxtoken.lagged.problem import LaggedWorkload
from cvxtoken.tables import table

SCHEMA = "cvxtoken-advice/1"


@dataclass(frozen=True)
class Input:
    """A file that was read.

    Attributes:
        role: table or arrivals.
        file: its name.
        sha256: of its bytes, in hexadecimal.
    """

    role: str
    file: str
    sha256: str


@dataclass(frozen=True, eq=False)
class Advice:
    """Whole budgets to deploy, their proof, their error bars and what these cost.

    Attributes:
        fitted: all fits, with their judgements and the workload.
        targets: the objective and what was to be met.
        whole: the advised tokens and their proof: of the best average over draws, but under targets, and
            where a curve has a lag, those of the point estimates.
        worth: what they are worth over the draws.
        point: the best whole tokens for the point estimates, and their proof.
        point_worth: what these are worth over the draws.
        confidence: of the intervals.
        seed: of the draws.
        inputs: the files that were read.
        seconds: of the whole call.
    """

    fitted: FittedWorkload
    targets: Targets
    whole: WholeBudgets
    worth: Worth
    point: WholeBudgets
    point_worth: Worth
    confidence: float
    seed: int
    inputs: tuple[Input, ...]
    seconds: float

    @property
    def names(self) -> tuple[str, ...]:
        """Of the tasks."""
        return self.fitted.workload.names

    @property
    def tokens(self) -> FloatArray:
        """Whole budgets, shape (N,), in tokens."""
        return self.whole.tokens

    @property
    def budgets(self) -> dict[str, int]:
        """Whole budgets by task."""
        return dict(zip(self.names, self.tokens.astype(int).tolist(), strict=True))

    @property
    def point_budgets(self) -> dict[str, int]:
        """The best whole budgets for the point estimates, by task."""
        return dict(zip(self.names, self.point.tokens.astype(int).tolist(), strict=True))

    def interval(self, task: str) -> tuple[float, float]:
        """Of a task's best budget, at the confidence (ProblemError: there is no such task)."""
        if task not in self.names:
            raise ProblemError(f"{task!r} is not a task{nearest(task, self.names)}")
        low, high = self.worth.token_intervals[:, self.names.index(task)]
        return float(low), float(high)

    @cached_property
    def accuracy(self) -> FloatArray:
        """p_k at the budgets, shape (N,), by the point estimates."""
        return LaggedWorkload(self.fitted.workload, self.whole.lag).accuracy(self.tokens)

    @cached_property
    def delays(self) -> FloatArray:
        """E[T_k] of every task at the budgets, in s, shape (N,): its wait and its service."""
        w = self.fitted.workload
        t = model.service_time(w, self.tokens)
        return np.asarray(
            t + w.server.type_waits(t, model.mean_wait(w, self.tokens), model.idle(w, self.tokens))
        )

    @property
    def mean_accuracy(self) -> float:
        """sum_k pi_k p_k."""
        return float(self.fitted.workload.prior @ self.accuracy)

    @property
    def mean_system_time(self) -> float:
        """E[T], in s."""
        return float(model.mean_system_time(self.fitted.workload, self.tokens))

    @property
    def utilization(self) -> float:
        """rho."""
        return float(model.utilization(self.fitted.workload, self.tokens))

    @cached_property
    def gain(self) -> float:
        """By the point estimates, what these budgets gain over no thinking, in s or accuracy."""
        lagged = LaggedWorkload(self.fitted.workload, self.whole.lag)
        nothing = np.zeros(len(self.tokens))
        if self.targets.objective == "accuracy":
            return self.mean_accuracy - float(self.fitted.workload.prior @ lagged.accuracy(nothing))
        return float(lagged.objective(self.tokens) - lagged.objective(nothing))

    @cached_property
    def proven(self) -> str:
        """What the proof proves, in a line, stated by its checker."""
        return self.whole.proof.check()

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """What to know before these budgets are deployed; one sentence each."""
        return tuple(remarks(self.fitted, self.targets, self.tokens, self.worth, self.gain))

    def to_document(self) -> dict[str, Any]:
        """A mapping of plain values; None for what is not known."""
        low, high = self.worth.token_intervals.tolist()
        least, most = self.worth.accuracy_intervals.tolist()
        rows = zip(low, high, self.accuracy.tolist(), least, most, self.delays.tolist(), strict=True)
        return {
            "schema": SCHEMA,
            "budgets": self.budgets,
            "tasks": {
                name: {
                    "budget": self.budgets[name],
                    "interval": [_known(row[0]), _known(row[1])],
                    "accuracy": row[2],
                    "accuracy_interval": [row[3], row[4]],
                    "mean_system_time": row[5],
                }
                for name, row in zip(self.names, rows, strict=True)
            },
            "confidence": self.confidence,
            "mean_accuracy": self.mean_accuracy,
            "mean_system_time": self.mean_system_time,
            "mean_system_time_interval": [_known(end) for end in interval(self._times, self.confidence)],
            "utilization": self.utilization,
            "gain": self.gain,
            "largest_loss": self.whole.loss,
            "draws": len(self.worth.drawn),
            "seed": self.seed,
            "mean_regret": _known(self.worth.mean_regret),
            "unstable_draws": self.worth.unstable + self.worth.drawn.unstable,
            "infeasible_draws": self.worth.infeasible,
            "missed_targets": {name: count for name, (count, _) in self.worth.misses.items()},
            "averaged_draws": self.whole.averaged,
            "point_budgets": self.point_budgets,
            "point_mean_regret": _known(self.point_worth.mean_regret),
            "warnings": list(self.warnings),
            "readings": [reading.to_document() for reading in self.fitted.readings],
            "inputs": [asdict(file) for file in self.inputs],
            "proven": self.proven,
            "provenance": self.fitted.provenance,
        }

    @property
    def _times(self) -> FloatArray:
        return np.minimum(self.worth.system_times, np.finfo(np.float64).max)  # quantiles of infinity are NaN

    def save(self, path: str | Path) -> Path:
        """Write the budgets to a .json file and the proof beside it; the path of the proof.

        The file is `to_document` with `proof`: the name of the proof's file and the SHA-256 of its bytes.
        With budgets.json the proof is budgets.proof.json, which `cvxtoken verify` checks.

        Raises:
            ProblemError: the ending is not .json, or a file cannot be written.
        """
        path = Path(path)
        beside = proof_beside(path)
        self.whole.proof.save(beside)
        proof = {"file": beside.name, "sha256": hashlib.sha256(beside.read_bytes()).hexdigest()}
        document = {**self.to_document(), "proof": proof}
        write_text(path, json.dumps(document, indent=2, allow_nan=False) + "\n")
        return beside

    def rows(self) -> tuple[list[str], list[tuple[str, ...]]]:
        """The names of the columns and the rows of the table of tasks."""
        percent = f"{100 * self.confidence:g} %"
        columns = ["task", "budget", f"{percent} interval", "accuracy", percent, "delay (s)"]
        point = self.point_budgets if self.whole.averaged else None
        intervals, accuracies = self.worth.token_intervals.T, self.worth.accuracy_intervals.T
        parts = zip(self.names, intervals, self.accuracy, accuracies, self.delays, strict=True)
        rows: list[tuple[str, ...]] = [
            (
                name,
                f"{self.budgets[name]}",
                f"{low:.0f} .. {high:.0f}" if math.isfinite(low) else "-",
                f"{p:.3f}",
                f"{least:.3f} .. {most:.3f}",
                f"{delay:.3g}",
                *([] if point is None else [f"{point[name]}"]),
            )
            for name, (low, high), p, (least, most), delay in parts
        ]
        return columns + ([] if point is None else ["by estimates"]), rows

    def lines(self) -> list[tuple[str, str]]:
        """What is said below the table: a name and a sentence each."""
        low, high = interval(self._times, self.confidence)
        unit = self.targets.unit
        unit = "s" if unit == "s" else "of accuracy"
        ends = f"{low:.3g} .. {high:.3g}" if high < 1e300 else f"{low:.3g} .. unstable"
        said = [
            ("mean accuracy", f"{self.mean_accuracy:.4f}"),
            ("mean system time", f"{self.mean_system_time:.4g} s ({100 * self.confidence:g} %: {ends} s)"),
            ("utilization", f"{self.utilization:.4f} at {self.fitted.arrival_rate:.4g} arrivals a second"),
            ("gain", f"{self.gain:.4g} {unit} over no thinking, by the point estimates"),
            ("regret", self._regret(self.worth, unit)),
        ]
        average = ""
        if self.whole.averaged:
            regret = self._regret(self.point_worth, unit)
            said.append(("by estimates", f"{regret}, of the budgets best for the point estimates"))
            average = f" on average over {self.whole.averaged} draws"
        loss = f"{self.whole.loss:.2g} {unit}{average}"
        said.append(("proof", f"no budgets are better by more than {loss}; {self.proven}"))
        return said

    def _regret(self, over: Worth, unit: str) -> str:
        if not math.isfinite(over.mean_regret):
            return "unknown: in no draw are the budgets stable and within the targets"
        share = f" ({100 * over.mean_regret / self.gain:.2g} % of the gain)" if self.gain > 0 else ""
        counted = int(np.isfinite(over.regret).sum())
        return f"{over.mean_regret:.3g} {unit}{share} on average over {counted} draws"

    def __str__(self) -> str:
        columns, rows = self.rows()
        lines = [f"{name:<17} {text}" for name, text in self.lines()]
        warned = [f"{'warning':<17} {text}" for text in self.warnings]
        read = map(str, self.fitted.readings)
        return "\n".join([table(columns, rows), *lines, *warned, *read, self.fitted.provenance])


def proof_beside(path: Path) -> Path:
    """Where the proof of a .json file of budgets stands (ProblemError: another ending)."""
    if path.suffix != ".json":
        raise ProblemError(f"{path}: the ending is {path.suffix!r}; it must be .json")
    return path.with_suffix(".proof.json")


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) and abs(value) < 1e300 else None
