"""J of one workload of very many types, at tokens that are doubles, to any number of digits (derived here).

All that J adds up over the types are products of doubles, hence whole numbers times a power of two, which are
added exactly; but for sum pi A e^-x, where each e^-x has an error of 16 units of 2^-bits. What follows from
the sums is evaluated in intervals, as in `separate`. The gap is that of `enclose`, which knows it in doubles.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np

from cvxtoken.allocation.prices.columns import Columns
from cvxtoken.allocation.proof.goals import Goal
from cvxtoken.allocation.targets import LIMITS
from cvxtoken.arrays import FloatArray
from cvxtoken.precision import GUARD, GUARD_FAR
from cvxtoken.rigorous import Rounding
from cvxtoken.rigorous.dyadic import DECAY_UNITS, Dyadic

_SPARE_BITS = 16  # of e^-x, beyond the digits
TIME, WAIT, LOAD, _ = LIMITS


class ExactPoint:
    """A workload at tokens of a positive idle share.

    Attributes:
        J: the objective, as an interval.
        room: what published bounds leave a checker, who rounds in another order.
    """

    def __init__(self, w: Columns, tokens: FloatArray, goal: Goal, rounding: Rounding) -> None:
        self.w, self.tokens, self.goal, exact = w, tokens, goal, rounding.exact
        sums = _Sums(w, tokens, rounding.digits * 10 // 3 + _SPARE_BITS)
        T0, service, squares, thinking, best = map(
            rounding.holding, (sums.T0, sums.service, sums.squares, sums.service - sums.T0, sums.best)
        )
        lam = exact(float(w.arrival_rate))
        law = w.server.law(lam, T0, exact)
        y = exact(1) - lam * (law.overhead_share * T0 + law.token_share * thinking)
        queue = lam * (law.square * squares + law.constant) / (y + y)
        system = law.offset + queue + law.direct * service
        alpha = exact(float(goal.accuracy_weight[0]))
        lost = rounding.holding(sums.lost, sums.error)
        self.J = alpha * (best - lost) - exact(goal.delay_weight) * system
        parts = (law.offset, law.direct, law.constant, service, queue, y)
        terms = self._delays(*(float(part.high) for part in parts)) + 2 * float((alpha * best).high)
        self.room = Decimal(terms + self._charges()).scaleb(GUARD - rounding.digits)

    def _delays(
        self, offset: float, direct: float, constant: float, service: float, queue: float, y: float
    ) -> float:
        """Size of the bound's terms of delays, about; also those that count only far from the optimum."""
        lam, prices = float(self.w.arrival_rate), self.goal.prices
        mu, nu, eta = (float(prices[name][0]) if name in prices else 0.0 for name in (TIME, WAIT, LOAD))
        e = self.goal.delay_weight + mu + nu
        coupling = e * queue / y
        second = e * direct + nu + lam * (coupling + eta)
        far = coupling / y * 10.0 ** (GUARD_FAR - GUARD)
        return e * (abs(offset) + lam * constant / y + 4 * queue) + second * service + coupling + far

    def _charges(self) -> float:
        """How large the terms of the targets are, about."""
        goal = self.goal
        total = sum(float(goal.prices[name][0]) * limit for name, limit in goal.limits.items())
        for a, limit, chi in goal.rows:
            total += float(chi[0]) * (abs(limit) + float(np.abs(a[:, 0]) @ self.tokens))
        return total if goal.zeta is None else total + 2 * float(goal.zeta.sum())


class _Sums:
    """Sums over the types, exact but for `lost`.

    Attributes:
        T0, service, squares: sum pi t0, sum pi t and sum pi (t^2 + s^2).
        best: sum pi (A + D).
        lost: sum pi A e^(-b l), to `error`.
    """

    def __init__(self, w: Columns, tokens: FloatArray, bits: int) -> None:
        self.T0 = self.service = self.squares = self.best = self.lost = self.error = Fraction(0)
        for types, part in w.parts:
            self._add(part, tokens[types], bits)

    def _add(self, w: Columns, tokens: FloatArray, bits: int) -> None:
        pi, A, t0, l = map(Dyadic.of, (w.prior, w.accuracy_gain, w.overhead, tokens))
        t = t0 + Dyadic.of(w.time_per_token) * l
        squares = t * t
        if w.deviation is not None and w.deviation_per_token is not None:
            s = Dyadic.of(w.deviation) + Dyadic.of(w.deviation_per_token) * l
            squares += s * s
        self.T0 += (pi * t0).total()
        self.service += (pi * t).total()
        self.squares += (pi * squares).total()
        gains = pi * A
        gain = gains.total()
        self.best += gain + (pi * Dyadic.of(w.base_accuracy)).total()
        self.lost += (gains * (Dyadic.of(w.saturation_rate) * l).decay(bits)).total()
        self.error += gain * DECAY_UNITS / 2**bits
