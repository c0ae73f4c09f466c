"""All problems of the library of cone programs, in the order of their families."""

from __future__ import annotations

from fnmatch import fnmatchcase

from cvxtoken.library.cones import (
    channels,
    degenerate,
    design,
    entropy,
    finance,
    geometric,
    infeasible,
    logistic,
    logsumexp,
    markets,
    medium,
    scaled,
    signals,
    socp,
    unbounded,
)
from cvxtoken.library.cones.problem import ConeProblem

FAMILIES = [
    *(entropy.family, logsumexp.family, logistic.family, geometric.family, finance.family, channels.family),
    *(design.family, markets.family, socp.family, signals.family, medium.family),
    *(degenerate.family, scaled.family, infeasible.family, unbounded.family),
]


def cone_problems(pattern: str = "*") -> list[ConeProblem]:
    """The problems whose name fits a pattern, with or without the leading `cones/`.

    Args:
        pattern: of file names: `*` for any text, `?` for a letter; `entropy/*` is a family.

    Returns:
        The problems; none if no name fits.

    >>> [problem.name for problem in cone_problems("finance/kelly-coin")]
    ['cones/finance/kelly-coin']
    """
    wanted = pattern.removeprefix("cones/")
    return [
        problem
        for family in FAMILIES
        for problem in family.problems
        if fnmatchcase(problem.name.removeprefix("cones/"), wanted)
    ]
