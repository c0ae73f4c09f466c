"""The optimum of very many types under least accuracies and one active limit, in float64 (derived here).

With the multiplier mu, nu, eta or xi of a limit on E[T], E[W], rho or sum pi l, and e = w + mu + nu, the
Lagrangian over e is

    -alpha / e sum pi p + E[T] + (eta lambda sigma - nu) / e E[S] + xi / e sum pi l + a constant,

which is the plain trade-off with other numbers for alpha and `direct`, and with a toll xi / (e c) on every
second that a type thinks. Its optimum is that of two prices, in O(N), and the limited value falls as the
multiplier rises. So the multiplier is the root of one equation. Where e is 0, no price couples the types.

Least tokens f only move the origin: in l' = l - f the model is the same with A e^(-b f), t0 + c f and
s0 + s1 f. The multiplier of a least accuracy, zeta, is what makes the derivative at f vanish.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
from scipy.optimize import brentq

from cvxtoken.allocation.prices.columns import Columns
from cvxtoken.allocation.prices.search import optimal_path
from cvxtoken.allocation.proof.enclose import Evaluation
from cvxtoken.allocation.proof.goals import Goal
from cvxtoken.allocation.targeted.feasible import Feasible
from cvxtoken.allocation.targets import LIMITS, Multipliers, Targets
from cvxtoken.arrays import FloatArray

TIME, WAIT, LOAD, TOKENS = LIMITS
_LOG_STEP = 3.0  # of a multiplier, while its root is not between two of them
_FARTHEST = 120.0  # logarithm of a multiplier
_MORE = (0.0, 1e-14, 1e-12, 1e-10)
_HALVINGS = 60  # of the way between tokens on both sides of a limit
_SURE = 2.0**-55  # of an accuracy: so far above the least one it is proven to be above
Candidate = tuple[FloatArray, Multipliers]


def is_priced(targets: Targets) -> bool:
    """Whether nothing is asked for but least accuracies and limits on E[T], E[W], rho and sum pi l."""
    return set(targets.limits) <= set(LIMITS) and not targets.linear


def priced_candidates(problem: Feasible) -> Iterator[Candidate]:
    """Tokens that meet all targets, none or one of the limits nearly with equality.

    The optimum is among them unless two limits are active, or float64 is too short.
    """
    try:
        priced = _Priced(problem)
        if problem.targets.delay_weight:
            free = priced.answers(TIME, 0.0)
            if priced.meets(free):
                yield priced.candidate(free, {})
                return
        for name in problem.targets.limits:
            found = priced.limited(name)
            if found is not None:
                yield found
    except (ArithmeticError, ValueError):  # float64 overflows, or rounding hides the root
        return


class _Priced:
    """A workload and its targets.

    Attributes:
        problem: both.
        columns: the workload.
        floor: the least tokens, a little above those that the accuracies need, shape (N,).
        moved: the workload with the floor as its origin.
    """

    def __init__(self, problem: Feasible) -> None:
        self.problem, self.columns = problem, Columns.of(problem.workload)
        w, self.floor = self.columns, problem.floor
        self.moved = w
        if not self.floor.any():
            return
        left = w.accuracy_gain * np.exp(-w.saturation_rate * self.floor)
        sure = _SURE * (w.accuracy_gain + w.base_accuracy) / (w.saturation_rate * left)
        above = np.nextafter(self.floor + sure, np.inf)  # also than the exact least tokens
        self.floor = f = np.minimum(np.where(self.floor > 0, above, 0.0), w.max_tokens)
        left = w.accuracy_gain * np.exp(-w.saturation_rate * f)
        moved: dict[str, Any] = {
            "accuracy_gain": left,
            "base_accuracy": w.base_accuracy + (w.accuracy_gain - left),
            "overhead": w.overhead + w.time_per_token * f,
            "max_tokens": w.max_tokens - f,
        }
        if w.deviation is not None and w.deviation_per_token is not None:
            moved["deviation"] = w.deviation + w.deviation_per_token * f
        load = w.arrival_rate * w.law.token_share * float(w.prior @ (w.time_per_token * f))
        self.moved = replace(w, **moved, idle_at_zero=w.idle_at_zero - load)

    def answers(self, name: str, multiplier: float) -> FloatArray:
        """The optimum with a multiplier in place of its limit, shape (N,)."""
        w, targets = self.moved, self.problem.targets
        law, c, b = w.law, w.time_per_token, w.saturation_rate
        alpha = targets.accuracy_weight(self.problem.workload)
        e = targets.delay_weight + (multiplier if name in (TIME, WAIT) else 0.0)
        second = w.arrival_rate * law.token_share * multiplier if name == LOAD else 0.0  # of E[S]
        token = multiplier if name == TOKENS else 0.0
        if not e:
            l = np.log(alpha * w.accuracy_gain * b / (second * c + token)) / b
            return self.floor + np.clip(l, 0.0, w.max_tokens)
        direct = law.direct + (second - (multiplier if name == WAIT else 0.0)) / e
        toll = token / e / c if token else None
        priced = replace(w, accuracy_weight=alpha / e, law=law._replace(direct=direct), toll=toll)
        *_, last = optimal_path(priced)
        return np.asarray(np.minimum(self.floor + last.tokens, self.columns.max_tokens))

    def limited(self, name: str) -> Candidate | None:
        """The optimum under one limit, or None where no multiplier is found, or another limit is missed."""
        limit = self.problem.targets.limits[name]

        def answers(log_multiplier: float) -> FloatArray:
            return self.answers(name, float(np.exp(log_multiplier)))

        def excess(log_multiplier: float) -> float:
            return self.value(answers(log_multiplier), name) - limit

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
            if self.meets(inside):
                beyond = answers(root - max(more, _MORE[1]))
                return self.candidate(self.nearest(inside, beyond), {name: Decimal(float(np.exp(root)))})
        return None

    def candidate(self, tokens: FloatArray, limits: dict[str, Decimal]) -> Candidate:
        """Tokens and multipliers, those of least accuracies as the tokens and the others have them.

        Where the derivative at the least tokens is negative, zeta A e^-x / pi = sig - G (see `enclose`).
        """
        targets = self.problem.targets
        if not targets.min_accuracy:
            return tokens, Multipliers(limits)
        without = replace(targets, min_accuracy={})
        w = self.columns
        found = self._evaluate(tokens, without, Multipliers(limits))
        G, sig = (np.concatenate([part[k][:, 0] for *_, part in found.parts()]) for k in (0, 1))
        alpha = targets.accuracy_weight(self.problem.workload)
        zeta = dict(
            zip(
                self.problem.workload.names,
                (w.prior * alpha * np.maximum(sig / G - 1, 0)).tolist(),
                strict=True,
            )
        )
        return tokens, Multipliers(limits, {name: Decimal(zeta[name]) for name in targets.min_accuracy})

    def nearest(self, inside: FloatArray, beyond: FloatArray) -> FloatArray:
        """Tokens that meet all targets, between such and others, as near the others as doubles can tell."""
        share, step = 0.0, 0.5
        for _ in range(_HALVINGS):
            if self.meets(inside + (share + step) * (beyond - inside)):
                share += step
            step /= 2
        return np.asarray(inside + share * (beyond - inside))

    def value(self, tokens: FloatArray, name: str) -> float:
        """What a limit limits, in floats; infinite where the tokens are not stable."""
        w, law = self.columns, self.columns.law
        if name == TOKENS:
            return float(w.prior @ tokens)
        thinking = w.time_per_token * tokens
        service = float(w.prior @ (w.overhead + thinking))
        y = float(w.idle_at_zero - w.arrival_rate * law.token_share * float(w.prior @ thinking))
        if not y > 0:
            return np.inf
        squares = float(w.mean(w.squares(w.overhead + thinking, tokens)))
        wait = float(w.server.mean_wait(w.arrival_rate, service, squares, y))
        return {TIME: service + wait, WAIT: wait, LOAD: 1 - y}[name]

    def meets(self, tokens: FloatArray) -> bool:
        """Whether tokens surely meet all targets."""
        return bool(self._evaluate(tokens, self.problem.targets, Multipliers()).enclosed.met[0])

    def _evaluate(self, tokens: FloatArray, targets: Targets, multipliers: Multipliers) -> Evaluation:
        w = self.problem.workload
        weight, prompts = np.array([w.accuracy_weight]), w.prompt_tokens[:, None]
        goal = Goal.of(targets, [multipliers], w.names, weight, prompts)
        with np.errstate(all="ignore"):
            return Evaluation(self.columns.spread(1), tokens[:, None], goal)
