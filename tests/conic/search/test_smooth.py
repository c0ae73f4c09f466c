"""Complementarity in smooth equations: derivatives against differences, and the barriers' own equation."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from flint import arb

from cvxtoken.conic.search.exact import precision
from cvxtoken.conic.search.semidefinite import Semidefinite
from cvxtoken.conic.search.smooth import Cone, Exponential, Nonnegative, Power, SecondOrder

CONES: dict[str, Cone] = {
    "nonnegative": Nonnegative([0]),
    "second-order": SecondOrder([0, 1, 2, 3]),
    "second-order, one row": SecondOrder([0]),
    "exponential": Exponential([0, 1, 2]),
    "power": Power([0, 1, 2], 0.3),
    "semidefinite": Semidefinite(range(6)),
}
BITS = 300


def ball(a: float) -> arb:
    return arb(repr(a))


def near_centre(cone: Cone, random: Random, dual: bool, share: float = 0.2) -> list[arb]:
    """A point inside, near that of `centre`."""
    return [ball(a + share * random.uniform(-1, 1)) for a in cone.centre(dual)]


@pytest.mark.parametrize("name", CONES)
def test_derivatives_are_those_of_differences(name: str) -> None:
    """(F(v + h) - F(v - h)) / 2h, off by a multiple of h^2 = 1e-60."""
    cone, random = CONES[name], Random(3)
    with precision(BITS):
        s, z = near_centre(cone, random, False), near_centre(cone, random, True)
        w = [a + ball(0.1) for a in cone.auxiliary(s, z)][: cone.extra] if cone.extra else []
        in_s, in_z = cone.jacobian(s, z, w)
        parts, h = [*s, *z, *w], arb(10) ** -30
        for k in range(len(parts)):
            ends = []
            for side in (1, -1):
                moved = [a + side * h * (j == k) for j, a in enumerate(parts)]
                n = len(s)
                ends.append(cone.equations(moved[:n], moved[n : 2 * n], moved[2 * n :], ball(0.01)))
            for i, (up, down) in enumerate(zip(*ends, strict=True)):
                row, place = (in_s[i], k) if k < len(s) else (in_z[i], k - len(s))
                assert abs((up - down) / (2 * h) - row.get(place, arb(0))) < 1e-50, (i, k)


def log_barrier(cone: Cone) -> Callable[[list[Any]], Any]:
    """The usual barrier of a cone; of a power cone Nesterov's."""
    if isinstance(cone, SecondOrder):
        return lambda s: -(s[0] ** 2 - sum((a * a for a in s[1:]), arb(0))).log() / 2
    if isinstance(cone, Exponential):
        return lambda s: -(s[1] * (s[2] / s[1]).log() - s[0]).log() - s[1].log() - s[2].log()
    if isinstance(cone, Power):
        a = arb(cone.a)
        return lambda s: (
            -(s[0] ** (2 * a) * s[1] ** (2 - 2 * a) - s[2] ** 2).log() - (1 - a) * s[0].log() - a * s[1].log()
        )
    if isinstance(cone, Semidefinite):
        return lambda s: (
            -(
                s[0] * (s[2] * s[5] - s[4] ** 2)
                - s[1] * (s[1] * s[5] - s[4] * s[3])
                + s[3] * (s[1] * s[4] - s[2] * s[3])
            ).log()
        )
    return lambda s: -s[0].log()


@pytest.mark.parametrize("name", CONES)
def test_minus_the_gradient_of_the_barrier_solves_the_equations(name: str) -> None:
    """z = -mu F'(s) is in the dual cone, solves them, and s'z is mu times the degree."""
    cone, random, mu = CONES[name], Random(4), arb(1) / 64
    with precision(BITS):
        h = arb(10) ** -30
        for _ in range(5):
            s, F = near_centre(cone, random, False), log_barrier(cone)
            z = []
            for k in range(len(s)):
                up, down = ([a + side * h * (j == k) for j, a in enumerate(s)] for side in (1, -1))
                z.append((-mu * (F(up) - F(down)) / (2 * h)).mid())
            assert cone.inside(s, False)
            assert cone.inside(z, True)
            product = sum((a * c for a, c in zip(s, z, strict=True)), arb(0))
            assert abs(product - mu * cone.degree) < 1e-50
            for value in cone.equations(s, z, cone.auxiliary(s, z) if cone.extra else [], mu):
                assert abs(value) < 1e-50


@pytest.mark.parametrize("name", CONES)
def test_eliminated_is_the_linearised_equations(name: str) -> None:
    cone, random = CONES[name], Random(5)
    with precision(BITS):
        s, z = near_centre(cone, random, False), near_centre(cone, random, True)
        w = cone.auxiliary(s, z) if cone.extra else []
        F = cone.equations(s, z, w, ball(0.01))
        H, g = cone.eliminated(s, z, w, F)
        ds = [ball(random.uniform(-1, 1)) for _ in s]
        rest = [
            a - sum((b * c for b, c in zip(row, ds, strict=True)), arb(0))
            for a, row in zip(g, H, strict=True)
        ]
        in_s, in_z = cone.jacobian(s, z, w)
        for f, row_s, row_z in zip(F, in_s, in_z, strict=True):
            total = f + sum((a * ds[j] for j, a in row_s.items()), arb(0))
            total += sum((a * rest[j] for j, a in row_z.items()), arb(0))
            assert abs(total) < 1e-60


@pytest.mark.parametrize("name", CONES)
def test_the_centre_is_inside_and_its_opposite_is_not(name: str) -> None:
    cone = CONES[name]
    for dual in (False, True):
        assert cone.inside(cone.centre(dual), dual)
        assert not cone.inside([-a for a in cone.centre(dual)], dual)
