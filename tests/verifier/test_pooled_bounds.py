"""The checker of one queue, at 2 to 9 digits, where a wrong bound shows; and broken versions of it."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from decimal import Decimal
from types import ModuleType

import numpy as np
import pytest

from cvxtoken.pooled import PooledWorkload
from tests.pooled.instances import random_problem
from tests.support import pooled_truth
from tests.support.bound_checks import INSTANCES, just, one_type
from tests.support.damage import damaged
from tests.support.thorough import some
from tests.support.truth import exact, mp, optimum
from tests.verifier.test_pooled import Document, check_forgeries, checker, problem_of, proofs, refused

DIGITS = (2, 3, 4, 6, 9)
TRUTH = mp.mpf(10) ** -80  # how true numbers of 90 digits are
LOW, HIGH = Decimal("-1e15"), Decimal("1e15")


def prove(module: ModuleType, document: Document, lower: Decimal, upper: Decimal, digits: int) -> bool:
    """Whether the claims are accepted at so many working digits."""
    w, _ = module.read_instance(document["instance"], document["servers"])
    cells = [module.read_cell(cell, len(w["names"])) for cell in document["cells"]]
    tokens = [Decimal(l) for l in document["tokens"]]
    try:
        module.prove(w, document["servers"], tokens, Decimal(document["start"]), cells, lower, upper, digits)
    except module.Refused:
        return False
    return True


def made(problem: PooledWorkload, tokens: list[Decimal], cells: list[dict[str, object]]) -> Document:
    """A proof with such cells from load 0."""
    texts = list(map(str, tokens))
    instance = problem.workload.to_instance()
    return {"instance": instance, "servers": problem.servers, "tokens": texts, "start": "0", "cells": cells}


def check_that_truths_are_accepted(module: ModuleType) -> None:
    for document in proofs():
        lower, upper = Decimal(document["lower"]), Decimal(document["upper"])
        for digits in (document["digits"], 75):
            assert prove(module, document, lower, upper, digits)


def check_upper_bounds(module: ModuleType) -> None:
    """An upper bound a little below the best J is false and must be refused at any precision."""
    for document in proofs():
        J = pooled_truth.best(problem_of(document))
        for claim in (just(J, -1), just(J - abs(J) / 10**5, -1), just(J - abs(J) / 100, -1)):
            for digits in (*DIGITS, 60):
                assert not prove(module, document, LOW, claim, digits), digits


def check_upper_bounds_of_exact_lines(module: ModuleType) -> None:
    """Likewise where g is a line that few digits hold, and of no line's law is the best J the true one."""
    for w in INSTANCES[::2]:
        l, J = optimum(w)
        point = [str(Decimal(mp.nstr(x, 40))) for x in l]
        cells: list[dict[str, object]] = [{"end": "1", "line": ["1", "1"], "point": point}]
        document = made(PooledWorkload(w, 1), [Decimal(0)] * len(w), cells)
        for digits in (*DIGITS, 60):
            assert not prove(module, document, LOW, just(J, -1), digits), digits
        assert prove(module, document, LOW, just(J + abs(J) / 10**9, 1), 60)


def check_lower_bounds(module: ModuleType) -> None:
    """A lower bound a little above J at the tokens is false and must be refused at any precision."""
    for document in proofs()[::2]:
        for share in ("0", "0.3", "0.7", "1"):
            tokens = [Decimal(share) * Decimal(l) for l in document["tokens"]]
            J = pooled_truth.objective(problem_of(document), tokens)
            changed = document | {"tokens": list(map(str, tokens))}
            for digits in DIGITS:
                assert not prove(module, changed, just(J, +1), HIGH, digits)
            assert prove(module, changed, just(J - (1 + abs(J)) * mp.mpf(10) ** -40, -1), HIGH, 60)


def check_waits_at_the_tokens(module: ModuleType) -> None:
    """Likewise 1/2 - E[T] at no tokens, where few digits hold all but g and what is divided by it."""
    for k, j, servers in itertools.product(range(1, 16), range(1, 16), (2, 3)):
        fields = {"accuracy_gain": 2.0**-60, "arrival_rate": j / 8, "accuracy_weight": 1.0}
        w = one_type(overhead=k / 8, **fields)
        problem = PooledWorkload(w, servers)
        if problem.least_load < servers:
            cells: list[dict[str, object]] = [{"end": str(servers), "price": "0"}]
            document, J = made(problem, [Decimal(0)], cells), pooled_truth.objective(problem, [0.0])
            for digits in (2, 3, 4, 5):
                assert not prove(module, document, just(J, +1), HIGH, digits)


def check_roundings_without_a_line(module: ModuleType) -> None:
    """1.25 D of a type that never thinks, where three digits hold all but 1.25 A."""
    fields = {"arrival_rate": 0.5, "max_tokens": 1.0, "time_per_token": 1e3, "accuracy_weight": 1.25}
    for k in range(1, 60):
        w = one_type(accuracy_gain=k / 64, base_accuracy=1 - k / 64, **fields)
        cells: list[dict[str, object]] = [{"end": "2", "price": "0"}]
        document = made(PooledWorkload(w, 2), [Decimal(0)], cells)
        assert not prove(module, document, LOW, just(exact(1.25 * (1 - k / 64)), -1), 3)


def check_spare(module: ModuleType) -> None:
    """g is enclosed, at few digits."""
    rng = random.Random(5)
    for _ in some(range(400), 10):
        X = module.allocation.arithmetic(rng.choice(DIGITS))
        servers = rng.choice([1, 2, 3, 5, 20])
        a = Decimal(f"{servers * rng.uniform(0.05, 0.99):.{rng.randrange(2, 9)}g}")
        g, true = module.spare(servers, X.at(a)), pooled_truth.spare(servers, exact(a))
        assert exact(g.low) <= true * (1 + TRUTH)
        assert exact(g.high) >= true * (1 - TRUTH)


def check_lines(module: ModuleType) -> None:
    """A line that is below g at an end of its cell, by however little, is refused at any precision."""
    for document in proofs():
        for place, cell in enumerate(document["cells"]):
            if place == 0 or "line" not in cell:
                continue
            servers, ends = document["servers"], (document["cells"][place - 1]["end"], cell["end"])
            for at, other in (ends, ends[::-1]):
                a, b = exact(Decimal(at)), exact(Decimal(other))
                g = pooled_truth.spare(servers, a) if a < servers else mp.mpf(0)
                above = 2 * pooled_truth.spare(servers, min(b, servers * mp.mpf("0.999"))) + 1
                for s in (0, (g - above) / (b - a)):
                    u = just(g + s * a if g else s * a - mp.mpf(10) ** -70, -1)
                    if s == 0 and (u <= 0 or b < a):
                        continue  # below g at the other end, too
                    line = [str(u), str(Decimal(mp.nstr(s, 85)))] if s else [str(u), "0"]
                    cells = [*document["cells"]]
                    cells[place] = cell | {"line": line, "point": ["0"] * len(cell["point"])}
                    for digits in (*DIGITS, 100):
                        assert not prove(module, document | {"cells": cells}, LOW, HIGH, digits)


def without_waits(seed: int) -> tuple[PooledWorkload, Decimal, Decimal, Document]:
    """A problem without overheads, mu, the best J without waits up to its load, and a proof of that."""
    problem = random_problem(5 * seed + 1)
    w = problem.workload.replace(overhead=np.zeros(len(problem)))
    w = w.replace(deviation=w.overhead, deviation_per_token=w.overhead)
    rng = random.Random(seed)
    price = Decimal(f"{10 ** rng.uniform(-1, 1):.2g}") if seed % 3 else Decimal(0)
    kappa = 1 + exact(price) * exact(w.arrival_rate)
    b, c, top = ([exact(x) for x in f.tolist()] for f in (w.saturation_rate, w.time_per_token, w.max_tokens))
    A, pi, D = ([exact(x) for x in f.tolist()] for f in (w.accuracy_gain, w.prior, w.base_accuracy))
    alpha, types = exact(w.accuracy_weight), range(len(w))
    l = [min(max(mp.log(alpha * A[k] * b[k] / (kappa * c[k])) / b[k], 0), top[k]) for k in types]
    gained = mp.fsum(pi[k] * (A[k] * (1 - mp.exp(-b[k] * l[k])) + D[k]) for k in types)
    mean = mp.fsum(pi[k] * c[k] * l[k] for k in types)
    load = exact(w.arrival_rate) * mean
    servers = int(load) + 2
    problem = PooledWorkload(w, servers)
    cells: list[dict[str, object]] = [{"end": str(servers), "price": str(price)}]
    document = made(problem, [Decimal(0)] * len(w), cells)
    bound = alpha * gained - mean - exact(price) * (load - servers)
    return problem, price, just(bound, -1), document


def check_cells_without_a_line(module: ModuleType) -> None:
    """Their bound is the largest of J without waits, less mu (load - end); none below is accepted."""
    for seed in some(range(24), 8):
        _, _, claim, document = without_waits(seed)
        for digits in (*DIGITS, 60):
            assert not prove(module, document, LOW, claim, digits)
        assert prove(module, document, LOW, just(exact(claim) * (1 + mp.sign(exact(claim)) / 10**20), +1), 60)


def check_prices_below_zero(module: ModuleType) -> None:
    document = proofs()[1]
    cells = [{"end": str(document["servers"]), "price": "-0.01"}]
    assert refused(module, document | {"cells": cells, "upper": "1e9", "relative_gap": "1e10"})


BROKEN: dict[str, tuple[str, str, Callable[[ModuleType], None]]] = {
    "J at the tokens from above": ("tokens).low, ", "tokens).high, ", check_lower_bounds),
    "lower not compared": ("require(lower <= attained", "require(True or attained", check_lower_bounds),
    "g at the tokens from above": (
        "model.X(spare(servers, model.X.at(load.high)).low, spare",
        "model.X(spare(servers, model.X.at(load.high)).high, spare",
        check_waits_at_the_tokens,
    ),
    "upper not compared": ("require(upper >=", "require(True or upper >=", check_upper_bounds),
    "waits forgotten at the tokens": ("square = one / g", "square = zero", check_lower_bounds),
    "a term of K too many": ("range(1, servers)", "range(1, servers + 1)", check_spare),
    "K without its factors": ("load.at(j) * K / load", "K / load", check_spare),
    "idle servers forgotten in g": ("load + left * K", "load + K", check_spare),
    "g of a busy server more": ("load.at(servers) - load\n", "load.at(servers + 1) - load\n", check_spare),
    "left end of lines not checked": ("((left, g_left), (end, g_end))", "((end, g_end),)", check_lines),
    "right end of lines not checked": ("((left, g_left), (end, g_end))", "((left, g_left),)", check_lines),
    "lines compared with g from below": (".low >= g.high", ".low >= g.low", check_lines),
    "lines compared from above": ("(u - s * at(a)).low >=", "(u - s * at(a)).high >=", check_lines),
    "lines not compared": (
        'require((u - s * at(a)).low >= g.high, f"the',
        'require(True, f"the',
        check_lines,
    ),
    "waits of a line at half": (
        "one / u, zero, share",
        "one / (u + u), zero, share",
        check_that_truths_are_accepted,
    ),
    "waits of a line doubled": ("one / u, zero, share", "(one + one) / u, zero, share", check_upper_bounds),
    "a line of half the slope": (
        "share = model.law, s / u",
        "share = model.law, s / (u + u)",
        check_that_truths_are_accepted,
    ),
    "a line of twice the slope": (
        "share = model.law, s / u",
        "share = model.law, (s + s) / u",
        check_upper_bounds_of_exact_lines,
    ),
    "the least values forgotten": (
        "return bound + total(model, curves)",
        "return bound + model.best",
        check_upper_bounds,
    ),
    "the price's end forgotten": (" - mu * at(end)", "", check_cells_without_a_line),
    "the price's end twice": ("mu * at(end)", "(mu + mu) * at(end)", check_cells_without_a_line),
    "a price of time, not of load": ("mu * model.lam\n", "mu\n", check_cells_without_a_line),
    "gains without a line rounded up": (
        "(model.alpha * A).low",
        "(model.alpha * A).high",
        check_roundings_without_a_line,
    ),
    "prices below zero": ("price[0] >= 0", "True", check_prices_below_zero),
    "least loads left out": ("0 <= start <= (model.lam * model.T0).low", "0 <= start", check_forgeries),
    "large loads left out": ("cells[-1][0] == servers", "True", check_forgeries),
    "cells in any order": ("left < end <= servers", "True", check_forgeries),
    "servers not hashed": ("{digest}\\n{servers}\\n", "{digest}\\n", check_forgeries),
    "any kind of server": ("require(alone", "require(True", check_forgeries),
}  # fmt: skip
CHECKS = [
    check_that_truths_are_accepted,
    check_upper_bounds,
    check_upper_bounds_of_exact_lines,
    check_lower_bounds,
    check_waits_at_the_tokens,
    check_spare,
    check_lines,
    check_roundings_without_a_line,
    check_cells_without_a_line,
    check_prices_below_zero,
]


@pytest.mark.parametrize("check", CHECKS)
def test_the_checker_passes(check: Callable[[ModuleType], None]) -> None:
    check(checker)


@pytest.mark.parametrize("damage", some(BROKEN, 3))
def test_broken_checker_is_caught(damage: str) -> None:
    old, new, check = BROKEN[damage]
    module = damaged(checker, old, new)
    with pytest.raises((AssertionError, ArithmeticError, checker.Refused)):
        check(module)
