"""The shipped instances with their certified optima; reading them checks the files' sums."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase
from fractions import Fraction
from functools import cache, cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np

from cvxtoken import verifier
from cvxtoken.allocation.problem import Workload
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import LibraryError, ProblemError
from cvxtoken.files import nearest
from cvxtoken.library.generate import FAMILIES
from cvxtoken.library.problems import read_problem
from cvxtoken.library.problems.problem import Problem
from cvxtoken.whole.certificate import IntegerCertificate

SCHEMA = "cvxtoken-instance/1"
FOLDER = Path(__file__).parent / "truth"
SUMS = "SHA256SUMS"
PLAIN = "allocation"  # the kind of records that name none
DUALS_STORED = 100  # types; with more, dual values are not stored but computed from the optimum


@dataclass(frozen=True)
class Instance:
    """An instance with its ground truth.

    Attributes:
        id: 'family/name'.
        knob: what its family varies, with the unit.
        value: of the knob.
        since: the version that first had it.
        seed: of its random numbers, or None.
        record: as shipped; every reading shares it, so it is not to be changed.
    """

    id: str
    knob: str
    value: str
    since: str
    seed: int | None
    record: dict[str, Any]

    @property
    def family(self) -> str:
        """The part of the id before the slash."""
        return self.id.partition("/")[0]

    @property
    def kind(self) -> str:
        """Of its problem: one of `cvxtoken.library.problems.KINDS`."""
        return str(self.record.get("kind", PLAIN))

    @cached_property
    def problem(self) -> Problem:
        """The instance itself, its SHA-256 compared.

        Raises:
            LibraryError: it is not the instance that the ground truth belongs to.
        """
        stored = self.record if self.kind == PLAIN else self.record["problem"]
        problem = read_problem(self.kind, stored)
        if problem.sha256 != self.record["sha256"]:
            raise LibraryError(f"{self.id}: the instance's SHA-256 is not {self.record['sha256']}")
        return problem

    @cached_property
    def workload(self) -> Workload:
        """The workload of a plain allocation.

        Raises:
            LibraryError: it is not the instance that the ground truth belongs to.
            ProblemError: the instance is of another kind, and asks for more than its workload says.
        """
        data = self.problem.data
        if self.kind != PLAIN:
            raise ProblemError(
                f"{self.id} is of kind {self.kind!r}: take its `problem`; it is no plain workload"
            )
        return cast(Workload, data)

    @property
    def feasible(self) -> bool:
        """Whether there is any answer; where there is none, no allocation is stable."""
        return "certificate" in self.record

    @property
    def witness(self) -> Fraction:
        """The utilisation at zero tokens of an infeasible instance, exactly: 1 or more (ProblemError)."""
        if self.feasible:
            raise ProblemError(f"{self.id} is feasible: there is no witness that it is not")
        return Fraction(self.record["witness"])

    @cached_property
    def certificate(self) -> Any:
        """The proven optimum, of the class of the kind's proof; of a plain allocation a `Certificate`.

        That has tokens to 40 digits, and a relative gap of at most 1e-60 (ProblemError: infeasible).
        """
        if not self.feasible:
            raise ProblemError(f"{self.id} is infeasible: it has no optimum")
        return self.problem.read_proof(self.record)

    @cached_property
    def tokens(self) -> FloatArray:
        """The optimal tokens, or the best answer of another kind, shape (N,)."""
        return self.problem.best(self.certificate)

    @cached_property
    def optimum(self) -> Decimal:
        """The proven optimum, such as J* (ProblemError: infeasible)."""
        return self.problem.optimum(self.certificate)

    @property
    def objective(self) -> float:
        """J*, or what the kind calls its objective, to the nearest double."""
        return float(self.optimum)

    @property
    def minimised(self) -> float:
        """The optimal value of what cone data minimise: -J*."""
        return self.problem.sense * self.objective

    def error(self, answer: FloatArray) -> float:
        """The relative loss of an answer, of one number each of `problem.names`; infinite if it is none."""
        return self.problem.error(answer, self.certificate)

    @cached_property
    def duals(self) -> FloatArray:
        """Dual values of the rows of `cone_program(workload, "raw")` at the optimum, to 17 digits."""
        if "duals" in self.record:
            return np.array(self.record["duals"])
        from cvxtoken.allocation.program.cones import cone_program  # brings SciPy

        return cone_program(self.workload, "raw").duals(self.certificate.tokens)

    @cached_property
    def integer(self) -> IntegerCertificate | None:
        """The proven best whole tokens, or None where they are not known exactly."""
        if "integer" not in self.record:
            return None
        return IntegerCertificate.from_document(self.integer_document())

    def certificate_document(self) -> dict[str, Any]:
        """The certificate as a file holds it; `verifier.check` checks it."""
        return self.problem.document(self.record)

    def integer_document(self) -> dict[str, Any]:
        """The proof of the whole tokens as a file holds it; `verifier.whole.check` checks it."""
        head = {"schema": verifier.whole.SCHEMA, "sha256": self.record["sha256"]}
        return {**head, "instance": self.workload.to_instance(), **self.record["integer"]}


def instances(
    include: str | Iterable[str] | None = None, exclude: str | Iterable[str] = ()
) -> list[Instance]:
    """The instances whose id matches an included pattern and no excluded one, in the library's order.

    Args:
        include: shell patterns over ids, such as 'realistic*' (a family), 'size/1000' or '*' for all. Without
            any, the plain allocations: those that are their workload and nothing more.
        exclude: likewise.

    Raises:
        ProblemError: a pattern matches no instance.
        LibraryError: a file is damaged.

    >>> len(instances("size*", exclude="size/?000"))
    10
    """
    known = [instance for family in FAMILIES for instance in read_family(family)]
    asked = "*" if include is None else include
    wanted, unwanted = ([p] if isinstance(p, str) else list(p or ()) for p in (asked, exclude))
    for pattern in (*wanted, *unwanted):
        if not isinstance(pattern, str):
            raise ProblemError(f"{pattern!r} is not a pattern over instance ids, such as 'realistic*'")
    for pattern in (*wanted, *unwanted):
        if not any(fnmatchcase(instance.id, pattern) for instance in known):
            hint, families = nearest(pattern, FAMILIES), ", ".join(FAMILIES)
            raise ProblemError(f"{pattern!r} matches no instance{hint}; families: {families}")
    return [
        instance
        for instance in known
        if any(fnmatchcase(instance.id, pattern) for pattern in wanted)
        and not any(fnmatchcase(instance.id, pattern) for pattern in unwanted)
        and (include is not None or instance.kind == PLAIN)
    ]


def read_family(family: str) -> list[Instance]:
    """The instances in a family's file (LibraryError where its sum is not the one recorded)."""
    name = f"{family}.json.gz"
    try:
        lines = (FOLDER / SUMS).read_text(encoding="ascii").splitlines()
        data = (FOLDER / name).read_bytes()
    except (OSError, UnicodeDecodeError) as error:
        raise LibraryError(f"{FOLDER}: cannot be read: {error}") from error
    if f"{hashlib.sha256(data).hexdigest()}  {name}" not in lines:
        raise LibraryError(f"{FOLDER / name}: the file is damaged: its SHA-256 is not the one in {SUMS}")
    return [
        Instance(record["id"], record["knob"], record["value"], record["since"], record["seed"], record)
        for record in _records(data)
    ]


@cache
def _records(data: bytes) -> list[dict[str, Any]]:
    """What a file holds; each file is decoded once, for the whole library takes a fifth of a second."""
    return cast("list[dict[str, Any]]", json.loads(gzip.decompress(data)))
