"""What the files of all proofs share, whatever they prove: the gap, and how they are written and read."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from pathlib import Path
from typing import Any, TypeVar

from cvxtoken import verifier
from cvxtoken.errors import CertificateError, ProblemError
from cvxtoken.files import write_text

CERTIFIED_GAP = 1e-15  # relative; what is proven to less is not called an optimum

Proof = TypeVar("Proof")


def relative_gap(lower: Decimal, upper: Decimal, digits: int) -> Decimal:
    """(upper - lower) / (1 + least |J| between them), rounded up to 3 digits."""
    up, exact, down = (
        Context(3, ROUND_CEILING),
        Context(3 * digits, ROUND_CEILING),
        Context(3 * digits, ROUND_FLOOR),
    )
    least = Decimal(0) if lower <= 0 <= upper else min(lower.copy_abs(), upper.copy_abs())
    return up.divide(exact.subtract(upper, lower), down.add(1, least))


def write_proof(path: str | Path, document: dict[str, Any]) -> None:
    """Write a proof as JSON (ProblemError where the file cannot be written)."""
    write_text(path, json.dumps(document, indent=1) + "\n")


def read_proof(
    path: str | Path, check: Callable[[Any], str], build: Callable[[dict[str, Any]], Proof]
) -> Proof:
    """Read a proof, check it in full, and only then build it from its parsed file.

    Raises:
        CertificateError: the file cannot be read or does not prove what it states.
    """
    try:
        document = verifier.read(str(path))
        check(document)
        return build(document)
    except (verifier.Refused, ProblemError) as error:
        raise CertificateError(f"{path}: {error}") from error


def accepted(document: dict[str, Any], check: Callable[[Any], str], what: str) -> None:
    """Raise CertificateError where the checker refuses a proof that is about to be stated."""
    try:
        check(document)
    except verifier.Refused as refusal:
        raise CertificateError(f"the proof of the {what} was refused: {refusal}") from refusal
