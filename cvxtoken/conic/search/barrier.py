"""Barriers of the cones in doubles: gradients and Hessians at a point inside.

nonnegative    -ln s
second-order   -ln (s_0^2 - |s'|^2)
exponential    -ln (y ln(t / y) - x) - ln y - ln t
power          -ln (x^2a y^(2 - 2a) - p^2) - (1 - a) ln x - a ln y
semidefinite   -ln det S

Source: Y. Nesterov, Constructing self-concordant barriers for convex cones, 2006 (exponential); P. R. Chares,
Cones and interior-point algorithms for structured convex optimization, 2009 (power).
"""

from __future__ import annotations

import numpy as np

from cvxtoken.arrays import FloatArray
from cvxtoken.conic.search.semidefinite import Semidefinite
from cvxtoken.conic.search.smooth import Cone, Exponential, Power, SecondOrder

Derivatives = tuple[FloatArray, FloatArray]


def degree(cone: Cone) -> int:
    """The parameter of the barrier: s'z over mu on the central path."""
    return 2 if isinstance(cone, SecondOrder) else cone.degree


def derivatives(cone: Cone, s: FloatArray) -> Derivatives:
    """The gradient and the Hessian of the barrier of a cone of more than one row."""
    if isinstance(cone, SecondOrder):
        mirrored = np.concatenate([s[:1], -s[1:]])
        d = float(mirrored @ s)
        J = np.diag(np.concatenate([[1.0], -np.ones(len(s) - 1)]))
        return -2 * mirrored / d, -2 * J / d + 4 * np.outer(mirrored, mirrored) / d**2
    if isinstance(cone, Exponential):
        return _exponential(s)
    if isinstance(cone, Power):
        return _power(s, cone.a)
    assert isinstance(cone, Semidefinite)
    return _semidefinite(s, cone)


def _exponential(s: FloatArray) -> Derivatives:
    x, y, t = s
    value = y * np.log(t / y) - x
    first = np.array([-1.0, np.log(t / y) - 1, y / t])
    second = np.array([[0, 0, 0], [0, -1 / y, 1 / t], [0, 1 / t, -y / t**2]])
    rest = np.array([0, 1 / y, 1 / t])
    return -first / value - rest, np.outer(first, first) / value**2 - second / value + np.diag(rest**2)


def _power(s: FloatArray, a: float) -> Derivatives:
    x, y, p = s
    c = 1 - a
    power = np.exp(2 * a * np.log(x) + 2 * c * np.log(y))
    value = power - p * p
    first = np.array([2 * a * power / x, 2 * c * power / y, -2 * p])
    cross = 4 * a * c * power / (x * y)
    second = np.array(
        [
            [2 * a * (2 * a - 1) * power / x**2, cross, 0],
            [cross, 2 * c * (2 * c - 1) * power / y**2, 0],
            [0, 0, -2],
        ]
    )
    gradient = -first / value - np.array([c / x, a / y, 0])
    return gradient, np.outer(first, first) / value**2 - second / value + np.diag([c / x**2, a / y**2, 0])


def _semidefinite(s: FloatArray, cone: Semidefinite) -> Derivatives:
    inverse = np.linalg.inv(np.array(cone.matrix(s.tolist(), 1)))
    places = cone.places()
    twice = np.array([1.0 if i == j else 2.0 for i, j in places])
    i, j = np.array(places).T
    # tr(S^-1 E_k S^-1 E_l), E_k being 1 in both places of an entry
    product = inverse[np.ix_(i, i)] * inverse[np.ix_(j, j)] + inverse[np.ix_(i, j)] * inverse[np.ix_(j, i)]
    return -twice * inverse[i, j], product * np.outer(twice, twice) / 2
