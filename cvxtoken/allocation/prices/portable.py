"""Instances whose optimum is sought by + - * / alone, so that every bit of it is the same on every machine.

NumPy's and the C library's exp and log, and NumPy's sums of products, change their last bits with the
processor and the version. The search for the prices needs nothing else of that kind.
"""

from __future__ import annotations

from typing import Self

import numpy as np

from cvxtoken.allocation.prices.columns import Columns
from cvxtoken.arrays import FloatArray
from cvxtoken.rigorous import elementary
from cvxtoken.rigorous.pairs import fold


class PortableColumns(Columns):
    """`Columns` with logarithm, exponential and sums of `rigorous`, in double precision alone."""

    @staticmethod
    def log(x: float | FloatArray, out: FloatArray | None = None) -> FloatArray:
        """The natural logarithm to 5 u, in place of `out` where that is given."""
        found = elementary.log(np.asarray(x, np.float64))
        if out is None:
            return found
        out[...] = found
        return out

    @staticmethod
    def exp(x: float | FloatArray) -> FloatArray:
        """The exponential, of exponents from -600 to 600; those beyond are taken as the ends."""
        return elementary.exp(np.asarray(x, np.float64))

    @staticmethod
    def add(values: FloatArray) -> FloatArray:
        """sum_k value_k over the types, in a fixed order."""
        return fold(values.copy())

    @staticmethod
    def total(weights: FloatArray, values: FloatArray) -> FloatArray:
        """sum_k weight_k value_k over the types, in a fixed order."""
        return fold(weights * values)

    def log_level(self, half: float | FloatArray) -> FloatArray:
        """log(direct + half) to 2^-52; nearer, prices near 1 cannot be told."""
        return self.log(self.law.direct + half)

    def single(self) -> Self:
        """The same instances: single precision has no such logarithm."""
        return self
