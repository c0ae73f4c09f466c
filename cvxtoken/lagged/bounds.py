"""The primal and the dual value of an allocation with lagged curves, rigorously (derived here).

The dual bound is that of `cvxtoken.allocation.proof.separate`, where a type of gain G, rate b, slope r >= 0
costs m_k, the least of G e^(-b (l - l0)_+) + r l over what it may do:

    off:  G, at l = 0;
    on:   r l0 + min over 0 <= d <= l_max - l0 of G e^(-b d) + r d,

and the smaller of the two where it is free. A function and its convex envelope have the same least value
under any linear cost, so that this is also the bound of the envelope's program: no tangent point is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from cvxtoken.allocation.proof.separate import Curve, Enclosure
from cvxtoken.lagged.envelope import Choice, Choices
from cvxtoken.lagged.problem import LaggedWorkload
from cvxtoken.precision import GUARD, SQUARED
from cvxtoken.rigorous import Interval, Rounding


class LaggedBounds:
    """J at an allocation from below, and the best J over all allocations that obey some choices from above.

    Attributes:
        lower, upper: in s, decimals rounded outward, with room for a checker to round.

    Raises:
        UnstableError: the idle share is not surely positive.
    """

    def __init__(self, problem: LaggedWorkload, tokens: Sequence[float], choices: Choices) -> None:
        rounding = Rounding(SQUARED)
        down, up, exact = rounding.down, rounding.up, rounding.exact
        model = Enclosure(problem.workload, rounding)
        self.lag, self.choices = [exact(value) for value in problem.lag.tolist()], choices
        over = [positive(exact(l) - lag) for l, lag in zip(tokens, self.lag, strict=True)]
        at = model.attained(tokens, over)
        bound = model.separate(at)
        curves = zip(bound.curves, model.l_max, strict=True)
        F_bound = bound.constant + model.mean(self.least(k, *curve) for k, curve in enumerate(curves))
        own = model.mean(self.lag_cost(k, curve) for k, curve in enumerate(bound.curves))
        largest = bound.size + bound.coupling + own
        room = (largest / at.y).high.scaleb(GUARD - SQUARED)  # near rho = 1 y cancels, and z is less exact
        self.lower = down.minus(up.add(at.F.high, room))
        self.upper = up.minus(down.subtract(F_bound.low, room))

    def lag_cost(self, k: int, curve: Curve) -> Interval:
        """A number that no term of m_k is above in size: G, and r l0 where that is smaller."""
        on = curve.slope * self.lag[k]
        return curve.gain + (on if on.high < curve.gain.high else curve.gain)

    def least(self, k: int, curve: Curve, top: Interval) -> Interval:
        """m_k."""
        lag, choice = self.lag[k], self.choices[k]
        if lag.high == 0:
            return curve.least(top)
        if choice == Choice.OFF or lag.low >= top.high:
            return curve.gain
        on = curve.slope * lag + curve.least(positive(top - lag))
        if choice == Choice.ON:
            return on
        return Interval(min(curve.gain.low, on.low), min(curve.gain.high, on.high), on.rounding)


def positive(x: Interval) -> Interval:
    """(x)_+ = max(x, 0)."""
    return Interval(max(x.low, Decimal(0)), max(x.high, Decimal(0)), x.rounding)
