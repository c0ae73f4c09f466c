"""CVXPY's problems as cone programs: the right optimum, and a sentence for each that cannot be taken."""

from __future__ import annotations

from math import exp, log, sqrt

import cvxpy as cp
import numpy as np
import pytest
from scipy import sparse

from cvxtoken import ProblemError
from cvxtoken.conic.compiled import compiled
from cvxtoken.conic.digest import digest
from cvxtoken.conic.program import MAXIMIZE, ConeProgram
from tests.support.cones import solved


def value(program: ConeProgram) -> float:
    """The optimum of the problem that a program states, by Clarabel."""
    return (-1 if program.sense == MAXIMIZE else 1) * solved(program)[2]


x, y = cp.Variable(2, name="x"), cp.Variable(2, pos=True, name="y")
half, pair = cp.Parameter(value=0.5, name="half"), cp.Parameter(2, value=[1.0, -2.0], name="pair")


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        (cp.Problem(cp.Minimize(cp.sum_squares(x) + 1), [x[0] + x[1] == 2]), 3),
        (cp.Problem(cp.Maximize(cp.log(x[0]) + 3), [x <= 2]), 3 + log(2)),
        (cp.Problem(cp.Maximize(7 - cp.norm(x - [3, 4])), [x <= 0]), 2),
        (cp.Problem(cp.Minimize(cp.exp(x[0]) - x[0])), 1),
        (cp.Problem(cp.Maximize(cp.sum(cp.entr(x)) + half), [cp.sum(x) == 1]), 0.5 + log(2)),
        (cp.Problem(cp.Minimize(pair @ x), [cp.norm(x) <= 3 * half]), -1.5 * sqrt(5)),
        (cp.Problem(cp.Minimize(x[0] * cp.exp(half)), [x >= half]), 0.5 * exp(0.5)),  # not DPP
        (cp.Problem(cp.Minimize(cp.abs(cp.Variable(complex=True) + 2 - 1j))), 0),
        (cp.Problem(cp.Minimize(cp.sum(cp.Variable(2, bounds=[-1, 4])))), -2),
        (cp.Problem(cp.Minimize(5), [x >= 1]), 5),
    ],
)
def test_the_program_has_the_problems_optimum(problem: cp.Problem, expected: float) -> None:
    program = compiled(problem)
    assert value(program) == pytest.approx(expected, abs=1e-6)
    assert program.A.has_canonical_format
    assert (program.A.data != 0).all()


def test_a_problem_by_hand() -> None:
    program = compiled(cp.Problem(cp.Maximize(3 * x[0] - x[1] + 4), [2 * x[0] + 0 * x[1] <= 5, x[0] == x[1]]))
    assert program.A.toarray().tolist() in ([[1, -1], [2, 0]], [[-1, 1], [2, 0]])
    assert (program.b.tolist(), program.q.tolist(), program.offset) == ([0, 5], [-3, 1], -4)
    assert (program.cones, program.sense, program.A.nnz) == ((("zero", 1), ("nonnegative", 1)), "maximize", 3)


def test_entries_are_summed_and_zeros_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    zero = cp.Parameter(value=0.0)
    problem = cp.Problem(cp.Minimize(x[0]), [zero * x[0] + x[1] >= 1, x >= 0])
    assert compiled(problem).A.nnz == 3
    original = cp.Problem.get_problem_data

    def twice(*args: object, **options: object) -> tuple:
        data, chain, inverse = original(*args, **options)
        A = data["A"].tocoo()
        i, j, values = (np.tile(part, 2) for part in (A.row, A.col, A.data))
        order = np.argsort(j, kind="stable")
        pointers = np.searchsorted(j[order], np.arange(A.shape[1] + 1))
        data["A"] = sparse.csc_array((values[order], i[order], pointers), shape=A.shape)
        return data, chain, inverse

    once = compiled(problem).A.toarray()
    monkeypatch.setattr(cp.Problem, "get_problem_data", twice)
    program = compiled(problem)
    assert program.A.nnz == 3
    assert (program.A.toarray() == 2 * once).all()


def test_without_constraints_there_are_no_rows() -> None:
    program = compiled(cp.Problem(cp.Minimize(x[0] + 1)))
    assert (program.A.shape, program.cones, program.offset) == ((0, 2), (), 1)


def test_a_geometric_program_is_compiled_to_its_logarithm() -> None:
    """The largest 2 y_0 y_1^3 with y_0 + y_1 <= h is 2 (h / 4) (3 h / 4)^3; p is used though it is no DPP."""
    h = cp.Parameter(pos=True, value=3.0)
    program = compiled(cp.Problem(cp.Maximize(2 * y[0] * y[1] ** 3), [y[0] + y[1] <= h]), gp=True)
    assert exp(value(program)) == pytest.approx(2 * 0.75 * 2.25**3, rel=1e-6)
    assert program.sense == "maximize"


def test_nothing_of_the_problem_is_changed_and_new_values_are_seen() -> None:
    p = cp.Parameter(value=1.0)
    problem = cp.Problem(cp.Minimize(x[0]), [x >= p])
    problem.solve(solver=cp.CLARABEL)
    key, status = problem._cache.key, problem.status
    first = digest(compiled(problem))
    assert digest(compiled(problem)) == first
    p.value = 2.0
    assert digest(compiled(problem)) != first
    assert (problem._cache.key, problem.status, problem.value) == (key, status, pytest.approx(1, abs=1e-6))
    p.value = 1.0
    again = cp.Variable(2)
    same = cp.Problem(cp.Minimize(again[0]), [again >= p])
    assert digest(compiled(same)) == first, "the same problem, written anew"


whole, flag, some = (
    cp.Variable(integer=True, name="whole"),
    cp.Variable(boolean=True, name="flag"),
    cp.Variable(3, boolean=[(1,)], name="some"),
)
LARGE = 31  # one more than the largest order that is taken
S, X = cp.Variable((LARGE, LARGE), symmetric=True, name="S"), cp.Variable((LARGE, LARGE), PSD=True, name="X")
nan, far = np.array([1.0, np.nan]), np.array([[1.0, -np.inf]])


@pytest.mark.parametrize(
    ("objective", "constraints", "message"),
    [
        (
            cp.Minimize(cp.sqrt(x[0])),
            [],
            "not DCP: The objective is not DCP, even though each sub-expression is",
        ),
        (cp.Minimize(x[0]), [cp.sqrt(x[0]) <= 1], "not DCP: The following constraints are not DCP: "),
        (cp.Maximize(y[0] * y[1]), [y <= 1], "Its following subexpressions are not: y[0] "),
        (cp.Maximize(y[0] * y[1]), [y <= 1], "; it is DGP: say gp=True"),
        (cp.Minimize(cp.ceil(x[0])), [x >= 1], "not DCP: The objective is not DCP"),
        (cp.Minimize(whole + x[0]), [], "the variable whole is integer; only continuous ones can be proven"),
        (cp.Minimize(x[0]), [flag <= x], "the variable flag is boolean"),
        (cp.Minimize(cp.sum(some)), [], "the variable some is boolean"),
        (cp.Minimize(x[0]), [x >= 0, cp.FiniteSet(x[0], [1, 2])], "constraints[1] needs integer variables"),
        (
            cp.Minimize(cp.Parameter(name="rate") * x[0]),
            [x >= 0],
            "the parameter rate has no value; all must",
        ),
        (cp.Minimize(cp.Constant(3)), [], "the problem has no variables; it must have one at least"),
        (cp.Minimize(0), [cp.Constant(1) <= 0], "the problem has no variables"),
        (
            cp.Minimize(x[0]),
            [x >= 0, x >= nan],
            "constraints[1]: a constant of shape (2,) has nan at [1]; all",
        ),
        (cp.Minimize(x[0]), [far @ x >= 1], "constraints[0]: a constant of shape (1, 2) has -inf at [0, 1]"),
        (cp.Minimize(x[0] + np.inf), [x >= 0], "the objective: a constant of shape () has inf; all data"),
        (
            cp.Minimize(1e200 * (1e200 * x[0])),
            [x >= 1],
            "not finite, though all constants are: numbers overflow",
        ),
        (
            cp.Minimize(cp.trace(X)),
            [],
            "the variable X needs semidefinite cones of another size than can be",
        ),
        (cp.Minimize(1), [x <= 1, S >> np.eye(LARGE)], "constraints[1] (S "),
        (
            cp.Minimize(cp.lambda_max(S)),
            [],
            "the objective (minimize lambda_max(S)), by lambda_max, needs semidef",
        ),
        (cp.Minimize(x[0]), [cp.normNuc(S) <= x[0]], ", by normNuc, needs semidefinite cones"),
    ],
)
def test_what_cannot_be_taken_is_refused_in_a_sentence(
    objective: object, constraints: list, message: str
) -> None:
    with pytest.raises(ProblemError) as caught:
        compiled(cp.Problem(objective, constraints))
    assert message in str(caught.value)
    assert len(str(caught.value)) < 320
    assert "\n" not in str(caught.value)


def test_a_problem_that_is_not_dgp_and_one_that_is_no_problem_are_refused() -> None:
    with pytest.raises(
        ProblemError, match=r"not DGP: .* x <-- needs to be declared positive; it is DCP: say gp="
    ):
        compiled(cp.Problem(cp.Minimize(x[0])), gp=True)
    with pytest.raises(ProblemError, match=r"problem is a dict; it must be a cvxpy\.Problem"):
        compiled({})
