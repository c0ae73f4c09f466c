"""The folder that holds the library for other programs."""

from __future__ import annotations

import json
from decimal import Decimal, localcontext
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

import cvxtoken
from cvxtoken import ProblemError
from cvxtoken.allocation.program.cones import cone_program
from cvxtoken.conic.cbf import read_cbf
from cvxtoken.conic.program import ConeProgram
from cvxtoken.library.exported import export, from_file_order
from tests.support.cones import solved


def test_files_hold_the_programs_and_the_index_what_is_true(tmp_path: Path) -> None:
    chosen = cvxtoken.instances(["workloads/q*-0.1-30", "degenerate*", "infeasible/n1-2"])
    asked: list[str] = []
    export(tmp_path, chosen, on_instance=asked.append)
    index = json.loads((tmp_path / "index.json").read_text())
    assert (index["schema"], index["version"], index["format"]) == (
        *("cvxtoken-export/1", cvxtoken.__version__, "cbf"),
    )
    assert asked == [entry["id"] for entry in index["instances"]] == [instance.id for instance in chosen]
    for instance, entry in zip(chosen, index["instances"], strict=True):
        assert entry["sha256"] == instance.workload.sha256
        program = read_cbf((tmp_path / entry["file"]).read_text())
        assert (len(program.q), len(program.b)) == (entry["variables"]["count"], entry["rows"])
        assert program.offset == entry["offset"]
        if not instance.feasible:
            assert (entry["status"], entry["objective"], entry["form"]) == ("infeasible", None, "raw")
            assert entry["witness"] == str(instance.witness)
            continue
        assert 38 <= len(Decimal(entry["objective"]).as_tuple().digits) <= 40
        with localcontext(prec=60):
            assert abs(Decimal(entry["objective"]) + instance.certificate.lower) < Decimal("1e-35")
        v, _, F = solved(program)
        assert pytest.approx(float(entry["objective"]), rel=1e-5, abs=1e-5) == F
        tokens = np.zeros(len(instance.workload))
        places = entry["variables"]["types"]
        tokens[places] = np.array(entry["variables"]["scale"]) * v[: len(places)]
        assert np.array_equal(tokens, cone_program(instance.workload).tokens(v))
        z = from_file_order(program, "cbf", np.array(entry["duals"]))
        assert float(program.offset - program.b @ z) == pytest.approx(float(entry["objective"]), rel=1e-9)


def test_formats_hold_the_same_numbers(tmp_path: Path) -> None:
    (instance,) = cvxtoken.instances("workloads/qwen3-8b-0.1-30")
    program = cone_program(instance.workload).program
    (entry,) = export(tmp_path, [instance], "npz")["instances"]
    with np.load(tmp_path / entry["file"]) as file:
        shape = (len(file["b"]), len(file["q"]))
        A = sparse.csc_array((file["A_data"], file["A_indices"], file["A_indptr"]), shape=shape)
        cones = tuple(zip(file["cone_kinds"].tolist(), file["cone_rows"].tolist(), strict=True))
        read = ConeProgram(A, file["b"], file["q"], float(file["offset"]), cones)
    assert (read.A != program.A).nnz == 0
    assert (read.b == program.b).all()
    assert (read.cones, read.offset) == (program.cones, program.offset)
    (other,) = export(tmp_path, [instance], "clarabel-json")["instances"]
    with localcontext(prec=60):
        shift = Decimal(other["objective"]) + Decimal(program.offset) - Decimal(entry["objective"])
    assert abs(shift) < Decimal("1e-37")


def test_an_unknown_format_and_a_folder_that_is_a_file_are_refused(tmp_path: Path) -> None:
    chosen = cvxtoken.instances("infeasible/n1-2")
    with pytest.raises(
        ProblemError, match="format is 'lp'; it must be one of cbf, clarabel-json, mps, npz, nl"
    ):
        export(tmp_path, chosen, "lp")
    (tmp_path / "file").write_text("")
    with pytest.raises(ProblemError, match="cannot be written"):
        export(tmp_path / "file", chosen)


@pytest.mark.parametrize(
    "instance", cvxtoken.instances(["infeasible*", "servers/unstable*"]), ids=lambda i: i.id
)
def test_the_program_of_an_infeasible_instance_has_y_below_0(instance: cvxtoken.Instance) -> None:
    """The second-order cone's first and last slack differ by 2 y, and y is at most that at x = 0."""
    program = cone_program(instance.workload, "raw", stable=False).program
    assert np.isfinite(program.b).all()
    first = program.cones[0][1]
    last = first + program.cones[1][1] - 1
    y = (program.b[first] - program.b[last]) / 2
    slopes = -(program.A[[first]] - program.A[[last]]).toarray().ravel() / 2
    assert y == float(instance.workload.idle_at_zero) <= 0
    assert (slopes <= 0).all()
