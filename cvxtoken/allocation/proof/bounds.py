"""The primal and the dual value of an allocation, rigorously.

The bound of F = -J is derived in docs/certificates.md. With any z_k >= 0, v_k >= 0, Z = sum pi (z^2 + v^2),
and a multiplier for each target, mu (E[T] <= tau), nu (E[W] <= omega), eta (rho <= r), xi (sum pi l <= M),
zeta_k (p_k >= q_k), chi (rows sum a_k l_k <= limit), with w the weight of E[T] in J (1, or 0 where J is the
accuracy alone and alpha is 1) and e = w + mu + nu, every l that meets the targets has

    kappa_k = w + mu + eta lambda + e (lambda z_k + lambda^2 Z / 2),
    r_k = kappa_k c_k + e lambda v_k s1_k + xi + sum chi a_k / pi_k,   G_k = alpha A_k + zeta_k A_k / pi_k,
    m_k = min of G_k e^(-b l) + r_k l,
    F >= -alpha sum pi (A + D) - e lambda Z / 2 + sum pi (kappa t0 + e lambda v s0 + m)
         - mu tau - nu omega - eta r - xi M - sum chi limit + sum zeta (q - A - D).

At z_k = t_k / y, v_k = s_k / y and the shadow prices the bound is exact at the optimum. Near it its error is
of second order, but of first order in the slack of a target whose multiplier is positive. Everything is
evaluated in intervals of decimals (`cvxtoken.rigorous`), on the exact values of the doubles.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_CEILING, Context, Decimal

from cvxtoken.allocation.fields import PER_TYPE
from cvxtoken.allocation.problem import Workload
from cvxtoken.allocation.targets import LIMITS, Multipliers, Targets
from cvxtoken.errors import ProblemError, UnstableError
from cvxtoken.precision import GUARD, GUARD_FAR
from cvxtoken.rigorous import Interval, Rounding

NO_TARGETS, NO_MULTIPLIERS = Targets(), Multipliers()
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
        exact = rounding.exact
        self.zero, self.one, self.half = exact(0), exact(1), exact(0.5)
        self.pi, self.A, self.b, self.D, self.t0, self.c, self.s0, self.s1 = (
            [exact(value) for value in getattr(workload, field).tolist()] for field in PER_TYPE
        )
        self.l_max = [exact(value) for value in workload.max_tokens.tolist()]
        self.lam, self.alpha = exact(workload.arrival_rate), exact(targets.accuracy_weight(workload))
        self.w = exact(targets.delay_weight)
        self.mu, self.nu, self.eta, self.xi = (exact(multipliers.of(name)) for name in LIMITS)
        self.zeta = [exact(multipliers.min_accuracy.get(name, Decimal(0))) for name in workload.names]
        self.floors = [exact(q) for q in targets.floors(workload).tolist()]
        self.rows = [[exact(x) for x in row] for row in targets.linear]
        self.chi = [exact(x) for x in multipliers.linear or (Decimal(0),) * len(self.rows)]
        self.limits = {name: exact(limit) for name, limit in targets.limits.items()}
        self.types = range(len(workload))
        self.best = self.alpha * self.mean([A + D for A, D in zip(self.A, self.D, strict=True)])
        self.F = self.primal()
        self.require_targets()
        self.gain, self.slope, self.m, self.F_bound = self.dual()
        down, up = rounding.down, rounding.up
        # published bounds leave a checker room to round; far from the optimum its z and v, which differ by
        # what y has lost of its digits, count too
        near = up.subtract(self.F.high, self.F_bound.low) <= _NEAR * up.add(1, up.abs(self.F.high))
        largest = self.largest if near else max(self.largest, self.far.scaleb(GUARD_FAR - GUARD))
        self.room = largest.scaleb(GUARD - rounding.digits)
        self.lower = down.minus(up.add(self.F.high, self.room))
        self.upper = up.minus(down.subtract(self.F_bound.low, self.room))
        self.gap = up.subtract(self.upper, self.lower)

    def mean(self, values: Iterable[Interval]) -> Interval:
        """The sum of pi_k value_k."""
        total = self.zero
        for pi, value in zip(self.pi, values, strict=True):
            total += pi * value
        return total

    def mean_square(self, means: list[Interval], deviations: list[Interval]) -> Interval:
        """The sum of pi_k (mean_k^2 + deviation_k^2); no deviations are zeros."""
        total = self.mean([x * x for x in means])
        return total + self.mean([x * x for x in deviations]) if deviations else total

    def primal(self) -> Interval:
        """F = -alpha sum pi (A + D) + sum pi (alpha A e^(-b l) + t) + lambda E[S^2] / (2 y)."""
        l = [self.rounding.exact(value) for value in self.allocation]
        self.t = [self.t0[k] + self.c[k] * l[k] for k in self.types]
        self.s = [self.s0[k] + self.s1[k] * l[k] for k in self.types] if self.workload.is_random else []
        self.y = self.one - self.lam * self.mean(self.t)
        if self.y.low <= 0:
            raise UnstableError(f"tokens give a utilisation of {float(1 - self.y.high)}; it must be below 1")
        loss = self.mean([self.alpha * self.decay(k, l[k]) for k in self.types])
        s2 = self.mean_square(self.t, self.s)
        service, wait = self.mean(self.t), self.lam * s2 * self.half / self.y
        tokens = self.mean(l)
        self.reached = dict(zip(LIMITS, (service + wait, wait, self.lam * service, tokens), strict=True))
        return loss - self.best + self.w * service + self.w * wait

    def require_targets(self) -> None:
        """Raise ProblemError where the allocation does not surely meet a target."""
        for name, limit in self.limits.items():
            if self.reached[name].high > limit.low:
                raise ProblemError(
                    f"tokens give {name} {float(self.reached[name].high)}; the target is {float(limit.low)}"
                )
        for k, q in enumerate(self.floors):
            if q.low > self.D[k].low:
                point = self.rounding.exact(self.allocation[k])
                p = self.A[k] + self.D[k] - self.decay(k, point)
                if p.low < q.low:
                    raise ProblemError(
                        f"tokens of {self.workload.names[k]!r} give an accuracy of {float(p.low)}; "
                        f"the target is {float(q.low)}"
                    )
        for *a, limit in self.rows:
            total = self.zero
            for a_k, l_k in zip(a, self.allocation, strict=True):
                total += a_k * self.rounding.exact(l_k)
            if total.high > limit.low:
                raise ProblemError(
                    f"tokens give {float(total.high)} in a linear target; its limit is {float(limit.low)}"
                )

    def decay(self, k: int, l: Interval) -> Interval:
        """A e^(-b l) of type k."""
        return self.A[k] * self.exponential(k, l)

    def dual(self) -> tuple[list[Interval], list[Interval], list[Interval], Interval]:
        """G, r, m and the lower bound of F; z = t / y and v = s / y are rounded once (any will do)."""
        z, v = ([self.rounding.exact((x / self.y).low) for x in times] for times in (self.t, self.s))
        Z = self.mean_square(z, v)
        e = self.w + self.mu + self.nu
        P = self.w + self.mu + self.eta * self.lam + e * self.lam * self.lam * Z * self.half
        kappa = [P + e * self.lam * z_k for z_k in z]
        slope = [kappa[k] * self.c[k] + self.xi + self.tilt(k) for k in self.types]
        if v:
            slope = [slope[k] + e * self.lam * v[k] * self.s1[k] for k in self.types]
        gain = [self.A[k] * (self.alpha + self.zeta[k] / self.pi[k]) for k in self.types]
        m = [self.least(k, gain[k], slope[k]) for k in self.types]
        cost = self.mean([kappa[k] * self.t0[k] + m[k] for k in self.types])
        if v:
            cost += e * self.lam * self.mean([v[k] * self.s0[k] for k in self.types])
        limited, size = self.limited()
        coupling, total = e * self.lam * Z * self.half, self.w * self.reached["max_mean_system_time"]
        least = self.mean([self.size(m_k) - m_k for m_k in m])  # 0 but where one is negative
        self.largest = (cost + self.best + size).high  # of the terms in either bound
        self.far = (least + coupling / self.y + total).high  # of those that count far from the optimum
        return gain, slope, m, cost - self.best - coupling - limited

    def tilt(self, k: int) -> Interval:
        """Sum of chi a_k / pi_k over the rows."""
        total = self.zero
        for chi, row in zip(self.chi, self.rows, strict=True):
            total += chi * row[k] / self.pi[k]
        return total

    def limited(self) -> tuple[Interval, Interval]:
        """What the multipliers make of the limits, and how large its terms are."""
        terms = [self.zeta[k] * (self.A[k] + self.D[k] - self.floors[k]) for k in self.types]
        prices = dict(zip(LIMITS, (self.mu, self.nu, self.eta, self.xi), strict=True))
        terms += [prices[name] * limit for name, limit in self.limits.items()]
        terms += [chi * row[-1] for chi, row in zip(self.chi, self.rows, strict=True)]
        total = size = self.zero
        for term in terms:
            total += term
            size += self.size(term)
        return total, size

    def size(self, term: Interval) -> Interval:
        """The largest absolute value of an interval."""
        return self.rounding.exact(max(term.high, term.low.copy_negate()))

    def least(self, k: int, gain: Interval, slope: Interval) -> Interval:
        """m_k: G at l = 0, or the value at l_max, or else the minimum over all real l (never above)."""
        steepest = gain * self.b[k]
        if slope.low >= steepest.high:
            return gain
        end = self.exponential(k, self.l_max[k])
        if slope.high <= 0:
            return gain * end + slope * self.l_max[k]
        if slope.low <= 0:  # not surely positive: below the value at l_max for any slope
            low = (gain * end + slope * self.l_max[k]).low
            return Interval(low, max(low, gain.high), self.rounding)
        log = (steepest / slope).ln()
        if (self.b[k] * self.l_max[k]).high <= log.low:
            return gain * end + slope * self.l_max[k]
        return slope / self.b[k] * (self.one + log)

    def exponential(self, k: int, l: Interval) -> Interval:
        """E^(-b l) of type k."""
        return (-(self.b[k] * l)).exp()

    def excess(self, k: int, l: Decimal) -> Interval:
        """psi_k(l) - pi_k m_k with psi_k(l) = pi_k (G e^(-b l) + r l), convex in l."""
        point = self.rounding.exact(l)
        value = self.gain[k] * self.exponential(k, point) + self.slope[k] * point
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
        falling = self.gain[k] * self.exponential(k, self.rounding.exact(l)) * self.b[k]
        slope = coarse.abs((falling - self.slope[k]).high)
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
        times = [self.t0[k] + self.c[k] * self.rounding.exact(farthest[k]) for k in self.types]
        y = self.one - self.lam * self.mean(times)
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
