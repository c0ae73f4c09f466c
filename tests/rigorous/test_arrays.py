from __future__ import annotations

import hashlib
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from flint import arb, ctx
from hypothesis import given
from hypothesis import strategies as st

from cvxtoken.arrays import FloatArray
from cvxtoken.rigorous.balls import Ball
from cvxtoken.rigorous.elementary import DECAY_ERROR, FARTHEST, GAIN_ERROR, LOG_ERROR, decay, exp, log
from cvxtoken.rigorous.pairs import U, depth, fold, fold_error, fold_pairs, halves, two_prod, two_sum

numbers = st.floats(-1e9, 1e9, allow_nan=False).map(lambda x: x if abs(x) > 1e-9 else 0.0)


def arguments(count: int) -> tuple[FloatArray, FloatArray]:
    """Arguments of `decay` of every size, at the edges of its cells too."""
    rng = np.random.default_rng(5)
    cells = np.arange(0, 27_000, 7) * (np.log(2) / 32) + np.log(2) / 64
    many = [
        rng.uniform(0, FARTHEST, count),
        10 ** rng.uniform(-200, 2.77, count),
        rng.uniform(0, 0.03, count),
    ]
    high = np.concatenate([*many, cells, np.nextafter(cells, 0), [0.0, FARTHEST]])
    high = high[high <= FARTHEST]
    return high, high * U * rng.uniform(-1, 1, len(high))


def worst(found: FloatArray, low: FloatArray, truth: list[arb]) -> float:
    """The largest relative error."""
    errors = [
        float(abs((arb(a) + arb(b)) / t - 1).upper())
        for a, b, t in zip(found.tolist(), low.tolist(), truth, strict=True)
        if t != 0
    ]
    return max(errors)


def test_decay_is_as_exact_as_it_says() -> None:
    high, low = arguments(3000)
    (left, left_low), (gain, gain_low) = decay(high, low)
    ctx.prec = 1000
    try:
        x = [arb(a) + arb(b) for a, b in zip(high.tolist(), low.tolist(), strict=True)]
        assert worst(left, left_low, [(-value).exp() for value in x]) < DECAY_ERROR
        assert worst(gain, gain_low, [-((-value).expm1()) for value in x]) < GAIN_ERROR
    finally:
        ctx.prec = 53
    assert (left[high == 0] == 1).all()
    assert (gain[high == 0] == 0).all()


def test_exp_is_as_exact_as_it_says() -> None:
    x = np.random.default_rng(7).uniform(-FARTHEST, FARTHEST, 3000)
    ctx.prec = 200
    try:
        assert worst(exp(x), 0 * x, [arb(value).exp() for value in x.tolist()]) < 2.01 * U
    finally:
        ctx.prec = 53
    ends = exp(np.array([-FARTHEST, 0.0, FARTHEST])).tolist()
    assert exp(np.array([-1e9, 0.0, 1e9])).tolist() == ends


def test_log_is_as_exact_as_it_says() -> None:
    rng = np.random.default_rng(6)
    near = 1 + rng.uniform(-1e-3, 1e-3, 2000) * 10.0 ** -rng.uniform(0, 12, 2000)
    x = np.concatenate([10 ** rng.uniform(-307, 308, 4000), rng.uniform(0.4, 2.5, 4000), near, [2.0, 0.5]])
    ctx.prec = 300
    try:
        assert worst(log(x), 0 * x, [arb(value).log() for value in x.tolist()]) < LOG_ERROR
    finally:
        ctx.prec = 53
    assert log(np.ones(1))[0] == 0


@pytest.mark.parametrize(
    ("function", "digest"),
    [
        (lambda x, low: np.stack([*decay(x, low)[0], *decay(x, low)[1]]), "e997247fcfb1fd78"),
        (lambda x, low: log(x + 1e-300), "bd15fa7100e1bc86"),
    ],
    ids=["decay", "log"],
)
def test_every_bit_is_the_same_everywhere(
    function: Callable[[FloatArray, FloatArray], FloatArray], digest: str
) -> None:
    k = np.arange(1, 20_001)
    x = k * k * 1.4e-6  # whole numbers and one product, the same everywhere too
    found = hashlib.sha256(function(x, x * 2.0**-55).astype(">f8").tobytes()).hexdigest()
    assert found[:16] == digest


@given(a=numbers, b=numbers)
def test_transformations_are_exact(a: float, b: float) -> None:
    x, y = np.array([a]), np.array([b])
    for found, exact in (
        (two_sum(x, y), Fraction(a) + Fraction(b)),
        (two_prod(x, y), Fraction(a) * Fraction(b)),
    ):
        assert Fraction(found[0][0]) + Fraction(found[1][0]) == exact
        assert abs(found[1][0]) <= U * abs(found[0][0])
    high, low = halves(x)
    assert Fraction(high[0]) + Fraction(low[0]) == Fraction(a)
    assert Fraction(high[0] * high[0]) == Fraction(high[0]) ** 2


@pytest.mark.parametrize("count", [1, 2, 3, 7, 1000, 4097])
def test_sums_of_pairs_are_within_their_error(count: int) -> None:
    rng = np.random.default_rng(count)
    high = 10.0 ** rng.uniform(-12, 3, (count, 2))
    low = high * U * rng.uniform(-1, 1, high.shape)
    exact = [sum(map(Fraction, (high + 0)[:, k].tolist() + low[:, k].tolist())) for k in range(2)]
    rough = fold(high + low)
    found = fold_pairs(high.copy(), low.copy())
    for k, total in enumerate(exact):
        error = abs(Fraction(found[0][k]) + Fraction(found[1][k]) - total)
        assert error <= Fraction(fold_error(depth(count))) * total
        assert abs(Fraction(rough[k]) - total) <= Fraction(U) * (depth(count) + 2) * total


@given(
    a=numbers,
    b=numbers,
    c=st.floats(1e-3, 1e6),
    widths=st.tuples(*[st.sampled_from([0.0, 1e-30, 1e-9, 1e-3])] * 2),
    ends=st.tuples(*[st.sampled_from([-1, 0, 1])] * 2),
)
def test_balls_hold_every_result(
    a: float, b: float, c: float, widths: tuple[float, float], ends: tuple[int, int]
) -> None:
    """Of any numbers in two balls, at their ends or middles."""
    x = Ball(*two_sum(np.array([a]), np.array([b * 1e-17])), np.array([widths[0] * abs(a)]))
    y = Ball(*two_sum(np.array([c]), np.array([a * 1e-20])), np.array([widths[1] * c]))
    p, q = (
        Fraction(z.high[0]) + Fraction(z.low[0]) + end * Fraction(z.error[0])
        for z, end in zip((x, y), ends, strict=True)
    )
    cases = [
        (x + y, p + q),
        (x - y, p - q),
        (x * y, p * q),
        (x / y, p / q),
        (1.0 - y, 1 - q),
        (3.0 / y, 3 / q),
    ]
    cases += [(x * 0.3, p * Fraction(0.3)), (y.scaled(0.5), q / 2), (-x, -p)]
    for found, truth in cases:
        assert isinstance(found, Ball)
        middle = Fraction(found.high[0]) + Fraction(found.low[0])
        assert abs(middle - truth) <= Fraction(found.error[0]) + Fraction(1, 2**900)
        assert Fraction(found.below[0]) <= truth <= Fraction(found.above[0])


def test_balls_say_where_they_know_nothing() -> None:
    unsure = Ball(np.array([1e-20]), np.array([0.0]), np.array([1e-19]))
    assert (1.0 / unsure).error[0] == np.inf
    assert Ball.exact(2.0) * 1.0 is not None
    assert Ball.exact(2.0) * 0.0 == 0.0
