"""The proof of a robust optimum, and its file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from types import ModuleType
from typing import Any, ClassVar, Self

from cvxtoken import verifier
from cvxtoken.allocation.problem import Workload
from cvxtoken.precision import SIGNS, SQUARED
from cvxtoken.proofs import BoundsProof
from cvxtoken.robust.bounds import EnsembleBounds
from cvxtoken.robust.problem import Ensemble


@dataclass(frozen=True)
class RobustCertificate(BoundsProof):
    """A proof that lower <= mean J(tokens) <= best mean J <= upper, over the draws of an ensemble.

    Why it is one stands in `cvxtoken.verifier.robust`.

    Attributes:
        ensemble: the draws.
        tokens: the allocation, one number a type, exact.
        lower, upper: bounds of the best mean J, in s.
        ends: of each type, tokens beyond which its least cost cannot lie.
        digits: the working precision of the check.

    In the file `instances` are the draws, each as in `Certificate`, and `sha256` is that of the ensemble.

    Source: derived here.
    """

    checker: ClassVar[ModuleType] = verifier.robust

    ensemble: Ensemble
    tokens: tuple[Decimal, ...]
    lower: Decimal
    upper: Decimal
    ends: tuple[Decimal, ...]
    digits: int = SQUARED + SIGNS

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Self:
        """The proof in a parsed file that has been checked."""
        return cls(
            ensemble=Ensemble([Workload(**instance) for instance in document["instances"]]),
            tokens=tuple(map(Decimal, document["tokens"])),
            lower=Decimal(document["lower"]),
            upper=Decimal(document["upper"]),
            ends=tuple(map(Decimal, document["ends"])),
            digits=document["digits"],
        )

    def to_document(self) -> dict[str, Any]:
        """The mapping that `save` writes."""
        return {
            "schema": verifier.robust.SCHEMA,
            "sha256": self.ensemble.sha256,
            "instances": [draw.to_instance() for draw in self.ensemble.draws],
            **self.stated_bounds(),
            "tokens": [str(l) for l in self.tokens],
            "ends": [str(end) for end in self.ends],
        }


def certify_robust(ensemble: Ensemble, tokens: Iterable[float]) -> RobustCertificate:
    """Bound the best mean J from any allocation, rigorously; a checker redoes it before it is stated.

    Args:
        ensemble: the draws.
        tokens: shape (N,), in the box.

    Raises:
        UnstableError: the utilisation is not surely below 1 in every draw.
        CertificateError: the checker does not accept the proof, such as that of numbers beyond its range.
    """
    exact = [Decimal(l) for l in tokens]
    bounds = EnsembleBounds(ensemble, exact)
    proof = RobustCertificate(ensemble, tuple(exact), bounds.lower, bounds.upper, tuple(bounds.ends))
    proof.check()
    return proof
