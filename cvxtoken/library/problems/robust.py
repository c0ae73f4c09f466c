"""The budgets of the best average over several workloads, each of which might be the true one."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

import numpy as np

from cvxtoken import verifier
from cvxtoken.allocation.problem import Workload
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import LibraryError
from cvxtoken.library.problems.allocation import Allocation
from cvxtoken.library.problems.problem import Problem
from cvxtoken.library.problems.written import CONES, Modelled, Written
from cvxtoken.proofs import CERTIFIED_GAP
from cvxtoken.robust.certificate import RobustCertificate
from cvxtoken.robust.problem import Ensemble
from cvxtoken.robust.reference import solve_robust


@dataclass(frozen=True)
class RobustTokens(Problem):
    """Maximise the mean J over the draws of an ensemble; an answer is the tokens, shape (N,)."""

    kind = "robust"
    needs = CONES
    schema = verifier.robust.SCHEMA
    proof = RobustCertificate

    ensemble: Ensemble

    @property
    def data(self) -> Ensemble:
        """The ensemble."""
        return self.ensemble

    @property
    def names(self) -> tuple[str, ...]:
        """Of the types."""
        return self.ensemble.names

    @property
    def sha256(self) -> str:
        """Of the ensemble."""
        return self.ensemble.sha256

    def to_record(self) -> dict[str, Any]:
        """The draws' names and numbers."""
        return {"instances": [draw.to_instance() for draw in self.ensemble.draws]}

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Self:
        """What `to_record` wrote."""
        return cls(Ensemble([Workload(**instance) for instance in record["instances"]]))

    def optimum(self, proof: RobustCertificate) -> Decimal:
        """The largest mean J."""
        return proof.lower

    def value(self, answer: FloatArray) -> float:
        """The mean J at the tokens moved into the box."""
        l = np.clip(answer, 0, self.ensemble.max_tokens)
        return float(self.ensemble.objectives(l).mean())

    def broken(self, answer: FloatArray) -> str | None:
        """Whether tokens are outside the box, or not stable in a draw."""
        for number, draw in enumerate(self.ensemble.draws):
            reason = Allocation(draw).broken(answer)
            if reason is not None:
                return f"in draw {number} {reason}"
        return None

    def prove(self) -> RobustCertificate:
        """By Newton's method from a solver's point."""
        found = solve_robust(self.ensemble)
        if found.relative_gap > CERTIFIED_GAP:
            raise LibraryError(f"the best mean is known to {found.relative_gap:.3g} relative only")
        return found.certificate

    def cones(self, form: str) -> Written:
        """Raw, or in x = l / unit, where 1 / unit is the geometric mean of b over the draws."""
        from cvxtoken.conic.units import in_units
        from cvxtoken.robust.cones import ensemble_cones

        program, n = ensemble_cones(self.ensemble), len(self.names)
        unit = np.ones(n)
        if form != "raw":
            rates = np.array([draw.saturation_rate for draw in self.ensemble.draws])
            unit = np.exp(-np.log(rates).mean(axis=0))
            program = in_units(program, np.concatenate([unit, np.ones(len(program.q) - n)]))
        variables = {"types": list(range(n)), "scale": unit.tolist(), "names": list(self.names)}
        return Written(program, lambda v: unit * v[:n], variables)

    def program(self, form: str) -> Modelled:
        """As `robust.program` writes it, in both forms."""
        from cvxtoken.robust.program import ensemble_program

        written = ensemble_program(self.ensemble)
        return Modelled(written.problem, lambda: written.tokens.value)
