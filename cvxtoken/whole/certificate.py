"""The proof that whole tokens are the best ones, and its file; `cvxtoken.verifier.whole` checks it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from types import ModuleType
from typing import Any, ClassVar, Self

from cvxtoken import verifier
from cvxtoken.allocation.problem import Workload
from cvxtoken.proofs import BoundsProof


@dataclass(frozen=True)
class IntegerCertificate(BoundsProof):
    """A proof that lower <= J(tokens) <= J of the best whole allocation <= upper.

    `cvxtoken.verifier.whole` says why it is a proof.

    Attributes:
        workload: the instance.
        tokens: whole numbers, one a type.
        lower, upper: bounds of the best J over whole tokens, in s.
        z: t / y near the continuous optimum, one number a type; any non-negative numbers would be valid.
        v: likewise s / y; empty where service times are certain.
        z0: likewise 1 / y; 0 where the delay law has no constant.
        edges: 0 = y_0 < y_1 < ... = 1, the cells of the idle share y.
        multipliers: by cell, at least one, in s per s of mean service time; any number is valid.
        digits: the working precision of the check.

    Source: derived here.
    """

    checker: ClassVar[ModuleType] = verifier.whole

    workload: Workload
    tokens: tuple[int, ...]
    lower: Decimal
    upper: Decimal
    z: tuple[Decimal, ...]
    edges: tuple[Decimal, ...]
    multipliers: tuple[tuple[Decimal, ...], ...]
    digits: int
    v: tuple[Decimal, ...] = ()
    z0: Decimal = Decimal(0)

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Self:
        """The proof that a parsed file holds; the file must have been checked."""
        return cls(
            workload=Workload(**document["instance"]),
            tokens=tuple(document["tokens"]),
            lower=Decimal(document["lower"]),
            upper=Decimal(document["upper"]),
            z=tuple(map(Decimal, document["z"])),
            edges=tuple(map(Decimal, document["edges"])),
            multipliers=tuple(tuple(map(Decimal, nus)) for nus in document["multipliers"]),
            digits=document["digits"],
            v=tuple(map(Decimal, document.get("v", []))),
            z0=Decimal(document.get("z0", "0")),
        )

    def to_document(self) -> dict[str, Any]:
        """The mapping that `save` writes."""
        return {
            "schema": verifier.whole.SCHEMA,
            "sha256": self.workload.sha256,
            "instance": self.workload.to_instance(),
            **self.stated_bounds(),
            "tokens": list(self.tokens),
            "z": [str(z) for z in self.z],
            **({"v": [str(v) for v in self.v]} if self.v else {}),
            **({"z0": str(self.z0)} if self.z0 else {}),
            "edges": [str(edge) for edge in self.edges],
            "multipliers": [[str(nu) for nu in nus] for nus in self.multipliers],
        }
