"""Sparse systems, exact repair, independent columns, scaling, and the packing of exact vectors."""

from __future__ import annotations

import math
from fractions import Fraction
from random import Random

import numpy as np
import pytest
from flint import arb, fmpq
from scipy import sparse

from cvxtoken.conic.program import (
    EXPONENTIAL,
    NONNEGATIVE,
    SECOND_ORDER,
    ZERO,
    ConeProgram,
)
from cvxtoken.conic.search.effort import Effort
from cvxtoken.conic.search.elimination import solve_sparse
from cvxtoken.conic.search.exact import packed, precision, times
from cvxtoken.conic.search.independent import without_dependent
from cvxtoken.conic.search.repair import repaired
from cvxtoken.conic.search.scaling import scaled
from cvxtoken.errors import SolverError
from cvxtoken.verifier.conic import Vector
from tests.support.thorough import some


@pytest.mark.parametrize(("size", "density"), [(1, 1.0), (30, 0.1), (120, 0.3)])
def test_a_sparse_system_is_solved(size: int, density: float) -> None:
    """To working precision, by sparse pivots and by the dense rest."""
    random = Random(size)
    with precision(200):
        M = [
            {j: arb(random.randint(-9, 9)) for j in range(size) if random.random() < density or j == i}
            for i in range(size)
        ]
        for i in range(size):
            M[i][i] = arb(20 * size)
        v = [arb(random.randint(-99, 99)) / 7 for _ in range(size)]
        right = [sum((a * v[j] for j, a in row.items()), arb(0)).mid() for row in M]
        found = solve_sparse([dict(row) for row in M], list(right), Effort())
        assert max(float(abs(a - c)) for a, c in zip(found, v, strict=True)) < 1e-50


def test_a_singular_system_is_said_to_be() -> None:
    with pytest.raises(ZeroDivisionError, match="singular"):
        solve_sparse([{0: arb(1), 1: arb(1)}, {0: arb(1), 1: arb(1)}], [arb(1), arb(2)], Effort())


@pytest.mark.parametrize("seed", some(range(12), 5))
def test_equations_are_satisfied_exactly(seed: int) -> None:
    """Sparse ones with a solution, some of them sums of others, by short and by long doubles."""
    random = Random(seed)
    unknowns, count = 5 + seed, 3 + seed // 2
    truth = [fmpq(random.randint(-99, 99), 8) for _ in range(unknowns)]
    rows: list[dict[int, float]] = []
    for _ in range(count):
        places = random.sample(range(unknowns), random.randint(1, 4))
        rows.append({j: random.choice((1, -2, 3, 5, 0.75)) * 1.0 for j in places})
    rows += [{j: 2 * a for j, a in rows[0].items()}]
    total = dict(rows[0])
    for j, a in rows[1].items():
        total[j] = total.get(j, 0.0) + a
    rows.append({j: a for j, a in total.items() if a})
    right = [float(rational(v)) for v in times(rows, truth)]
    with precision(300):
        found = repaired(rows, right, [arb(v) + arb("1e-30") for v in truth], 150, Effort())
    assert [rational(v) for v in times(rows, found)] == [Fraction(b) for b in right]
    assert max(abs(rational(a - c)) for a, c in zip(found, truth, strict=True)) < 1e-25


def rational(v: fmpq) -> Fraction:
    return Fraction(int(v.p), int(v.q))


def test_equations_that_contradict_one_another_are_not_all_satisfied() -> None:
    rows = [{0: 1.0, 1: 1.0}, {0: 1.0, 1: 1.0}]
    with precision(200):
        found = repaired(rows, [1.0, 2.0], [arb(1), arb(0)], 80, Effort())
    assert sum(v == b for v, b in zip(times(rows, found), (1, 2), strict=True)) == 1


def program(A: list[list[float]], b: list[float], cones: list[tuple[str, int]]) -> ConeProgram:
    matrix = sparse.csc_array(np.array(A, float))
    return ConeProgram(matrix, np.array(b, float), np.ones(matrix.shape[1]), 0.0, tuple(cones))


def test_scaling_is_by_powers_of_two_that_cones_share() -> None:
    A = [[1e9, 3.0], [1.0, 1e-6], [7e5, 0], [0, 1e-4], [2e3, 1], [1e-7, 5], [9.0, 1e8]]
    given = program(A, [1.0] * 7, [(ZERO, 1), (SECOND_ORDER, 3), (EXPONENTIAL, 3)])
    made = scaled(given)
    assert made.rows[1] == made.rows[2] == made.rows[3]
    assert made.rows[4] == made.rows[5] == made.rows[6]
    D, E = np.ldexp(1.0, made.rows), np.ldexp(1.0, made.columns)
    assert (made.program.A.toarray() == D[:, None] * np.array(A) * E).all()
    assert (made.program.b == D).all()
    assert (made.program.q == E).all()
    assert made.program.cones == given.cones
    size = abs(made.program.A.toarray())
    assert size.max() / size[0].max() < 1e4 < abs(np.array(A)).max()
    assert made.primal([fmpq(1), fmpq(1)]) == [fmpq(2) ** k for k in made.columns]
    assert made.dual([fmpq(1)] * 7) == [fmpq(2) ** k for k in made.rows]


def test_scaling_leaves_what_it_would_lose() -> None:
    given = program([[1e308, 1e-308], [1e-308, 1e308]], [5e-324, 1.0], [(NONNEGATIVE, 2)])
    made = scaled(given)
    for i, k in enumerate(made.rows):
        assert math.ldexp(made.program.b[i], -k) == given.b[i]


def test_dependent_equations_and_columns_are_left_out() -> None:
    A = [[1, 2, 3], [2, 4, 6], [0, 0, 0], [1, 0, 1], [0, 0, 0]]
    kept = without_dependent(program(A, [1, 2, 0, 1, 0], [(ZERO, 3), (NONNEGATIVE, 2)]))
    assert len(kept.rows) == 2
    assert 3 in kept.rows
    assert kept.program.cones == ((ZERO, 1), (NONNEGATIVE, 1))
    assert len(kept.columns) == np.linalg.matrix_rank(kept.program.A.toarray()) == 2


@pytest.mark.parametrize("seed", some(range(20), 7))
def test_the_checker_reads_what_is_packed(seed: int) -> None:
    random = Random(seed)
    denominators = [1, 3, 2**70, 7 * 2**9, 10**30 + 57, 3 * 5 * 7]
    values = [
        fmpq(random.randint(-(10**40), 10**40), random.choice(denominators[: 1 + seed % 6]))
        for _ in range(random.randint(0, 9))
    ]
    stored = packed(values)
    read = Vector(stored, len(values))
    again = [fmpq(n, d << read.bits) for n, d in read.numbers()]
    assert again == values


def test_a_search_that_would_take_too_long_ends() -> None:
    """What is spent is shared: the second system is one too many."""
    effort = Effort()
    system = [{0: arb(2)}, {1: arb(3)}]
    assert len(solve_sparse([dict(row) for row in system], [arb(1), arb(1)], effort)) == 2
    effort.left = 1.0
    with pytest.raises(SolverError, match="the search would take too long"):
        solve_sparse([dict(row) for row in system], [arb(1), arb(1)], effort)
