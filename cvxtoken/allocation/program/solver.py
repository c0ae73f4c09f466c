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
from cvxtoken.allocation.targeted.feasible import Feasible
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import SolverError
from cvxtoken.files import nearest

SOLVED, INACCURATE = "optimal", "optimal_inaccurate"  # claims of a point that meets the constraints
MOST_WITNESSED = 20_000  # types without targets that a convex solver is asked for: some 5 s of its time
MOST_LIMITED = 4_095  # the same under targets
_NONLINEAR = ("IPOPT", "KNITRO", "UNO")  # take CVXPY's program as smooth functions, not as cones


@dataclass(frozen=True)
class SolverRun:
    """What the convex solver said of itself; nothing here is relied on.

    Attributes:
        name, version: of the solver's package; the version is empty where it cannot be told.
        form: the program it was given last, `presolved` or `balanced`; `no` where it was not asked.
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

    @property
    def said(self) -> str:
        """What it said, in words."""
        if self.form == "no":
            return f"{self.name} {self.version} {self.status}"
        return f"{self.name} {self.version} ({self.form} form) said {self.status!r}"


@dataclass(frozen=True)
class Witness:
    """A solver's run and what it proposes; nothing here is relied on.

    Attributes:
        run: what it said of itself.
        tokens: its point inside the box, shape (N,); None where that is not usable.
        prices: the dual values of the upper targets by name, and of the linear ones by number.
    """

    run: SolverRun
    tokens: FloatArray | None
    prices: dict[str | int, float]


def witness(problem: Feasible, name: str, extra: Any = None) -> Witness:
    """Run the solver on the presolved form; without targets, where its point is not usable, on the balanced.

    Args:
        problem: the instance and its targets.
        name: of the solver.
        extra: further constraints, a function of the tokens.

    Raises:
        SolverError: the solver is not installed or cannot take such programs.
    """
    from cvxtoken.allocation.program.forms import program

    _require_installed(name)
    plain = problem.targets.is_trivial and extra is None
    for form in ("presolved", "balanced") if plain else ("presolved",):
        write: Callable[[], Any] = partial(program, problem.workload, form, problem.targets, extra)
        if extra is not None:  # what is wrong with them is for the user to see, and no failure of the solver
            write = partial(_itself, write())
        run, built = _run(write, name, form)
        tokens = None if built is None else usable(problem.workload, built.tokens.value)
        if tokens is not None:
            break
    priced = {} if built is None else built.priced
    return Witness(run, tokens, {key: _price(constraint.dual_value) for key, constraint in priced.items()})


def no_witness(name: str, types: int, most: int) -> Witness:
    """What stands for a run that would take seconds or minutes, where nothing is left for it to tell."""
    if name != "CLARABEL":  # which is always there; CVXPY is slow to import
        _require_installed(name)
    status = f"not asked: {types} types, more than {most}"
    return Witness(SolverRun(name, _version(name), "no", status, None, 0.0), None, {})


def _itself(built: Any) -> Any:
    return built


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
