"""Policies compared with the hindsight reference: each with an interval for its ratio to the optimum."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from cvxtoken.errors import ProblemError
from cvxtoken.files import nearest
from cvxtoken.scheduling.policies import POLICIES, fcfs, mc_sf
from cvxtoken.scheduling.problem import Requests
from cvxtoken.scheduling.reference import ScheduleReference, best_schedule
from cvxtoken.scheduling.simulation import Simulation
from cvxtoken.scheduling.watch import Report
from cvxtoken.tables import table


@dataclass(frozen=True, eq=False)
class Comparison:
    """What the policies reached, and the reference.

    Attributes:
        reference: the best schedule known, and the proven bound.
        runs: by policy name, what the policy did.
    """

    reference: ScheduleReference
    runs: dict[str, Simulation]

    def ratios(self, name: str) -> tuple[float, float] | None:
        """An interval that holds TEL / optimal TEL: [TEL / upper, TEL / lower]; None if TEL is infinite."""
        total = self.runs[name].total_latency
        return None if total is None else (total / self.reference.upper, total / self.reference.lower)

    def to_document(self) -> dict[str, Any]:
        """A mapping of plain values."""
        policies = {}
        for name, run in self.runs.items():
            low, high = self.ratios(name) or (None, None)
            policies[name] = {
                "total_latency": run.total_latency,
                "mean_latency": run.mean_latency,
                "ratio_low": low,
                "ratio_high": high,
                "evictions": len(run.evictions),
                "peak_memory": run.peak_memory,
                "outcome": run.outcome,
            }
        return {**self.reference.to_document(), "policies": policies}

    def __str__(self) -> str:
        known = self.reference
        gap = "which is exact" if known.exact else f"a gap of {known.certificate.relative_gap:.3g}"
        rows = []
        for name, run in self.runs.items():
            found = self.ratios(name)
            if found is None:
                rows.append((name, "never ends", "", "", f"{len(run.evictions)}", f"{run.peak_memory}"))
                continue
            ratio = f"{found[0]:.4f} to {found[1]:.4f}"
            counts = f"{len(run.evictions)}", f"{run.peak_memory}"
            rows.append((name, f"{run.total_latency}", f"{run.mean_latency:.2f}", ratio, *counts))
        header = ["policy", "total latency", "mean", "ratio to the optimum", "evictions", "peak memory"]
        return "\n".join(
            [
                f"{len(known.requests)} requests, memory {known.requests.memory}: total latency in hindsight "
                f"from {known.lower} (proven by {known.certificate.proof['kind']}) to {known.upper} rounds "
                f"(best schedule known, by {known.method}), {gap}",
                table(header, rows),
                *(f"fallback          {sentence}" for sentence in known.fallbacks),
            ]
        )


def compare(
    requests: Requests,
    policies: Sequence[str] = tuple(POLICIES),
    prediction: str = "high",
    bound: str = "lp",
    seconds: float | None = None,
    report: Report | None = None,
) -> Comparison:
    """Run policies and find the reference; the best schedule known may be one of a policy.

    Args:
        requests: the data.
        policies: names in POLICIES.
        prediction: what `mc_sf` and `fcfs` take as the output length: low, middle, high or true.
        bound: of `best_schedule`: fast, prices, lp or milp.
        seconds: of `best_schedule`.
        report: of `best_schedule`.

    Raises:
        ProblemError: a name is unknown, or the requests are too many for the bound.
    """
    told: dict[str, Callable[[Requests], Simulation]] = {
        **POLICIES,
        "mc_sf": partial(mc_sf, prediction=prediction),
        "fcfs": partial(fcfs, prediction=prediction),
    }
    for name in policies:
        if name not in told:
            known = ", ".join(told)
            raise ProblemError(f"policy is {name!r}; it must be one of {known}{nearest(name, told)}")
    runs = {name: told[name](requests) for name in policies}
    finished = [run.starts for run in runs.values() if run.finished]
    return Comparison(best_schedule(requests, bound, seconds, finished, report), runs)
