"""The bounds of the checker of allocations, at few digits and many; and broken versions of it."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest

from cvxtoken.verifier import allocation as verifier
from tests.support import bound_checks, target_checks
from tests.support.bound_checks import (
    check_dual_bounds,
    check_minima,
    check_radii,
    check_radii_at_few_digits,
    check_radii_beyond_the_working_digits,
    check_rounded_curves,
    check_truths_are_accepted,
    check_unstable_tokens,
    check_values_at_the_tokens,
)
from tests.support.damage import damaged
from tests.support.target_checks import (
    check_accuracy_prices,
    check_negative_slopes,
    check_rows,
    check_single_prices,
    check_targets_are_met,
    check_the_gap_closes,
)
from tests.support.thorough import some

CHECKS: list[Callable[[ModuleType], None]] = [*bound_checks.CHECKS, *target_checks.CHECKS]
Z, E = "self.mean_square(*prices)", "e = self.w + mu + nu"
check_any_dual = target_checks.check_dual_bounds

BROKEN: dict[str, tuple[str, str, Callable[[ModuleType], None]]] = {
    # -J at the tokens
    "E[T] from below": (
        "lower <= cost.high.copy_negate()",
        "lower <= cost.low.copy_negate()",
        check_values_at_the_tokens,
    ),
    "lower not compared": ("require(lower <= cost", "require(True or cost", check_values_at_the_tokens),
    "E[W] not halved": ("squares * self.half / y", "squares / y", check_truths_are_accepted),
    "variance forgotten at the tokens": (
        "self.mean_square(*times)",
        "self.mean_square(times[0])",
        check_values_at_the_tokens,
    ),
    "t and s without their slopes": ("x + slope * l_k for x", "x for x", check_values_at_the_tokens),
    "loads without overheads": ("self.law.overhead_share * self.T0 + ", "", check_values_at_the_tokens),
    "loads without tokens": (" + self.law.token_share * thinking", "", check_values_at_the_tokens),
    "stability not tested": (
        'require(y.low > 0, "the tokens',
        'require(True, "the tokens',
        check_unstable_tokens,
    ),
    # the dual bound
    "upper not compared": ("require(upper >= bound", "require(True or bound", check_dual_bounds),
    "bound from above": ("upper >= bound.low", "upper >= bound.high", check_dual_bounds),
    "v left out of Z": (Z, "self.mean_square(prices[0])", check_dual_bounds),
    "Z not halved where it is added": (
        "e * lam * Z * self.half + eta",
        "e * lam * Z + eta",
        check_dual_bounds,
    ),
    "Z not subtracted": (
        "lam * law.constant * z0 - lam * Z * self.half",
        "lam * law.constant * z0",
        check_dual_bounds,
    ),
    "z left out of the slope": ("(token + time * z) * self.c[k]", "token * self.c[k]", check_the_gap_closes),
    "z left out of the overhead": ("(overhead + time * z)", "overhead", check_the_gap_closes),
    "z not per arrival": ("e * lam * law.square, *", "e * law.square, *", check_any_dual),
    "deviation at no tokens counted twice": (
        "time * v[k] * self.s0[k]",
        "(time + time) * v[k] * self.s0[k]",
        check_dual_bounds,
    ),
    "deviation per token counted twice": (
        "time * v[k] * self.s1[k]",
        "(time + time) * v[k] * self.s1[k]",
        check_dual_bounds,
    ),
    "slopes rounded up": ("X.at(slope.low)", "X.at(slope.high)", check_rounded_curves),
    "gains rounded up": ("X.at(gain.low)", "X.at(gain.high)", check_rounded_curves),
    "a negative slope taken for none": ("if self.slope.low <= 0:", "if False:", check_minima),
    "the root beyond the top": ("(self.b * top).high <= log.low", "False", check_truths_are_accepted),
    "the top beyond the root": ("(self.b * top).high <= log.low", "True", check_minima),
    "0 for any slope": ("self.slope.low >= steepest.high", "True", check_minima),
    "0 for no slope": ("self.slope.low >= steepest.high", "False", check_minima),
    # radii
    "left end skipped at l_max": ("(left, left > 0)", "(left, 0 < left < top.low)", check_radii),
    "right end skipped for the left's sake": (
        "(right, right < top.low)",
        "(right, 0 < right < top.low)",
        check_radii,
    ),
    "ends rounded past the tokens": (
        "min(l, up.subtract(l, radius)), max(l, down.add(l, radius))",
        "up.subtract(l, radius), down.add(l, radius)",
        check_radii_beyond_the_working_digits,
    ),
    "gap left out of the radius": ("excess.low > gap", "excess.low > 0", check_radii_at_few_digits),
    # targets
    "limits not subtracted": (
        "X.at(multiplier) * X.at(limit) if multiplier else self.zero",
        "self.zero",
        check_single_prices,
    ),
    "mu left out of e": (E, "e = self.w + nu", check_the_gap_closes),
    "nu left out of e": (E, "e = self.w + mu", check_the_gap_closes),
    "E[S] counted with nu": ("e * law.direct - nu + load", "e * law.direct + load", check_single_prices),
    "E[S] without mu": (
        "e * law.direct - nu + load",
        "e * law.direct - nu - mu + load",
        check_the_gap_closes,
    ),
    "eta not per arrival": (
        "load = lam * (e * lam * Z * self.half + eta)",
        "load = lam * e * lam * Z * self.half + eta",
        check_single_prices,
    ),
    "xi left out of the slope": ("* self.c[k] + xi", "* self.c[k]", check_the_gap_closes),
    "xi twice": ("* self.c[k] + xi", "* self.c[k] + xi + xi", check_any_dual),
    "rows not over pi": ("X.at(chi) * X.at(a[k]) / pi", "X.at(chi) * X.at(a[k])", check_rows),
    "rows left out": ("X.at(chi) * X.at(a[k]) / pi", "self.zero", check_rows),
    "a negative slope without its end": (
        "return self.value(top)  # Cap: r <= 0",
        "return self.gain  # Cap: r <= 0",
        check_negative_slopes,
    ),
    "zeta not over pi": ("X.at(zeta) * A / pi", "X.at(zeta) * A", check_the_gap_closes),
    "zeta times A forgotten": ("X.at(zeta) * A / pi", "X.at(zeta) / pi", check_accuracy_prices),
    "zeta's constant left out": (
        "X.at(zeta) * (A + self.D[k] - X.at(goal.floors[k]))",
        "self.zero",
        check_accuracy_prices,
    ),
    "zeta's constant without D": ("(A + self.D[k] - X", "(A - X", check_accuracy_prices),
    "alpha kept where accuracy is the objective": (
        "else (Decimal(1), Decimal(0))",
        "else (untargeted(w).alpha, Decimal(0))",
        check_the_gap_closes,
    ),
    "E[T] kept where accuracy is the objective": (
        "else (Decimal(1), Decimal(0))",
        "else (Decimal(1), Decimal(1))",
        check_the_gap_closes,
    ),
    "targets from below": ("limit >= value.high", "limit >= value.low", check_targets_are_met),
    "E[T] not tested": ("(ET, EW, load,", "(EW, EW, load,", check_targets_are_met),
    "E[W] not tested": ("(ET, EW, load,", "(ET, self.zero, load,", check_targets_are_met),
    "rho without lambda": ("(ET, EW, load,", "(ET, EW, ES,", check_targets_are_met),
    "tokens not weighted": (
        "load, self.mean(l))",
        "load, self.mean([x * x / (x + x) if x.low > 0 else x for x in l]))",
        check_targets_are_met,
    ),
    "rows not tested": ("limit >= total.high", "True", check_targets_are_met),
    "rows from below": ("limit >= total.high", "limit >= total.low", check_targets_are_met),
    "accuracy not tested": ("require(q <= D.low or q", "require(True or q", check_targets_are_met),
    "accuracy from above": ("(A + D - A * x).low", "(A + D - A * x).high", check_targets_are_met),
    "accuracy without a decay": ("(A + D - A * x).low", "(A + D).low", check_targets_are_met),
}


@pytest.mark.parametrize("check", CHECKS)
def test_bounds(check: Callable[[ModuleType], None]) -> None:
    check(verifier)


@pytest.mark.parametrize("damage", some(BROKEN, 3))
def test_broken_checker_is_caught(damage: str) -> None:
    old, new, check = BROKEN[damage]
    module = damaged(verifier, old, new)
    with pytest.raises((AssertionError, ArithmeticError, module.Refused, pytest.fail.Exception)):
        check(module)
