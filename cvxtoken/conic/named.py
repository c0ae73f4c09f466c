"""CVXPY problems by name, from what a user gives or a function of the user's returns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import cvxpy

from cvxtoken.errors import ProblemError


def is_problem(thing: Any) -> bool:
    """Whether something is a `cvxpy.Problem`."""
    return isinstance(thing, cvxpy.Problem)


def named_problems(given: Any, what: str = "problems") -> dict[str, Any]:
    """Several problems by name; those of a list are `problems[0]` and so on.

    Args:
        given: a mapping of names to problems, or an iterable of problems.
        what: how messages name it.

    Raises:
        ProblemError: it is something else, holds something else, or is empty.
    """
    if is_problem(given) or isinstance(given, str) or not isinstance(given, Iterable):
        raise ProblemError(f"{what} is a {type(given).__name__}; it must be a list or a mapping of problems")
    if isinstance(given, Mapping):
        named = dict(given)
    else:
        named = {f"problems[{place}]": problem for place, problem in enumerate(given)}
    for name, problem in named.items():
        if not isinstance(name, str):
            raise ProblemError(f"{what} has the name {name!r}; names must be text")
        if not is_problem(problem):
            raise ProblemError(f"{name} is a {type(problem).__name__}; it must be a cvxpy.Problem")
    if not named:
        raise ProblemError(f"{what} is empty; it must hold one problem at least")
    return named
