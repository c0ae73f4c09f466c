"""What the checker of allocations must hold, at few digits and many: checks of its module."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import cvxtoken
from cvxtoken.verifier import allocation as verifier
from tests.support import truth
from tests.support.instances import realistic, varying
from tests.support.thorough import some
from tests.support.truth import exact, mp

DIGITS = (2, 3, 4, 6)
INSTANCES = [realistic(seed, size) for seed in some(range(12), 2) for size in (1, 2)]
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
        best = [Decimal(l) for l in truth.solved(w).tokens.tolist()]
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
        tokens = [Decimal(l) for l in truth.solved(w).tokens.tolist()]
        everything = [Decimal(l) for l in w.max_tokens.tolist()]
        for d in DIGITS:
            assert not accepts(module, w, tokens, Decimal("-1e9"), claim, everything, d)


def check_dual_bounds_of_a_type_that_never_thinks(module: ModuleType) -> None:
    """Where m = alpha A holds exactly, the rounding of Z and P shows."""
    fields = {"saturation_rate": 2.0**-20, "accuracy_weight": 1.0}
    for k in some(range(1, 33), 5):
        for j in some(range(1, 33), 5):
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
    """m is enclosed: at 0, at the top, at the root; and a falling curve is least at the top."""
    one, hundred = Decimal(1), Decimal(100)
    for n in range(3, 61):  # the minimum of n e^(-l) + l is 1 + ln n
        X = module.arithmetic(3)
        least = module.Curve(*map(X.at, (one, Decimal(n), one, one))).least(X.at(hundred))
        assert exact(least.low) <= 1 + mp.log(n) <= exact(least.high)
    rng = np.random.default_rng(4)
    for _ in some(range(400), 7):
        gain, b, slope, top = (Decimal(f"{10 ** rng.uniform(-2, 2):.3g}") for _ in range(4))
        slope = -slope if rng.random() < 0.2 else slope
        root = mp.log(exact(gain) * exact(b) / exact(slope)) / exact(b) if slope > 0 else mp.inf
        at = min(max(root, mp.mpf(0)), exact(top))
        true = exact(gain) * mp.exp(-exact(b) * at) + exact(slope) * at
        for d in DIGITS:
            X = module.arithmetic(d)
            least = module.Curve(*map(X.at, (one, gain, b, slope))).least(X.at(top))
            assert exact(least.low) <= true + abs(true) * mp.mpf(10) ** -80
            assert exact(least.high) >= true - abs(true) * mp.mpf(10) ** -80 or root >= exact(top)


def check_radii(module: ModuleType) -> None:
    """Radii that do not reach the optimum are refused, in the box and at both of its ends."""
    w = cvxtoken.load("qwen3-8b").replace(arrival_rate=0.01, max_tokens=8192.0)
    best = [Decimal(l) for l in truth.solved(w).tokens.tolist()]
    huge = Decimal("1e9")
    ends = ([Decimal(0)] * 5, [Decimal(8192)] * 5, [l + Decimal("1e-3") for l in best], [l / 2 for l in best])
    for tokens in ends:
        inside = [min(l, Decimal(8192)) for l in tokens]
        for radius in ("0", "1e-60", "1e-12", "9e-4"):
            for d in (6, 20, 54):
                assert not accepts(module, w, inside, -huge, huge, [Decimal(radius)] * 5, d)


def check_radii_at_few_digits(module: ModuleType) -> None:
    """A radius a little short of the optimum is refused at any precision."""
    huge = Decimal("1e9")
    for w in INSTANCES[::2]:
        (best,), _ = truth.optimum(w)
        for share in ("0", "0.3", "0.9", "0.99", "0.999", "1.001", "1.1"):
            l = min(Decimal(mp.nstr(best, 40)) * Decimal(share), Decimal(float(w.max_tokens[0])))
            radius = just(abs(exact(l) - best), -1)
            for d in (*DIGITS, 9):
                assert not radius or not accepts(module, w, [l], -huge, huge, [radius], d)


def check_radii_beyond_the_working_digits(module: ModuleType) -> None:
    """Tokens with more digits than are worked with: an end rounded past them proves nothing."""
    fields = {"accuracy_gain": 1.0, "base_accuracy": 0.0, "max_tokens": 10.0, "arrival_rate": 1e-3}
    w = one_type(saturation_rate=2.28, time_per_token=9.875, accuracy_weight=3.6e-14, **fields)
    tokens = [Decimal("1.000030656388823804850001")]  # the optimum is 0
    huge = Decimal("1e9")
    assert not accepts(module, w, tokens, -huge, huge, [Decimal("4.9999e-20")], 20)


def check_truths_are_accepted(module: ModuleType) -> None:
    """Proofs of optima, in as many digits as they say and in more."""
    for w in (*INSTANCES[::3], INSTANCES[1].replace(max_tokens=1.0)):
        document = truth.solved(w).certificate.to_document()
        for digits in (document["digits"], 90):
            assert module.check(document | {"digits": digits}).startswith("proven")


def check_unstable_tokens(module: ModuleType) -> None:
    """Whatever is claimed of tokens at a utilisation of 1 or more is refused."""
    for excess in (0.0, 1e-9, 1.0):
        w = one_type(max_tokens=100.0, arrival_rate=0.125, accuracy_weight=1.0)
        tokens = [Decimal(8) + Decimal(excess)]
        huge = Decimal("1e30")
        instance, _ = module.read_instance(w.to_instance())
        for d in DIGITS:
            with pytest.raises(module.Refused, match="stable"):
                module.prove(instance, tokens, [huge], -huge, huge, module.untargeted(instance), d)


def check_rounded_curves(module: ModuleType) -> None:
    """At few digits, where gain and slope are rounded most, their curve is nowhere above the true one."""
    for w in INSTANCES:
        instance, _ = module.read_instance(w.to_instance())
        goal, best = module.untargeted(instance), [Decimal(l) for l in truth.solved(w).tokens.tolist()]
        (_, true), rough = (
            module.Model(instance, goal, module.arithmetic(d)).separate(best) for d in (90, 3)
        )
        for sharp, curve in zip(true, rough[1], strict=True):
            assert curve.gain.high <= sharp.gain.low
            assert curve.slope.high <= sharp.slope.low


CHECKS: list[Callable[[ModuleType], None]] = [
    check_truths_are_accepted,
    check_unstable_tokens,
    check_rounded_curves,
    check_values_at_the_tokens,
    check_exponentials_at_the_tokens,
    check_variances_at_the_tokens,
    check_dual_bounds,
    check_dual_bounds_of_a_type_that_never_thinks,
    check_minima,
    check_radii,
    check_radii_at_few_digits,
    check_radii_beyond_the_working_digits,
]
