"""CVXPY's solvers made to fail, in every way in which a run can."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import cvxpy as cp
import numpy as np
import pytest

_SOLVE = cp.Problem.solve


def _raising(failure: Exception) -> Callable[..., None]:
    def solve(problem: cp.Problem, *_: Any, **__: Any) -> None:
        raise failure

    return solve


def _ending(status: str, value: float | None) -> Callable[..., None]:
    """Every variable of one value, or of none, and a status."""

    def solve(problem: cp.Problem, *_: Any, **__: Any) -> None:
        for variable in problem.variables():
            variable.save_value(None if value is None else np.full(variable.shape, value))
        problem._status = status

    return solve


FAILURES: dict[str, Callable[..., None]] = {
    "solver error": _raising(cp.SolverError("broken")),
    "an exception without a word": _raising(RuntimeError()),
    "overflow": _raising(OverflowError("too large")),
    "user_limit without a point": _ending("user_limit", None),
    "infeasible_or_unbounded": _ending("infeasible_or_unbounded", None),
    "optimal without a point": _ending("optimal", None),
    "optimal, not a number": _ending("optimal", np.nan),
    "optimal, infinite": _ending("optimal", np.inf),
}


def fail(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """Make every solve of CVXPY fail so."""
    monkeypatch.setattr(cp.Problem, "solve", FAILURES[how])


def claim(monkeypatch: pytest.MonkeyPatch, status: str) -> None:
    """Let every solve of CVXPY do its work, and then claim this status."""

    def solve(problem: cp.Problem, *arguments: Any, **options: Any) -> None:
        _SOLVE(problem, *arguments, **options)
        problem._status = status

    monkeypatch.setattr(cp.Problem, "solve", solve)


def without_flint(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let python-flint be missing for whatever is imported from now on."""
    for name in [name for name in sys.modules if name.startswith("cvxtoken.conic.search")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "flint", None)
