"""The allocation that is best on average over several draws: program -> solver -> Newton -> certificate."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxtoken.allocation.program.solver import attempt
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import SolverError, UnstableError
from cvxtoken.proofs import Proven
from cvxtoken.robust.certificate import RobustCertificate, certify_robust
from cvxtoken.robust.problem import Ensemble
from cvxtoken.tables import table

_MOST_STEPS = 60
_SMALL = 1e-14  # relative: a step that changes nothing more
_SETTLED = 1e-6  # relative: Newton's last step where it has ended; it converges quadratically, to rounding


@dataclass(frozen=True)
class RobustReference(Proven):
    """The allocation of the best mean objective over the draws, with proven bounds.

    Attributes:
        ensemble: the draws.
        tokens: l, shape (N,).
        certificate: the proof; `certificate.save` writes a file that `cvxtoken verify` checks.
        solver_status: what the convex solver said of itself; nothing here is relied on.
        seconds: of the whole call.
    """

    ensemble: Ensemble
    tokens: FloatArray
    certificate: RobustCertificate
    solver_status: str
    seconds: float

    def to_document(self) -> dict[str, Any]:
        """A mapping of plain values."""
        return {
            "draws": len(self.ensemble),
            "tokens": dict(zip(self.ensemble.names, self.tokens.tolist(), strict=True)),
            **self.proven_document(),
            "solver_status": self.solver_status,
        }

    def __str__(self) -> str:
        rows = [(name, f"{l:.1f}") for name, l in zip(self.ensemble.names, self.tokens, strict=True)]
        return "\n".join(
            [
                table(["task", "tokens"], rows),
                f"objective         mean J = {self.objective:.6f} s over {len(self.ensemble)} draws",
                f"{self.status:<17} relative gap <= {self.relative_gap:.3g}; {self.seconds:.2f} s",
            ]
        )


def solve_robust(ensemble: Ensemble) -> RobustReference:
    """The budgets of the best average objective over the draws, certified.

    A convex solver finds a point, Newton's method polishes it, and the dual bound decides what is proven.

    Raises:
        UnstableError: no allocation is stable in every draw.
        CertificateError: the checker refuses the proof, such as that of 100,000 types and draws in all.
        SolverError: the data are beyond float64.

    >>> import cvxtoken
    >>> fast, slow = (cvxtoken.load("qwen3-8b").replace(arrival_rate=rate) for rate in (0.05, 0.15))
    >>> solve_robust(Ensemble([fast, slow])).status
    'certified'
    """
    started = time.perf_counter()
    ensemble.require_stable()
    try:
        with np.errstate(all="ignore"):  # what overflows is judged by the bound
            status, tokens = _solver_point(ensemble)
            tokens, _ = _polish(ensemble, tokens)
        try:
            proof = certify_robust(ensemble, tokens.tolist())
        except UnstableError:  # by rounding only
            tokens = np.zeros(len(ensemble.names))
            proof = certify_robust(ensemble, tokens.tolist())
    except ArithmeticError as error:
        raise SolverError(f"the search fails on data beyond float64: {error}") from error
    return RobustReference(
        ensemble=ensemble,
        tokens=tokens,
        certificate=proof,
        solver_status=status,
        seconds=time.perf_counter() - started,
    )


def search_robust(ensemble: Ensemble, start: FloatArray) -> FloatArray:
    """The tokens of `solve_robust`, shape (N,), without their proof: the bound is left to the caller.

    Newton's method starts from given tokens in the box, shape (N,), and from the convex solver's point where
    that does not end, or where they are not stable.

    Raises:
        UnstableError: no allocation is stable in every draw.
    """
    ensemble.require_stable()
    with np.errstate(all="ignore"):
        if ensemble.idle(start) > 0:
            tokens, ended = _polish(ensemble, start)
            if ended:
                return tokens
        return _polish(ensemble, _solver_point(ensemble)[1])[0]


def _solver_point(ensemble: Ensemble) -> tuple[str, FloatArray]:
    """The solver's status and its point moved into the box; no tokens where it is not usable."""
    from cvxtoken.robust.program import ensemble_program

    nothing = np.zeros(len(ensemble.names))
    built, status = attempt(lambda: ensemble_program(ensemble))
    values = None if built is None else built.tokens.value
    if values is None or not np.isfinite(values).all():
        return status, nothing
    tokens = np.clip(values, 0.0, ensemble.max_tokens)
    return status, tokens if ensemble.idle(tokens) > 0 else nothing


def _polish(ensemble: Ensemble, tokens: FloatArray) -> tuple[FloatArray, bool]:
    """Newton's method on the types inside the box, and whether it ended at steps that change nothing more.

    A step is halved until the mean J does not fall. One that is no number never counts as a step, for it
    leaves no idle share that is positive.
    """
    top = ensemble.max_tokens
    for _ in range(_MOST_STEPS):
        g = ensemble.gradient(tokens)
        free = ~((tokens <= 0) & (g <= 0)) & ~((tokens >= top) & (g >= 0))
        if not free.any():
            return tokens, True
        H = ensemble.hessian(tokens)[np.ix_(free, free)]
        step = np.zeros_like(tokens)
        try:
            step[free] = np.linalg.solve(H, -g[free])
        except np.linalg.LinAlgError:  # of data near the ends of float64; the bound judges what there is
            return tokens, False
        moved = _climb(ensemble, tokens, step)
        if (np.abs(moved - tokens) <= _SMALL * (1 + tokens)).all():
            # that no part of a step counts, though the step is long, is no end
            return moved, bool((np.abs(step) <= _SETTLED * (1 + tokens)).all())
        tokens = moved
    return tokens, False


def _climb(ensemble: Ensemble, tokens: FloatArray, step: FloatArray) -> FloatArray:
    """As much of a step as does not lower the mean J, but for rounding."""
    before = float(ensemble.objectives(tokens).mean())
    for halvings in range(_MOST_STEPS):
        moved: FloatArray = np.clip(tokens + step / 2**halvings, 0.0, ensemble.max_tokens)
        if ensemble.idle(moved) > 0:
            after = float(ensemble.objectives(moved).mean())
            if after >= before - 1e-13 * (1 + abs(before)):
                return moved
    return tokens
