"""The optimum to as many digits as wanted: Newton's method on the two prices, in decimal arithmetic.

The residuals and their Jacobian are those of `prices`: with theta = lambda / y,
p = 1 + lambda^2 E[S^2] / (2 y^2) and every type's answer l(theta, p), for the marginal time tau of `model`,
c' = dtau/dl = c + s1^2 / c and w_k = pi_k c_k / (b_k (p + theta tau_k) + theta c'_k), 0 at a bound,

    R = (theta y - lambda, p - 1 - theta^2 E[S^2] / 2),
    dR = [[y + theta lambda sum w tau, theta lambda sum w],
          [-theta E[S^2] + theta^2 sum w tau^2, 1 + theta^2 sum w tau]].

From float64 each step doubles the digits. Nothing here is proven: that is `certify`'s business.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_HALF_EVEN, Context, Decimal, getcontext, localcontext

from cvxtoken.allocation.fields import PER_TYPE
from cvxtoken.allocation.problem import Workload
from cvxtoken.arrays import FloatArray

_GUARD = 25  # digits more than wanted: y may be a small difference of large numbers
_STEPS = 12  # from 16 digits, 4 give 256
_EXPONENTS = 999_999


def polish(workload: Workload, tokens: FloatArray, digits: int = 40) -> list[Decimal]:
    """Tokens of the optimum to about so many significant digits, from tokens of float64 accuracy.

    Args:
        workload: the instance.
        tokens: near the optimum, stable, shape (N,).
        digits: significant decimal digits wanted of each.
    """
    context = Context(digits + _GUARD, ROUND_HALF_EVEN, Emin=-_EXPONENTS, Emax=_EXPONENTS)
    with localcontext(context):
        l = _Prices(workload).solve([Decimal(x) for x in tokens.tolist()], Decimal(10) ** -(digits + 5))
        short = Context(digits, ROUND_HALF_EVEN)
        return [short.plus(x) if x != top else x for x, top in zip(l, _tops(workload), strict=True)]


def _tops(workload: Workload) -> list[Decimal]:
    return [Decimal(x) for x in workload.max_tokens.tolist()]


class _Prices:
    """The two-price system, in the decimal context that is current."""

    def __init__(self, workload: Workload) -> None:
        columns = ([Decimal(x) for x in getattr(workload, field).tolist()] for field in PER_TYPE)
        self.pi, self.A, self.b, _, self.t0, self.c, self.s0, self.s1 = columns
        self.tau = [t0 + s1 * s0 / c for t0, c, s0, s1 in self.times()]  # at no tokens
        self.rise = [c + s1 * s1 / c for _, c, _, s1 in self.times()]  # dtau/dl
        self.top = _tops(workload)
        self.lam, self.alpha = Decimal(workload.arrival_rate), Decimal(workload.accuracy_weight)
        self.half = Decimal(10) ** -(getcontext().prec // 2 + 2)
        # ln(alpha A b / c): the answer's equation is b l + ln(p + theta tau) = this
        self.log = [(self.alpha * A * b / c).ln() for A, b, c in zip(self.A, self.b, self.c, strict=True)]

    def times(self) -> Iterator[tuple[Decimal, Decimal, Decimal, Decimal]]:
        """t0, c, s0 and s1 of every type."""
        return zip(self.t0, self.c, self.s0, self.s1, strict=True)

    def solve(self, l: list[Decimal], accuracy: Decimal) -> list[Decimal]:
        """Tokens where both residuals vanish to this relative accuracy of the prices."""
        s2, y = self.moments(l)
        theta = self.lam / y
        p = 1 + theta**2 * s2 / 2
        for _ in range(_STEPS):
            l = [self.answer(k, x, theta, p) for k, x in enumerate(l)]
            s2, y = self.moments(l)
            sum_w, sum_wt, sum_wt2 = self.weights(l, theta, p)
            r1, r2 = theta * y - self.lam, p - 1 - theta**2 * s2 / 2
            j11, j12 = y + theta * self.lam * sum_wt, theta * self.lam * sum_w
            j21, j22 = -theta * s2 + theta**2 * sum_wt2, 1 + theta**2 * sum_wt
            determinant = j11 * j22 - j12 * j21
            step_theta = (j12 * r2 - j22 * r1) / determinant
            step_p = (j21 * r1 - j11 * r2) / determinant
            theta, p = theta + step_theta, p + step_p
            if abs(step_theta) <= accuracy * theta and abs(step_p) <= accuracy * p:
                break
        return [self.answer(k, x, theta, p) for k, x in enumerate(l)]

    def moments(self, l: list[Decimal]) -> tuple[Decimal, Decimal]:
        """E[S^2] and y."""
        mean = square = Decimal(0)
        for pi, (t0, c, s0, s1), x in zip(self.pi, self.times(), l, strict=True):
            t, s = t0 + c * x, s0 + s1 * x
            mean, square = mean + pi * t, square + pi * (t * t + s * s)
        return square, 1 - self.lam * mean

    def answer(self, k: int, l: Decimal, theta: Decimal, p: Decimal) -> Decimal:
        """The root of b l + ln(p + theta tau(l)) = ln(alpha A b / c), clipped to the box."""
        b, rise, top = self.b[k], self.rise[k], self.top[k]
        for _ in range(_STEPS):
            q = p + theta * (self.tau[k] + rise * l)
            step = (self.log[k] - b * l - q.ln()) / (b + theta * rise / q)
            if (l <= 0 and step <= 0) or (l >= top and step >= 0):
                break
            l += step
            if abs(step) <= self.half * abs(l):  # the next step is of the order of this one squared
                break
        return min(max(l, Decimal(0)), top)

    def weights(self, l: list[Decimal], theta: Decimal, p: Decimal) -> tuple[Decimal, Decimal, Decimal]:
        """Sums of w, w tau and w tau^2 over the types inside the box."""
        w0 = w1 = w2 = Decimal(0)
        for k, x in enumerate(l):
            if 0 < x < self.top[k]:
                tau = self.tau[k] + self.rise[k] * x
                w = self.pi[k] * self.c[k] / (self.b[k] * (p + theta * tau) + theta * self.rise[k])
                w0, w1, w2 = w0 + w, w1 + w * tau, w2 + w * tau * tau
        return w0, w1, w2
