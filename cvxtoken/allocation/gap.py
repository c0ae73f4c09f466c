"""The dual gap of an allocation in float64, free of cancellation (derived here).

The bound is that of `certificate.py`. With z = t / y the part of the gap that couples the types vanishes,
and what is left is a sum over types of pi_k e_k, where with x = b l, s = kappa c, xh = the minimiser
ln(alpha A b / s) clipped to [0, b l_max], d = xh - x and r = alpha A e^(-xh)

    e = r (e^d - 1 - d) + (r - s / b) d,

two terms that are never negative (the second is 0 where xh is not clipped). So the gap is small because
its terms are, not because large numbers nearly cancel, and float64 shows gaps far below its own precision.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cvxtoken.allocation import model
from cvxtoken.allocation.problem import Workload
from cvxtoken.arrays import FloatArray

_ROUNDING = 16 * np.finfo(np.float64).eps  # generous for a handful of operations in a row


def dual_gap(workload: Workload, tokens: FloatArray) -> FloatArray:
    """Upper bound of J* - J(l), in s, rounding allowed for; shape (...) for tokens of shape (..., N).

    The allowance is a first-order bound of the rounding errors, generous but not rigorous: the proof is
    `certify`. Infinite where rho >= 1, or is not surely below 1.
    """
    w, lam = workload, workload.arrival_rate
    t = model.service_time(w, tokens)
    s2 = (t * t) @ w.prior
    y = model.idle(w, tokens)
    y_error = _ROUNDING * (2 * float(w.idle_at_zero) - y)
    stable = y > y_error  # surely
    y = np.where(stable, y, 1.0)
    P = 1 + lam**2 * s2 / (2 * y**2)
    kappa = P[..., None] + (lam / y)[..., None] * t
    excess, allowance = _excess(w, kappa * w.time_per_token / w.saturation_rate, tokens)
    # with z = t / y' and y' off by a share eps of y, lambda E[S^2] eps^2 / (2 y) of the coupling is left
    coupling = lam * s2 * (y_error / y) ** 2 / (2 * y)
    return np.where(stable, (excess + allowance) @ w.prior + coupling, np.inf)


def excess(
    workload: Workload, slope: FloatArray, tokens: FloatArray, types: NDArray[np.intp] | None = None
) -> FloatArray:
    """e_k: alpha A e^(-b l) + (s / b) b l over its minimum on [0, l_max], in s, shape (..., N).

    Args:
        workload: the instance.
        slope: s / b = kappa c / b, in s, shape (..., N).
        tokens: l, shape (..., N).
        types: the type of each entry along the last axis, where they are not 0..N-1 in this order.
    """
    return _excess(workload, slope, tokens, types)[0]


def _excess(
    w: Workload, slope: FloatArray, tokens: FloatArray, types: NDArray[np.intp] | None = None
) -> tuple[FloatArray, FloatArray]:
    """The excess and the allowance for its rounding."""
    b, A, l_max = (
        field if types is None else field[types]
        for field in (w.saturation_rate, w.accuracy_gain, w.max_tokens)
    )
    alpha_A = w.accuracy_weight * A
    x, x_max = b * tokens, b * l_max
    root = np.log(alpha_A / slope)
    high = root >= x_max
    clipped = (root <= 0) | high
    target = np.clip(root, 0.0, x_max)
    r = np.where(clipped, alpha_A * np.exp(-target), slope)
    d = np.where(high, b * (l_max - tokens), target - x)
    with np.errstate(over="ignore"):
        growth = np.expm1(d)
    series = d * d / 2 * (1 + d / 3 * (1 + d / 4 * (1 + d / 5)))  # e^d - 1 - d, where that would cancel
    found = r * np.where(np.abs(d) < 1e-3, series, growth - d) + (r - slope) * d
    # an error of d by delta changes r (e^d - 1 - d) by at most r (|e^d - 1| delta + delta^2)
    delta = np.where(clipped, 0.0, _ROUNDING * (4 + x + target))
    return found, r * delta * (np.abs(growth) + delta) + _ROUNDING * found
