"""What the searches find of a program, made a certificate that the checker has taken, or not said."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

import numpy as np
from scipy import sparse

from cvxtoken import verifier
from cvxtoken.conic.certificate import ENCLOSED, INFEASIBLE, UNBOUNDED, ConicCertificate, document_of
from cvxtoken.conic.program import NONNEGATIVE, ConeProgram
from cvxtoken.conic.search.enclose import Exact, Fits, Pair, enclosed
from cvxtoken.conic.search.exact import packed
from cvxtoken.conic.search.faces import face_of, reduced
from cvxtoken.conic.search.rays import recession, separation
from cvxtoken.conic.search.scaling import scaled
from cvxtoken.conic.search.start import run
from cvxtoken.errors import CertificateError, SolverError
from cvxtoken.verifier.conic import MAX_WORK, Program, Vector, Work, dual_feasible, feasible, quotient

MOST_FACES = 3  # steps of facial reduction
_POINT_DIGITS = 8  # of the objective of a feasible point, which may be any
_SPARE = 8  # digits of the bounds beyond those of the gap


class Prover:
    """One program, and what the checker says of points found for it."""

    def __init__(self, program: ConeProgram, digits: int) -> None:
        self.program, self.digits = program, digits
        self.exact = Program(document_of(program), Work())
        self.scaled = scaled(program)

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
        program, fits = self.scaled.program, Fits(self.primal, self.dual)
        notes: tuple[str, ...] = ()
        for _ in range(MOST_FACES + 1):
            try:
                found = enclosed(program, self.digits, fits)
            except (SolverError, ZeroDivisionError) as error:
                reason = error
            else:
                return self.bounded(replace(found, notes=(*notes, *found.notes)))
            try:
                face = face_of(program)
            except SolverError:
                raise reason from None
            sides = [name for name, v in (("feasible", face.y), ("dual feasible", face.d)) if v is not None]
            notes += (f"there is no strictly {' and no strictly '.join(sides)} point",)
            program, fits = face.program, face.within(fits)
        raise reason

    def no_point(self) -> ConicCertificate:
        """A proof of infeasibility."""
        z = separation(self.scaled.program)
        if z is None:
            raise SolverError("no vector is found that proves infeasibility")
        return self.proven(INFEASIBLE, {"z": packed(self.scaled.dual(z))})

    def no_optimum(self) -> ConicCertificate:
        """A proof of unboundedness: a feasible point and a direction, which may need a second one."""
        program, far = self.scaled.program, None
        ray = recession(program)
        if ray is None:
            far = recession(program, weak=True)
            ray = None if far is None else recession(reduced(program, None, far).program)
        if ray is None:
            raise SolverError("no direction is found in which the objective falls without end")
        x = self.feasible_point()
        found = {"x": x, "ray": ray, "far": far}
        vectors = {name: packed(self.scaled.primal(v)) for name, v in found.items() if v is not None}
        return self.proven(UNBOUNDED, vectors)

    def feasible_point(self) -> Exact:
        """An exact feasible x of the scaled program, none of whose entries is large."""
        bounded = boxed(self.scaled.program)
        fits = Fits(
            lambda x: x if not isinstance(self.primal(x[:-1]), str) else "no feasible point", lambda z: z
        )
        program = bounded
        for _ in range(MOST_FACES + 1):
            try:
                found = enclosed(program, _POINT_DIGITS, fits)
                break
            except (SolverError, ZeroDivisionError):
                face = face_of(program)
                program, fits = face.program, face.within(fits)
        else:
            raise SolverError("no feasible point is found")
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
        found = ConicCertificate(self.program, claim, lower, upper, vectors, tuple(notes))
        try:
            found.check()
        except CertificateError as refusal:
            raise SolverError(str(refusal)) from refusal
        return found


def boxed(program: ConeProgram) -> ConeProgram:
    """The program of the least t with |x_j| <= t for every j, t being a last column."""
    m, n = program.A.shape
    unit, t = sparse.eye_array(n, format="csr"), sparse.csr_array(np.ones((n, 1)))
    A = sparse.block_array([[program.A, sparse.csr_array((m, 1))], [unit, -t], [-unit, -t]], format="csc")
    b, q = np.append(program.b, np.zeros(2 * n)), np.append(np.zeros(n), 1.0)
    return ConeProgram(sparse.csc_array(A), b, q, 0.0, (*program.cones, (NONNEGATIVE, 2 * n)))
