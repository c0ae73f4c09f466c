"""The best budgets of a workload in whole tokens: a mixed-integer conic program.

It is the program of real tokens with whole columns. In its presolved form the largest tokens are lowered: J
falls in the tokens of a type beyond the presolve's upper bound u, whatever the others have, so that no type
has more than ceil(u) whole tokens (derived here).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Self

import numpy as np

from cvxtoken import verifier
from cvxtoken.allocation import model
from cvxtoken.allocation.problem import Workload
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import LibraryError
from cvxtoken.library.problems.allocation import Allocation
from cvxtoken.library.problems.problem import Problem, away_from_whole
from cvxtoken.library.problems.written import CONES, INTEGERS, Written
from cvxtoken.whole.certificate import IntegerCertificate
from cvxtoken.whole.reference import solve_integer


@dataclass(frozen=True)
class WholeTokens(Problem):
    """Maximise J(l) of a workload over whole tokens; an answer is the tokens, shape (N,).

    Attributes:
        workload: everything but that the tokens must be whole.
    """

    kind = "whole"
    needs = CONES | {INTEGERS}
    schema = verifier.whole.SCHEMA
    proof = IntegerCertificate

    workload: Workload

    @property
    def data(self) -> Self:
        """Itself."""
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Of the types."""
        return self.workload.names

    @property
    def sha256(self) -> str:
        """Of the workload."""
        return self.workload.sha256

    def to_record(self) -> dict[str, Any]:
        """The workload's names and numbers."""
        return {"instance": self.workload.to_instance()}

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Self:
        """What `to_record` wrote."""
        return cls(Workload(**record["instance"]))

    def optimum(self, proof: IntegerCertificate) -> Decimal:
        """The largest J of whole tokens, to 25 digits or more."""
        return proof.lower

    def value(self, answer: FloatArray) -> float:
        """J at the nearest whole tokens of the box."""
        w = self.workload
        return float(model.objective(w, np.clip(np.rint(answer), 0, np.floor(w.max_tokens))))

    def broken(self, answer: FloatArray) -> str | None:
        """Whether tokens are outside the box, not whole, or not stable."""
        not_whole = away_from_whole(self.names, answer)
        return not_whole or Allocation(self.workload).broken(np.rint(answer))

    def prove(self) -> IntegerCertificate:
        """By branch and bound over the idle share."""
        found = solve_integer(self.workload)
        if not found.exact:
            raise LibraryError(f"the best whole tokens are known to {found.relative_gap:.3g} relative only")
        return found.certificate

    def cones(self, form: str) -> Written:
        """The cones of real tokens, with whole columns."""
        from cvxtoken.allocation.program.cones import cone_program

        w = self.workload
        top = np.floor(w.max_tokens)
        if form != "raw":
            top = np.minimum(top, np.ceil(model.upper_bounds(w)))
        found = cone_program(w.replace(max_tokens=top), "raw")
        program = replace(found.program, integers=tuple(range(len(w))))
        variables = {"types": list(range(len(w))), "scale": [1.0] * len(w), "names": list(w.names)}
        return Written(program, found.tokens, variables)
