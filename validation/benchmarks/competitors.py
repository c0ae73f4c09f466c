"""Other people's solvers on the same workload, each a function from a workload to tokens."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import LinearConstraint, minimize

from cvxtoken import SolverError, Workload, price_newton
from cvxtoken.allocation import model
from cvxtoken.allocation.program import parametric_program, presolved_program
from cvxtoken.arrays import FloatArray

Solver = Callable[[Workload], FloatArray]


def ours(workload: Workload) -> FloatArray:
    """The two-price Newton method, to a float64 gap of 1e-12."""
    result = price_newton(workload, tolerance=1e-12)
    assert result.converged
    return result.tokens


def fresh(solver: str) -> Solver:
    """CVXPY from nothing: presolve, compile, solve."""

    def solve(workload: Workload) -> FloatArray:
        program = presolved_program(workload)
        program.problem.solve(solver=solver)
        return within(workload, program.tokens.value)

    return solve


def resolve(workload: Workload) -> Solver:
    """CVXPY + Clarabel with arrival rate and weight as parameters, compiled before (DPP)."""
    program = parametric_program(workload)
    program.problem.solve(solver="CLARABEL")

    def solve(other: Workload) -> FloatArray:
        program.update(other.arrival_rate, other.accuracy_weight)
        program.problem.solve(solver="CLARABEL")
        return within(other, program.tokens.value)

    return solve


def scipy(method: str) -> Solver:
    """A method of scipy.optimize on x = b l in the presolved box, with the gradient, from no tokens.

    Those that take constraints get rho <= 1 - 1e-9; L-BFGS-B sees a large value where the queue is unstable.
    """

    def solve(workload: Workload) -> FloatArray:
        w = workload
        b, scale = w.saturation_rate, 1.0 + w.accuracy_weight
        load = w.arrival_rate * w.prior * w.time_per_token / b
        room = model.idle_at_zero(w) * (1 - 1e-9)

        def loss(x: FloatArray) -> tuple[float, FloatArray]:
            l = x / b
            if not model.idle(w, l) > 0:
                return 1e9 * scale, load * scale
            return -float(model.objective(w, l)) / scale, -model.gradient(w, l) / b / scale

        box = np.column_stack([np.zeros(len(w)), b * model.upper_bounds(w)])
        limits = [LinearConstraint(load, -np.inf, room, keep_feasible=True)] if method != "L-BFGS-B" else ()
        options = {"maxiter": 5000} | ({"gtol": 1e-10} if method == "trust-constr" else {"ftol": 1e-15})
        found = minimize(
            loss, np.zeros(len(w)), jac=True, bounds=box, method=method, constraints=limits, options=options
        )
        return within(w, found.x / b)

    return solve


def within(workload: Workload, tokens: FloatArray | None) -> FloatArray:
    """Tokens clipped to the box; a solver that gives none has no time to compare (SolverError)."""
    if tokens is None or not np.isfinite(tokens).all():
        raise SolverError("a solver of the benchmark ended without a point")
    return np.clip(tokens, 0.0, workload.max_tokens)


# name: the solver (made anew where it compiles first), and the sizes at which it is feasible
FIELD: dict[str, tuple[Callable[[Workload], Solver], list[int]]] = {
    "cvxtoken price_newton": (
        lambda workload: ours,
        [5, 50, 500, 5000, 10_000, 100_000, 1_000_000, 10_000_000],
    ),
    "CVXPY + Clarabel": (lambda workload: fresh("CLARABEL"), [5, 50, 500, 5000, 10_000]),
    "CVXPY + Clarabel, DPP re-solve": (resolve, [5, 50, 500, 5000]),
    "CVXPY + SCS": (lambda workload: fresh("SCS"), [5, 50, 500]),
    "scipy L-BFGS-B": (lambda workload: scipy("L-BFGS-B"), [5, 50, 500, 5000]),
    "scipy SLSQP": (lambda workload: scipy("SLSQP"), [5, 50, 100]),
    "scipy trust-constr": (lambda workload: scipy("trust-constr"), [5, 10]),
}
