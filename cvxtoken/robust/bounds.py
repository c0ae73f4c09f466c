"""The primal and the dual value of an allocation over several draws, rigorously (derived here).

Each draw has the dual bound of `cvxtoken.allocation.proof.separate`, at prices of its own. The mean over the
D draws is a sum over the types of

    g_k(l) = (1 / D) sum over draws of pi_k [gain_k exp(-b_k l) + slope_k l],

to be minimised over 0 <= l <= l_max: convex in one unknown, without a closed form for more than one draw.
Any point p serves for a bound. Where the slope at p is not negative and p = 0, or not positive and p = l_max,
the minimum is g(p). Otherwise let q be a point beyond p where g' is positive (which is checked), or l_max:
the minimum is not beyond q, and up to there g'' >= m = g''(q), as g'' falls. So

    min g >= g(p) - g'(p)^2 / (2 m),

which near the optimum is of second order in its error, as for one draw.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from cvxtoken.allocation.proof.separate import Enclosure
from cvxtoken.precision import GUARD, SQUARED
from cvxtoken.rigorous import Interval, Rounding
from cvxtoken.robust.problem import Ensemble

_STEPS = 60  # doublings of the distance to q


class EnsembleBounds:
    """The mean J at one allocation from below, and the best mean J from above, as decimals.

    Attributes:
        lower, upper: in s; a checker of as many digits has room to round.
        ends: q of every type, or p where none is needed.

    Raises:
        UnstableError: an idle share is not surely positive.
    """

    def __init__(self, ensemble: Ensemble, tokens: Iterable[float | Decimal]) -> None:
        self.rounding = Rounding(SQUARED)
        exact, tokens = self.rounding.exact, list(tokens)
        self.zero = exact(0)
        self.l = [exact(l) for l in tokens]
        self.l_max = [exact(l) for l in ensemble.max_tokens.tolist()]
        primal, bound, size = self.zero, self.zero, self.zero
        of_draws = []
        for draw in ensemble.draws:
            model = Enclosure(draw, self.rounding)
            at = model.attained(tokens)
            separated = model.separate(at)
            primal, bound = primal + at.F, bound + separated.constant
            size += separated.size + separated.coupling
            of_draws.append(separated.curves)
        self.curves = list(zip(*of_draws, strict=True))
        self.ends = []
        for k in range(len(self.l)):
            value, fall, end = self._least(k)
            bound, size = bound + (value - fall), size + (value + fall)
            self.ends.append(end)
        count, (down, up) = exact(len(ensemble)), (self.rounding.down, self.rounding.up)
        room = (size / count).high.scaleb(GUARD - SQUARED)
        self.lower = down.minus(up.add((primal / count).high, room))
        self.upper = up.minus(down.subtract((bound / count).low, room))

    def _slope(self, k: int, l: Interval) -> Interval:
        """D g_k'(l)."""
        return self._sum(curve.pi * curve.rise(l) for curve in self.curves[k])

    def _sum(self, values: Iterable[Interval]) -> Interval:
        total = self.zero
        for value in values:
            total += value
        return total

    def _least(self, k: int) -> tuple[Interval, Interval, Decimal]:
        """D g_k(p), what the least value of D g_k may be below it, and the q that this rests on."""
        l, top, curves = self.l[k], self.l_max[k], self.curves[k]
        value, slope = self._sum(curve.pi * curve.value(l) for curve in curves), self._slope(k, l)
        if (l.low == 0 and slope.low >= 0) or (l.low == top.low and slope.high <= 0):
            return value, self.zero, l.low
        end = self._rising(k)
        curvature = self._sum(curve.pi * curve.b * curve.b * curve.decay(end) for curve in curves)
        size = self.rounding.exact(max(slope.low.copy_abs(), slope.high.copy_abs()))
        return value, size * size / (curvature + curvature), end.low

    def _rising(self, k: int) -> Interval:
        """A point q beyond p with a slope that is surely positive, or l_max where that is met first."""
        p, top = self.l[k].low, self.l_max[k].low
        step = max(p, Decimal(1)).scaleb(-12)
        up = self.rounding.up
        for _ in range(_STEPS):
            q = up.add(p, step)
            if q >= top:
                break
            if self._slope(k, self.rounding.exact(q)).low > 0:
                return self.rounding.exact(q)
            step = step + step
        return self.l_max[k]
