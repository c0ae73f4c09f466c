"""The frontier: the best mean accuracy for every mean system time, each point with its proof (derived here).

The best accuracy is a concave function of the limit on E[T]. Its slope mu is the price of a second. Where
mu > 0 the point is also the optimum of J = alpha sum pi p - E[T] at the accuracy weight alpha = 1 / mu.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from cvxtoken.allocation import model
from cvxtoken.allocation.problem import Workload
from cvxtoken.allocation.proof.certificate import Certificate
from cvxtoken.allocation.targeted.optimum import certify_targets
from cvxtoken.allocation.targets import Targets
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import ProblemError
from cvxtoken.proofs import CERTIFIED_GAP
from cvxtoken.tables import table

_ENOUGH = 0.95  # of the accuracy that time can gain: there the frontier ends
_IDLE = 1e-4  # of the idle share without thinking: so little counts as none
_MOST_POINTS = 10_000  # each takes some hundredths of a second or more
_TARGET = "max_mean_system_time"


@dataclass(frozen=True)
class FrontierPoint:
    """The best mean accuracy with a mean system time of at most `limit`.

    Attributes:
        limit: of E[T], in s.
        certificate: the proof, of the objective 'accuracy' under that target.
    """

    limit: float
    certificate: Certificate

    @cached_property
    def tokens(self) -> FloatArray:
        """The budgets, shape (N,)."""
        return model.stable_doubles(self.certificate.workload, self.certificate.tokens)

    @property
    def mean_accuracy(self) -> float:
        """sum_k pi_k p_k(l_k), as proven for these budgets."""
        return float(self.certificate.lower)

    @property
    def mean_system_time(self) -> float:
        """E[T] in s; the limit, unless every type has all its tokens."""
        return float(model.mean_system_time(self.certificate.workload, self.tokens))

    @property
    def accuracy_per_second(self) -> float:
        """Mean accuracy that one more second buys."""
        return float(self.certificate.multipliers.of(_TARGET))

    @property
    def accuracy_weight(self) -> float:
        """The alpha, in s, at which this is the best trade-off; infinite where no time is wanted."""
        price = self.accuracy_per_second
        return 1 / price if price > 0 else float("inf")

    @property
    def status(self) -> str:
        """'certified' where the proven relative gap is at most 1e-15, else 'uncertified'."""
        return "certified" if float(self.certificate.relative_gap) <= CERTIFIED_GAP else "uncertified"


@dataclass(frozen=True)
class Frontier:
    """Points in the order of their limits.

    Attributes:
        workload: the instance; its accuracy weight does not matter.
        points: at least one.
    """

    workload: Workload
    points: tuple[FrontierPoint, ...]

    @property
    def status(self) -> str:
        """'certified' where all points are."""
        return "certified" if all(p.status == "certified" for p in self.points) else "uncertified"

    def to_document(self) -> dict[str, Any]:
        """The object that `cvxtoken frontier --json` prints; an infinite weight is null."""
        names = self.workload.names
        return {
            "status": self.status,
            "points": [
                {
                    "mean_system_time": p.mean_system_time,
                    "limit": p.limit,
                    "mean_accuracy": p.mean_accuracy,
                    "accuracy_per_second": p.accuracy_per_second,
                    "accuracy_weight": p.accuracy_weight if p.accuracy_per_second > 0 else None,
                    "relative_gap": float(p.certificate.relative_gap),
                    "tokens": dict(zip(names, p.tokens.tolist(), strict=True)),
                }
                for p in self.points
            ],
        }

    def __str__(self) -> str:
        few = self.workload.names if len(self.workload) <= 8 else ()
        rows = [
            (
                f"{p.mean_system_time:.4g}",
                f"{p.mean_accuracy:.4f}",
                f"{p.accuracy_per_second:.3g}",
                f"{p.accuracy_weight:.4g}",
                *(f"{l:.0f}" for l in p.tokens[: len(few)]),
            )
            for p in self.points
        ]
        worst = max(float(p.certificate.relative_gap) for p in self.points)
        columns = ["system time (s)", "accuracy", "accuracy/s", "weight (s)", *few]
        return "\n".join(
            [table(columns, rows), f"{self.status}: at every point the relative gap is at most {worst:.3g}"]
        )


def frontier(
    workload: Workload,
    points: int | Sequence[float] = 20,
    on_progress: Callable[[int], None] = lambda count: None,
) -> Frontier:
    """Best mean accuracy against mean system time, certified at every point.

    Args:
        workload: the instance; its accuracy weight does not matter.
        points: limits on E[T] in s, rising; or how many to choose. Chosen limits are denser where time is
            scarce, and end about where 95 % of the accuracy that time can gain is gained.
        on_progress: called with 1 after every point.

    Raises:
        UnstableError: no allocation is stable.
        TargetError: a limit is below the least mean system time.
        ProblemError: there are no points, the limits do not rise, or they are to be chosen and no type may
            think.
    """
    model.require_stable(workload)
    if isinstance(points, int | np.integer) and not isinstance(points, bool):
        if not 1 <= points <= _MOST_POINTS:
            raise ProblemError(f"points is {points}; it must be from 1 to {_MOST_POINTS}")
        limits = _chosen(workload, int(points))
    else:
        limits = [float(x) for x in points]  # type: ignore[union-attr]
        if not limits or any(a >= b for a, b in pairwise(limits)):
            raise ProblemError("points must be a whole number, or limits in s that rise")
    found = []
    for limit in limits:
        found.append(_point(workload, limit))
        on_progress(1)
    return Frontier(workload, tuple(found))


def _point(workload: Workload, limit: float) -> FrontierPoint:
    return FrontierPoint(limit, certify_targets(workload, Targets("accuracy", max_mean_system_time=limit)))


def _chosen(workload: Workload, count: int) -> list[float]:
    """Limits whose distance from the least E[T] grows with the square of their number."""
    if not workload.max_tokens.any():
        raise ProblemError("max_tokens is 0 for all types; to choose points, one must be positive")
    zero = np.zeros(len(workload))
    least, base = (float(f(workload, zero)) for f in (model.mean_system_time, model.mean_accuracy))
    enough = base + _ENOUGH * (_most(workload) - base)
    room = 1e-3 * float(workload.prior @ (workload.time_per_token / workload.saturation_rate)) + 1e-9 * least
    point = _point(workload, least + room)
    while point.accuracy_per_second > 0 and point.mean_accuracy < enough:
        room *= 2
        point = _point(workload, least + room)
    end = point.mean_system_time - least
    return [least + end * (number / count) ** 2 for number in range(1, count + 1)]


def _most(workload: Workload) -> float:
    """About the largest mean accuracy that time allows: at all tokens, or with hardly any idle share left."""
    if float(model.idle(workload, workload.max_tokens)) > 0:
        return float(model.mean_accuracy(workload, workload.max_tokens))
    full = 1 - _IDLE * float(workload.idle_at_zero)
    return float(certify_targets(workload, Targets("accuracy", max_utilization=full)).lower)
