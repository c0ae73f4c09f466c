"""Is the optimum of a changed model proven? 100 random problems with another curve, 100 with another delay.

Claims: every problem is enclosed, its two bounds within 1e-12 of each other (relative), and the objective
that another road finds, which knows neither cones nor CVXPY, is within 1e-12 of them (relative, and beyond
what the rounding of compiled data may do). The other road is coordinate ascent: J is concave and smooth, and
the box is separable, so that it ends at the optimum; each step is a root of a derivative, bracketed. Doubles
carry some 1e-15 of J, which is flat there. Nothing of this is chance: the seeds are fixed.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass

import cvxpy as cp
import numpy as np
from scipy.optimize import brentq

from cvxtoken.arrays import FloatArray
from cvxtoken.conic.problems import certify_problem
from cvxtoken.picture import COLOURS, axes, legend, save
from cvxtoken.tables import table
from validation.studies import options

GAP = 1e-12  # relative


@dataclass(frozen=True)
class Drawn:
    """A random server with five task types or fewer: tokens in thousands, times in s."""

    pi: FloatArray
    A: FloatArray
    k: FloatArray  # where Hill's curve has half of A
    D: FloatArray
    t0: FloatArray
    c: FloatArray
    top: FloatArray
    alpha: float
    lam: float
    sigma: float

    @classmethod
    def draw(cls, seed: int) -> Drawn:
        """Numbers of three digits; the load without thinking is from 0.02 to 0.5 one at a time."""
        rng = np.random.default_rng(seed)
        n = int(rng.integers(2, 6))
        weights = rng.integers(5, 100, n)
        A = rng.integers(50, 700, n) / 1000
        t0, pi = rng.integers(50, 900, n) / 1000, weights / weights.sum()
        return cls(
            pi=pi,
            A=A,
            k=rng.integers(100, 3000, n) / 1000,
            D=np.minimum(rng.integers(0, 500, n) / 1000, 1 - A),
            t0=t0,
            c=rng.integers(50, 999, n) / 1000,
            top=rng.integers(1000, 32000, n) / 1000,
            alpha=float(rng.integers(10, 500)),
            lam=float(rng.integers(20, 500) / 1000 / (pi @ t0)),
            sigma=float(rng.integers(5, 500) / 1000),
        )


def hill_fifo(d: Drawn, x: cp.Variable) -> cp.Expression:
    """J with p = A x / (x + k) + D, one query at a time."""
    t = d.t0 + cp.multiply(d.c, x)
    p = cp.multiply(d.A, 1 - cp.multiply(d.k, cp.inv_pos(x + d.k))) + d.D
    wait = d.lam / 2 * cp.quad_over_lin(cp.multiply(np.sqrt(d.pi), t), 1 - d.lam * (d.pi @ t))
    return d.alpha * (d.pi @ p) - d.pi @ t - wait


def hill_fifo_slope(d: Drawn, x: FloatArray) -> FloatArray:
    """dJ/dx of it, over pi; minus infinity where the queue is not stable."""
    t = d.t0 + d.c * x
    y = 1 - d.lam * (d.pi @ t)
    if y <= 0:
        return np.full(len(x), -np.inf)
    h = 1 + d.lam * t / y + d.lam**2 * (d.pi @ t**2) / (2 * y**2)
    return np.asarray(d.alpha * d.A * d.k / (x + d.k) ** 2 - h * d.c)


def saturating_sharing(d: Drawn, x: cp.Variable) -> cp.Expression:
    """J with p = A (1 - exp(-x / k)) + D under E[T] = K / y - 1 / (lam sigma), prefill blocking."""
    p = cp.multiply(d.A, 1 - cp.exp(cp.multiply(-1 / d.k, x))) + d.D
    T0 = d.pi @ d.t0
    y = 1 - d.lam * (T0 + d.sigma * ((d.pi * d.c) @ x))
    K = T0 + (1 - d.lam * T0) / (d.lam * d.sigma)
    return d.alpha * (d.pi @ p) - K * cp.inv_pos(y) + 1 / (d.lam * d.sigma)


def saturating_sharing_slope(d: Drawn, x: FloatArray) -> FloatArray:
    """dJ/dx of it, over pi; minus infinity where the server is not stable."""
    T0 = d.pi @ d.t0
    y = 1 - d.lam * (T0 + d.sigma * ((d.pi * d.c) @ x))
    if y <= 0:
        return np.full(len(x), -np.inf)
    T = (T0 + (d.pi * d.c) @ x) / y
    h = (1 + d.lam * d.sigma * T) / y  # of E[T], by the seconds of tokens
    return np.asarray(d.alpha * d.A / d.k * np.exp(-x / d.k) - h * d.c)


Slope = Callable[[Drawn, FloatArray], FloatArray]
MODELS: dict[str, tuple[Callable[[Drawn, cp.Variable], cp.Expression], Slope]] = {
    "Hill's curve, one at a time": (hill_fifo, hill_fifo_slope),
    "saturating curve, shared": (saturating_sharing, saturating_sharing_slope),
}


def ascent(d: Drawn, slope: Slope, rounds: int = 2000) -> FloatArray:
    """The optimal tokens by coordinate ascent: in turn each type's best, the others held."""
    x = np.zeros(len(d.pi))
    for _ in range(rounds):
        before = x.copy()
        for j in range(len(x)):
            x[j] = _best(d, slope, x, j)
        if np.abs(x - before).max() <= 1e-13 * (1 + np.abs(x).max()):
            break
    return x


def _best(d: Drawn, slope: Slope, x: FloatArray, j: int) -> float:
    """The root of the j-th derivative over its box, or the end where it is best."""

    def at(value: float) -> float:
        moved = x.copy()
        moved[j] = value
        return float(max(slope(d, moved)[j], -1e9))

    top = float(d.top[j])
    if at(0.0) <= 0:
        return 0.0
    return top if at(top) >= 0 else float(brentq(at, 0.0, top, xtol=1e-14, rtol=1e-15, maxiter=200))


def two_roads(name: str, seed: int) -> tuple[float, float, float]:
    """Relative to J: the proof's width, its data radius, and how far beyond that the other road is."""
    objective, slope = MODELS[name]
    d = Drawn.draw(seed)
    x = cp.Variable(len(d.pi), name="x")
    J = objective(d, x)
    proof = certify_problem(cp.Problem(cp.Maximize(J), [x >= 0, x <= d.top]))
    if proof.lower is None or proof.upper is None or proof.data_radius is None:
        print(f"seed {seed}, {name}: {proof.claim}, {proof.notes}")
        return math.inf, math.inf, math.inf
    x.value = ascent(d, slope)
    scale = 1 + abs(float(J.value))
    apart = max(abs(float(proof.lower) - float(J.value)) - proof.data_radius, 0.0)
    return float(proof.upper - proof.lower) / scale, proof.data_radius / scale, apart / scale


def main() -> int:
    """The exit status: 1 where a claim fails."""
    asked = options(__doc__).parse_args()
    seeds = range(3 if asked.quick else 100)
    found = {name: np.array([two_roads(name, seed) for seed in seeds]) for name in MODELS}
    rows = [[name, str(len(f)), *(f"{x:.1e}" for x in f.max(axis=0))] for name, f in found.items()]
    print(table(["model", "problems", "width", "data radius", "other road"], rows))
    if asked.picture:
        figure, drawn = axes("problems, sorted (count)", "distance of the two roads, relative (no unit)")
        for (name, f), colour, marker in zip(found.items(), COLOURS, "os", strict=False):
            far = np.maximum(np.sort(f[:, 2]), 1e-17)
            drawn.semilogy(far, marker, color=colour, markersize=4, label=name)
        legend(drawn)
        save(figure, asked.picture)
    worst = max(f[:, [0, 2]].max() for f in found.values())
    said = "every optimum is proven, and found by another road too" if worst <= GAP else "NOT all is proven"
    print("verdict: " + said + f": the largest width or distance is {worst:.0e}")
    return int(not worst <= GAP)


if __name__ == "__main__":
    sys.exit(main())
