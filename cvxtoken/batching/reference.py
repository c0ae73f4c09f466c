"""The best batch size of a discipline, by exact evaluation of every size.

No convex program stands behind it. The delay is not convex in the batch size, and in general not even
quasi-convex (a table of batch times may make any one size bad). As there are few sizes, all are tried.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxtoken.batching.model import Batch, Delays, batch, bulk_queue, largest_rate
from cvxtoken.batching.problem import BatchingProblem, check_discipline, whole_batches
from cvxtoken.errors import UnstableError
from cvxtoken.tables import table

_SAME = 1e-6  # relative: among sizes whose delays agree to this, the smallest is taken


@dataclass(frozen=True)
class BatchingReference:
    """The best batch size of one discipline.

    Attributes:
        problem: as given.
        discipline: dynamic, fixed or elastic.
        best_batch: the size (the largest, or for fixed batching the only one) of least mean system time.
        delays: at that size.
        curve: pairs of a size and its mean system time in s, which is infinite where unstable.
        seconds: of the call.
    """

    problem: BatchingProblem
    discipline: str
    best_batch: int
    delays: Delays
    curve: list[tuple[int, float]]
    seconds: float

    def to_document(self) -> dict[str, Any]:
        """A mapping of plain values."""
        return {
            "mean_system_time": {"predicted": self.delays.mean_system_time},
            "mean_wait": self.delays.mean_wait,
            "mean_batch": self.delays.mean_batch,
            "utilization": self.delays.utilization,
            "best_batch": self.best_batch,
            "stable": True,
            "curve": [
                {"batch": b, "mean_system_time": value if np.isfinite(value) else None}
                for b, value in self.curve
            ],
        }

    def __str__(self) -> str:
        found = self.delays
        shown = self.curve[:: max(1, len(self.curve) // 16)]
        rows = [(f"{b}", f"{value:.4f}" if np.isfinite(value) else "unstable") for b, value in shown]
        return "\n".join(
            [
                f"{self.discipline}: best batch {self.best_batch}, mean system time "
                f"{found.mean_system_time:.6f} s, mean wait {found.mean_wait:.6f} s, mean batch "
                f"{found.mean_batch:.3f}, utilization {found.utilization:.4f}",
                table(["batch", "mean system time (s)"], rows),
            ]
        )


def best_batch(
    problem: BatchingProblem, discipline: str = "dynamic", sizes: Sequence[int] | None = None
) -> BatchingReference:
    """The batch size of least mean system time: b_max for dynamic and elastic, b for fixed batching.

    Args:
        problem: the data.
        discipline: dynamic, fixed or elastic.
        sizes: those to try; by default 1 to the problem's largest.

    Raises:
        ProblemError: unknown discipline, elastic without k1..k4, or a size out of range.
        UnstableError: no size is stable; the message says below which arrival rate one is.
    """
    started = time.perf_counter()
    check_discipline(discipline)
    chosen = (
        list(range(1, problem.largest + 1)) if sizes is None else whole_batches(list(sizes), problem.largest)
    )
    rates = {b: largest_rate(problem, discipline, b) for b in chosen}
    if problem.arrival_rate >= max(rates.values()):
        raise UnstableError(
            f"arrival_rate is {problem.arrival_rate} /s; {discipline} batching keeps up with less than "
            f"{max(rates.values()):.6g} /s at any of these sizes"
        )
    known: dict[int, Batch] = {}
    found: dict[int, Delays] = {}
    for b in chosen:
        if problem.arrival_rate < rates[b]:
            for size in [b] if discipline == "fixed" else range(1, b + 1):
                if size not in known:
                    known[size] = batch(problem, discipline, size)
            least = b if discipline == "fixed" else 1
            found[b] = bulk_queue(problem.arrival_rate, [known[size] for size in range(least, b + 1)])
    least_time = min(item.mean_system_time for item in found.values())
    best = min(b for b, item in found.items() if item.mean_system_time <= least_time * (1 + _SAME))
    curve = [(b, found[b].mean_system_time if b in found else np.inf) for b in chosen]
    return BatchingReference(problem, discipline, best, found[best], curve, time.perf_counter() - started)
