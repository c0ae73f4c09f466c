"""The cold start: barriers by their own laws, and the embedding against optima that are known."""

from __future__ import annotations

from typing import Any

import cvxpy as cp
import numpy as np
import pytest

from cvxtoken.conic.compiled import compiled
from cvxtoken.conic.search.barrier import degree, derivatives
from cvxtoken.conic.search.cones import cones_of
from cvxtoken.conic.search.embedding import Embedding
from cvxtoken.conic.search.follow import Search
from cvxtoken.conic.search.independent import without_dependent
from cvxtoken.conic.search.semidefinite import Semidefinite
from cvxtoken.conic.search.smooth import Cone, Exponential, Power, SecondOrder
from cvxtoken.library.cones import cone_problems

CONES = [SecondOrder(range(2)), SecondOrder(range(5)), Exponential(range(3)), Power(range(3), 0.3)]
CONES += [Semidefinite(range(1)), Semidefinite(range(6))]


def inside(cone: Cone, rng: np.random.Generator) -> np.ndarray:
    """A random point inside, away from the centre."""
    centre = np.array(cone.centre(dual=False))
    while True:
        s = centre + 0.6 * rng.standard_normal(len(centre))
        if cone.inside(s.tolist(), dual=False):
            return s


@pytest.mark.parametrize("cone", CONES, ids=lambda cone: f"{type(cone).__name__}{len(cone.rows)}")
def test_barriers_are_logarithmically_homogeneous(cone: Cone) -> None:
    """F'(s)'s = -nu, F''(s) s = -F'(s), -F'(s) is inside the dual; F'' is the derivative of F'."""
    rng = np.random.default_rng(3)
    for _ in range(20):
        s = inside(cone, rng)
        gradient, hessian = derivatives(cone, s)
        scale = np.abs(gradient).max()
        assert gradient @ s == pytest.approx(-degree(cone), rel=1e-9)
        np.testing.assert_allclose(hessian @ s, -gradient, atol=1e-8 * scale)
        assert cone.inside((-gradient).tolist(), dual=True)
        h = 1e-6 * float(np.abs(s).min() + 1e-3)
        d = rng.standard_normal(len(s))
        if cone.inside((s + h * d).tolist(), dual=False) and cone.inside((s - h * d).tolist(), dual=False):
            change = (derivatives(cone, s + h * d)[0] - derivatives(cone, s - h * d)[0]) / (2 * h)
            np.testing.assert_allclose(change, hessian @ d, atol=1e-3 * np.abs(hessian).max())


PROBLEMS = [
    p for p in cone_problems() if p.claim == "enclosed" and p.family in ("entropy", "socp", "finance")
]


@pytest.mark.parametrize("problem", PROBLEMS[::3], ids=lambda p: p.name)
def test_the_embedding_ends_near_the_optimum(problem: Any) -> None:
    program = without_dependent(compiled(problem.build(), gp=problem.gp)).program
    found = Embedding(program).end()
    assert found is not None
    x, s, z = found
    primal, dual = float(program.q @ x), float(-program.b @ z)
    size = 1 + abs(primal)
    assert abs(primal - dual) <= 1e-4 * size
    assert np.abs(program.A @ x + s - program.b).max() <= 1e-5 * (1 + np.abs(program.b).max())
    assert np.abs(program.A.T @ z + program.q).max() <= 1e-5 * (1 + np.abs(program.q).max())
    cones = cones_of(program)
    assert all(
        c.inside(s[c.rows].tolist(), dual=False) and c.inside(z[c.rows].tolist(), dual=True) for c in cones
    )


def test_without_an_optimum_it_says_nothing() -> None:
    x = cp.Variable()
    for constraints in ([x >= 1, x <= 0], [x <= 0]):
        program = without_dependent(compiled(cp.Problem(cp.Minimize(x), constraints))).program
        with np.errstate(all="ignore"):
            assert Embedding(program).end() is None


def test_a_search_starts_from_it_where_a_solver_gives_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from cvxtoken.conic.search import follow
    from cvxtoken.conic.search.effort import Effort
    from cvxtoken.conic.search.start import Run

    nothing = np.array([np.nan])
    monkeypatch.setattr(follow, "run", lambda *_: Run("NumericalError", nothing, nothing, nothing))
    p = cp.Variable(6)
    die = cp.Problem(cp.Maximize(cp.sum(cp.entr(p))), [cp.sum(p) == 1, p @ range(1, 7) == 4.5])
    program = without_dependent(compiled(die)).program
    point, _ = Search(program, 30, Effort()).quick()
    value = sum(q * float(v) for q, v in zip(program.q.tolist(), point.x, strict=True))
    assert value == pytest.approx(-1.613581098153829, abs=1e-12)
