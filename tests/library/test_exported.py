"""The cone programs that files hold of instances on other servers have the stored optimum."""

from __future__ import annotations

import json
from pathlib import Path

import clarabel
import numpy as np
import pytest

import cvxtoken
from cvxtoken.allocation import model
from cvxtoken.allocation.program.cones import cone_program
from cvxtoken.conic.cbf import read_cbf
from cvxtoken.conic.program import EXPONENTIAL, SECOND_ORDER, ConeProgram
from tests.support.cones import solved
from tests.support.thorough import some

FEASIBLE = [instance for instance in cvxtoken.instances("servers*") if instance.feasible]
# those on which Clarabel gives up; the tests of the suite name them
HARD = ["load-0.999*", "n?0*", "n?00", "unstable*", "prior*"]
CHOSEN = cvxtoken.instances("servers*", exclude=[f"servers/{name}" for name in HARD])


def feasible_to_rounding(program: ConeProgram, v: np.ndarray) -> bool:
    """Whether a point is in the cones, by their definitions."""
    s, row, good = program.b - program.A @ v, 0, True
    slack = 1e-9 * (1 + np.abs(program.b).max() + float((abs(program.A) @ np.abs(v)).max()))
    for kind, rows in program.cones:
        part = s[row : row + rows]
        row += rows
        if kind == SECOND_ORDER:
            good &= bool(np.linalg.norm(part[1:]) <= part[0] + slack)
        elif kind == EXPONENTIAL:
            good &= bool(part[1] * np.exp(part[0] / part[1]) <= part[2] + slack)
        else:
            good &= bool((part >= -slack).all())
    return good


@pytest.mark.parametrize("form", ["raw", "presolved"])
@pytest.mark.parametrize("instance", some(CHOSEN, 3), ids=lambda i: i.id)
def test_an_exported_file_has_the_stored_optimum(command, tmp_path: Path, instance, form: str) -> None:  # type: ignore[no-untyped-def]
    workload = str(tmp_path / "w.json")
    instance.workload.save(workload)
    out = {kind: tmp_path / f"out.{kind}" for kind in ("cbf", "clarabel-json")}
    for kind, path in out.items():
        assert command("export", workload, "--format", kind, "--form", form, "--out", str(path))[0] == 0
    program = read_cbf(out["cbf"].read_text())
    accuracy = 1e-6 * (1 + abs(instance.objective))
    _, _, F = solved(program)
    assert abs(F + instance.objective) <= accuracy
    document = json.loads(out["clarabel-json"].read_text()) | {"settings": {"verbose": False}}
    out["clarabel-json"].write_text(json.dumps(document))
    found = clarabel.load_from_file(str(out["clarabel-json"])).solve()
    assert abs(found.obj_val + program.offset + instance.objective) <= accuracy


@pytest.mark.parametrize("instance", FEASIBLE, ids=lambda i: i.id)
def test_the_stored_optimum_is_a_point_of_the_cone_program(instance: cvxtoken.Instance) -> None:
    """(l, e^(-b l), Q / y) is in the cones, and its objective is the stored one: no solver is asked."""
    w, l = instance.workload, model.stable_doubles(instance.workload, instance.certificate.tokens)
    program = cone_program(w, "raw").program
    y = float(model.exact_idle(w, l))
    v = np.concatenate([l, np.exp(-w.saturation_rate * l), [float(model.spread(w, l)) / y]])
    assert feasible_to_rounding(program, v)
    scale = float(np.abs(program.q) @ np.abs(v)) + abs(program.offset)
    assert abs(float(program.q @ v) + program.offset + instance.objective) <= 1e-13 * scale / min(1, y)
