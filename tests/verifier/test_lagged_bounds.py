"""The checker of lagged proofs, at 2 to 9 digits, where a wrong bound shows; and broken versions of it."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from types import ModuleType

import pytest

from cvxtoken.lagged import LaggedWorkload, solve_lagged
from cvxtoken.verifier import lagged as checker
from tests.support import lagged_truth
from tests.support.bound_checks import just
from tests.support.damage import damaged
from tests.support.thorough import some
from tests.support.truth import exact, mp
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


def check_least(module: ModuleType) -> None:
    """m is enclosed, at few digits: off, on or free, with lags inside the box and beyond it."""
    rng = random.Random(5)
    for _ in range(400):
        X = module.allocation.arithmetic(rng.choice(DIGITS))
        gain, b, slope, top, lag = (Decimal(f"{10 ** rng.uniform(-2, 2):.3g}") for _ in range(5))
        curve = module.Curve(*map(X.at, (Decimal(1), gain, b, slope)))
        g, rate, r, room = exact(gain), exact(b), exact(slope), exact(top - lag)
        d = min(max(mp.log(g * rate / r) / rate, 0), max(room, 0))
        on = g * mp.exp(-rate * d) + r * (exact(lag) + d) if room > 0 else g
        for choice, true in (("0", g), ("1", on), (".", min(g, on))):
            least = module.least(choice, curve, X.at(top), X.at(lag))
            assert exact(least.low) <= true + TRUTH * abs(true)
            assert choice == "1" or exact(least.high) >= true - TRUTH * abs(true)


SERVERS = [
    {"kind": "fifo", "replicas": 1.0},
    {"kind": "fifo", "replicas": 3.0},
    {"kind": "sharing", "sigma": 0.125, "overhead": 0.75, "replicas": 7.0},
    {"kind": "sharing", "sigma": 0.0, "overhead": 0.5, "replicas": 1.0},
]


def check_idle_shares(module: ModuleType) -> None:
    """Exactly, against fractions, for every kind of server."""
    rng = random.Random(2)
    for document, server in itertools.product(proofs()[::2], SERVERS):
        data, _ = module.read_instance(document["instance"], document["lag"])
        w, places = problem_of(document).workload, module.choosing(data)
        choices = "".join(rng.choice(".01") if k in places else "." for k in range(len(w)))
        data = data | {"server": server}
        model = module.Model(data, module.allocation.untargeted(data), module.allocation.arithmetic(20))
        sigma0, sigma = Fraction(server.get("overhead", 1.0)), Fraction(server.get("sigma", 1.0))
        busy = Fraction(0)
        for k, choice in enumerate(choices):
            lag = Fraction(document["lag"][k] if choice == "1" else 0)
            t0, c = Fraction(float(w.overhead[k])), Fraction(float(w.time_per_token[k]))
            busy += Fraction(float(w.prior[k])) * (sigma0 * t0 + sigma * c * lag)
        lam = Fraction(w.arrival_rate / server["replicas"])
        assert module.idle(model, data, choices) == 1 - lam * busy


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
    "lags forgotten at the tokens": (
        'model.cost(tokens, w["lag"])',
        "model.cost(tokens)",
        check_lower_bounds,
    ),
    "J at the tokens from above": ('w["lag"]).high', 'w["lag"]).low', check_lower_bounds),
    "room without the lag": ("curve.least(top - lag)", "curve.least(top)", check_least),
    "lag's cost forgotten": ("curve.slope * lag + curve", "curve", check_least),
    "lag's cost twice": ("curve.slope * lag + curve", "curve.slope * (lag + lag) + curve", check_least),
    "free taken for on": (
        "else type(on)(min(curve.gain.low, on.low), min(curve.gain.high, on.high))",
        "else on",
        check_all_free,
    ),
    "free taken for off": ('choice == "0" or lag.low >= top.low', 'choice != "1"', check_upper_bounds),
    "hopeless lags taken for on": (" or lag.low >= top.low:", ":", check_a_huge_lag),
    "leaves not bounded": ("require(proven", "require(True", check_upper_bounds),
    "only what is on covered": ('for choice in "01"', 'for choice in "1"', check_cover),
    "every leaf covers both sides": ('if leaf[k] in ("." + choice)', "", check_cover),
    "leaves that are missing": ("cover([", "list([", check_forgeries),
    "stable leaves without a point": (
        "idle(model, w, choices) <= 0",
        "idle(model, w, choices) <= 1",
        check_forgeries,
    ),
    "tokens in full in the least load": (
        "thinking = token_share * Fraction(c)",
        "thinking = Fraction(c)",
        check_idle_shares,
    ),
    "overheads in full in the least load": (
        "overhead_share * Fraction(t0)",
        "Fraction(t0)",
        check_idle_shares,
    ),
    "arrivals at all replicas in the least load": (
        "Fraction(model.lam.low) * busy",
        'Fraction(w["arrival_rate"]) * busy',
        check_idle_shares,
    ),
    "lags of free types in the least load": (
        'lag if choice == "1" else 0.0',
        'lag if choice != "0" else 0.0',
        check_idle_shares,
    ),
    "lags not hashed": ('*w["lag"])', "*[0.0] * len(lag))", check_forgeries),
    "lower not compared": ("require(lower <= attained", "require(True or attained", check_lower_bounds),
    "longer lags with the bounds of shorter ones": (
        "require(proven",
        "require(True",
        check_lags_with_the_right_hash,
    ),
}
CHECKS = [check_upper_bounds, check_all_free, check_lower_bounds, check_least, check_idle_shares]
CHECKS += [check_cover, check_that_truths_are_accepted, check_a_huge_lag]


@pytest.mark.parametrize("check", CHECKS)
def test_the_checker_passes(check: Callable[[ModuleType], None]) -> None:
    check(checker)


@pytest.mark.parametrize("damage", some(BROKEN, 3))
def test_broken_checker_is_caught(damage: str) -> None:
    old, new, check = BROKEN[damage]
    module = damaged(checker, old, new)
    with pytest.raises((AssertionError, ArithmeticError, checker.Refused)):
        check(module)
