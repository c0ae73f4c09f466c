"""The delay laws in the checkers, at few digits and many; and broken versions of them, each caught."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Context, Decimal
from types import ModuleType

import pytest

from cvxtoken.delay import Sharing
from cvxtoken.verifier import allocation as verifier
from cvxtoken.verifier import whole
from tests.support import served
from tests.support.damage import damaged
from tests.support.instances import realistic
from tests.support.served_checks import (
    check_laws,
    check_lower_bounds,
    check_one_type,
    check_targets,
    check_truths_are_accepted,
    check_upper_bounds,
)
from tests.support.thorough import some
from tests.support.truth import exact, mp
from tests.verifier.test_served import MALFORMED, with_server


def check_malformed(module: ModuleType) -> None:
    for server, reason in MALFORMED:
        with pytest.raises(module.Refused, match=reason):
            module.check(with_server(server))


def check_signs_of_zero(module: ModuleType) -> None:
    """-0.0 is 0.0, in numbers and in the hash."""
    w = realistic(1, 2).replace(server=Sharing(0.5, 0.0))
    instance = w.to_instance()
    instance["server"] = {"replicas": 1.0, "overhead": -0.0, "sigma": 0.5, "kind": "sharing"}  # any order
    assert module.read_instance(instance)[1] == w.sha256


def check_prompts(module: ModuleType) -> None:
    w = realistic(1, 2).replace(prompt_tokens=[7.0, 0.0])
    assert module.read_instance(w.to_instance())[1] == w.sha256
    assert module.read_instance(w.replace(prompt_tokens=[8.0, 0.0]).to_instance())[1] != w.sha256


def check_bad_prompts(module: ModuleType) -> None:
    w = realistic(1, 2).replace(prompt_tokens=[7.0, 0.0])
    for wrong in ([-1.0, 0.0], [float("inf"), 0.0]):
        with pytest.raises(module.Refused, match="prompt_tokens"):
            module.read_instance(w.to_instance() | {"prompt_tokens": wrong})


def check_no_tokens_are_stable(module: ModuleType) -> None:
    w = realistic(1, 2).replace(server=Sharing(0.5))
    instance = w.to_instance() | {"arrival_rate": 1e3}
    data, _ = module.read_instance(instance)
    with pytest.raises(module.Refused, match="no tokens are stable"):
        module.Model(data, module.untargeted(data), module.arithmetic(30))


def check_long_edges(module: ModuleType) -> None:
    """What the constant adds in a cell is rounded down also where an edge has more digits than 28."""
    w = served.served(3, 2)
    instance, _ = verifier.read_instance(w.to_instance())
    model = verifier.Model(instance, verifier.untargeted(instance), verifier.arithmetic(60))
    lam, longer = exact(w.rate), Context(60)
    T0 = mp.fsum(exact(pi) * exact(t0) for pi, t0 in zip(w.prior, w.overhead, strict=True))
    sigma, sigma0 = exact(w.server.sigma), exact(w.server.overhead_share)  # type: ignore[attr-defined]
    K = T0 + (1 - lam * sigma0 * T0) / (lam * sigma)
    zero = (Decimal(0), Decimal(0))
    for n in range(1, 20):
        high = longer.add(Decimal(n) / 20, longer.divide(Decimal(n), Decimal("3e28")))
        found = module.Common(model, [zero, zero], Decimal(0)).apart(Decimal(0), high)
        assert exact(found.low) <= K / exact(high) <= exact(found.high)


CHECKS = [check_laws, check_lower_bounds, check_upper_bounds, check_one_type, check_targets]
CHECKS += [check_truths_are_accepted, check_malformed, check_signs_of_zero, check_prompts]
CHECKS += [check_no_tokens_are_stable, check_bad_prompts]
LAST = "Law(-(one / (lam * sigma)), zero, zero, (K + K) / lam, overhead, sigma)"
PLAIN = "return Law(zero, one, one, zero, one, one)"
FREE = "return Law(zero, one / y0, zero, zero, overhead, zero)"

BROKEN: dict[str, tuple[str, str, Callable[[ModuleType], None]]] = {
    # the laws
    "one at a time, without E[S]": (PLAIN, "return Law(zero, zero, one, zero, one, one)", check_laws),
    "one at a time, never waiting": (PLAIN, "return Law(zero, one, zero, zero, one, one)", check_laws),
    "one at a time, overheads free": (PLAIN, "return Law(zero, one, one, zero, zero, one)", check_laws),
    "one at a time, tokens free": (PLAIN, "return Law(zero, one, one, zero, one, zero)", check_laws),
    "idle share without tokens in full": ("y0 = one - lam * overhead * T0", "y0 = one", check_laws),
    "overheads block the batch": ("y0 = one - lam * overhead * T0", "y0 = one - lam * T0", check_laws),
    "stability without tokens not asked": (
        'require(y0.low > 0, "no tokens',
        'require(True, "no tokens',
        check_no_tokens_are_stable,
    ),
    "no share, no slowdown": (FREE, FREE.replace("one / y0", "one"), check_laws),
    "no share, overheads block": (FREE, FREE.replace("overhead, zero", "one, zero"), check_laws),
    "no share, overheads free": (FREE, FREE.replace("overhead, zero", "zero, zero"), check_laws),
    "no share taken for a small one": ("if sigma.low == 0:", "if False:", check_laws),
    "every share taken for none": ("if sigma.low == 0:", "if True:", check_laws),
    "K without T0": ("K = T0 + y0 / (lam * sigma)", "K = y0 / (lam * sigma)", check_laws),
    "K without y0": ("K = T0 + y0 / (lam * sigma)", "K = T0 + one / (lam * sigma)", check_laws),
    "K without the share": ("K = T0 + y0 / (lam * sigma)", "K = T0 + y0 / lam", check_laws),
    "constant halved": (LAST, LAST.replace("(K + K)", "K"), check_laws),
    "constant times lambda": (LAST, LAST.replace("(K + K) / lam", "(K + K) * lam"), check_laws),
    "offset forgotten": (LAST, LAST.replace("-(one / (lam * sigma))", "zero"), check_laws),
    "offset of the other sign": (LAST, LAST.replace("-(one", "(one"), check_laws),
    "E[S] counted too": (LAST, LAST.replace("zero, zero", "one, zero"), check_laws),
    "E[S^2] counted too": (LAST, LAST.replace("zero, zero", "zero, one"), check_laws),
    "shares exchanged": (LAST, LAST.replace("overhead, sigma", "sigma, overhead"), check_laws),
    "tokens block the batch": (LAST, LAST.replace("overhead, sigma", "overhead, one"), check_laws),
    "overheads free": (LAST, LAST.replace("overhead, sigma", "zero, sigma"), check_laws),
    "the laws exchanged": (
        '"fifo": (fifo,',
        '"fifo": (lambda server, *x: sharing({"sigma": 1.0, "overhead": 1.0}, *x),',
        check_laws,
    ),
    # the laws in the model
    "all arrivals at one replica": (
        'lam = w["arrival_rate"] / server["replicas"]',
        'lam = w["arrival_rate"]',
        check_laws,
    ),
    "overheads in full in the load": ("self.law.overhead_share * self.T0", "self.T0", check_laws),
    "tokens in full in the load": ("self.law.token_share * thinking", "thinking", check_laws),
    "offset not in -J": ("shared = law.offset + self.lam", "shared = self.lam", check_truths_are_accepted),
    "constant not in -J": ("(*times) + law.constant", "(*times)", check_lower_bounds),
    "E[S^2] in -J whatever the law": (
        "squares = law.square * self.mean_square(*times)",
        "squares = self.mean_square(*times)",
        check_truths_are_accepted,
    ),
    "E[S] not in -J": ("ET, EW = shared + law.direct * ES,", "ET, EW = shared,", check_lower_bounds),
    "E[S] in -J whatever the law": (
        "ET, EW = shared + law.direct * ES,",
        "ET, EW = shared + ES,",
        check_truths_are_accepted,
    ),
    "E[S] left in E[W]": (
        "(law.direct - self.X.at(1)) * ES",
        "law.direct * ES",
        check_truths_are_accepted,
    ),
    "E[W] below what it is": (
        "(law.direct - self.X.at(1)) * ES",
        "(law.direct - self.X.at(2)) * ES",
        check_targets,
    ),
    # the laws in the bound
    "offset not in the bound": (
        "law.offset + lam * law.constant * z0",
        "lam * law.constant * z0",
        check_upper_bounds,
    ),
    "constant not in the bound": (
        "law.offset + lam * law.constant * z0",
        "law.offset",
        check_truths_are_accepted,
    ),
    "constant twice in the bound": (
        "law.offset + lam * law.constant * z0",
        "law.offset + lam * law.constant * (z0 + z0)",
        check_upper_bounds,
    ),
    "constant not in Z": (" + law.constant * z0 * z0", "", check_upper_bounds),
    "constant in Z with one price": (
        "law.constant * z0 * z0",
        "law.constant * z0",
        check_truths_are_accepted,
    ),
    "E[S^2] in Z whatever the law": (
        "Z = law.square * self.mean_square(*prices)",
        "Z = self.mean_square(*prices)",
        check_truths_are_accepted,
    ),
    "shares of the bound exchanged": ("for x in law[-2:])", "for x in law[:-3:-1])", check_upper_bounds),
    "shares of the bound forgotten": (
        "load * x for x in law[-2:]",
        "load for x in law[-2:]",
        check_upper_bounds,
    ),
    "direct left out of the bound": ("e * law.direct - nu", "-nu", check_truths_are_accepted),
    "direct whatever the law": ("e * law.direct - nu", "e - nu", check_upper_bounds),
    "own prices whatever the law": (
        "time, overhead, token = e * lam * law.square,",
        "time, overhead, token = e * lam,",
        check_upper_bounds,
    ),
    "z0 for no load": ("z0 = X.at((X.at(1) / y).low)", "z0 = X.at(1)", check_truths_are_accepted),
    # reading
    "any keys of a server": ("require(set(server) == {", "require(True or {", check_malformed),
    "any kind of a server": ("isinstance(kind, str) and kind in LAWS", "True", check_malformed),
    "servers of any type": (
        'require(isinstance(server, dict) and "kind" in server,',
        "require(True,",
        check_malformed,
    ),
    "parameters that are no doubles": ("require(type(value) is float, f", "require(True, f", check_malformed),
    "shares above 1": ("return 0 <= value <= 1\n", "return 0 <= value <= 2\n", check_malformed),
    "shares below 0": ("return 0 <= value <= 1\n", "return value <= 1\n", check_malformed),
    "parts of replicas": (" and value == int(value)", "", check_malformed),
    "no replicas": (
        "return 1 <= value <= 2**53",
        "return 0 <= value <= 2**53",
        check_malformed,
    ),
    "signs of zero kept": ("server[name] + 0.0 for name", "server[name] for name", check_signs_of_zero),
    "parameters in the file's order": (
        "for name in names}}",
        "for name in server if name in names}}",
        check_signs_of_zero,
    ),
    "parameters not hashed": ("    doubles += parameters\n", "", check_truths_are_accepted),
    "kind not hashed": ("kind = [kind]", "kind = []", check_truths_are_accepted),
    "version 2 for 3": (
        "version, (kind, *parameters) = 3,",
        "version, (kind, *parameters) = 2,",
        check_truths_are_accepted,
    ),
    "prompts not hashed": (
        'if field != "server"))',
        "if field not in SERVED))",
        check_prompts,
    ),
    "prompts without a rule": (
        "least <= value < inf for value in values",
        "True for value in values",
        check_bad_prompts,
    ),
}


@pytest.mark.parametrize("check", CHECKS)
def test_the_checker_passes(check: Callable[[ModuleType], None]) -> None:
    check(verifier)


@pytest.mark.parametrize("damage", some(BROKEN, 3))
def test_broken_checker_is_caught(damage: str) -> None:
    old, new, check = BROKEN[damage]
    module = damaged(verifier, old, new)
    with pytest.raises(
        (AssertionError, ArithmeticError, TypeError, KeyError, module.Refused, pytest.fail.Exception)
    ):
        check(module)


def test_an_edge_rounded_to_28_digits_is_caught() -> None:
    check_long_edges(whole)
    with pytest.raises(AssertionError):
        check_long_edges(damaged(whole, "(at(high) + at(high))", "at(2 * high)"))
