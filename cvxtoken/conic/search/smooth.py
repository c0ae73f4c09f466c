"""Complementarity of the cones in equations that stay smooth at mu = 0, for Newton's method (derived here).

On the central path z = -mu times the gradient of a barrier of K at s, which is no equation to solve near mu
= 0. These are, and hold of the same points; s and z may be balls or doubles, and w are unknowns of their
own:

nonnegative    s z = mu
second-order   s'z = mu,  s_0 z_i + z_0 s_i = 0   (the product of the Jordan algebra, s o z = mu e)
exponential    of s = (x, y, t) and z = (u, v, o), with w = ln(t / y):
               t = y e^w,  -u (y w - x) = mu,  y (v + u w - u) = mu,  o e^w = v + u w - 2 u
power          of s = (x, y, p) and z = (u, v, o), with r = ln(y / x), h = p / (x e^((1 - a) r)) and k:
               y = x e^r,  p = h x e^((1 - a) r),  o = -2 h k,  k x e^((1 - a) r) (1 - h^2) = mu,
               u = k e^((1 - a) r) (2 a + (1 - a) (1 - h^2)),  v = k e^(-a r) (2 (1 - a) + a (1 - h^2))
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from flint import arb, arb_mat

Matrix = list[list[Any]]
Rows = list[dict[int, Any]]  # of a matrix, without what is always 0


class Cone(ABC):
    """A cone of some rows.

    Attributes:
        rows: of the program.
        degree: of its barrier.
        extra: the number of its unknowns w.
    """

    degree, extra = 1, 0

    def __init__(self, rows: Sequence[int]) -> None:
        self.rows = list(rows)

    @abstractmethod
    def equations(self, s: Any, z: Any, w: Any, mu: Any) -> list[Any]:
        """What is 0 on the path."""

    @abstractmethod
    def jacobian(self, s: Any, z: Any, w: Any) -> tuple[Rows, Rows]:
        """Its derivatives in s, and in z and w."""

    @abstractmethod
    def inside(self, v: Any, dual: bool) -> bool:
        """Whether a point is in the interior of the cone, or of its dual."""

    @abstractmethod
    def centre(self, dual: bool) -> list[float]:
        """A point of the interior of both."""

    def auxiliary(self, s: Any, z: Any) -> list[Any]:
        """The unknowns w, from s and z."""
        return []

    def weights(self, s: Any, z: Any) -> list[Any]:
        """What makes each equation one of products s z, as mu is."""
        return [1] * (len(self.rows) + self.extra)

    def eliminated(self, s: Any, z: Any, w: Any, F: Any) -> tuple[Matrix, list[Any]]:
        """H and g, so that a step has d(z, w) = g - H ds."""
        in_s, in_z = self.jacobian(s, z, w)
        size, total = len(self.rows), len(self.rows) + self.extra
        right = arb_mat([[*_filled(row, size), -x] for row, x in zip(in_s, F, strict=True)])
        left = arb_mat([_filled(row, total) for row in in_z])
        found = left.solve(right, algorithm="approx").mid().tolist()
        return [row[:size] for row in found], [row[size] for row in found]


class Nonnegative(Cone):
    """One row."""

    def equations(self, s: Any, z: Any, w: Any, mu: Any) -> list[Any]:
        """See `Cone`."""
        return [s[0] * z[0] - mu]

    def jacobian(self, s: Any, z: Any, w: Any) -> tuple[Rows, Rows]:
        """See `Cone`."""
        return [{0: z[0]}], [{0: s[0]}]

    def inside(self, v: Any, dual: bool) -> bool:
        """See `Cone`."""
        return bool(v[0] > 0)

    def centre(self, dual: bool) -> list[float]:
        """See `Cone`."""
        return [1.0]

    def eliminated(self, s: Any, z: Any, w: Any, F: Any) -> tuple[Matrix, list[Any]]:
        """See `Cone`."""
        return [[(z[0] / s[0]).mid()]], [(-F[0] / s[0]).mid()]


class SecondOrder(Cone):
    """Rows s_0, s'."""

    def equations(self, s: Any, z: Any, w: Any, mu: Any) -> list[Any]:
        """See `Cone`."""
        product = sum((a * c for a, c in zip(s, z, strict=True)), 0 * s[0])
        return [product - mu, *(s[0] * c + z[0] * a for a, c in zip(s[1:], z[1:], strict=True))]

    def jacobian(self, s: Any, z: Any, w: Any) -> tuple[Rows, Rows]:
        """See `Cone`."""
        return _arrow(z), _arrow(s)

    def inside(self, v: Any, dual: bool) -> bool:
        """See `Cone`."""
        return bool(v[0] > 0) and bool(v[0] * v[0] - sum((a * a for a in v[1:]), 0 * v[0]) > 0)

    def centre(self, dual: bool) -> list[float]:
        """See `Cone`."""
        return [1.0] + [0.0] * (len(self.rows) - 1)

    def eliminated(self, s: Any, z: Any, w: Any, F: Any) -> tuple[Matrix, list[Any]]:
        """See `Cone`."""

        def solve(v: list[Any]) -> list[Any]:
            t = (s[0] * v[0] - sum((a * c for a, c in zip(s[1:], v[1:], strict=True)), arb(0))) / det
            return [t.mid(), *(((c - t * a) / s[0]).mid() for a, c in zip(s[1:], v[1:], strict=True))]

        det = s[0] * s[0] - sum((a * a for a in s[1:]), arb(0))
        columns = [solve(_filled(row, len(s))) for row in _arrow(z)]  # the arrow is symmetric
        return [list(row) for row in zip(*columns, strict=True)], solve([-x for x in F])


class Exponential(Cone):
    """Rows x, y, t."""

    degree, extra = 3, 1

    def equations(self, s: Any, z: Any, w: Any, mu: Any) -> list[Any]:
        """See `Cone`."""
        (x, y, t), (u, v, o), (w,) = s, z, w
        e = _exp(w)
        return [
            t - y * e,
            -u * (y * w - x) - mu,
            y * (v + u * w - u) - mu,
            o * e + 2 * u - v - u * w,
        ]

    def jacobian(self, s: Any, z: Any, w: Any) -> tuple[Rows, Rows]:
        """See `Cone`."""
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

    def inside(self, v: Any, dual: bool) -> bool:
        """See `Cone`."""
        x, y, t = (v[0] - v[1], -v[0], v[2]) if dual else v
        return bool(y > 0) and bool(t > 0) and bool(_log(t / y) - x / y > 0)

    def centre(self, dual: bool) -> list[float]:
        """See `Cone`."""
        # where s = z = minus the gradient of the barrier -ln(y ln(t / y) - x) - ln y - ln t
        return [-1.051383945322714, 0.556409619469370, 1.258967884768947]

    def auxiliary(self, s: Any, z: Any) -> list[Any]:
        """See `Cone`."""
        return [_log(s[2] / s[1])]

    def weights(self, s: Any, z: Any) -> list[Any]:
        """See `Cone`."""
        return [z[2], 1, 1, s[1]]


class Power(Cone):
    """Rows x, y, p of x^a y^(1 - a) >= |p|."""

    degree, extra = 3, 3

    def __init__(self, rows: Sequence[int], exponent: float) -> None:
        super().__init__(rows)
        self.a = exponent

    def equations(self, s: Any, z: Any, w: Any, mu: Any) -> list[Any]:
        """See `Cone`."""
        (x, y, p), (u, v, o), (r, h, k) = s, z, w
        a, c = self._shares(r)
        up, down, g = _exp(c * r), _exp(-a * r), 1 - h * h
        return [
            y - x * _exp(r),
            p - h * x * up,
            o + 2 * h * k,
            k * x * up * g - mu,
            u - k * up * (2 * a + c * g),
            v - k * down * (2 * c + a * g),
        ]

    def jacobian(self, s: Any, z: Any, w: Any) -> tuple[Rows, Rows]:
        """See `Cone`."""
        (x, _, _), (r, h, k) = s, w
        a, c = self._shares(r)
        e, up, down, g, one = _exp(r), _exp(c * r), _exp(-a * r), 1 - h * h, 0 * r + 1
        of_u, of_v = up * (2 * a + c * g), down * (2 * c + a * g)
        in_s = [{0: -e, 1: one}, {0: -h * up, 2: one}, {}, {0: k * up * g}, {}, {}]
        in_z = [
            {3: -x * e},
            {3: -h * x * c * up, 4: -x * up},
            {2: one, 4: 2 * k, 5: 2 * h},
            {3: k * x * c * up * g, 4: -2 * h * k * x * up, 5: x * up * g},
            {0: one, 3: -c * k * of_u, 4: 2 * h * k * up * c, 5: -of_u},
            {1: one, 3: a * k * of_v, 4: 2 * h * k * down * a, 5: -of_v},
        ]
        return in_s, in_z

    def inside(self, v: Any, dual: bool) -> bool:
        """See `Cone`."""
        a, c = self._shares(v[0])
        x, y, p = (v[0] / a, v[1] / c, v[2]) if dual else v
        if not (bool(x > 0) and bool(y > 0)):
            return False
        size = abs(p)
        return bool(size == 0) or bool(a * _log(x / size) + c * _log(y / size) > 0)

    def centre(self, dual: bool) -> list[float]:
        """See `Cone`."""
        return [math.sqrt(1 + self.a), math.sqrt(2 - self.a), 0.0]  # s = z there

    def auxiliary(self, s: Any, z: Any) -> list[Any]:
        """See `Cone`."""
        x, y, p = s
        r = _log(y / x)
        a, c = self._shares(r)
        h = p / (x * _exp(c * r))
        return [r, h, z[0] / (_exp(c * r) * (2 * a + c * (1 - h * h)))]

    def weights(self, s: Any, z: Any) -> list[Any]:
        """See `Cone`."""
        return [z[1], z[2], s[2], 1, s[0], s[1]]

    def _shares(self, like: Any) -> tuple[Any, Any]:
        """a and 1 - a, exactly where numbers are balls."""
        a = arb(self.a) if isinstance(like, arb) else self.a
        return a, 1 - a


def _arrow(v: Any) -> Rows:
    """The matrix of the Jordan product with v."""
    return [dict(enumerate(v)), *({0: a, i: v[0]} for i, a in enumerate(v[1:], 1))]


def _filled(row: dict[int, Any], size: int) -> list[Any]:
    return [row.get(j, arb(0)) for j in range(size)]


def _exp(w: Any) -> Any:
    return w.exp() if isinstance(w, arb) else math.exp(w)


def _log(w: Any) -> Any:
    return w.log() if isinstance(w, arb) else math.log(w)
