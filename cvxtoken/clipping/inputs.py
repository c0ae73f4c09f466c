"""Input lengths: a longer input makes every second of an answer longer.

A request whose input has M tokens takes S = g(M) (t0 + c min(N, n)) seconds, g(M) = 1 + growth (M - m0),
where t0 and c are measured at inputs of m0 tokens, and M and N are independent. So E[S] and E[S^2] are those
at m0 times E[g] and E[g^2].

Source: arXiv 2407.05347, second-hand: from 64 to 512 input tokens the latency rises by 8 %. That the rise is
    a
straight line, and a factor of the whole time, is this project's reading.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np

from cvxtoken.arrays import FloatArray
from cvxtoken.errors import ProblemError
from cvxtoken.lengths import LengthDistribution, from_document

GROWTH = 0.08 / (512 - 64)
REFERENCE = 64
_FACTORS = 64  # that are kept apart in the distribution of a service time


@dataclass(frozen=True, eq=False, kw_only=True)
class InputLengths:
    """The distribution of input lengths M, and g(M) = 1 + growth (M - reference).

    Attributes:
        lengths: of the inputs.
        growth: by what share of itself a time grows with each input token; not negative.
        reference: m0, the input tokens at which the times of a problem are measured.

    Raises:
        ProblemError: a field breaks its rule, or g is not positive for an input of one token.

    >>> fixed = InputLengths(lengths=LengthDistribution.uniform(512, 512))
    >>> round(fixed.mean, 6)
    1.08
    """

    lengths: LengthDistribution
    growth: float = GROWTH
    reference: int = REFERENCE

    def __post_init__(self) -> None:
        if not isinstance(self.lengths, LengthDistribution):
            raise ProblemError(f"inputs: lengths is {self.lengths!r}; it must be a LengthDistribution")
        growth, reference = self.growth, self.reference
        number = isinstance(growth, int | float | np.number) and not isinstance(growth, bool)
        if not number or not 0 <= growth < math.inf:
            raise ProblemError(f"inputs: growth is {growth!r}; it must be finite and not negative")
        if type(reference) is not int or not 1 <= reference <= 10**7:
            raise ProblemError(f"inputs: reference is {reference!r}; it must be a whole number from 1 to 1e7")
        if not 1 + growth * (1 - reference) > 0:
            raise ProblemError(
                f"inputs: growth is {growth} and reference {reference}; an input of one token would take "
                f"1 - {growth} * {reference - 1} times as long, which must be positive"
            )

    @cached_property
    def factors(self) -> FloatArray:
        """g(1), g(2), ..., shape (longest input,)."""
        return np.asarray(1 + self.growth * (np.arange(1.0, len(self.lengths) + 1) - self.reference))

    @property
    def mean(self) -> float:
        """E[g]."""
        return float(self.lengths.probabilities @ self.factors)

    @property
    def square(self) -> float:
        """E[g^2]."""
        return float(self.lengths.probabilities @ self.factors**2)

    def grouped(self) -> tuple[FloatArray, FloatArray]:
        """Probabilities and values of g, of at most 64: neighbours in a stretch of lengths, at their mean."""
        p = self.lengths.probabilities
        place = np.arange(len(p)) * _FACTORS // max(len(p), _FACTORS)
        weights, sums = (np.bincount(place, x).astype(np.float64) for x in (p, p * self.factors))
        kept = weights > 0
        return weights[kept], sums[kept] / weights[kept]

    @classmethod
    def from_table(cls, table: Any, folder: Path) -> Self:
        """Those of a parsed table: a distribution, and optionally `growth` and `reference`.

        Raises:
            ProblemError: it is no table, or a value breaks its rule.
            TypeError: a key is unknown or missing.
        """
        if not isinstance(table, Mapping):
            raise ProblemError(f"inputs is {table!r}; it must be a table")
        own = {key: table[key] for key in ("growth", "reference") if key in table}
        lengths = from_document({key: x for key, x in table.items() if key not in own}, folder)
        return cls(lengths=lengths, **own)

    def to_table(self) -> dict[str, Any]:
        """The table that `from_table` reads, the distribution as probabilities."""
        p = self.lengths.probabilities.tolist()
        numbers = {"growth": float(self.growth), "reference": self.reference}
        return {"distribution": "probabilities", "probabilities": p, **numbers}
