"""How far points are from obeying a cone program: residuals, distances from the cones, the gap.

All figures are relative, 0 where the conditions hold: A v + s = b with s in K; A'z + q = 0 with z in K*;
q'v + b'z = 0. Distances are along one coordinate, which is an upper bound of the distance itself.
"""

from __future__ import annotations

import numpy as np

from cvxtoken.arrays import FloatArray
from cvxtoken.conic.program import EXPONENTIAL, SECOND_ORDER, ZERO, ConeProgram, Cones, blocks


def primal_residual(program: ConeProgram, v: FloatArray) -> float:
    """How far s = b - A v is outside K, relative to 1 + max |b| + max |A| |v|."""
    scale = 1 + np.abs(program.b).max(initial=0) + (abs(program.A) @ np.abs(v)).max(initial=0)
    return outside(program.b - program.A @ v, program.cones) / float(scale)


def dual_residual(program: ConeProgram, z: FloatArray) -> float:
    """The larger of max |A'z + q| / (max |q| + max |A'| |z|) and how far z is outside K*, by 1 + max |z|."""
    scale = float(np.abs(program.q).max() + (abs(program.A.T) @ np.abs(z)).max())
    residual = float(np.abs(program.A.T @ z + program.q).max()) / (scale or 1.0)
    return max(residual, outside(z, program.cones, dual=True) / float(1 + np.abs(z).max(initial=0)))


def gap(program: ConeProgram, v: FloatArray, z: FloatArray) -> float:
    """|q'v + b'z|, relative to 1 + |q|'|v| + |b|'|z|."""
    scale = 1 + np.abs(program.q) @ np.abs(v) + np.abs(program.b) @ np.abs(z)
    return float(abs(program.q @ v + program.b @ z) / scale)


def outside(point: FloatArray, cones: Cones, dual: bool = False) -> float:
    """The largest distance of a part of a point from its cone, or from the dual of its cone."""
    worst, exponential = 0.0, []
    for kind, rows in blocks(cones):
        part = point[rows.start : rows.stop]
        if kind == ZERO:
            worst = worst if dual else max(worst, float(np.abs(part).max()))
        elif kind == EXPONENTIAL:
            exponential.append(part)
        elif kind == SECOND_ORDER:
            worst = max(worst, float(np.linalg.norm(part[1:]) - part[0]))
        else:
            worst = max(worst, float(-part.min(initial=0)))
    if exponential:
        far = _outside_dual_exponential if dual else _outside_exponential
        worst = max(worst, float(far(*np.array(exponential).T).max()))
    return worst


def _outside_exponential(r: FloatArray, s: FloatArray, t: FloatArray) -> FloatArray:
    """Of s e^(r / s) <= t: up in t or down in r, whichever is nearer; at s <= 0 of r <= 0, s = 0, t >= 0."""
    with np.errstate(all="ignore"):
        up = s * np.exp(np.minimum(r / s, 700)) - t
        down = np.where(t > 0, r - s * np.log(t / s), np.inf)
    edge = np.maximum(np.maximum(r, -s), -t)
    return np.maximum(np.where(s > 0, np.minimum(up, down), edge), 0)


def _outside_dual_exponential(u: FloatArray, v: FloatArray, w: FloatArray) -> FloatArray:
    """Of -u e^(v / u) <= e w with u < 0: up in w or up in v; at u >= 0 of u = 0, v >= 0, w >= 0."""
    edge = np.maximum(np.maximum(u, -v), -w)
    with np.errstate(all="ignore"):
        up = -u * np.exp(np.minimum(v / u - 1, 700)) - w
        right = np.where(w > 0, u * (1 + np.log(-w / u)) - v, np.inf)
    # as u goes to 0 the cone ends in its edge, from which tiny u < 0 are not far
    near = np.minimum(np.minimum(up, right), np.maximum(edge, -u))
    return np.maximum(np.where(u < 0, near, edge), 0)
