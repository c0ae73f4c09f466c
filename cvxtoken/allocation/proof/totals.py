"""Sums over the types in pairs of doubles, for `enclose`: of many instances, or of one in parts.

Types stand along the first axis, instances along the second. Error bounds are derived in docs/arrays.md.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from cvxtoken.allocation.prices.columns import Columns
from cvxtoken.arrays import FloatArray
from cvxtoken.rigorous.balls import Ball
from cvxtoken.rigorous.elementary import FARTHEST, decay
from cvxtoken.rigorous.elementwise import elementwise, select
from cvxtoken.rigorous.pairs import Pair, depth, fold_error, fold_pairs, halves, split_prod, two_prod, two_sum

SUM_ERROR = 2.0**-56  # relative, of an accuracy and of sums of them
Known: TypeAlias = tuple[FloatArray, FloatArray | float]  # a pair, or a double and 0
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

    def room(self, part: FloatArray) -> Pair:
        """The sum so far in one axis, for one more part of this shape to be added by `added` in place."""
        if not self.parts:
            self.high, self.low = np.zeros(part.shape), np.zeros(part.shape)
        self.parts += 1
        return self.high.ravel()[: part.size], self.low.ravel()[: part.size]

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


@elementwise
def evaluated(
    l: FloatArray, b: FloatArray, c: FloatArray, t0: FloatArray, A: FloatArray, D: FloatArray
) -> tuple[FloatArray, FloatArray, Pair, Pair]:
    """The numbers b l and e^-x rounded, t, and A (1 - e^-x) + D, of types at their tokens."""
    l_halves = halves(l)
    x, x_low = split_prod(b, halves(b), l, l_halves)
    t = plus(t0, split_prod(c, halves(c), l, l_halves))
    left, gained = _decay(x, x_low)
    return x, left, t, plus(D, times(A, gained))


@elementwise
def plus(a: FloatArray, pair: Pair) -> Pair:
    """The sum of a double and a pair."""
    high, error = two_sum(a, pair[0])
    error += pair[1]
    return high, error


@elementwise
def times(a: FloatArray, pair: Known) -> Pair:
    """The product of a double and a pair."""
    return halved_times(a, halves(a), pair)


@elementwise
def halved_times(a: FloatArray, a_halves: Pair, pair: Known) -> Pair:
    """The same of a double whose halves are there already."""
    high, low = split_prod(a, a_halves, pair[0], halves(pair[0]))
    low += a * pair[1]
    return high, low


@elementwise
def added(total: Pair, pair: Pair) -> Pair:
    """A sum and one more pair."""
    high, error = two_sum(total[0], pair[0])
    error += pair[1]
    return high, total[1] + error


@elementwise
def square(pair: Pair) -> Pair:
    """The square of a pair."""
    own = halves(pair[0])
    high, low = split_prod(pair[0], own, pair[0], own)
    low += 2 * pair[0] * pair[1]
    return high, low


@elementwise
def _decay(x: FloatArray, low: FloatArray) -> tuple[FloatArray, Pair]:
    """e^-x, rounded, and 1 - e^-x as a pair, for all x >= 0."""
    far = x > FARTHEST
    (left, _), (gained, gained_low) = decay(select(far, 0.0, x), select(far, 0.0, low))
    return select(far, 0.0, left), (select(far, 1.0, gained), gained_low)
