"""The dual gap of an allocation in float64, free of cancellation (derived here).

The bound is that of `proof.separate`. With z = t / y the part of the gap that couples the types vanishes,
and what is left is a sum over types of pi_k psi_k. Let slope = c (P + theta square tau), tau being the
marginal time of `model`, xh the minimiser ln(alpha A b / slope) clipped to [0, b l_max],
left = alpha A e^(-xh) what is not gained there, and d = xh - b l. Then

    psi = left (e^d - 1 - d) + (left - slope / b) d,

two terms that are never negative (the second is 0 where xh is not clipped). So the gap is small because
its terms are, not because large numbers nearly cancel, and float64 shows gaps far below its own precision.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cvxtoken.allocation.model import ROUGH_IDLE
from cvxtoken.allocation.prices.columns import Columns
from cvxtoken.allocation.problem import Workload
from cvxtoken.arrays import FloatArray

_ROUNDING = 16 * np.finfo(np.float64).eps  # generous for a handful of operations in a row


class Appraisal(NamedTuple):
    """What an allocation is worth, each of shape (...).

    Attributes:
        objective: J, in s; minus infinity where rho >= 1.
        gap: upper bound of J* - J, in s, rounding allowed for; infinite where rho is not surely below 1.
        mean_accuracy: sum pi p.
        mean_service: E[S], in s.
        mean_wait: E[W], in s; infinite where rho >= 1.
        idle: y.
    """

    objective: FloatArray
    gap: FloatArray
    mean_accuracy: FloatArray
    mean_service: FloatArray
    mean_wait: FloatArray
    idle: FloatArray

    @property
    def relative_gap(self) -> FloatArray:
        """gap / (1 + |J|); infinite where rho is not surely below 1."""
        size = np.where(self.gap < np.inf, 1 + np.abs(self.objective), 1.0)
        return np.asarray(self.gap / size)


def appraise(columns: Columns, tokens: FloatArray) -> Appraisal:
    """Objective, delays and gap of an allocation of shape (N, ...), in two passes over the types.

    The gap's allowance is a first-order bound of the rounding errors, generous but not rigorous: the proof
    is `certify`.
    """
    w = columns
    thinking = mean = s2 = p = np.zeros(tokens.shape[1:])[()]
    for types, part in w.parts:
        l = tokens[types]
        work = part.time_per_token * l
        thinking = thinking + part.mean(work)
        t = np.add(work, part.overhead, out=work)
        mean = mean + part.mean(t)
        s2 = s2 + part.mean(part.squares(t, l))
        loss = -part.saturation_rate * l
        np.expm1(loss, out=loss)
        loss *= part.accuracy_gain
        p = p + part.mean(np.subtract(part.base_accuracy, loss, out=loss))

    def excesses(theta: FloatArray, P: FloatArray) -> FloatArray:
        found = np.zeros(tokens.shape[1:])[()]
        for types, part in w.parts:
            l, b, (tau, tau_per_token) = tokens[types], part.saturation_rate, part.marginal
            slope = tau_per_token * l
            slope += tau
            slope *= theta
            slope += P
            slope *= part.time_per_token
            slope /= b
            own, allowance = _excess(w.accuracy_weight * part.accuracy_gain, b, part.max_tokens, slope, l)
            found = found + part.mean(np.add(own, allowance, out=own))
        return found

    return judged(w, thinking, mean, s2, p, excesses)


def judged(
    columns: Columns,
    thinking: FloatArray,
    mean: FloatArray,
    s2: FloatArray,
    p: FloatArray,
    excesses: Callable[[FloatArray, FloatArray], FloatArray],
) -> Appraisal:
    """The same from what the types add up to, each of shape (...).

    Args:
        columns: the instances.
        thinking: sum pi c l.
        mean: E[S].
        s2: E[S^2].
        p: the mean accuracy.
        excesses: sum pi psi at prices theta and P, an upper bound with an allowance for rounding.
    """
    w, lam, law = columns, columns.arrival_rate, columns.law
    y = w.idle_at_zero - lam * law.token_share * thinking
    wait = w.server.mean_wait(lam, mean, s2, y)[()]
    y_error = _ROUNDING * np.maximum(2 * w.idle_at_zero - y, w.idle_at_zero >= ROUGH_IDLE)
    idle, stable = y, y > y_error  # surely
    y = np.where(stable, y, 1.0)[()]
    Q = law.square * s2 + law.constant
    excess = excesses(lam / y, law.direct + law.token_share * lam**2 * Q / (2 * y**2))
    # with z = t / y' and y' off by a share eps of y, lambda Q eps^2 / (2 y) of the coupling is left
    coupling = lam * Q * (y_error / y) ** 2 / (2 * y)
    gap = np.where(stable, excess + coupling, np.inf)[()]
    return Appraisal(w.accuracy_weight * p - (mean + wait), gap, p, mean, wait, idle)


def excess(
    workload: Workload, slope: FloatArray, tokens: FloatArray, types: NDArray[np.intp] | None = None
) -> FloatArray:
    """psi_k: alpha A e^(-b l) + slope l over its minimum on [0, l_max], in s, shape (..., N).

    Args:
        workload: the instance.
        slope: that over b, kappa c / b, in s, shape (..., N).
        tokens: l, shape (..., N).
        types: the type of each entry along the last axis, where they are not 0..N-1 in this order.
    """
    w = workload
    A, b, l_max = (
        field if types is None else field[types]
        for field in (w.accuracy_gain, w.saturation_rate, w.max_tokens)
    )
    return _excess(*np.broadcast_arrays(w.accuracy_weight * A, b, l_max, slope, tokens))[0]


def _excess(
    alpha_A: FloatArray, b: FloatArray, l_max: FloatArray, slope: FloatArray, tokens: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """The excess and the allowance for its rounding; slope and tokens have the full shape."""
    x = b * tokens
    root = alpha_A / slope
    np.log(root, out=root)
    positive = np.maximum(root, 0.0)
    target = np.minimum(positive, b * l_max)
    d = np.minimum(positive - x, b * (l_max - tokens))
    inside = target == root
    growth = d  # e^d - 1, and e^d - 1 - d by its series, where that would cancel
    rise = d / 120
    for coefficient in (1 / 24, 1 / 6, 1 / 2):
        rise += coefficient
        rise *= d
    rise *= d
    far = np.abs(d) >= 1e-3
    if far.any():
        with np.errstate(over="ignore"):
            growth = np.expm1(d)
        rise = np.where(far, growth - d, rise)
    left = slope  # alpha A e^(-xh) where xh is not clipped; elsewhere it matters only where d is not 0
    found = left * rise
    off = ~inside
    off &= d != 0
    if off.any():
        left = np.where(off, alpha_A * np.exp(-target), slope)
        found = left * rise + (left - slope) * d
    # an error of d by delta changes left (e^d - 1 - d) by at most left (|e^d - 1| delta + delta^2)
    delta = x + target
    delta += 4
    delta *= _ROUNDING
    delta *= inside
    allowance = np.abs(growth)
    allowance += delta
    allowance *= delta
    allowance *= left
    allowance += _ROUNDING * found
    return found, allowance
