"""The search for the prices and its gap in compiled loops, which read every number once (`elementwise`).

For columns that are basic. The formulas are those that NumPy runs. Of many instances the search does the
operations of `PortableColumns` in the same order, so that every bit of prices and tokens is the same. The gap
is bounded as in `excess`, so that it needs no logarithm.
"""
# mypy: disallow-untyped-defs=False, disallow-untyped-calls=False, disallow-incomplete-defs=False

from __future__ import annotations

from typing import Any

import numpy as np

from cvxtoken.allocation.prices.answers import Sums
from cvxtoken.allocation.prices.columns import BLOCK, Columns
from cvxtoken.allocation.prices.excess import FAR, SIG_ERROR, burden, near
from cvxtoken.allocation.prices.formulas import approach, evaluated, first_guess, half_price, newton_move
from cvxtoken.allocation.prices.gap import Appraisal, appraise, judged
from cvxtoken.arrays import FloatArray
from cvxtoken.rigorous.elementary import exp, log
from cvxtoken.rigorous.elementwise import compiled, piece, worthwhile
from cvxtoken.rigorous.pairs import fold

REACH = 3.0  # a longer first step, in log prices, is not worth trying
_CHUNK = 256  # instances whose numbers stay in the second-level cache


def newton_steps(columns: Columns, prices: FloatArray, low: FloatArray, steps: int) -> FloatArray:
    """Newton's steps of `many.search.newton` on (2, B) log prices, in place; the answers, shape (N, B).

    Args:
        columns: B instances.
        prices: to begin with; until the last step they are kept in single precision.
        low: bounds of them, shape (2, B).
        steps: how many there are.
    """
    w, tokens = columns, np.empty(columns.prior.shape)
    numbers = (w.prior, w.saturation_rate, w.gain, w.overhead, w.time_per_token, w.max_tokens, low)
    scalars = (np.broadcast_to(x, low[0].shape) for x in (w.arrival_rate, w.idle_at_zero))
    _newton(*map(np.ascontiguousarray, (*numbers, *scalars)), np.empty(steps), prices, tokens)
    return tokens


def step_to_answers(columns: Columns, theta: float, p: float, tokens: FloatArray) -> Sums:
    """A step of `nearer` for one instance, in place; what the answers add up to, with the slopes before it.

    Args:
        columns: one instance.
        theta: the price.
        p: likewise.
        tokens: near the answers, shape (N,), or no numbers where there are none yet.
    """
    w, width = columns, min(len(tokens), BLOCK)
    sums = [np.zeros(width) for _ in Sums._fields]
    types = (w.prior, w.accuracy_gain, w.saturation_rate, w.overhead, w.time_per_token, w.max_tokens)
    _step(float(w.accuracy_weight), *types, np.full(width, theta), np.full(width, p), tokens, *sums)
    thinking, squares, *weights = map(fold, sums)
    return Sums(thinking, squares, *(weight / theta for weight in weights))


def appraised(columns: Columns, tokens: FloatArray) -> Appraisal:
    """As `appraise`, in loops where they are worth it and the tokens are near the optimum."""
    if columns.is_basic and worthwhile(tokens.size):
        found, tight = appraise_quickly(columns, tokens)
        if tight:
            return found
    return appraise(columns, tokens)


def appraise_quickly(columns: Columns, tokens: FloatArray) -> tuple[Appraisal, bool]:
    """As `appraise`, and whether all gaps are tight: no type is far from its least.

    Args:
        columns: the instances, which are basic.
        tokens: shape (N,) or (N, B).
    """
    w, left, tight = columns, np.empty(tokens.shape), False
    sums = [np.zeros(_width(tokens)) for _ in range(4)]
    types = (w.prior, w.accuracy_gain, w.saturation_rate, w.base_accuracy, w.overhead, w.time_per_token)
    _worth(*map(np.ravel, (*types, tokens, left)), *sums)

    def excesses(theta: FloatArray, P: FloatArray) -> FloatArray:
        nonlocal tight
        room = np.zeros((min(len(tokens), BLOCK), *tokens.shape[1:]))
        prices = theta, P, np.array(SIG_ERROR), np.asarray(w.accuracy_weight)
        tight = add_excess(w, tokens, left, prices, room)
        return fold(room)

    if _is_one(tokens):
        sums = [fold(x).reshape(tokens.shape[1:])[()] for x in sums]
    thinking, mean, squares, p = sums
    return judged(w, thinking, mean, squares, p, excesses), tight


def add_excess(
    w: Columns, tokens: FloatArray, left: FloatArray, prices: tuple[FloatArray, ...], sums: FloatArray
) -> bool:
    """Add pi e to sums, block by block of types; whether no type is far from its least.

    Args:
        w: the instances.
        tokens: shape (N,) or (N, B).
        left: e^-x, likewise.
        prices: theta, level, relative error and accuracy weight, shape () or (B,) each.
        sums: shape (n,) or (n, B), n types to a block.
    """
    types = (w.prior, w.accuracy_gain, w.saturation_rate, w.overhead, w.time_per_token, w.max_tokens)
    each = (np.ascontiguousarray(np.broadcast_to(price, (_width(tokens),))) for price in prices)
    far, _ = _excess(*map(np.ravel, (*types, tokens, left)), sums.ravel(), *each)
    return bool(far == 0)


def _is_one(tokens: FloatArray) -> bool:
    return tokens.ndim == 1 or tokens.shape[1] == 1


def _width(tokens: FloatArray) -> int:
    """How long a loop's rows are: the instances, or of one the types of a block."""
    return min(len(tokens), BLOCK) if _is_one(tokens) else tokens.shape[1]


@piece
def _guess_row(b, gain, t0, c, l_max, theta, p, l):
    for k in range(len(l)):
        l[k] = first_guess(b[k], gain[k], t0[k], c[k], l_max[k], theta[k], p[k], log)


@piece
def _approach_row(b, gain, t0, c, l_max, theta, p, l, share):
    for k in range(len(l)):
        l[k], _, share[k] = approach(l[k], b[k], gain[k], t0[k], c[k], l_max[k], theta[k], p[k], log)


@piece
def _terms(pi, t0, c, l_max, l, share):
    work = c * l
    t = t0 + work
    weight = share * pi * (1.0 if 0.0 < l < l_max else 0.0)
    return pi * work, pi * (t * t), weight, weight * t, weight * (t * t)


@piece
def _set_row(pi, t0, c, l_max, l, share, thinking, squares, w0, w1, w2):
    for k in range(len(l)):
        x = _terms(pi[k], t0[k], c[k], l_max[k], l[k], share[k])
        thinking[k], squares[k], w0[k], w1[k], w2[k] = x


@piece
def _add_row(pi, t0, c, l_max, l, share, thinking, squares, w0, w1, w2):
    for k in range(len(l)):
        x = _terms(pi[k], t0[k], c[k], l_max[k], l[k], share[k])
        thinking[k] += x[0]
        squares[k] += x[1]
        w0[k] += x[2]
        w1[k] += x[3]
        w2[k] += x[4]


@piece
def _fold_rows(values):
    count = len(values)
    while count > 1:
        half = (count + 1) // 2
        for i in range(count - half):
            row, other = values[i], values[half + i]
            for k in range(len(row)):
                row[k] += other[k]
        count = half


@piece
def _move_row(lam, y0, low_theta, low_p, theta, p, sums, rough, log_theta, log_p):
    thinking, squares, w0, w1, w2 = sums[0, 0], sums[1, 0], sums[2, 0], sums[3, 0], sums[4, 0]
    for k in range(len(lam)):
        half = half_price(theta[k], squares[k], 1.0, 0.0, 1.0)
        residual = log_p[k] - log(1.0 + half)
        found = thinking[k], squares[k], w0[k] / theta[k], w1[k] / theta[k], w2[k] / theta[k]
        _, _, x, y = newton_move(theta[k], p[k], half, residual, lam[k], y0[k], 1.0, 1.0, *found)
        log_theta[k] = _moved(log_theta[k], x, low_theta[k], rough)
        log_p[k] = _moved(log_p[k], y, low_p[k], rough)


@piece
def _moved(price, move, low, rough):
    price += np.minimum(np.maximum(move, -REACH), REACH)
    price = np.maximum(np.float64(np.float32(price)) if rough else price, low)
    return np.float64(np.float32(price)) if rough else price


@piece
def _exp_row(x, result):
    for k in range(len(x)):
        result[k] = exp(x[k])


@compiled("RRRRRRRrrrWW")
def _newton(version: int) -> Any:
    def loop(pi, b, gain, t0, c, l_max, low, lam, y0, steps, prices, l):
        types, last = len(l), len(steps)
        for first in range(0, len(lam), _CHUNK):
            here = slice(first, min(first + _CHUNK, len(lam)))
            log_theta, log_p = prices[0, here], prices[1, here]
            theta, p, share = np.empty(len(log_p)), np.empty(len(log_p)), np.empty(len(log_p))
            sums = np.empty((5, types, len(log_p)))
            for turn in range(last + 1):
                _exp_row(log_theta, theta)
                _exp_row(log_p, p)
                for i in range(types):
                    own, t, tops = l[i, here], (t0[i, here], c[i, here]), l_max[i, here]
                    if turn == 0:
                        _guess_row(b[i, here], gain[i, here], *t, tops, theta, p, own)
                    _approach_row(b[i, here], gain[i, here], *t, tops, theta, p, own, share)
                    rows = sums[0, i], sums[1, i], sums[2, i], sums[3, i], sums[4, i]
                    _set_row(pi[i, here], *t, tops, own, share, *rows)
                if turn < last:
                    for kind in range(5):
                        _fold_rows(sums[kind])
                    rough, lows = turn < last - 1, (low[0, here], low[1, here])
                    _move_row(lam[here], y0[here], *lows, theta, p, sums, rough, log_theta, log_p)
        return version

    return loop


@piece
def _gain_row(alpha, A, b, c, gain):
    for k in range(len(gain)):
        gain[k] = alpha * A[k] * b[k] / c[k]


@compiled("nrrrrrrrrwwwwww")
def _step(version: int) -> Any:
    def loop(alpha, pi, A, b, t0, c, l_max, theta, p, l, thinking, squares, w0, w1, w2):
        unknown = np.isnan(l[0])
        share, gain = np.empty(len(theta)), np.empty(len(theta))
        for first in range(0, len(l), len(theta)):
            own = l[first : first + len(theta)]
            here, n = slice(first, first + len(own)), len(own)
            times, tops, prices = (t0[here], c[here]), l_max[here], (theta[:n], p[:n])
            _gain_row(alpha, A[here], b[here], c[here], gain[:n])
            if unknown:
                _guess_row(b[here], gain[:n], *times, tops, *prices, own)
            _approach_row(b[here], gain[:n], *times, tops, *prices, own, share[:n])
            sums = thinking[:n], squares[:n], w0[:n], w1[:n], w2[:n]
            _add_row(pi[here], *times, tops, own, share[:n], *sums)
        return version

    return loop


@piece
def _worth_row(pi, A, b, D, t0, c, l, left, thinking, mean, squares, accuracy):
    for k in range(len(l)):
        _, left[k], (t, _), (p, _) = evaluated(l[k], b[k], c[k], t0[k], A[k], D[k])
        thinking[k] += pi[k] * (c[k] * l[k])
        mean[k] += pi[k] * t
        squares[k] += pi[k] * (t * t)
        accuracy[k] += pi[k] * p


@compiled("rrrrrrrwwwww")
def _worth(version: int) -> Any:
    def loop(pi, A, b, D, t0, c, l, left, thinking, mean, squares, accuracy):
        width = len(mean)
        for first in range(0, len(l), width):
            x = slice(first, min(first + width, len(l)))
            n = x.stop - first
            sums = thinking[:n], mean[:n], squares[:n], accuracy[:n]
            _worth_row(pi[x], A[x], b[x], D[x], t0[x], c[x], l[x], left[x], *sums)
        return version

    return loop


@piece
def _excess_row(pi, A, b, t0, c, l_max, l, left, sums, theta, level, error, alpha):
    far = 0
    for k in range(len(l)):
        burdened = burden(l[k], c[k], t0[k], theta[k], level[k])
        sig, lost = burdened / b[k], burdened / b[k] * error[k]
        G = alpha[k] * A[k] * left[k]
        e = near(G, sig, lost, b[k] * l[k], b[k] * (l_max[k] - l[k]))
        sums[k] += e * pi[k]
        far += e > FAR * np.abs(sig)
    return far


@compiled("rrrrrrrrwrrrr")
def _excess(version: int) -> Any:
    def loop(pi, A, b, t0, c, l_max, l, left, sums, theta, level, error, alpha):
        far, width = 0, len(theta)
        for first in range(0, len(l), width):
            x = slice(first, min(first + width, len(l)))
            n, place = x.stop - first, first % len(sums)
            prices = theta[:n], level[:n], error[:n], alpha[:n]
            room = sums[place : place + n]
            far += _excess_row(pi[x], A[x], b[x], t0[x], c[x], l_max[x], l[x], left[x], room, *prices)
        return far, version

    return loop
