"""What the best limit is and does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxtoken.clipping.mixed import MixedLimits
from cvxtoken.clipping.problem import ClippingProblem
from cvxtoken.tables import table


@dataclass(frozen=True)
class ClippingReference:
    """The best limit and what it does.

    Attributes:
        problem: as given.
        limits: one a type, in tokens.
        common: for several types of patient requests, the best single limit for all, and its objective.
        objective: theta E[u] - (1 - theta) E[W], with the loss for E[W] where requests are impatient.
        upper: no vector of limits has a better objective, up to float64's rounding; `objective` where exact.
        exact: whether every limit was tried or ruled out.
        utility, share_whole: E[u], and the share of requests left whole.
        mean_wait: E[W] = E[T] - E[S], in s; of patient requests, or of the impatient ones that are served.
        mean_wait_of_all: of impatient requests, until their service begins or they leave after tau, in s.
        loss: share of the impatient requests that leave; None where they are patient.
        utilization: the offered load, rho.
        against: the largest limit considered.
        mean_wait_against: the mean wait at that limit, in s; infinite where unstable.
        frontier: rows of limit, mean_wait, share_whole, utility, stable, and for impatient requests loss and
            mean_wait_of_all. Where no law holds, mean_wait and loss are simulated, beside the ends `..._low`
            and `..._high` of their 95 % intervals.
        seconds: of the whole call.
        mixed: where the server shares, the best rule that mixes limits, with its proven bound; else None.
    """

    problem: ClippingProblem
    limits: tuple[int, ...]
    common: tuple[int, float] | None
    objective: float
    upper: float
    exact: bool
    utility: float
    share_whole: float
    mean_wait: float
    mean_wait_of_all: float | None
    loss: float | None
    utilization: float
    against: int
    mean_wait_against: float
    frontier: list[dict[str, Any]]
    seconds: float
    mixed: MixedLimits | None = None

    @property
    def reduction(self) -> float | None:
        """1 - E[W] / E[W at the largest limit considered]; None where that is unstable."""
        return 1 - self.mean_wait / self.mean_wait_against if np.isfinite(self.mean_wait_against) else None

    def to_document(self) -> dict[str, Any]:
        """A mapping of plain values."""
        document: dict[str, Any] = {
            "limit": self.limits[0] if len(self.limits) == 1 else list(self.limits),
            "share_whole": self.share_whole,
            "utility": self.utility,
            "mean_wait": self.mean_wait,
            "reduction": self.reduction,
            "reduction_against": self.against,
            "utilization": self.utilization,
            "objective": self.objective,
            "upper": self.upper,
            "exact": self.exact,
            "frontier": self.frontier,
            "seconds": self.seconds,
        }
        if self.problem.is_simulated:
            document["simulated"] = True
        if self.mixed is not None:
            document["mixed"] = self.mixed.to_document()
        if self.common is not None:
            document |= {"common_limit": self.common[0], "common_objective": self.common[1]}
        if self.loss is None:
            return document
        return document | {"loss": self.loss, "mean_wait_of_all": self.mean_wait_of_all}

    def __str__(self) -> str:
        limits = ", ".join(map(str, self.limits))
        lines = [
            f"best limit        {limits} tokens{'' if self.exact else ' (best found)'}",
            f"left whole        {100 * self.share_whole:.2f} % of the requests",
            f"mean wait         {self.mean_wait:.4f} s"
            + (" of who is served" if self.loss is not None else ""),
        ]
        if self.loss is not None:
            lines.append(f"wait of all       {self.mean_wait_of_all:.4f} s until they begin or leave")
            lines.append(f"loss              {100 * self.loss:.2f} % leave unserved")
        if self.reduction is not None:
            lines.append(f"reduction         {100 * self.reduction:.2f} % against a limit of {self.against}")
        lines += [
            f"utilization       {self.utilization:.6f}",
            f"objective         {self.objective:.9f}, none is better than {self.upper:.9f}",
        ]
        if self.mixed is not None:
            best, bound = self.mixed.objective, self.mixed.upper
            lines.append(f"best mixture      {self.mixed}")
            lines.append(f"its objective     {best:.9f}, no rule is better than {bound:.9f}")
        if self.problem.is_simulated:
            lines.append(
                "simulated         no law holds here: the best of the limits given, as far as noise tells"
            )
        shown = [row for row in self.frontier if row["stable"]]
        shown = shown[:: max(1, len(shown) // 20)]
        if self.common is not None:
            gain = self.objective - self.common[1]
            lines.append(f"one limit for all {self.common[0]} tokens; a limit for each type gains {gain:.6f}")
        rows = [
            (
                f"{row['limit']}",
                f"{row['mean_wait']:.3f}",
                f"{100 * row['share_whole']:.2f} %",
                f"{row['utility']:.4f}",
                *([f"{100 * row['loss']:.2f} %"] if self.loss is not None else []),
            )
            for row in shown
        ]
        columns = [
            "limit",
            "mean wait (s)",
            "left whole",
            "utility",
            *(["loss"] if self.loss is not None else []),
        ]
        return "\n".join([*lines, "", table(columns, rows)])
