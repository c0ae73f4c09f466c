"""What the searches find of a program, made a certificate that the checker has taken, or not said."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import cached_property, partial
from typing import Any

import numpy as np
from scipy import sparse

from cvxtoken import verifier
from cvxtoken.conic.certificate import ENCLOSED, INFEASIBLE, UNBOUNDED, ConicCertificate, document_of
from cvxtoken.conic.program import NONNEGATIVE, ConeProgram, blocks
from cvxtoken.conic.search.cones import interior
from cvxtoken.conic.search.effort import Effort
from cvxtoken.conic.search.enclose import NOTHING, Enclosure, Exact, Fits, Pair
from cvxtoken.conic.search.exact import packed
from cvxtoken.conic.search.faces import face_of, reduced
from cvxtoken.conic.search.rays import recession, separation
from cvxtoken.conic.search.scaling import scaled
from cvxtoken.conic.search.start import run
from cvxtoken.errors import CertificateError, SolverError
from cvxtoken.verifier.conic import (
    MAX_WORK,
    Program,
    Vector,
    Work,
    dual_feasible,
    feasible,
    infeasible,
    quotient,
)

MOST_FACES = 3  # steps of facial reduction
_POINT_DIGITS = 8  # of the objective of a feasible point, which may be any
_SPARE = 8  # digits of the bounds beyond those of the gap


class Prover:
    """One program, and what the checker says of points found for it."""

    def __init__(self, program: ConeProgram, digits: int) -> None:
        self.program, self.digits = program, digits
        self.exact = Program(document_of(program), Work())
        self.scaled, self.effort = scaled(program), Effort()

    def attempts(self) -> Iterator[Callable[[], ConicCertificate]]:
        """What to try, the likeliest first by what Clarabel says, whose word is not taken for it."""
        status = run(self.scaled.program).status
        tries = [self.enclose, self.no_optimum, self.no_point]
        if "PrimalInfeasible" in status:
            tries = [self.no_point, self.enclose, self.no_optimum]
        elif "DualInfeasible" in status:
            tries = [self.no_optimum, self.enclose, self.no_point]
        return iter(tries)

    def enclose(self) -> ConicCertificate:
        """An enclosure, on a face where there is no interior point."""
        whole = self.scaled.program
        return self.bounded(by_faces(whole, self.digits, Fits(self.primal, self.dual), self.effort))

    def no_point(self) -> ConicCertificate:
        """A proof of infeasibility: the deepest that is found at once, or the dual point of a first phase."""
        z = separation(self.scaled.program)
        if z is None or self.verdict(infeasible, packed(self.scaled.dual(z))):
            if not self.program.cones:
                raise SolverError("there are no constraints to contradict each other")
            phase = relaxed(self.scaled.program)
            size = len(self.scaled.rows)

            def separates(z: Exact) -> Exact | str:
                return self.verdict(infeasible, packed(self.scaled.dual(z[:size]))) or z

            z = by_faces(phase, self.digits, Fits(lambda x: x, separates), self.effort).z
        if z is None:
            raise SolverError("no vector is found that proves infeasibility")
        return self.proven(INFEASIBLE, {"z": packed(self.scaled.dual(z[: len(self.scaled.rows)]))})

    def no_optimum(self) -> ConicCertificate:
        """A proof of unboundedness: a feasible point and a direction, which may need a second one."""
        reason = "no direction is found in which the objective falls without end"
        for ray, far in directions(self.scaled.program):
            found = {"x": self.feasible_point, "ray": ray, "far": far}
            vectors = {name: packed(self.scaled.primal(v)) for name, v in found.items() if v is not None}
            try:
                return self.proven(UNBOUNDED, vectors)
            except SolverError as error:
                reason = str(error)
        raise SolverError(reason)

    @cached_property
    def feasible_point(self) -> Exact:
        """An exact feasible x of the scaled program, none of whose entries is large."""
        bounded = boxed(self.scaled.program)
        fits = Fits(
            lambda x: x if not isinstance(self.primal(x[:-1]), str) else "no feasible point", lambda z: z
        )
        found = by_faces(bounded, _POINT_DIGITS, fits, self.effort)
        if found.x is None:
            raise SolverError("no feasible point is found")
        return found.x[:-1]

    def primal(self, x: Exact) -> Exact | str:
        """A point of the scaled program if it is feasible, else why it is not."""
        return self.verdict(feasible, packed(self.scaled.primal(x))) or x

    def dual(self, z: Exact) -> Exact | str:
        """The same of a dual point."""
        return self.verdict(dual_feasible, packed(self.scaled.dual(z))) or z

    def verdict(self, rule: Callable[[Program, Vector], None], vector: dict[str, Any]) -> str:
        """Why a rule of the checker refuses a vector; empty where it does not."""
        self.exact.work.left = MAX_WORK
        try:
            rule(self.exact, Vector(vector, len(vector["values"])))
        except verifier.Refused as refusal:
            return str(refusal)
        return ""

    def bounded(self, pair: Pair) -> ConicCertificate:
        """The certificate of exact points, with the bounds that they prove."""
        if pair.x is None and pair.z is None:
            raise SolverError("; ".join(pair.notes))
        vectors, program, least, most = {}, self.exact, None, None
        if pair.x is not None:
            vectors["x"] = packed(self.scaled.primal(pair.x))
            value = program.value(program.q, Vector(vectors["x"], program.columns), program.offset)
            most = quotient(*value, self.places(value), ROUND_CEILING)
        if pair.z is not None:
            vectors["z"] = packed(self.scaled.dual(pair.z))
            n, d = program.value([-b for b in program.b], Vector(vectors["z"], program.rows), program.offset)
            least = quotient(n, d, self.places((n, d)), ROUND_FLOOR)
        if self.program.sense == "maximize":
            least, most = (None if x is None else x.copy_negate() for x in (most, least))
        return self.proven(ENCLOSED, vectors, least, most, pair.notes)

    def places(self, value: tuple[int, int]) -> int:
        """Decimal digits of a bound: those of the gap, and some to spare."""
        n, d = value
        return self.digits + _SPARE + max(0, int((abs(n).bit_length() - d.bit_length()) / 3.32))

    def proven(
        self,
        claim: str,
        vectors: dict[str, Any],
        lower: Decimal | None = None,
        upper: Decimal | None = None,
        notes: Sequence[str] = (),
    ) -> ConicCertificate:
        """The certificate, which the checker has taken (SolverError: it did not)."""
        found = ConicCertificate(self.program, claim, lower, upper, vectors, tuple(dict.fromkeys(notes)))
        try:
            found.check()
        except CertificateError as refusal:
            raise SolverError(str(refusal)) from refusal
        return found


def directions(program: ConeProgram) -> Iterator[tuple[Exact, Exact | None]]:
    """Rays in which the objective falls, and what each needs beside it: nothing, else a far direction."""
    ray = recession(program)
    if ray is not None:
        yield ray, None
    far = recession(program, weak=True)
    if far is not None:
        ray = recession(reduced(program, None, far).program)
        if ray is not None:
            yield ray, far


def by_faces(program: ConeProgram, digits: int, fits: Fits, effort: Effort, steps: int = MOST_FACES) -> Pair:
    """Exact points: of a program with an interior, else of a face of it, one step after the other.

    Raises:
        SolverError: none are found.
    """
    search, found, reasons = Enclosure(program, digits, fits, effort), NOTHING, []
    faces = partial(_on_face, program, digits, fits, effort, steps)
    for attempt in (search.quick, faces, search.patient):
        try:
            found = found.joined(attempt())
        except (SolverError, ZeroDivisionError) as error:
            reasons.append(str(error))
        if found.is_whole:
            return found
    if found.x is None and found.z is None:
        raise SolverError(reasons[-1] if reasons else "; ".join(found.notes))
    return found


def _on_face(program: ConeProgram, digits: int, fits: Fits, effort: Effort, steps: int) -> Pair:
    """The same of the program on its faces (SolverError: it has none, or nothing is found there)."""
    if not steps:
        raise SolverError(f"{MOST_FACES} faces of faces have no interior")
    face = face_of(program)
    found = by_faces(face.program, digits, face.within(fits), effort, steps - 1)
    return replace(found, notes=(face.note, *found.notes))


def relaxed(program: ConeProgram) -> ConeProgram:
    """The least t >= -1 with b - A x + t e in K, e being inside: above 0 if there is no feasible x.

    Then z, without its last entry, has A'z = 0 and b'z < 0.
    """
    e = np.concatenate([interior(kind, len(rows)) for kind, rows in blocks(program.cones)])
    t = sparse.csr_array(-e.reshape(-1, 1))
    A = sparse.block_array([[program.A, t], [None, sparse.csr_array([[-1.0]])]], format="csc")
    b, q = np.append(program.b, 1.0), np.append(np.zeros(program.A.shape[1]), 1.0)
    cones = (*program.cones, (NONNEGATIVE, 1))
    return replace(program, A=sparse.csc_array(A), b=b, q=q, offset=0.0, cones=cones)


def boxed(program: ConeProgram) -> ConeProgram:
    """The program of the least t with |x_j| <= t for every j, t being a last column."""
    m, n = program.A.shape
    unit, t = sparse.eye_array(n, format="csr"), sparse.csr_array(np.ones((n, 1)))
    A = sparse.block_array([[program.A, sparse.csr_array((m, 1))], [unit, -t], [-unit, -t]], format="csc")
    b, q = np.append(program.b, np.zeros(2 * n)), np.append(np.zeros(n), 1.0)
    cones = (*program.cones, (NONNEGATIVE, 2 * n))
    return replace(program, A=sparse.csc_array(A), b=b, q=q, offset=0.0, cones=cones)
