"""The formulas of `answers` for one type or many, one instance or many: of numbers alone.

Every argument is a number of a type or of an instance, as in `columns`; `price` is what a second of mean
service costs a type, `log` the logarithm. Where they come from stands in `answers` and `search`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from cvxtoken.arrays import FloatArray
from cvxtoken.rigorous.elementary import decay_anywhere
from cvxtoken.rigorous.elementwise import elementwise
from cvxtoken.rigorous.pairs import Pair, halves, plus, split_prod, times

Price: TypeAlias = float | FloatArray  # of one instance, or of many
Logarithm: TypeAlias = Callable[[FloatArray], FloatArray]


@elementwise
def first_guess(
    b: FloatArray,
    gain: FloatArray,
    t0: FloatArray,
    c: FloatArray,
    l_max: FloatArray,
    theta: Price,
    price: Price,
    log: Logarithm,
) -> FloatArray:
    """About the answer to prices of which nothing near is known; see `guess`."""
    q = price + theta * t0
    bend = theta * c / q
    L = log(gain / q)
    slope = b + bend
    newton = np.maximum(L, 0.0) / slope
    l = newton * (1 + newton * bend * bend / (2 * slope))
    grown = 1 + bend * l
    l += (L - b * l - log(grown)) / (b + bend / grown)
    return np.minimum(np.maximum(l, 0.0), l_max)


@elementwise
def approach(
    l: FloatArray,
    b: FloatArray,
    gain: FloatArray,
    t0: FloatArray,
    c: FloatArray,
    l_max: FloatArray,
    theta: Price,
    price: Price,
    log: Logarithm,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """A step from l to the answer, with the slope before it and the share bend / slope; see `nearer`."""
    bend = theta * c
    q = theta * t0
    q += price
    q += bend * l
    bend /= q
    slope = b + bend
    newton = log(gain / q)  # one logarithm, whose error is small where it is
    newton -= b * l
    newton /= slope
    share = bend / slope
    factor = newton * bend
    factor *= share
    factor /= 2
    factor += 1
    # far above the root the curvature's term would turn the step round
    step = newton * np.maximum(factor, 0.5)
    step += l
    return np.minimum(np.maximum(step, 0.0), l_max), slope, share


@elementwise
def half_price(theta: Price, second_moment: Price, square: Price, constant: Price, share: Price) -> Any:
    """What p is above the direct one, from theta."""
    return share * theta * theta * (square * second_moment + constant) / 2


@elementwise
def newton_move(
    theta: Price,
    p: Price,
    half: Price,
    price_residual: Price,
    lam: Price,
    y0: Price,
    direct: Price,
    share: Price,
    thinking: Price,
    second_moment: Price,
    w0: Price,
    w1: Price,
    w2: Price,
) -> tuple[Any, Any, Any, Any]:
    """Both residuals and Newton's step in the log prices, from the five sums of `Sums`; see `Step`."""
    load, eta, theta2, level = lam * share, lam / theta, share * theta * theta, direct + half
    idle_residual = y0 - load * thinking - eta
    # the second row of the Jacobian is that of the price's residual times the level
    j11, j12 = load * theta * w1 + eta, load * p * w0
    j21, j22 = theta2 * theta * w2 - 2 * half, level + theta2 * p * w1
    right = price_residual * level
    determinant = j11 * j22 - j12 * j21
    move = (
        (j12 * right - j22 * idle_residual) / determinant,
        (j21 * idle_residual - j11 * right) / determinant,
    )
    return idle_residual, price_residual, move[0], move[1]


@elementwise
def evaluated(
    l: FloatArray, b: FloatArray, c: FloatArray, t0: FloatArray, A: FloatArray, D: FloatArray
) -> tuple[FloatArray, FloatArray, Pair, Pair]:
    """The numbers b l and e^-x rounded, t, and A (1 - e^-x) + D, of types at their tokens."""
    l_halves = halves(l)
    x, x_low = split_prod(b, halves(b), l, l_halves)
    t = plus(t0, split_prod(c, halves(c), l, l_halves))
    left, gained = decay_anywhere(x, x_low)
    return x, left, t, plus(D, times(A, gained))
