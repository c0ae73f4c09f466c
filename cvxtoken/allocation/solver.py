"""A convex solver on the workload's program: the point it ends at, and what it says of itself."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import numpy as np

from cvxtoken.allocation import model
from cvxtoken.allocation.problem import Workload
from cvxtoken.allocation.targets import Targets
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import SolverError
from cvxtoken.files import nearest

_NONLINEAR = ("IPOPT", "KNITRO", "UNO")  # take CVXPY's program as smooth functions, not as cones


@dataclass(frozen=True)
class SolverRun:
    """What the convex solver said of itself; nothing here is relied on.

    Attributes:
        name, version: of the solver's package; the version is empty where it cannot be told.
        form: the program it was given last, `presolved` or `balanced`.
        status: its own claim, or why it failed.
        iterations: None where it does not tell.
        seconds: of the solver alone, without compilation, where it tells; else of the whole call.
    """

    name: str
    version: str
    form: str
    status: str
    iterations: int | None
    seconds: float


def run_solver(workload: Workload, name: str) -> tuple[SolverRun, FloatArray | None]:
    """Run the solver on the presolved, then on the balanced form, until its point is usable.

    Raises:
        SolverError: the solver is not installed or cannot take such programs.
    """
    from cvxpy.error import DCPError  # slow to import, and only solving needs it

    from cvxtoken.allocation.program import program

    _require_installed(name)
    for form in ("presolved", "balanced"):
        try:
            built = program(workload, form)
        except (ArithmeticError, ValueError, DCPError) as failure:  # the data overflow, or leave no number
            run = SolverRun(name, _version(name), form, f"failed: {str(failure).splitlines()[0]}", None, 0.0)
            continue
        run = _run(built, name, form)
        raw = usable(workload, built.tokens.value)
        if raw is not None:
            return run, raw
    return run, None


def run_targeted(
    workload: Workload, name: str, targets: Targets, extra: Any = None
) -> tuple[SolverRun, FloatArray | None, dict[str | int, float]]:
    """Run the solver on the presolved form with targets and further constraints, a function of the tokens.

    The point (None where it is not usable) and the dual values of the upper and the linear targets.

    Raises:
        SolverError: the solver is not installed or cannot take such programs.
    """
    from cvxtoken.allocation.program import program

    _require_installed(name)
    built = program(workload, "presolved", targets, extra)
    run = _run(built, name, "presolved")
    duals = {key: constraint.dual_value for key, constraint in built.priced.items()}
    prices = {
        key: 0.0 if value is None else max(float(np.ravel(value)[0]), 0.0) for key, value in duals.items()
    }
    return run, usable(workload, built.tokens.value), prices


def _require_installed(name: str) -> None:
    import cvxpy as cp

    installed = cp.installed_solvers()
    if name not in installed:
        raise SolverError(
            f"solver {name!r} is not installed{nearest(name, installed)}; installed: {', '.join(installed)}"
        )


def _run(built: Any, name: str, form: str) -> SolverRun:
    """Solve a program, and what the solver says."""
    started = time.perf_counter()
    status = _call(built.problem, name)
    seconds = time.perf_counter() - started
    stats = built.problem.solver_stats
    return SolverRun(
        name=name,
        version=_version(name),
        form=form,
        status=status,
        iterations=None if stats is None else stats.num_iters,
        seconds=seconds if stats is None or stats.solve_time is None else stats.solve_time,
    )


def _call(problem: Any, name: str) -> str:
    """Solve; the status the solver claims, or why it failed."""
    import cvxpy as cp
    from cvxpy.error import DCPError

    options: dict[str, Any] = {"nlp": True} if name in _NONLINEAR else {}
    if name == "UNO":
        options["logger"] = "SILENT"  # it prints otherwise, whatever CVXPY's `verbose` says
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # 'may be inaccurate' says nothing that the certificate does not
        try:
            problem.solve(solver=name, **options)
        except cp.SolverError as failure:
            if not options:
                _require_cones(problem, name)
            return f"failed: {str(failure).splitlines()[0]}"
        except (ArithmeticError, ValueError, DCPError) as failure:  # the data overflow in compilation
            return f"failed: {str(failure).splitlines()[0]}"
    return str(problem.status)


def _require_cones(problem: Any, name: str) -> None:
    """Tell a solver that failed from one that cannot take the program at all (SolverError)."""
    import cvxpy as cp

    try:
        problem.get_problem_data(name)
    except cp.SolverError as error:
        raise SolverError(
            f"solver {name!r} cannot take this program: it needs exponential and second-order cones"
        ) from error


def usable(workload: Workload, values: Any) -> FloatArray | None:
    """The solver's point moved into the box, or None where it is missing, not finite or unstable."""
    if values is None or not np.isfinite(values).all():
        return None
    tokens = np.clip(np.asarray(values, dtype=np.float64), 0.0, workload.max_tokens)
    return tokens if model.idle(workload, tokens) > 0 else None


def _version(name: str) -> str:
    package = {"UNO": "unopy", "IPOPT": "cyipopt"}.get(name, name.lower())
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
