"""Capacities: textbook closed forms, Muroga's inverse matrix, water levels in fractions."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from mpmath import exp, inverse, ln, matrix, mpf

from cvxtoken.library.cones import channels as data
from tests.library.truths.tools import exact, number, plog


def binary_entropy(p: Any) -> Any:
    return -plog(p) - plog(1 - p)


def binary_symmetric() -> Any:
    return ln(2) - binary_entropy(mpf(1) / 4)


useless_letter = binary_symmetric


def erasure() -> Any:
    return 3 * ln(2) / 4


def z_channel() -> Any:
    return ln(mpf(5) / 4)


z_channel_radius = z_channel


def three_letters() -> Any:
    """With P'k = -H of the columns: capacity ln sum e^k_i, and x = P^-1 e^(k - C) must be positive."""
    P = matrix(exact(data.THREE))
    H = matrix([-sum(plog(P[i, j]) for i in range(3)) for j in range(3)])
    k = inverse(P.T) * -H
    C = ln(sum(exp(v) for v in k))
    x = inverse(P) * matrix([exp(v - C) for v in k])
    assert min(x) > 0
    return C


three_letters_radius = three_letters


def level(noise: list[Fraction], power: int) -> list[Fraction]:
    """Noise and power of each channel: the water's level, or the noise where it is higher."""
    ordered = sorted(noise)
    for used in range(len(ordered), 0, -1):
        height = (power + sum(ordered[:used], Fraction(0))) / used
        if height > ordered[used - 1]:
            return [max(height, v) for v in noise]
    raise AssertionError


def water_filling() -> Any:
    return sum(ln(number(v)) for v in level([Fraction(a) for a in data.NOISE], 6))


def parallel_gaussian() -> Any:
    """Noise 1 / g."""
    noise = [1 / Fraction(g) for g in data.GAINS]
    return sum(ln(number(v / a)) for v, a in zip(level(noise, 1), noise, strict=True))


def rate_distortion() -> Any:
    return binary_entropy(mpf(1) / 4) - binary_entropy(mpf(1) / 8)


def multiple_access() -> Any:
    """r1 = ln 4 and r1 + r2 = ln 6."""
    return ln(4) + ln(6)


def bandwidth() -> Any:
    """All goes to the user with the larger gain: (1, 3) gives ln 13, and the other's marginals stay below."""
    power, width = mpf(4) / 13, ln(13) - mpf(12) / 13  # prices: derivatives of w ln(1 + 4 p / w) at (3, 1)
    # user 2 gains w ln(1 + p / w) - power p - width w <= 0 for all p, w: at its best p / w = 1 / power - 1
    assert ln(1 / power) - 1 + power <= width
    return ln(13)
