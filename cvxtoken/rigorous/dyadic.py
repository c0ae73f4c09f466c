"""Arrays of dyadic numbers, whole numbers times a power of two: sums and products without any rounding.

Every double is one. Only e^-x is rounded, to any number of bits; its error is derived in docs/arrays.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cvxtoken.arrays import FloatArray
from cvxtoken.rigorous.decimals import whole_numbers

DECAY_UNITS = 16  # of 2^-bits: the largest error of `Dyadic.decay`
_PLACES, _DIGIT = 3, 8  # x is a whole number, three digits of 8 bits, and a rest below 2^-24
_SPARE = 16  # bits more in which the tables are made
Whole: TypeAlias = NDArray[Any]  # of Python's integers


@dataclass(frozen=True, slots=True)
class Dyadic:
    """Numbers whole 2^exponent, exactly; whole is of shape (n,)."""

    whole: Whole
    exponent: int

    @classmethod
    def of(cls, values: FloatArray) -> Dyadic:
        """Doubles of shape (n,), n at least 1."""
        whole, exponent = whole_numbers(values)
        return cls(np.array(whole, dtype=object), exponent)

    def __mul__(self, other: Dyadic) -> Dyadic:
        return Dyadic(self.whole * other.whole, self.exponent + other.exponent)

    def __add__(self, other: Dyadic) -> Dyadic:
        lowest = min(self.exponent, other.exponent)
        left, right = (x.whole << (x.exponent - lowest) for x in (self, other))
        return Dyadic(left + right, lowest)

    def total(self) -> Fraction:
        """The sum of all."""
        return Fraction(sum(self.whole.tolist())) * Fraction(2) ** self.exponent

    def decay(self, bits: int) -> Dyadic:
        """e^-x of numbers x >= 0, to 16 units of 2^-bits; bits from 32 to 4096."""
        shift = bits + self.exponent
        x = self.whole << shift if shift >= 0 else self.whole >> -shift
        first, *others = _tables(bits)
        found = first[np.minimum(x >> bits, len(first) - 1).astype(np.int64)]
        for place, table in enumerate(others, 1):
            digit = (x >> (bits - _DIGIT * place)) & (2**_DIGIT - 1)
            found = found * table[digit.astype(np.int64)] >> bits
        small = _PLACES * _DIGIT
        rest = x & ((1 << (bits - small)) - 1)
        return Dyadic(found * _series(rest, bits, small) >> bits, -bits)


def _series(x: Any, bits: int, small: int) -> Any:
    """e^-x by Taylor's series, in units of 2^-bits, of 0 <= x <= 2^-small in the same units."""
    terms, factorial = 1, 1
    while factorial.bit_length() - 1 + small * terms < bits:  # what is left out is below a unit
        terms += 1
        factorial *= terms
    one = 1 << bits
    found: Any = one
    for n in range(terms, 0, -1):
        found = one - (x * found >> bits) // n
    return found


@lru_cache(maxsize=8)
def _tables(bits: int) -> list[Whole]:
    """e^-j for j = 0, 1, .. until it is 0, then e^(-j/256), e^(-j/256^2) and e^(-j/256^3), in 2^-bits."""
    fine = bits + _SPARE
    tables = []
    for place in range(_PLACES + 1):
        step = _series(1 << (fine - _DIGIT * place), fine, _DIGIT * place)
        powers = [1 << fine]
        while len(powers) < 2**_DIGIT or (place == 0 and powers[-1] >> _SPARE):
            powers.append(powers[-1] * step >> fine)
        tables.append(np.array([power >> _SPARE for power in powers], dtype=object))
    return tables
