"""The optimum of very many types under least accuracies and one or two active limits (derived here).

With the multipliers mu, nu, eta and xi of limits on E[T], E[W], rho and sum pi l, and e = w + mu + nu, the
Lagrangian over e is

    -alpha / e sum pi p + E[T] + (eta lambda sigma - nu) / e E[S] + xi / e sum pi l + a constant,

which is the plain trade-off with other numbers for alpha and `direct`, and with a toll xi / (e c) on every
second that a type thinks. Its optimum is that of two prices, in O(N), and a limited value falls as its
multiplier rises. So one multiplier is the root of one equation, two are that of two. Where e is 0, no price
couples the types. A root leaves slacks of 1e-12, either way. Along two directions in which the optimum moves
with its multipliers they are brought to what doubles can tell, which costs the square of so short a step.

Least tokens f only move the origin: in l' = l - f the model is the same with A e^(-b f), t0 + c f and
s0 + s1 f. The multiplier of a least accuracy, zeta, is what makes the derivative at f vanish.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from itertools import combinations
from typing import Any

import numpy as np
from scipy.optimize import brentq, root

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
_ROOT = 1e-12  # how exact the logarithms of multipliers are: their error enters squared
_MISSED = 1e-9  # of a limit: no correction makes up for it
_STEP = 1e-5  # of such a logarithm, to see where the tokens move
_TURNS = 3  # of a correction, which is linear but for rounding
_SPARE = (2.0**-57, 2.0**-55, 2.0**-53, 2.0**-51)  # of a limit: what is left of it, as rounding allows
_SURE = 2.0**-55  # of an accuracy: so far above the least one it is proven to be above
NONE: Mapping[str, float] = {}
Candidate = tuple[FloatArray, Multipliers]


def is_priced(targets: Targets) -> bool:
    """Whether nothing is asked for but least accuracies and limits on E[T], E[W], rho and sum pi l."""
    return set(targets.limits) <= set(LIMITS) and not targets.linear


def priced_candidates(problem: Feasible) -> Iterator[Candidate]:
    """Tokens that meet all targets, none, one or two of the limits nearly with equality, in this order.

    The optimum is among them unless three limits are active, or float64 is too short.
    """
    try:
        priced = _Priced(problem)
        if problem.targets.delay_weight:
            free = priced.answers({})
            if priced.meets(free):
                yield priced.candidate(free, {})
                return
        roots = {name: x for name in problem.targets.limits if (x := priced.single(name)) is not None}
        for name, log in roots.items():
            yield from priced.limited({name: log})
        for first, second in combinations(roots, 2):
            yield from priced.limited(priced.both({first: roots[first], second: roots[second]}))
    except (ArithmeticError, ValueError):  # float64 overflows, or rounding hides the root
        return


def _root(excess: Callable[[float], float]) -> float | None:
    """Where a falling function of a multiplier's logarithm is 0; None where that is too far."""
    low = high = 0.0
    while excess(high) > 0:
        low, high = high, high + _LOG_STEP
        if high > _FARTHEST:
            return None
    while low == high or excess(low) <= 0:
        high, low = low, low - _LOG_STEP
        if low < -_FARTHEST:
            return None
    return float(brentq(excess, low, high, xtol=_ROOT, rtol=_ROOT))


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

    def answers(self, prices: Mapping[str, float]) -> FloatArray:
        """The optimum with multipliers in place of their limits, shape (N,)."""
        w, targets = self.moved, self.problem.targets
        law, c, b = w.law, w.time_per_token, w.saturation_rate
        alpha = targets.accuracy_weight(self.problem.workload)
        mu, nu, eta, token = (prices.get(name, 0.0) for name in LIMITS)
        e = targets.delay_weight + mu + nu
        second = w.arrival_rate * law.token_share * eta  # of E[S]
        if not e:
            l = np.log(alpha * w.accuracy_gain * b / (second * c + token)) / b
            return np.asarray(self.floor + np.clip(l, 0.0, w.max_tokens))
        direct = law.direct + (second - nu) / e
        toll = token / e / c if token else None
        priced = replace(w, accuracy_weight=alpha / e, law=law._replace(direct=direct), toll=toll)
        *_, last = optimal_path(priced)
        return np.asarray(np.minimum(self.floor + last.tokens, self.columns.max_tokens))

    def at(self, logs: Mapping[str, float]) -> FloatArray:
        """The same with the logarithms of the multipliers."""
        return self.answers({name: float(np.exp(x)) for name, x in logs.items()})

    def single(self, name: str, others: Mapping[str, float] = NONE) -> float | None:
        """The logarithm of the multiplier with which one limit is met with equality, or None.

        Args:
            name: the limit.
            others: logarithms of other multipliers, which stay.
        """
        return _root(lambda log: self._excess({**others, name: log}, name))

    def both(self, singles: Mapping[str, float]) -> dict[str, float]:
        """The same of two limits, from those of each alone; nothing where they are not found.

        With the second multiplier as the first asks for, the first limit's value falls as its multiplier
        rises, because the dual function is convex. That leads to the root even where few types think and
        the equations have kinks, and takes ten times as long.
        """
        first, second = singles

        def excesses(logs: FloatArray) -> list[float]:
            prices = dict(zip(singles, logs.tolist(), strict=True))
            return [self._excess(prices, name) for name in singles]

        found = root(excesses, np.array([*singles.values()]) - np.log(2.0), tol=_ROOT)
        if found.success:
            return dict(zip(singles, found.x.tolist(), strict=True))

        def follow(log: float) -> dict[str, float]:
            other = self.single(second, {first: log})
            return {first: log} if other is None else {first: log, second: other}

        log = _root(lambda log: self._excess(follow(log), first))
        return {} if log is None else follow(log)

    def _excess(self, logs: Mapping[str, float], name: str) -> float:
        """By what share a limit is exceeded at the logarithms of some multipliers."""
        return self.value(self.at(logs), name) / self.problem.targets.limits[name] - 1

    def limited(self, logs: Mapping[str, float]) -> Iterator[Candidate]:
        """Tokens near the optimum at some multipliers, of which little is left of the limits; or nothing."""
        if not logs:
            return
        tokens, targets = self.at(logs), self.problem.targets.limits
        others = set(targets) - set(logs)
        if any(self.value(tokens, name) > targets[name] * (1 + _MISSED) for name in others):
            return
        limits = np.array([targets[name] for name in logs])
        ways = np.array([self.at({**logs, name: x + _STEP}) - tokens for name, x in logs.items()])
        gained = np.array([self.slacks(tokens + way, logs) for way in ways]) - self.slacks(tokens, logs)
        for spare in _SPARE:
            near = tokens
            for _ in range(_TURNS):
                short = spare * limits - self.slacks(near, logs)
                near = np.clip(
                    near + np.linalg.solve(gained.T, short) @ ways, self.floor, self.columns.max_tokens
                )
            if self.meets(near):
                prices = {name: Decimal(float(np.exp(x))) for name, x in logs.items()}
                yield self.candidate(near, prices)
                return

    def slacks(self, tokens: FloatArray, names: Mapping[str, float]) -> FloatArray:
        """What is left of some limits, to all digits of doubles, shape (n,)."""
        found = self._evaluate(tokens, self.problem.targets, Multipliers()).slacks
        return np.array([float(found[name].high[0]) for name in names])

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
