"""Ground truth: convex program -> solver -> polish -> certificate; what is accepted is what is proven."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from functools import cached_property
from typing import Any

from cvxtoken.allocation import model
from cvxtoken.allocation.constrained.certificate import ConstrainedCertificate, certify_constrained
from cvxtoken.allocation.problem import FIFO, Workload
from cvxtoken.allocation.program.constraints import Further, further_cones, linear_rows
from cvxtoken.allocation.program.solver import (
    INACCURATE,
    MOST_LIMITED,
    MOST_WITNESSED,
    SOLVED,
    SolverRun,
    Witness,
    no_witness,
    witness,
)
from cvxtoken.allocation.proof.certificate import Certificate
from cvxtoken.allocation.targeted.feasible import Feasible, feasible, upper_values
from cvxtoken.allocation.targeted.optimum import UnprovenError, best_proof, move_inside
from cvxtoken.allocation.targeted.priced import is_priced
from cvxtoken.allocation.targeted.shadow_prices import ShadowPrice, shadow_prices
from cvxtoken.allocation.targets import MEMORY, UPPER, Targets
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import CertificateError, MissingExtraError, ProblemError, SolverError
from cvxtoken.proofs import Proven
from cvxtoken.rigorous import nearest_double
from cvxtoken.tables import table


@dataclass(frozen=True)
class Reference(Proven):
    """The optimal allocation of a workload, with the proof.

    Attributes:
        workload: the instance.
        certificate: the proof; `certificate.save(path)` writes it for anyone to check.
        solver: what the convex solver said of itself.
        seconds: of the whole call that made this.
        constraints: the further constraints that are no linear inequalities, as CVXPY writes them. What is
            proven is of the cones that CVXPY compiles them to, and of all else in the model itself.
        uncertified_because: why the certificate is not of the problem that was asked for, where it is not:
            further constraints that it knows nothing of; else empty.
    """

    workload: Workload
    certificate: Certificate | ConstrainedCertificate
    solver: SolverRun
    seconds: float
    constraints: tuple[str, ...] = ()
    uncertified_because: str = ""

    @property
    def status(self) -> str:
        """'certified' where the gap proven of what was asked for is at most 1e-15, else 'uncertified'."""
        return "uncertified" if self.uncertified_because else super().status

    @property
    def targets(self) -> Targets:
        """The objective and the targets."""
        return self.certificate.targets

    @property
    def shadow_prices(self) -> tuple[ShadowPrice, ...]:
        """What one more unit of every target buys, in order; none where the result is of another problem."""
        if self.uncertified_because:
            return ()
        proof = self.certificate
        return shadow_prices(self.workload, self.targets, proof.multipliers, proof.tokens)

    @cached_property
    def tokens(self) -> FloatArray:
        """Optimal thinking-token budgets l*, shape (N,): the nearest doubles, or those below if unstable."""
        return model.stable_doubles(self.workload, self.certificate.tokens)

    @cached_property
    def _load(self) -> dict[str, float]:
        """E[T], E[W], rho and sum pi l by the names of their targets; exact and then rounded for small y."""
        w, l = self.workload, self.tokens
        if not model.idle(w, l) > model.NARROW_IDLE:
            return {
                name: nearest_double(x) for name, x in upper_values(w, list(map(Decimal, l.tolist()))).items()
            }
        values = (model.mean_system_time(w, l), model.mean_wait(w, l), model.utilization(w, l), w.prior @ l)
        return dict(zip(UPPER, map(float, (*values, model.mean_kv_tokens(w, l))), strict=True))

    @property
    def utilization(self) -> float:
        """rho = lambda E[S]."""
        return self._load["max_utilization"]

    @property
    def mean_wait(self) -> float:
        """E[W] in s."""
        return self._load["max_mean_wait"]

    @property
    def mean_tokens(self) -> float:
        """sum_k pi_k l_k."""
        return self._load["max_mean_tokens"]

    @property
    def mean_kv_tokens(self) -> float:
        """E[KV] in tokens of memory, see `allocation.memory`."""
        return self._load[MEMORY]

    @property
    def mean_system_time(self) -> float:
        """E[T] in s."""
        return self._load["max_mean_system_time"]

    @property
    def accuracy(self) -> FloatArray:
        """p_k(l_k) per type, shape (N,)."""
        return model.accuracy(self.workload, self.tokens)

    @property
    def mean_accuracy(self) -> float:
        """sum_k pi_k p_k(l_k)."""
        return float(model.mean_accuracy(self.workload, self.tokens))

    def to_document(self) -> dict[str, Any]:
        """A mapping of plain values; E[KV] is among them where queries run together, or it is a target."""
        names = self.workload.names
        remembers = self.workload.server.runs_together or MEMORY in self.targets.limits
        return {
            "maximised": self.targets.objective,
            "tokens": dict(zip(names, self.tokens.tolist(), strict=True)),
            **self.proven_document(),
            "utilization": self.utilization,
            "mean_wait": self.mean_wait,
            "mean_system_time": self.mean_system_time,
            "mean_tokens": self.mean_tokens,
            **({"mean_kv_tokens": self.mean_kv_tokens} if remembers else {}),
            "mean_accuracy": self.mean_accuracy,
            "accuracy": dict(zip(names, self.accuracy.tolist(), strict=True)),
            "targets": [asdict(price) for price in self.shadow_prices],
            **({"constraints": list(self.constraints)} if self.constraints else {}),
            "solver": asdict(self.solver),
        }

    @property
    def _proof_line(self) -> str:
        if self.uncertified_because:
            return f"uncertified       {self.uncertified_because}; none is better than J = {self.upper:.6f}"
        line = f"{self.status:<17} relative gap <= {self.relative_gap:.3g}"
        if self.status == "uncertified":
            return f"{line}; none is better than J = {self.upper:.6f}"
        return f"{line}, {self.certificate.also_proven}"

    def __str__(self) -> str:
        w = self.workload
        rows = zip(
            w.names,
            (f"{l:.1f}" for l in self.tokens),
            (f"{p:.4f}" for p in self.accuracy),
            (f"{t:.3f}" for t in model.service_time(w, self.tokens)),
            strict=True,
        )
        run, unit = self.solver, self.targets.unit
        served = [f"server            {w.server.formula}; {w.server}"] if w.server != FIFO else []
        weight = f" and accuracy weight {w.accuracy_weight:g} s" if unit == "s" else ""
        what = f"{self.objective:.6f} s" if unit == "s" else f"mean accuracy = {self.objective:.6f}"
        return "\n".join(
            [
                table(["task", "tokens", "accuracy", "service (s)"], rows),
                f"objective         J = {what}, at arrival rate {w.arrival_rate:g} /s{weight}",
                f"mean accuracy     {self.mean_accuracy:.6f}",
                f"mean system time  {self.mean_system_time:.6f} s",
                f"utilization       {self.utilization:.6f}",
                *served,
                *(f"target            {price}" for price in self.shadow_prices),
                *(f"constraint        {text}" for text in self.constraints),
                self._proof_line,
                f"solver            {run.said}; {self.seconds:.2f} s in all",
            ]
        )


def solve(
    workload: Workload,
    solver: str = "CLARABEL",
    *,
    objective: str = "trade-off",
    max_mean_system_time: float | None = None,
    max_mean_wait: float | None = None,
    max_utilization: float | None = None,
    max_mean_tokens: float | None = None,
    max_mean_kv_tokens: float | None = None,
    min_accuracy: Mapping[str, float] | None = None,
    constraints: Further | None = None,
) -> Reference:
    """The unique optimal budgets of a workload, certified, under any targets.

    Whether any allocation is stable is decided exactly. A convex solver then solves the presolved
    program (the balanced form where it finds no usable point); the two-price method polishes its point,
    and searches from nothing where there is none; the certificate alone decides what is accepted.

    More than 20,000 types, or from 4,096 on under targets, are left to the two-price method, which needs no
    solver there, unless KV memory is limited or there are further constraints; the result's `solver` says so.

    With targets, whether any allocation meets them is decided exactly before anything is solved. The optimum
    is found by an interior-point method and polished; the convex solver is a witness.

    Further constraints that are linear inequalities are further targets; the solver's point is where the
    polish begins. With any others, or where that polish does not end, the model is written as exact cones,
    the constraints as the cones that CVXPY compiles them to (l / 1000 is the double 0.001 times l), and the
    optimum of both is searched and proven anew, which needs python-flint (the extra `conic`). Where that
    does not end either, the result is uncertified and says why: its tokens are the solver's, and its
    certificate bounds it by the optimum without those constraints.

    Args:
        workload: the instance.
        solver: any solver installed for CVXPY that takes exponential and second-order cones, or IPOPT,
            KNITRO or UNO.
        objective: 'trade-off', J = alpha sum pi p - E[T], or 'accuracy', J = sum pi p.
        max_mean_system_time: E[T] <= this, in s.
        max_mean_wait: E[W] <= this, in s.
        max_utilization: rho <= this; below 1.
        max_mean_tokens: sum pi l <= this, in tokens.
        max_mean_kv_tokens: E[KV] <= this, in tokens of KV memory at one replica, prompts included.
        min_accuracy: p_k(l_k) >= this, from 0 to 1, by the type's name.
        constraints: a function of the tokens, a CVXPY expression of shape (N,), that returns CVXPY
            constraints.

    Raises:
        UnstableError: no allocation is stable.
        TargetError: no allocation meets the targets; every one missed is named with the best possible value.
            Or none meets the further constraints, of which the error has a proof.
        ProblemError: a target breaks its rule or names no type, or there is no optimum (accuracy alone, with
            nothing that keeps the load below 1).
        SolverError: the solver is not installed or cannot take such programs, with further constraints
            nothing is proven and it finds no allocation, or with targets the data are beyond float64.
    """
    started = time.perf_counter()
    limits = (max_mean_system_time, max_mean_wait, max_utilization, max_mean_tokens, max_mean_kv_tokens)
    targets = Targets(objective, *limits, {} if min_accuracy is None else min_accuracy)
    rows, others = ((), []) if constraints is None else linear_rows(constraints, len(workload))
    problem = feasible(workload, replace(targets, linear=rows))
    most = MOST_WITNESSED if problem.targets.is_trivial else MOST_LIMITED
    if len(workload) > most and is_priced(problem.targets):
        found = no_witness(solver.upper(), len(workload), most)
    else:
        found = witness(problem, solver.upper(), constraints if others else None)
    certificate, because = _proof(problem, found, constraints, bool(others))
    seconds = time.perf_counter() - started
    return Reference(workload, certificate, found.run, seconds, tuple(others), because)


def _proof(
    problem: Feasible, found: Witness, constraints: Further | None, others: bool
) -> tuple[Certificate | ConstrainedCertificate, str]:
    """The best proof, and where it is not of all that was asked for, why.

    Args:
        problem: the instance and its targets, linear inequalities among them.
        found: what the solver found.
        constraints: the further constraints, if any.
        others: whether some are no linear inequalities.
    """
    try:
        if not others:
            return best_proof(problem, found.tokens, found.prices), ""
    except UnprovenError:
        pass
    try:
        return _exactly(problem, constraints), ""
    except (CertificateError, MissingExtraError) as error:
        because = str(error)
    # the solver's own point is what is left, and stands or falls with its status
    run = found.run
    if found.tokens is None:
        raise SolverError(
            f"{run.name} finds no allocation that meets the constraints: it says {run.status!r}; {because}"
        )
    if run.status not in (SOLVED, INACCURATE):
        raise SolverError(f"{run.name} ends short of the constraints: it says {run.status!r}; {because}")
    because += f"; {run.name} says {INACCURATE!r}" if run.status == INACCURATE else ""
    without = replace(problem, targets=replace(problem.targets, linear=()))
    return move_inside(without, found.tokens), because


def _exactly(problem: Feasible, constraints: Further | None) -> ConstrainedCertificate:
    """The proof by the exact program (CertificateError, MissingExtraError: there is none)."""
    try:
        cones = None if constraints is None else further_cones(constraints, len(problem.workload))
    except ProblemError as error:
        raise CertificateError(str(error)) from error
    if cones is None:
        return certify_constrained(problem)
    if cones.replaced:
        raise CertificateError("; ".join(cones.replaced))
    return certify_constrained(problem, cones.program)
