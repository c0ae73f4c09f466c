"""What every type answers to a pair of prices, and where Newton's method sends the prices from there.

The formulas stand in `search`; here they are for one workload or many, on `Columns`: prices of shape (...),
tokens of shape (N, ...). In the formulas of prices t0 and c are those of square tau (`Columns.marginal`), tau
being the marginal time: for one query at a time of certain length that is t. All of it is derived here.
"""

from __future__ import annotations

from typing import Generic, NamedTuple, TypeVar

import numpy as np

from cvxtoken.allocation.prices.columns import Columns
from cvxtoken.allocation.prices.formulas import Price, approach, first_guess, half_price, newton_move
from cvxtoken.arrays import FloatArray

ANSWERED = 2e-3  # how near answers are sought, in log prices; the last step cubes it
SLACK = 1e-8  # widens bounds of log prices: rounding and unfinished answers must not exclude the optimum
_TURNS = 100  # of the root search


Number = TypeVar("Number", float, FloatArray)


class Sums(NamedTuple):
    """What the answers l of all types add up to, each of shape (...).

    Attributes:
        thinking: sum pi c l, in s.
        second_moment: E[S^2], in s^2.
        weight, weight_t, weight_t2: sum w, sum w m and sum w m^2 over the types strictly inside the box, with
            m = square tau, q = p + theta m, c' = dm/dl and w = pi c / (b q + theta c') = -pi c dl/dp.
    """

    thinking: FloatArray
    second_moment: FloatArray
    weight: FloatArray
    weight_t: FloatArray
    weight_t2: FloatArray


NOTHING = Sums(*np.zeros(5))


class Step(NamedTuple, Generic[Number]):
    """The residuals at a pair of prices and Newton's step in their logarithms, each of shape (...).

    Attributes:
        idle_residual, price_residual: see `prices.search`.
        log_theta, log_p: the step.
    """

    idle_residual: Number
    price_residual: Number
    log_theta: Number
    log_p: Number


def respond(
    columns: Columns, theta: Price, p: Price, tokens: FloatArray | None, tolerance: float
) -> FloatArray:
    """Tokens of every type at given prices, from tokens near them or from nothing; shape (N, ...).

    The steps of `nearer` end where none is longer than the tolerance in units of its f, which leaves an
    error of its cube, or of rounding.
    """
    if columns.is_flat:
        return flat(columns, p)
    l = guess(columns, theta, p) if tokens is None else tokens
    for _ in range(_TURNS):
        new, slope, _ = nearer(columns, theta, p, l)
        miss = np.abs(new - l)
        miss *= slope
        l = new
        if miss.max() <= tolerance:
            break
    return l


def advance(columns: Columns, theta: Price, p: Price, tokens: FloatArray) -> tuple[FloatArray, Sums]:
    """One step of `nearer`, and what the answers add up to, with the slopes before the step."""
    l, _, share = nearer(columns, theta, p, tokens)
    return l, _sums(columns, theta, p, l, share)


def sums(columns: Columns, theta: Price, p: Price, tokens: FloatArray) -> Sums:
    """What the answers add up to."""
    w = columns
    if w.is_flat:
        return _sums(w, theta, p, tokens, w.saturation_rate)
    t0, c = w.marginal
    theta_c = theta * c
    q = _price(w, p) + theta * t0 + theta_c * tokens
    return _sums(w, theta, p, tokens, theta_c / (w.saturation_rate * q + theta_c))


def flat(columns: Columns, p: Price) -> FloatArray:
    """The answers where p alone decides: the logarithm of alpha A b / (c p) over b, clipped to the box."""
    l = columns.log(columns.gain / _price(columns, p))
    l /= columns.saturation_rate
    return np.minimum(np.maximum(l, 0.0, out=l), columns.max_tokens, out=l)


def guess(columns: Columns, theta: Price, p: Price) -> FloatArray:
    """About the answers to given prices, clipped to the box: one step of Chebyshev from l = 0, one of Newton.

    The root is that of b l + ln(1 + bend l) = L with q = p + theta t0 and bend = theta c / q.
    """
    w = columns
    if w.is_flat:
        return flat(w, p)
    return first_guess(w.saturation_rate, w.gain, *w.marginal, w.max_tokens, theta, _price(w, p), w.log)


def nearer(
    columns: Columns, theta: Price, p: Price, tokens: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Chebyshev's third-order step to the answers, clipped to the box; f' before it, and the share bend / f'.

    The answers are the roots of f(l) = b l - ln(alpha A b / (c q)), q = p + theta (t0 + c l), which is
    increasing and concave: f' = b + bend and f'' = -bend^2 with bend = theta c / q. Newton's step is
    n = -f / f', and Chebyshev's n (1 + n bend^2 / (2 f')).
    """
    w, l, b = columns, tokens, columns.saturation_rate
    if w.is_flat:
        return flat(w, p), b, b
    return approach(l, b, w.gain, *w.marginal, w.max_tokens, theta, _price(w, p), w.log)


def _price(columns: Columns, p: Price) -> Price:
    """What a second of mean service costs each type; with a toll it is p and the type's own."""
    return p if columns.toll is None else p + columns.toll


def _sums(columns: Columns, theta: Price, p: Price, tokens: FloatArray, share: FloatArray) -> Sums:
    """The sums, from the share theta c' / (b q + theta c') of each type; moments only where they count."""
    w = columns
    thinking = w.time_per_token * tokens
    inside = (tokens > 0) & (tokens < w.max_tokens)
    if w.is_flat:
        weight = w.prior * w.time_per_token / (w.saturation_rate * _price(w, p))
        weight *= inside
        mean = w.mean(thinking)
        return Sums(mean, 0 * mean, w.add(weight), 0 * mean, 0 * mean)
    t = w.overhead + thinking
    if w.is_plain and w.deviation is None:
        marginal, weight = t, share * w.prior
    else:
        start, slope = w.marginal
        marginal = start + slope * tokens
        q = _price(w, p) + theta * marginal
        weight = theta * w.prior * w.time_per_token / (w.saturation_rate * q + theta * slope)
    weight *= inside
    weight_t = w.total(weight, marginal)
    own = None if marginal is t else marginal * marginal
    squares = w.squares(t, tokens)  # in the place of t
    weight_t2 = w.total(weight, squares if own is None else own)
    weights = w.add(weight) / theta, weight_t / theta, weight_t2 / theta
    return Sums(w.mean(thinking), w.mean(squares), *weights)


def newton_step(columns: Columns, log_theta: Price, log_p: Price, found: Sums) -> Step[FloatArray]:
    """Residuals and Newton's step at a pair of prices, from what the answers add up to."""
    lam, y0, law = columns.arrival_rate, columns.idle_at_zero, columns.law
    theta, p = columns.exp(log_theta), columns.exp(log_p)
    half = half_price(theta, found.second_moment, law.square, law.constant, law.token_share)
    r2 = log_p - columns.log_level(half)
    return Step(*newton_move(theta, p, half, r2, lam, y0, law.direct, law.token_share, *found))


def price_bounds(columns: Columns) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Lower and upper bounds of the optimal log theta, then of log p, each of shape (...).

    Prices with no thinking tokens bound both from below. From above: theta = lambda / y with the least idle
    share of `model.least_idle`, and no type thinks at p >= max alpha A b / c.
    """
    w, lam, y0, law = columns, columns.arrival_rate, columns.idle_at_zero, columns.law
    gain = mean = s2 = np.zeros(())
    silent = np.array(-np.inf)
    for _, part in w.parts:
        gain = gain + part.mean(part.accuracy_gain)
        mean = mean + part.mean(part.overhead)
        s2 = s2 + part.mean(part.squares_at_zero())
        silent = np.maximum(silent, w.log(part.gain.max(axis=0)))
    theta_low = w.log(lam / y0)
    p_low = w.log_level(law.token_share * (lam / y0) ** 2 * (law.square * s2 + law.constant) / 2)
    most = w.accuracy_weight * gain + mean + w.server.mean_wait(lam, mean, s2, y0)
    theta_high = w.log(lam / w.server.least_idle(lam, law, most, y0))
    p_high = np.maximum(p_low, silent)
    return theta_low - SLACK, theta_high + SLACK, p_low - SLACK, p_high + SLACK
