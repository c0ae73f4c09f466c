"""Directions of recession, proofs of infeasibility, and the faces that they force."""

from __future__ import annotations

import numpy as np
import pytest
from flint import fmpq
from scipy import sparse

from cvxtoken.conic.program import EXPONENTIAL, NONNEGATIVE, SECOND_ORDER, ZERO, ConeProgram
from cvxtoken.conic.search.exact import columns_of, exact, times
from cvxtoken.conic.search.faces import face_of, reduced
from cvxtoken.conic.search.rays import recession, separation
from cvxtoken.errors import SolverError
from tests.support import conic_proofs as small
from tests.support.conic_proofs import program, proof
from tests.support.conic_truth import dual, feasible

SEPARATED = {name: getattr(small, name) for name in ("APART", "OUTSIDE", "NOT_E", "NOT_FACE")}
RAYS = {name: getattr(small, name) for name in ("FALLS", "ROWS", "BALL", "WIDE")}


def fractions(v: list[fmpq]) -> list[object]:
    from fractions import Fraction

    return [Fraction(int(a.p), int(a.q)) for a in v]


def homogeneous(p: ConeProgram) -> dict[str, object]:
    """The program's data with b = 0."""
    data = proof(p)["program"]
    return data | {"b": [0.0] * data["rows"]}


@pytest.mark.parametrize("name", SEPARATED)
def test_a_separation_is_exact(name: str) -> None:
    p = SEPARATED[name]
    z = separation(p)
    assert z is not None
    assert times(columns_of(p), z) == [0] * p.A.shape[1]
    assert sum(exact(b) * a for b, a in zip(p.b.tolist(), z, strict=True)) < 0
    assert dual(proof(p)["program"], fractions(z))


@pytest.mark.parametrize("name", RAYS)
def test_a_ray_is_exact(name: str) -> None:
    p = RAYS[name]
    d = recession(p)
    assert d is not None
    assert sum(exact(q) * a for q, a in zip(p.q.tolist(), d, strict=True)) < 0
    assert feasible(homogeneous(p), fractions(d))


@pytest.mark.parametrize("name", ["LEAST", "NORM", "EULER", "FIXED", "ROOT"])
def test_there_is_neither_where_there_is_an_optimum(name: str) -> None:
    assert separation(getattr(small, name)) is None
    assert recession(getattr(small, name)) is None


def test_a_weak_direction_has_as_large_a_support_as_can_be() -> None:
    """x + y = 0 by two rows, and x, y >= 0 by others: all four are 0."""
    p = program([(NONNEGATIVE, 4)], [[1, 1], [-1, -1], [1, 0], [0, 1]], [0] * 4, [1, 2])
    y = separation(p, weak=True)
    assert y is not None
    assert min(y) > 0
    face = face_of(p)
    assert [kind for kind, _ in face.program.cones] == [ZERO]
    assert face.program.A.shape == (4, 2)
    assert "no strictly feasible point" in face.note


def test_faces_of_curved_cones() -> None:
    """y = (1, -1, 0) leaves a second-order cone s = a (1, 1, 0); y = (0, 1, 1) an exponential one x <= 0."""
    p = program([(SECOND_ORDER, 3)], [[1, 0], [0, 1], [1, 1]], [0, 0, 0], [1, 1])
    y = [fmpq(1), fmpq(-1), fmpq(0)]
    face = reduced(p, y, None).program
    assert face.cones == ((ZERO, 2), (NONNEGATIVE, 1))
    assert (-face.A.toarray()).tolist() == [[1, -1], [1, 1], [1, 0]]
    e = program([(EXPONENTIAL, 3)], [[1, 0], [0, 1], [1, 1]], [0, 0, 0], [1, 1])
    face = reduced(e, [fmpq(0), fmpq(1), fmpq(1)], None).program
    assert face.cones == ((ZERO, 2), (NONNEGATIVE, 1))
    assert (-face.A.toarray()).tolist() == [[0, 1], [1, 1], [-1, 0]]


def test_what_is_lifted_from_a_face_is_its_combination() -> None:
    p = program([(SECOND_ORDER, 3)], [[1, 0], [0, 1], [1, 1]], [3, 1, 2], [1, 1])
    face = reduced(p, [fmpq(1), fmpq(-1), fmpq(0)], None)
    z = [fmpq(5), fmpq(7, 3), fmpq(2)]
    lifted = face.lifted(z)
    small_columns = times(columns_of(face.program), z)
    assert times(columns_of(p), lifted) == small_columns
    right = sum(exact(b) * a for b, a in zip(p.b.tolist(), lifted, strict=True))
    assert right == sum(exact(b) * a for b, a in zip(face.program.b.tolist(), z, strict=True))


def test_no_face_of_a_program_with_an_interior() -> None:
    with pytest.raises(SolverError, match="neither side"):
        face_of(program([(NONNEGATIVE, 2)], [[1.0], [-1.0]], [0.0, 1.0], [1.0]))


def test_an_empty_program_has_no_directions() -> None:
    p = ConeProgram(sparse.csc_array((0, 1)), np.zeros(0), np.zeros(1), 0.0, ())
    assert separation(p) is None
    assert recession(p) is None
