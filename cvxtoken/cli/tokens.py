"""Allocations by name: the optimum, its rounding, one budget for all types, or a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cvxtoken.allocation.problem import Workload
from cvxtoken.allocation.reference import solve
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import ProblemError
from cvxtoken.files import nearest, read_document
from cvxtoken.whole.rounding import round_tokens


def named_tokens(workload: Workload, name: str) -> FloatArray:
    """The tokens that a name stands for, shape (N,).

    Args:
        workload: the instance.
        name: 'optimal', 'rounded' (the optimum rounded by 'best'), 'uniform:N' with a number N, or a .json
            or .toml file that maps every type's name to its tokens.

    Raises:
        ProblemError: there is no such name, or the file does not name every type.
        UnstableError: no allocation is stable.
    """
    if name in ("optimal", "rounded"):
        best = solve(workload).tokens
        return best if name == "optimal" else round_tokens(workload, best, "best").tokens.astype(float)
    kind, _, value = name.partition(":")
    if kind == "uniform":
        try:
            return np.full(len(workload), float(value))
        except ValueError as error:
            raise ProblemError(f"tokens is {name!r}; it must be 'uniform:' and a number") from error
    if Path(name).suffix in (".json", ".toml"):
        return _from_file(workload, name)
    raise ProblemError(f"tokens is {name!r}; it must be optimal, rounded, uniform:N or a .json or .toml file")


def _from_file(workload: Workload, path: str) -> FloatArray:
    document = read_document(path)
    for key in document:
        if key not in workload.names:
            raise ProblemError(f"{path}: {key!r} is not a type of the workload{nearest(key, workload.names)}")
    for name in workload.names:
        if name not in document:
            raise ProblemError(f"{path}: {name!r} is missing")
        if isinstance(document[name], bool) or not isinstance(document[name], int | float):
            raise ProblemError(f"{path}: {name!r} is {document[name]!r}; it must be a number of tokens")
    return np.array([float(document[name]) for name in workload.names])
