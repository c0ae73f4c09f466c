"""The projected fixed point (the paper's first method), plain, damped and Gauss-Seidel.

Source: arXiv 2601.10274 for the plain map l_k <- Proj [ln(alpha A_k b_k / (c_k h_k(l))) / b_k]. That the
map is antitone, the bracket that follows, damping and the order of updates are derived here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from cvxtoken.allocation import model
from cvxtoken.allocation.methods.loop import TOLERANCE, Result, run
from cvxtoken.allocation.problem import Workload
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import ProblemError

_SAME = 1e-9  # l_(n+2) - l_n over l_(n+1) - l_n: below this it is a two-cycle, not slow convergence


@dataclass(frozen=True)
class _State:
    tokens: FloatArray
    step: float = np.inf  # largest change that led here
    two_steps: float = np.inf  # largest change over the last two steps
    previous: FloatArray | None = None


@dataclass(frozen=True)
class _FixedPoint:
    workload: Workload
    damping: float
    sweep: Callable[[Workload, FloatArray], FloatArray]

    def start(self, tokens: FloatArray) -> _State:
        return _State(tokens)

    def step(self, state: _State) -> _State:
        l = state.tokens
        new = l + self.damping * (self.sweep(self.workload, l) - l)
        two_steps = np.inf if state.previous is None else float(np.abs(new - state.previous).max())
        return _State(new, float(np.abs(new - l).max()), two_steps, l)

    def done(self, state: _State) -> str | None:
        if state.two_steps <= _SAME * state.step < np.inf:
            return (
                f"Two-cycle: the iterates alternate between two points {state.step:.4g} tokens apart; "
                "damping may help."
            )
        return None


def fixed_point(
    workload: Workload,
    start: FloatArray | None = None,
    damping: float = 1.0,
    order: str = "jacobi",
    max_iterations: int = 5000,
    tolerance: float = TOLERANCE,
) -> Result:
    """The projected fixed-point iteration l <- l + damping (T(l) - l), T being `model.answer`.

    Plain (damping 1, Jacobi order) it is the paper's method. From l = 0 its iterates then alternate around
    the optimum, because T is antitone, and the result's `bracket` encloses l*, whether it converged or not.
    The plain method converges where `contraction_bound` is below 1. Elsewhere it may end in a two-cycle or
    leave the stability region; the outcome says so.

    Args:
        workload: the instance.
        start: stable tokens in the box, shape (N,); by default 0.
        damping: in (0, 1]; 0.5 converges on many workloads where 1 does not.
        order: 'jacobi' updates all types at once, 'gauss-seidel' one after the other in O(N) together.
        max_iterations: at least 1.
        tolerance: on the relative dual gap, see `methods.run`.

    Raises:
        ProblemError: an argument breaks its rule.
        UnstableError: no allocation is stable.
    """
    sweeps = {"jacobi": model.answer, "gauss-seidel": _gauss_seidel}
    if not 0 < damping <= 1:
        raise ProblemError(f"damping is {damping}; it must be above 0 and at most 1")
    if order not in sweeps:
        raise ProblemError(f"order is {order!r}; it must be 'jacobi' or 'gauss-seidel'")
    method = _FixedPoint(workload, damping, sweeps[order])
    result = run(workload, method, start, max_iterations, tolerance).confirmed()
    plain = damping == 1 and order == "jacobi"
    if "limit" in result.outcome and _growing(result):
        result = replace(result, outcome=f"Diverges: the steps grow. {result.outcome}")
    if plain and start is None:
        result = replace(result, bracket=_bracket(workload, result))
    return result


def _gauss_seidel(workload: Workload, tokens: FloatArray) -> FloatArray:
    """One sweep of T, type by type, each with the new tokens of those before it; moments are kept up to date.

    It stops early where it leaves the stability region, and returns the iterate that does so.
    """
    w, lam, law = workload, workload.rate, workload.law
    l = tokens.copy()
    y, Q = float(model.idle(w, l)), float(model.spread(w, l))
    ratio = w.accuracy_weight * w.accuracy_gain * w.saturation_rate / w.time_per_token
    a, m = w.prior * w.time_per_token, law.square * model.marginal_time(w, l)
    rise = law.square * model.curvature(w) / w.time_per_token
    for k in range(len(w)):
        h = law.direct + lam * m[k] / y + law.token_share * lam**2 * Q / (2 * y**2)
        new = min(max(np.log(ratio[k] / h) / w.saturation_rate[k], 0.0), w.max_tokens[k])
        change = new - l[k]
        y -= lam * law.token_share * a[k] * change
        Q += a[k] * (2 * m[k] + rise[k] * change) * change
        l[k] = new
        if y <= 0:
            break
    return l


def _bracket(workload: Workload, result: Result) -> tuple[FloatArray, FloatArray]:
    """The best bounds of l* among iterates from l = 0: even ones are lower, odd ones upper bounds."""
    lower, upper = np.zeros(len(workload)), workload.max_tokens
    for number, tokens in enumerate(result.trace.tokens):
        if number % 2:
            upper = np.minimum(upper, tokens)
        else:
            lower = np.maximum(lower, tokens)
    return lower, upper


def _growing(result: Result) -> bool:
    """Whether the last steps of the trace became longer."""
    points = result.trace.tokens[-12:]
    steps = [float(np.abs(b - a).max()) for a, b in pairwise(points)]
    return len(steps) > 2 and steps[-1] > steps[0]
