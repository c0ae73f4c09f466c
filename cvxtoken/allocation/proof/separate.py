"""What every proof is made of: -J at a point, and one curve a type that bounds it from below, rigorously.

The bound of F = -J is derived in docs/certificates.md. With any z_k, v_k >= 0 and z0 >= 0, a multiplier for
each target, mu (E[T] <= tau), nu (E[W] <= omega), eta (rho <= r), xi (sum pi l <= M), zeta_k (p_k >= q_k),
chi (rows sum a_k l_k <= limit) and phi (the row of `allocation.memory`), w the weight of E[T] in J (1, or 0
where J is the accuracy alone and alpha is 1), and the numbers of the delay law (`delay.law`), let

    e = w + mu + nu,   Z = square sum pi (z^2 + v^2) + constant z0^2,   load = lambda (e lambda Z / 2 + eta),
    price(share) = e direct - nu + load share,   time = e lambda square,

and u be any tokens. Every l that meets the targets has

    slope_k = (price(sigma) + time z_k) c_k + time v_k s1_k + xi + (sum chi a_k + phi (a + q u)_k) / pi_k,
    gain_k = alpha A_k + zeta_k A_k / pi_k,
    F >= e (offset + lambda constant z0 - lambda Z / 2) - alpha sum pi (A + D)
         + sum pi ((price(sigma0) + time z) t0 + time v s0) + sum pi min(gain e^(-b l) + slope l)
         - mu tau - nu omega - eta r - xi M - sum chi limit + sum zeta (q_k - A - D)
         - phi (limit + sum q u^2 / 2), because q l^2 / 2 >= q (u l - u^2 / 2).

At z = t / y, v = s / y, z0 = 1 / y, u = l and the shadow prices the bound is exact at the optimum. Near it
its error is of second order, but of first order in the slack of a target whose multiplier is positive. All is
evaluated in intervals of decimals (`cvxtoken.rigorous`), on the exact values of the doubles.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple

from cvxtoken.allocation.fields import PER_TYPE
from cvxtoken.allocation.memory import memory_row
from cvxtoken.allocation.problem import Workload
from cvxtoken.allocation.targets import LIMITS, MEMORY, Multipliers, Targets
from cvxtoken.errors import UnstableError
from cvxtoken.rigorous import Interval, Rounding

NO_TARGETS, NO_MULTIPLIERS = Targets(), Multipliers()


class Curve(NamedTuple):
    """What the tokens of a type cost in the bound, pi (gain e^(-b l) + slope l), of exact numbers."""

    pi: Interval
    gain: Interval
    b: Interval
    slope: Interval

    def decay(self, l: Interval) -> Interval:
        """gain e^(-b l)."""
        return self.gain * (-(self.b * l)).exp()

    def value(self, l: Interval) -> Interval:
        """The cost over pi."""
        return self.decay(l) + self.slope * l

    def rise(self, l: Interval) -> Interval:
        """Its derivative over pi, slope - gain b e^(-b l)."""
        return self.slope - self.b * self.decay(l)

    def least(self, top: Interval) -> Interval:
        """The least value over 0 <= l <= top, or else over all real l (never above)."""
        steepest = self.gain * self.b
        if self.slope.low >= steepest.high:
            return self.gain
        if self.slope.high <= 0:
            return self.value(top)
        log = (steepest / self.slope).ln()
        if (self.b * top).high <= log.low:
            return self.value(top)
        return self.slope / self.b * (self.slope.rounding.exact(1) + log)


class Separation(NamedTuple):
    """A bound of F from below, the constant and the least value of every curve.

    Attributes:
        constant, curves: what is added up.
        size: how large the constant's terms are, but for the coupling; it says how large rounding may be.
        coupling: e lambda Z / 2.
    """

    constant: Interval
    curves: list[Curve]
    size: Interval
    coupling: Interval


class Attained(NamedTuple):
    """What an allocation reaches.

    Attributes:
        l: the tokens.
        F: -J.
        reached: what the upper targets limit, by their names.
        decay: A e^(-b l) of every type.
        times: t of all types and, where service times vary, s.
        y: the idle share.
    """

    l: list[Interval]
    F: Interval
    reached: dict[str, Interval]
    decay: list[Interval]
    times: list[list[Interval]]
    y: Interval


def magnitude(x: Interval) -> Interval:
    """The largest absolute value of an interval."""
    return x.rounding.exact(max(x.high, x.low.copy_negate()))


class Enclosure:
    """A workload and its targets in intervals of one working precision."""

    def __init__(
        self,
        workload: Workload,
        rounding: Rounding,
        targets: Targets = NO_TARGETS,
        multipliers: Multipliers = NO_MULTIPLIERS,
    ) -> None:
        exact, w = rounding.exact, workload
        self.rounding, self.is_random = rounding, w.is_random
        self.zero, self.one, self.half = exact(0), exact(1), exact(0.5)
        self.pi, self.A, self.b, self.D, self.t0, self.c, self.s0, self.s1 = (
            [exact(value) for value in getattr(w, field).tolist()] for field in PER_TYPE
        )
        self.l_max = [exact(value) for value in w.max_tokens.tolist()]
        self.types = range(len(w))
        self.lam, self.alpha = exact(w.rate), exact(targets.accuracy_weight(w))
        self.T0 = self.mean(self.t0)
        self.law = w.server.law(self.lam, self.T0, exact)
        self.w = exact(targets.delay_weight)
        self.mu, self.nu, self.eta, self.xi = (exact(multipliers.of(name)) for name in LIMITS)
        self.zeta = {w.names.index(name): exact(x) for name, x in multipliers.min_accuracy.items()}
        self.floors = [exact(q) for q in targets.floors(w).tolist()]
        self.rows = [[exact(x) for x in row] for row in targets.linear]
        self.chi = [exact(x) for x in multipliers.linear]
        self.memory = memory_row(w, targets.limits[MEMORY], exact) if MEMORY in targets.limits else None
        self.together, self.phi = w.server.runs_together, exact(multipliers.of(MEMORY))
        self.prompt = [exact(value) for value in w.prompt_tokens.tolist()]
        self.limits = {name: exact(limit) for name, limit in targets.limits.items()}
        self.best = self.alpha * self.mean(A + D for A, D in zip(self.A, self.D, strict=True))

    def mean(self, values: Iterable[Interval]) -> Interval:
        """The sum of pi_k value_k."""
        total = self.zero
        for pi, value in zip(self.pi, values, strict=True):
            total += pi * value
        return total

    def mean_square(self, columns: Iterable[list[Interval]]) -> Interval:
        """The sum of pi_k value_k^2 over all columns of values."""
        total = self.zero
        for values in columns:
            total += self.mean(x * x for x in values)
        return total

    def load(self, l: Sequence[Interval]) -> Interval:
        """rho = lambda (sigma0 T0 + sigma sum pi c l)."""
        thinking = self.mean(self.c[k] * l[k] for k in self.types)
        load: Interval = self.lam * (self.law.overhead_share * self.T0 + self.law.token_share * thinking)
        return load

    def idle(self, tokens: Sequence[Decimal]) -> Interval:
        """y = 1 - rho."""
        return self.one - self.load([self.rounding.exact(l) for l in tokens])

    def attained(self, tokens: Sequence[float | Decimal], over: Sequence[Interval] | None = None) -> Attained:
        """What tokens reach, of which those `over` a lag gain accuracy.

        F = -alpha sum pi (A + D) + sum pi alpha A e^(-b l) + w E[T].

        Raises:
            UnstableError: y is not surely positive.
        """
        law, l = self.law, [self.rounding.exact(value) for value in tokens]
        affine = [(self.t0, self.c), (self.s0, self.s1)][: 1 + self.is_random]
        times = [[x[k] + slope[k] * l[k] for k in self.types] for x, slope in affine]
        load = self.load(l)
        y = self.one - load
        if y.low <= 0:
            raise UnstableError(f"tokens give a utilisation of {float(load.high)}; it must be below 1")
        gaining = l if over is None else over
        decay = [self.A[k] * (-(self.b[k] * gaining[k])).exp() for k in self.types]
        service = self.mean(times[0])
        Q = law.square * self.mean_square(times) + law.constant
        shared = law.offset + self.lam * Q * self.half / y
        system, wait = shared + law.direct * service, shared + (law.direct - self.one) * service
        reached = dict(zip(LIMITS, (system, wait, load, self.mean(l)), strict=True))
        if self.memory:
            held = (self.prompt[k] * t + self.c[k] * l[k] * l[k] * self.half for k, t in enumerate(times[0]))
            reached[MEMORY] = self.lam * self.mean(held) / (y if self.together else self.one)
        F = self.alpha * self.mean(decay) - self.best + self.w * system
        return Attained(l, F, reached, decay, times, y)

    def separate(self, at: Attained) -> Separation:
        """The bound at the prices of a point, which are rounded (any will do), as are its curves, down."""
        law, lam, exact = self.law, self.lam, self.rounding.exact
        z, *v = ([exact((x / at.y).low) for x in column] for column in at.times)
        z0 = exact((self.one / at.y).low)
        Z = law.square * self.mean_square([z, *v]) + law.constant * z0 * z0
        e = self.w + self.mu + self.nu
        load = lam * (e * lam * Z * self.half + self.eta)
        overhead, token = (e * law.direct - self.nu + load * share for share in law[-2:])
        time = e * lam * law.square
        fixed = [(overhead + time * z[k]) * self.t0[k] for k in self.types]
        slope = [(token + time * z[k]) * self.c[k] + self.xi for k in self.types]
        for column in v:
            fixed = [fixed[k] + time * column[k] * self.s0[k] for k in self.types]
            slope = [slope[k] + time * column[k] * self.s1[k] for k in self.types]
        for chi, row in zip(self.chi, self.rows, strict=False):
            slope = [slope[k] + chi * row[k] / self.pi[k] for k in self.types]
        if self.memory:
            rise = [a + q * u for a, q, u in zip(self.memory.a, self.memory.q, at.l, strict=True)]
            slope = [slope[k] + self.phi * rise[k] / self.pi[k] for k in self.types]
        gain = [self.alpha * A for A in self.A]
        for k, zeta in self.zeta.items():
            gain[k] += zeta * self.A[k] / self.pi[k]
        coupling = e * lam * Z * self.half
        terms = [self.mean(fixed), e * law.offset, e * lam * law.constant * z0, -self.best]
        terms += [-term for term in self.limited()]
        if self.memory:
            bends = [q * u * u * self.half for q, u in zip(self.memory.q, at.l, strict=True)]
            terms += [-(self.phi * self.memory.limit), -(self.phi * sum(bends, self.zero))]
        constant, size = -coupling, self.zero
        for term in terms:
            constant += term
            size += magnitude(term)
        rounded = zip(self.pi, gain, self.b, slope, strict=True)
        curves = [Curve(pi, exact(g.low), b, exact(r.low)) for pi, g, b, r in rounded]
        return Separation(constant, curves, size, coupling)

    def limited(self) -> list[Interval]:
        """What the multipliers make of the limits."""
        prices = dict(zip(LIMITS, (self.mu, self.nu, self.eta, self.xi), strict=True))
        terms = [prices[name] * limit for name, limit in self.limits.items() if name != MEMORY]
        terms += [chi * row[-1] for chi, row in zip(self.chi, self.rows, strict=False)]
        return terms + [x * (self.A[k] + self.D[k] - self.floors[k]) for k, x in self.zeta.items()]
