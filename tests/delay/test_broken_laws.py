"""The laws of the package against their definitions, in many digits and few; and broken versions of them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from fractions import Fraction
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import cvxtoken
from cvxtoken.allocation import model
from cvxtoken.delay import fifo, sharing
from cvxtoken.rigorous import Rounding
from tests.support import truth
from tests.support.damage import damaged
from tests.support.instances import realistic, varying
from tests.support.truth import exact, mp

SHARES = [(0.0, 1.0), (0.0, 0.25), (0.01, 1.0), (0.3, 0.3), (1.0, 0.0), (0.6, 0.1), (1.0, 1.0)]
BASE = [realistic(seed, 3) for seed in range(3)]


def workloads(module: ModuleType) -> list[cvxtoken.Workload]:
    """The same types on every server of a module, at loads from 0.1 to 0.9."""
    if hasattr(module, "Fifo"):
        servers = [module.Fifo(replicas) for replicas in (1, 3)]
        return [
            varying(w).replace(server=s, arrival_rate=w.arrival_rate * 0.9) for w in BASE for s in servers
        ]
    servers = [module.Sharing(sigma, sigma0, 1 + k % 3) for k, (sigma, sigma0) in enumerate(SHARES)]
    return [w.replace(server=server, arrival_rate=w.arrival_rate * 0.9) for w in BASE for server in servers]


def points(w: cvxtoken.Workload) -> list[np.ndarray]:
    """No tokens, and some at which every law is stable."""
    l = np.minimum(0.5 / w.time_per_token, w.max_tokens)
    while truth.law(w, [exact(x) for x in l.tolist()])[1] <= exact(w.idle_at_zero) / 3:
        l = l / 2
    return [np.zeros(len(w)), l]


def moments(w: cvxtoken.Workload, l: list[Any]) -> tuple[Any, Any, Any]:
    """E[S], E[S^2] and T0 (mpf)."""
    pi, _, _, _, t0, c, _, _ = truth.columns(w)
    mean = mp.fsum(p * (t + x * y) for p, t, x, y in zip(pi, t0, c, l, strict=True))
    return mean, truth.mean_square(w, l), mp.fsum(p * t for p, t in zip(pi, t0, strict=True))


def check_numbers(module: ModuleType) -> None:
    """The six numbers make E[T] and y: in 90 digits, in fractions, and in intervals of few digits."""
    for w in workloads(module):
        for tokens in points(w):
            l = [exact(x) for x in tokens.tolist()]
            (system, y), (service, second, T0) = truth.law(w, l), moments(w, l)
            lam = exact(w.rate)
            law = w.server.law(lam, T0, exact)
            own = law.offset + law.direct * service
            found = own + lam * (law.square * second + law.constant) / (2 * y)
            assert abs(found - system) <= mp.mpf(10) ** -70 * system
            idle = 1 - lam * (law.overhead_share * T0 + law.token_share * (service - T0))
            assert abs(idle - y) <= mp.mpf(10) ** -80
            rational = w.server.law(Fraction(w.rate), w.mean_overhead, Fraction)
            assert all(
                abs(exact(a) - b) <= abs(b) * mp.mpf(10) ** -70 for a, b in zip(rational, law, strict=True)
            )
            for digits in (3, 6, 20):
                at = Rounding(digits).exact
                rough = w.server.law(at(w.rate), at(float(w.mean_overhead)), at)
                for interval, number in zip(rough, law, strict=True):
                    slack = abs(number) * mp.mpf(10) ** -15  # of T0, which is rounded to 17 digits here
                    assert exact(interval.low) <= number + slack
                    assert exact(interval.high) >= number - slack


def check_waits(module: ModuleType) -> None:
    """E[W] and every type's, also as arrays; infinite where y is not positive."""
    for w in workloads(module):
        for tokens in points(w):
            l = [exact(x) for x in tokens.tolist()]
            (system, y), (service, second, _) = truth.law(w, l), moments(w, l)
            found = w.server.mean_wait(w.rate, float(service), float(second), float(y))
            true = float(system - service)
            assert float(found) == pytest.approx(true, rel=1e-12, abs=1e-14)
            t = model.service_time(w, tokens)
            waits = w.server.type_waits(t, np.asarray(true), np.asarray(float(y)))
            each = t * true / float(service) if w.server.kind == "sharing" else np.full(len(w), true)
            np.testing.assert_allclose(waits, each, rtol=1e-11, atol=1e-14)
        several = w.server.mean_wait(w.rate, np.ones(3), np.ones(3), np.array([0.5, 0.0, -1.0]))
        assert np.isfinite(several).tolist() == [True, False, False]


def check_least_idle(module: ModuleType) -> None:
    """Nowhere where E[T] is at most M is y below it, and it is near where only the mean counts."""
    for w in workloads(module):
        for tokens in points(w):
            system, y = (float(x) for x in truth.law(w, [exact(x) for x in tokens.tolist()]))
            least = float(w.server.least_idle(w.rate, w.law, system, float(w.idle_at_zero)))
            assert 0 < least <= y * (1 + 1e-9)
            assert w.server.kind != "sharing" or least == pytest.approx(y, rel=1e-9)


def check_parameters(module: ModuleType) -> None:
    """What is hashed and saved, and what is refused."""
    for w in workloads(module):
        again = cvxtoken.Workload(**w.to_instance()).server
        assert (again.parameters, again.kind) == (w.server.parameters, w.server.kind)
        assert w.server.overhead_share == w.exact_law.overhead_share
    kind = module.Fifo if hasattr(module, "Fifo") else lambda **x: module.Sharing(**({"sigma": 0.5} | x))
    for wrong in ({"replicas": 0}, {"replicas": 1.5}):
        with pytest.raises(cvxtoken.ProblemError):
            kind(**wrong)
    for wrong in ({"sigma": 1.5}, {"sigma": -0.5}, {"overhead": 1.5}, {"overhead": -0.5}):
        with pytest.raises((cvxtoken.ProblemError, TypeError)):
            kind(**wrong)


def check_shifts(module: ModuleType) -> None:
    """With tokens counted with the overheads, y at no tokens is that at these tokens; so in every kind."""
    for w in workloads(module):
        l = points(w)[1]
        shifted = w.replace(overhead=model.service_time(w, l))
        server = w.server.with_overhead(float(w.mean_overhead), float(shifted.mean_overhead))
        y = float(truth.law(w, [exact(x) for x in l.tolist()])[1])
        assert float(shifted.replace(server=server).idle_at_zero) == pytest.approx(y, rel=1e-11)


def check_iterations(module: ModuleType) -> None:
    server = module.Sharing.from_iterations(alpha=3.0, beta=1.0, overhead=0.5, replicas=2)
    assert (server.sigma, server.overhead, server.replicas) == (0.25, 0.5, 2)


CHECKS = [check_numbers, check_waits, check_least_idle, check_parameters, check_shifts]
Check = Callable[[ModuleType], None]
LAST = "constant=(K + K) / lam,"
BROKEN_SHARING: dict[str, tuple[str, str, Check]] = {
    "overheads in full": ("y0 = one - lam * sigma0 * T0", "y0 = one - lam * T0", check_numbers),
    "no overheads": ("y0 = one - lam * sigma0 * T0", "y0 = one", check_numbers),
    "no share, no slowdown": ("direct=one / y0", "direct=one", check_numbers),
    "no share taken for a small one": (
        "if not self.sigma:\n            return Law",
        "if False:\n            return Law",
        check_numbers,
    ),
    "a rate of tokens for their time": ("u = one / (lam * sigma)", "u = one / lam", check_numbers),
    "K without T0": ("K = T0 + y0 * u", "K = y0 * u", check_numbers),
    "K without y0": ("K = T0 + y0 * u", "K = T0 + u", check_numbers),
    "offset forgotten": ("offset=zero - u", "offset=zero", check_numbers),
    "offset of the other sign": ("offset=zero - u", "offset=u", check_numbers),
    "constant halved": (LAST, "constant=K / lam,", check_numbers),
    "constant without lambda": (LAST, "constant=K + K,", check_numbers),
    "tokens in full": ("            token_share=sigma,", "            token_share=one,", check_numbers),
    "shares exchanged": (
        "overhead_share=sigma0,\n            token_share=sigma,",
        "overhead_share=sigma,\n            token_share=sigma0,",
        check_numbers,
    ),
    "E[T] for E[W]": ("service * (1 - y), y", "service, y", check_waits),
    "waits where nothing is stable": ("out=wait, where=y > 0", "out=wait", check_waits),
    "E[T_k] for E[W_k]": ("t * (1 - y) / y", "t / y", check_waits),
    "the same wait for all": ("t * (1 - y) / y", "mean_wait[..., None] + 0 * t", check_waits),
    "least y without the offset": ("(2 * (most - law.offset))", "(2 * most)", check_least_idle),
    "least y twice": ("(2 * (most - law.offset))", "(most - law.offset)", check_least_idle),
    "least y of no share": (
        "return y0 if not self.sigma else",
        "return 2 * y0 if not self.sigma else",
        check_least_idle,
    ),
    "shares above 1": ('checked_share("sigma", self.sigma)', "float(self.sigma)", check_parameters),
    "overhead of any size": (
        'checked_share("overhead", self.overhead)',
        "float(self.overhead)",
        check_parameters,
    ),
    "parts of replicas": ("checked_replicas(self.replicas)", "self.replicas", check_parameters),
    "overhead in full in the room's name": ("return self.overhead\n", "return 1.0\n", check_parameters),
    "shifted tokens in full": ("self.sigma * (new - old)", "(new - old)", check_shifts),
    "shifted tokens free": (" + self.sigma * (new - old)", "", check_shifts),
    "alpha for beta": ("float(beta / (alpha + beta))", "float(alpha / (alpha + beta))", check_iterations),
    "beta over alpha": ("float(beta / (alpha + beta))", "float(beta / alpha)", check_iterations),
    "iterations without replicas": (
        "overhead, replicas)\n\n    def with",
        "overhead)\n\n    def with",
        check_iterations,
    ),
}
PLAIN = "offset=zero, direct=one, square=one, constant=zero, overhead_share=one, token_share=one"
BROKEN_FIFO: dict[str, tuple[str, str, Check]] = {
    "without E[S]": (PLAIN, PLAIN.replace("direct=one", "direct=zero"), check_numbers),
    "without E[S^2]": (PLAIN, PLAIN.replace("square=one", "square=zero"), check_numbers),
    "with a constant": (PLAIN, PLAIN.replace("constant=zero", "constant=one"), check_numbers),
    "with an offset": (PLAIN, PLAIN.replace("offset=zero", "offset=one"), check_numbers),
    "overheads free": (PLAIN, PLAIN.replace("overhead_share=one", "overhead_share=zero"), check_numbers),
    "tokens free": (PLAIN, PLAIN.replace("token_share=one", "token_share=zero"), check_numbers),
    "E[S]^2 for E[S^2]": ("(lam, second_moment, y)", "(lam, service**2, y)", check_waits),
    "waits per type": ("np.asarray(mean_wait)[..., None], t.shape", "t, t.shape", check_waits),
    "least y too large": ("return 1 / (x + larger", "return 2 / (x + larger", check_least_idle),
    "least y without the root": ("larger * np.sqrt(1 + (smaller / larger) ** 2)", "0", check_least_idle),
    "parts of replicas": ("checked_replicas(self.replicas)", "self.replicas", check_parameters),
    "overheads free in the room's name": (
        'an overhead makes the server busy."""\n        return 1.0',
        'an overhead makes the server busy."""\n        return 0.0',
        check_parameters,
    ),
}


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("module", [fifo, sharing], ids=["fifo", "sharing"])
def test_the_laws_pass(module: ModuleType, check: Check) -> None:
    if not (check is check_shifts and module is fifo):  # where shares are 1 there is nothing to shift
        check(module)


def test_iterations() -> None:
    check_iterations(sharing)


@pytest.mark.parametrize("damage", BROKEN_SHARING)
def test_broken_sharing_is_caught(damage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    caught(sharing, *BROKEN_SHARING[damage], monkeypatch)


@pytest.mark.parametrize("damage", BROKEN_FIFO)
def test_broken_fifo_is_caught(damage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    caught(fifo, *BROKEN_FIFO[damage], monkeypatch)


def copy_of(original: ModuleType, old: str, new: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A damaged copy of a law's module; dataclasses look for it among the modules."""
    monkeypatch.setitem(sys.modules, f"damaged_{original.__name__}", original)
    return damaged(original, old, new)


def caught(original: ModuleType, old: str, new: str, check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the check notices the damage."""
    module = copy_of(original, old, new, monkeypatch)
    failures = (AssertionError, ArithmeticError, cvxtoken.CvxtokenError, TypeError, pytest.fail.Exception)
    with np.errstate(all="ignore"), pytest.raises(failures):
        check(module)


def test_undamaged_copies_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    for original, old in ((sharing, "share the server."), (fifo, "the M/G/1 queue.")):
        module = copy_of(original, old, "as it was.", monkeypatch)
        for check in CHECKS:
            if not (check is check_shifts and original is fifo):
                check(module)
    check_iterations(copy_of(sharing, "share the server.", "as it was.", monkeypatch))
