"""Closed forms of the allocation problem in NumPy; every array of tokens has the shape (..., N).

Symbols: pi prior, A accuracy_gain, b saturation_rate, D base_accuracy, t0 overhead, c time_per_token,
s0 deviation, s1 deviation_per_token, lambda the arrival rate at one replica, alpha accuracy_weight; offset,
direct, square, constant, sigma0 and sigma are the numbers of the delay law (`delay.law`), 0, 1, 1, 0, 1 and 1
for one query at a time. Tokens and seconds throughout.

Service times that vary enter by their second moment alone, E[S_k^2] = t^2 + s^2 with s = s0 + s1 l. Half its
derivative, c t + s1 s = c tau, is that of t^2 with tau = t + s s1 / c in place of t: a price of a token is as
for certain times, at the marginal time tau.

Source: arXiv 2601.10274, whose objective and Pollaczek-Khinchine delay these are, for certain times; the
Hessian in the form diagonal plus rank two, and tau, are derived here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike

from cvxtoken.allocation.problem import Workload
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import ProblemError, UnstableError
from cvxtoken.precision import IDLE
from cvxtoken.rigorous import double_below, nearest_double

NARROW_IDLE = 1e-6  # up to here the idle share at given tokens is computed exactly where that matters
ROUGH_IDLE = 1 / 64  # from here on a sum in floats tells the idle share without tokens well enough


def accuracy(workload: Workload, tokens: FloatArray) -> FloatArray:
    """p_k(l) = A_k (1 - exp(-b_k l_k)) + D_k per type, shape (..., N)."""
    return workload.base_accuracy - workload.accuracy_gain * np.expm1(-workload.saturation_rate * tokens)


def mean_accuracy(workload: Workload, tokens: FloatArray) -> FloatArray:
    """sum_k pi_k p_k(l_k), shape (...)."""
    return np.asarray(accuracy(workload, tokens) @ workload.prior)


def service_time(workload: Workload, tokens: FloatArray) -> FloatArray:
    """t_k(l) = t0_k + c_k l_k per type, in s, shape (..., N)."""
    return workload.overhead + workload.time_per_token * tokens


def deviation(workload: Workload, tokens: FloatArray) -> FloatArray:
    """s_k(l) = s0_k + s1_k l_k, the standard deviation of the service time, in s, shape (..., N)."""
    return workload.deviation + workload.deviation_per_token * tokens


def marginal_time(workload: Workload, tokens: FloatArray) -> FloatArray:
    """tau_k(l) = t_k + s_k s1_k / c_k, in s, shape (..., N): dE[S_k^2]/dl_k = 2 c_k tau_k."""
    t = service_time(workload, tokens)
    if not workload.is_random:
        return t
    return t + deviation(workload, tokens) * (workload.deviation_per_token / workload.time_per_token)


def curvature(workload: Workload) -> FloatArray:
    """Half of d2E[S_k^2]/dl_k^2: c_k^2 + s1_k^2, in s^2 per token^2, shape (N,)."""
    return workload.time_per_token**2 + workload.deviation_per_token**2


def moments(workload: Workload, tokens: FloatArray) -> tuple[FloatArray, FloatArray]:
    """E[S] = sum_k pi_k t_k in s and E[S^2] = sum_k pi_k (t_k^2 + s_k^2) in s^2, each of shape (...)."""
    t = service_time(workload, tokens)
    squares = t * t
    if workload.is_random:
        squares += deviation(workload, tokens) ** 2
    return t @ workload.prior, squares @ workload.prior


def idle(workload: Workload, tokens: FloatArray) -> FloatArray:
    """y = 1 - lambda (sigma0 T0 + sigma sum_k pi_k c_k l_k), the idle share, shape (...).

    It is not positive where the tokens are unstable.

    Computed as y0 - lambda sigma sum_k pi_k c_k l_k with y0 exact and rounded once: near utilisation 1 the
    float 1 - rho would lose every digit.
    """
    thinking = (workload.time_per_token * tokens) @ workload.prior
    return np.asarray(idle_at_zero(workload) - workload.rate * workload.law.token_share * thinking)


def is_stable(workload: Workload, tokens: Sequence[float | Decimal]) -> bool:
    """Whether y > 0 at these tokens, N numbers, decided exactly."""
    columns = (workload.prior.tolist(), workload.time_per_token.tolist(), tokens)
    thinking = sum(Fraction(pi) * Fraction(c) * Fraction(l) for pi, c, l in zip(*columns, strict=True))
    return bool(workload.idle_at_zero > Fraction(workload.rate) * workload.exact_law.token_share * thinking)


def stable_doubles(workload: Workload, tokens: Sequence[Decimal]) -> FloatArray:
    """Stable tokens as the nearest doubles, or as those below where rounding takes the last idle share."""
    nearest = np.array([float(l) for l in tokens])
    if idle(workload, nearest) > NARROW_IDLE or is_stable(workload, nearest.tolist()):
        return nearest
    return np.array([double_below(l) for l in tokens])


def idle_at_zero(workload: Workload) -> float:
    """y0 = 1 - lambda sigma0 T0: the exact value rounded once, or the rough one where there is one."""
    rough = rough_idle_at_zero(workload)
    return nearest_double(workload.idle_at_zero) if rough is None else rough


def rough_idle_at_zero(workload: Workload) -> float | None:
    """y0 from a sum in floats, where an exact sum would take longer than a solution and is not needed.

    That is for more than 256 types and y0 >= 1/64: its error is about 1e-16, proven to be below N 2^-52.
    """
    if len(workload) <= 256:
        return None
    y0 = 1 - workload.rate * workload.server.overhead_share * workload.rough_overhead
    return y0 if y0 >= ROUGH_IDLE else None


def exact_idle(workload: Workload, tokens: FloatArray) -> Decimal:
    """The y of one allocation of shape (N,) to 60 digits, for what must fit to y also where y is tiny."""
    w, exact = workload, Context(IDLE)
    thinking = overhead = Decimal(0)
    fields = (w.prior, w.overhead, w.time_per_token, tokens)
    for pi, t0, c, l in zip(*(map(Decimal, field.tolist()) for field in fields), strict=True):
        overhead = exact.add(overhead, exact.multiply(pi, t0))
        thinking = exact.add(thinking, exact.multiply(pi, exact.multiply(c, l)))
    law = w.server.law(Decimal(w.rate), overhead, Decimal)
    load = exact.multiply(law.overhead_share, overhead)
    load = exact.add(load, exact.multiply(law.token_share, thinking))
    return exact.subtract(1, exact.multiply(Decimal(w.rate), load))


def utilization(workload: Workload, tokens: FloatArray) -> FloatArray:
    """rho = lambda (sigma0 T0 + sigma sum_k pi_k c_k l_k), shape (...)."""
    service, law = moments(workload, tokens)[0], workload.law
    spared = (law.token_share - law.overhead_share) * workload.rough_overhead  # 0 where they are the same
    return np.asarray(workload.rate * (law.token_share * service - spared))


def mean_wait(workload: Workload, tokens: FloatArray) -> FloatArray:
    """E[W] = E[T] - E[S], in s, shape (...); infinite where rho >= 1."""
    return workload.server.mean_wait(workload.rate, *moments(workload, tokens), idle(workload, tokens))


def mean_system_time(workload: Workload, tokens: FloatArray) -> FloatArray:
    """E[T] = offset + direct E[S] + lambda (square E[S^2] + constant) / (2 y), in s, shape (...).

    It is infinite where rho >= 1.
    """
    return moments(workload, tokens)[0] + mean_wait(workload, tokens)


def mean_kv_tokens(workload: Workload, tokens: FloatArray) -> FloatArray:
    """E[KV] = lambda sum_k pi_k (m_k t0_k + c_k (m_k l_k + l_k^2 / 2)) / y, in tokens, shape (...).

    Without the y where one query is served at a time; infinite where rho >= 1. See `allocation.memory`.
    """
    w = workload
    held = w.prompt_tokens * w.overhead + w.time_per_token * tokens * (w.prompt_tokens + tokens / 2)
    y = idle(w, tokens)
    work = w.rate * (held @ w.prior)
    if not w.server.runs_together:
        return np.asarray(np.where(y > 0, work, np.inf))
    return np.asarray(np.divide(work, y, out=np.full(np.shape(y), np.inf), where=y > 0))


def spread(workload: Workload, tokens: FloatArray) -> FloatArray:
    """square E[S^2] + constant, in s^2, shape (...): over y, what the delay law grows with."""
    return np.asarray(workload.law.square * moments(workload, tokens)[1] + workload.law.constant)


def objective(workload: Workload, tokens: FloatArray) -> FloatArray:
    """J(l) = alpha sum_k pi_k p_k(l_k) - E[T], in s, shape (...); minus infinity where rho >= 1."""
    return workload.accuracy_weight * mean_accuracy(workload, tokens) - mean_system_time(workload, tokens)


def delay_price(workload: Workload, tokens: FloatArray) -> FloatArray:
    """h_k(l) = direct + lambda square tau_k / y + sigma lambda^2 Q / (2 y^2), shape (..., N), where rho < 1.

    dE[T]/dl_k = pi_k c_k h_k: what a second more of mean service for type k costs all queries. Q is
    `spread`.
    """
    lam, law = workload.rate, workload.law
    tau = marginal_time(workload, tokens)
    Q = spread(workload, tokens)
    y = idle(workload, tokens)
    own = law.direct + lam * law.square * tau / y[..., None]
    return np.asarray(own + (law.token_share * lam**2 * Q / (2 * y**2))[..., None])


def answer(workload: Workload, tokens: FloatArray) -> FloatArray:
    """T(l)_k = clip(ln(alpha A_k b_k / (c_k h_k(l))) / b_k, 0, l_max_k), shape (..., N), where rho < 1.

    What each type would choose at the delay prices of l. Its fixed point is the optimum, and it is
    antitone: more tokens anywhere raise every price.

    Source: arXiv 2601.10274, the first-order condition solved for l_k.
    """
    w = workload
    h = delay_price(w, tokens)
    ratio = w.accuracy_weight * w.accuracy_gain * w.saturation_rate / (w.time_per_token * h)
    return np.clip(np.log(ratio) / w.saturation_rate, 0.0, w.max_tokens)


def upper_bounds(workload: Workload) -> FloatArray:
    """u = T(0), in tokens, shape (N,): l* <= u, because prices rise with l (derived here).

    A type with u = 0 does not think.

    Raises:
        UnstableError: no allocation is stable.
    """
    require_stable(workload)
    return answer(workload, np.zeros(len(workload)))


def gradient(workload: Workload, tokens: FloatArray) -> FloatArray:
    """dJ/dl_k = pi_k (alpha A_k b_k exp(-b_k l_k) - c_k h_k), in s/token, shape (..., N), where rho < 1."""
    w = workload
    benefit = w.accuracy_weight * w.accuracy_gain * w.saturation_rate * np.exp(-w.saturation_rate * tokens)
    return w.prior * (benefit - w.time_per_token * delay_price(w, tokens))


@dataclass(frozen=True)
class Hessian:
    """The matrix diag(diagonal) + factors @ core @ factors.T, of shape (N, N), held in O(N).

    Attributes:
        diagonal: shape (N,).
        factors: shape (N, 2).
        core: shape (2, 2), symmetric.
    """

    diagonal: FloatArray
    factors: FloatArray
    core: FloatArray

    def __matmul__(self, direction: FloatArray) -> FloatArray:
        return self.diagonal * direction + self.factors @ (self.core @ (self.factors.T @ direction))

    def dense(self) -> FloatArray:
        """The full (N, N) matrix."""
        return np.diag(self.diagonal) + self.factors @ self.core @ self.factors.T


def hessian(workload: Workload, tokens: FloatArray) -> Hessian:
    """Hessian of J at one allocation of shape (N,) with rho < 1, in s/token^2 (derived here).

    With a_k = pi_k c_k, g_k = square pi_k c_k tau_k and Q of `spread`, d2E[T] is

        diag(lambda square pi (c^2 + s1^2) / y) + sigma lambda^2 (g a' + a g') / y^2
        + sigma^2 lambda^3 Q a a' / y^3,

    and the accuracy adds -diag(alpha pi A b^2 exp(-b l)) to that of J.
    """
    w, lam, law = workload, workload.rate, workload.law
    b = w.saturation_rate
    y = float(idle(w, tokens))
    benefit = w.accuracy_weight * w.prior * w.accuracy_gain * b**2 * np.exp(-b * tokens)
    a = w.prior * w.time_per_token
    g = law.square * a * marginal_time(w, tokens)
    return Hessian(
        -benefit - lam * law.square * w.prior * curvature(w) / y,
        np.column_stack([a, g]),
        -load_core(w, y, float(spread(w, tokens))),
    )


def load_core(workload: Workload, y: float, Q: float) -> FloatArray:
    """The core of d2E[T] in `hessian`, shape (2, 2), of the directions a and g."""
    lam, sigma = workload.rate, workload.law.token_share
    cross = sigma * lam**2 / y**2
    return np.array([[sigma**2 * lam**3 * Q / y**3, cross], [cross, 0.0]])


def require_stable(workload: Workload) -> None:
    """Decide exactly whether any allocation is stable: lambda sigma0 T0 < 1 in rational numbers.

    Raises:
        UnstableError: it is not; says by how much, and what would be: the largest arrival rate (a double),
            and the least number of replicas where there is one.
    """
    if rough_idle_at_zero(workload) is not None:
        return
    w, y0 = workload, workload.idle_at_zero
    if y0 > 0:
        return
    load = Fraction(w.server.overhead_share) * w.mean_overhead / w.server.replicas  # per arrival in a second
    limit = float(1 / load)
    while limit > 0 and Fraction(limit) * load >= 1:
        limit = math.nextafter(limit, 0)
    replicas = math.floor((1 - y0) * w.server.replicas) + 1
    raise UnstableError(
        f"arrival_rate is {w.arrival_rate} /s; even without thinking tokens the utilisation is "
        f"{to_decimal(1 - y0):.12g}, {to_decimal(-y0):.3g} over the limit of 1 it must stay below; "
        f"the largest stable arrival rate is {limit!r} /s"
        + (f", and {replicas} replicas would do" if replicas < 10**6 else "")
    )


def to_decimal(value: Fraction) -> Decimal:
    """A fraction to 17 digits; unlike a float it cannot overflow."""
    return Context(17).divide(Decimal(value.numerator), Decimal(value.denominator))


def least_idle(workload: Workload, start: FloatArray) -> float:
    """A positive lower bound of y wherever J(l) >= J(start), for a stable start of shape (N,) (derived here).

    There E[T] <= M = alpha sum pi (A + D) - J(start), and the delay law says how small y may be. Lowered by
    1e-8 relative, because the priors sum to 1 only within 1e-9 and for rounding.
    """
    w = workload
    M = w.accuracy_weight * float(w.prior @ (w.accuracy_gain + w.base_accuracy)) - float(objective(w, start))
    return float((1 - 1e-8) * w.server.least_idle(w.rate, w.law, M, idle_at_zero(w)))


def checked_tokens(workload: Workload, tokens: ArrayLike) -> FloatArray:
    """One allocation as a float array of shape (N,), inside its box.

    Raises:
        ProblemError: not N finite numbers with 0 <= l_k <= l_max_k.
    """
    try:
        l = np.asarray(tokens, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ProblemError(f"tokens is {tokens!r}; it must be a list of numbers") from error
    if l.shape != (len(workload),):
        raise ProblemError(
            f"tokens has shape {l.shape}; it must have one number for each of {len(workload)} types"
        )
    good = (l >= 0) & (l <= workload.max_tokens)
    if not good.all():
        k = int(np.argmin(good))
        limit = workload.max_tokens[k]
        raise ProblemError(f"tokens of {workload.names[k]!r} is {l[k]}; it must be from 0 to {limit}")
    return l
