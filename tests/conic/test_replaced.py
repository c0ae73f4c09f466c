"""What CVXPY replaces by something near to it is told, with how far it is off; and nothing else is."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pytest
from scipy import sparse

from cvxtoken.conic.compiled import compiled
from cvxtoken.conic.replaced import replaced
from tests.support.cones import solved

x = cp.Variable(2, name="x")
small = np.diag([1.0, 1e-12])  # the second pivot is dropped
dense = np.array([[4.0, 1.0], [1.0, 3.0]])


def found(expression: cp.Expression) -> list[str]:
    return replaced(cp.Problem(cp.Minimize(0), [x >= 0, expression <= 9]))


@pytest.mark.parametrize(
    ("expression", "what", "least", "most"),
    [
        (cp.power(x[0], 3.14159265), "exponents in", 1e-7, 1e-6),  # 355/113
        (1 + cp.pnorm(x, 3.14159265), "exponents in", 1e-7, 1e-6),
        (-cp.geo_mean(x, [0.31415926, 1.0]), "exponents in", 1e-8, 1e-7),
        (cp.quad_form(x, small[::-1, ::-1]), "the matrix of", 1e-15, 1e-11),
        (3 * cp.quad_form(x + 1, np.diag([1.0, -0.5]), assume_PSD=True), "the matrix of", 0.4, 2),
    ],
)
def test_what_cvxpy_replaces_is_told(expression: cp.Expression, what: str, least: float, most: float) -> None:
    (sentence,) = found(expression)
    assert sentence.startswith(f"constraints[1]: CVXPY replaces {what} ")
    assert least < float(sentence.split("off by up to ")[1].split()[0]) < most


@pytest.mark.parametrize(
    "expression",
    [
        cp.power(x[0], 2.5) + cp.inv_pos(x[1]) + cp.pnorm(x, 3),
        cp.sum_squares(x) - cp.geo_mean(x),
        cp.quad_form(x, dense) + cp.quad_form(x, np.zeros((2, 2))),
        cp.quad_form(x, sparse.csc_array(dense)) - cp.quad_form(x, -dense),
        cp.quad_form(x, np.array([[4e12, 1e3], [1e3, 1e3]])),
        cp.quad_form(x, np.outer([1, 0.1], [1, 0.1])),
        cp.quad_form(x, cp.Parameter((2, 2), PSD=True, value=dense)),
    ],
)
def test_what_is_only_rounded_is_not_told(expression: cp.Expression) -> None:
    assert found(expression) == []


def test_what_is_told_is_true_of_the_compiled_program() -> None:
    """The least 10^13 x_0^2 + 2 x_1^2 - 4 x_1 is -2; where the second pivot is dropped, there is none."""
    P = np.diag([1e13, 2.0])
    problem = cp.Problem(cp.Minimize(cp.quad_form(x, P) - 4 * x[1]), [x <= 100])
    assert len(replaced(problem)) == 1
    assert solved(compiled(problem))[2] == pytest.approx(-400, rel=1e-2)


def test_where_nothing_is_told_the_compiled_matrix_is_the_stated_one() -> None:
    """Of badly scaled matrices CVXPY 1.9.3 leaves out a quarter of an entry and more."""
    rng = np.random.default_rng(3)
    told = 0
    for _ in range(60):
        scales = 2.0 ** rng.integers(-12, 13, size=3)
        B = rng.normal(size=(3, 4)) * scales[:, None]
        P = B @ B.T
        v = cp.Variable(3)
        problem = cp.Problem(cp.Minimize(cp.quad_form(v, P, assume_PSD=True)))
        program = compiled(problem)
        M = program.A.toarray()[2:, 1:] / 2  # rows 1 + t, 1 - t, 2 M v; the objective is q_0 t
        size = np.sqrt(np.outer(np.diag(P), np.diag(P)))
        error = np.abs(program.q[0] * M.T @ M - P)
        sentences = replaced(problem)
        worst = (error / size).max()
        assert bool(sentences) or worst < 2e-12
        assert worst > 5e-13 or not sentences
        if sentences:
            told += 1
            said = float(sentences[0].split()[-4])
            assert said == pytest.approx(error.max(), rel=0.2, abs=1e-15 * P.max())
    assert 5 < told < 55


def test_a_quadrature_is_told() -> None:
    z = cp.Variable()
    constraint = cp.constraints.RelEntrConeQuad(x[0], x[1], z, 3, 3)
    (sentence,) = replaced(cp.Problem(cp.Minimize(z), [x == 1, constraint]))
    assert sentence == "constraints[1]: CVXPY replaces relative entropy by a quadrature"
