"""A convex solver on the workload's program: the point it ends at, and what it says of itself."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from typing import Any

import numpy as np

from cvxtoken.allocation import model
from cvxtoken.allocation.problem import Workload
from cvxtoken.allocation.targets import Targets
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import SolverError
from cvxtoken.files import nearest

SOLVED, INACCURATE = "optimal", "optimal_inaccurate"  # claims of a point that meets the constraints
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
    from cvxtoken.allocation.program import program

    _require_installed(name)
    for form in ("presolved", "balanced"):
        run, built = _run(partial(program, workload, form), name, form)
        raw = None if built is None else usable(workload, built.tokens.value)
        if raw is not None:
            break
    return run, raw


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
    write = partial(program, workload, "presolved", targets, extra)
    # what is wrong with constraints of the user's is for the user to see, and no failure of the solver
    written = None if extra is None else write()
    run, built = _run(write if written is None else lambda: written, name, "presolved")
    if built is None:
        return run, None, {}
    prices = {key: _price(constraint.dual_value) for key, constraint in built.priced.items()}
    return run, usable(workload, built.tokens.value), prices


def attempt(write: Callable[[], Any], name: str = "CLARABEL") -> tuple[Any, str]:
    """Write a program and solve it; what fails on the way becomes the status.

    Args:
        write: makes something that has a CVXPY problem as `problem`.
        name: of the solver.

    Returns:
        What was written, None where the data leave no program, and the status that the solver claims, which
        proves nothing, or why it failed.

    Raises:
        SolverError: the solver cannot take such programs.
    """
    from cvxpy.error import DCPError  # slow to import, and only solving needs it

    with np.errstate(all="ignore"):  # what overflows is told by the status and the point, not by warnings
        try:
            built = write()
        except (ArithmeticError, ValueError, DCPError) as failure:  # the data overflow, or leave no number
            return None, _failed(failure)
        return built, _call(built.problem, name)


def _failed(failure: Exception) -> str:
    return f"failed: {(str(failure) or type(failure).__name__).splitlines()[0]}"


def _price(dual: Any) -> float:
    """A dual value as a multiplier: 0 where there is none, or none that is a number."""
    value = 0.0 if dual is None else float(np.ravel(dual)[0])
    return max(value, 0.0) if np.isfinite(value) else 0.0


def _require_installed(name: str) -> None:
    import cvxpy as cp

    installed = cp.installed_solvers()
    if name not in installed:
        raise SolverError(
            f"solver {name!r} is not installed{nearest(name, installed)}; installed: {', '.join(installed)}"
        )


def _run(write: Callable[[], Any], name: str, form: str) -> tuple[SolverRun, Any]:
    """Solve a program: what the solver says, and the program, None where there is none."""
    started = time.perf_counter()
    built, status = attempt(write, name)
    seconds = time.perf_counter() - started
    stats = None if built is None else built.problem.solver_stats
    run = SolverRun(
        name=name,
        version=_version(name),
        form=form,
        status=status,
        iterations=None if stats is None else stats.num_iters,
        seconds=seconds if stats is None or stats.solve_time is None else stats.solve_time,
    )
    return run, built


def _call(problem: Any, name: str) -> str:
    """Solve; the status the solver claims, or why it failed."""
    import cvxpy as cp

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
            return _failed(failure)
        except Exception as failure:  # data that overflow in compilation, and whatever a solver raises
            return _failed(failure)
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
