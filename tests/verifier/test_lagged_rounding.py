"""The checker's rounding, at 2 to 9 digits, where a wrong direction shows; and broken versions of it."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, localcontext
from fractions import Fraction
from types import ModuleType
from typing import Any

import pytest

from cvxtoken.lagged import LaggedWorkload, solve_lagged
from cvxtoken.verifier import lagged as checker
from tests.support import lagged_truth
from tests.support.damage import damaged
from tests.support.truth import exact, mp
from tests.verifier.test_allocation_rounding import just
from tests.verifier.test_lagged import (
    Document,
    check_forgeries,
    check_lags_with_the_right_hash,
    problem_of,
    proofs,
)

DIGITS = (2, 3, 4, 6, 9)
TRUTH = mp.mpf(10) ** -80  # how true numbers of 90 digits are


def prove(module: ModuleType, document: Document, lower: Decimal, upper: Decimal, digits: int) -> bool:
    """Whether the claims are accepted at so many working digits."""
    w, _ = module.read_instance(document["instance"], document["lag"])
    places = set(module.choosing(w))
    leaves = [module.read_leaf(leaf, len(w["names"]), places) for leaf in document["leaves"]]
    try:
        module.prove(w, [Decimal(l) for l in document["tokens"]], leaves, lower, upper, digits)
    except module.Refused:
        return False
    return True


def check_upper_bounds(module: ModuleType) -> None:
    """An upper bound a little below the best J is false and must be refused at any precision."""
    for document in proofs():
        J = lagged_truth.best(problem_of(document))
        for claim in (just(J, -1), just(J - abs(J) / 10**5, -1), just(J - abs(J) / 100, -1)):
            for digits in (*DIGITS, 60):
                assert not prove(module, document, Decimal("-1e15"), claim, digits), digits


def check_all_free(module: ModuleType) -> None:
    """Likewise where a single leaf, free in all types, has the best tokens for its point."""
    for document in proofs()[::2]:
        problem = problem_of(document)
        claim = just(lagged_truth.best(problem), -1)
        leaf = {"choices": "." * len(problem), "point": document["tokens"]}
        for digits in (*DIGITS, 60):
            assert not prove(module, document | {"leaves": [leaf]}, Decimal("-1e15"), claim, digits)


def check_lower_bounds(module: ModuleType) -> None:
    """A lower bound a little above J at the tokens is false and must be refused at any precision."""
    for document in proofs()[::2]:
        for share in ("0", "0.3", "0.7", "1"):
            tokens = [Decimal(share) * Decimal(l) for l in document["tokens"]]
            claim = just(lagged_truth.objective(problem_of(document), tokens), +1)
            made = document | {"tokens": list(map(str, tokens))}
            for digits in DIGITS:
                assert not prove(module, made, claim, Decimal("1e15"), digits)


def round_types(rng: random.Random) -> tuple[list[tuple[Decimal, ...]], Decimal, Decimal]:
    """Types, lambda and alpha of one digit, so that few digits hold all but what is looked at."""

    def one_of(*numbers: str) -> Decimal:
        return Decimal(rng.choice(numbers))

    types = []
    for pi in rng.choice((["1"], ["0.5", "0.5"])):
        A, b, D = one_of("0.1", "0.5"), one_of("0.01", "0.1", "1", "2"), one_of("0", "0.1", "0.4")
        t0, c, l_max = one_of("0", "0.3", "2"), one_of("0.001", "0.1", "0.4"), one_of("1", "7", "40", "101")
        s0, s1 = one_of("0", "0.3"), one_of("0", "0.02", "0.2")
        types.append((Decimal(pi), A, b, D, t0, c, l_max, s0, s1, one_of("0", "0.3", "1", "2.7", "30")))
    return types, one_of("0.01", "0.1", "0.3"), one_of("1", "3", "200", "1000")


def true_bound(types: Any, lam: Any, alpha: Any, choices: str, zv: Any) -> Any:
    """What `dual` bounds, in 90 digits."""
    lam, alpha, zv = exact(lam), exact(alpha), [tuple(map(exact, pair)) for pair in zv]
    types = [tuple(map(exact, numbers)) for numbers in types]
    Z = sum(pi * (z**2 + v**2) for (pi, *_), (z, v) in zip(types, zv, strict=True))
    total = -lam * Z / 2
    for (pi, A, b, D, t0, c, l_max, s0, s1, lag), (z, v), choice in zip(types, zv, choices, strict=True):
        kappa = 1 + lam**2 * Z / 2 + lam * z
        r, room = kappa * c + lam * v * s1, l_max - lag
        ways = [alpha * A] if choice != "1" else []
        if choice != "0" and room >= 0:
            d = min(max(mp.log(alpha * A * b / r) / b, 0), room)
            ways.append(alpha * A * mp.exp(-b * d) + r * (lag + d))
        total += pi * (kappa * t0 + lam * v * s0 + min(ways) - alpha * (A + D))
    return -total


def true_value(types: Any, lam: Any, alpha: Any, tokens: list[Decimal]) -> Any:
    """J, in 90 digits."""
    gain = ES = ES2 = mp.mpf(0)
    for numbers, l in zip(types, map(exact, tokens), strict=True):
        pi, A, b, D, t0, c, _, s0, s1, lag = map(exact, numbers)
        gain += pi * (A * (1 - mp.exp(-b * max(0, l - lag))) + D)
        ES, ES2 = ES + pi * (t0 + c * l), ES2 + pi * ((t0 + c * l) ** 2 + (s0 + s1 * l) ** 2)
    return exact(alpha) * gain - ES - exact(lam) * ES2 / (2 * (1 - exact(lam) * ES))


class Noisy:
    """A context whose results are off by up to a tenth to its own side now and then, exp and ln to either."""

    def __init__(self, rng: random.Random, rounding: str) -> None:
        self.rng, self.exact, self.side = rng, Context(60, rounding), 1 if rounding == ROUND_CEILING else -1

    def off(self, value: Decimal, share: float) -> Decimal:
        with localcontext(self.exact):
            return value + abs(value) * Decimal(share)

    def __getattr__(self, name: str) -> Callable[..., Decimal]:
        def operation(*numbers: Decimal) -> Decimal:
            if name in ("next_minus", "next_plus"):
                return self.off(numbers[0], 0.002 if name == "next_plus" else -0.002)
            share = self.side * self.rng.random() / 10 if self.rng.random() < 0.15 else 0.0
            share = self.rng.choice((-0.001, 0.001)) if name in ("exp", "ln") else share
            return self.off(getattr(self.exact, name)(*numbers), share)

        return operation


def contexts(rng: random.Random) -> tuple[Any, Any]:
    """Down and up: decimal's own of few digits, or noisy ones."""
    digits = rng.choice(DIGITS)
    if rng.random() < 0.3:
        return Context(digits, ROUND_FLOOR), Context(digits, ROUND_CEILING)
    return Noisy(rng, ROUND_FLOOR), Noisy(rng, ROUND_CEILING)


def check_brackets(module: ModuleType) -> None:
    """Bounds lie on their side of the true numbers, at few digits and whatever errs to its own side."""
    rng = random.Random(5)
    for _ in range(1500):
        types, lam, alpha = round_types(rng)
        zv = [(Decimal(rng.randint(0, 30)) / 10, Decimal(rng.choice((0, 0, 3, 12))) / 10) for _ in types]
        choices = "".join(rng.choice(".01") if 0 < x[9] < x[6] else "." for x in types)
        bound = module.dual(types, lam, alpha, choices, zv, *contexts(rng))
        assert exact(bound) - true_bound(types, lam, alpha, choices, zv) > -TRUTH
        l = [min(x[6], x[9] + rng.choice((0, 1, 2, 6, 30)) * rng.choice((1, 1, -1))) for x in types]
        l = [max(Decimal(0), l_k) for l_k in l]
        try:
            value = module.attained(types, lam, alpha, l, *contexts(rng))
        except module.Refused:
            continue
        assert sum(x[0] * (x[4] + x[5] * l_k) for x, l_k in zip(types, l, strict=True)) * lam < 1
        assert exact(value) - true_value(types, lam, alpha, l) < TRUTH


def check_idle_shares(module: ModuleType) -> None:
    """Exactly, against fractions."""
    rng = random.Random(2)
    for document in proofs()[::2]:
        data, _ = module.read_instance(document["instance"], document["lag"])
        w, places = problem_of(document).workload, module.choosing(data)
        choices = "".join(rng.choice(".01") if k in places else "." for k in range(len(w)))
        busy = Fraction(0)
        for k, choice in enumerate(choices):
            lag = Fraction(document["lag"][k] if choice == "1" else 0)
            t = Fraction(float(w.overhead[k])) + Fraction(float(w.time_per_token[k])) * lag
            busy += Fraction(float(w.prior[k])) * t
        assert module.idle(data, choices) == 1 - Fraction(w.arrival_rate) * busy


def check_that_truths_are_accepted(module: ModuleType) -> None:
    for document in proofs():
        lower, upper = Decimal(document["lower"]), Decimal(document["upper"])
        for digits in (document["digits"], 75):
            assert prove(module, document, lower, upper, digits)


def check_a_huge_lag(module: ModuleType) -> None:
    """It is beyond all tokens, however large."""
    problem = problem_of(proofs()[0])
    lag = [1e300, *problem.lag.tolist()[1:]]
    module.check(solve_lagged(LaggedWorkload(problem.workload, lag)).certificate.to_document())


def check_cover(module: ModuleType) -> None:
    """Against all combinations one by one."""
    rng = random.Random(7)
    seen = {True: 0, False: 0}
    for _ in range(1500):
        size = rng.randrange(5)
        leaves = ["".join(rng.choice(".01") for _ in range(size)) for _ in range(rng.randrange(1, 9))]
        covered = all(
            any(all(c in (".", x) for c, x in zip(leaf, way, strict=True)) for leaf in leaves)
            for way in itertools.product("01", repeat=size)
        )
        seen[covered] += 1
        try:
            module.cover(leaves)
        except module.Refused:
            assert not covered, leaves
        else:
            assert covered, leaves
    assert min(seen.values()) > 300


BROKEN: dict[str, tuple[str, str, Callable[[ModuleType], None]]] = {
    "exponential not widened": (
        "up.next_plus(up.exp(MUL(b.copy_negate(), over)))",
        "up.exp(MUL(b.copy_negate(), over))",
        check_brackets,
    ),
    "lag subtracted to the wrong side": ("down.subtract(l, lag)", "up.subtract(l, lag)", check_brackets),
    "lag forgotten in the exponent": ("down.subtract(l, lag)", "l", check_lower_bounds),
    "y rounded to the wrong side": (
        'y = down.subtract(1, MUL(lam, ES))\n    require(y > 0, "the tokens',
        'y = up.subtract(1, mul(lam, ES))\n    require(y > 0, "the tokens',
        check_brackets,
    ),
    "variance left out": ("ADD(MUL(T, T), MUL(S, S))", "MUL(T, T)", check_lower_bounds),
    "v left out of Z": ("ADD(MUL(z, z), MUL(v, v))", "MUL(z, z)", check_brackets),
    "Z rounded down where it is subtracted": ("MUL(lam, Z2)", "mul(lam, z2)", check_brackets),
    "P rounded up": ("P = add(1, down.divide(mul(", "P = ADD(1, up.divide(MUL(", check_brackets),
    "best rounded down": ("BEST = ADD(BEST, MUL(pi", "BEST = add(BEST, mul(pi", check_brackets),
    "price rounded up": ("r = add(mul(kappa, c)", "r = ADD(MUL(kappa, c)", check_brackets),
    "room rounded down": ("up.subtract(l_max, lag)", "down.subtract(l_max, lag)", check_brackets),
    "lag's cost rounded up": ("down.multiply(r, lag)", "up.multiply(r, lag)", check_brackets),
    "lag's cost forgotten": (
        "down.add(down.multiply(r, lag), beyond)",
        "beyond",
        check_that_truths_are_accepted,
    ),
    "free taken for on": ("else min(g, on)", "else on", check_all_free),
    "free taken for off": ('choice == "0" or lag >= l_max', 'choice != "1"', check_upper_bounds),
    "hopeless lags taken for on": (" or lag >= l_max:", ":", check_a_huge_lag),
    "leaves not bounded": ("require(upper >= bound", "require(True", check_upper_bounds),
    "only what is on covered": ('for choice in "01"', 'for choice in "1"', check_cover),
    "every leaf covers both sides": ('if leaf[k] in ("." + choice)', "", check_cover),
    "leaves that are missing": ("cover([", "list([", check_forgeries),
    "stable leaves without a point": ("idle(w, choices) <= 0", "idle(w, choices) <= 1", check_forgeries),
    "lags of free types in the least load": (
        'lag if choice == "1" else 0.0',
        'lag if choice != "0" else 0.0',
        check_idle_shares,
    ),
    "lags not hashed": ('*w["lag"])', "*[0.0] * len(lag))", check_forgeries),
    "lower not compared": ("require(lower <= attained(", "(lambda *_: None)(attained(", check_lower_bounds),
    "longer lags with the bounds of shorter ones": (
        "require(upper >= bound",
        "require(True",
        check_lags_with_the_right_hash,
    ),
}
CHECKS = [check_upper_bounds, check_all_free, check_lower_bounds, check_brackets, check_idle_shares]
CHECKS += [check_cover, check_that_truths_are_accepted, check_a_huge_lag]


@pytest.mark.parametrize("check", CHECKS)
def test_the_checker_passes(check: Callable[[ModuleType], None]) -> None:
    check(checker)


@pytest.mark.parametrize("damage", BROKEN)
def test_broken_checker_is_caught(damage: str) -> None:
    old, new, check = BROKEN[damage]
    module = damaged(checker, old, new)
    with pytest.raises((AssertionError, ArithmeticError, checker.Refused)):
        check(module)
