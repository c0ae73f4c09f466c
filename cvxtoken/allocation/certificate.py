"""Certificates: two rigorous numbers that enclose the optimum, for any feasible allocation (derived here).

Minimise F = -J. For all z_k >= 0 and y > 0, t^2 / y >= 2 z t - z^2 y. With Z = sum pi z^2,
P = 1 + lambda^2 Z / 2 and kappa_k = P + lambda z_k this gives, for every feasible l,

    F(l) >= -alpha sum pi (A + D) - lambda Z / 2 + sum pi_k (kappa_k t0_k + m_k),
    m_k = min over 0 <= l <= l_max of alpha A e^(-b l) + kappa c l.

At z_k = t_k / y the bound is exact at the optimum, and its error is of second order near it. Everything
is evaluated in intervals of decimals (`cvxtoken.rigorous`), on the exact values of the doubles.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from pathlib import Path
from typing import Any, Self

from cvxtoken import verifier
from cvxtoken.allocation.problem import PER_TYPE, SCALARS, Workload
from cvxtoken.errors import CertificateError, ProblemError, UnstableError
from cvxtoken.files import write_text
from cvxtoken.rigorous import Interval, Rounding
from cvxtoken.typing import FloatArray

_GUARD_DIGITS = 8  # a checker may err by so many digits more than the working precision
_FLOAT_DIGITS = 17  # significant decimal digits of a double


@dataclass(frozen=True)
class Certificate:
    """A proof that lower <= J(tokens) <= J* <= upper, and that |l*_k - tokens_k| <= radii_k.

    J* is the optimal objective and l* the optimal allocation of the exact instance.

    Attributes:
        workload: the instance.
        tokens: the allocation, in tokens, exact.
        lower, upper: bounds of J*, in s.
        radii: per type, in tokens.
        digits: the working precision that is enough to check the bounds.

    In the file (JSON) the instance holds doubles in shortest form, all other numbers are decimal strings.
    `sha256` is taken of these bytes: the UTF-8 text 'cvxtoken-workload/1', the number of types N and the
    N names, each followed by a line feed; then as big-endian IEEE doubles all N values of prior,
    accuracy_gain, saturation_rate, base_accuracy, overhead, time_per_token and max_tokens, in this order,
    then arrival_rate and accuracy_weight.

    Source: derived here.
    """

    workload: Workload
    tokens: tuple[Decimal, ...]
    lower: Decimal
    upper: Decimal
    radii: tuple[Decimal, ...]
    digits: int

    @property
    def relative_gap(self) -> Decimal:
        """(upper - lower) / (1 + least |J| between them), rounded up to 3 digits."""
        up, down = Context(3, ROUND_CEILING), Context(3 * self.digits, ROUND_FLOOR)
        least = (
            Decimal(0) if self.lower <= 0 <= self.upper else min(self.lower.copy_abs(), self.upper.copy_abs())
        )
        exact = Context(3 * self.digits, ROUND_CEILING)
        return up.divide(exact.subtract(self.upper, self.lower), down.add(1, least))

    def save(self, path: str | Path) -> None:
        """Write the certificate as JSON (ProblemError where the file cannot be written)."""
        write_text(path, json.dumps(self.to_document(), indent=1) + "\n")

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a certificate and check it in full.

        Raises:
            CertificateError: the file cannot be read or does not prove what it states.
        """
        try:
            document = verifier.read(str(path))
            verifier.check(document)
        except verifier.Refused as error:
            raise CertificateError(f"{path}: {error}") from error
        return cls(
            workload=Workload(**document["instance"]),
            tokens=tuple(map(Decimal, document["tokens"])),
            lower=Decimal(document["lower"]),
            upper=Decimal(document["upper"]),
            radii=tuple(map(Decimal, document["radii"])),
            digits=document["digits"],
        )

    def to_document(self) -> dict[str, Any]:
        """The mapping that `save` writes."""
        w = self.workload
        arrays = {field: getattr(w, field).tolist() for field in (*PER_TYPE, "max_tokens")}
        return {
            "schema": verifier.SCHEMA,
            "sha256": w.sha256,
            "instance": {"names": list(w.names), **arrays, **{f: getattr(w, f) for f in SCALARS}},
            "digits": self.digits,
            "lower": str(self.lower),
            "upper": str(self.upper),
            "relative_gap": str(self.relative_gap),
            "tokens": [str(l) for l in self.tokens],
            "radii": [str(radius) for radius in self.radii],
        }


def certify(workload: Workload, tokens: Sequence[float | Decimal] | FloatArray) -> Certificate:
    """Bound the optimum from a feasible allocation, rigorously; whoever proposed it is not asked.

    The number of digits is chosen so that rounding is at most 1 % of the gap, or the gap is beyond what
    the allocation's own digits can give (its error enters squared).

    Args:
        workload: the instance.
        tokens: shape (N,), in tokens; doubles or decimals, taken exactly.

    Raises:
        ProblemError: not N finite numbers with 0 <= l <= l_max.
        UnstableError: the utilisation at these tokens is 1 or more.
    """
    allocation = _exact_tokens(workload, tokens)
    own_digits = max(
        [_FLOAT_DIGITS, *(len(l.as_tuple().digits) for l in allocation if Decimal(float(l)) != l)]
    )
    digits = 2 * own_digits + 20
    for _ in range(3):
        bounds = Bounds(workload, allocation, Rounding(digits))
        certificate = bounds.publish()
        if bounds.rounding_share <= 0.01 or certificate.relative_gap < Decimal(10) ** (-2 * own_digits):
            break
        digits *= 2
    return certificate


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
        room = self.largest.scaleb(_GUARD_DIGITS - rounding.digits)
        self.lower = down.minus(up.add(self.F.high, room))
        self.upper = up.minus(down.subtract(self.F_bound.low, room))
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
        and the slope in floats, then fourfold until it is proven.
        """
        l, l_max = self.allocation[k], self.l_max[k].high
        need = Decimal(float(self.gap / self.pi[k].low))
        falling = float(self.alpha.high * self.decay(k, self.rounding.exact(l)).high * self.b[k].high)
        slope = abs(falling - float(self.kappa[k].high * self.c[k].high))
        curvature = falling * float(self.b[k].high)
        guess = l_max
        if curvature > 0:
            guess = min(guess, 3 * (2 * need / Decimal(curvature)).sqrt())
        if slope > 0:
            guess = min(guess, 2 * need / Decimal(slope))
        coarse = Context(3, ROUND_CEILING)
        while True:
            radius = min(coarse.plus(guess), l_max)
            if self.encloses(k, radius):
                return radius
            guess = 4 * radius

    def encloses(self, k: int, radius: Decimal) -> bool:
        """Whether |l*_k - l_k| <= radius is proven: tested at both ends that lie inside [0, l_max]."""
        l = self.allocation[k]
        left = self.rounding.up.subtract(l, radius)
        right = self.rounding.down.add(l, radius)
        return (left <= 0 or self.excess(k, left).low > self.gap) and (
            right >= self.l_max[k].high or self.excess(k, right).low > self.gap
        )

    @property
    def rounding_share(self) -> float:
        """The part of the proven gap that more digits would take away."""
        widths = (self.F.high - self.F.low) + (self.F_bound.high - self.F_bound.low)
        return float(widths / self.gap)

    def publish(self) -> Certificate:
        """The bounds with the radius of every type, as a certificate."""
        return Certificate(
            workload=self.workload,
            tokens=tuple(self.allocation),
            lower=self.lower,
            upper=self.upper,
            radii=tuple(self.radius(k) for k in self.types),
            digits=self.rounding.digits,
        )


def _exact_tokens(workload: Workload, tokens: Sequence[float | Decimal] | FloatArray) -> list[Decimal]:
    """Tokens as exact decimals inside their box (ProblemError)."""
    try:
        allocation = [l if isinstance(l, Decimal) else Decimal(float(l)) for l in tokens]
    except (TypeError, ValueError) as error:
        raise ProblemError(f"tokens is {tokens!r}; it must be a list of numbers") from error
    if len(allocation) != len(workload):
        raise ProblemError(f"tokens has {len(allocation)} numbers; it must have one a type ({len(workload)})")
    for name, l, l_max in zip(workload.names, allocation, workload.max_tokens.tolist(), strict=True):
        if not l.is_finite() or not 0 <= l <= Decimal(l_max):
            raise ProblemError(f"tokens of {name!r} is {l}; it must be from 0 to {l_max}")
    return allocation
