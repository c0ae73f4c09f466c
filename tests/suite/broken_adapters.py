"""Broken solvers and adapters of CVXPY problems and cone data: each a kind of fault from a public report.

The arithmetic is Clarabel's or SCS's and right; what is broken is what is said of it or handed on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import clarabel
import cvxpy as cp
import numpy as np
import scs
from scipy import sparse

FEASIBLE, INFEASIBLE = "workloads/qwen3-8b-0.1-30", "infeasible/n2-2"
CORNER = "degenerate/at-top-501"  # with types at their upper bound


def clarabel_solution(A: Any, b: Any, q: Any, cones: Any) -> Any:
    """Clarabel's answer to cone data, as it returns it."""
    kinds = {"nonnegative": clarabel.NonnegativeConeT, "second-order": clarabel.SecondOrderConeT}
    blocks = [kinds[kind](rows) if kind in kinds else clarabel.ExponentialConeT() for kind, rows in cones]
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    none = sparse.csc_matrix((len(q), len(q)))
    return clarabel.DefaultSolver(none, q, sparse.csc_matrix(A), b, blocks, settings).solve()


def solved(A: Any, b: Any, q: Any, cones: Any) -> dict[str, Any]:
    """The same as a mapping."""
    r = clarabel_solution(A, b, q, cones)
    found = {"x": np.array(r.x), "z": np.array(r.z), "s": np.array(r.s)}
    return found | {"status": str(r.status), "obj_val": r.obj_val}


def scs_solved(A: Any, b: Any, q: Any, cones: Any, **settings: Any) -> dict[str, Any]:
    """SCS's answer to cone data as it is returned: status in `info`, dual values in y.

    Its older releases take some 400,000 steps for what newer ones do in 14,000.
    """
    rows = {kind: [n for name, n in cones if name == kind] for kind, _ in cones}
    dims = {"l": sum(rows["nonnegative"]), "q": rows["second-order"], "ep": len(rows["exponential"])}
    data = {"A": sparse.csc_matrix(A), "b": b, "c": q}
    settings = {"max_iters": 1_000_000} | settings
    return dict(scs.SCS(data, dims, verbose=False, **settings).solve())


@dataclass(frozen=True)
class Fault:
    """A kind of fault.

    Attributes:
        name: of the kind.
        report: where it was reported in public; empty where the kind stands for many.
        check: the check whose name says what is wrong.
        reason: a part of the sentence.
        instance: where it shows.
        form: presolved or raw.
        solver: the broken function.
        kind: cones or problem.
    """

    name: str
    report: str
    check: str
    reason: str
    solver: Callable[..., Any]
    instance: str = FEASIBLE
    form: str = "presolved"
    kind: str = "cones"


def changed(**new: Callable[[dict[str, Any]], Any]) -> Callable[..., Any]:
    """Clarabel's answer with some entries computed anew from the rest."""

    def solve(A: Any, b: Any, q: Any, cones: Any) -> dict[str, Any]:
        found = solved(A, b, q, cones)
        return found | {name: function(found) for name, function in new.items()}

    return solve


def without(*names: str) -> Callable[..., Any]:
    def solve(A: Any, b: Any, q: Any, cones: Any) -> dict[str, Any]:
        return {name: value for name, value in solved(A, b, q, cones).items() if name not in names}

    return solve


def says(status: str) -> Callable[..., Any]:
    def solve(A: Any, b: Any, q: Any, cones: Any) -> dict[str, Any]:
        return {"x": None, "status": status}

    return solve


def of_earlier_b(A: Any, b: Any, q: Any, cones: Any) -> dict[str, Any]:
    old = b.copy()
    old[: cones[0][1]] *= 0.05
    return solved(A, b, q, cones) | {"z": solved(A, old, q, cones)["z"]}


def exchanged(found: dict[str, Any]) -> np.ndarray:
    """The box's multipliers, upper and lower exchanged."""
    z, n = found["z"].copy(), (len(found["x"]) - 1) // 2
    z[: 2 * n] = np.roll(z[: 2 * n], n)
    return z


def outside(found: dict[str, Any]) -> np.ndarray:
    """1 off both multipliers of the box, so that A'z stays as it is."""
    z, n = found["z"].copy(), (len(found["x"]) - 1) // 2
    z[: 2 * n] -= 1.0
    return z


def without_auxiliaries(found: dict[str, Any]) -> np.ndarray:
    x, n = found["x"].copy(), (len(found["x"]) - 1) // 2
    x[n:] = 0.0
    return x


def entry(value: float) -> Callable[[dict[str, Any]], np.ndarray]:
    return lambda found: np.where(np.arange(len(found["z"])) == 3, value, found["z"])


def rough(A: Any, b: Any, q: Any, cones: Any) -> dict[str, Any]:
    found = scs_solved(A, b, q, cones, max_iters=5)
    return {"x": found["x"], "y": found["y"], "status": "solved"}


def ray(change: Callable[[np.ndarray], np.ndarray]) -> Callable[..., Any]:
    def solve(A: Any, b: Any, q: Any, cones: Any) -> dict[str, Any]:
        found = scs_solved(A, b, q, cones)
        return {"x": None, "y": change(found["y"]), "status": "infeasible"}

    return solve


def of_duals(change: Callable[[Any], Any], status: str | None = None) -> Callable[..., Any]:
    """A problem solved by Clarabel, with its dual values changed."""

    def solve(problem: cp.Problem) -> str | None:
        problem.solve(solver="CLARABEL")
        for constraint in problem.constraints:
            constraint.save_dual_value(change(constraint.dual_value))
        return status

    return solve


def only_says(status: str) -> Callable[..., Any]:
    def solve(problem: cp.Problem) -> str:
        return status

    return solve


def swallows_errors(problem: cp.Problem) -> None:
    """Nothing solves the problem, and nobody is told."""


def always_raises(problem: cp.Problem) -> None:
    raise RuntimeError("solver error")


FAULTS = [
    Fault("infeasible said to be unbounded", "cvxgrp/scs#14", "honest", "claims 'unbounded'",
          only_says("unbounded"), INFEASIBLE, "raw", "problem"),
    Fault("infeasible said to be unbounded in a cone program", "cvxpy/cvxpy#1349", "honest",
          "claims 'unbounded'", says("DualInfeasible"), INFEASIBLE, "raw"),
    Fault("infeasible said to be solved", "cvxpy/cvxpy#1356", "honest",
          "claims 'optimal', but the utilisation", only_says("optimal"), INFEASIBLE, "raw", "problem"),
    Fault("optimum said to be unbounded", "cvxgrp/CVXR#26", "honest", "claims 'unbounded'",
          says("Unbounded")),
    Fault("optimum said to be nearly unbounded", "", "honest", "claims 'unbounded_inaccurate'",
          says("AlmostDualInfeasible")),
    Fault("unbounded parsed as infeasible", "cvxpy/cvxpy#921", "honest", "claims 'infeasible'",
          says("infeasible")),
    Fault("optimum said to be infeasible or unbounded", "cvxpy/cvxpy#1535", "honest",
          "claims 'infeasible_inaccurate'", says("INF_OR_UNBD")),
    Fault("early stop said to be solved", "", "honest", "claims 'optimal', but the objective", rough),
    Fault("infeasibility ends in 'insufficient progress'", "oxfordcontrol/Clarabel.rs#126", "detects",
          "claims 'failed' (InsufficientProgress)", says("InsufficientProgress"), INFEASIBLE, "raw"),
    Fault("infeasibility raises", "cvxpy/cvxpy#2506", "detects", "raised RuntimeError: solver error",
          always_raises, INFEASIBLE, "raw", "problem"),
    Fault("a new status word", "", "adapter", "'SOLVED_BY_LUCK' is not known",
          changed(status=lambda _: "SOLVED_BY_LUCK")),
    Fault("a number for a status", "", "adapter", "status is 1; numbers mean", changed(status=lambda _: 1)),
    Fault("no status", "", "adapter", "no status was returned", without("status")),
    Fault("a point alone", "", "adapter", "no status was returned",
          lambda A, b, q, cones: solved(A, b, q, cones)["x"]),
    Fault("an info without a status", "", "adapter", "no status was returned",
          changed(status=lambda _: None, info=lambda _: {"iter": 7})),
    Fault("an error swallowed", "", "adapter", "nothing solved the problem", swallows_errors, kind="problem"),
    Fault("objective less than a constant", "oxfordcontrol/ClarabelDocs#12", "objective",
          "the reported objective is", changed(obj_val=lambda found: 100 - found["obj_val"])),
    Fault("objective of the maximisation", "MOSEK/Mosek.jl#129", "objective", "but q'x =",
          changed(obj_val=lambda found: -found["obj_val"])),
    Fault("objective not finite", "", "objective", "is nan s", changed(obj_val=lambda _: np.nan)),
    Fault("objective a text", "", "objective", "is no number but 'low'", changed(obj_val=lambda _: "low")),
    Fault("objective of another point", "", "objective", "at its own x",
          changed(obj_val=lambda found: found["obj_val"] + 1, status=lambda _: "AlmostSolved")),
    Fault("auxiliary variables left at 0", "", "primal", "lies outside the", changed(x=without_auxiliaries)),
    Fault("slacks of the scaled data", "", "primal", "s differs from b - A x",
          changed(s=lambda found: 2 * found["s"])),
    Fault("slacks cut short", "", "primal", "s has shape", changed(s=lambda found: found["s"][:-1])),
    Fault("duals negated", "cvxpy/cvxpy#824", "duals", "z is negated", changed(z=lambda found: -found["z"])),
    Fault("duals negated, inaccurate", "", "duals", "z is negated",
          changed(z=lambda found: -found["z"], status=lambda _: "AlmostSolved")),
    Fault("duals negated, status unknown", "", "duals", "z is negated",
          changed(z=lambda found: -found["z"], status=lambda _: "fine")),
    Fault("duals of an earlier b", "cvxpy/cvxpy#3455", "duals", "not complementary", of_earlier_b),
    Fault("duals of the wrong rows", "cvxpy/cvxpy#591", "duals", "A'z + q is off",
          changed(z=exchanged), CORNER),
    Fault("duals outside their cone", "", "duals", "z is not in the dual of the nonnegative cone",
          changed(z=outside)),
    Fault("duals not finite", "", "duals", "z is not finite: entry 3 is nan", changed(z=entry(np.nan))),
    Fault("duals infinite", "", "duals", "z is not finite: entry 3 is inf", changed(z=entry(np.inf))),
    Fault("duals cut short", "", "duals", "z has shape", changed(z=lambda found: found["z"][:-1])),
    Fault("duals 0", "", "duals", "A'z + q is off", changed(z=lambda found: 0 * found["z"])),
    Fault("multipliers negated", "cvxpy/cvxpy#1096", "duals", "it must not be negative",
          of_duals(lambda value: -value), CORNER, "presolved", "problem"),
    Fault("multipliers negated, inaccurate", "", "duals", "it must not be negative",
          of_duals(lambda value: -value, "optimal_inaccurate"), CORNER, "presolved", "problem"),
    Fault("multipliers too large", "", "duals", ", expected 0 (tolerance", of_duals(lambda value: 7 + value),
          kind="problem"),
    Fault("multipliers not finite", "", "duals", "multipliers is not finite",
          of_duals(lambda value: value * np.nan), kind="problem"),
    Fault("ray negated", "", "certificate", "it must be below 0", ray(lambda y: -y), INFEASIBLE, "raw"),
    Fault("ray 0", "", "certificate", "it must be below 0", ray(lambda y: 0 * y), INFEASIBLE, "raw"),
    Fault("ray not finite", "", "certificate", "is not finite", ray(lambda y: y * np.nan), INFEASIBLE, "raw"),
    Fault("ray of another problem", "", "certificate", "proves nothing: A'z is",
          ray(lambda y: np.where(np.arange(len(y)) % 3 == 1, 2 * y, y)), INFEASIBLE, "raw"),
]  # fmt: skip

HONEST: dict[str, tuple[Callable[..., Any], str, str, str]] = {
    "early stopping said, as SCS returns it": (
        lambda A, b, q, cones: scs_solved(A, b, q, cones, max_iters=5), FEASIBLE, "presolved", "inaccurate"),
    "inaccuracy said": (changed(status=lambda _: "AlmostSolved"), FEASIBLE, "presolved", "inaccurate"),
    "iteration limit said": (says("MaxIterations"), FEASIBLE, "presolved", "failed"),
    "numerical trouble said": (says("QOCO_NUMERICAL_ERROR"), FEASIBLE, "presolved", "failed"),
    "unsupported said": (says("unsupported"), FEASIBLE, "presolved", "unsupported"),
    "unsupported said of an infeasible one": (says("unsupported"), INFEASIBLE, "raw", "unsupported"),
    "failure said of an infeasible one": (says("SLOW_PROGRESS"), INFEASIBLE, "raw", "failed"),
    "infeasible or unbounded said": (says("INF_OR_UNBD"), INFEASIBLE, "raw", "infeasible_inaccurate"),
    "nearly infeasible said": (
        says("Close to primal infeasible"), INFEASIBLE, "raw", "infeasible_inaccurate"),
    "infeasible with its ray": (scs_solved, INFEASIBLE, "raw", "infeasible"),
    "solved, as Clarabel's values": (solved, FEASIBLE, "presolved", "optimal"),
    "solved in raw tokens": (solved, FEASIBLE, "raw", "optimal"),
}  # fmt: skip
