"""The checker of randomised limits: true proofs are accepted, and everything that is false is refused."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import cvxtoken
from cvxtoken import CertificateError, ProblemError, Sharing, SolverError
from cvxtoken.clipping.program import least_wait
from cvxtoken.clipping.stopping import Stopping, StoppingCertificate, _solve, exact_least_wait
from cvxtoken.library.problems.stopping import RandomLimits
from cvxtoken.verifier import Refused, stopping
from tests.support.thorough import some

SMALL = Stopping(
    weights=(1, 3), counts=((1, 2, 3, 2), (5, 0, 5)), time_per_token=0.5, arrival_rate=0.25, required=0.8
)

SHARED = replace(SMALL, overhead=0.2, server=Sharing(0.6, 0.9, replicas=2))


def document() -> dict[str, Any]:
    return copy.deepcopy(exact_least_wait(SMALL).to_document())


def test_the_optimum_is_exact_and_that_of_the_linear_program_in_doubles() -> None:
    found = exact_least_wait(SMALL)
    assert float(found.lower) == pytest.approx(least_wait(SMALL.problem(), 0.8).mean_wait, rel=1e-9)
    assert found.relative_gap <= 1e-38
    assert StoppingCertificate.from_document(found.to_document()) == found
    assert stopping.check(found.to_document()).startswith("proven: the mean wait of the best randomised")


def test_moments_are_those_of_clipped_lengths() -> None:
    """By hand: 1, 2, 3 and 2 of 8 answers have 1 to 4 tokens; at 2 tokens E[N] = 15/8, E[N^2] = 29/8."""
    assert stopping.clipped([1, 2, 3, 2])[1] == (Fraction(15, 8), Fraction(29, 8), Fraction(3, 8))
    limits = SMALL.limits()
    assert limits[0][1] == (Fraction(15, 64), Fraction(29, 128), Fraction(3, 32))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"v": lambda v: str(Fraction(v) + Fraction(1, 10**9))}, "v is no bound at mu"),
        ({"mu": lambda mu: str(-Fraction(mu))}, "v is no bound at mu"),
        ({"mu": lambda mu: "0"}, "v is no bound at mu"),
        ({"lower": lambda x: x[:-1] + "9", "upper": lambda x: x[:-1] + "9"}, "lower is above v"),
        ({"upper": lambda x: x[:-2] + "0", "lower": lambda x: "0"}, "relative_gap is too small"),
        ({"rule": lambda rule: rule[1:]}, "do not sum to 1"),
        ({"rule": lambda rule: [*rule, [0, 1, "-1/2"], [0, 2, "1/2"]]}, "a probability is negative"),
        ({"rule": lambda _: [[0, 1, "1"], [1, 1, "1"]]}, "the rule misses the utility"),
        ({"rule": lambda _: [[0, 4, "1"], [1, 3, "1"]]}, "the rule's mean wait is above upper"),
        ({"rule": lambda _: [[0, 5, "1"], [1, 3, "1"]]}, "there is no limit 5 of type 0"),
        ({"rule": lambda _: [[0, 4, "1/0"], [1, 3, "1"]]}, "not a fraction"),
        ({"sha256": lambda _: "0" * 64}, "the instance's SHA-256 is"),
        ({"instance": lambda i: i | {"arrival_rate": 0.125}}, "the instance's SHA-256 is"),
        ({"instance": lambda i: i | {"counts": [[1.5], [1]]}}, "a count is not a whole number"),
        ({"instance": lambda i: i | {"arrival_rate": 0}}, "a number is"),
        ({"instance": lambda i: i | {"utility": "fame"}}, "the utility is not one of"),
        ({"more": lambda _: 1}, "the keys or the schema"),
    ],
)
def test_what_is_false_is_refused(change: dict[str, Any], reason: str) -> None:
    false = document()
    for key, new in change.items():
        false[key] = new(false.get(key))
    with pytest.raises(Refused, match=reason):
        stopping.check(false)


def test_an_unstable_rule_is_refused() -> None:
    """At 0.75 /s whole answers of 1.5 s in the mean fill the server."""
    busy = document()
    busy["instance"] |= {"arrival_rate": 1.0}
    busy["sha256"] = stopping.read_instance(busy["instance"])[3]
    busy["rule"] = [[0, 4, "1"], [1, 3, "1"]]
    with pytest.raises(Refused, match="the rule is not stable"):
        stopping.check(busy)


def test_bad_data_and_utilities_that_nothing_reaches_are_errors() -> None:
    with pytest.raises(ProblemError, match="the data of randomised limits: a weight or a last count is 0"):
        Stopping(weights=(1,), counts=((1, 0),), time_per_token=0.5, arrival_rate=0.25, required=0.8)
    beyond = Stopping(weights=(1,), counts=((1, 1),), time_per_token=0.5, arrival_rate=0.25, required=1.5)
    with pytest.raises(ProblemError, match=r"utility is 1\.5; no rule gives more than 1"):
        exact_least_wait(beyond)
    with pytest.raises(SolverError, match="their equations depend on each other"):
        _solve([[Fraction(1), Fraction(2)], [Fraction(2), Fraction(4)]], [Fraction(1), Fraction(1)])


def test_a_rule_that_is_not_the_best_does_not_pass_the_checker() -> None:
    found = exact_least_wait(SMALL)
    whole = StoppingCertificate(SMALL, ((0, 4, Fraction(1)), (1, 3, Fraction(1))), found.v, found.mu)
    assert whole.relative_gap > 0.01, "it is proven, but not narrow"
    whole.check()
    with pytest.raises(CertificateError, match="v is no bound"):
        StoppingCertificate(SMALL, whole.rule, found.v * Fraction(1001, 1000), found.mu).check()
    assert cvxtoken.verifier.stopping is stopping


def shared_document() -> dict[str, Any]:
    return copy.deepcopy(exact_least_wait(SHARED).to_document())


def test_a_shared_server_has_a_proof_too() -> None:
    """v bounds the service time; by hand, W = s rho / (1 - rho) at one replica's rate of 1/8."""
    found = exact_least_wait(SHARED)
    s = float(found.v)
    rho = 0.125 * (0.9 * 0.2 + 0.6 * (s - 0.2))
    assert float(found.lower) == pytest.approx(s * rho / (1 - rho), rel=1e-12)
    assert float(found.lower) == pytest.approx(least_wait(SHARED.problem(), 0.8).mean_wait, rel=1e-9)
    assert found.relative_gap <= 1e-38
    assert StoppingCertificate.from_document(found.to_document()) == found
    assert "(2 types, which share a server) is from" in stopping.check(found.to_document())
    assert found.stopping.sha256 != replace(SHARED, server=None).sha256


def raised(by: str) -> Callable[[str], str]:
    return lambda x: str(Decimal(x) + Decimal(by))


def on(**changes: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """The instance with another server."""
    return lambda instance: instance | {"server": instance["server"] | changes}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"v": lambda v: str(Fraction(v) + Fraction(1, 10**9))}, "v is no bound at mu"),
        ({"mu": lambda mu: str(-Fraction(mu))}, "v is no bound at mu"),
        ({"v": lambda v: "0"}, "v is below the overhead"),
        # s rho / (1 - rho) is positive and large far below 0, too: no bound
        ({"v": lambda v: str(-(10**6))}, "v is below the overhead"),
        ({"v": lambda v: "1/4"}, "lower is above v"),
        (
            {"lower": raised("1e-20"), "upper": raised("2e-20"), "relative_gap": lambda _: "1"},
            "lower is above v",
        ),
        ({"rule": lambda _: [[0, 4, "1"], [1, 3, "1"]]}, "the rule's mean wait is above upper"),
        ({"rule": lambda _: [[0, 1, "1"], [1, 1, "1"]]}, "the rule misses the utility"),
        ({"instance": on(sigma=0.5)}, "the instance's SHA-256 is"),
        ({"instance": on(sigma=1)}, "sigma of the server is no double"),
        ({"instance": on(sigma=1.5)}, "sigma of the server is out of its range"),
        ({"instance": on(overhead=-0.1)}, "overhead of the server is out of its range"),
        ({"instance": on(replicas=0.0)}, "replicas of the server is out of its range"),
        ({"instance": on(kind="share")}, "the kind of server is not one that is known"),
        (
            {"instance": lambda i: i | {"server": {"kind": "fifo", "replicas": 1.0}}},
            "one at a time is not named",
        ),
        ({"instance": lambda i: i | {"server": None}}, "server has no kind"),
        ({"instance": lambda i: {k: x for k, x in i.items() if k != "server"}}, "the instance's SHA-256 is"),
    ],
)
def test_what_is_false_of_a_shared_server_is_refused(change: dict[str, Any], reason: str) -> None:
    false = shared_document()
    for key, new in change.items():
        false[key] = new(false[key])
    with pytest.raises(Refused, match=reason):
        stopping.check(false)


@pytest.mark.parametrize(
    "change", [{"sigma": 0.59}, {"sigma": 0.61}, {"overhead": 0.5}, {"replicas": 3.0}, None]
)
def test_a_proof_for_one_server_is_none_for_another(change: dict[str, Any] | None) -> None:
    """Although the hash is made to fit; None: the same numbers, first come first served."""
    false = shared_document()
    if change is None:
        del false["instance"]["server"]
    else:
        false["instance"]["server"] |= change
    false["sha256"] = stopping.read_instance(false["instance"])[3]
    with pytest.raises(Refused, match=r"lower is above v|mean wait is above upper|v is no bound"):
        stopping.check(false)


def test_a_shared_server_that_is_full_is_refused() -> None:
    busy = shared_document()
    busy["instance"] |= {"arrival_rate": 3.0}
    busy["sha256"] = stopping.read_instance(busy["instance"])[3]
    busy["rule"] = [[0, 4, "1"], [1, 3, "1"]]
    with pytest.raises(Refused, match="the rule is not stable"):
        stopping.check(busy)


@pytest.mark.parametrize("seed", some(range(6), 2))
def test_random_shared_servers_are_proven_with_one_type_or_two(seed: int) -> None:
    rng = np.random.default_rng(seed)
    counts = tuple(tuple(int(x) for x in [*rng.integers(0, 9, 7), 3]) for _ in range(1 + seed % 2))
    data = Stopping(
        weights=(2, 3)[: len(counts)],
        counts=counts,
        time_per_token=0.3,
        arrival_rate=0.4,
        required=0.75,
        overhead=0.1 * (seed % 3),
        utility=("share_whole", "share_tokens")[seed % 2],
        server=Sharing((0.0, 0.4, 1.0)[seed % 3], 0.5),
    )
    found = exact_least_wait(data)
    assert found.relative_gap <= 1e-38
    assert float(found.upper) == pytest.approx(least_wait(data.problem(), 0.75).mean_wait, rel=1e-9)


def test_library_problems_are_of_one_request_at_a_time() -> None:
    with pytest.raises(ProblemError, match="are of one request at a time"):
        RandomLimits(SHARED)
