"""The proof of the best budgets for one queue, and its file; `cvxtoken.verifier.pooled` checks it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from types import ModuleType
from typing import Any, ClassVar, Self

from cvxtoken import verifier
from cvxtoken.allocation.problem import Workload
from cvxtoken.pooled.bounds import Cell
from cvxtoken.pooled.line import Line
from cvxtoken.pooled.problem import PooledWorkload
from cvxtoken.proofs import BoundsProof


@dataclass(frozen=True)
class PooledCertificate(BoundsProof):
    """A proof that lower <= J(tokens) <= J of the best allocation <= upper, under Lee and Longton's law.

    Why it is one stands in `cvxtoken.verifier.pooled`.

    Attributes:
        problem: the instance and its number of servers.
        tokens: the allocation, in tokens, exact.
        lower, upper: bounds of the best J, in s.
        start: where the first cell of the load begins.
        cells: of the load, up to R; together they hold every allocation.
        digits: the working precision of the check.

    Source: derived here.
    """

    checker: ClassVar[ModuleType] = verifier.pooled

    problem: PooledWorkload
    tokens: tuple[Decimal, ...]
    lower: Decimal
    upper: Decimal
    start: Decimal
    cells: tuple[Cell, ...]
    digits: int

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Self:
        """The proof in a parsed file that has been checked."""
        return cls(
            problem=PooledWorkload(Workload(**document["instance"]), document["servers"]),
            tokens=_decimals(document["tokens"]),
            lower=Decimal(document["lower"]),
            upper=Decimal(document["upper"]),
            start=Decimal(document["start"]),
            cells=tuple(map(_cell, document["cells"])),
            digits=document["digits"],
        )

    def to_document(self) -> dict[str, Any]:
        """The mapping that `save` writes."""
        return {
            "schema": verifier.pooled.SCHEMA,
            "sha256": self.problem.sha256,
            "instance": self.problem.workload.to_instance(),
            "servers": self.problem.servers,
            **self.stated_bounds(),
            "tokens": _texts(self.tokens),
            "start": str(self.start),
            "cells": [
                {"end": str(cell.right), "price": str(cell.price)}
                if cell.line is None
                else {
                    "end": str(cell.right),
                    "line": [str(cell.line.u), str(cell.line.s)],
                    "point": _texts(cell.point),
                }
                for cell in self.cells
            ],
        }


def _cell(document: dict[str, Any]) -> Cell:
    right = Decimal(document["end"])
    if "price" in document:
        return Cell(right, None, (), Decimal(document["price"]))
    u, s = _decimals(document["line"])
    return Cell(right, Line(u, s), _decimals(document["point"]))


def _decimals(texts: list[str]) -> tuple[Decimal, ...]:
    return tuple(map(Decimal, texts))


def _texts(numbers: tuple[Decimal, ...]) -> list[str]:
    return [str(number) for number in numbers]
