"""Projected gradient ascent (the paper's second method), with a proven step, backtracking, or acceleration.

Source: arXiv 2601.10274 for l <- Proj [l + eta grad J(l)] with a computable step. The bound of the
curvature, backtracking and the restarted acceleration (Beck and Teboulle 2009; O'Donoghue and Candes 2015)
are this project's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvxtoken.allocation import model
from cvxtoken.allocation.methods.loop import TOLERANCE, Result, checked_start, run
from cvxtoken.allocation.problem import Workload
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import ProblemError

RULES = ("constant", "backtracking", "accelerated")
_ROUNDING = 1e-14  # relative to alpha + E[T]: changes of J below this are noise, and never refuse a step


def step_size_bound(workload: Workload, start: FloatArray | None = None) -> float:
    """A step 1 / L, in tokens^2 / s, with which J never falls on the way from a start (derived here).

    L bounds the norm of J's Hessian where J(l) >= J(start), by its largest row sum. With m = square tau, tau
    being the marginal time of `model`, Q of `model.spread`, total = sum pi c and mixed = sum pi c m, that is
    at most

        max_k alpha pi_k A_k b_k^2 + max_k {lambda square pi_k (c_k^2 + s1_k^2) / y
            + sigma lambda^2 pi_k c_k [(m_k total + mixed) / y^2 + sigma lambda Q total / y^3]}.

    The terms of the second maximum increase with l, so l_max bounds them where rho(l_max) < 1. Elsewhere
    y >= `model.least_idle`; lambda sigma pi_k c_k l_k <= y0 bounds l_k; where one query of certain length is
    served at a time, sum pi t is below 1 / lambda, so that mixed <= max c / lambda; and
    lambda Q / (2 y) <= E[T] - offset, E[T] being at most alpha sum pi (A + D) - J(start). Of each pair of
    bounds the better is taken. The iterates never leave the set J(l) >= J(start): on the segment to the next
    iterate, J would first have to fall back to J(start), but within the set it rises.

    Args:
        workload: the instance.
        start: stable tokens in the box, shape (N,); by default 0.

    Returns:
        The step, rounded down: 0 where L is beyond float64.

    Raises:
        ProblemError: the start is outside the box or the stability region.
        UnstableError: no allocation is stable.
    """
    model.require_stable(workload)
    w, lam, law = workload, workload.rate, workload.law
    l = checked_start(w, start)
    pi, c = w.prior, w.time_per_token
    y = max(model.least_idle(w, l), float(model.idle(w, w.max_tokens)))
    load = lam * law.token_share
    top = np.minimum(w.max_tokens, model.idle_at_zero(w) / (load * pi * c)) if load else w.max_tokens
    m, Q = law.square * model.marginal_time(w, top), float(model.spread(w, top))
    total, mixed = float(pi @ c), float(pi @ (c * m))
    if law.square == law.overhead_share == law.token_share == 1 and not w.is_random:
        mixed = min(mixed, float(c.max()) / lam)
    best = w.accuracy_weight * float(pi @ (w.accuracy_gain + w.base_accuracy))
    longest = best - float(model.objective(w, l))  # E[T] is at most this
    Q_over_y = min(Q / y, 2 * (longest - law.offset) / lam)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        over_y2 = np.float64(1) / np.float64(y) ** 2
        row = lam * law.square * pi * model.curvature(w) / y
        row = row + load * lam * pi * c * ((m * total + mixed) + load * Q_over_y * total) * over_y2
    L = np.max(w.accuracy_weight * pi * w.accuracy_gain * w.saturation_rate**2) + np.max(row)
    if not np.isfinite(L):
        return 0.0
    return float((1 - 1e-9) / L)  # rounded down


@dataclass(frozen=True)
class State:
    """An iterate, with what momentum and backtracking remember.

    Attributes:
        tokens, objective: the iterate, shape (N,), and J there.
        point: where the gradient that led here was taken.
        step_size: the step that was used.
        previous: the iterate before.
        momentum: Nesterov's sequence of momentum, 1 after a restart.
        floor: J at the start; momentum never leads to a point where J is lower.
    """

    tokens: FloatArray
    objective: float
    point: FloatArray
    step_size: float
    previous: FloatArray
    momentum: float
    floor: float


@dataclass(frozen=True)
class ProjectedGradient:
    """The method for `methods.run`; see `projected_gradient` for its arguments."""

    workload: Workload
    rule: str
    step_size: float

    def start(self, tokens: FloatArray) -> State:
        """The first state."""
        J = self.objective(tokens)
        return State(tokens, J, tokens, self.step_size, tokens, 1.0, J)

    def done(self, state: State) -> str | None:
        """Never a reason to stop: the method always converges, if slowly."""
        return None

    def step(self, state: State) -> State:
        """One ascent by the rule."""
        if self.rule == "constant":
            return self.ascend(state, state.tokens, self.step_size)
        if self.rule == "backtracking":
            return self.backtrack(state, state.tokens, 1.0)
        return self.accelerate(state)

    def objective(self, tokens: FloatArray) -> float:
        """J in s."""
        return float(model.objective(self.workload, tokens))

    def noise(self, objective: float) -> float:
        """How large a change of J may be rounding, in s."""
        return _ROUNDING * (self.workload.accuracy_weight + abs(objective))

    def ascend(self, state: State, point: FloatArray, step_size: float, momentum: float = 1.0) -> State:
        """The state at the point Proj [point + eta grad J(point)]."""
        slope = model.gradient(self.workload, point)
        new = np.clip(point + step_size * slope, 0.0, self.workload.max_tokens)
        return State(new, self.objective(new), point, step_size, state.tokens, momentum, state.floor)

    def backtrack(self, state: State, point: FloatArray, momentum: float) -> State:
        """Ascend with twice the last step, halved until J rises by what its quadratic model promises."""
        J, slope = self.objective(point), model.gradient(self.workload, point)
        step_size = 2 * state.step_size
        while True:
            new = self.ascend(state, point, step_size, momentum)
            d = new.tokens - point
            promised = J + float(slope @ d) - float(d @ d) / (2 * step_size)
            if new.objective >= promised - self.noise(J) or step_size <= self.step_size:
                return new
            step_size /= 2

    def accelerate(self, state: State) -> State:
        """Ascend from an extrapolated point where J is not below `floor`; restart where J would fall."""
        momentum = (1 + np.sqrt(1 + 4 * state.momentum**2)) / 2
        beta = (state.momentum - 1) / momentum
        ahead = state.tokens + beta * (state.tokens - state.previous)
        point = np.clip(ahead, 0.0, self.workload.max_tokens)
        if self.objective(point) >= state.floor:
            new = self.backtrack(state, point, momentum)
            if new.objective >= state.objective - self.noise(state.objective):
                return new
        return self.backtrack(state, state.tokens, 1.0)


def projected_gradient(
    workload: Workload,
    start: FloatArray | None = None,
    rule: str = "constant",
    step_size: float | None = None,
    max_iterations: int = 20_000,
    tolerance: float = TOLERANCE,
) -> Result:
    """Projected gradient ascent on J over the box.

    With rule 'constant' and the default step 1 / L (`step_size_bound`) it is the paper's method: J never
    falls, and it always converges, but the proven step can be far too small. 'backtracking' tries
    longer steps; 'accelerated' adds momentum, and restarts it where J would fall.

    Args:
        workload: the instance.
        start: stable tokens in the box, shape (N,); by default 0.
        rule: one of 'constant', 'backtracking', 'accelerated'.
        step_size: in tokens^2 / s; the constant step, or where backtracking begins and its least step. By
            default `step_size_bound(workload, start)`.
        max_iterations: at least 1.
        tolerance: on the relative dual gap, see `methods.run`.

    Raises:
        ProblemError: an argument breaks its rule.
        UnstableError: no allocation is stable.
    """
    if rule not in RULES:
        raise ProblemError(f"rule is {rule!r}; it must be one of {', '.join(RULES)}")
    if step_size is not None and not 0 < step_size < np.inf:
        raise ProblemError(f"step_size is {step_size}; it must be positive and finite")
    chosen = step_size_bound(workload, start) if step_size is None else float(step_size)
    method = ProjectedGradient(workload, rule, chosen)
    return run(workload, method, start, max_iterations, tolerance).confirmed()
