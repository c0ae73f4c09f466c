"""The best budgets with lagged curves, proven: search -> proof -> checker.

A type with a lag is off (no tokens) or on (more than its lag): `search` goes through the choices, with
bounds of which solvers need not be believed. What is stated is what the checker accepts.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from cvxtoken.allocation import model
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import ProblemError, SolverError
from cvxtoken.lagged.certificate import LaggedCertificate
from cvxtoken.lagged.envelope import touching_points
from cvxtoken.lagged.problem import LaggedWorkload
from cvxtoken.lagged.search import ON_CHORD, Found, search
from cvxtoken.precision import SQUARED
from cvxtoken.proofs import Proven
from cvxtoken.rigorous import double_above
from cvxtoken.tables import table


@dataclass(frozen=True)
class LaggedReference(Proven):
    """The best allocation with lagged curves, and what the envelope says.

    Attributes:
        problem: as given.
        tokens: the best budgets, shape (N,): of every type none, or more than its lag.
        envelope_tokens: the budgets at the envelope's optimum, shape (N,).
        envelope_upper: the proven bound from the envelope alone, in s.
        on_chord: names of the types that the envelope puts between none and their touching point, where no
            true curve is.
        nodes: relaxations that branch and bound looked at.
        unsolved: those of them for which the convex solver gave no usable point; the bound is then taken at
            another one.
        solver_status: what the convex solver said of the envelope, or why it failed; where it gave no usable
            point, `envelope_tokens` are those of a rounding, and `envelope_upper` is proven all the same.
        exhausted: whether it looked at everything within the time limit and what a checker takes.
        seconds: of the whole call.
        certificate: the proof; `certificate.save(path)` writes it for anyone to check.
    """

    problem: LaggedWorkload
    tokens: FloatArray
    envelope_tokens: FloatArray
    envelope_upper: float
    on_chord: tuple[str, ...]
    nodes: int
    unsolved: int
    solver_status: str
    exhausted: bool
    seconds: float
    certificate: LaggedCertificate

    @property
    def chord_gap(self) -> float:
        """How far the envelope's bound lies above the best true allocation, in s."""
        return self.envelope_upper - self.lower

    def to_document(self) -> dict[str, Any]:
        """A mapping of plain values."""
        names = self.problem.workload.names
        return {
            "tokens": dict(zip(names, self.tokens.tolist(), strict=True)),
            **self.proven_document(),
            "envelope_tokens": dict(zip(names, self.envelope_tokens.tolist(), strict=True)),
            "envelope_upper": self.envelope_upper,
            "chord_gap": self.chord_gap,
            "on_chord": list(self.on_chord),
            "nodes": self.nodes,
            "unsolved": self.unsolved,
            "solver_status": self.solver_status,
            "exhausted": self.exhausted,
        }

    def __str__(self) -> str:
        w = self.problem.workload
        accuracy = self.problem.accuracy(self.tokens)
        rows = [
            (name, f"{lag:.1f}", f"{l:.1f}", f"{p:.4f}")
            for name, lag, l, p in zip(w.names, self.problem.lag, self.tokens, accuracy, strict=True)
        ]
        if self.on_chord:
            chord = (
                f"{', '.join(self.on_chord)} on a chord, where no true curve is: its bound "
                f"{self.envelope_upper:.6f} s is {self.chord_gap:.3g} s above the best true allocation"
            )
        else:
            chord = "no type lies on a chord: the envelope's optimum is a true allocation"
        unsolved = f" ({self.unsolved} without a solver's point)" if self.unsolved else ""
        return "\n".join(
            [
                table(["task", "lag", "tokens", "accuracy"], rows),
                f"objective         J = {self.objective:.6f} s, none is better than {self.upper:.6f} s",
                f"envelope          {chord}",
                f"{self.status:<17} relative gap <= {self.relative_gap:.3g}, {self.nodes} relaxations"
                f"{unsolved}{'' if self.exhausted else ' (stopped early)'}, {self.seconds:.2f} s",
            ]
        )


def solve_lagged(problem: LaggedWorkload, time_limit: float = 60.0) -> LaggedReference:
    """The best budgets of a workload with lags, proven.

    Args:
        problem: the instance.
        time_limit: of the search, in s, after which the best found is returned, with the bound proven so far.

    Raises:
        UnstableError: no allocation is stable.
        ProblemError: the time limit is not positive.
        SolverError: the data are beyond float64, or the working precision, such as an idle share of 1e-50.
        CertificateError: the checker refuses the proof.

    >>> import cvxtoken
    >>> found = solve_lagged(LaggedWorkload(cvxtoken.load("qwen3-8b"), [2000, 0, 0, 170, 0]))
    >>> found.status, [round(l) for l in found.tokens]
    ('certified', [0, 4900, 767, 2422, 1493])
    """
    if not time_limit > 0:
        raise ProblemError(f"time_limit is {time_limit}; it must be positive")
    started = time.perf_counter()
    model.require_stable(problem.workload)
    try:
        with np.errstate(all="ignore"):  # what overflows is judged by the bounds
            found, touching = search(problem, started + time_limit), touching_points(problem)
    except (ArithmeticError, ValueError) as error:
        raise SolverError(f"the search fails on data beyond float64: {error}") from error
    certificate = _prove(problem, found)
    relaxed = found.root.relaxed
    between = (relaxed > ON_CHORD * touching) & (relaxed < (1 - ON_CHORD) * touching)
    names = problem.workload.names
    return LaggedReference(
        problem=problem,
        tokens=found.tokens,
        envelope_tokens=relaxed,
        envelope_upper=double_above(found.root.upper),
        on_chord=tuple(names[k] for k in np.flatnonzero(between)),
        nodes=found.nodes,
        unsolved=found.unsolved,
        solver_status=found.status,
        exhausted=found.exhausted,
        seconds=time.perf_counter() - started,
        certificate=certificate,
    )


def _prove(problem: LaggedWorkload, found: Found) -> LaggedCertificate:
    """The proof of what was found, accepted by the checker."""
    certificate = LaggedCertificate(
        problem=problem,
        tokens=tuple(map(Decimal, found.tokens.tolist())),
        lower=found.lower,
        upper=found.upper,
        leaves=found.leaves,
        digits=SQUARED,
    )
    certificate.check()
    return certificate
