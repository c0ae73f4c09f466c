"""Sums over the types in pairs of doubles, for `enclose`: of many instances, or of one in parts.

Types stand along the first axis, instances along the second. Error bounds are derived in docs/arrays.md.
"""

from __future__ import annotations

import numpy as np

from cvxtoken.allocation.prices.columns import Columns
from cvxtoken.allocation.prices.formulas import evaluated
from cvxtoken.arrays import FloatArray
from cvxtoken.rigorous.balls import Ball
from cvxtoken.rigorous.pairs import (
    Known,
    Pair,
    added,
    depth,
    fold_error,
    fold_pairs,
    halved_times,
    halves,
    plus,
    split_prod,
    square,
    times,
    two_prod,
    two_sum,
)

SUM_ERROR = 2.0**-56  # relative, of an accuracy and of sums of them
UNDERFLOW = 2.0**-700  # above whatever underflows: 2^-1074 an operation, times at most 2^300


class Total:
    """A sum over the types of pairs of shape (n, B), in parts of which none is longer than the first."""

    def __init__(self) -> None:
        self.parts = 0

    def add(self, pair: Pair) -> None:
        """One more part, which the sum then owns."""
        if not self.parts:
            self.high, self.low = pair
        else:
            n = len(pair[0])
            self.high[:n], self.low[:n] = added((self.high[:n], self.low[:n]), pair)
        self.parts += 1

    def room(self, shape: tuple[int, int], parts: int) -> Pair:
        """Zeros in one axis for all parts, none larger than this shape, to be added by `added` in place."""
        self.high, self.low, self.parts = np.zeros(shape), np.zeros(shape), parts
        return self.high.ravel(), self.low.ravel()

    def ball(self, relative: float = 0.0) -> Ball:
        """The sum of terms of one sign, each of that relative error at most; shape (B,)."""
        if not self.parts:
            return Ball.exact(0.0)
        error = fold_error(self.parts + depth(len(self.high)))
        return Ball.of(fold_pairs(self.high, self.low), relative + error, UNDERFLOW)


class Part:
    """Some of the types at some tokens: pairs that are summed, and what the gap needs of them, shape (n, B).

    Attributes:
        w, l: the data and the tokens.
        x: b l, rounded.
        left: e^-x, to 2^-53; 0 where x is beyond 600.
        t, s: t as a pair, and s where service times vary.
        accuracy: A (1 - e^-x) + D, to 2^-56.
    """

    def __init__(self, w: Columns, l: FloatArray) -> None:
        self.w, self.l = w, l
        self._pi = halves(w.prior)
        b, c, A, D = w.saturation_rate, w.time_per_token, w.accuracy_gain, w.base_accuracy
        self.x, self.left, self.t, self.accuracy = evaluated(l, b, c, w.overhead, A, D)
        self.s: Pair | None = None
        if w.deviation is not None and w.deviation_per_token is not None:
            self.s = plus(w.deviation, two_prod(w.deviation_per_token, l))

    def mean(self, pair: Known) -> Pair:
        """pi times a pair."""
        return halved_times(self.w.prior, self._pi, pair)

    def squares(self) -> Pair:
        """t^2 + s^2."""
        total = square(self.t)
        if self.s is None:
            return total
        varying = square(self.s)
        high, error = two_sum(total[0], varying[0])
        error += total[1] + varying[1]
        return high, error

    def held(self, prompt: FloatArray) -> Pair:
        """m t + c l^2 / 2."""
        own = halves(self.l)
        high, low = times(self.w.time_per_token, split_prod(self.l, own, self.l, own))
        prompts = times(prompt, self.t)
        total, error = two_sum(high / 2, prompts[0])
        error += low / 2 + prompts[1]
        return total, error
