"""Vectors as solvers return them: read, or refused with a sentence."""

from __future__ import annotations

from typing import Any

import numpy as np

from cvxtoken.arrays import FloatArray


def vector_of(name: str, given: Any, shape: tuple[int, ...] | None) -> tuple[FloatArray | None, str]:
    """A vector of the right shape with finite numbers, or None and what is wrong with it."""
    try:
        vector = np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        return None, f"{name} is no array of numbers but {type(given).__name__}"
    if shape is not None and vector.size == int(np.prod(shape)):
        vector = vector.reshape(shape)
    if shape is not None and vector.shape != shape:
        return None, f"{name} has shape {vector.shape}; it must be {shape}"
    return (vector, "") if np.isfinite(vector).all() else (None, not_finite(name, vector))


def not_finite(name: str, vector: FloatArray) -> str:
    """The sentence about the first entry that is not finite; there is one."""
    row = int(np.flatnonzero(~np.isfinite(vector))[0])
    return f"{name} is not finite: entry {row} is {vector[row]}"
