"""The best budgets of a workload under targets, or those of the best accuracy under them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

import numpy as np

from cvxtoken import verifier
from cvxtoken.allocation import model
from cvxtoken.allocation.problem import Workload
from cvxtoken.allocation.proof.certificate import Certificate
from cvxtoken.allocation.targeted.optimum import certify_targets
from cvxtoken.allocation.targets import UPPER, Targets
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import LibraryError
from cvxtoken.library.problems.allocation import Allocation
from cvxtoken.library.problems.problem import FEASIBILITY, Problem
from cvxtoken.library.problems.written import CONES, Modelled, Written
from cvxtoken.proofs import CERTIFIED_GAP


@dataclass(frozen=True)
class TargetedTokens(Problem):
    """Maximise J, or the accuracy, under targets; an answer is the tokens, shape (N,).

    Attributes:
        workload: the types and the load.
        targets: the objective and what the tokens must meet.
    """

    kind = "targets"
    needs = CONES
    schema = verifier.allocation.TARGET_SCHEMA
    proof = Certificate

    workload: Workload
    targets: Targets

    @property
    def unit(self) -> str:
        """Of the objective."""
        return self.targets.unit

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
        """Of the workload and the targets."""
        return self.targets.sha256(self.workload)

    def to_record(self) -> dict[str, Any]:
        """The workload's names and numbers, and the targets."""
        return {"instance": self.workload.to_instance(), "targets": self.targets.to_document()}

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Self:
        """What `to_record` wrote."""
        return cls(Workload(**record["instance"]), Targets(**record["targets"]))

    def optimum(self, proof: Certificate) -> Decimal:
        """The largest objective."""
        return proof.lower

    def value(self, answer: FloatArray) -> float:
        """The objective at the tokens moved into the box."""
        w = self.workload
        l = np.clip(answer, 0, w.max_tokens)
        return float((model.objective if self.targets.delay_weight else model.mean_accuracy)(w, l))

    def broken(self, answer: FloatArray) -> str | None:
        """Whether tokens are outside the box, not stable, or miss a target by over 1e-6 of 1 + the limit."""
        reason = Allocation(self.workload).broken(answer)
        if reason is not None:
            return reason
        l = np.clip(answer, 0, self.workload.max_tokens)
        for name, missing, limit in self._missing(l):
            allowed = FEASIBILITY * (1 + abs(limit))
            if missing > allowed:
                return f"{name} of {limit:g} is missed by {missing:.3g} (tolerance {allowed:.2g})"
        return None

    def _missing(self, l: FloatArray) -> Iterator[tuple[str, float, float]]:
        """By target, how far tokens miss its limit, and the limit."""
        w, targets = self.workload, self.targets
        kinds = (model.mean_system_time, model.mean_wait, model.utilization, None, model.mean_kv_tokens)
        measure = dict(zip(UPPER, kinds, strict=True))
        for name, limit in targets.limits.items():
            of = measure[name]
            yield name, float(w.prior @ l if of is None else of(w, l)) - limit, limit
        for row in targets.linear:
            yield "a linear target", float(np.array(row[:-1]) @ l) - row[-1], row[-1]
        reached = dict(zip(w.names, model.accuracy(w, l).tolist(), strict=True))
        for name, least in targets.min_accuracy.items():
            yield f"the least accuracy of {name!r}", least - reached[name], least

    def prove(self) -> Certificate:
        """By the interior-point method and its polish."""
        found = certify_targets(self.workload, self.targets)
        if found.relative_gap > CERTIFIED_GAP:
            raise LibraryError(f"the optimum under targets is known to {found.relative_gap} relative only")
        return found

    def cones(self, form: str) -> Written:
        """Raw, or in x = b l."""
        from cvxtoken.allocation.program.target_cones import targeted_cones

        cones = targeted_cones(self.workload, self.targets, form)
        types = list(range(len(self.names)))
        variables = {"types": types, "scale": cones.scale.tolist(), "names": list(self.names)}
        return Written(cones.program, cones.tokens, variables)

    def program(self, form: str) -> Modelled:
        """As `allocation.program` writes it."""
        from cvxtoken.allocation.program.forms import program

        written = program(self.workload, form, self.targets)
        return Modelled(written.problem, lambda: written.tokens.value)
