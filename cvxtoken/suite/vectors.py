"""Vectors as solvers return them: read, or refused with a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cvxtoken.arrays import FloatArray
from cvxtoken.conic.program import EXPONENTIAL, SECOND_ORDER, Cones

DUAL_TOLERANCE = 1e-4  # relative, of dual residuals, complementarity and rays
ROUGH = 1e-2  # of dual cones and rays, where the answer is said to be inaccurate


def real(value: Any) -> FloatArray:
    """The array of real numbers in a value; of complex ones NumPy would drop the imaginary parts.

    Raises:
        TypeError, ValueError: it is no such array.
    """
    array = np.asarray(value)
    if np.iscomplexobj(array):
        raise TypeError
    return np.asarray(array, dtype=float)


def kind_of(value: Any) -> str:
    """What a value is that is no array of real numbers: the type of its entries, or its own."""
    return str(value.dtype) if isinstance(value, np.ndarray) else type(value).__name__


def multipliers_of(duals: Sequence[Any]) -> tuple[FloatArray | None, str]:
    """The dual values of a problem's constraints as one vector, or None and what is wrong with them."""
    missing = [number for number, value in enumerate(duals) if value is None]
    if missing:
        return None, f"constraint {missing[0]} has no dual value, and others have"
    try:
        joined = np.concatenate([real(value).ravel() for value in duals])
    except (TypeError, ValueError):
        return None, f"dual values are no real numbers but {', '.join(map(kind_of, duals))}"
    return vector_of("the vector of multipliers", joined, None)


def vector_of(name: str, given: Any, shape: tuple[int, ...] | None) -> tuple[FloatArray | None, str]:
    """A vector of the right shape with finite numbers, or None and what is wrong with it."""
    try:
        vector = real(given)
    except (TypeError, ValueError):
        return None, f"{name} is no array of real numbers but {kind_of(given)}"
    if shape is not None and vector.size == int(np.prod(shape)):
        vector = vector.reshape(shape)
    if shape is not None and vector.shape != shape:
        return None, f"{name} has shape {vector.shape}; it must be {shape}"
    return (vector, "") if np.isfinite(vector).all() else (None, not_finite(name, vector))


def not_finite(name: str, vector: FloatArray) -> str:
    """The sentence about the first entry that is not finite; there is one."""
    row = int(np.flatnonzero(~np.isfinite(vector))[0])
    return f"{name} is not finite: entry {row} is {vector[row]}"


def outside_dual_cone(z: FloatArray, cones: Cones, tolerance: float = DUAL_TOLERANCE) -> str | None:
    """Which dual cone z lies outside of, by more than the tolerance of 1 + |z|; None where it is in all."""
    row = 0
    for kind, rows in cones:
        part = z[row : row + rows]
        slack = tolerance * (1 + float(np.abs(part).max(initial=0)))
        row += rows
        if kind == SECOND_ORDER:
            good = np.linalg.norm(part[1:]) <= part[0] + slack
        elif kind == EXPONENTIAL:  # -u e^(v / u) <= e w for u < 0
            u, v, w = part[0] - slack, part[1], part[2]
            with np.errstate(over="ignore"):
                good = u < 0 and -u * np.exp(min(v / u, 700)) <= np.e * (w + slack) + slack
        else:
            good = (part >= -slack).all()
        if not good:
            return (
                f"z is not in the dual of the {kind} cone of rows {row - rows} to {row - 1} "
                f"(tolerance {slack:.2g}): {np.array2string(part, precision=3, threshold=6)}"
            )
    return None
