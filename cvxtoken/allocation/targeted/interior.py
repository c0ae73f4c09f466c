"""The optimum under targets in float64: a primal-dual interior-point method at O(N) a step (derived here).

The unknowns are the tokens d beyond the least ones, 0 <= d <= `width`. Every value is the change that d
makes, so that nothing cancels, however little room a target leaves. With g_i the value of upper target i,
room_i its room, f the change of F = -J and `barrier` a weight, the barrier function

    f(d) - barrier [N sum log(room_i - g_i(d)) + sum log d + sum log(width - d)]

is convex (with the factor N a target weighs as much as all types). The weight falls. At each weight, steps of
Newton's method are damped until the function falls; the matrix of a step holds the multipliers of the last
point (the primal-dual method, a descent direction). Hessian and gradients lie in a few directions beside a
diagonal: pi c, and pi c times the marginal time of `model`, for delay and load; pi for the mean tokens.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvxtoken.allocation import model
from cvxtoken.allocation.memory import memory_row
from cvxtoken.allocation.problem import Workload
from cvxtoken.allocation.targets import MEMORY, Targets
from cvxtoken.arrays import FloatArray

_FALL = 0.1  # of the barrier's weight
_LAST = 1e-12  # of what there is to gain: down to here float64 tells a slack from the rounding of its room
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
    """What d tokens beyond the least ones change, with derivatives (symbols as in the module's docstring)."""

    def __init__(self, workload: Workload, targets: Targets, least: FloatArray, names: list[str]) -> None:
        self.w, self.least, self.names = workload, least, names
        self.alpha, self.weight = targets.accuracy_weight(workload), targets.delay_weight
        self.y0 = float(model.idle(workload, least))
        self.marginal0 = model.marginal_time(workload, least)
        self.Q0 = float(model.spread(workload, least))
        self.curvature = model.curvature(workload)
        self.delay = bool(self.weight or set(names) & {"max_mean_system_time", "max_mean_wait"})
        if MEMORY in names:
            row = memory_row(workload, targets.limits[MEMORY], float)
            a, self.memory = np.array(row.a), np.array(row.q)
            self.memory0 = a + self.memory * least
        scale = self.alpha * workload.prior * workload.accuracy_gain
        self.gain = scale * np.exp(-workload.saturation_rate * least)

    def at(self, d: FloatArray) -> None:
        """Move to d; y may then be found not positive."""
        w, lam, law = self.w, self.w.rate, self.w.law
        self.d = d
        self.marginal = self.marginal0 + self.curvature / w.time_per_token * d
        service = float((w.prior * w.time_per_token) @ d)
        load = lam * law.token_share * service
        self.y = self.y0 - load
        rise = law.square * float((w.prior * w.time_per_token * d) @ (self.marginal0 + self.marginal))
        self.Q = self.Q0 + rise
        shared = lam / 2 * (rise * self.y0 + self.Q0 * load) / (self.y * self.y0) if self.delay else 0.0
        system = shared + law.direct * service
        self.f = float(self.gain @ np.expm1(-w.saturation_rate * d)) + self.weight * system
        values = {
            "max_mean_system_time": system,
            "max_mean_wait": shared + (law.direct - 1) * service,
            "max_utilization": load,
            "max_mean_tokens": float(w.prior @ d),
        }
        if MEMORY in self.names:
            values[MEMORY] = float((self.memory0 + self.memory * d / 2) @ d)
        self.g = np.array([values[name] for name in self.names])

    def derivatives(self) -> None:
        """Gradients of f and of every g, and what the Hessians are made of."""
        w, lam, law, y = self.w, self.w.rate, self.w.law, self.y
        y = y if self.delay else 1.0
        a, sigma = w.prior * w.time_per_token, law.token_share
        self.V = np.column_stack([a, law.square * a * self.marginal])
        shared = lam * self.V[:, 1] / y + sigma * lam**2 * self.Q / (2 * y**2) * a if self.delay else 0 * a
        gradients = {
            "max_mean_system_time": shared + law.direct * a,
            "max_mean_wait": shared + (law.direct - 1) * a,
            "max_utilization": lam * sigma * a,
            "max_mean_tokens": w.prior,
        }
        if MEMORY in self.names:
            gradients[MEMORY] = self.memory0 + self.memory * self.d
        self.g1 = (
            np.column_stack([gradients[name] for name in self.names]) if self.names else np.zeros((len(a), 0))
        )
        decay = self.gain * np.exp(-w.saturation_rate * self.d)
        self.f1 = self.weight * (shared + law.direct * a) - w.saturation_rate * decay
        self.f2 = w.saturation_rate**2 * decay
        self.wait2 = lam * law.square * w.prior * self.curvature / y
        self.core = model.load_core(w, y, self.Q)


def interior_point(
    workload: Workload, targets: Targets, least: FloatArray, width: FloatArray, room: dict[str, float]
) -> InteriorPoint:
    """The optimum under upper targets, to about ten digits of what it gains over the least tokens.

    Args:
        workload: the instance.
        targets: the objective; `room` says which upper targets there are.
        least: tokens that meet all targets, shape (N,).
        width: how many tokens beyond the least are allowed, shape (N,), positive.
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
    barrier = float(np.abs(change.f1 * d).mean()) + 1e-300
    last = barrier * _LAST
    waits = np.array([name in ("max_mean_system_time", "max_mean_wait") for name in names], dtype=float)
    low, high, price = barrier / d, barrier / (width - d), len(d) * barrier / (rooms - change.g)
    while True:
        try:
            for _ in range(_STEPS):
                d, low, high, price, done = _step(change, d, width, rooms, low, high, price, barrier, waits)
                if done:
                    break
        except np.linalg.LinAlgError:
            break  # near the ends of float64; the polish and the certificate judge the last point inside
        if barrier <= last:
            break
        barrier = max(barrier * _FALL, last)
    slack = (rooms - change.g) / rooms if names else rooms
    prices = dict(zip(names, price.tolist(), strict=True))
    return InteriorPoint(least + d, -change.f, dict(zip(names, slack.tolist(), strict=True)), prices)


def _barrier(change: _Change, d: FloatArray, width: FloatArray, rooms: FloatArray, barrier: float) -> float:
    """The barrier function at d; infinite outside."""
    change.at(d)
    left = rooms - change.g
    if (change.delay and change.y <= 0) or (left <= 0).any() or (d <= 0).any() or (d >= width).any():
        return float("inf")
    logs = len(d) * np.log(left / rooms).sum() + np.log(d / width).sum() + np.log1p(-d / width).sum()
    return float(change.f - barrier * float(logs))


def _step(
    change: _Change,
    d: FloatArray,
    width: FloatArray,
    rooms: FloatArray,
    low: FloatArray,
    high: FloatArray,
    price: FloatArray,
    barrier: float,
    waits: FloatArray,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, bool]:
    """One damped Newton step at a fixed weight: the new point, and whether it is near the central path."""
    here = _barrier(change, d, width, rooms, barrier)
    change.derivatives()
    V, G, slack = change.V, change.g1, rooms - change.g
    e = change.weight + float(waits @ price)
    diagonal = change.f2 + e * change.wait2 + low / d + high / (width - d)
    if MEMORY in change.names:
        diagonal = diagonal + price[change.names.index(MEMORY)] * change.memory
    residual = change.f1 + G @ price - barrier / d + barrier / (width - d)
    # the solution is (x, dp): diagonal dd + V x + G dp = -residual, x = e core V'dd, and
    # G'dd - (slack / price) dp = slack - N barrier / price
    columns = np.column_stack([V, G])
    scaled = columns.T / diagonal
    gram, right = scaled @ columns, scaled @ residual
    core = e * change.core
    matrix = np.block(
        [
            [np.eye(2) + core @ gram[:2, :2], core @ gram[:2, 2:]],
            [gram[2:, :2], gram[2:, 2:] + np.diag(slack / price)],
        ]
    )
    right = np.concatenate([-core @ right[:2], -right[2:] - (slack - len(d) * barrier / price)])
    solution = np.linalg.solve(matrix, right)
    if not np.isfinite(solution).all():
        raise np.linalg.LinAlgError("the step is not a finite number")
    dd = -(residual + columns @ solution) / diagonal
    dp = solution[2:]
    gradient = change.f1 + G @ (len(d) * barrier / slack) - barrier / d + barrier / (width - d)
    fall = float(gradient @ dd)
    length = min(1.0, _EDGE * _reach(d, dd), _EDGE * _reach(width - d, -dd))
    noise = 1e-14 * (abs(change.f) + barrier * len(d))
    while length > 1e-12:
        new = d + length * dd
        if _barrier(change, new, width, rooms, barrier) <= here + 1e-4 * length * fall + noise:
            break
        length /= 2
    else:
        new = d
        change.at(d)
    dlow, dhigh = barrier / d - low - low / d * dd, barrier / (width - d) - high + high / (width - d) * dd
    dual = min(1.0, _EDGE * min(_reach(z, dz) for z, dz in ((low, dlow), (high, dhigh), (price, dp))))
    low, high, price = low + dual * dlow, high + dual * dhigh, price + dual * dp
    # far from the central path the multipliers would not give a descent direction of use
    low, high = (
        np.clip(z, barrier / x / 1e8, barrier / x * 1e8) for z, x in ((low, new), (high, width - new))
    )
    left = rooms - change.g
    price = np.clip(price, len(d) * barrier / left / 1e8, len(d) * barrier / left * 1e8)
    return (
        new,
        low,
        high,
        price,
        (-fall <= 0.01 * barrier * len(d) and length * dual > 0.5) or length <= 1e-12,
    )


def _reach(x: FloatArray, dx: FloatArray) -> float:
    """How many steps dx lead from x > 0 to 0."""
    falling = dx < 0
    return float((x[falling] / -dx[falling]).min()) if falling.any() else float("inf")
