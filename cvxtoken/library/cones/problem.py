"""What a problem of the library of cone programs is, and how a family lists its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

Claim = Literal["enclosed", "infeasible", "unbounded"]
Builder = Callable[[], Any]
"""A function without arguments that returns a new `cvxpy.Problem`."""


@dataclass(frozen=True)
class ConeProblem:
    """A small convex problem whose answer is known by another road than a solver's.

    Attributes:
        name: `cones/FAMILY/NAME`.
        statement: the problem in words, with its formula.
        source: the book or paper that it is from, or whose problem it is an example of; 'our data' where the
            numbers are ours.
        claim: what is true of it: 'enclosed' (the optimal value is finite, attained or not), 'infeasible' or
            'unbounded'.
        build: makes the `cvxpy.Problem`, anew at each call.
        gp: it is a geometric program, which CVXPY solves with `gp=True`.
        rounded: what CVXPY or the builder rounds when the program is compiled; empty where nothing is, and
            the compiled program has exactly the stated optimum (with the doubles nearest to the decimals).
        without_proof: why no pair of a feasible point and a dual bound (or no separating vector) proves the
            claim; empty where there is one.
    """

    name: str
    statement: str
    source: str
    claim: Claim
    build: Builder = field(repr=False)
    gp: bool = False
    rounded: str = ""
    without_proof: str = ""

    @property
    def family(self) -> str:
        """The middle part of the name."""
        return self.name.split("/")[1]


class Family:
    """The problems of one file: each is a function, its name the problem's, its docstring the statement.

    >>> lines = Family("lines")
    >>> @lines.problem(source="our data")
    ... def no_length() -> None:
    ...     '''Minimise the length of a line: min |x|.'''
    >>> lines.problems[0].name, lines.problems[0].claim
    ('cones/lines/no-length', 'enclosed')
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.problems: list[ConeProblem] = []

    def problem(
        self,
        *,
        source: str,
        claim: Claim = "enclosed",
        gp: bool = False,
        rounded: str = "",
        without_proof: str = "",
    ) -> Callable[[Builder], Builder]:
        """Enter the function below as a problem of this family."""

        def enter(build: Builder) -> Builder:
            name = f"cones/{self.name}/{build.__name__.strip('_').replace('_', '-')}"
            statement = " ".join((build.__doc__ or "").split())
            self.problems.append(
                ConeProblem(name, statement, source, claim, build, gp, rounded, without_proof)
            )
            return build

        return enter
