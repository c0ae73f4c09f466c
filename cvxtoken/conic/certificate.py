"""Certificates of cone programs: a proof of an optimum, of infeasibility or of unboundedness.

What is proven, and why, stands in `cvxtoken.verifier.conic`, which checks it with code of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Context, Decimal
from types import ModuleType
from typing import Any, ClassVar, Self

import numpy as np
from scipy import sparse

from cvxtoken import verifier
from cvxtoken.conic.digest import digest
from cvxtoken.conic.program import ConeProgram
from cvxtoken.proofs import Proof

ENCLOSED, INFEASIBLE, UNBOUNDED = "enclosed", "infeasible", "unbounded"
VECTORS = ("x", "z", "ray", "far")


@dataclass(frozen=True, eq=False)
class ConicCertificate(Proof):
    """A proof about the problem that a cone program's exact doubles state.

    Attributes:
        program: the cone program; see `sense` there for problems that maximise.
        claim: 'enclosed', 'infeasible' or 'unbounded'.
        lower, upper: bounds of the optimal value (the infimum or supremum) of the problem as posed; None
            where nothing is proven of a side, which `notes` then explains.
        vectors: by name, the exact points that prove it, as the file holds them: x, z, ray and far.
        data_radius: how far the optimum may move, to first order, if every number of the data is off by half
            a unit in its last place, 2^-53 (sum |z_i| |A_ij| |x_j| + |b|'|z| + |q|'|x|): what compiling a
            problem to doubles may have changed. It is an estimate, not proven; None without x and z. Of a
            geometric program it is the radius of the logarithm times the optimum.
        notes: what was not proven and why, and what was found on the way.
        exponential: whether the program is that of the logarithm of a geometric program: lower and upper are
            of the problem itself, e to the power of what the program has.

    Source: derived here.
    """

    checker: ClassVar[ModuleType] = verifier.conic

    program: ConeProgram
    claim: str
    lower: Decimal | None
    upper: Decimal | None
    vectors: dict[str, Any]
    notes: tuple[str, ...] = ()
    exponential: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether all is proven that can be: not one bound alone."""
        return self.claim != ENCLOSED or self.width is not None

    @property
    def width(self) -> Decimal | None:
        """upper - lower, None where one is missing."""
        return None if self.lower is None or self.upper is None else self.upper - self.lower

    @property
    def data_radius(self) -> float | None:
        """See above."""
        if "x" not in self.vectors or "z" not in self.vectors:
            return None
        x, z = (np.abs(approximate(self.vectors[name])) for name in "xz")
        p = self.program
        radius = float(2.0**-53 * (z @ (abs(p.A) @ x) + np.abs(p.b) @ z + np.abs(p.q) @ x))
        return radius * float(self.upper) if self.exponential and self.upper is not None else radius

    def to_document(self) -> dict[str, Any]:
        """The mapping that `save` writes."""
        program = document_of(self.program)
        bounds = {
            name: None if x is None else str(x) for name, x in (("lower", self.lower), ("upper", self.upper))
        }
        return {
            "schema": verifier.conic.SCHEMA,
            "sha256": digest(self.program),
            "program": program,
            "exponential": self.exponential,
            "claim": self.claim,
            **bounds,
            **{name: self.vectors.get(name) for name in VECTORS},
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Self:
        """The certificate in a parsed file that has been checked."""
        lower, upper = (
            None if document[name] is None else Decimal(document[name]) for name in ("lower", "upper")
        )
        vectors = {name: document[name] for name in VECTORS if document[name] is not None}
        program, exponential = program_of(document["program"]), document["exponential"]
        return cls(program, document["claim"], lower, upper, vectors, exponential=exponential)


def exponentiated(certificate: ConicCertificate) -> ConicCertificate:
    """The certificate of a geometric program, from that of its logarithm."""
    lower, upper = certificate.lower, certificate.upper
    if lower is not None:
        near = _near(lower)
        lower = near.next_minus(near.exp(lower))
    if upper is not None:
        near = _near(upper)
        upper = near.next_plus(near.exp(upper))
    found = replace(certificate, lower=lower, upper=upper, exponential=True)
    found.check()
    return found


def _near(x: Decimal) -> Context:
    """Ten digits more than a number has."""
    return Context(len(x.as_tuple().digits) + 10)


def document_of(program: ConeProgram) -> dict[str, Any]:
    """A program as a proof's file holds it; numbers are doubles in shortest form."""
    A = program.A.tocoo()
    entries = zip(*(c.tolist() for c in A.coords), A.data.tolist(), strict=True)
    rows, columns = program.A.shape
    return {
        "sense": program.sense,
        "rows": rows,
        "columns": columns,
        "cones": [list(cone) for cone in program.cones],
        "exponents": list(program.exponents),
        "offset": float(program.offset),
        "q": program.q.tolist(),
        "b": program.b.tolist(),
        "A": [list(entry) for entry in entries],
    }


def program_of(document: dict[str, Any]) -> ConeProgram:
    """The program in a file that has been checked."""
    i, j, values = (
        (list(part) for part in zip(*document["A"], strict=True)) if document["A"] else ([], [], [])
    )
    A = sparse.csc_array((values, (i, j)), shape=(document["rows"], document["columns"]))
    b, q = (np.array(document[name], float) for name in "bq")
    cones = tuple((kind, size) for kind, size in document["cones"])
    exponents = tuple(document["exponents"])
    return ConeProgram(A, b, q, document["offset"], cones, document["sense"], exponents)


def approximate(vector: dict[str, Any]) -> np.ndarray:
    """A stored vector in doubles."""
    stored = verifier.conic.Vector(vector, len(vector["values"]))
    return np.array([_ratio(n, d << stored.bits) for n, d in stored.numbers()])


def _ratio(n: int, d: int) -> float:
    """n / d in doubles, infinite where it is beyond them."""
    try:
        return n / d
    except OverflowError:
        return float("inf") if n > 0 else float("-inf")
