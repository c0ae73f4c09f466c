"""KV memory: the limit on its mean as a convex row, certified; its distribution; broken rows."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Context, Decimal, localcontext
from fractions import Fraction
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import cvxtoken
from cvxtoken import ProblemError, TargetError, UnstableError
from cvxtoken.allocation import memory, model
from cvxtoken.allocation.targeted.feasible import upper_values
from cvxtoken.delay import Fifo, Sharing
from cvxtoken.verifier import allocation as verifier
from tests.support.damage import damaged
from tests.support.instances import realistic
from tests.support.thorough import some

SERVERS = [Fifo(), Fifo(replicas=2), Sharing(0.02), Sharing(0.3, overhead=0.5), Sharing(1.0, replicas=3)]


def prompted(seed: int, size: int, server: Any) -> cvxtoken.Workload:
    """A workload whose best budgets hold at least a tenth more than no thinking does."""
    for number in range(seed, 1000, 50):
        prompts = np.random.default_rng(number).integers(0, 2000, size) * 1.0
        w = realistic(number, size).replace(server=server, prompt_tokens=prompts)
        if w.idle_at_zero > 0:
            best = cvxtoken.solve(w).tokens
            if model.mean_kv_tokens(w, best) > 1.1 * model.mean_kv_tokens(w, np.zeros(size)):
                return w
    raise AssertionError("no such workload")


def halfway(w: cvxtoken.Workload, share: float = 0.4) -> float:
    """A limit between the memory without thinking and that of the best budgets."""
    free = float(model.mean_kv_tokens(w, cvxtoken.solve(w).tokens))
    return (1 - share) * float(model.mean_kv_tokens(w, np.zeros(len(w)))) + share * free


@pytest.mark.parametrize("server", SERVERS, ids=str)
def test_the_row_is_the_limit(server: Any) -> None:
    """sum (a l + q l^2 / 2) <= limit where E[KV] <= M, exactly, and its slack is y (M - E[KV])."""
    w = prompted(3, 4, server)
    for share in (0.0, 0.2, 0.7):
        l = [Fraction(x) for x in (share * cvxtoken.solve(w).tokens).tolist()]
        values = upper_values(w, list(map(Decimal, map(float, l))))
        for M in (10.0, 1e4):
            row = memory.memory_row(w, M, Fraction)
            left = row.limit - sum(a * x + q * x * x / 2 for a, q, x in zip(row.a, row.q, l, strict=True))
            y = 1 - values["max_utilization"] if server.runs_together else 1
            assert left == y * (Fraction(M) - values["max_mean_kv_tokens"])
    found = float(model.mean_kv_tokens(w, np.array(list(map(float, l)))))
    assert found == pytest.approx(float(values["max_mean_kv_tokens"]), rel=1e-12)


@pytest.mark.parametrize("server", SERVERS, ids=str)
@pytest.mark.parametrize("objective", ["trade-off", "accuracy"])
def test_optima_under_a_memory_are_certified(server: Any, objective: str) -> None:
    for seed in some((2, 1, 5), 3):
        w = prompted(seed, 1 + seed % 4, server)
        M = halfway(w)
        found = cvxtoken.solve(w, objective=objective, max_mean_kv_tokens=M)
        assert found.status == "certified"
        assert found.relative_gap < 1e-20
        assert found.mean_kv_tokens <= M * (1 + 1e-12)  # the tokens are rounded to doubles
        assert f"max_mean_kv_tokens {M!r}" in found.certificate.check()
        rng = np.random.default_rng(seed)
        for _ in range(300):  # none that keeps the limit is better
            l = found.tokens * rng.uniform(0.9, 1.1, len(w))
            l = np.minimum(l, w.max_tokens)
            if float(model.mean_kv_tokens(w, l)) <= M:
                value = model.mean_accuracy(w, l) if objective == "accuracy" else model.objective(w, l)
                assert float(value) <= found.upper + 1e-12 * (1 + abs(found.upper))  # float64's rounding


def test_the_price_of_a_token_of_memory_is_the_derivative() -> None:
    for server in SERVERS:
        w = prompted(2, 3, server)
        M, step = halfway(w), 1e-5
        low, high = (cvxtoken.solve(w, max_mean_kv_tokens=M * (1 + d)).objective for d in (-step, step))
        (price,) = cvxtoken.solve(w, max_mean_kv_tokens=M).shadow_prices
        assert price.objective == pytest.approx(
            (high - low) / (2 * step * M), rel=1e-4
        )  # second order in step
        assert price.target == "max_mean_kv_tokens"


def test_a_memory_beside_other_targets() -> None:
    w = prompted(4, 5, Sharing(0.1))
    free = cvxtoken.solve(w)
    M, slow = (
        halfway(w, 0.6),
        0.8 * free.mean_system_time + 0.2 * float(model.mean_system_time(w, np.zeros(5))),
    )
    name = w.names[0]
    q = float(0.5 * (w.base_accuracy[0] + model.accuracy(w, free.tokens)[0]))
    found = cvxtoken.solve(w, max_mean_kv_tokens=M, max_mean_system_time=slow, min_accuracy={name: q})
    assert found.status == "certified"
    assert found.relative_gap < 1e-20
    loose = cvxtoken.solve(w, max_mean_kv_tokens=10 * found.mean_kv_tokens + 1e6)
    assert loose.objective == pytest.approx(free.objective, rel=1e-12)
    assert not loose.shadow_prices[0].active


def test_impossible_and_bad_limits_are_told() -> None:
    w = prompted(1, 2, Sharing(0.2))
    least = float(model.mean_kv_tokens(w, np.zeros(2)))
    with pytest.raises(TargetError, match=r"max_mean_kv_tokens is .*; the least possible is"):
        cvxtoken.solve(w, max_mean_kv_tokens=0.5 * least)
    with pytest.raises(ProblemError, match="max_mean_kv_tokens is -1"):
        cvxtoken.solve(w, max_mean_kv_tokens=-1)
    with pytest.raises(ProblemError, match="or max_mean_kv_tokens"):
        cvxtoken.sensitivity(cvxtoken.solve(w, max_mean_kv_tokens=halfway(w)))


def test_hardly_any_room() -> None:
    for server in SERVERS:
        w = prompted(3, 3, server)
        least = float(model.mean_kv_tokens(w, np.zeros(3)))
        found = cvxtoken.solve(w, max_mean_kv_tokens=least * (1 + 1e-9) + 1e-9)
        assert found.status == "certified"
        assert found.tokens.max() < 1


def test_the_distribution_has_the_mean_of_the_law() -> None:
    w = prompted(5, 3, Sharing(0.05, overhead=0.05))
    l = np.round(cvxtoken.solve(w).tokens)
    kv, n = cvxtoken.kv_in_use(w, l), cvxtoken.queries_in_system(w, l)
    # a token counts while the next one is made: half a token a query in service more than l^2 / 2
    thinking = float(w.prior @ (w.time_per_token * l)) / float(model.moments(w, l)[0])
    assert kv.mean == pytest.approx(float(model.mean_kv_tokens(w, l)) + n.mean * thinking / 2, rel=1e-9)
    assert n.mean == pytest.approx(w.rate * float(model.mean_system_time(w, l)), rel=1e-12)
    low, high = kv.quantile([0.1, 0.99])
    assert kv.above(low) > 0.8
    assert kv.above(high) <= 0.01


def test_what_has_no_distribution_is_told() -> None:
    w = prompted(5, 3, Sharing(0.05))
    with pytest.raises(ProblemError, match="one query at a time; it must be one that runs queries together"):
        cvxtoken.kv_in_use(w.replace(server=Fifo()), [0, 0, 0])
    with pytest.raises(UnstableError, match="it must be below 1"):
        cvxtoken.queries_in_system(w.replace(arrival_rate=1e6, overhead=[0.0] * 3), w.max_tokens)


@cache
def documents() -> list[dict[str, Any]]:
    found = []
    for seed, server in enumerate(SERVERS):
        w = prompted(seed + 1, 2, server)
        found.append(cvxtoken.solve(w, max_mean_kv_tokens=halfway(w)).certificate.to_document())
    return found


def check_truths(module: ModuleType) -> None:
    for document in documents():
        assert module.check(document).startswith("proven")


def check_falsehoods(module: ModuleType) -> None:
    """A limit a little below what the tokens hold, whatever the multiplier, and bounds below the optimum."""
    for document in documents()[::2]:
        M = document["targets"]["max_mean_kv_tokens"]
        for factor in ("1", "0.5", "2", "0"):
            phi = str(Decimal(document["multipliers"]["max_mean_kv_tokens"]) * Decimal(factor))
            with localcontext(Context(120)):
                gap = (Decimal(document["upper"]) - Decimal(document["lower"])) * 2
                low = Decimal(document["lower"]) - gap
            for limit, upper in ((M * (1 - 1e-9), "1e9"), (M, str(low))):
                targets = document["targets"] | {"max_mean_kv_tokens": limit}
                lower = "-1e9" if upper == "1e9" else str(low - 1)
                made = document | {"targets": targets, "lower": lower, "upper": upper, "relative_gap": "1e30"}
                made["multipliers"] = {"max_mean_kv_tokens": phi}
                made["radii"] = ["1e9"] * len(document["tokens"])
                with pytest.raises(module.Refused):
                    module.check(rehashed(made))


def rehashed(document: dict[str, Any]) -> dict[str, Any]:
    w, digest = verifier.read_instance(document["instance"])
    digest = verifier.read_targets(document["targets"], document["multipliers"], w, digest)[1]
    return document | {"sha256": digest}


BROKEN: dict[str, tuple[str, str, Callable[[ModuleType], None]]] = {
    "memory not tested": ("require(total.high <= self.room.low", "require(True", check_falsehoods),
    "shares forgotten": ("in TOGETHER else", "in () else", check_falsehoods),
    "prompts forgotten": ("(q_k * (m_k + sigma * M), q_k)", "(q_k * (sigma * M), q_k)", check_falsehoods),
    "limit without its load": ("self.lam * sigma0 * self.T0) - self", "self.zero) - self", check_falsehoods),
    "prompts in service forgotten": ("- self.lam * held\n", "\n", check_falsehoods),
    "row's slope left out": ("X.at(goal.phi) * (rise + bend * l[k]) / pi", "self.zero", check_truths),
    "slope not over pi": ("(rise + bend * l[k]) / pi", "(rise + bend * l[k])", check_truths),
    "square's constant left out": (
        "constant -= X.at(goal.phi) * bend * l[k] * l[k] * self.half",
        "constant -= self.zero",
        check_falsehoods,
    ),
    "square's constant not halved": ("* l[k] * l[k] * self.half", "* l[k] * l[k]", check_truths),
    "limit's price left out": (
        "constant -= X.at(goal.phi) * self.room",
        "constant -= self.zero",
        check_falsehoods,
    ),
    "limit not hashed": ("[*limits, *memory, *floors,", "[*limits, *floors,", check_truths),
}


@pytest.mark.parametrize("check", [check_truths, check_falsehoods])
def test_the_checker(check: Callable[[ModuleType], None]) -> None:
    check(verifier)


@pytest.mark.parametrize("damage", BROKEN)
def test_broken_checker_is_caught(damage: str) -> None:
    old, new, check = BROKEN[damage]
    module = damaged(verifier, old, new)
    with pytest.raises((AssertionError, ArithmeticError, pytest.fail.Exception, module.Refused)):
        check(module)
