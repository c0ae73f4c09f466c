"""Proofs about budgets under any further constraints, by the exact cone program (derived here).

What is proven, and why, stands in `cvxtoken.verifier.constrained`, which writes the program anew from the
instance and checks it with code of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
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
from cvxtoken.allocation.targeted.feasible import Feasible
from cvxtoken.allocation.targeted.optimum import require_optimum
from cvxtoken.allocation.targets import Multipliers, Targets
from cvxtoken.conic.certificate import ENCLOSED, INFEASIBLE, ConicCertificate, document_of, program_of
from cvxtoken.conic.certify import certify_cone
from cvxtoken.conic.digest import digest
from cvxtoken.conic.program import ConeProgram
from cvxtoken.errors import CertificateError, TargetError
from cvxtoken.proofs import BoundsProof, Proof

DIGITS = 30  # of the gap that is asked for
_SIXTY = Context(60, ROUND_FLOOR)
_NO_PRICE = Decimal("1e-15")  # of J: what a target's limit must be worth at its price
_ROWS = ("rows", "columns", "cones", "exponents", "b", "A")


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
        program = exact_program(workload, targets, further).program
        stated = {name: document[name] for name in ("claim", "lower", "upper", "x", "z")}
        missing = {"program": document_of(program), "exponential": False, "ray": None, "far": None}
        return cls(workload, targets, further, ConicCertificate.from_document({**stated, **missing}))


@dataclass(frozen=True, eq=False)
class ConstrainedCertificate(ConstrainedProof, BoundsProof):
    """A proof that lower <= J(tokens) <= J* <= upper, of all allocations that meet targets and constraints.

    Attributes:
        lower, upper: bounds of J*, in s (or accuracy, where that is the objective).
        tokens: the allocation, in tokens, to 60 digits; the file holds it exactly.
        multipliers: of the targets, to 60 digits: the dual values of their rows.

    Raises:
        CertificateError: the proof is not one of two bounds.

    Source: derived here.
    """

    def __post_init__(self) -> None:
        if self.cone.claim != ENCLOSED or self.cone.lower is None or self.cone.upper is None:
            why = "; ".join(self.cone.notes) or f"its claim is {self.cone.claim!r}"
            raise CertificateError(f"the proof is not one of two bounds: {why}")

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
        return tuple(_rounded(self.cone.vectors["x"], range(len(self.workload))))

    @cached_property
    def multipliers(self) -> Multipliers:
        """See above; 0 stands for numbers that the proof needs, and that say nothing of prices."""
        rows = exact_program(self.workload, self.targets, self.further).rows
        found = dict(zip(rows, _rounded(self.cone.vectors["z"], rows.values()), strict=True))
        b, least = self.cone.program.b, _NO_PRICE * (1 + abs(self.upper))
        for key, row in rows.items():
            if found[key] * max(Decimal(1), Decimal(abs(float(b[row])))) <= least:
                found[key] = Decimal(0)
        limits, least_accuracies = (
            {str(name): x for (kind, name), x in found.items() if kind == wanted}
            for wanted in ("limits", "min_accuracy")
        )
        linear = tuple(x for (kind, _), x in found.items() if kind == "linear")
        return Multipliers(limits, least_accuracies, linear)

    @property
    def also_proven(self) -> str:
        """What is proven beside the bounds."""
        return "of the model, further constraints as CVXPY compiles them"


def _rounded(vector: dict[str, Any], places: Iterable[int]) -> Iterator[Decimal]:
    """Some numbers of a vector, to 60 digits."""
    stored = verifier.conic.Vector(vector, len(vector["values"]))
    numbers = stored.numbers()
    for n, d in (numbers[place] for place in places):
        yield _SIXTY.divide(Decimal(n), Decimal(d << stored.bits))


def certify_constrained(problem: Feasible, further: ConeProgram | None = None) -> ConstrainedCertificate:
    """The optimum under targets and further constraints, proven by the exact cone program.

    Args:
        problem: the instance and its targets.
        further: constraints on the tokens, which are its first columns; None for none.

    Raises:
        TargetError: no allocation meets targets and constraints; `proof` proves it.
        ProblemError: there is no optimum (the accuracy alone, with nothing that keeps the load below 1).
        CertificateError: nothing is proven, or one bound alone; the message says what stopped the search.
        MissingExtraError: python-flint is not installed.
    """
    workload, targets = problem.workload, problem.targets
    further = unconstrained(len(workload)) if further is None else further
    cone = certify_cone(exact_program(workload, targets, further).program, DIGITS)
    if cone.claim == INFEASIBLE:
        proof = ConstrainedProof(workload, targets, further, cone)
        proof.check()
        raise TargetError("no allocation meets the targets and constraints: this is proven", {}, proof)
    found = ConstrainedCertificate(workload, targets, further, cone)
    require_optimum(problem, _farthest(found))
    found.check()
    return found


def _farthest(proof: ConstrainedCertificate) -> list[Decimal]:
    """Tokens that the largest J, stable or not, does not exceed where J is the accuracy (see the checker)."""
    w, near = proof.workload, _SIXTY
    fields = (w.prior, w.accuracy_gain, w.saturation_rate, w.max_tokens)
    columns = ([Decimal(x) for x in field.tolist()] for field in fields)
    reached = []
    for l, pi, A, b, top in zip(proof.tokens, *columns, strict=True):
        scale = pi * A * near.exp(-b * l)
        q = near.sqrt(near.divide(proof.upper - proof.lower, scale)) if scale else Decimal(1)
        reached.append(min(top, l - 2 * near.ln(1 - q) / b) if q < 1 else top)
    return reached


def unconstrained(size: int) -> ConeProgram:
    """No rows on so many tokens."""
    return ConeProgram(sparse.csc_array((0, size)), np.zeros(0), np.zeros(size), 0.0, ())
