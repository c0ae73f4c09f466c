"""One loop for every iterative method, and what it returns.

A method knows how to start, how to make a step, and when it cannot go on. It does not judge itself. The loop
calls it converged only where the float64 dual gap of its iterate, with an allowance for rounding, is at most
the tolerance. To plug in a method of your own, write the three functions of `Method`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Protocol, Self, TypeVar

import numpy as np

from cvxtoken.allocation import model
from cvxtoken.allocation.prices.columns import Columns
from cvxtoken.allocation.prices.loops import appraised
from cvxtoken.allocation.problem import Workload
from cvxtoken.allocation.proof.certificate import Certificate, certify
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import ProblemError

CLAIMED_GAP = 1e-10  # relative; a result that says it converged is within this
TOLERANCE = 1e-11  # relative; the loop stops here by default, well below what is claimed
_KEPT_NUMBERS = 10_000_000  # iterates are kept while the trace holds no more (80 MB)


class State(Protocol):
    """What a method carries from step to step."""

    @property
    def tokens(self) -> FloatArray:
        """The iterate, shape (N,)."""


S = TypeVar("S", bound=State)


class Method(Protocol[S]):
    """A method on one workload: where it begins, what it does, and why it stops."""

    def start(self, tokens: FloatArray) -> S:
        """The state at a start inside the box and the stability region."""

    def step(self, state: S) -> S:
        """The next state; its tokens may be unstable, which the loop then reports."""

    def done(self, state: S) -> str | None:
        """A sentence that says why the method cannot go on from here; None to go on."""


@dataclass
class Trace:
    """What happened at each iterate, the start included.

    Attributes:
        tokens: the iterates, each of shape (N,), until together they hold 10 million numbers.
        objectives: J in s; minus infinity where rho >= 1.
        residuals: relative float64 dual gap, with an allowance for rounding; infinite where rho >= 1.
        utilization: rho.
    """

    tokens: list[FloatArray] = field(default_factory=list)
    objectives: list[float] = field(default_factory=list)
    residuals: list[float] = field(default_factory=list)
    utilization: list[float] = field(default_factory=list)

    def record(self, workload: Workload, tokens: FloatArray) -> None:
        """Append an iterate."""
        if (len(self.objectives) + 1) * len(workload) <= _KEPT_NUMBERS:
            self.tokens.append(tokens.copy())
        found = appraised(Columns.of(workload), tokens)
        self.objectives.append(float(found.objective))
        self.residuals.append(float(found.relative_gap))
        self.utilization.append(float(1 - found.idle))


@dataclass(frozen=True)
class Result:
    """What a method found, and what is proven about it.

    Attributes:
        workload: the instance.
        tokens: the last stable iterate, shape (N,).
        objective: J there, in s.
        converged: whether the relative gap is at most 1e-10, by the float64 dual gap, or by the certificate
            where `confirmed` was called.
        outcome: what happened, as a sentence.
        iterations: steps made.
        trace: of every iterate.
        seconds: how long the loop took.
        bracket: lower and upper bounds of l*, up to rounding; None where the method gives none.
    """

    workload: Workload
    tokens: FloatArray
    objective: float
    converged: bool
    outcome: str
    iterations: int
    trace: Trace
    seconds: float
    bracket: tuple[FloatArray, FloatArray] | None = None

    @cached_property
    def certificate(self) -> Certificate:
        """The rigorous proof at these tokens, made on first use: about 0.3 ms a type."""
        return certify(self.workload, self.tokens)

    def confirmed(self) -> Self:
        """The same result, converged only if the rigorous certificate says so too."""
        if not self.converged or self.certificate.relative_gap <= CLAIMED_GAP:
            return self
        proven = f"but the certificate proves a relative gap of {self.certificate.relative_gap} only"
        return replace(self, converged=False, outcome=f"{self.outcome.rstrip('.')}, {proven}.")


def run(
    workload: Workload,
    method: Method[S],
    start: FloatArray | None = None,
    max_iterations: int = 1000,
    tolerance: float = TOLERANCE,
) -> Result:
    """Iterate until the dual gap is at most the tolerance, the method gives up, or the limit is reached.

    Args:
        workload: the instance.
        method: see `Method`.
        start: stable tokens in the box, shape (N,); by default no thinking tokens.
        max_iterations: at least 1.
        tolerance: on the relative float64 dual gap; at most 1e-10.

    Raises:
        ProblemError: the start is outside the box or the stability region, or an argument breaks its rule.
        UnstableError: no allocation is stable.
    """
    model.require_stable(workload)
    if not 0 < tolerance <= CLAIMED_GAP:
        raise ProblemError(f"tolerance is {tolerance}; it must be positive and at most {CLAIMED_GAP}")
    if max_iterations < 1:
        raise ProblemError(f"max_iterations is {max_iterations}; it must be at least 1")
    started = time.perf_counter()
    trace = Trace()
    state = method.start(checked_start(workload, start))
    trace.record(workload, state.tokens)
    tokens, objective = state.tokens, trace.objectives[0]
    for iterations in range(max_iterations + 1):
        converged, outcome = _judge(workload, method, state, trace, tolerance)
        if outcome is None and iterations == max_iterations:
            reached = trace.residuals[-1]
            outcome = f"Reached the limit of {max_iterations} iterations at a relative gap of {reached:.2g}."
        if trace.residuals[-1] < np.inf:
            tokens, objective = state.tokens, trace.objectives[-1]
        if outcome is not None:
            break
        try:
            with np.errstate(all="ignore"):  # an overflow ends in an infinite gap, which the outcome names
                state = method.step(state)
        except (ArithmeticError, ValueError) as error:  # LinAlgError is a ValueError
            outcome = f"Failed: {error}."
            break
        trace.record(workload, state.tokens)
    seconds = time.perf_counter() - started
    return Result(workload, tokens, objective, converged, outcome or "", iterations, trace, seconds)


def checked_start(workload: Workload, start: FloatArray | None) -> FloatArray:
    """A start as a float array; zeros where there is none (ProblemError where it breaks a rule)."""
    if start is None:
        return np.zeros(len(workload))
    tokens = model.checked_tokens(workload, start)
    if model.idle(workload, tokens) <= 0:
        rho = float(model.utilization(workload, tokens))
        raise ProblemError(f"start gives a utilisation of {rho:.6g}; it must be below 1")
    return tokens


def _judge(
    workload: Workload, method: Method[S], state: S, trace: Trace, tolerance: float
) -> tuple[bool, str | None]:
    """Whether the last iterate converged, and the sentence with which to stop, if any."""
    gap, rho = trace.residuals[-1], trace.utilization[-1]
    if gap <= tolerance:
        return True, f"Converged: the relative dual gap is {gap:.2g}."
    if gap == np.inf:
        return (
            False,
            f"Left the stability region: an iterate has utilisation {rho:.4g}, not below 1.",
        )
    return False, method.done(state)
