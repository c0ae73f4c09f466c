"""CVXPY's own test problems as they are installed, with the values that are stored beside them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import ModuleType
from typing import Any
from unittest import mock

import cvxpy as cp

VARIANTS: dict[str, tuple[Any, ...]] = {"axis": (0, 1), "objective_sense": ("min", "max")}
_INTEGER, _OTHER = "mi_", "power_cone_nd"  # of names: integer variables, power cones of more than 3 rows


@dataclass(frozen=True)
class Stored:
    """A problem of the bank; its value is infinite where there is no optimum, None where it is not stored."""

    name: str
    problem: cp.Problem
    value: float | None


def bank() -> list[Stored]:
    """The continuous problems, optimal ones and others, but for power cones of more than 3 rows."""
    from cvxpy.tests import solver_test_helpers as helpers

    names = [name for name, f in inspect.getmembers(helpers, inspect.isfunction) if name[-1:].isdigit()]
    names += [name for name, f in inspect.getmembers(helpers, inspect.isfunction) if name.endswith("_attr")]
    found = []
    for name in sorted(set(names)):
        make = getattr(helpers, name)
        if name.startswith(_INTEGER) or make.__module__ != helpers.__name__:
            continue
        asked = [key for key in VARIANTS if key in inspect.signature(make).parameters]
        variants: list[dict[str, Any]] = [{key: value} for key in asked for value in VARIANTS[key]] or [{}]
        for arguments in variants:
            test = make(**arguments)
            label = name + "".join(f" {key}={value}" for key, value in arguments.items())
            found.append(
                Stored(label, test.prob, None if test.expect_val is None else float(test.expect_val))
            )
    return found + infeasible(helpers)


def infeasible(helpers: ModuleType) -> list[Stored]:
    """The infeasible problems, which the bank makes inside of its tests: taken where they would be solved."""
    tests = helpers.StandardTestInfeasibleProblems
    found = []
    for name in sorted(vars(tests)):
        if name.startswith("test_") and not name.endswith(_OTHER):
            problem = caught(getattr(tests, name))
            worst = float("inf") if isinstance(problem.objective, cp.Minimize) else -float("inf")
            found.append(Stored(f"infeasible {name.removeprefix('test_')}", problem, worst))
    return found


class _CaughtError(Exception):
    """Where a problem would be solved."""


def caught(test: Callable[..., Any]) -> cp.Problem:
    """The problem that a test solves first."""
    seen: list[cp.Problem] = []

    def solve(problem: cp.Problem, *_: Any, **__: Any) -> None:
        seen.append(problem)
        raise _CaughtError

    with mock.patch.object(cp.Problem, "solve", solve), suppress(_CaughtError):
        test(solver="CLARABEL")
    return seen[0]
