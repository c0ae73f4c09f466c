"""The primal and the dual value of an allocation over several draws, rigorously (derived here).

Each draw r has the dual bound of `cvxtoken.allocation.proof.bounds` for prices z_rk = t_rk / y_r and
v_rk = s_rk / y_r of its own. Their mean is a sum over the types of

    g_k(l) = (1 / R) sum_r pi_rk [alpha_r A_rk exp(-b_rk l) + (kappa_rk c_rk + lambda_r v_rk s1_rk) l],

to be minimised over 0 <= l <= l_max: convex in one unknown, without a closed form for more than one draw.
Any point p serves for a bound. Where the slope at p is not negative and p = 0, or not positive and p = l_max,
the minimum is g(p). Otherwise let s be a point beyond p where g' is positive (which is checked), or l_max:
the minimum is not beyond s, and up to there g'' >= m = g''(s), as g'' falls. So

    min g >= g(p) - g'(p)^2 / (2 m),

which near the optimum is of second order in its error, as for one draw.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from cvxtoken.allocation.fields import PER_TYPE
from cvxtoken.errors import UnstableError
from cvxtoken.precision import GUARD, SQUARED
from cvxtoken.rigorous import Interval, Rounding
from cvxtoken.robust.problem import Ensemble

_STEPS = 60  # doublings of the distance to s


class EnsembleBounds:
    """The mean J at one allocation from below, and the best mean J from above, as decimals.

    Attributes:
        lower, upper: in s; a checker of as many digits has room to round.
        ends: s of every type, or p where none is needed.

    Raises:
        UnstableError: an idle share is not surely positive.
    """

    def __init__(self, ensemble: Ensemble, tokens: Iterable[float | Decimal]) -> None:
        self.rounding = Rounding(SQUARED)
        exact = self.rounding.exact
        self.zero = exact(0)
        self.l = [exact(l) for l in tokens]
        self.l_max = [exact(l) for l in ensemble.max_tokens.tolist()]
        self.terms: list[list[tuple[Interval, Interval, Interval]]] = [[] for _ in self.l]
        primal, constant = self.zero, self.zero
        for draw in ensemble.draws:
            columns = [[exact(v) for v in getattr(draw, field).tolist()] for field in PER_TYPE]
            F, fixed = self._draw(columns, exact(draw.arrival_rate), exact(draw.accuracy_weight))
            primal, constant = primal + F, constant + fixed
        least, self.ends = constant, []
        for k in range(len(self.l)):
            found, end = self._least(k)
            least = least + found
            self.ends.append(end)
        count, (down, up) = exact(len(ensemble)), (self.rounding.down, self.rounding.up)
        size = up.add(up.abs(primal.high), up.subtract(up.abs(constant.low), constant.low))
        room = up.divide(size, count.low).scaleb(GUARD - SQUARED)
        self.lower = down.minus(up.add((primal / count).high, room))
        self.upper = up.minus(down.subtract((least / count).low, room))

    def _draw(
        self, columns: list[list[Interval]], lam: Interval, alpha: Interval
    ) -> tuple[Interval, Interval]:
        """F of one draw, and the part of its bound that no token changes; notes its terms of every g_k."""
        exact = self.rounding.exact
        one, half = exact(1), exact(0.5)
        rows = list(zip(*columns, strict=True))  # pi, A, b, D, t0, c, s0, s1 of each type
        times = [t0 + c * l for (*_, t0, c, _, _), l in zip(rows, self.l, strict=True)]
        deviations = [s0 + s1 * l for (*_, s0, s1), l in zip(rows, self.l, strict=True)]
        pi = columns[0]
        y = one - lam * self._dot(pi, times)
        if y.low <= 0:
            raise UnstableError(f"tokens give a utilisation of {float(1 - y.high)} in a draw")
        z, v = ([exact((x / y).low) for x in values] for values in (times, deviations))
        Z = self._dot(pi, (z_k * z_k + v_k * v_k for z_k, v_k in zip(z, v, strict=True)))
        P = one + lam * lam * Z * half
        best = alpha * self._dot(pi, (A + D for _, A, _, D, *_ in rows))
        fixed = -best - lam * Z * half
        loss = self.zero
        for k, (pi_k, A, b, _, t0, c, s0, s1) in enumerate(rows):
            kappa, price = P + lam * z[k], lam * v[k]
            fixed = fixed + pi_k * (kappa * t0 + price * s0)
            self.terms[k].append((pi_k * alpha * A, b, pi_k * (kappa * c + price * s1)))
            loss = loss + pi_k * alpha * A * (-(b * self.l[k])).exp()
        squares = (t * t + s * s for t, s in zip(times, deviations, strict=True))
        wait = lam * self._dot(pi, squares) * half / y
        return loss - best + self._dot(pi, times) + wait, fixed

    def _dot(self, weights: Iterable[Interval], values: Iterable[Interval]) -> Interval:
        total = self.zero
        for weight, value in zip(weights, values, strict=True):
            total = total + weight * value
        return total

    def _decays(self, k: int, l: Interval) -> Iterator[tuple[Interval, Interval, Interval]]:
        """Gain times exp(-b l), b, and slope, of every draw."""
        for gain, b, slope in self.terms[k]:
            yield gain * (-(b * l)).exp(), b, slope

    def _slope(self, k: int, l: Interval) -> Interval:
        """R g_k'(l)."""
        total = self.zero
        for decay, b, slope in self._decays(k, l):
            total = total + slope - b * decay
        return total

    def _least(self, k: int) -> tuple[Interval, Decimal]:
        """A lower bound of R g_k over [0, l_max] (its low end is what counts), and the s that it rests on."""
        l, top = self.l[k], self.l_max[k]
        value, slope = self.zero, self.zero
        for decay, b, linear in self._decays(k, l):
            value = value + decay + linear * l
            slope = slope + linear - b * decay
        if (l.low == 0 and slope.low >= 0) or (l.low == top.low and slope.high <= 0):
            return value, l.low
        end = self._rising(k)
        curvature = self.zero
        for decay, b, _ in self._decays(k, end):
            curvature = curvature + b * b * decay
        size = max(slope.low.copy_abs(), slope.high.copy_abs())
        square = Interval(Decimal(0), self.rounding.up.multiply(size, size), self.rounding)
        return value - square / (curvature + curvature), end.low

    def _rising(self, k: int) -> Interval:
        """A point s beyond p with a slope that is surely positive, or l_max where that is met first."""
        p, top = self.l[k].low, self.l_max[k].low
        step = max(p, Decimal(1)).scaleb(-12)
        up = self.rounding.up
        for _ in range(_STEPS):
            s = up.add(p, step)
            if s >= top:
                break
            if self._slope(k, self.rounding.exact(s)).low > 0:
                return self.rounding.exact(s)
            step = step + step
        return self.l_max[k]
