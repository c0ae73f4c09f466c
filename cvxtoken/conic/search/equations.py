"""The central path of a cone program as equations, in balls (derived here).

The unknowns x, s, z and, of each exponential cone, w obey A x + s = b, A'z + q = 0 and the equations of
`smooth`, which have the parameter mu.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from flint import arb

from cvxtoken.arrays import FloatArray
from cvxtoken.conic.program import ZERO, ConeProgram, blocks
from cvxtoken.conic.search.cones import cones_of
from cvxtoken.conic.search.effort import Effort
from cvxtoken.conic.search.exact import rows_of
from cvxtoken.conic.search.smooth import Cone

Vector = list[arb]


@dataclass(frozen=True)
class Point:
    """Unknowns, midpoints of balls; w by cone."""

    x: Vector
    s: Vector
    z: Vector
    w: list[Vector]


class Equations:
    """The equations of a program whose rows and columns are independent."""

    def __init__(self, program: ConeProgram, effort: Effort | None = None) -> None:
        self.program, self.effort = program, effort or Effort()
        self.rows = rows_of(program)
        self.b, self.q = (list(map(arb, v.tolist())) for v in (program.b, program.q))
        self.zero = [i for kind, rows in blocks(program.cones) if kind == ZERO for i in rows]
        self.cones = cones_of(program)
        self.degree = sum(cone.degree for cone in self.cones)

    def start(self, x: FloatArray, s: FloatArray, z: FloatArray) -> Point:
        """A solver's point, pushed into the cones."""
        s, z = s.copy(), z.copy()
        s[self.zero] = 0
        for cone in self.cones:
            for v, dual in ((s, False), (z, True)):
                v[cone.rows] = _pushed(cone, v[cone.rows], dual)
        balls = [[arb(a) for a in v.tolist()] for v in (x, s, z)]
        return self.with_auxiliary(Point(balls[0], balls[1], balls[2], []))

    def with_auxiliary(self, point: Point) -> Point:
        """The point with w as s and z say."""
        w = []
        for cone in self.cones:
            s, z = ([v[i] for i in cone.rows] for v in (point.s, point.z))
            w.append([value.mid() for value in cone.auxiliary(s, z)])
        return replace(point, w=w)

    def mu(self, point: Point) -> arb:
        """s'z over the degree of the cones."""
        total = sum((point.s[i] * point.z[i] for cone in self.cones for i in cone.rows), arb(0))
        return (total / max(self.degree, 1)).mid()

    def residuals(self, point: Point) -> tuple[Vector, Vector]:
        """b - A x - s, and -(A'z + q)."""
        primal, dual = [], [-a for a in self.q]
        for i, row in enumerate(self.rows):
            r = self.b[i] - point.s[i]
            for j, a in row.items():
                r -= point.x[j] * a
                dual[j] -= point.z[i] * a
            primal.append(r.mid())
        return primal, [r.mid() for r in dual]

    def local(self, point: Point, k: int) -> tuple[Vector, Vector, Vector]:
        """The unknowns s, z and w of a cone."""
        rows = self.cones[k].rows
        return [point.s[i] for i in rows], [point.z[i] for i in rows], point.w[k]

    def inside(self, point: Point) -> bool:
        """Whether s and z are in the interiors of the cones."""
        for k, cone in enumerate(self.cones):
            s, z, _ = self.local(point, k)
            if not (cone.inside(s, dual=False) and cone.inside(z, dual=True)):
                return False
        return True

    def error(self, point: Point, mu: arb) -> tuple[float, float]:
        """The largest error of complementarity, over mu, and of the linear equations."""
        worst = 0.0
        for k, cone in enumerate(self.cones):
            s, z, w = self.local(point, k)
            errors = zip(cone.equations(s, z, w, mu), cone.weights(s, z), strict=True)
            worst = max(worst, *(magnitude(e * weight / mu) for e, weight in errors))
        primal, dual = self.residuals(point)
        return worst, max(map(magnitude, primal + dual), default=0.0)


def moved(point: Point, step: Point, share: float = 1.0) -> Point:
    """A share of a step onward."""
    t = arb(share)

    def add(v: Vector, d: Vector) -> Vector:
        return [(a + t * c).mid() for a, c in zip(v, d, strict=True)]

    w = [add(v, d) for v, d in zip(point.w, step.w, strict=True)]
    return Point(add(point.x, step.x), add(point.s, step.s), add(point.z, step.z), w)


def _pushed(cone: Cone, v: FloatArray, dual: bool) -> FloatArray:
    """A point moved into the interior along a ray of it."""
    direction, step = np.array(cone.centre(dual)), max(1e-9, 1e-9 * float(np.abs(v).max()))
    if len(v) == 1:
        return np.maximum(v, 1e-12)
    while not cone.inside(v.tolist(), dual):
        v, step = v + step * direction, 2 * step
    return v


def magnitude(a: arb) -> float:
    """|a| in doubles, infinite where it is no number."""
    value = abs(float(a))
    return value if value == value else math.inf
