"""What proofs of all kinds share: the gap, files, and what is called certified."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, Self

from cvxtoken import verifier
from cvxtoken.errors import CertificateError, ProblemError
from cvxtoken.files import write_text
from cvxtoken.rigorous import double_above, double_below

CERTIFIED_GAP = 1e-15  # relative; a result with a larger proven gap is not called certified


class Proof(ABC):
    """A statement that a checker on its own proves again from a file.

    Attributes:
        checker: the module of `cvxtoken.verifier` that knows this kind.
    """

    checker: ClassVar[ModuleType]

    @abstractmethod
    def to_document(self) -> dict[str, Any]:
        """The mapping that `save` writes."""

    @classmethod
    @abstractmethod
    def from_document(cls, document: dict[str, Any]) -> Self:
        """The proof that a parsed file holds; the file must have been checked."""

    def check(self) -> str:
        """The line that states what is proven (CertificateError: the checker refuses the proof)."""
        try:
            line: str = self.checker.check(self.to_document())
        except verifier.Refused as refusal:
            raise CertificateError(f"the proof was refused: {refusal}") from refusal
        return line

    def save(self, path: str | Path) -> None:
        """Write the proof as JSON (ProblemError where the file cannot be written)."""
        write_text(path, json.dumps(self.to_document(), indent=1) + "\n")

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a proof: check the parsed file in full, and only then build the proof from it.

        Raises:
            CertificateError: the file cannot be read or does not prove what it states.
        """
        try:
            document = verifier.read(str(path))
            cls.checker.check(document)
            return cls.from_document(document)
        except (verifier.Refused, ProblemError) as error:
            raise CertificateError(f"{path}: {error}") from error


class BoundsProof(Proof):
    """A proof that an optimum J* lies between two bounds, and that given tokens reach the lower one.

    Attributes:
        lower, upper: the bounds.
        digits: the working precision in which they can be checked.
    """

    lower: Decimal
    upper: Decimal
    digits: int

    @property
    def relative_gap(self) -> Decimal:
        """(upper - lower) / (1 + least |J| between them), rounded up to 3 digits."""
        lower, upper, up = self.lower, self.upper, Context(3, ROUND_CEILING)
        exact, down = Context(3 * self.digits, ROUND_CEILING), Context(3 * self.digits, ROUND_FLOOR)
        least = Decimal(0) if lower <= 0 <= upper else min(lower.copy_abs(), upper.copy_abs())
        return up.divide(exact.subtract(upper, lower), down.add(1, least))

    def stated_bounds(self) -> dict[str, Any]:
        """The part of the document that all proofs of bounds have."""
        bounds = {"lower": self.lower, "upper": self.upper, "relative_gap": self.relative_gap}
        return {"digits": self.digits, **{name: str(value) for name, value in bounds.items()}}


class Proven:
    """A result with its proof. What it states of the optimum is what the proof says, rounded outward.

    Attributes:
        certificate: the proof; `certificate.save(path)` writes it for anyone to check.
        seconds: of the whole call that made this.
    """

    certificate: BoundsProof
    seconds: float

    @property
    def status(self) -> str:
        """'certified' where the proven relative gap is at most 1e-15, else 'uncertified'."""
        return "certified" if self.relative_gap <= CERTIFIED_GAP else "uncertified"

    @property
    def objective(self) -> float:
        """The objective at the tokens, evaluated rigorously and rounded to the nearest double."""
        return float(self.certificate.lower)

    @property
    def lower(self) -> float:
        """Proven lower bound of the optimum, rounded down to a double."""
        return double_below(self.certificate.lower)

    @property
    def upper(self) -> float:
        """Proven upper bound of the optimum, rounded up to a double."""
        return double_above(self.certificate.upper)

    @property
    def relative_gap(self) -> float:
        """Proven (upper - lower) / (1 + |J|), |J| being the least between the bounds."""
        return float(self.certificate.relative_gap)

    def proven_document(self) -> dict[str, Any]:
        """The part of `to_document` that all results have."""
        names = ("status", "objective", "lower", "upper", "relative_gap", "seconds")
        return {name: getattr(self, name) for name in names}
