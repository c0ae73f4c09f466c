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

from cvxtoken.allocation import model
from cvxtoken.allocation.problem import Workload
from cvxtoken.typing import FloatArray

_ROUNDING = 16 * np.finfo(np.float64).eps  # generous for a handful of operations in a row


def dual_gap(workload: Workload, tokens: FloatArray) -> FloatArray:
    """Upper bound of J* - J(l), in s, rounding allowed for; shape (...) for tokens of shape (..., N).

    The allowance is a first-order bound of the rounding errors, generous but not rigorous: the proof is
    `certify`. Infinite where rho >= 1.
    """
    w, lam = workload, workload.arrival_rate
    b, c = w.saturation_rate, w.time_per_token
    t = model.service_time(w, tokens)
    y = model.idle(w, tokens)
    stable = y > 0
    y = np.where(stable, y, 1.0)
    z = t / y[..., None]
    Z = (z * z) @ w.prior
    kappa = 1 + (lam**2 * Z / 2)[..., None] + lam * z
    s = kappa * c
    x = b * tokens
    root = np.log(w.accuracy_weight * w.accuracy_gain * b / s)
    clipped = (root <= 0) | (root >= b * w.max_tokens)
    target = np.clip(root, 0.0, b * w.max_tokens)
    r = np.where(clipped, w.accuracy_weight * w.accuracy_gain * np.exp(-target), s / b)
    d = np.where(root >= b * w.max_tokens, b * (w.max_tokens - tokens), target - x)
    excess = r * _exp_remainder(d) + (r - s / b) * d
    # an error of d by delta changes r (e^d - 1 - d) by at most r (|e^d - 1| delta + delta^2)
    delta = np.where(clipped, 0.0, _ROUNDING * (4 + x + target))
    allowance = r * (np.abs(np.expm1(d)) * delta + delta**2) + _ROUNDING * excess
    # with z = t / y' and y' off by a relative error eps the coupling leaves lambda E[S^2] eps^2 / (2 y)
    eps = _ROUNDING * (2 * float(workload.idle_at_zero) - y) / y
    coupling = lam * ((t * t) @ w.prior) * eps**2 / (2 * y)
    return np.where(stable, (excess + allowance) @ w.prior + coupling, np.inf)


def relative_gap(workload: Workload, tokens: FloatArray) -> FloatArray:
    """dual_gap / (1 + |J|), shape (...); infinite where rho >= 1."""
    gap = dual_gap(workload, tokens)
    J = model.objective(workload, tokens)
    scale = np.where(np.isfinite(J), 1 + np.abs(J), 1.0)
    return np.asarray(gap / scale)


def _exp_remainder(d: FloatArray) -> FloatArray:
    """e^d - 1 - d, by its series where that would cancel."""
    series = d * d / 2 * (1 + d / 3 * (1 + d / 4 * (1 + d / 5)))
    with np.errstate(over="ignore"):
        return np.where(np.abs(d) < 1e-3, series, np.expm1(d) - d)
