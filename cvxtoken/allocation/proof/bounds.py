"""The primal and the dual value of an allocation, rigorously, and how near it is to the optimal one.

What is evaluated, and why it bounds the optimum, stands in `separate`.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_CEILING, Context, Decimal

from cvxtoken.allocation.problem import Workload
from cvxtoken.allocation.proof.separate import NO_MULTIPLIERS, NO_TARGETS, Enclosure, magnitude
from cvxtoken.allocation.targets import Multipliers, Targets
from cvxtoken.errors import ProblemError
from cvxtoken.precision import GUARD, GUARD_FAR
from cvxtoken.rigorous import Interval, Rounding

_NEAR = Decimal("1e-4")  # relative gap, within which the bound is flat in z and v


class Bounds:
    """The primal and the dual value at one allocation and one working precision, as intervals.

    Raises:
        UnstableError: the idle share is not surely positive.
        ProblemError: a target is not surely met.
    """

    def __init__(
        self,
        workload: Workload,
        allocation: Sequence[Decimal],
        rounding: Rounding,
        targets: Targets = NO_TARGETS,
        multipliers: Multipliers = NO_MULTIPLIERS,
    ) -> None:
        self.workload, self.targets = workload, targets
        self.allocation = allocation
        self.rounding = rounding
        self.model = model = Enclosure(workload, rounding, targets, multipliers)
        self.types, self.l_max = model.types, model.l_max
        self.at = model.attained(allocation)
        self.F = self.at.F
        self.require_targets()
        bound = model.separate(self.at)
        self.curves = bound.curves
        self.m = [curve.least(top) for curve, top in zip(self.curves, self.l_max, strict=True)]
        self.F_bound = bound.constant + model.mean(self.m)
        # published bounds leave a checker room to round; far from the optimum its z and v, which differ by
        # what y has lost of its digits, count too
        down, up = rounding.down, rounding.up
        size = (bound.size + model.mean(self.m)).high
        near = up.subtract(self.F.high, self.F_bound.low) <= _NEAR * up.add(1, up.abs(self.F.high))
        negative = model.mean(magnitude(m) - m for m in self.m)  # 0 but where a least value is negative
        far = negative + bound.coupling / self.at.y + model.w * self.at.reached["max_mean_system_time"]
        largest = size if near else max(size, far.high.scaleb(GUARD_FAR - GUARD))
        self.room = largest.scaleb(GUARD - rounding.digits)
        self.lower = down.minus(up.add(self.F.high, self.room))
        self.upper = up.minus(down.subtract(self.F_bound.low, self.room))
        self.gap = up.subtract(self.upper, self.lower)

    def require_targets(self) -> None:
        """Raise ProblemError where the allocation does not surely meet a target."""
        model = self.model
        for name, limit in model.limits.items():
            value = self.at.reached[name].high
            if value > limit.low:
                raise ProblemError(f"tokens give {name} {float(value)}; the target is {float(limit.low)}")
        for k, q in enumerate(model.floors):
            if q.low > model.D[k].low:
                p = model.A[k] + model.D[k] - self.at.decay[k]
                if p.low < q.low:
                    raise ProblemError(
                        f"tokens of {self.workload.names[k]!r} give an accuracy of {float(p.low)}; "
                        f"the target is {float(q.low)}"
                    )
        for *a, limit in model.rows:
            total = model.zero
            for a_k, l_k in zip(a, self.allocation, strict=True):
                total += a_k * self.rounding.exact(l_k)
            if total.high > limit.low:
                raise ProblemError(
                    f"tokens give {float(total.high)} in a linear target; its limit is {float(limit.low)}"
                )

    def excess(self, k: int, l: Decimal) -> Interval:
        """pi_k (psi_k(l) - m_k) with psi_k(l) = gain e^(-b l) + slope l, convex in l."""
        curve = self.curves[k]
        return curve.pi * (curve.value(self.rounding.exact(l)) - self.m[k])

    def radius(self, k: int) -> Decimal:
        """A distance from the allocation that type k's optimum surely does not exceed.

        F(l) - F_bound >= sum pi_k (psi_k - m_k), each term not negative, so pi_k (psi_k - m_k) <= gap at l*:
        where it is larger, and beyond on that side, l*_k cannot lie. The first guess is from the curvature
        and the slope; it grows, ever faster, until it is proven.
        """
        l, l_max = self.allocation[k], self.l_max[k].high
        coarse = Context(3, ROUND_CEILING)
        curve, point = self.curves[k], self.rounding.exact(l)
        need = coarse.divide(self.gap, curve.pi.low)
        slope = coarse.abs(curve.rise(point).low)
        curvature = coarse.multiply((curve.decay(point) * curve.b).high, curve.b.high)
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

    def require_optimum(self, radii: Sequence[Decimal]) -> None:
        """Raise ProblemError where the largest J over y >= 0 may lie at y = 0, which is no allocation.

        Where nothing keeps the server idle, the bound holds at y = 0 too, so that the largest J over y >= 0
        is reached within the radii.
        """
        if self.targets.keeps_idle:
            return
        farthest = [
            min(self.rounding.up.add(l, radius), l_max.high)
            for l, radius, l_max in zip(self.allocation, radii, self.l_max, strict=True)
        ]
        y = self.model.idle(farthest)
        if y.low <= Decimal(1).scaleb(GUARD - self.rounding.digits):
            raise ProblemError(
                "objective 'accuracy' may have no optimum: as far as these tokens tell, more are better "
                "until the server has no idle share left; add max_mean_system_time, max_mean_wait or "
                "max_utilization"
            )

    @property
    def rounding_share(self) -> float:
        """The part of the proven gap that more digits would take away."""
        widths = (self.F.high - self.F.low) + (self.F_bound.high - self.F_bound.low)
        return float((widths + 2 * self.room) / self.gap)
