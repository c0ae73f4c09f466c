"""Every method on one workload, side by side, against the certified reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxtoken.allocation.methods import (
    METHODS,
    ContractionBound,
    Result,
    contraction_at,
    contraction_bound,
    spectral_radius_at,
    step_size_bound,
)
from cvxtoken.allocation.problem import Workload
from cvxtoken.allocation.reference import Reference, solve
from cvxtoken.tables import table


@dataclass(frozen=True)
class Comparison:
    """What the methods did, and the constants that predict it.

    Attributes:
        reference: the certified optimum.
        results: of each method in `methods.METHODS`.
        contraction_bound: a bound of the fixed-point map over the presolve's box.
        contraction_at_optimum: sup norm of its Jacobian at the optimum.
        spectral_radius: that of the same Jacobian.
        step_size_bound: the gradient method's proven step from l = 0, in tokens^2 / s.
    """

    reference: Reference
    results: dict[str, Result]
    contraction_bound: ContractionBound
    contraction_at_optimum: float
    spectral_radius: float
    step_size_bound: float

    def token_error(self, name: str) -> float:
        """The largest difference between a method's tokens and the reference's."""
        return float(np.abs(self.results[name].tokens - self.reference.tokens).max())

    def to_document(self) -> dict[str, Any]:
        """The object that `cvxtoken methods --json` prints."""
        return {
            "methods": {
                name: {
                    "converged": result.converged,
                    "outcome": result.outcome,
                    "iterations": result.iterations,
                    "seconds": result.seconds,
                    "relative_gap": float(result.certificate.relative_gap),
                    "max_token_error": self.token_error(name),
                }
                for name, result in self.results.items()
            },
            "contraction_bound": self.contraction_bound.value,
            "contraction_at_optimum": self.contraction_at_optimum,
            "step_size_bound": self.step_size_bound,
        }

    def __str__(self) -> str:
        rows = [
            (
                name,
                "yes" if result.converged else "no",
                str(result.iterations),
                f"{result.seconds:.4f}",
                f"{float(result.certificate.relative_gap):.1e}",
                f"{self.token_error(name):.2g}",
            )
            for name, result in self.results.items()
        ]
        failed = {name: result for name, result in self.results.items() if not result.converged}
        columns = ["method", "converged", "steps", "seconds", "proven gap", "token error"]
        return "\n".join(
            [
                table(columns, rows),
                *(f"{name}: {result.outcome}" for name, result in failed.items()),
                self.contraction_bound.reason,
                f"At the optimum the map's Jacobian has sup norm {self.contraction_at_optimum:.4g} and "
                f"spectral radius {self.spectral_radius:.4g}.",
                f"The gradient method's proven step is {self.step_size_bound:.4g} tokens^2/s.",
            ]
        )


def compare(workload: Workload) -> Comparison:
    """Run every method from its default start and certify what each one ends with.

    Raises:
        UnstableError: no allocation is stable.
    """
    reference = solve(workload)
    return Comparison(
        reference,
        {name: method(workload) for name, method in METHODS.items()},
        contraction_bound(workload),
        contraction_at(workload, reference.tokens),
        spectral_radius_at(workload, reference.tokens),
        step_size_bound(workload),
    )
