"""The rules of a workload's fields, and the errors where one is broken: they name field, value and rule."""

from __future__ import annotations

import reprlib
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxtoken.arrays import FloatArray
from cvxtoken.errors import ProblemError
from cvxtoken.files import Document, nearest

REQUIRED = ("prior", "accuracy_gain", "saturation_rate", "base_accuracy", "overhead", "time_per_token")
RANDOM = ("deviation", "deviation_per_token")  # 0 where they are not given: service times are certain
PROMPT = "prompt_tokens"  # 0 where it is not given: nothing is said of the memory
OPTIONAL = (*RANDOM, PROMPT)
PER_TYPE = (*REQUIRED, *RANDOM)
OF_TYPES = (*REQUIRED, "max_tokens", *OPTIONAL)  # all arrays of a workload
SCALARS = ("arrival_rate", "accuracy_weight")
MAY_BE_ZERO = ("base_accuracy", "overhead", "max_tokens", *OPTIONAL)
TOLERANCE = 1e-9  # on sum(prior) = 1 and A + D <= 1, because published data are printed with few digits


def checked_names(names: Sequence[str]) -> tuple[str, ...]:
    """Printable names, all different (ProblemError)."""
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise ProblemError(f"names is {names!r}; it must be a sequence of names")
    names = tuple(names)
    if not names:
        raise ProblemError("names is empty; at least one type is needed")
    for name in names:
        if not isinstance(name, str) or not name or not name.isprintable():
            raise ProblemError(f"names holds {name!r}; a name must be printable text, not empty")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ProblemError(f"names holds {twice!r} twice; names must be different")
    return names


def checked_scalar(field: str, value: Any) -> float:
    """A finite number as a float, positive or at least not negative by the field's rule (ProblemError)."""
    if isinstance(value, np.ndarray | np.generic) and value.ndim == 0:
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ProblemError(f"{field} is {reprlib.repr(value)}; it must be a number")
    may_be_zero = field in MAY_BE_ZERO
    if not 0 <= value <= sys.float_info.max or (value == 0 and not may_be_zero):  # also for NaN
        rule = "not negative" if may_be_zero else "positive"
        raise ProblemError(f"{field} is {reprlib.repr(value)}; it must be finite and {rule}")
    return float(value) + 0.0  # -0.0 becomes 0.0


def checked_vector(field: str, values: Any, names: tuple[str, ...]) -> FloatArray:
    """A read-only copy of one number a name, by the field's rule (ProblemError, which names the field)."""
    if not isinstance(values, np.ndarray):
        if isinstance(values, str | Mapping) or not isinstance(values, Iterable):
            raise ProblemError(f"{field} is {reprlib.repr(values)}; it must be a list of numbers")
        values = list(values)
        for name, value in zip(names, values, strict=False):
            if isinstance(value, bool) or not isinstance(value, int | float | np.number):
                raise ProblemError(f"{field} of {name!r} is {reprlib.repr(value)}; it must be a number")
            if isinstance(value, int) and abs(value) > sys.float_info.max:
                raise ProblemError(f"{field} of {name!r} is {reprlib.repr(value)}; it must be finite")
        values = np.array([float(value) for value in values[: len(names)]] + values[len(names) :])
    array = np.asarray(values)
    if array.shape != (len(names),):
        raise ProblemError(
            f"{field} has shape {array.shape}; it must have one number a name, {len(names)} in all"
        )
    if array.dtype.kind not in "iuf":
        raise ProblemError(f"{field} is {reprlib.repr(values)}; it must be a list of numbers")
    array = array.astype(np.float64) + 0.0  # a copy, and -0.0 becomes 0.0
    if field in MAY_BE_ZERO:
        require(np.isfinite(array) & (array >= 0), field, array, names, "must be finite and not negative")
    else:
        require(np.isfinite(array) & (array > 0), field, array, names, "must be finite and positive")
    array.flags.writeable = False
    return array


def require(
    good: NDArray[np.bool_], field: str, values: FloatArray, names: tuple[str, ...], rule: str
) -> None:
    """Raise ProblemError for the first name whose value is not good; `rule` says what it 'must be'."""
    if not good.all():
        k = int(np.argmin(good))
        raise ProblemError(f"{field} of {names[k]!r} is {values[k]}; it {rule}")


def check_probabilities(
    prior: FloatArray, accuracy_gain: FloatArray, base_accuracy: FloatArray, names: tuple[str, ...]
) -> None:
    """Raise ProblemError where the priors do not sum to 1, or an accuracy may exceed 1, within TOLERANCE."""
    total = float(np.sum(prior))
    if abs(total - 1) > TOLERANCE:
        raise ProblemError(f"prior sums to {total}; it must sum to 1 within {TOLERANCE}")
    best = accuracy_gain + base_accuracy
    rule = f"must be at most 1 + {TOLERANCE}"
    require(best <= 1 + TOLERANCE, "accuracy_gain + base_accuracy", best, names, rule)


def check_keys(table: Document, required: list[str], optional: list[str], origin: str) -> None:
    """Raise ProblemError where a parsed table has an unknown key, or lacks a required one."""
    for key in table:
        if key not in required and key not in optional:
            raise ProblemError(f"{origin}: {key!r} is not a known key{nearest(key, [*required, *optional])}")
    for key in required:
        if key not in table:
            raise ProblemError(f"{origin}: {key!r} is missing")
