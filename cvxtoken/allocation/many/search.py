"""The two-price search of `prices.search` for many instances at once: the same steps, in arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cvxtoken.allocation.prices.answers import (
    ANSWERED,
    SLACK,
    Step,
    advance,
    guess,
    nearer,
    newton_step,
    price_bounds,
    respond,
    sums,
)
from cvxtoken.allocation.prices.columns import Columns
from cvxtoken.allocation.prices.loops import REACH, newton_steps
from cvxtoken.arrays import FloatArray

_CLOSE = 1e-5  # after such a step the next is below 1e-9
_STEPS = 6
_TURNS = 200  # the most seen is 40
_FINISHED = 0.4  # at this share of finished instances, the others are moved together


def newton(columns: Columns, log_start: FloatArray, fast: bool = False) -> tuple[FloatArray, FloatArray]:
    """Prices log theta and log p, shape (2, B), and answers, shape (N, B), after six plain Newton steps.

    With each goes one step of the answers' root search. All but the last are in single precision, which takes
    half the time. There are no safeguards here, and few instances of real data need them; the caller must
    look at the gap.

    Args:
        columns: B instances with y0 > 0.
        log_start: prices to begin with, shape (2, B); NaN where there is no guess.
        fast: use compiled loops where there are some; they do what is done for `PortableColumns`.
    """
    w = columns
    theta_low, law = w.arrival_rate / w.idle_at_zero, w.law
    Q = law.square * w.mean(w.squares_at_zero()) + law.constant
    p_low = w.log_level(law.token_share * theta_low**2 * Q / 2)
    low = np.stack(np.broadcast_arrays(w.log(theta_low), p_low))
    prices: FloatArray = np.where(np.isnan(log_start), low, np.maximum(log_start, low)).astype(np.float32)
    if fast and w.is_basic:
        prices = prices.astype(np.float64)
        return prices, newton_steps(w, prices, low, _STEPS)
    rough = columns.single()
    theta, p = columns.exp(prices)
    tokens = guess(rough, theta, p)
    for turn in range(_STEPS):
        if turn == _STEPS - 1:
            rough, prices, tokens = columns, prices.astype(np.float64), tokens.astype(np.float64)
            theta, p = columns.exp(prices)
        tokens, found = advance(rough, theta, p, tokens)
        step = newton_step(rough, prices[0], prices[1], found)
        move = np.array([step.log_theta, step.log_p])
        prices += np.minimum(np.maximum(move, -REACH), REACH)
        np.maximum(prices, low, out=prices, casting="same_kind")
        theta, p = columns.exp(prices)
    return prices, nearer(columns, theta, p, tokens)[0]


def search(columns: Columns, log_start: FloatArray, fast: bool = False) -> tuple[FloatArray, FloatArray]:
    """The same by the globally convergent search, of which there are no loops."""
    prices, tokens = np.empty(log_start.shape), np.empty(columns.prior.shape)
    left = np.arange(log_start.shape[1])
    state = _State(columns, log_start)
    for turn in range(1, _TURNS + 1):
        state.turn()
        finished = np.count_nonzero(state.done)
        if finished >= _FINISHED * len(left) or turn == _TURNS:
            prices[:, left], tokens[:, left] = state.prices, state.tokens
            if finished == len(left):
                break
            left = left[~state.done]
            state.keep(~state.done)
    theta, p = columns.exp(prices)
    return prices, respond(columns, theta, p, tokens, ANSWERED)


class _State:
    """Prices, brackets and answers of the instances whose search goes on.

    Attributes:
        prices: log theta and log p, shape (2, B).
        low, high: proven bounds of them.
        largest: the longest Newton step that may be taken, shape (B,).
        done: whose prices are final, shape (B,).
    """

    def __init__(self, columns: Columns, log_start: FloatArray) -> None:
        theta_low, theta_high, p_low, p_high = price_bounds(columns)
        self.columns = columns
        self.low, self.high = np.stack([theta_low, p_low]), np.stack([theta_high, p_high])
        self.prices = np.where(np.isnan(log_start), self.low, np.clip(log_start, self.low, self.high))
        self.largest = np.full(len(theta_low), REACH)
        self.done = np.zeros(len(theta_low), dtype=np.bool_)
        theta, p = self.columns.exp(self.prices)
        self.tokens = respond(columns, theta, p, None, ANSWERED)

    def keep(self, left: NDArray[np.bool_]) -> None:
        """Go on with some of the instances only."""
        self.columns = self.columns.take(left)
        self.low, self.high, self.prices = self.low[:, left], self.high[:, left], self.prices[:, left]
        self.largest, self.done = self.largest[left], self.done[left]
        self.tokens = self.tokens[:, left]

    def turn(self) -> None:
        """Evaluate all prices and move those that are not final."""
        theta, p = self.columns.exp(self.prices)
        self.tokens = respond(self.columns, theta, p, self.tokens, ANSWERED)
        step = newton_step(
            self.columns, self.prices[0], self.prices[1], sums(self.columns, theta, p, self.tokens)
        )
        self.cut(step)
        move = np.empty_like(self.prices)
        move[0], move[1] = step.log_theta, step.log_p
        error = np.maximum(np.abs(step.log_theta), np.abs(step.log_p))
        target, middle = self.prices + move, (self.low + self.high) / 2
        newton = (error <= self.largest) & ((target >= self.low) & (target <= self.high)).all(axis=0)
        close = error <= _CLOSE
        stay = self.done | (~newton & (close | (self.prices == middle).all(axis=0)))
        self.prices = np.where(stay, self.prices, np.where(newton, target, middle))
        self.largest = np.where(newton, error / 2, REACH)
        self.done = stay | close

    def cut(self, step: Step[FloatArray]) -> None:
        """Cut from the brackets what the signs of the residuals exclude; see `prices.search`."""
        idle, price = step.idle_residual < 0, step.price_residual < 0
        same = idle == price
        for row, low, high in ((0, ~same & idle, ~same & price), (1, same & idle, same & ~idle)):
            here = self.prices[row]
            np.maximum(self.low[row], here - SLACK, out=self.low[row], where=low)
            np.minimum(self.high[row], here + SLACK, out=self.high[row], where=high)
