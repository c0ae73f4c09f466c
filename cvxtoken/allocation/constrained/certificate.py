"""Proofs about budgets under any further constraints, by the exact cone program (derived here).

What is proven, and why, stands in `cvxtoken.verifier.constrained`, which writes the program anew from the
instance and checks it with code of its own.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Context, Decimal
from functools import cached_property
from types import ModuleType
from typing import Any, ClassVar, Self

import numpy as np
from scipy import sparse

from cvxtoken import verifier
from cvxtoken.allocation.constrained.exact import exact_program
from cvxtoken.allocation.problem import Workload
from cvxtoken.allocation.targets import Targets
from cvxtoken.conic.certificate import ENCLOSED, INFEASIBLE, ConicCertificate, document_of, program_of
from cvxtoken.conic.certify import certify_cone
from cvxtoken.conic.digest import digest
from cvxtoken.conic.program import ConeProgram
from cvxtoken.errors import CertificateError, TargetError
from cvxtoken.proofs import BoundsProof, Proof

DIGITS = 30  # of the gap that is asked for
_TOKENS = Context(60, ROUND_FLOOR)
_ROWS = ("rows", "columns", "cones", "b", "A")


@dataclass(frozen=True, eq=False)
class ConstrainedProof(Proof):
    """A proof about the exact program of an instance, its targets and further constraints.

    Attributes:
        workload, targets: the instance, and what the allocations must meet.
        further: the further constraints as cones on the tokens, which are its first columns, and on unknowns
            of their own.
        cone: the proof, of the program that `exact_program` makes of these.

    In the file (JSON) the instance and the targets are as in `Certificate`, the constraints hold their cones
    and the doubles of A and b, and x and z are as in `ConicCertificate`. `sha256` is taken of three lines:
    'cvxtoken-constrained/1', the SHA-256 of instance and targets (see `Certificate`) and that of the
    constraints' cone program (see `verifier.conic`), whose objective is 0.
    """

    checker: ClassVar[ModuleType] = verifier.constrained

    workload: Workload
    targets: Targets
    further: ConeProgram
    cone: ConicCertificate

    @property
    def sha256(self) -> str:
        """Of instance, targets and constraints, in hexadecimal."""
        lines = ["cvxtoken-constrained/1", self.targets.sha256(self.workload), digest(self.further), ""]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def to_document(self) -> dict[str, Any]:
        """The mapping that `save` writes."""
        rows, cone = document_of(self.further), self.cone.to_document()
        return {
            "schema": verifier.constrained.SCHEMA,
            "sha256": self.sha256,
            "instance": self.workload.to_instance(),
            "targets": self.targets.to_document(),
            "constraints": {name: rows[name] for name in _ROWS},
            **{name: cone[name] for name in ("claim", "lower", "upper", "x", "z")},
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Self:
        """The proof in a parsed file that has been checked."""
        workload, targets = Workload(**document["instance"]), Targets(**document["targets"])
        rows = document["constraints"]
        nothing = {"sense": "minimize", "offset": 0.0, "q": [0.0] * rows["columns"]}
        further = program_of({**rows, **nothing})
        program = exact_program(workload, targets, further)
        stated = {name: document[name] for name in ("claim", "lower", "upper", "x", "z")}
        missing = {"program": document_of(program), "exponential": False, "ray": None, "far": None}
        return cls(workload, targets, further, ConicCertificate.from_document({**stated, **missing}))


@dataclass(frozen=True, eq=False)
class ConstrainedCertificate(ConstrainedProof, BoundsProof):
    """A proof that lower <= J(tokens) <= J* <= upper, of all allocations that meet targets and constraints.

    Attributes:
        lower, upper: bounds of J*, in s (or accuracy, where that is the objective).
        tokens: the allocation, in tokens, to 60 digits; the file holds it exactly.

    Raises:
        CertificateError: the proof is not one of two bounds.

    Source: derived here.
    """

    def __post_init__(self) -> None:
        if self.cone.claim != ENCLOSED or self.cone.lower is None or self.cone.upper is None:
            raise CertificateError(f"the proof is not one of two bounds: its claim is {self.cone.claim!r}")

    @property
    def lower(self) -> Decimal:  # type: ignore[override]
        """See above."""
        return Decimal(self.cone.lower or 0)

    @property
    def upper(self) -> Decimal:  # type: ignore[override]
        """See above."""
        return Decimal(self.cone.upper or 0)

    @property
    def digits(self) -> int:  # type: ignore[override]
        """Those of the longer bound."""
        return max(len(bound.as_tuple().digits) for bound in (self.lower, self.upper))

    @cached_property
    def tokens(self) -> tuple[Decimal, ...]:
        """See above."""
        x = verifier.conic.Vector(self.cone.vectors["x"], self.cone.program.A.shape[1])
        numbers = x.numbers()[: len(self.workload)]
        return tuple(_TOKENS.divide(Decimal(n), Decimal(d << x.bits)) for n, d in numbers)


def certify_constrained(
    workload: Workload, targets: Targets, further: ConeProgram | None = None
) -> ConstrainedCertificate:
    """The optimum under targets and further constraints, proven by the exact cone program.

    Args:
        workload: the instance; some allocation is stable.
        targets: what the allocations must meet, and the objective.
        further: constraints on the tokens, which are its first columns; None for none.

    Raises:
        TargetError: no allocation meets targets and constraints; `proof` proves it.
        CertificateError: nothing is proven, or one bound alone; the message says what stopped the search.
        MissingExtraError: python-flint is not installed.
    """
    further = unconstrained(len(workload)) if further is None else further
    cone = certify_cone(exact_program(workload, targets, further), DIGITS)
    if cone.claim == INFEASIBLE:
        proof = ConstrainedProof(workload, targets, further, cone)
        proof.check()
        raise TargetError("no allocation meets the targets and constraints, which is proven", {}, proof)
    found = ConstrainedCertificate(workload, targets, further, cone)
    found.check()
    return found


def unconstrained(size: int) -> ConeProgram:
    """No rows on so many tokens."""
    return ConeProgram(sparse.csc_array((0, size)), np.zeros(0), np.zeros(size), 0.0, ())
