"""Proven bounds of very many instances, or of one of very many types, in arrays of doubles.

The bound is that of `separate` at z = t / y, v = s / y, z0 = 1 / y and u = l, where y is the idle share
itself, never rounded. There the gap is a sum over the types (docs/arrays.md), with r its slopes:

    F - F_bound = sum pi e + sum multiplier (limit - value),   e = phi(x) - min over [0, X] of phi,
    phi(x) = G + sig x,   G = gain e^-x,   sig = r / b,   x = b l,   X = b l_max.

So it is known to a few digits of itself, however small. J is a difference, and is summed in pairs of doubles.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cvxtoken.allocation.fields import MAY_BE_ZERO
from cvxtoken.allocation.prices.columns import BLOCK, Columns
from cvxtoken.allocation.prices.excess import SIG_ERROR, burden, excess
from cvxtoken.allocation.prices.loops import add_excess
from cvxtoken.allocation.proof.goals import Goal
from cvxtoken.allocation.proof.loops import add_types
from cvxtoken.allocation.proof.totals import SUM_ERROR, UNDERFLOW, Part, Total
from cvxtoken.allocation.targets import LIMITS, MEMORY
from cvxtoken.arrays import FloatArray
from cvxtoken.delay import Law
from cvxtoken.rigorous.balls import Ball
from cvxtoken.rigorous.pairs import U, fold, times

LEAST, MOST = 2.0**-64, 2.0**64  # of the numbers that are proven here
_OUT = 1 + 2.0**-36  # covers the rounding of sums of up to 2^16 parts, of what is not negative
_LEAST_GAP = 2.0**-160  # of |J|: a gap below is not told from 0 by who checks it in 80 digits
TIME, WAIT, LOAD, TOKENS = LIMITS


class Enclosed(NamedTuple):
    """What is proven, each of shape (B,).

    Attributes:
        objective: J at the tokens.
        gap: a double that J* - J is not above.
        met: whether the tokens are proven to be stable and to meet the targets.
        known: whether anything is proven.
    """

    objective: Ball
    gap: FloatArray
    met: NDArray[np.bool_]
    known: NDArray[np.bool_]

    @property
    def lower(self) -> FloatArray:
        """J at the tokens, rounded down; minus infinity where they are not proven to be allowed."""
        return np.where(self.met & self.known, self.objective.below, -np.inf)

    @property
    def upper(self) -> FloatArray:
        """What J* is not above."""
        J = self.objective
        return np.where(self.known, Ball(J.high, J.low, J.error + self.gap * (1 + 4 * U)).above, np.inf)


class _Prices(NamedTuple):
    """What all types share in their slopes, each of shape (B,).

    Attributes:
        theta: e lambda square / y.
        level, nu: whose difference is `price(sigma)` of `separate`.
        error: of all parts of a slope, relative.
    """

    theta: FloatArray
    level: FloatArray
    nu: FloatArray | float
    error: FloatArray


def enclose(w: Columns, tokens: FloatArray, goal: Goal, fast: bool) -> Enclosed:
    """Bounds of instances from any tokens; nothing is known of those outside the box, or where y may be 0.

    Args:
        w: the instances, arrays of shape (N, B); `idle_at_zero` and `law` are not read.
        tokens: shape (N, B).
        goal: the objective and the targets.
        fast: use compiled loops where there are some, which gives the same bits.
    """
    with np.errstate(all="ignore"):  # what overflows or is no number ends in an error that is not finite
        return Evaluation(w, tokens, goal, fast).enclosed


class Evaluation:
    """Instances at some tokens: what is summed over the types, and the slopes and excesses that follow.

    Attributes:
        enclosed: the bounds.
        slacks: what is left of every upper target, by its name, shape (B,) each.
    """

    def __init__(self, w: Columns, tokens: FloatArray, goal: Goal, fast: bool = False) -> None:
        self.w, self.tokens, self.goal = w, tokens, goal
        totals, good = _Totals(goal, w.server.runs_together), in_range(w, tokens, goal)
        self.fast = fast and goal.is_plain and not w.server.runs_together and w.deviation is None
        if self.fast:
            self.left = add_types(w, tokens, totals.service, totals.accuracy, totals.squares)
        else:
            lefts = [totals.add(Part(part_w, tokens[types]), goal.part(types)) for types, part_w in w.parts]
            self.left = np.concatenate(lefts) if len(lefts) > 1 else lefts[0]
        J, self.prices, self.slacks, missed, y = _shared(w, totals, goal)
        gap = fold(self._excesses()) * _OUT + np.abs(J.high) * _LEAST_GAP + UNDERFLOW
        for term in missed:
            gap = np.nextafter(gap + np.maximum(term.above, 0.0), np.inf)
        good &= (y.below > 0) & (np.abs(J.high) + (J.error + gap) < np.inf)
        self.enclosed = Enclosed(J, gap, np.asarray(totals.met & good), np.asarray(good))

    def _excesses(self) -> FloatArray:
        """Sums of pi e over the types of all parts, shape (n, B)."""
        sums = np.zeros((min(len(self.tokens), BLOCK), self.tokens.shape[1]))
        if self.fast:
            theta, level, _, error = self.prices
            prices = theta, level, error, self.goal.accuracy_weight
            if add_excess(self.w, self.tokens, self.left, prices, sums):
                return sums
            sums.fill(0.0)
        for w, l, slopes in self.parts():
            b = w.saturation_rate
            found = excess(*slopes, b * l, b * (w.max_tokens - l))
            found *= w.prior
            sums[: len(found)] += found
        return sums

    def parts(self) -> Iterator[tuple[Columns, FloatArray, tuple[FloatArray, FloatArray, FloatArray]]]:
        """Some types at a time: their data, tokens, and G, sig and the error of sig, of shape (n, B)."""
        for types, w in self.w.parts:
            l = self.tokens[types]
            yield w, l, _slopes(w, l, self.left[types], self.prices, self.goal.part(types))


def in_range(w: Columns, tokens: FloatArray, goal: Goal) -> NDArray[np.bool_]:
    """Which instances have numbers that cannot overflow here, and tokens inside their box."""
    good = (tokens.min(axis=0) >= 0) & (tokens <= w.max_tokens).all(axis=0)
    for name, values in w.arrays.items():
        least = 0.0 if name in (*MAY_BE_ZERO, "prior") else LEAST  # a share of 0 fills a row
        good &= (values.min(axis=0) >= least) & (values.max(axis=0) <= MOST)
    for values in (np.asarray(w.arrival_rate), goal.accuracy_weight):
        good &= (values >= LEAST) & (values <= MOST)
    for values in (*goal.prices.values(), *(chi for *_, chi in goal.rows)):
        good &= (values >= 0) & (values <= MOST)
    if goal.zeta is not None:
        good &= (goal.zeta.min(axis=0) >= 0) & (goal.zeta.max(axis=0) <= MOST)
    return np.asarray(good)


class _Totals:
    """All sums that a goal asks for, and where every least accuracy is met."""

    def __init__(self, goal: Goal, together: bool) -> None:
        self.goal, self.together = goal, together
        self.service, self.overhead, self.squares, self.accuracy, self.tokens, self.held, self.floors = (
            Total() for _ in range(7)
        )
        self.floored = Total()
        self.rows = [(Total(), Total()) for _ in goal.rows]
        self.met: NDArray[np.bool_] = np.array(True)

    def add(self, part: Part, goal: Goal) -> FloatArray:
        """Some more types; e^-x of each, shape (n, B)."""
        self.service.add(part.mean(part.t))
        self.accuracy.add(part.mean(part.accuracy))
        if self.together:
            self.overhead.add(part.mean((part.w.overhead, 0.0)))
        else:
            self.squares.add(part.mean(part.squares()))
        if TOKENS in goal.limits:
            self.tokens.add(part.mean((part.l, 0.0)))
        if goal.prompt_tokens is not None:
            self.held.add(part.mean(part.held(goal.prompt_tokens)))
        for (risen, fallen), (a, _, _) in zip(self.rows, goal.rows, strict=True):
            risen.add(times(np.maximum(a, 0.0), (part.l, 0.0)))
            fallen.add(times(np.maximum(-a, 0.0), (part.l, 0.0)))
        if goal.floors is not None and goal.zeta is not None:
            self.floored.add(times(goal.zeta, part.accuracy))
            self.floors.add(times(goal.zeta, (goal.floors, 0.0)))
            high, low = part.accuracy
            spare = (high - goal.floors) + (low - SUM_ERROR * high)
            reached = (spare * (1 - 4 * U) > 0) | (goal.floors <= part.w.base_accuracy)
            self.met = np.asarray(self.met & reached.all(axis=0))
        return part.left


def _shared(
    w: Columns, totals: _Totals, goal: Goal
) -> tuple[Ball, _Prices, dict[str, Ball], list[Ball], Ball]:
    """J, the prices, slacks, multiplier times slack of all targets, and y; it tells `totals` what is met."""
    lam, service, prices = Ball.exact(w.arrival_rate), totals.service.ball(), goal.prices
    T0, S2 = totals.overhead.ball(), totals.squares.ball()
    law = w.server.law(lam, T0, float)
    load = (
        lam * (law.overhead_share * T0 + law.token_share * (service - T0))
        if totals.together
        else lam * service
    )
    y: Ball = 1.0 - load
    queue = lam * (law.square * S2 + law.constant) / y.scaled(2.0)
    shared = law.offset + queue
    system, wait = shared + law.direct * service, shared + (law.direct - 1.0) * service
    J = Ball.exact(goal.accuracy_weight) * totals.accuracy.ball(SUM_ERROR) - goal.delay_weight * system
    values = {TIME: system, WAIT: wait, LOAD: load}
    slacks = {name: goal.limits[name] - value for name, value in values.items() if name in goal.limits}
    if TOKENS in goal.limits:
        slacks[TOKENS] = goal.limits[TOKENS] - totals.tokens.ball()
    if MEMORY in goal.limits:  # y E[KV] <= y M where queries run together
        room = goal.limits[MEMORY] * (y if totals.together else Ball.exact(1.0))
        slacks[MEMORY] = room - lam * totals.held.ball()
    priced = [(slack, prices[name]) for name, slack in slacks.items()]
    for (risen, fallen), (_, limit, chi) in zip(totals.rows, goal.rows, strict=True):
        priced.append((limit - (risen.ball() - fallen.ball()), chi))
    for slack, _ in priced:
        totals.met = np.asarray(totals.met & (slack.below >= 0))
    missed = [slack * price for slack, price in priced]
    if goal.floors is not None:
        missed.append(totals.floored.ball(SUM_ERROR) - totals.floors.ball())
    return J, _prices(w, goal, law, queue, y), slacks, missed, y


def _prices(w: Columns, goal: Goal, law: Law, queue: Ball, y: Ball) -> _Prices:
    """The prices in doubles: their errors are known beforehand, but for what y has lost."""
    mu, nu, eta = (goal.prices.get(name, 0.0) for name in (TIME, WAIT, LOAD))
    e = goal.delay_weight + mu + nu
    theta = e * w.arrival_rate / y.high
    direct = law.direct.high if isinstance(law.direct, Ball) else law.direct
    sigma = law.token_share
    level = e * direct + sigma * (theta * queue.high + w.arrival_rate * eta)
    return _Prices(theta * law.square, level, nu, SIG_ERROR + 3 * y.relative)


def _slopes(
    w: Columns, l: FloatArray, left: FloatArray, prices: _Prices, goal: Goal
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """G, sig and the error of sig, of some of the types, shape (n, B)."""
    theta, level, nu, error = prices
    c, b = w.time_per_token, w.saturation_rate
    size = burden(l, c, w.overhead, theta, level)
    if w.deviation is not None and w.deviation_per_token is not None:
        size += theta * (w.deviation + w.deviation_per_token * l) * w.deviation_per_token
    if TOKENS in goal.prices:
        size += goal.prices[TOKENS]
    if MEMORY in goal.prices and goal.prompt_tokens is not None:
        sigma = w.server.token_share if w.server.runs_together else 0.0
        rise = l + goal.prompt_tokens + sigma * goal.limits[MEMORY]
        size += goal.prices[MEMORY] * w.arrival_rate * c * rise
    sig = size if WAIT not in goal.prices else size - nu * c
    for a, _, chi in goal.rows:
        tilt = chi * a / w.prior
        size, sig = size + np.abs(tilt), sig + tilt
    sig = sig / b
    lost = size / b * (error + 2 * U * len(goal.rows))
    gain = goal.accuracy_weight * w.accuracy_gain
    if goal.zeta is not None:
        gain += goal.zeta / w.prior * w.accuracy_gain
    return gain * left, sig, lost
