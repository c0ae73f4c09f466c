"""The shipped instances with their certified optima; reading them checks the files' sums."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from cvxtoken import verifier
from cvxtoken.allocation.problem import Workload
from cvxtoken.allocation.proof.certificate import Certificate
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import LibraryError, ProblemError
from cvxtoken.files import nearest
from cvxtoken.library.generate import FAMILIES
from cvxtoken.whole.certificate import IntegerCertificate

SCHEMA = "cvxtoken-instance/1"
FOLDER = Path(__file__).parent / "truth"
SUMS = "SHA256SUMS"
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
        record: as shipped.
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

    @cached_property
    def workload(self) -> Workload:
        """The instance itself, its SHA-256 compared.

        Raises:
            LibraryError: it is not the instance that the ground truth belongs to.
        """
        workload = Workload(**self.record["instance"])
        if workload.sha256 != self.record["sha256"]:
            raise LibraryError(f"{self.id}: the instance's SHA-256 is not {self.record['sha256']}")
        return workload

    @property
    def feasible(self) -> bool:
        """Whether any allocation is stable."""
        return "certificate" in self.record

    @property
    def witness(self) -> Fraction:
        """The utilisation at zero tokens of an infeasible instance, exactly: 1 or more (ProblemError)."""
        if self.feasible:
            raise ProblemError(f"{self.id} is feasible: there is no witness that it is not")
        return Fraction(self.record["witness"])

    @cached_property
    def certificate(self) -> Certificate:
        """The proven optimum: tokens to 40 digits, relative gap at most 1e-60 (ProblemError: infeasible)."""
        if not self.feasible:
            raise ProblemError(f"{self.id} is infeasible: it has no optimum")
        return Certificate.from_document(self.certificate_document())

    @cached_property
    def tokens(self) -> FloatArray:
        """The optimal tokens, shape (N,)."""
        return np.array([float(l) for l in self.certificate.tokens])

    @property
    def objective(self) -> float:
        """J*, to the nearest double."""
        return float(self.certificate.lower)

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
        return self._proof("certificate", verifier.allocation.SCHEMA)

    def integer_document(self) -> dict[str, Any]:
        """The proof of the whole tokens as a file holds it; `verifier.whole.check` checks it."""
        return self._proof("integer", verifier.whole.SCHEMA)

    def _proof(self, key: str, schema: str) -> dict[str, Any]:
        head = {"schema": schema, "sha256": self.record["sha256"], "instance": self.workload.to_instance()}
        return {**head, **self.record[key]}


def instances(include: str | Iterable[str] = "*", exclude: str | Iterable[str] = ()) -> list[Instance]:
    """The instances whose id matches an included pattern and no excluded one, in the library's order.

    Args:
        include: shell patterns over ids, such as 'realistic*' (a family), 'size/1000' or '*'.
        exclude: likewise.

    Raises:
        ProblemError: a pattern matches no instance.
        LibraryError: a file is damaged.

    >>> len(instances("size*", exclude="size/?000"))
    10
    """
    known = [instance for family in FAMILIES for instance in read_family(family)]
    wanted, unwanted = ([p] if isinstance(p, str) else list(p or ()) for p in (include, exclude))
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
        for record in json.loads(gzip.decompress(data))
    ]
