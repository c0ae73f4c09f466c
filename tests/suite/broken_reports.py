"""Broken adapters from public bug reports, beside those of `broken_adapters`: one kind of fault a report."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cvxpy as cp
import numpy as np

from tests.suite.broken_adapters import CORNER, INFEASIBLE, Fault, changed, of_duals, scs_solved, solved

Found = dict[str, Any]
PARAMETRIC = "workloads/qwen3-8b-0.5-100"


def exponential(found: Found) -> slice:
    """The rows of the exponential cones: three of each type, at the end."""
    return slice(len(found["z"]) - 3 * ((len(found["x"]) - 1) // 2), len(found["z"]))


def second_order(found: Found) -> slice:
    """The rows of the second-order cone, after those of the box."""
    return slice(len(found["x"]) - 1, exponential(found).start)


def moved(rows: Callable[[Found], slice], change: Callable[[np.ndarray], np.ndarray]) -> Callable[..., Any]:
    """z with some rows changed."""

    def z(found: Found) -> np.ndarray:
        new = found["z"].copy()
        new[rows(found)] = change(new[rows(found)])
        return new

    return changed(z=z)


def first_bound_0(value: Any) -> Any:
    return np.where(np.arange(np.size(value)) == int(np.argmax(np.abs(value))), 0.0, value)


def constant_twice(problem: cp.Problem) -> None:
    """The sign of the objective's constant is not turned back with that of the maximisation."""
    problem.solve(solver="CLARABEL")
    problem._value = problem.value - 2 * float(problem.param_dict["level"].value)


def one_dual_only(problem: cp.Problem) -> None:
    problem.solve(solver="CLARABEL")
    problem.constraints[1].dual_variables[0].value = None


def complex_duals(problem: cp.Problem) -> None:
    problem.solve(solver="CLARABEL")
    for constraint in problem.constraints:
        constraint.dual_variables[0]._value = constraint.dual_value + 3j


def equation_negated(problem: cp.Problem) -> None:
    problem.solve(solver="CLARABEL")
    equation = problem.constraints[2]
    equation.save_dual_value(-equation.dual_value)


def nothing_found(problem: cp.Problem) -> str:
    """A time limit ends the search before there is any point."""
    return "optimal_inaccurate"


def infeasible_at_the_second() -> Callable[[cp.Problem], str | None]:
    seen: list[int] = []

    def solve(problem: cp.Problem) -> str | None:
        problem.solve(solver="CLARABEL")
        seen.append(1)
        return None if len(seen) == 1 else "infeasible"

    return solve


def scales_its_data(A: Any, b: Any, q: Any, cones: Any) -> Found:
    """Equilibrated in the caller's arrays."""
    found = solved(A, b, q, cones)
    q /= np.abs(q).max()
    return found


def scales_the_matrix(A: Any, b: Any, q: Any, cones: Any) -> Found:
    found = solved(A, b, q, cones)
    A.data *= 2
    return found


def huge_ray(A: Any, b: Any, q: Any, cones: Any) -> Found:
    """Entries of 1e195, and those of tokens forgotten."""
    y = 1e195 * scs_solved(A, b, q, cones)["y"]
    y[: cones[0][1]] = 0.0
    return {"x": None, "y": y, "status": "infeasible"}


def near_ray(A: Any, b: Any, q: Any, cones: Any) -> Found:
    """An infeasible verdict on a problem that is only near to one, with its huge dual values."""
    return solved(A, b, q, cones) | {"x": None, "status": "PrimalInfeasible"}


REPORTED = [
    Fault("exponential duals in another solver's order", "jump-dev/ECOS.jl#39", "duals", "A'z + q is off",
          moved(exponential, lambda z: z.reshape(-1, 3)[:, [0, 2, 1]].ravel())),
    Fault("exponential duals of other types", "cvxpy/cvxpy#3377", "duals", "A'z + q is off",
          moved(exponential, lambda z: np.roll(z, 3))),
    Fault("second-order duals of a rotated cone", "RobotLocomotion/drake#18361", "duals", "A'z + q is off",
          moved(second_order, lambda z: np.where(np.arange(len(z)) == 0, z / 2, z))),
    Fault("second-order duals of the other sign", "jump-dev/ECOS.jl#26", "duals", "A'z + q is off",
          moved(second_order, lambda z: np.append(z[:1], -z[1:]))),
    Fault("duals aside by the rows of bounds", "cvxpy/cvxpy#3391", "duals", "A'z + q is off",
          changed(z=lambda found: np.roll(found["z"], (len(found["x"]) - 1) // 2))),
    Fault("slacks handed on as duals", "", "duals", "A'z + q is off", changed(z=lambda found: found["s"])),
    Fault("an uninitialised dual", "ERGO-Code/HiGHS#1594", "duals", "A'z + q is off",
          changed(z=lambda found: np.where(np.arange(len(found["z"])) == 2, 6.9e5, found["z"]))),
    Fault("a bound's dual left out", "cvxpy/cvxpy#920", "duals", "multiplier 1 is 0, expected",
          of_duals(first_bound_0), CORNER, kind="problem"),
    Fault("duals of a transformed problem", "scipopt/scip#49", "duals", "multiplier 1 is 0, expected",
          of_duals(lambda value: 0 * value), CORNER, kind="problem"),
    Fault("a constraint without its dual", "scipopt/PySCIPOpt#136", "duals",
          "constraint 1 has no dual value, and others have", one_dual_only, kind="problem"),
    Fault("multipliers of complex numbers", "", "duals", "dual values are no real numbers but complex128",
          complex_duals, kind="problem"),
    Fault("slacks of complex numbers", "", "primal", "s is no array of real numbers but complex128",
          changed(s=lambda found: found["s"] + 3j)),
    Fault("an equation's dual of the other sign", "cvxpy/cvxpy#2849", "duals", "is -", equation_negated,
          PARAMETRIC, "parametric", "problem"),
    Fault("not a number, said to be solved", "jkitchin/pounce#225", "honest", "but tokens are not finite",
          changed(x=lambda found: found["x"] * np.nan)),
    Fault("one value for all variables", "coin-or/CyLP#84", "accurate", "the objective is off by",
          changed(x=lambda found: np.full_like(found["x"], found["x"][:6].min()))),
    Fault("a point of complex numbers", "", "answers", "x is no array of real numbers",
          changed(x=lambda found: found["x"] + 3j)),
    Fault("duals of complex numbers", "", "duals", "z is no array of real numbers",
          changed(z=lambda found: found["z"] + 3j)),
    Fault("objective not set", "oxfordcontrol/Clarabel.cpp#22", "objective", "is 5e-05 s, but q'x =",
          changed(obj_val=lambda _: 5e-5)),
    Fault("objective not a number, said to be optimal", "cvxpy/cvxpy#1770", "objective", "is nan s",
          changed(obj_val=lambda _: float("nan"))),
    Fault("dual objective of the other sign", "NVIDIA/cuopt#83", "objective", "the reported dual objective",
          changed(obj_val_dual=lambda found: -found["obj_val"])),
    Fault("dual objective not a number", "", "objective", "the reported dual objective is nan s",
          lambda A, b, q, cones: scs_solved(A, b, q, cones) | {"dobj": float("nan")}),
    Fault("constant of a maximisation negated", "NVIDIA/cuopt#111", "objective", "the reported objective is",
          constant_twice, PARAMETRIC, "parametric", "problem"),
    Fault("an inaccurate optimum of no point", "cvxpy/cvxpy#2050", "answers", "no tokens were returned",
          nothing_found, kind="problem"),
    Fault("outside the box, said to be optimal", "cvxpy/cvxpy#946", "feasible", "outside 0 to",
          changed(x=lambda found: np.append(-1.0, found["x"][1:]))),
    Fault("infeasible when it is solved again", "optimatika/ojAlgo#117", "honest", "claims 'infeasible'",
          infeasible_at_the_second(), PARAMETRIC, "parametric", "problem"),
    Fault("infeasible by huge duals", "google-deepmind/qtqp#80", "honest", "claims 'infeasible'", near_ray),
    Fault("a huge ray", "coin-or/Clp#291", "certificate", "A'z is", huge_ray, INFEASIBLE, "raw"),
    Fault("costs scaled in place", "chapel-lang/chapel#24095", "untouched", "q was changed", scales_its_data),
    Fault("matrix scaled in place", "", "untouched", "A was changed", scales_the_matrix),
]  # fmt: skip
