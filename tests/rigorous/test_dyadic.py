"""Whole numbers times powers of two: exact, but for the exponential, whose error is as stated."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from flint import arb, ctx

from cvxtoken.rigorous.dyadic import DECAY_UNITS, Dyadic


@pytest.mark.parametrize("spread", [3, 300])
def test_sums_and_products_are_exact(spread: int) -> None:
    rng = np.random.default_rng(3)
    a, b = (rng.normal(size=50) * 10.0 ** rng.integers(-spread // 2, spread // 2, 50) for _ in range(2))
    a[:3] = 0.0, 5e-324, 2.0**70
    exact_a, exact_b = ([Fraction(x) for x in values.tolist()] for values in (a, b))
    x, y = Dyadic.of(a), Dyadic.of(b)
    assert x.total() == sum(exact_a)
    assert (x * y).total() == sum(p * q for p, q in zip(exact_a, exact_b, strict=True))
    assert (x + x * y).total() == sum(p + p * q for p, q in zip(exact_a, exact_b, strict=True))


@pytest.mark.parametrize("bits", [32, 100, 196, 1350])
def test_the_exponential_is_as_exact_as_it_says(bits: int) -> None:
    rng = np.random.default_rng(bits)
    edges = np.array([1.0, 2.0, 255 / 256, 1 / 256, 2.0**-16, 2.0**-24, 1000.0])
    many = [rng.uniform(0, bits * np.log(2), 300), 10 ** rng.uniform(-40, 4, 300)]
    x = np.concatenate([*many, edges, np.nextafter(edges, 0), [0.0, 5e-324, 1e300]])
    found = Dyadic.of(x).decay(bits)
    assert found.exponent == -bits
    ctx.prec = 2 * bits + 100
    try:
        for value, whole in zip(x.tolist(), found.whole.tolist(), strict=True):
            error = abs(arb(whole) - (-arb(value)).exp() * arb(2) ** bits)
            assert error.upper() <= DECAY_UNITS
    finally:
        ctx.prec = 53
    assert found.whole[-3] == 2**bits
    assert found.whole[-1] == 0
