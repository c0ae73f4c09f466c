"""The primal and the dual value of an allocation, rigorously (derived here).

Minimise F = -J. For all z_k >= 0 and y > 0, t^2 / y >= 2 z t - z^2 y. With Z = sum pi z^2,
P = 1 + lambda^2 Z / 2 and kappa_k = P + lambda z_k this gives, for every feasible l,

    F(l) >= -alpha sum pi (A + D) - lambda Z / 2 + sum pi_k (kappa_k t0_k + m_k),
    m_k = min over 0 <= l <= l_max of alpha A e^(-b l) + kappa c l.

At z_k = t_k / y the bound is exact at the optimum, and its error is of second order near it. Everything
is evaluated in intervals of decimals (`cvxtoken.rigorous`), on the exact values of the doubles.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_CEILING, Context, Decimal

from cvxtoken.allocation.problem import PER_TYPE, Workload
from cvxtoken.errors import UnstableError
from cvxtoken.rigorous import Interval, Rounding

GUARD_DIGITS = 8  # a checker may err by so many digits more than the working precision


class Bounds:
    """The primal and the dual value at one allocation and one working precision, as intervals.

    Raises:
        UnstableError: the idle share is not surely positive.
    """

    def __init__(self, workload: Workload, allocation: Sequence[Decimal], rounding: Rounding) -> None:
        self.workload = workload
        self.allocation = allocation
        self.rounding = rounding
        exact = rounding.exact
        self.zero, self.one, self.half = exact(0), exact(1), exact(0.5)
        self.pi, self.A, self.b, self.D, self.t0, self.c = (
            [exact(value) for value in getattr(workload, field).tolist()] for field in PER_TYPE
        )
        self.l_max = [exact(value) for value in workload.max_tokens.tolist()]
        self.lam, self.alpha = exact(workload.arrival_rate), exact(workload.accuracy_weight)
        self.types = range(len(workload))
        self.best = self.alpha * self.mean([A + D for A, D in zip(self.A, self.D, strict=True)])
        self.F = self.primal()
        self.kappa, self.m, self.F_bound = self.dual()
        down, up = rounding.down, rounding.up
        # published bounds leave a checker room to round
        self.room = self.largest.scaleb(GUARD_DIGITS - rounding.digits)
        self.lower = down.minus(up.add(self.F.high, self.room))
        self.upper = up.minus(down.subtract(self.F_bound.low, self.room))
        self.gap = up.subtract(self.upper, self.lower)

    def mean(self, values: Iterable[Interval]) -> Interval:
        """The sum of pi_k value_k."""
        total = self.zero
        for pi, value in zip(self.pi, values, strict=True):
            total += pi * value
        return total

    def primal(self) -> Interval:
        """F = -alpha sum pi (A + D) + sum pi (alpha A e^(-b l) + t) + lambda sum pi t^2 / (2 y)."""
        l = [self.rounding.exact(value) for value in self.allocation]
        self.t = [self.t0[k] + self.c[k] * l[k] for k in self.types]
        self.y = self.one - self.lam * self.mean(self.t)
        if self.y.low <= 0:
            raise UnstableError(f"tokens give a utilisation of {float(1 - self.y.high)}; it must be below 1")
        loss = self.mean([self.alpha * self.decay(k, l[k]) for k in self.types])
        s2 = self.mean([t * t for t in self.t])
        return loss - self.best + self.mean(self.t) + self.lam * s2 * self.half / self.y

    def decay(self, k: int, l: Interval) -> Interval:
        """A e^(-b l) of type k."""
        return self.A[k] * (-(self.b[k] * l)).exp()

    def dual(self) -> tuple[list[Interval], list[Interval], Interval]:
        """Kappa, m and the lower bound of F, with z_k = t_k / y rounded once (any number is valid)."""
        z = [self.rounding.exact((t / self.y).low) for t in self.t]
        Z = self.mean([z_k * z_k for z_k in z])
        P = self.one + self.lam * self.lam * Z * self.half
        kappa = [P + self.lam * z_k for z_k in z]
        m = [self.least(k, kappa[k]) for k in self.types]
        cost = self.mean([kappa[k] * self.t0[k] + m[k] for k in self.types])
        self.largest = (cost + self.best).high  # of the terms in either bound
        return kappa, m, cost - self.best - self.lam * Z * self.half

    def least(self, k: int, kappa: Interval) -> Interval:
        """m_k: alpha A at l = 0, or the value at l_max, or else the minimum over all real l (never above)."""
        slope = kappa * self.c[k]
        gain = self.alpha * self.A[k] * self.b[k]
        if slope.low >= gain.high:
            return self.alpha * self.A[k]
        log = (gain / slope).ln()
        if (self.b[k] * self.l_max[k]).high <= log.low:
            return self.alpha * self.decay(k, self.l_max[k]) + slope * self.l_max[k]
        return slope / self.b[k] * (self.one + log)

    def excess(self, k: int, l: Decimal) -> Interval:
        """psi_k(l) - pi_k m_k with psi_k(l) = pi_k (alpha A e^(-b l) + kappa c l), convex in l."""
        point = self.rounding.exact(l)
        value = self.alpha * self.decay(k, point) + self.kappa[k] * self.c[k] * point
        return self.pi[k] * (value - self.m[k])

    def radius(self, k: int) -> Decimal:
        """A distance from the allocation that type k's optimum surely does not exceed.

        F(l) - F_bound >= sum (psi_k - pi_k m_k), each term not negative, so psi_k - pi_k m_k <= gap at l*:
        where it is larger, and beyond on that side, l*_k cannot lie. The first guess is from the curvature
        and the slope; it grows, ever faster, until it is proven.
        """
        l, l_max = self.allocation[k], self.l_max[k].high
        coarse = Context(3, ROUND_CEILING)
        need = coarse.divide(self.gap, self.pi[k].low)
        falling = self.alpha * self.decay(k, self.rounding.exact(l)) * self.b[k]
        slope = coarse.abs((falling - self.kappa[k] * self.c[k]).high)
        curvature = coarse.multiply(falling.high, self.b[k].high)
        guess = l_max
        if curvature > 0:
            guess = min(guess, coarse.multiply(3, coarse.sqrt(coarse.divide(2 * need, curvature))))
        if slope > 0:
            guess = min(guess, coarse.divide(2 * need, slope))
        factor = Decimal(4)
        while True:
            radius = coarse.plus(min(guess, l_max))
            if radius >= l_max or self.encloses(k, radius):
                return radius
            guess = coarse.multiply(radius, factor)
            factor = coarse.multiply(factor, factor)

    def encloses(self, k: int, radius: Decimal) -> bool:
        """Whether |l*_k - l_k| <= radius is proven: tested at both ends that lie inside [0, l_max]."""
        l, l_max = self.allocation[k], self.l_max[k].high
        left = min(l, self.rounding.up.subtract(l, radius))
        right = max(l, self.rounding.down.add(l, radius))
        return (left <= 0 or self.excess(k, left).low > self.gap) and (
            right >= l_max or self.excess(k, right).low > self.gap
        )

    @property
    def rounding_share(self) -> float:
        """The part of the proven gap that more digits would take away."""
        widths = (self.F.high - self.F.low) + (self.F_bound.high - self.F_bound.low)
        return float((widths + 2 * self.room) / self.gap)
