"""Budgets in real tokens of one workload: the paper's problem, on any server, times certain or not."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any, Self

import numpy as np

from cvxtoken import verifier
from cvxtoken.allocation import model
from cvxtoken.allocation.prices.search import solve_prices
from cvxtoken.allocation.problem import Workload
from cvxtoken.allocation.proof.certificate import Certificate, certify
from cvxtoken.allocation.targeted.feasible import feasible
from cvxtoken.allocation.targeted.polish import Start, polish_targets
from cvxtoken.allocation.targets import Targets
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import LibraryError
from cvxtoken.library.problems.problem import FEASIBILITY, Problem
from cvxtoken.library.problems.written import CONES, Modelled, Written
from cvxtoken.precision import SHIPPED, SHIPPED_PROOF
from cvxtoken.whole.rounding import Neighbourhood


@dataclass(frozen=True)
class Allocation(Problem):
    """Maximise J(l) of a workload; an answer is the tokens, shape (N,)."""

    kind = "allocation"
    needs = CONES
    schema = verifier.allocation.SCHEMA
    proof = Certificate

    workload: Workload

    @property
    def data(self) -> Workload:
        """The workload."""
        return self.workload

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

    def copy(self) -> Self:
        """With the source, which no record holds."""
        return type(self)(self.workload.replace())

    def optimum(self, proof: Certificate) -> Decimal:
        """J*."""
        return proof.lower

    def value(self, answer: FloatArray) -> float:
        """J at the tokens moved into the box."""
        return float(model.objective(self.workload, np.clip(answer, 0, self.workload.max_tokens)))

    def broken(self, answer: FloatArray) -> str | None:
        """Whether tokens are outside the box, by more than 1e-6 of it, or not stable."""
        l, w = answer, self.workload
        outside = np.maximum(-l, l - w.max_tokens) / (1 + w.max_tokens)
        if outside.max() > FEASIBILITY:
            k = int(np.argmax(outside))
            allowed = FEASIBILITY * (1 + w.max_tokens[k])
            told = f"tokens of {w.names[k]!r} are {l[k]:.6g}, outside 0 to {w.max_tokens[k]:g}"
            return f"{told} (tolerance {allowed:.2g})"
        y = float(model.idle(w, np.clip(l, 0, w.max_tokens)))
        return None if y > 0 else f"the utilisation is 1 + {-y:.2g}, not below 1"

    def error(self, answer: FloatArray, proof: Certificate) -> float:
        """(J* - J) / (1 + |J*|) at tokens moved into the box, without cancellation; infinite if unstable."""
        losses = Neighbourhood(self.workload, np.array([float(l) for l in proof.tokens]))
        l = np.clip(answer, 0, self.workload.max_tokens)
        return float(losses.loss(losses.sums(l).sum(axis=-1))) / (1 + abs(float(proof.lower)))

    def prove(self) -> Certificate:
        """The optimum to 40 digits; a budget at its limit equals that double."""
        w = self.workload
        near = Start(solve_prices(w).tolist(), {}, ())
        found = polish_targets(feasible(w, Targets()), near)
        if found is None:
            raise LibraryError("the polish does not end")
        short, top = Context(SHIPPED, ROUND_HALF_EVEN), map(Decimal, w.max_tokens.tolist())
        tokens = [l if l == l_max else short.plus(l) for l, l_max in zip(found[0], top, strict=True)]
        return certify(w, tokens, SHIPPED_PROOF)

    def cones(self, form: str) -> Written:
        """Presolved or raw; the raw ones of a workload that nothing is stable in, too."""
        from cvxtoken.allocation.program.cones import cone_program

        cones = cone_program(self.workload, form, stable=False)
        types = cones.types.tolist()
        variables = {"types": types, "scale": cones.scale.tolist(), "names": [self.names[k] for k in types]}
        return Written(cones.program, cones.tokens, variables)

    def program(self, form: str) -> Modelled:
        """As `allocation.program` writes it."""
        from cvxtoken.allocation.program.forms import FORMS

        program = FORMS[form](self.workload)
        return Modelled(program.problem, lambda: program.tokens.value)

    def duals(self, proof: Certificate, form: str) -> FloatArray:
        """To 17 digits."""
        from cvxtoken.allocation.program.cones import cone_program

        return cone_program(self.workload, form).duals(proof.tokens)
