"""The proof of the best budgets with lagged curves, and its file; `cvxtoken.verifier.lagged` checks it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from types import ModuleType
from typing import Any, ClassVar, Self

from cvxtoken import verifier
from cvxtoken.allocation.problem import Workload
from cvxtoken.lagged.problem import LaggedWorkload
from cvxtoken.proofs import BoundsProof


@dataclass(frozen=True)
class Leaf:
    """Where branch and bound stopped.

    Attributes:
        choices: of each type '.' (free, or it has no choice), '0' (off) or '1' (on).
        point: the tokens that give the leaf's bound; None where the choices leave nothing stable.
    """

    choices: str
    point: tuple[Decimal, ...] | None


@dataclass(frozen=True)
class LaggedCertificate(BoundsProof):
    """A proof that lower <= J(tokens) <= J of the best allocation <= upper.

    Why it is one stands in `cvxtoken.verifier.lagged`.

    Attributes:
        problem: the instance and its lags.
        tokens: the allocation, in tokens, exact.
        lower, upper: bounds of the best J, in s.
        leaves: of branch and bound; together they hold every allocation.
        digits: the working precision of the check.

    Source: derived here.
    """

    checker: ClassVar[ModuleType] = verifier.lagged

    problem: LaggedWorkload
    tokens: tuple[Decimal, ...]
    lower: Decimal
    upper: Decimal
    leaves: tuple[Leaf, ...]
    digits: int

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Self:
        """The proof in a parsed file that has been checked."""
        return cls(
            problem=LaggedWorkload(Workload(**document["instance"]), document["lag"]),
            tokens=_decimals(document["tokens"]),
            lower=Decimal(document["lower"]),
            upper=Decimal(document["upper"]),
            leaves=tuple(
                Leaf(leaf["choices"], None if leaf["point"] is None else _decimals(leaf["point"]))
                for leaf in document["leaves"]
            ),
            digits=document["digits"],
        )

    def to_document(self) -> dict[str, Any]:
        """The mapping that `save` writes."""
        return {
            "schema": verifier.lagged.SCHEMA,
            "sha256": self.problem.sha256,
            "instance": self.problem.workload.to_instance(),
            "lag": self.problem.lag.tolist(),
            **self.stated_bounds(),
            "tokens": _texts(self.tokens),
            "leaves": [
                {"choices": leaf.choices, "point": None if leaf.point is None else _texts(leaf.point)}
                for leaf in self.leaves
            ],
        }


def _decimals(texts: list[str]) -> tuple[Decimal, ...]:
    return tuple(map(Decimal, texts))


def _texts(numbers: tuple[Decimal, ...]) -> list[str]:
    return [str(number) for number in numbers]
