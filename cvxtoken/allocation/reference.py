"""Ground truth: convex program -> solver -> polish -> certificate; what is accepted is what is proven."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from typing import Any

import numpy as np

from cvxtoken.allocation import model
from cvxtoken.allocation.certificate import Certificate, certify
from cvxtoken.allocation.prices import solve_prices
from cvxtoken.allocation.problem import Workload
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import CvxtokenError, SolverError
from cvxtoken.files import nearest
from cvxtoken.rigorous import double_above, double_below
from cvxtoken.tables import table

CERTIFIED_GAP = 1e-15  # relative; what is proven to less is not called an optimum
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


@dataclass(frozen=True)
class Reference:
    """The optimal allocation of a workload, with the proof.

    Attributes:
        workload: the instance.
        certificate: the proof; `certificate.save(path)` writes it for anyone to check.
        solver: what the convex solver said of itself.
        seconds: of the whole call that made this.
    """

    workload: Workload
    certificate: Certificate
    solver: SolverRun
    seconds: float

    @property
    def status(self) -> str:
        """'certified' where the proven relative gap is at most 1e-15, else 'uncertified'."""
        return "certified" if self.relative_gap <= CERTIFIED_GAP else "uncertified"

    @cached_property
    def tokens(self) -> FloatArray:
        """Optimal thinking-token budgets l*, shape (N,)."""
        return np.array([float(l) for l in self.certificate.tokens])

    @property
    def objective(self) -> float:
        """J at these tokens, in s, evaluated rigorously and rounded to the nearest double."""
        return float(self.certificate.lower)

    @property
    def lower(self) -> float:
        """Proven lower bound of J*, in s, rounded down to a double."""
        return double_below(self.certificate.lower)

    @property
    def upper(self) -> float:
        """Proven upper bound of J*, in s, rounded up to a double."""
        return double_above(self.certificate.upper)

    @property
    def relative_gap(self) -> float:
        """Proven (upper - lower) / (1 + |J|), |J| being the least between the bounds."""
        return float(self.certificate.relative_gap)

    @property
    def utilization(self) -> float:
        """rho = lambda E[S]."""
        return float(model.utilization(self.workload, self.tokens))

    @property
    def mean_system_time(self) -> float:
        """E[T] in s."""
        return float(model.mean_system_time(self.workload, self.tokens))

    @property
    def accuracy(self) -> FloatArray:
        """p_k(l_k) per type, shape (N,)."""
        return model.accuracy(self.workload, self.tokens)

    @property
    def mean_accuracy(self) -> float:
        """sum_k pi_k p_k(l_k)."""
        return float(model.mean_accuracy(self.workload, self.tokens))

    def __str__(self) -> str:
        w = self.workload
        rows = zip(
            w.names,
            (f"{l:.1f}" for l in self.tokens),
            (f"{p:.4f}" for p in self.accuracy),
            (f"{t:.3f}" for t in model.service_time(w, self.tokens)),
            strict=True,
        )
        run = self.solver
        return "\n".join(
            [
                table(["task", "tokens", "accuracy", "service (s)"], rows),
                f"objective         J = {self.objective:.6f} s, at arrival rate {w.arrival_rate:g} /s "
                f"and accuracy weight {w.accuracy_weight:g} s",
                f"mean accuracy     {self.mean_accuracy:.6f}",
                f"mean system time  {self.mean_system_time:.6f} s",
                f"utilization       {self.utilization:.6f}",
                f"{self.status:<17} relative gap <= {self.relative_gap:.3g}, each budget proven to within "
                f"{float(max(self.certificate.radii)):.2g} tokens",
                f"solver            {run.name} {run.version} ({run.form} form) said {run.status!r}; "
                f"{self.seconds:.2f} s in all",
            ]
        )


def solve(workload: Workload, solver: str = "CLARABEL") -> Reference:
    """The unique optimal budgets of a workload, certified.

    Whether any allocation is stable is decided exactly. A convex solver then solves the presolved
    program (the balanced form where it finds no usable point); the two-price method polishes its point,
    and searches from nothing where there is none; the certificate alone decides what is accepted.

    Args:
        workload: the instance.
        solver: any solver installed for CVXPY that takes exponential and second-order cones, or IPOPT,
            KNITRO or UNO.

    Raises:
        UnstableError: no allocation is stable.
        SolverError: the solver is not installed or cannot take such programs.
    """
    started = time.perf_counter()
    model.require_stable(workload)
    with np.errstate(all="ignore"):  # data beyond float64 end uncertified, not in warnings
        run, raw = _run_solver(workload, solver.upper())
        tokens = _polish(workload, raw)
    try:
        certificate = certify(workload, tokens)
    except CvxtokenError:  # a polish beyond float64 may leave the stability region
        certificate = certify(workload, np.zeros(len(workload)))
    return Reference(workload, certificate, run, time.perf_counter() - started)


def _polish(workload: Workload, raw: FloatArray | None) -> FloatArray:
    """The two-price optimum; where float64 overflows, the solver's point or no thinking tokens."""
    try:
        return solve_prices(workload, raw)
    except (ArithmeticError, ValueError):
        return np.zeros(len(workload)) if raw is None else raw


def _run_solver(workload: Workload, name: str) -> tuple[SolverRun, FloatArray | None]:
    """Run the solver on the presolved, then on the balanced form, until its point is usable."""
    import cvxpy as cp  # slow to import, and only solving needs it

    from cvxtoken.allocation.program import program

    installed = cp.installed_solvers()
    if name not in installed:
        raise SolverError(
            f"solver {name!r} is not installed{nearest(name, installed)}; installed: {', '.join(installed)}"
        )
    for form in ("presolved", "balanced"):
        built = program(workload, form)
        started = time.perf_counter()
        status = _call(built.problem, name)
        seconds = time.perf_counter() - started
        stats = built.problem.solver_stats
        run = SolverRun(
            name=name,
            version=_version(name),
            form=form,
            status=status,
            iterations=None if stats is None else stats.num_iters,
            seconds=seconds if stats is None or stats.solve_time is None else stats.solve_time,
        )
        raw = _usable(workload, built.tokens.value)
        if raw is not None:
            return run, raw
    return run, None


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
            return f"failed: {str(failure).splitlines()[0]}"
        except (ArithmeticError, ValueError) as failure:  # the data overflow in compilation
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


def _usable(workload: Workload, values: Any) -> FloatArray | None:
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
