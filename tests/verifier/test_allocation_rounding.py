"""The verifier's own rounding, at 2 to 6 digits, where a wrong direction shows; and broken versions of it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import cvxtoken
from cvxtoken.verifier import allocation as verifier
from tests.support import truth
from tests.support.damage import damaged
from tests.support.instances import realistic, varying
from tests.support.truth import exact, mp

DIGITS = (2, 3, 4, 6)
BOTH = (ROUND_FLOOR, ROUND_CEILING)
INSTANCES = [realistic(seed, size) for seed in range(12) for size in (1, 2)]
INSTANCES += [varying(w, seed) for seed, w in enumerate(INSTANCES)]


def one_type(**fields: float) -> cvxtoken.Workload:
    """A single type with round numbers, so that few digits hold all but what is looked at."""
    numbers = {"prior": 1.0, "accuracy_gain": 0.5, "saturation_rate": 1.0, "base_accuracy": 0.5}
    numbers |= {"deviation": 0.0, "deviation_per_token": 0.0}
    numbers |= {"overhead": 0.0, "time_per_token": 1.0, "max_tokens": 1.0} | fields
    scalars = {field: numbers.pop(field) for field in verifier.SCALARS}
    return cvxtoken.Workload(names=["a"], **{f: [v] for f, v in numbers.items()}, **scalars)


def accepts(
    module: ModuleType, w: cvxtoken.Workload, tokens: Any, lower: Any, upper: Any, radii: Any, digits: int
) -> bool:
    """Whether `prove` accepts the claims at so many working digits."""
    instance, _ = module.read_instance(w.to_instance())
    try:
        module.prove(instance, tokens, radii, lower, upper, module.untargeted(instance), digits)
    except module.Refused:
        return False
    return True


def just(value: Any, direction: int) -> Decimal:
    """A decimal a little below (-1) or above (+1) a number known to 90 digits."""
    return Decimal(mp.nstr(value + direction * abs(value) * mp.mpf(10) ** -60, 75, strip_zeros=False))


def check_values_at_the_tokens(module: ModuleType) -> None:
    """A lower bound a little above J at the tokens is false and must be refused at any precision."""
    for w in INSTANCES:
        best = [Decimal(l) for l in cvxtoken.solve(w).tokens.tolist()]
        everything = [Decimal(l) for l in w.max_tokens.tolist()]
        for share in (Decimal(1), Decimal("0.5"), Decimal("0.123")):
            tokens = [l * share for l in best]
            claim = just(truth.objective(w, tokens), +1)
            for d in DIGITS:
                assert not accepts(module, w, tokens, claim, Decimal("1e9"), everything, d)


def check_exponentials_at_the_tokens(module: ModuleType) -> None:
    """100 (1 - e^(-k/8)) - 3/2, where three digits hold all but the exponential."""
    for k in range(1, 19):
        fields = {"accuracy_gain": 1.0, "base_accuracy": 0.0, "arrival_rate": 0.5, "accuracy_weight": 100.0}
        w = one_type(saturation_rate=k / 8, **fields)
        claim = just(truth.objective(w, [1.0]), +1)
        assert not accepts(module, w, [Decimal(1)], claim, Decimal("1e9"), [Decimal(1)], 3)


def check_variances_at_the_tokens(module: ModuleType) -> None:
    """1/2 - lambda s0^2 / 2 at no tokens, where two digits hold all but the square."""
    for k in range(10, 100):
        for j in (9, 10, 11, 12, 13):
            fields = {"accuracy_gain": 2.0**-60, "arrival_rate": j / 64, "accuracy_weight": 1.0}
            w = one_type(deviation=k / 10, **fields)
            claim = just(truth.objective(w, [0.0]), +1)
            assert not accepts(module, w, [Decimal(0)], claim, Decimal("1e9"), [Decimal(1)], 2)


def check_dual_bounds(module: ModuleType) -> None:
    """An upper bound a little below J* is false and must be refused at any precision."""
    for w in INSTANCES:
        claim = just(truth.optimum(w)[1], -1)
        tokens = [Decimal(l) for l in cvxtoken.solve(w).tokens.tolist()]
        everything = [Decimal(l) for l in w.max_tokens.tolist()]
        for d in DIGITS:
            assert not accepts(module, w, tokens, Decimal("-1e9"), claim, everything, d)


def check_dual_bounds_of_a_type_that_never_thinks(module: ModuleType) -> None:
    """Where m = alpha A holds exactly, the rounding of Z and P shows."""
    fields = {"saturation_rate": 2.0**-20, "accuracy_weight": 1.0}
    for k in range(1, 33):
        for j in range(1, 33):
            cases = [{"overhead": 0.0, "deviation": k / 8}]
            if k * j < 8 * 32:
                cases.append({"overhead": k / 8})
            for times in cases:
                w = one_type(arrival_rate=j / 32, **times, **fields)
                J = truth.objective(w, [0.0])  # the optimum is at 0
                for d in DIGITS if J else ():
                    claim = just(J, -1)
                    assert not accepts(module, w, [Decimal(0)], Decimal(-1000), claim, [Decimal(1)], d)


def check_minima(module: ModuleType) -> None:
    """m is enclosed: at 0, at l_max, at the root."""
    one = Decimal(1)
    for n in range(3, 61):  # the minimum of n e^(-l) + l is 1 + ln n
        gain = Decimal(n)
        m, M = module.minimum(gain, gain, one, one, Decimal(100), *(Context(3, r) for r in BOTH))
        assert exact(m) <= 1 + mp.log(n) <= exact(M)
    rng = np.random.default_rng(4)
    for _ in range(400):
        numbers = [float(f"{10 ** rng.uniform(-2, 2):.3g}") for _ in range(4)]
        alpha, A, b, s = (Decimal(repr(number)) for number in numbers)
        l_max = Decimal(repr(float(f"{10 ** rng.uniform(-2, 2):.3g}")))
        ratio = mp.log(exact(alpha) * exact(A) * exact(b) / exact(s)) / exact(b)
        at = min(max(ratio, mp.mpf(0)), exact(l_max))
        least = exact(alpha) * exact(A) * mp.exp(-exact(b) * at) + exact(s) * at
        for d in DIGITS:
            down, up = Context(d, ROUND_FLOOR), Context(d, ROUND_CEILING)
            m, M = module.minimum(down.multiply(alpha, A), up.multiply(alpha, A), b, s, l_max, down, up)
            assert exact(m) <= least * (1 + mp.mpf(10) ** -80)
            assert exact(M) >= least * (1 - mp.mpf(10) ** -80) or ratio >= exact(l_max)


def check_radii(module: ModuleType) -> None:
    """Radii that do not reach the optimum are refused, in the box and at both of its ends."""
    w = cvxtoken.load("qwen3-8b").replace(arrival_rate=0.01, max_tokens=8192.0)
    best = [Decimal(l) for l in cvxtoken.solve(w).tokens.tolist()]
    huge = Decimal("1e9")
    ends = ([Decimal(0)] * 5, [Decimal(8192)] * 5, [l + Decimal("1e-3") for l in best], [l / 2 for l in best])
    for tokens in ends:
        inside = [min(l, Decimal(8192)) for l in tokens]
        for radius in ("0", "1e-60", "1e-12", "9e-4"):
            for d in (6, 20, 54):
                assert not accepts(module, w, inside, -huge, huge, [Decimal(radius)] * 5, d)


def check_radii_beyond_the_working_digits(module: ModuleType) -> None:
    """Tokens with more digits than are worked with: an end rounded past them proves nothing."""
    fields = {"accuracy_gain": 1.0, "base_accuracy": 0.0, "max_tokens": 10.0, "arrival_rate": 1e-3}
    w = one_type(saturation_rate=2.28, time_per_token=9.875, accuracy_weight=3.6e-14, **fields)
    tokens = [Decimal("1.000030656388823804850001")]  # the optimum is 0
    huge = Decimal("1e9")
    assert not accepts(module, w, tokens, -huge, huge, [Decimal("4.9999e-20")], 20)


CHECKS: list[Callable[[ModuleType], None]] = [
    check_values_at_the_tokens,
    check_exponentials_at_the_tokens,
    check_variances_at_the_tokens,
    check_dual_bounds,
    check_dual_bounds_of_a_type_that_never_thinks,
    check_minima,
    check_radii,
    check_radii_beyond_the_working_digits,
]

BROKEN: dict[str, tuple[str, str, Callable[[ModuleType], None]]] = {
    "LOSS not widened": (
        "up.next_plus(up.exp(MUL(b.copy_negate(), l)))",
        "up.exp(MUL(b.copy_negate(), l))",
        check_exponentials_at_the_tokens,
    ),
    "E[T] rounded down": (
        "return best, BEST, ADD(LOSS, MUL(weight, ADD(ES, EW))), y",
        "return best, BEST, add(add(LOSS, ES), down.divide(mul(lam, ES2), MUL(2, y))), y",
        check_values_at_the_tokens,
    ),
    "Z rounded down where it is subtracted": (
        "DIV(MUL(lam, Z2), Decimal(2))",
        "div(mul(lam, z2), Decimal(2))",
        check_dual_bounds_of_a_type_that_never_thinks,
    ),
    "Z rounded up where it is added": (
        "mul(e, div(mul(mul(lam, lam), z2), Decimal(2)))",
        "MUL(E, DIV(MUL(MUL(lam, lam), Z2), Decimal(2)))",
        check_dual_bounds_of_a_type_that_never_thinks,
    ),
    "variance forgotten at the tokens": (
        "ADD(MUL(T, T), MUL(S, S))",
        "MUL(T, T)",
        check_values_at_the_tokens,
    ),
    "variance rounded down": ("MUL(S, S)", "mul(S, S)", check_variances_at_the_tokens),
    "v left out of Z": ("ADD(MUL(z, z), MUL(v, v))", "MUL(z, z)", check_dual_bounds),
    "v rounded down where it is subtracted": (
        "MUL(v, v)",
        "mul(v, v)",
        check_dual_bounds_of_a_type_that_never_thinks,
    ),
    "deviation at no tokens counted twice": (
        "mul(price, s0)",
        "mul(price, ADD(s0, s0))",
        check_dual_bounds,
    ),
    "price of the deviation rounded up": (
        "mul(e, mul(lam, v))",
        "MUL(E, MUL(lam, v))",
        check_dual_bounds_of_a_type_that_never_thinks,
    ),
    "deviation per token counted twice": ("mul(price, s1)", "mul(price, ADD(s1, s1))", check_dual_bounds),
    "logarithm not widened": ("down.next_minus(down.ln(ratio))", "down.ln(ratio)", check_minima),
    "logarithm not widened above": ("up.next_plus(up.ln(ratio))", "up.ln(ratio)", check_minima),
    "RATIO forgotten": (
        "up.divide(up.subtract(RATIO, ratio), ratio)",
        "Decimal(0)",
        check_minima,
    ),
    "exponential not widened": ("down.next_minus(down.exp(x))", "down.exp(x)", check_minima),
    "left end skipped at l_max": ("(left, left > 0)", "(left, 0 < left < l_max)", check_radii),
    "right end skipped for the left's sake": (
        "(right, right < l_max)",
        "(right, 0 < right < l_max)",
        check_radii,
    ),
    "ends rounded past the tokens": (
        "min(l, up.subtract(l, radius)), max(l, add(l, radius))",
        "up.subtract(l, radius), add(l, radius)",
        check_radii_beyond_the_working_digits,
    ),
    "gap left out of the radius": ("> GAP, f", "> 0, f", check_radii),
}


@pytest.mark.parametrize("check", CHECKS)
def test_verifier(check: Callable[[ModuleType], None]) -> None:
    check(verifier)


@pytest.mark.parametrize("damage", BROKEN)
def test_broken_verifier_is_caught(damage: str) -> None:
    old, new, check = BROKEN[damage]
    module = damaged(verifier, old, new)
    with pytest.raises((AssertionError, ArithmeticError)):
        check(module)
