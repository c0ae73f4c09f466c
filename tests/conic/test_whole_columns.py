"""Programs with columns that must be whole: written, read and asked about, and never said to be proven."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

import cvxtoken
from cvxtoken import ProblemError
from cvxtoken.conic.cbf import read_cbf, write_cbf
from cvxtoken.conic.certify import certify_cone
from cvxtoken.conic.digest import digest
from cvxtoken.conic.nl import write_nl
from cvxtoken.conic.program import NONNEGATIVE, POWER, ZERO, ConeProgram
from cvxtoken.library.problems.modelled import modelled
from cvxtoken.library.problems.written import Written


def program(integers: tuple[int, ...] = (1,), sense: str = "minimize") -> ConeProgram:
    """Minimise x + 2 y + 3 with x + y = 2.5, x <= 2 and y <= 7: 6; with y whole 6.5."""
    A = sparse.csc_array([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    cones = ((ZERO, 1), (NONNEGATIVE, 2))
    return ConeProgram(A, np.array([2.5, 2, 7]), np.array([1.0, 2]), 3.0, cones, sense, integers=integers)


def test_only_continuous_programs_are_proven() -> None:
    with pytest.raises(ProblemError) as caught:
        certify_cone(program())
    assert str(caught.value) == (
        "the program has 1 columns that must be whole; only continuous programs can be proven"
    )
    shipped = cvxtoken.instances("schedules/n3")[0].problem.cones("raw").program
    with pytest.raises(ProblemError, match="only continuous programs can be proven"):
        certify_cone(shipped, 10)
    proof = certify_cone(program(()))
    assert proof.is_whole
    assert proof.lower <= 6 <= proof.upper


def test_a_proof_of_the_continuous_program_is_not_of_the_whole_one() -> None:
    assert digest(program()) != certify_cone(program(())).to_document()["sha256"] == digest(program(()))


@pytest.mark.parametrize("integers", [(2,), (-1,), (1, 0), (0, 0)])
def test_integers_are_columns_and_rise(integers: tuple[int, ...]) -> None:
    with pytest.raises(ProblemError, match="it has columns from 0 to 1, rising"):
        program(integers)


@pytest.mark.parametrize("sense", ["minimize", "maximize"])
def test_files_hold_them_whatever_the_sense(sense: str) -> None:
    text = write_cbf(program(sense=sense))
    again = read_cbf(text)
    assert (again.integers, again.sense) == ((1,), sense)
    assert digest(again) == digest(program(sense=sense))
    assert read_cbf(text.replace("INT\n1\n1\n", "INT\n2\n1\n0\n")).integers == (0, 1), "in any order"


@pytest.mark.parametrize(("integers", "optimum"), [((), 6.0), ((1,), 6.5)])
def test_equations_stay_equations_in_a_problem_of_cvxpy(integers: tuple[int, ...], optimum: float) -> None:
    for sense in (1, -1):
        written = modelled(Written(program(integers), lambda v: v), sense)
        written.problem.solve(solver="HIGHS")
        assert written.problem.value == pytest.approx(sense * optimum, abs=1e-7)


def test_equations_stay_equations_in_nl() -> None:
    pytest.importorskip("pyomo")
    text, columns = write_nl(program())
    assert sorted(columns) == [0, 1], "and none is eliminated by it"
    assert [line for line in text.splitlines() if line.startswith("4 ")] == ["4 -2.5"], "an equation in r"
    A = sparse.csc_array(np.eye(3))
    power = ConeProgram(A, np.ones(3), np.ones(3), 0.0, ((POWER, 3),), exponents=(0.5,))
    with pytest.raises(ProblemError, match="a cone that is power has no smooth form here"):
        write_nl(power)
    with pytest.raises(ProblemError, match="a cone that is power has no CVXPY problem here"):
        modelled(Written(power, lambda v: v))
    empty = ConeProgram(sparse.csc_array((3, 3)), np.array([1.0, 0, 0]), np.ones(3), 0.0, ((ZERO, 3),))
    with pytest.raises(ProblemError, match="a row without variables holds for no point"):
        write_nl(empty)
    with pytest.raises(ProblemError, match="no place for whole numbers"):
        replace(program(), integers=(0,)).to_clarabel()
