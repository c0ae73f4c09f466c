"""The primal and the dual value of an allocation with lagged curves, rigorously (derived here).

The dual bound is that of `cvxtoken.allocation.proof.bounds`: with z = t / y, v = s / y,
Z = sum pi (z^2 + v^2), P = 1 + lambda^2 Z / 2, kappa_k = P + lambda z_k,
r_k = kappa_k c_k + lambda v_k s1_k,

    F(l) >= -alpha sum pi (A + D) - lambda Z / 2 + sum pi_k (kappa_k t0_k + lambda v_k s0_k + m_k),

m_k being the least of alpha A e^(-b (l - l0)_+) + r l over what type k may do. As r > 0, that is

    off:  alpha A, at l = 0;
    on:   r l0 + min over 0 <= d <= l_max - l0 of alpha A e^(-b d) + r d,

and the smaller of the two where it is free. A function and its convex envelope have the same least value
under any linear cost, so that this is also the bound of the envelope's program: no tangent point is needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from cvxtoken.allocation.fields import PER_TYPE
from cvxtoken.errors import UnstableError
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
        w, rounding = problem.workload, Rounding(SQUARED)
        down, up, exact = rounding.down, rounding.up, rounding.exact
        self.zero, one, half = exact(0), exact(1), exact(0.5)
        self.one, self.choices = one, choices
        self.pi, self.A, self.b, D, t0, c, s0, s1 = (
            [exact(value) for value in getattr(w, field).tolist()] for field in PER_TYPE
        )
        self.lag = [exact(value) for value in problem.lag.tolist()]
        self.l_max = [exact(value) for value in w.max_tokens.tolist()]
        lam, self.alpha = exact(w.arrival_rate), exact(w.accuracy_weight)
        l = [exact(value) for value in tokens]
        types = range(len(l))
        t, s = ([x[k] + slope[k] * l[k] for k in types] for x, slope in ((t0, c), (s0, s1)))
        y = one - lam * self.mean(t)
        if y.low <= 0:
            raise UnstableError("tokens give a utilisation of 1 or more")
        best = self.alpha * self.mean(A + d for A, d in zip(self.A, D, strict=True))
        loss = self.mean(self.decay(k, self.over(l[k], self.lag[k])) for k in types)
        s2 = self.mean(t[k] * t[k] + s[k] * s[k] for k in types)
        F = loss - best + self.mean(t) + lam * s2 * half / y
        z, v = ([exact((x / y).low) for x in times] for times in (t, s))  # rounded once: any number is valid
        Z = self.mean(z[k] * z[k] + v[k] * v[k] for k in types)
        P = one + lam * lam * Z * half
        kappa = [P + lam * z_k for z_k in z]
        r = [kappa[k] * c[k] + lam * v[k] * s1[k] for k in types]
        cost = self.mean(kappa[k] * t0[k] + lam * v[k] * s0[k] + self.least(k, r[k]) for k in types)
        bound = cost - best - lam * Z * half
        largest = cost + best + self.mean(t) + lam * Z * half  # of the terms in either bound
        room = (largest / y).high.scaleb(GUARD - SQUARED)  # near rho = 1 y cancels, and z is less exact
        self.lower = down.minus(up.add(F.high, room))
        self.upper = up.minus(down.subtract(bound.low, room))

    def mean(self, values: Iterable[Interval]) -> Interval:
        """The sum of pi_k value_k."""
        total = self.zero
        for pi, value in zip(self.pi, values, strict=True):
            total += pi * value
        return total

    def over(self, l: Interval, lag: Interval) -> Interval:
        """(l - l0)_+."""
        d, zero = l - lag, Decimal(0)
        return Interval(max(d.low, zero), max(d.high, zero), d.rounding)

    def decay(self, k: int, d: Interval) -> Interval:
        """Alpha A e^(-b d) of type k."""
        return self.alpha * self.A[k] * (-(self.b[k] * d)).exp()

    def least(self, k: int, slope: Interval) -> Interval:
        """m_k, with slope = r_k."""
        if self.lag[k].high == 0:
            return self.least_on(k, slope)
        off = self.alpha * self.A[k]
        if self.choices[k] == Choice.OFF or self.lag[k].low >= self.l_max[k].high:
            return off
        on = slope * self.lag[k] + self.least_on(k, slope)
        if self.choices[k] == Choice.ON:
            return on
        return Interval(min(off.low, on.low), min(off.high, on.high), on.rounding)

    def least_on(self, k: int, slope: Interval) -> Interval:
        """At d = 0, or at d = l_max - l0, or else over all real d (never above)."""
        gain, room = self.alpha * self.A[k] * self.b[k], self.over(self.l_max[k], self.lag[k])
        if slope.low >= gain.high:
            return self.alpha * self.A[k]
        log = (gain / slope).ln()
        if (self.b[k] * room).high <= log.low:
            return self.decay(k, room) + slope * room
        return slope / self.b[k] * (self.one + log)
