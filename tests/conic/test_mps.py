"""MPS files: HiGHS reads the same bits back, and says so of linear programs alone."""

from __future__ import annotations

from pathlib import Path

import highspy
import numpy as np
import pytest
from scipy import sparse

import cvxtoken
from cvxtoken import ProblemError, highs
from cvxtoken.allocation.program.cones import cone_program
from cvxtoken.conic.mps import not_linear, write_mps
from cvxtoken.conic.program import NONNEGATIVE, ZERO, ConeProgram
from cvxtoken.library.exported import export


def random_program(seed: int) -> ConeProgram:
    """With numbers of all sizes that HiGHS keeps, an empty row and an empty column."""
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((7, 5)) * 10.0 ** rng.integers(-8, 9, (7, 5)) * rng.integers(0, 2, (7, 5))
    A[3], A[:, 2] = 0, 0
    b, q = rng.standard_normal(7) * 10.0 ** rng.integers(-9, 9, 7), rng.standard_normal(5)
    b[1] = q[0] = 0
    return ConeProgram(
        sparse.csc_array(A), b, q, 1 / 3 - seed, ((NONNEGATIVE, 3), (ZERO, 2), (NONNEGATIVE, 2))
    )


def read(path: Path) -> highspy.HighsLp:
    model = highs.solver(small_matrix_value=1e-12)
    assert model.readModel(str(path)) == highspy.HighsStatus.kOk
    return model.getLp()


@pytest.mark.parametrize("seed", range(5))
def test_the_same_bits_are_read_back(tmp_path: Path, seed: int) -> None:
    program = random_program(seed)
    path = tmp_path / "program.mps"
    path.write_text(write_mps(program, integers=[1, 2]))
    lp = read(path)
    A, given = lp.a_matrix_, program.A
    found = sparse.csc_array((A.value_, A.index_, A.start_), shape=given.shape)
    assert np.array_equal(found.toarray(), given.toarray())
    assert np.array_equal(lp.col_cost_, program.q)
    assert lp.offset_ == program.offset
    assert np.array_equal(lp.row_upper_, program.b)
    assert np.array_equal(lp.row_lower_, np.where([*[0] * 3, 1, 1, 0, 0], program.b, -np.inf))
    assert np.isneginf(lp.col_lower_).all()
    assert np.isposinf(lp.col_upper_).all()
    assert [kind == highspy.HighsVarType.kInteger for kind in lp.integrality_] == [
        False,
        True,
        True,
        False,
        False,
    ]


def test_a_program_in_a_file_has_its_optimum(tmp_path: Path) -> None:
    """Minimise x + 2 y + 3 with x + y = 2.5, x <= 2 and y <= 7: 2 + 1 + 3; with y whole 1.5 + 2 + 3."""
    A = sparse.csc_array([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    program = ConeProgram(A, np.array([2.5, 2, 7]), np.array([1.0, 2]), 3.0, ((ZERO, 1), (NONNEGATIVE, 2)))
    for integers, optimum in (((), 6.0), ((1,), 6.5)):
        path = tmp_path / "program.mps"
        path.write_text(write_mps(program, integers))
        model = highs.solver()
        model.readModel(str(path))
        assert highs.run(model)[0] == "optimal"
        assert model.getInfo().objective_function_value == pytest.approx(optimum, abs=1e-9)


def test_what_is_not_linear_is_said_to_be(tmp_path: Path, command) -> None:  # type: ignore[no-untyped-def]
    chosen = cvxtoken.instances("workloads/qwen3*")
    program = cone_program(chosen[0].workload).program
    assert not_linear(program) == (
        "it has second-order and exponential cones, and MPS holds linear programs only"
    )
    with pytest.raises(ProblemError, match="cannot be written as MPS: it has second-order and exponential"):
        write_mps(program)
    arguments = ["library", "export", str(tmp_path / "files"), "--family", "workloads", "--format", "mps"]
    code, _, err = command(*arguments)
    assert code == 2
    assert err == (
        "error: none of the 12 instances can be written as mps: it has second-order and exponential cones, "
        "and MPS holds linear programs only (workloads/qwen3-8b-0.01-30)\n"
    )
    assert not (tmp_path / "files").exists()


def test_linear_instances_are_written_and_the_others_named(  # type: ignore[no-untyped-def]
    tmp_path: Path, command
) -> None:
    """Schedules, which are whole, and limits; of both HiGHS finds the proven optimum in the file."""
    linear = [cvxtoken.instances(f"{family}*")[0] for family in ("schedules", "limits")]
    others = cvxtoken.instances(["workloads/qwen3*", "whole/n1"])
    index = export(tmp_path, [*linear, *others], "mps")
    assert [entry["id"] for entry in index["instances"]] == [instance.id for instance in linear]
    assert set(index["left_out"]) == {instance.id for instance in others}
    for instance, entry in zip(linear, index["instances"], strict=True):
        program = instance.problem.cones("presolved").program
        assert entry["file"] == f"{instance.id}.mps"
        assert entry["duals"] is None, "they are not known"
        lp = read(tmp_path / entry["file"])
        assert np.array_equal(lp.row_upper_, program.b)
        whole = [j for j, kind in enumerate(lp.integrality_) if kind == highspy.HighsVarType.kInteger]
        assert whole == entry["integers"] == list(program.integers)
        model = highs.solver()
        model.readModel(str(tmp_path / entry["file"]))
        assert highs.run(model)[0] == "optimal"
        value = model.getInfo().objective_function_value
        assert value == pytest.approx(float(entry["objective"]), rel=1e-6)
    assert whole == [], "those of limits are not"
    code, out, err = command(
        "library", "export", str(tmp_path), "--family", linear[0].id, "--family", "lagged", "--format", "mps"
    )
    count = len(cvxtoken.instances("lagged*"))
    assert (code, out) == (0, f"1 instances, mps: {tmp_path / 'index.json'}\n")
    assert err.startswith(f"{count} left out: it has second-order and exponential cones, and MPS holds")
