"""Complementarity of the cones in equations that stay smooth at mu = 0, for Newton's method (derived here).

On the central path z = -mu times the gradient of a barrier of K at s, which is no equation to solve near mu
= 0. These are, and hold of the same points; s and z may be balls or doubles:

nonnegative    s z = mu
second-order   s'z = mu,  s_0 z_i + z_0 s_i = 0   (the product of the Jordan algebra, s o z = mu e)
exponential    with an unknown w = ln(t / y) of its own, for s = (x, y, t) and z = (u, v, o):
               t = y e^w,  -u (y w - x) = mu,  y (v + u w - u) = mu,  o e^w = v + u w - 2 u
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from flint import arb, arb_mat

from cvxtoken.conic.program import EXPONENTIAL, NONNEGATIVE, SECOND_ORDER

Matrix = list[list[Any]]
Rows = list[dict[int, Any]]  # of a matrix, without what is always 0


class Nonnegative:
    """One row."""

    degree, extra = 1, 0

    def __init__(self, rows: Sequence[int]) -> None:
        self.rows = list(rows)

    def equations(self, s: Any, z: Any, w: Any, mu: Any) -> list[Any]:
        """What is 0 on the path."""
        return [s[0] * z[0] - mu]

    def jacobian(self, s: Any, z: Any, w: Any) -> tuple[Rows, Rows]:
        """Its derivatives in s, and in z and w."""
        return [{0: z[0]}], [{0: s[0]}]

    def eliminated(self, s: Any, z: Any, w: Any, F: Any) -> tuple[Matrix, list[Any]]:
        """H and g, so that a step has d(z, w) = g - H ds."""
        return [[(z[0] / s[0]).mid()]], [(-F[0] / s[0]).mid()]

    def inside(self, v: Any, dual: bool) -> bool:
        """Whether a point is in the interior of the cone, or of its dual."""
        return bool(v[0] > 0)

    def centre(self, dual: bool) -> list[float]:
        """A point of the interior."""
        return [1.0]


class SecondOrder(Nonnegative):
    """Rows s_0, s'."""

    def equations(self, s: Any, z: Any, w: Any, mu: Any) -> list[Any]:
        """See `Nonnegative`."""
        product = sum((a * c for a, c in zip(s, z, strict=True)), 0 * s[0])
        return [product - mu, *(s[0] * c + z[0] * a for a, c in zip(s[1:], z[1:], strict=True))]

    def jacobian(self, s: Any, z: Any, w: Any) -> tuple[Rows, Rows]:
        """See `Nonnegative`."""
        return _arrow(z), _arrow(s)

    def eliminated(self, s: Any, z: Any, w: Any, F: Any) -> tuple[Matrix, list[Any]]:
        """See `Nonnegative`."""

        def solve(v: list[Any]) -> list[Any]:
            t = (s[0] * v[0] - sum((a * c for a, c in zip(s[1:], v[1:], strict=True)), arb(0))) / det
            return [t.mid(), *(((c - t * a) / s[0]).mid() for a, c in zip(s[1:], v[1:], strict=True))]

        det = s[0] * s[0] - sum((a * a for a in s[1:]), arb(0))
        columns = [solve([row.get(j, arb(0)) for row in _arrow(z)]) for j in range(len(s))]
        return [list(row) for row in zip(*columns, strict=True)], solve([-x for x in F])

    def inside(self, v: Any, dual: bool) -> bool:
        """See `Nonnegative`."""
        return bool(v[0] > 0) and bool(v[0] * v[0] - sum((a * a for a in v[1:]), 0 * v[0]) > 0)

    def centre(self, dual: bool) -> list[float]:
        """See `Nonnegative`."""
        return [1.0] + [0.0] * (len(self.rows) - 1)


class Exponential(Nonnegative):
    """Rows x, y, t."""

    degree, extra = 3, 1

    def equations(self, s: Any, z: Any, w: Any, mu: Any) -> list[Any]:
        """See `Nonnegative`."""
        (x, y, t), (u, v, o), (w,) = s, z, w
        e = _exp(w)
        return [
            t - y * e,
            -u * (y * w - x) - mu,
            y * (v + u * w - u) - mu,
            o * e + 2 * u - v - u * w,
        ]

    def jacobian(self, s: Any, z: Any, w: Any) -> tuple[Rows, Rows]:
        """See `Nonnegative`."""
        (x, y, t), (u, v, o), (w,) = s, z, w
        e = _exp(w)
        in_s = [{1: -e, 2: t * 0 + 1}, {0: u, 1: -u * w}, {1: v + u * w - u}, {}]
        in_z = [
            {3: -y * e},
            {0: x - y * w, 3: -u * y},
            {0: y * (w - 1), 1: y, 3: y * u},
            {0: 2 - w, 1: t * 0 - 1, 2: e, 3: o * e - u},
        ]
        return in_s, in_z

    def eliminated(self, s: Any, z: Any, w: Any, F: Any) -> tuple[Matrix, list[Any]]:
        """See `Nonnegative`."""
        in_s, in_z = self.jacobian(s, z, w)
        right = arb_mat([[*_filled(row, 3), -x] for row, x in zip(in_s, F, strict=True)])
        found = arb_mat([_filled(row, 4) for row in in_z]).solve(right, algorithm="approx").mid().tolist()
        return [row[:3] for row in found], [row[3] for row in found]

    def inside(self, v: Any, dual: bool) -> bool:
        """See `Nonnegative`."""
        x, y, t = (v[0] - v[1], -v[0], v[2]) if dual else v
        return bool(y > 0) and bool(t > 0) and bool(_log(t / y) - x / y > 0)

    def centre(self, dual: bool) -> list[float]:
        """See `Nonnegative`."""
        # where s = z = minus the gradient of the barrier -ln(y ln(t / y) - x) - ln y - ln t
        return [-1.051383945322714, 0.556409619469370, 1.258967884768947]


Cone = Nonnegative | SecondOrder | Exponential


def cones_of(kind: str, rows: Sequence[int]) -> list[Cone]:
    """The cones of a block: one a row for nonnegative rows, none for equations."""
    if kind == NONNEGATIVE:
        return [Nonnegative([i]) for i in rows]
    return [{SECOND_ORDER: SecondOrder, EXPONENTIAL: Exponential}[kind](rows)]


def _arrow(v: Any) -> Rows:
    """The matrix of the Jordan product with v."""
    return [dict(enumerate(v)), *({0: a, i: v[0]} for i, a in enumerate(v[1:], 1))]


def _filled(row: dict[int, Any], size: int) -> list[Any]:
    return [row.get(j, arb(0)) for j in range(size)]


def _exp(w: Any) -> Any:
    return w.exp() if isinstance(w, arb) else math.exp(w)


def _log(w: Any) -> Any:
    return w.log() if isinstance(w, arb) else math.log(w)
