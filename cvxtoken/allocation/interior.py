"""The optimum under targets in float64: a primal-dual interior-point method at O(N) a step (derived here).

Unknowns are the tokens d >= 0 beyond the least ones, at most `width`; every value is the change that d makes,
so that nothing cancels however little room a target leaves. With the value g_i of upper target i, its room
r_i and the change f of F = -J, the barrier function

    f(d) - tau [N sum log(r_i - g_i(d)) + sum log d + sum log(width - d)]

is convex (with the factor N a target weighs as much as all types). tau falls; at each, Newton's method with
the multipliers of the last point in its matrix (the primal-dual one, a descent direction) is damped until the
function falls. Hessian and gradients lie in a few directions beside a diagonal: pi c, and pi c times the
marginal time of `model`, for delay and load, pi for the mean tokens.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvxtoken.allocation import model
from cvxtoken.allocation.problem import Workload
from cvxtoken.allocation.targets import Targets
from cvxtoken.arrays import FloatArray

_FALL = 0.1  # of the barrier's weight
_LAST = 1e-12  # of what there is to gain: float64 tells a slack from its room's rounding down to here
_STEPS = 40  # of Newton's method at one weight, at most
_EDGE = 0.99  # of the way to the boundary


@dataclass(frozen=True)
class InteriorPoint:
    """Tokens inside all targets, and multipliers.

    Attributes:
        tokens: shape (N,).
        gain: of J over the least tokens.
        slack: by upper target, what is left of its room, as a share.
        multipliers: by upper target.
    """

    tokens: FloatArray
    gain: float
    slack: dict[str, float]
    multipliers: dict[str, float]


class _Change:
    """What d tokens beyond the least ones change, with first derivatives; see the module's text."""

    def __init__(self, workload: Workload, targets: Targets, least: FloatArray, names: list[str]) -> None:
        self.w, self.least, self.names = workload, least, names
        self.alpha, self.weight = targets.accuracy_weight(workload), targets.delay_weight
        self.y0 = float(model.idle(workload, least))
        self.marginal0 = model.marginal_time(workload, least)
        self.s0 = float(model.moments(workload, least)[1])
        self.curvature = model.curvature(workload)
        self.delay = bool(self.weight or set(names) & {"max_mean_system_time", "max_mean_wait"})
        scale = self.alpha * workload.prior * workload.accuracy_gain
        self.gain = scale * np.exp(-workload.saturation_rate * least)

    def at(self, d: FloatArray) -> None:
        """Move to d; y may then be found not positive."""
        w, lam = self.w, self.w.arrival_rate
        self.d = d
        self.marginal = self.marginal0 + self.curvature / w.time_per_token * d
        service = float((w.prior * w.time_per_token) @ d)
        self.y = self.y0 - lam * service
        square = float((w.prior * w.time_per_token * d) @ (self.marginal0 + self.marginal))
        self.s2 = self.s0 + square
        wait = (
            lam / 2 * (square * self.y0 + self.s0 * lam * service) / (self.y * self.y0) if self.delay else 0.0
        )
        self.f = float(self.gain @ np.expm1(-w.saturation_rate * d)) + self.weight * (service + wait)
        values = {
            "max_mean_system_time": service + wait,
            "max_mean_wait": wait,
            "max_utilization": lam * service,
            "max_mean_tokens": float(w.prior @ d),
        }
        self.g = np.array([values[name] for name in self.names])

    def derivatives(self) -> None:
        """Gradients of f and of every g, and what the Hessians are made of."""
        w, lam, y = self.w, self.w.arrival_rate, self.y
        y = y if self.delay else 1.0
        a = w.prior * w.time_per_token
        self.V = np.column_stack([a, a * self.marginal])
        wait = lam * self.V[:, 1] / y + lam**2 * self.s2 / (2 * y**2) * a if self.delay else 0 * a
        gradients = {
            "max_mean_system_time": a + wait,
            "max_mean_wait": wait,
            "max_utilization": lam * a,
            "max_mean_tokens": w.prior,
        }
        self.C = (
            np.column_stack([gradients[name] for name in self.names]) if self.names else np.zeros((len(a), 0))
        )
        decay = self.gain * np.exp(-w.saturation_rate * self.d)
        self.f1 = self.weight * (a + wait) - w.saturation_rate * decay
        self.f2 = w.saturation_rate**2 * decay
        self.wait2 = lam * w.prior * self.curvature / y
        self.core = np.array([[lam**3 * self.s2 / y**3, lam**2 / y**2], [lam**2 / y**2, 0.0]])


def interior_point(
    workload: Workload, targets: Targets, least: FloatArray, width: FloatArray, room: dict[str, float]
) -> InteriorPoint:
    """The optimum under upper targets, to about ten digits of what it gains over the least tokens.

    Args:
        workload: the instance.
        targets: the objective; which upper targets there are is said by `room`.
        least: tokens that meet all targets, shape (N,).
        width: tokens beyond the least that are allowed, shape (N,), positive.
        room: by upper target, its limit less the value at the least tokens, positive.
    """
    names, rooms = list(room), np.array(list(room.values()))
    change = _Change(workload, targets, least, names)
    d = np.minimum(0.5 * width, 1 / workload.saturation_rate)
    for _ in range(2000):  # a strictly feasible start
        change.at(d)
        if (change.y > change.y0 / 2 or not change.delay) and (change.g < rooms / 2).all():
            break
        d = d / 2
    change.derivatives()
    tau = float(np.abs(change.f1 * d).mean()) + 1e-300
    last = tau * _LAST
    waits = np.array([name in ("max_mean_system_time", "max_mean_wait") for name in names], dtype=float)
    low, high, price = tau / d, tau / (width - d), len(d) * tau / (rooms - change.g)
    while True:
        try:
            for _ in range(_STEPS):
                d, low, high, price, done = _step(change, d, width, rooms, low, high, price, tau, waits)
                if done:
                    break
        except np.linalg.LinAlgError:
            break  # near the ends of float64; the polish and the certificate judge the last point inside
        if tau <= last:
            break
        tau = max(tau * _FALL, last)
    slack = (rooms - change.g) / rooms if names else rooms
    prices = dict(zip(names, price.tolist(), strict=True))
    return InteriorPoint(least + d, -change.f, dict(zip(names, slack.tolist(), strict=True)), prices)


def _barrier(change: _Change, d: FloatArray, width: FloatArray, rooms: FloatArray, tau: float) -> float:
    """The barrier function at d; infinite outside."""
    change.at(d)
    left = rooms - change.g
    if (change.delay and change.y <= 0) or (left <= 0).any() or (d <= 0).any() or (d >= width).any():
        return float("inf")
    logs = len(d) * np.log(left / rooms).sum() + np.log(d / width).sum() + np.log1p(-d / width).sum()
    return change.f - tau * float(logs)


def _step(
    change: _Change,
    d: FloatArray,
    width: FloatArray,
    rooms: FloatArray,
    low: FloatArray,
    high: FloatArray,
    price: FloatArray,
    tau: float,
    waits: FloatArray,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, bool]:
    """One damped Newton step at a fixed tau; the new point, and whether it is near the central path."""
    here = _barrier(change, d, width, rooms, tau)
    change.derivatives()
    V, C, s = change.V, change.C, rooms - change.g
    e = change.weight + float(waits @ price)
    D = change.f2 + e * change.wait2 + low / d + high / (width - d)
    r = change.f1 + C @ price - tau / d + tau / (width - d)
    # D dd + V x + C dp = -r, x = e core V'dd, C'dd - (s / price) dp = s - N tau / price
    B = np.column_stack([V, C])
    BD = B.T / D
    G, Br = BD @ B, BD @ r
    core = e * change.core
    matrix = np.block(
        [[np.eye(2) + core @ G[:2, :2], core @ G[:2, 2:]], [G[2:, :2], G[2:, 2:] + np.diag(s / price)]]
    )
    right = np.concatenate([-core @ Br[:2], -Br[2:] - (s - len(d) * tau / price)])
    x = np.linalg.solve(matrix, right)
    if not np.isfinite(x).all():
        raise np.linalg.LinAlgError("the step is no number")
    dd = -(r + B @ x) / D
    dp = x[2:]
    gradient = change.f1 + C @ (len(d) * tau / s) - tau / d + tau / (width - d)
    fall = float(gradient @ dd)
    length = min(1.0, _EDGE * _reach(d, dd), _EDGE * _reach(width - d, -dd))
    noise = 1e-14 * (abs(change.f) + tau * len(d))
    while length > 1e-12:
        new = d + length * dd
        if _barrier(change, new, width, rooms, tau) <= here + 1e-4 * length * fall + noise:
            break
        length /= 2
    else:
        new = d
        change.at(d)
    dlow, dhigh = tau / d - low - low / d * dd, tau / (width - d) - high + high / (width - d) * dd
    dual = min(1.0, _EDGE * min(_reach(z, dz) for z, dz in ((low, dlow), (high, dhigh), (price, dp))))
    low, high, price = low + dual * dlow, high + dual * dhigh, price + dual * dp
    # far from the central path the multipliers would not give a descent direction of use
    low, high = (np.clip(z, tau / x / 1e8, tau / x * 1e8) for z, x in ((low, new), (high, width - new)))
    left = rooms - change.g
    price = np.clip(price, len(d) * tau / left / 1e8, len(d) * tau / left * 1e8)
    return new, low, high, price, (-fall <= 0.01 * tau * len(d) and length * dual > 0.5) or length <= 1e-12


def _reach(x: FloatArray, dx: FloatArray) -> float:
    """How many steps dx lead from x > 0 to 0."""
    falling = dx < 0
    return float((x[falling] / -dx[falling]).min()) if falling.any() else float("inf")
