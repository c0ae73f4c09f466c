"""The primal and the dual value of an allocation with lagged curves, rigorously (derived here).

The dual bound is that of `cvxtoken.allocation.bounds`; only the least value m_k of a type changes. With
kappa > 0 a lagged type loses alpha A while it is off, and the least at l = 0 is

    off:  alpha A;      on:  kappa c l0 + min over 0 <= d <= l_max - l0 of alpha A e^(-b d) + kappa c d;

free, it is the smaller of the two. A function and its convex envelope have the same least value under any
linear cost, so that this is also the bound of the envelope's program: no tangent point is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from cvxtoken.allocation.bounds import Bounds
from cvxtoken.lagged.envelope import Choice, Choices
from cvxtoken.lagged.problem import LaggedWorkload
from cvxtoken.rigorous import Interval, Rounding

DIGITS = 50  # about the square of float64's, and some to spare


class LaggedBounds(Bounds):
    """J at an allocation from below, and the best J over all allocations that obey some choices from above.

    Raises:
        UnstableError: the idle share is not surely positive.
    """

    def __init__(self, problem: LaggedWorkload, tokens: Sequence[float], choices: Choices) -> None:
        rounding = Rounding(DIGITS)
        self.lag = [rounding.exact(value) for value in problem.lag.tolist()]
        self.choices = choices
        super().__init__(problem.workload, [Decimal(l) for l in tokens], rounding)

    def decay(self, k: int, l: Interval) -> Interval:
        """A e^(-b (l - l0)_+) of type k."""
        over = l - self.lag[k]
        zero = Decimal(0)
        return super().decay(k, Interval(max(over.low, zero), max(over.high, zero), self.rounding))

    def least(self, k: int, kappa: Interval) -> Interval:
        """m_k over what type k may do."""
        if self.lag[k].high == 0:
            return super().least(k, kappa)
        off = self.alpha * self.A[k]
        room = self.l_max[k] - self.lag[k]
        if self.choices[k] == Choice.OFF or room.low <= 0:
            return off
        lag, l_max = self.lag[k], self.l_max[k]
        try:  # what is left to think, as a type of its own without a lag
            self.lag[k], self.l_max[k] = self.zero, room
            on = kappa * self.c[k] * lag + super().least(k, kappa)
        finally:
            self.lag[k], self.l_max[k] = lag, l_max
        if self.choices[k] == Choice.ON:
            return on
        return Interval(min(off.low, on.low), min(off.high, on.high), self.rounding)
