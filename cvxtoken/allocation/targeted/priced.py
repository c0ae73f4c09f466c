"""The optimum of very many types under one active limit on E[T], E[W] or rho, in float64 (derived here).

With the multiplier mu, nu or eta of that limit and e = w + mu + nu, the Lagrangian over e is

    -alpha / e sum pi p + E[T] + (eta lambda sigma - nu) / e E[S] + a constant,

which is the plain trade-off with other numbers for alpha and `direct`. Its optimum is that of two prices, in
O(N), and the limited value falls as the multiplier rises. So the multiplier is the root of one equation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import numpy as np
from scipy.optimize import brentq

from cvxtoken.allocation.prices.columns import Columns
from cvxtoken.allocation.prices.search import optimal_path
from cvxtoken.allocation.proof.enclose import Evaluation
from cvxtoken.allocation.proof.goals import Goal
from cvxtoken.allocation.targeted.feasible import Feasible
from cvxtoken.allocation.targets import LIMITS, Multipliers, Targets
from cvxtoken.arrays import FloatArray

TIME, WAIT, LOAD, _ = LIMITS
_LOG_STEP = 3.0  # of a multiplier, while its root is not between two of them
_FARTHEST = 120.0  # logarithm of a multiplier
_MORE = (0.0, 1e-14, 1e-12, 1e-10)
_HALVINGS = 60  # of the way between tokens on both sides of a limit


def is_priced(targets: Targets) -> bool:
    """Whether nothing is asked for but limits on E[T], E[W] and rho."""
    return set(targets.limits) <= {TIME, WAIT, LOAD} and not (targets.min_accuracy or targets.linear)


def priced_candidates(problem: Feasible) -> Iterator[tuple[FloatArray, Multipliers]]:
    """Tokens that meet all limits, none or one of them nearly with equality; none where float64 is too short.

    The optimum is among them unless two limits are active.
    """
    columns = Columns.of(problem.workload)
    try:
        if problem.targets.delay_weight:
            free = _answers(problem, columns, TIME, 0.0)
            if _met(problem, free):
                yield free, Multipliers()
                return
        for name in problem.targets.limits:
            found = _limited(problem, columns, name)
            if found is not None:
                yield found
    except (ArithmeticError, ValueError):  # float64 overflows, or rounding hides the root
        return


def _answers(problem: Feasible, columns: Columns, name: str, multiplier: float) -> FloatArray:
    """The optimum with a multiplier in place of its limit, shape (N,)."""
    law, targets = columns.law, problem.targets
    e = targets.delay_weight + (multiplier if name in (TIME, WAIT) else 0.0)
    extra = columns.arrival_rate * law.token_share * multiplier if name == LOAD else 0.0
    direct = law.direct + (extra - (multiplier if name == WAIT else 0.0)) / e
    alpha = targets.accuracy_weight(problem.workload) / e
    priced = replace(columns, accuracy_weight=alpha, law=law._replace(direct=direct))
    *_, last = optimal_path(priced)
    return last.tokens


def _limited(problem: Feasible, columns: Columns, name: str) -> tuple[FloatArray, Multipliers] | None:
    """The optimum under one limit, or None where no multiplier is found, or another limit is missed."""
    limit = problem.targets.limits[name]

    def answers(log_multiplier: float) -> FloatArray:
        return _answers(problem, columns, name, float(np.exp(log_multiplier)))

    def excess(log_multiplier: float) -> float:
        return _value(columns, answers(log_multiplier), name) - limit

    low = high = 0.0
    while excess(high) > 0:
        low, high = high, high + _LOG_STEP
        if high > _FARTHEST:
            return None
    while low == high or excess(low) <= 0:
        high, low = low, low - _LOG_STEP
        if low < -_FARTHEST:
            return None
    root = brentq(excess, low, high, xtol=1e-15, rtol=1e-15)
    for more in _MORE:  # of the multiplier, until what rounding leaves is on the right side
        inside = answers(root + more)
        if _met(problem, inside):
            beyond = answers(root - max(more, _MORE[1]))
            return _nearest(problem, inside, beyond), Multipliers({name: Decimal(float(np.exp(root)))})
    return None


def _nearest(problem: Feasible, inside: FloatArray, beyond: FloatArray) -> FloatArray:
    """Tokens that meet all limits, between such and others, as near the others as doubles can tell."""
    share, step = 0.0, 0.5
    for _ in range(_HALVINGS):
        if _met(problem, inside + (share + step) * (beyond - inside)):
            share += step
        step /= 2
    return np.asarray(inside + share * (beyond - inside))


def _value(columns: Columns, tokens: FloatArray, name: str) -> float:
    """What a limit limits, in floats; infinite where the tokens are not stable."""
    w, law = columns, columns.law
    service = float(w.prior @ (w.overhead + w.time_per_token * tokens))
    thinking = float(w.prior @ (w.time_per_token * tokens))
    y = float(w.idle_at_zero - w.arrival_rate * law.token_share * thinking)
    if not y > 0:
        return np.inf
    squares = float(w.mean(w.squares(w.overhead + w.time_per_token * tokens, tokens)))
    wait = float(w.server.mean_wait(w.arrival_rate, service, squares, y))
    return {TIME: service + wait, WAIT: wait, LOAD: 1 - y}[name]


def _met(problem: Feasible, tokens: FloatArray) -> bool:
    """Whether tokens surely meet all limits."""
    w = problem.workload
    weight, prompts = np.array([w.accuracy_weight]), w.prompt_tokens[:, None]
    goal = Goal.of(problem.targets, [Multipliers()], w.names, weight, prompts)
    with np.errstate(all="ignore"):
        return bool(Evaluation(Columns.of(w).spread(1), tokens[:, None], goal).enclosed.met[0])
