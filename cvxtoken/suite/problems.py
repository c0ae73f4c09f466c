"""The user's own CVXPY problems as instances: what is proven of each, and what that says of an answer.

The bounds of a certificate are of the problem as posed, and so are the values that answers are scored by. Of
a claim that is proven by little, such as infeasibility by a rounding error, solvers in doubles cannot know;
the margin says by how much it is proven.

infeasible    z in K* with A'z = 0 and b'z < 0: as 0 > b'z = s'z + z'(b - A x - s), a point that violates each
              row by at most e (1 + |b_i|) has e >= -b'z / sum |z_i| (1 + |b_i|), which is the margin
unbounded     the objective falls along the ray r by q'r < 0; the margin is -q'r / sum |r_j| (1 + |q_j|)

Derived here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from cvxtoken.conic.certificate import ENCLOSED, INFEASIBLE, ConicCertificate, approximate
from cvxtoken.conic.kept import kept_certificate, made_folder
from cvxtoken.conic.program import MAXIMIZE, ConeProgram
from cvxtoken.errors import CertificateError, ProblemError
from cvxtoken.files import nearest

Problems = Mapping[str, Any] | Iterable[Any]


@dataclass(frozen=True, eq=False)
class OwnProblem:
    """A problem of the user's with what is proven of it.

    Attributes:
        name: its key in a mapping, or 'problems[k]'.
        problem: the `cvxpy.Problem`.
        certificate: the proof, or None.
        reason: why nothing is proven of it, or not of both sides; empty where all is proven.
    """

    name: str
    problem: Any
    certificate: ConicCertificate | None
    reason: str = ""

    @property
    def proof(self) -> ConicCertificate:
        """The certificate of a problem that has one."""
        assert self.certificate is not None
        return self.certificate

    @property
    def program(self) -> ConeProgram:
        """What is proven, as cone data; of a geometric program its logarithm."""
        return self.proof.program

    @property
    def claim(self) -> str:
        """enclosed, infeasible or unbounded."""
        return self.proof.claim

    @property
    def has_point(self) -> bool:
        """Whether a feasible point is proven."""
        return "x" in self.proof.vectors

    @property
    def is_bounded(self) -> bool:
        """Whether it is proven that the objective is bounded over the feasible points."""
        return "z" in self.proof.vectors

    @property
    def bounds(self) -> tuple[float, float]:
        """The enclosure in doubles; infinite where a side is not proven."""
        lower, upper = self.proof.lower, self.proof.upper
        return (-np.inf if lower is None else float(lower)), (np.inf if upper is None else float(upper))

    @cached_property
    def margin(self) -> float:
        """By how much infeasibility or unboundedness is proven; infinite of an optimum."""
        p = self.program
        if self.claim == ENCLOSED:
            return np.inf
        if self.claim == INFEASIBLE:
            z = approximate(self.proof.vectors["z"])
            z /= np.abs(z).max()
            return float(-(p.b @ z) / (np.abs(z) @ (1 + np.abs(p.b))))
        r = approximate(self.proof.vectors["ray"])
        r /= np.abs(r).max()
        return float(-(p.q @ r) / (np.abs(r) @ (1 + np.abs(p.q))))

    def error(self, value: float) -> float:
        """How far a value is outside the enclosure, relative to 1 + |the bound|; infinite if no number."""
        lower, upper = self.bounds
        if lower <= value <= upper:
            return 0.0
        bound = lower if value < lower else upper
        return abs(value - bound) / (1 + abs(bound)) if np.isfinite(value) else np.inf

    def posed(self, value: float) -> float:
        """The value of the problem as posed, from q'x of the program."""
        found = value + self.program.offset
        if self.program.sense == MAXIMIZE:
            found = -found
        with np.errstate(over="ignore"):
            return float(np.exp(found)) if self.proof.exponential else found

    @property
    def truth(self) -> str:
        """What is proven, in a few words."""
        if self.claim != ENCLOSED:
            return f"it is proven to be {self.claim}, by at least {self.margin:.2g} relative"
        lower, upper = self.bounds
        if not self.has_point or not self.is_bounded:
            known = f"at least {lower + 0.0:.9g}" if upper == np.inf else f"at most {upper + 0.0:.9g}"
            return f"its optimum is proven to be {known}" + ("" if self.has_point else ", if it is feasible")
        return f"its optimum is proven to be {0.0 if lower <= 0 <= upper else upper:.9g}"


def own_problems(
    problems: Problems,
    include: str | Iterable[str] = "*",
    exclude: str | Iterable[str] = (),
    certificates: str | Path | None = None,
) -> Iterator[OwnProblem]:
    """Each problem that is chosen, certified when its turn comes.

    Args:
        problems: `cvxpy.Problem`s, by name or in a list.
        include: patterns over names.
        exclude: the same.
        certificates: a folder that keeps the proofs from one run to the next.

    Raises:
        ProblemError: there is none, something else is among them, or a pattern matches none.
        MissingExtraError: a problem must be certified, and python-flint is not installed.
    """
    from cvxtoken.conic.named import named_problems  # brings CVXPY

    chosen = _chosen(named_problems(problems), include, exclude)
    if certificates is not None:
        made_folder(certificates)
    return (_certified(name, problem, certificates) for name, problem in chosen.items())


def _certified(name: str, problem: Any, folder: str | Path | None) -> OwnProblem:
    try:
        found = kept_certificate(problem, folder)
    except (ProblemError, CertificateError) as error:
        return OwnProblem(name, problem, None, str(error))
    own = OwnProblem(name, problem, found)
    if found.is_whole:
        return own
    return replace(own, reason="; ".join([f"{own.truth}, and no more", *dict.fromkeys(found.notes)]))


def _chosen(
    named: dict[str, Any], include: str | Iterable[str], exclude: str | Iterable[str]
) -> dict[str, Any]:
    wanted, unwanted = ([p] if isinstance(p, str) else list(p) for p in (include, exclude))
    for pattern in (*wanted, *unwanted):
        if not any(_matches(name, [pattern]) for name in named):
            raise ProblemError(f"{pattern!r} matches no problem{nearest(pattern, named)}")
    return {n: p for n, p in named.items() if _matches(n, wanted) and not _matches(n, unwanted)}


def _matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether a name is one of the patterns, or is matched by one: brackets in a name are no pattern."""
    return any(name == pattern or fnmatchcase(name, pattern) for pattern in patterns)
