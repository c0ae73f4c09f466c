"""Power and semidefinite cones: compiled, proven, and judged against closed forms."""

from __future__ import annotations

import math

import cvxpy as cp
import numpy as np
import pytest

import cvxtoken
from cvxtoken.conic.compiled import compiled, without_root
from cvxtoken.conic.program import POWER, SEMIDEFINITE, order_of
from cvxtoken.verifier.conic import Work, in_power, inside, is_semidefinite
from tests.support.thorough import some
from tests.support.truth import mp, mpf

C = np.array([[4, 1, 2], [1, 8, 1], [2, 1, 12]]) / 4
v, X = cp.Variable(3), cp.Variable((3, 3), symmetric=True)
GAP = 1e-30


CLOSED = {
    "the least trace above a matrix": (cp.Minimize(cp.trace(X)), [X >> C], mpf(6)),
    "the least eigenvalue": (
        cp.Minimize(cp.trace(C @ X)),
        [cp.trace(X) == 1, X >> 0],
        min(mp.eigsy(mp.matrix(C.tolist()), eigvals_only=True)),
    ),
    "log det, semidefinite and exponential": (
        cp.Maximize(cp.log_det(X)),
        [X << C],
        mp.log(mp.det(mp.matrix(C.tolist()))),
    ),
    "the most of x^a y^(1 - a) on a segment": (
        cp.Maximize(v[2]),
        [cp.PowCone3D(v[0], v[1], v[2], 0.3), v[0] + v[1] <= 1],
        mpf(0.3) ** mpf(0.3) * (1 - mpf(0.3)) ** (1 - mpf(0.3)),
    ),
    "the least x + 2 y where x^(1/4) y^(3/4) is 1": (
        cp.Minimize(v[0] + 2 * v[1]),
        [cp.PowCone3D(v[0], v[1], v[2], 0.25), v[2] >= 1],
        mpf(4) ** mpf("0.25") * (mpf(8) / 3) ** mpf("0.75"),
    ),
    "a matrix forced onto a face of coordinates": (
        cp.Minimize(X[1, 2]),
        [X >> 0, X[0, 0] <= 0, cp.trace(X) <= 1],
        mpf("-0.5"),
    ),
    "the apex of a power cone": (
        cp.Minimize(v[0] + v[1]),
        [cp.PowCone3D(v[0], v[1], v[2], 0.25)],
        mpf(0),
    ),
}


@pytest.mark.parametrize("name", CLOSED)
def test_the_closed_form_is_inside(name: str) -> None:
    objective, constraints, truth = CLOSED[name]
    found = cvxtoken.certify_problem(cp.Problem(objective, constraints))
    assert mpf(str(found.lower)) <= truth <= mpf(str(found.upper))
    assert found.width <= GAP * (1 + abs(float(found.lower)))
    assert cvxtoken.verifier.check(found.to_document()) == found.check()


@pytest.mark.parametrize(
    ("objective", "constraints", "claim"),
    [
        (cp.Minimize(0), [X >> 0, cp.trace(X) <= -1], "infeasible"),
        (cp.Minimize(0), [X >> 0, X[0, 0] == -1], "infeasible"),  # by a matrix of rank 1
        (cp.Maximize(cp.trace(X)), [X >> 0], "unbounded"),
        (cp.Minimize(0), [cp.PowCone3D(v[0], v[1], v[2], 0.25), v <= 1, v[2] >= 1.5], "infeasible"),
        (cp.Maximize(v[0]), [cp.PowCone3D(v[0], v[1], v[2], 0.25)], "unbounded"),
    ],
)
def test_no_optimum(objective: object, constraints: list, claim: str) -> None:
    found = cvxtoken.certify_problem(cp.Problem(objective, constraints))
    assert found.claim == claim
    assert found.check().endswith(f"is {claim}")


def test_rows_of_a_triangle_are_as_the_problem_has_them() -> None:
    program = compiled(cp.Problem(cp.Minimize(cp.trace(X)), [X >> C]))
    assert program.cones == ((SEMIDEFINITE, 6),)
    assert sorted(program.b.tolist()) == sorted(-C[np.triu_indices(3)])
    assert set(program.A.data.tolist()) == {-1.0}


def test_exponents_are_those_of_the_constraints() -> None:
    pairs = [cp.PowCone3D(v[0], v[1], 1, a) for a in (0.25, 0.7)]
    program = compiled(cp.Problem(cp.Minimize(v[0] + v[1]), pairs))
    assert program.cones == ((POWER, 3), (POWER, 3))
    assert program.exponents == (0.25, 0.7)


def test_short_doubles_are_found_again() -> None:
    rng = np.random.default_rng(8)
    for x in (rng.integers(-(10**6), 10**6, 500) / 1024).tolist():
        assert without_root(x * math.sqrt(2)) == x
    for x in rng.standard_normal(500).tolist():  # long ones: another may have the same product
        product = x * math.sqrt(2)
        assert without_root(product) * math.sqrt(2) == product


@pytest.mark.parametrize("seed", some(range(20), 7))
def test_semidefinite_is_what_eigenvalues_say(seed: int) -> None:
    """Of whole numbers; singular ones are made of fewer vectors than their order."""
    rng = np.random.default_rng([seed, 4])
    n = int(rng.integers(1, 7))
    V = rng.integers(-3, 4, (n, int(rng.integers(1, n + 1))))
    for M, truth in ((V @ V.T, True), (V @ V.T - np.diag(np.arange(n) == n // 2), None)):
        if truth is None:
            truth = bool(np.linalg.eigvalsh(M).min() > -1e-9)
        triangle = [int(M[i, j]) for j in range(n) for i in range(j + 1)]
        assert order_of(len(triangle)) == n
        assert is_semidefinite(triangle, 2, Work()) is truth
        twice = [int(M[i, j]) * (1 if i == j else 2) for j in range(n) for i in range(j + 1)]
        assert inside("semidefinite", 0.0, twice, Work(), dual=True) is truth


@pytest.mark.parametrize("a", [0.25, 0.3, 0.999])
def test_power_is_what_logarithms_say(a: float) -> None:
    rng = np.random.default_rng(6)
    p, q = a.as_integer_ratio()
    for _ in range(100):
        x, y = (int(k) for k in rng.integers(1, 10**9, 2))
        edge = mpf(x) ** mpf(a) * mpf(y) ** (1 - mpf(a))
        for z, truth in (
            (mp.floor(edge * (1 - mpf(10) ** -9)), True),
            (mp.ceil(edge * (1 + mpf(10) ** -8)), False),
        ):
            for sign in (1, -1):
                assert in_power(p, q, x, y, sign * int(z), 1, Work()) is truth
    assert not in_power(p, q, -1, 5, 0, 1, Work())
    assert not in_power(p, q, 0, 5, 1, 1, Work())
    assert in_power(p, q, 0, 5, 0, 1, Work())


def test_the_dual_of_a_power_cone() -> None:
    """(u / a)^a (v / (1 - a))^(1 - a) >= |w|: s'z is not negative, and 0 at the gradient."""
    a = 0.25
    assert inside("power", a, [1, 3, 4], Work(), dual=True)  # 4^(1/4) 4^(3/4)
    assert not inside("power", a, [10**9, 3 * 10**9, 4 * 10**9 + 1], Work(), dual=True)
    assert not inside("power", a, [1, 3, 4], Work(), dual=False)
