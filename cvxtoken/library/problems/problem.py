"""What a problem of the library is: its data, the forms it can be written in, and the rule for its answers.

An instance is a problem and a proof of its optimum. Whatever the kind, an answer is one vector of numbers
(tokens, weights of limits, starts), and what it is worth is a relative error against the proven optimum:

    error = (loss against the proven optimum) / (1 + |optimum|),   infinite where the answer breaks a rule.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from decimal import Decimal
from typing import Any, ClassVar, Self

import numpy as np

from cvxtoken.arrays import FloatArray
from cvxtoken.errors import LibraryError
from cvxtoken.library.problems.written import Modelled, Written
from cvxtoken.proofs import Proof

FEASIBILITY = 1e-6  # relative to 1 + the limit: so far may an answer break a rule
WHOLENESS = 1e-5  # so far may a number that must be whole be from one; solvers promise 1e-6


class Problem(ABC):
    """A problem of one kind.

    Attributes:
        kind: the kind's name, in records and in the index of exported folders.
        needs: of a solver: kinds of cones, and 'integers' where numbers must be whole.
        symbol: of the objective.
        sense: 1 where the objective is minimised, -1 where it is maximised.
        schema: of the proof's document.
        proof: the class of the proof.
    """

    kind: ClassVar[str]
    needs: ClassVar[frozenset[str]]
    symbol: ClassVar[str] = "J"
    sense: ClassVar[int] = -1
    schema: ClassVar[str]
    proof: ClassVar[type[Proof]]

    @property
    def unit(self) -> str:
        """Of the objective."""
        return "s"

    @property
    @abstractmethod
    def data(self) -> Any:
        """What a function of this kind of problem takes."""

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """Of the numbers of an answer."""

    @property
    @abstractmethod
    def sha256(self) -> str:
        """Of the exact data, in hexadecimal, as its proof states it."""

    @abstractmethod
    def to_record(self) -> dict[str, Any]:
        """The part of the proof's document that says what the problem is."""

    @classmethod
    @abstractmethod
    def from_record(cls, record: dict[str, Any]) -> Self:
        """What `to_record` wrote (ProblemError: the data break a rule)."""

    @abstractmethod
    def optimum(self, proof: Any) -> Decimal:
        """The proven optimum, or of an interval the end that an answer must reach."""

    def best(self, proof: Any) -> FloatArray:
        """The proven answer, as doubles."""
        return np.array([float(l) for l in proof.tokens])

    @abstractmethod
    def value(self, answer: FloatArray) -> float:
        """The objective at an answer, moved to where the rules hold; infinitely bad where that is nowhere."""

    @abstractmethod
    def broken(self, answer: FloatArray) -> str | None:
        """Which rule an answer breaks by more than rounding, with the figure and the tolerance; or None."""

    @abstractmethod
    def prove(self) -> Proof:
        """The optimum with its proof (LibraryError: there is none good enough to be shipped)."""

    @abstractmethod
    def cones(self, form: str) -> Written:
        """As cone data, presolved or raw."""

    def program(self, form: str) -> Modelled:
        """As a CVXPY problem, presolved or raw: that of the cone data, unless the kind has one of its own."""
        from cvxtoken.library.problems.modelled import modelled

        return modelled(self.cones(form), self.sense)

    def duals(self, proof: Any, form: str) -> FloatArray | None:
        """The dual values of the cone data at the optimum, or None where they are not known."""
        return None

    def error(self, answer: FloatArray, proof: Any) -> float:
        """The relative loss against the proven optimum; infinite where a rule is broken."""
        if self.broken(answer):
            return math.inf
        best = float(self.optimum(proof))
        return self.sense * (self.value(answer) - best) / (1 + abs(best))

    def copy(self) -> Self:
        """The same problem, of which a solver may change the data."""
        return type(self).from_record(self.to_record())

    def read_proof(self, record: dict[str, Any]) -> Any:
        """The proof in an instance's record."""
        return self.proof.from_document(self.document(record))

    def document(self, record: dict[str, Any]) -> dict[str, Any]:
        """The proof as a file holds it; `verifier.check` checks it."""
        head = {"schema": self.schema, "sha256": record["sha256"]}
        return {**head, **self.to_record(), **record["certificate"]}

    def proven(self) -> dict[str, Any]:
        """The part of an instance's record that is proven, checked once more."""
        found = self.prove()
        found.check()
        stated = found.to_document()
        known = {"schema", "sha256", *self.to_record()}
        if stated["sha256"] != self.sha256:
            raise LibraryError(f"the proof is of {stated['sha256']}, not of {self.sha256}")
        return {"certificate": {key: value for key, value in stated.items() if key not in known}}


def away_from_whole(names: tuple[str, ...], answer: FloatArray) -> str | None:
    """Which number of an answer is not whole, or None."""
    off = np.abs(answer - np.rint(answer))
    k = int(np.argmax(off))
    if off[k] <= WHOLENESS:
        return None
    return f"that of {names[k]!r} is {answer[k]:.9g}, not a whole number (tolerance {WHOLENESS:g})"
