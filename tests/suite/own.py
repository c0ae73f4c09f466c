"""Problems of a user's, and solvers of them: honest ones, and broken ones with the check that says so."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import clarabel
import cvxpy as cp
import numpy as np
from scipy import sparse


def problems() -> dict[str, cp.Problem]:
    """Anew at each call: solvers leave values in variables."""
    x, y = cp.Variable(3, name="x"), cp.Variable(2, pos=True, name="y")
    distance = cp.norm(x - np.array([1, 2, 3]))
    return {
        "entropy": cp.Problem(cp.Maximize(cp.sum(cp.entr(x))), [cp.sum(x) == 1, x[0] <= 0.1]),
        "distance": cp.Problem(cp.Minimize(distance + x[0]), [x >= 0, x[2] <= 2]),
        "geometric": cp.Problem(cp.Minimize(y[0] / y[1] + y[1]), [y[0] >= 2, y[1] * y[0] <= 3]),
        "maximum": cp.Problem(cp.Maximize(x[0] + 2 * x[1] + 5), [x >= 0, cp.sum(x) <= 4, x[1] <= 3]),
        "nothing": cp.Problem(cp.Minimize(x[0]), [x[0] >= 1, x[0] <= 0, x[1:] == 0]),
        "endless": cp.Problem(cp.Maximize(x[0] - x[1]), [x >= 1, x[2] <= 2]),
    }


def plain(problem: cp.Problem, gp: bool = False) -> None:
    problem.solve(solver="CLARABEL", gp=gp)


def first_order(problem: cp.Problem, gp: bool = False) -> None:
    problem.solve(solver="SCS", gp=gp, eps=1e-9)


def of_cones(A: Any, b: Any, q: Any, cones: Any) -> dict[str, Any]:
    kinds = {
        "zero": clarabel.ZeroConeT,
        "nonnegative": clarabel.NonnegativeConeT,
        "second-order": clarabel.SecondOrderConeT,
    }
    blocks = [kinds[kind](rows) if kind in kinds else clarabel.ExponentialConeT() for kind, rows in cones]
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    none = sparse.csc_matrix((len(q), len(q)))
    r = clarabel.DefaultSolver(none, q, sparse.csc_matrix(A), b, blocks, settings).solve()
    return {"x": np.array(r.x), "z": np.array(r.z), "status": str(r.status), "objective": r.obj_val}


@dataclass(frozen=True)
class Broken:
    """A broken solver, the problem where it shows, the check that says it and a part of the sentence."""

    solver: Callable[..., Any]
    where: str
    check: str
    reason: str

    def __str__(self) -> str:
        return self.solver.__name__


def reports_a_wrong_value(problem: cp.Problem) -> None:
    plain(problem)
    problem._value = problem.value * (1 + 1e-5)


def reports_the_negated_value(problem: cp.Problem) -> None:
    plain(problem)
    problem._value = -problem.value


def minimises_what_is_to_be_maximised(problem: cp.Problem) -> str:
    plain(cp.Problem(cp.Minimize(problem.objective.expr), problem.constraints))
    return "optimal"


def stops_early(problem: cp.Problem) -> None:
    problem.solve(solver="CLARABEL", tol_gap_abs=1e-3, tol_gap_rel=1e-3, tol_feas=1e-3, tol_ktratio=1.0)


def forgets_a_constraint(problem: cp.Problem) -> str:
    plain(cp.Problem(problem.objective, problem.constraints[:-1]))
    return "optimal"


def forgets_the_signs(problem: cp.Problem, gp: bool = False) -> str:
    problem.variables()[0].save_value(np.array([2.0, -1.0]))
    return "optimal"


def always(status: str, name: str) -> Callable[..., Any]:
    """A solver that leaves zeros and says one word."""

    def solver(problem: cp.Problem) -> str:
        for variable in problem.variables():
            variable.value = np.zeros(variable.shape)
        return status

    solver.__name__ = name
    return solver


def leaves_no_values(problem: cp.Problem) -> str:
    return "optimal"


def leaves_nan(problem: cp.Problem) -> str:
    problem.variables()[0].save_value(np.full(3, np.nan))
    return "optimal"


def does_nothing(problem: cp.Problem) -> None:
    pass


def raises(problem: cp.Problem) -> None:
    raise ValueError("bad luck")


def hangs(problem: cp.Problem) -> None:
    time.sleep(60)


def negates_z(A: Any, b: Any, q: Any, cones: Any) -> Any:
    found = of_cones(A, b, q, cones)
    return found | {"z": -found["z"]}


def moves_z_off_the_optimum(A: Any, b: Any, q: Any, cones: Any) -> Any:
    return of_cones(A, b, q, cones) | {"z": of_cones(A, b + 1e-2, q + 0.1, cones)["z"]}


def takes_equations_for_inequalities(A: Any, b: Any, q: Any, cones: Any) -> Any:
    return of_cones(A, b, q, [("nonnegative", n) if kind == "zero" else (kind, n) for kind, n in cones])


def adds_the_offset(A: Any, b: Any, q: Any, cones: Any) -> Any:
    found = of_cones(A, b, q, cones)
    return found | {"objective": found["objective"] - 5}


BROKEN = [
    Broken(reports_a_wrong_value, "maximum", "objective", "the objective reported is 12.00012, off by"),
    Broken(reports_the_negated_value, "maximum", "objective", "its optimum is proven to be 12"),
    Broken(minimises_what_is_to_be_maximised, "maximum", "accurate", "the objective at the point is"),
    Broken(stops_early, "entropy", "accurate", "relative (tolerance 1e-06); its optimum is"),
    Broken(
        forgets_a_constraint, "distance", "feasible", "the point violates constraints[1] (x[2] <= 2.0) by"
    ),
    Broken(forgets_the_signs, "geometric", "feasible", "the sign or bounds of y by 0.5 relative"),
    Broken(
        always("optimal", "always_optimal"),
        "nothing",
        "detects",
        "claims 'optimal', not 'infeasible': it is proven to be infeasible, by at least ",
    ),
    Broken(
        always("optimal", "always_at_an_optimum"),
        "endless",
        "honest",
        "claims 'optimal', but it is proven to be unbounded, by at least ",
    ),
    Broken(
        always("infeasible", "always_infeasible"),
        "entropy",
        "honest",
        "claims 'infeasible', but its optimum is proven to be 0.9489",
    ),
    Broken(
        always("infeasible", "never_unbounded"),
        "endless",
        "detects",
        "claims 'infeasible', not 'unbounded'",
    ),
    Broken(
        always("unbounded", "always_unbounded"),
        "distance",
        "honest",
        "claims 'unbounded', but its optimum is proven to be",
    ),
    Broken(
        always("unbounded", "never_infeasible"),
        "nothing",
        "honest",
        "claims 'unbounded', but it is proven to be infeasible",
    ),
    Broken(always("fine", "says_fine"), "distance", "adapter", "status 'fine' is not known"),
    Broken(leaves_no_values, "distance", "answers", "the variable x has no finite value"),
    Broken(leaves_nan, "distance", "answers", "the variable x has no finite value"),
    Broken(does_nothing, "distance", "adapter", "nothing solved the problem: its status is None"),
    Broken(raises, "distance", "answers", "it failed: raised ValueError: bad luck; its optimum is proven"),
    Broken(hangs, "distance", "answers", "did not come back within 0.5 s"),
    Broken(negates_z, "entropy", "duals", "A'z + q = 0 with z in the dual cones fails by"),
    Broken(moves_z_off_the_optimum, "maximum", "duals", "fails by"),
    Broken(takes_equations_for_inequalities, "entropy", "feasible", "b - A x in the cones by"),
    Broken(adds_the_offset, "maximum", "objective", "the objective reported is 17, off by 0.385 relative"),
]
