"""Proofs of infeasibility: the exact ones pass, with a solver's errors too, and wrong ones are named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cvxpy as cp
import numpy as np
import pytest

import cvxtoken
from cvxtoken import Instance
from cvxtoken.allocation.program.cones import cone_program
from cvxtoken.library.exported import export, file_order
from cvxtoken.suite import check_solver
from cvxtoken.suite.answer import subject
from cvxtoken.suite.case import Case, NotApplicable
from cvxtoken.suite.marking import mark_folder
from cvxtoken.suite.rays import certificate, ray_fault
from tests.suite.broken_adapters import scs_solved

ALL = cvxtoken.instances(["infeasible*", "servers/unstable*"])
INFEASIBLE = [i for i in ALL if i.witness > 1]
ONE = "infeasible/n2-2"
Array = np.ndarray


def slope(instance: Instance) -> Array:
    """a of y = y0 - a'l."""
    w = instance.workload
    return np.asarray(w.rate * w.law.token_share * w.prior * w.time_per_token)


def exact_ray(instance: Instance, size: float = 1.0) -> Array:
    """(2 a, 0) on the box, (1, 0, -1) on the second-order cone: b'z = 2 y0."""
    p, a = cone_program(instance.workload, "raw", stable=False).program, slope(instance)
    n, rows = len(a), p.cones[1][1]
    z = np.zeros(len(p.b))
    z[:n], z[2 * n], z[2 * n + rows - 1] = 2 * a, 1.0, -1.0
    return size * z


def fault(instance: Instance, z: Array, rough: bool = False) -> str:
    return ray_fault(cone_program(instance.workload, "raw", stable=False), z, rough) or ""


@pytest.mark.parametrize("instance", INFEASIBLE, ids=lambda i: i.id)
def test_the_exact_ray_of_any_size_is_a_proof(instance: Instance) -> None:
    for size in (2.0**-900, 1.0, 2.0**900):  # exact, as rounding matters at one ulp above 1
        assert fault(instance, exact_ray(instance, size)) == ""
        assert "it must be below 0" in fault(instance, -exact_ray(instance, size))


def test_wrong_rays_are_named_with_the_figure_and_the_tolerance() -> None:
    (instance,) = cvxtoken.instances(ONE)
    z, n = exact_ray(instance), len(instance.workload)
    box, top = np.arange(len(z)) < n, float(instance.workload.max_tokens[0])
    other = cvxtoken.instances("infeasible/n2-100")[0]
    tilted = z - (np.arange(len(z)) == len(z) - 2)  # of a row of b alone
    for wrong, words in (
        (0 * z, "b'z = 0; it must be below 0"),
        (z[:-1], "the ray z has shape"),
        (np.where(box, np.nan, z), "the ray z is not finite: entry 0 is nan"),
        (z + np.where(box, 0.1 * z, 0), "relative, not 0 (tolerance 0.0001)"),
        (z + np.where(box, 2 / top, 0), "over the box its errors come to 2 of -b'z (tolerance 1)"),
        (np.where(box, 0, z), "A'z is 0.00477 relative, not 0 (tolerance 0.0001)"),
        (exact_ray(other), "relative, not 0 (tolerance 0.0001)"),
        (tilted, "z is not in the dual of the exponential cone"),
    ):
        assert words in fault(instance, wrong), words
        assert fault(instance, 1e-9 * wrong), "a ray has no size of its own"
    assert fault(instance, z + np.where(box, 1 / (4 * top), 0)) == "", "a solver's rounding is not a fault"
    assert fault(instance, z * (1 + 1e-9)) == ""


def test_the_dual_values_of_a_problem_that_is_nearly_infeasible_are_no_ray() -> None:
    """They are so large that A'z = -q is small beside them: google-deepmind/qtqp#80."""
    (instance,) = cvxtoken.instances("utilization/1-1e-09-101")
    w = instance.workload
    z = cone_program(w, "raw").duals(instance.certificate.tokens)
    beyond = cone_program(w.replace(arrival_rate=w.arrival_rate * (1 + 1e-6)), "raw", stable=False)
    residual = np.abs(beyond.program.A.T @ z).max() / (abs(beyond.program.A.T) @ np.abs(z)).max()
    assert residual < 1e-4
    assert "over the box its errors come to" in (ray_fault(beyond, z) or "")


# --- multipliers of CVXPY problems -----------------------------------------------------------------------


def claims(multipliers: list[Any], status: str = "infeasible") -> Callable[[cp.Problem], str]:
    def solve(problem: cp.Problem) -> str:
        for constraint, value in zip(problem.constraints, multipliers, strict=True):
            constraint.save_dual_value(value)
        return status

    return solve


def told(solver: Callable[..., Any], form: str = "raw", instance: str = ONE) -> tuple[str, str]:
    (chosen,) = (i for i in ALL if i.id == instance)
    try:
        reason = certificate(Case(subject(solver, "problem", form), chosen, 1e-6))
    except NotApplicable as why:
        return "UNSUPPORTED", str(why)
    return ("FAIL", reason) if reason else ("PASS", "")


def test_multipliers_that_prove_it_pass_and_others_are_named() -> None:
    (instance,) = cvxtoken.instances(ONE)
    a, none, top = slope(instance), np.zeros(2), instance.workload.max_tokens
    assert told(claims([3 * a, none])) == ("PASS", "")
    assert told(claims([3 * a + 0.2 / top, none])) == ("PASS", "")
    for size in (1e-290, 1e290):
        assert told(claims([size * a, none])) == ("PASS", "")
        assert told(claims([none, size * a]))[0] == "FAIL"
    for wrong, words in (
        ([none, none], "the multipliers add up to 0; it must be above 0"),
        ([-a, none], "it must be above 0"),
        ([none, a], "it must be above 0"),
        ([a[::-1], none], "over the box the multipliers' errors come to"),
        ([a + 2 / top, none], "of what they add up to (tolerance 1)"),
        ([a * np.nan, none], "the vector of multipliers is not finite: entry 0 is nan"),
    ):
        result, reason = told(claims(wrong))
        assert (result, words in reason) == ("FAIL", True), reason
    assert told(claims([a[:1], none])) == ("UNSUPPORTED", "3 multipliers were given, and 4 are known")
    assert told(claims([a + 2 / top, none], "infeasible_inaccurate")) == ("PASS", "")
    assert told(claims([-a, none], "infeasible_inaccurate"))[0] == "FAIL"
    assert told(claims([a, none]), instance="infeasible/n2-exactly-1") == (
        "UNSUPPORTED",
        "the utilisation is 1 + 0: doubles hold no proof",
    )


def test_the_multiplier_of_the_equation_belongs_to_the_others() -> None:
    (instance,) = cvxtoken.instances(ONE)
    a, none = slope(instance) / instance.workload.saturation_rate, np.zeros(2)
    assert told(claims([2 * a, none, 2.0]), "parametric") == ("PASS", "")
    for s, words in ((-2.0, "is -2, those of the bounds ask for 2 (tolerance 0.4)"), (4.0, "is 4, those")):
        result, reason = told(claims([2 * a, none, s]), "parametric")
        assert (result, words in reason) == ("FAIL", True), reason


@pytest.mark.parametrize(
    ("settings", "form"),
    [({"solver": "SCS", "max_iters": 1_000_000}, "raw"), ({"solver": "CLARABEL"}, "parametric")],
)
def test_what_solvers_leave_in_a_problem_is_a_proof(settings: dict[str, Any], form: str) -> None:
    left: list[bool] = []

    def solve(problem: cp.Problem) -> None:
        problem.solve(**settings)
        left.append(all(constraint.dual_value is not None for constraint in problem.constraints))

    result, reason = told(solve, form)
    if not left[-1]:  # CVXPY before 1.7 leaves none where a problem is infeasible
        assert (result, "was returned" in reason) == ("UNSUPPORTED", True), reason
        return
    assert (result, reason) == ("PASS", "")

    def stale(problem: cp.Problem) -> str:
        """The multipliers of an optimum are said to be a proof."""
        solve(problem)
        for constraint in problem.constraints:
            constraint.save_dual_value(np.ones_like(constraint.dual_value))
        return "infeasible"

    assert told(stale, form)[0] == "FAIL"


# --- rays in answer files --------------------------------------------------------------------------------


@pytest.mark.parametrize("file_format", ["cbf", "npz"])
def test_a_ray_in_an_answer_file_is_marked(tmp_path: Path, file_format: str) -> None:
    instances = cvxtoken.instances("infeasible/n2-*", exclude="infeasible/n2-exactly-1")
    export(tmp_path, instances, file_format)
    answers = []
    for number, instance in enumerate(instances):
        p = cone_program(instance.workload, "raw", stable=False).program
        z = exact_ray(instance)[file_order(p, file_format)]
        ray = [z, -z, z[:-1], z][number].tolist()
        answers.append({"id": instance.id, "status": "infeasible", "ray": ray, "x": [float("nan")]})
    answers[-1]["ray"][0] = float("inf")
    path = tmp_path / "answers.jsonl"
    path.write_text("".join(json.dumps(answer) + "\n" for answer in answers))
    marks, faults = mark_folder(tmp_path, path)
    assert [m.verdict for m in marks] == ["right", "wrong", "wrong", "missing"]
    assert marks[1].reason.startswith("the ray proves nothing: b'z = ")
    assert marks[2].reason == f"ray has {len(z) - 1} numbers; it must have {len(z)}"
    assert "ray[0] is inf; it must be a finite number" in faults[0]


def test_a_ray_of_scs_is_a_proof_as_it_is_returned() -> None:
    report = check_solver(scs_solved, ["infeasible/n2-2", "infeasible/n8-100"], kind="cones", form="raw")
    assert [o.result for o in report.outcomes if o.check == "certificate"] == ["PASS", "PASS"]
