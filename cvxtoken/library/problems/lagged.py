"""The best budgets where some accuracy curves have a lag: not convex, but a mixed-integer cone program."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

import numpy as np

from cvxtoken import verifier
from cvxtoken.allocation.problem import Workload
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import LibraryError
from cvxtoken.lagged.certificate import LaggedCertificate
from cvxtoken.lagged.problem import LaggedWorkload
from cvxtoken.lagged.reference import solve_lagged
from cvxtoken.library.problems.allocation import Allocation
from cvxtoken.library.problems.problem import Problem
from cvxtoken.library.problems.written import CONES, INTEGERS, Written
from cvxtoken.proofs import CERTIFIED_GAP


@dataclass(frozen=True)
class LaggedTokens(Problem):
    """Maximise J with lagged curves; an answer is the tokens, shape (N,), and no choice of types."""

    kind = "lagged"
    needs = CONES | {INTEGERS}
    schema = verifier.lagged.SCHEMA
    proof = LaggedCertificate

    problem: LaggedWorkload

    @property
    def data(self) -> LaggedWorkload:
        """The workload and its lags."""
        return self.problem

    @property
    def names(self) -> tuple[str, ...]:
        """Of the types."""
        return self.problem.workload.names

    @property
    def sha256(self) -> str:
        """Of the workload and its lags."""
        return self.problem.sha256

    def to_record(self) -> dict[str, Any]:
        """The workload's names and numbers, and the lags."""
        return {"instance": self.problem.workload.to_instance(), "lag": self.problem.lag.tolist()}

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Self:
        """What `to_record` wrote."""
        return cls(LaggedWorkload(Workload(**record["instance"]), record["lag"]))

    def optimum(self, proof: LaggedCertificate) -> Decimal:
        """The largest J."""
        return proof.lower

    def value(self, answer: FloatArray) -> float:
        """J of the true curves at the tokens moved into the box."""
        return float(self.problem.objective(np.clip(answer, 0, self.problem.workload.max_tokens)))

    def broken(self, answer: FloatArray) -> str | None:
        """Whether tokens are outside the box, or not stable."""
        return Allocation(self.problem.workload).broken(answer)

    def prove(self) -> LaggedCertificate:
        """By branch and bound over the types that are on."""
        found = solve_lagged(self.problem)
        if found.relative_gap > CERTIFIED_GAP:
            raise LibraryError(f"the best budgets are known to {found.relative_gap:.3g} relative only")
        return found.certificate

    def cones(self, form: str) -> Written:
        """Raw, or in x = b l, both with a column of zero or one for each lagged type."""
        from cvxtoken.conic.units import in_units
        from cvxtoken.lagged.cones import lagged_cones

        program, n = lagged_cones(self.problem), len(self.names)
        scale = np.ones(n) if form == "raw" else 1 / self.problem.workload.saturation_rate
        if form != "raw":
            program = in_units(program, np.concatenate([scale, np.ones(len(program.q) - n)]))
        variables = {"types": list(range(n)), "scale": scale.tolist(), "names": list(self.names)}
        return Written(program, lambda v: scale * v[:n], variables)
