"""Random numbers whose bits are the same on every machine: whole numbers, and decimals of few digits.

The raw 64-bit numbers of PCG64 and its seeding by SeedSequence are what NumPy promises not to change; how its
`Generator` makes other numbers of them it may change. What is made of them here is whole numbers, and one
division of two whole numbers below 2^53, which IEEE 754 fixes.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cvxtoken.arrays import FloatArray, IntArray

Shape = tuple[int, ...]
_FIRST, _LAST = 100, 999  # three digits


class Stream:
    """A sequence of random whole numbers."""

    def __init__(self, seed: int, name: str, number: int) -> None:
        """Of a seed, a name and a number of its own."""
        self._bits = np.random.PCG64(np.random.SeedSequence([seed, number, *name.encode()]))

    def integers(self, low: int, high: int | IntArray, shape: Shape) -> IntArray:
        """From low to high, both included, each as likely to 2^-32; high - low < 2^31."""
        raw = np.asarray(self._bits.random_raw(prod(shape)), np.uint64).reshape(shape) >> np.uint64(32)
        span = np.asarray(np.asarray(high) - low + 1, np.uint64)
        return ((raw * span) >> np.uint64(32)).astype(np.int64) + low


class Range(Protocol):
    """What the values of a field are drawn from."""

    def draw(self, stream: Stream, shape: Shape) -> FloatArray:
        """Values of this shape."""


@dataclass(frozen=True)
class Even:
    """Decimals at equal distances: low / parts, (low + 1) / parts, ..., high / parts, each as likely."""

    low: int
    high: int
    parts: int

    def draw(self, stream: Stream, shape: Shape) -> FloatArray:
        """Values of this shape."""
        return self.integers(stream, shape) / self.parts

    def integers(self, stream: Stream, shape: Shape) -> IntArray:
        """The same in units of 1 / parts."""
        return stream.integers(self.low, self.high, shape)

    def __str__(self) -> str:
        return f"{self.low / self.parts:g} to {self.high / self.parts:g} in steps of {1 / self.parts:g}"


@dataclass(frozen=True)
class Digits:
    """Three digits, 100 to 999, times 10^low to 10^high, each as likely: about log-uniform."""

    low: int
    high: int

    def draw(self, stream: Stream, shape: Shape) -> FloatArray:
        """Values of this shape."""
        digits = stream.integers(_FIRST, _LAST, shape)
        return scaled(digits, stream.integers(self.low, self.high, shape))

    def __str__(self) -> str:
        return f"three digits, {_FIRST}e{self.low} to {_LAST}e{self.high}, about log-uniform"


@dataclass(frozen=True)
class Chosen:
    """One of some numbers, each as likely."""

    values: tuple[float, ...]

    def draw(self, stream: Stream, shape: Shape) -> FloatArray:
        """Values of this shape."""
        return np.asarray(np.array(self.values)[stream.integers(0, len(self.values) - 1, shape)])

    def __str__(self) -> str:
        return ("one of " if len(self.values) > 1 else "") + ", ".join(f"{value:g}" for value in self.values)


def scaled(digits: IntArray, powers: IntArray) -> FloatArray:
    """The doubles nearest to digits 10^power, of whole digits below 1000 and powers from -22 to 19."""
    tens = np.array([10.0**k for k in range(23)])  # exact
    divided, multiplied = digits / tens[np.maximum(-powers, 0)], digits * tens[np.maximum(powers, 0)]
    return np.asarray(np.where(powers < 0, divided, multiplied))


def priors(stream: Stream, shape: Shape) -> IntArray:
    """Millionths, proportional to whole numbers from 200 to 1000 but for rounding; the first has the rest."""
    weights = stream.integers(200, 1000, shape)
    total: NDArray[np.int64] = weights.sum(axis=1, keepdims=True)
    parts = weights * 1_000_000 // total
    parts[:, 0] += 1_000_000 - parts.sum(axis=1)
    return parts
