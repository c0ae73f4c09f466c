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


class Nonnegative:
    """One row."""

    degree, extra = 1, 0

    def __init__(self, rows: Sequence[int]) -> None:
        self.rows = list(rows)

    def equations(self, s: Any, z: Any, w: Any, mu: Any) -> list[Any]:
        """What is 0 on the path."""
        return [s[0] * z[0] - mu]

    def jacobian(self, s: Any, z: Any, w: Any) -> tuple[Matrix, Matrix]:
        """Its derivatives in s, and in z and w."""
        return [[z[0]]], [[s[0]]]

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

    def jacobian(self, s: Any, z: Any, w: Any) -> tuple[Matrix, Matrix]:
        """See `Nonnegative`."""
        return _arrow(z), _arrow(s)

    def eliminated(self, s: Any, z: Any, w: Any, F: Any) -> tuple[Matrix, list[Any]]:
        """See `Nonnegative`."""

        def solve(v: list[Any]) -> list[Any]:
            t = (s[0] * v[0] - sum((a * c for a, c in zip(s[1:], v[1:], strict=True)), arb(0))) / det
            return [t.mid(), *(((c - t * a) / s[0]).mid() for a, c in zip(s[1:], v[1:], strict=True))]

        det = s[0] * s[0] - sum((a * a for a in s[1:]), arb(0))
        columns = [solve([row[j] for row in _arrow(z)]) for j in range(len(s))]
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

    def jacobian(self, s: Any, z: Any, w: Any) -> tuple[Matrix, Matrix]:
        """See `Nonnegative`."""
        (x, y, t), (u, v, o), (w,) = s, z, w
        e, one, no = _exp(w), t * 0 + 1, t * 0
        in_s = [[no, -e, one], [u, -u * w, no], [no, v + u * w - u, no], [no, no, no]]
        in_z = [
            [no, no, no, -y * e],
            [x - y * w, no, no, -u * y],
            [y * (w - 1), y, no, y * u],
            [2 - w, -one, e, o * e - u],
        ]
        return in_s, in_z

    def eliminated(self, s: Any, z: Any, w: Any, F: Any) -> tuple[Matrix, list[Any]]:
        """See `Nonnegative`."""
        in_s, in_z = self.jacobian(s, z, w)
        right = arb_mat([[*row, -x] for row, x in zip(in_s, F, strict=True)])
        found = arb_mat(in_z).solve(right, algorithm="approx").mid().tolist()
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


def _arrow(v: Any) -> Matrix:
    """The matrix of the Jordan product with v."""
    no = 0 * v[0]
    rest = [[a, *(v[0] if k == i else no for k in range(1, len(v)))] for i, a in enumerate(v[1:], 1)]
    return [list(v), *rest]


def _exp(w: Any) -> Any:
    return w.exp() if isinstance(w, arb) else math.exp(w)


def _log(w: Any) -> Any:
    return w.log() if isinstance(w, arb) else math.log(w)
