"""The checker's rounding, at 2 to 9 digits, where a wrong direction shows; and broken versions of it."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from itertools import pairwise
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import cvxtoken
from cvxtoken.allocation import model
from cvxtoken.delay import Fifo, Sharing
from cvxtoken.verifier import allocation as verifier
from cvxtoken.verifier import whole as checker
from tests.support import truth
from tests.support.bound_checks import just
from tests.support.damage import damaged
from tests.support.thorough import some
from tests.support.truth import exact, mp
from tests.verifier.test_whole import Document, proofs

DIGITS = (3, 4, 6, 9)


def prove(module: ModuleType, document: Document, lower: Decimal, upper: Decimal, digits: int) -> bool:
    """Whether the claims are accepted at so many working digits."""
    w, _ = verifier.read_instance(document["instance"])
    edges = [Decimal(edge) for edge in document["edges"]]
    multipliers = [[Decimal(nu) for nu in nus] for nus in document["multipliers"]]
    cells = list(zip(pairwise(edges), multipliers, strict=True))
    none = ["0"] * len(document["z"])
    z = list(zip(*(map(Decimal, document.get(name, none)) for name in ("z", "v")), strict=True))
    try:
        z0 = Decimal(document.get("z0", "0"))
        module.prove(w, document["tokens"], lower, upper, (z, z0), cells, digits)
    except module.Refused:
        return False
    return True


def check_upper_bounds(module: ModuleType) -> None:
    """An upper bound a little below the best J is false and must be refused at any precision."""
    for w, document in proofs():
        J = truth.best_whole(w)[1]
        for claim in (just(J, -1), just(J - abs(J) / 10**5, -1), just(J - abs(J) / 100, -1)):
            for digits in (*DIGITS, 60):
                assert not prove(module, document, Decimal("-1e9"), claim, digits), (w.names, digits)


def check_lower_bounds(module: ModuleType) -> None:
    """A lower bound a little above J at the tokens is false and must be refused at any precision."""
    for w, document in proofs()[::2]:
        for share in (0, 0.3, 0.7, 1):
            tokens = [int(share * l) for l in document["tokens"]]
            claim = just(truth.objective(w, tokens), +1)
            for digits in DIGITS:
                assert not prove(module, document | {"tokens": tokens}, claim, Decimal("1e9"), digits)


def round_instance(rng: random.Random) -> cvxtoken.Workload:
    """Few and round numbers, so that few digits hold all but what is looked at."""
    size = rng.choice((1, 1, 2))
    eighths = {
        field: [rng.randint(1, 64) / 64 for _ in range(size)]
        for field in ("saturation_rate", "time_per_token")
    }
    if rng.random() < 0.5:
        eighths["deviation"] = [rng.randint(0, 8) / 8 for _ in range(size)]
        eighths["deviation_per_token"] = [rng.randint(1, 64) / 64 for _ in range(size)]
    shares = (rng.randint(0, 4) / 4, rng.randint(0, 4) / 4, rng.choice((1, 2)))
    return cvxtoken.Workload(
        names=["a", "b"][:size],
        server=rng.choice((Fifo(), Fifo(), Sharing(*shares))),
        prior=[1.0] if size == 1 else [0.5, 0.5],
        accuracy_gain=[0.5] * size,
        base_accuracy=[rng.choice((0.0, 0.5))] * size,
        overhead=[rng.randint(0, 8) / 8 for _ in range(size)],
        max_tokens=[float(rng.randint(1, 4)) for _ in range(size)],
        arrival_rate=rng.randint(1, 64) / 64,
        accuracy_weight=rng.choice((1.0, 2.0, 1024.0)),
        **eighths,
    )


class Truth:
    """What the checker bounds, in 90 digits."""

    def __init__(
        self,
        w: cvxtoken.Workload,
        z: list[tuple[Decimal, Decimal]],
        low: Decimal,
        high: Decimal,
        nu: Decimal,
        z0: Decimal,
    ) -> None:
        self.pi, self.A, self.b, self.D, self.t0, self.c, self.s0, self.s1 = truth.columns(w)
        self.lam, self.alpha = exact(w.rate), exact(w.accuracy_weight)
        self.T0 = sum(pi * t0 for pi, t0 in zip(self.pi, self.t0, strict=True))
        self.law, self.z0 = w.server.law(self.lam, self.T0, exact), exact(z0)
        self.z = [(exact(z_k), exact(v_k)) for z_k, v_k in z]
        self.low, self.high, self.nu = exact(low), exact(high), exact(nu)
        squares = sum(pi * (z**2 + v**2) for pi, (z, v) in zip(self.pi, self.z, strict=True))
        self.Z = self.law.square * squares + self.law.constant * self.z0**2
        self.tops = [int(top) for top in w.max_tokens]

    def h(self, k: int, l: int) -> Any:
        t, s = self.t0[k] + self.c[k] * l, self.s0[k] + self.s1[k] * l
        z, v = self.z[k]
        squares = [max(0, x * self.low - r, r - x * self.high) ** 2 for r, x in ((t, z), (s, v))]
        P = self.law.direct + self.law.token_share * self.lam**2 * self.Z / 2
        own = self.lam * self.law.square
        linear = (P + own * z + self.nu) * t + own * v * s
        lost = self.alpha * self.A[k] * mp.exp(-self.b[k] * l)
        return self.pi[k] * (lost + linear + own / (2 * self.high) * sum(squares))

    def bound(self) -> Any:
        """Lower bound of -J in the cell."""
        best = self.alpha * sum(pi * (A + D) for pi, A, D in zip(self.pi, self.A, self.D, strict=True))
        law, lam = self.law, self.lam
        y1 = 1 - lam * (law.overhead_share - law.token_share) * self.T0
        tilt = (
            max(self.nu * (y1 - self.low), self.nu * (y1 - self.high)) / (lam * law.token_share)
            if self.nu
            else 0
        )
        least = sum(min(self.h(k, l) for l in range(top + 1)) for k, top in enumerate(self.tops))
        apart = max(0, self.z0 * self.low - 1, 1 - self.z0 * self.high) ** 2
        base = law.offset + lam * law.constant * (self.z0 + apart / (2 * self.high)) - y1 * lam * self.Z / 2
        return base + least - best - tilt


def check_brackets(module: ModuleType) -> None:
    """What is rounded down lies below the true number and what is rounded up above, at few digits."""
    rng = random.Random(6)
    for _ in some(range(4000), 16):
        w, digits = round_instance(rng), rng.choice((2, 3, 4))
        size = len(w)
        instance, _ = verifier.read_instance(w.to_instance())
        v = rng.randint(0, 16) if w.is_random else 0
        z = [(Decimal(rng.randint(0, 16)) / 8, Decimal(v) / 8) for _ in range(size)]
        low, high = Decimal(rng.randint(1, 3)) / 8, Decimal(rng.randint(4, 8)) / 8
        nu = Decimal(rng.randint(-16, 16)) * rng.choice((1, 100)) / 8
        z0 = Decimal(rng.randint(0, 16)) / 8
        if w.idle_at_zero <= 0 and w.server != Fifo():
            continue
        nu = nu if w.law.token_share else Decimal(0)
        try:
            plain = verifier.Model(instance, verifier.untargeted(instance), verifier.arithmetic(digits))
        except verifier.Refused:
            continue  # at so few digits no tokens are surely stable
        common = module.Common(plain, z, z0)
        below, above = (
            module.Side(common, Context(digits, r), module.Work(1e9)) for r in (ROUND_FLOOR, ROUND_CEILING)
        )
        below.other, above.other = above, below
        cell = module.Cell(below, low, high)
        true = Truth(w, z, low, high, nu, z0)
        for k, top in enumerate(true.tops):
            for l in range(top + 1):
                lower, upper = (exact(cell.h(side, k, l, nu)) for side in (below, above))
                assert lower <= true.h(k, l) <= upper
                lower, upper = (exact(side.curves(k, l)[0]) for side in (below, above))
                assert lower <= true.alpha * true.A[k] * mp.exp(-true.b[k] * l) <= upper
        assert exact(module.Bound(cell, nu, [0] * size, Decimal(0)).spare) >= -true.bound()
        l = [rng.randint(0, top) for top in true.tops]
        cost = -truth.objective(w, l) if model.idle(w, np.array(l)) > 0 else mp.inf
        for side, sign in ((below, 1), (above, -1)):
            bound = side.cost(
                tuple(map(sum, zip(*(side.terms(k, l_k) for k, l_k in enumerate(l)), strict=True)))
            )
            assert not bound.is_finite() or sign * (cost - exact(bound)) >= 0


def check_that_truths_are_accepted(module: ModuleType) -> None:
    for w, document in proofs():
        J = truth.best_whole(w)[1]
        assert prove(module, document, just(J, -1), just(J, +1), 75)


BROKEN: dict[str, tuple[str, str, Callable[[ModuleType], None]]] = {
    "exponential not widened below": ("max(self.rounding.next_minus(near)", "max(near", check_brackets),
    "exponential not widened above": ("self.rounding.next_plus(near)", "near", check_brackets),
    "y rounded to the wrong side": (
        "y = self.other.sub(self.other.y1, self.mul(self.load, ES))",
        "y = self.sub(self.y1, self.other.mul(self.other.load, ES))",
        check_brackets,
    ),
    "price rounded to the wrong side": (
        "(add(P, mul(square, z)),",
        "(side.other.add(P, mul(square, z)),",
        check_brackets,
    ),
    "the low end of the cell in the weight": (
        "side.div(square, side.other.mul(2, high))",
        "side.div(square, side.other.mul(2, low))",
        check_brackets,
    ),
    "tilt from the wrong side": ("known[1 if nu >= 0 else 2]", "known[1]", check_brackets),
    "variance left out": (
        "reduce(self.add, (self.mul(t, t) for t in times))",
        "self.mul(times[0], times[0])",
        check_brackets,
    ),
    "v left out of Z": (
        "model.mean_square(*columns)",
        "model.mean_square(columns[0])",
        check_brackets,
    ),
    "deviation's price rounded to the wrong side": (
        "mul(square, v)) for z, v",
        "side.other.mul(square, v)) for z, v",
        check_brackets,
    ),
    "Z rounded down where it is subtracted": ("constant.low)", "constant.high)", check_brackets),
    "Z not over the whole of y": ("- self.y1 * half_Z", "- half_Z", check_brackets),
    "constant left out of Z": (" + law.constant * self.z0 * self.z0", "", check_brackets),
    "constant counted twice": (
        "lam * law.constant * self.z0 -",
        "lam * law.constant * (self.z0 + self.z0) -",
        check_brackets,
    ),
    "distance of the constant from one end only": (
        "(one - self.z0 * at(high)).positive()",
        "(self.z0 * at(high) - one).positive()",
        check_brackets,
    ),
    "shares exchanged": (
        "lam * (law.overhead_share - law.token_share)",
        "lam * (law.token_share - law.overhead_share)",
        check_brackets,
    ),
    "multiplier's share forgotten": ("        if nu:  #", "        if False:  #", check_upper_bounds),
    "the wrong end of the cell for the multiplier": (
        "at(cell.low if nu > 0 else cell.high)",
        "at(cell.high if nu > 0 else cell.low)",
        check_upper_bounds,
    ),
    "distance from one end only": (
        "max(Decimal(0), side.sub(t, high), side.sub(low, t_other))",
        "max(Decimal(0), side.sub(t, high).copy_abs(), side.sub(low, t_other))",
        check_upper_bounds,
    ),
    "enumeration without evaluation": (
        "require(self.below.cost(sums) >= target,",
        "require(True,",
        check_upper_bounds,
    ),
    "first combination only": (
        "for n in range(start, len(options)):",
        "for n in range(start, start):",
        check_upper_bounds,
    ),
    "spare too small": (
        "self.spare = above.sub(target, total)",
        "self.spare = above.sub(target, total) / 2",
        check_upper_bounds,
    ),
    "every type a twin": (
        "self.twin = [alike.setdefault(str(key), k)",
        "self.twin = [alike.setdefault('', k)",
        check_upper_bounds,
    ),
}


@pytest.mark.parametrize(
    "check", [check_upper_bounds, check_lower_bounds, check_brackets, check_that_truths_are_accepted]
)
def test_the_checker_passes(check: Callable[[ModuleType], None]) -> None:
    check(checker)


@pytest.mark.parametrize("damage", some(BROKEN, 3))
def test_broken_checker_is_caught(damage: str) -> None:
    old, new, check = BROKEN[damage]
    module = damaged(checker, old, new)
    with pytest.raises((AssertionError, ArithmeticError, module.Refused)):
        check(module)
