"""The checker of allocations on files that name a server: no false statement and no bad server passes."""

from __future__ import annotations

import contextlib
import copy
import itertools
import json
import random
import re
import time
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any

import pytest

import cvxtoken
from cvxtoken.allocation.proof.certificate import certify
from cvxtoken.delay import Fifo, Sharing
from cvxtoken.verifier import allocation as verifier
from tests.support import served
from tests.support.instances import realistic, varying
from tests.support.thorough import part
from tests.support.truth import exact
from tests.verifier.test_allocation import Document, is_true, mutate, nudge


@cache
def workloads() -> list[cvxtoken.Workload]:
    """Of all kinds of servers; some with prompts and service times that vary."""
    found = served.some()[::2]
    found += [realistic(60, 2).replace(server=Fifo(replicas)) for replicas in (2, 9)]
    found += [realistic(61, 2).replace(prompt_tokens=[300.0, 0.0])]
    found += [varying(served.served(62, 2)), varying(realistic(63, 2).replace(server=Fifo(3)))]
    return found


@cache
def certificates() -> list[Document]:
    points = [(w, factor * cvxtoken.solve(w).tokens) for w in workloads() for factor in (1.0, 0.999, 0.4)]
    return [json.loads(json.dumps(certify(w, tokens).to_document())) for w, tokens in points]


def test_they_are_accepted_and_true() -> None:
    for document in certificates():
        assert document["instance"]["server"]["kind"] in ("fifo", "sharing")
        assert verifier.check(document).startswith("proven")
        assert is_true(document)


def damaged_server(document: Document, rng: random.Random) -> Document:
    """Another server or prompts, with the right SHA-256 of the wrong instance where there is one, or not."""
    made = copy.deepcopy(document)
    instance = made["instance"]
    server = instance["server"]
    kind = rng.choice(["parameter", "parameter", "ends", "replicas", "kind", "prompts"])
    names = [name for name in server if name not in ("kind", "replicas")]
    if kind in ("parameter", "ends") and names:
        name = rng.choice(names)
        factor = 1 + rng.choice((-1, 1)) * 10 ** rng.uniform(-16, -1)
        server[name] = rng.choice([0.0, 1.0, 5e-324, -0.0]) if kind == "ends" else server[name] * factor
    elif kind == "replicas":
        server["replicas"] = rng.choice([2.0, server["replicas"] + 1, 2.0**53])
    elif kind == "kind":
        sharing = {"kind": "sharing", "sigma": rng.random(), "overhead": 1.0, "replicas": server["replicas"]}
        fifo = {"kind": "fifo", "replicas": server["replicas"] + 1}
        instance["server"] = fifo if server["kind"] == "sharing" else sharing
    else:
        instance["prompt_tokens"] = [rng.choice([3.0, 7.0]) for _ in instance["prompt_tokens"]]
    if rng.random() < 0.8:
        with contextlib.suppress(verifier.Refused):
            made["sha256"] = verifier.read_instance(instance)[1]
    if rng.random() < 0.3:
        made |= {"lower": "-1e12", "upper": nudge(made["upper"], rng), "relative_gap": "2e12"}
    return made


def test_no_mutated_certificate_proves_a_falsehood() -> None:
    """1200 mutations, half of them of the server: each is refused, or what it then states is still true."""
    rng = random.Random(20261129)
    originals = certificates()
    refused, true = 0, 0
    count = part(1200, 8)
    while refused + true < count:
        original = rng.choice(originals)
        if rng.random() < 0.5:
            document = damaged_server(original, rng)
        else:
            plain = copy.deepcopy(original)
            server = plain["instance"].pop("server")
            document = mutate(plain, rng)  # which knows columns and scalars
            document["instance"]["server"] = server
            if document["sha256"] != plain["sha256"]:
                with contextlib.suppress(verifier.Refused):
                    document["sha256"] = verifier.read_instance(document["instance"])[1]
        if document == original:
            continue
        try:
            verifier.check(document)
        except verifier.Refused:
            refused += 1
        else:
            assert is_true(document), document
            true += 1
    assert refused > count / 2
    assert true > count / 24


# --- servers that are none ------------------------------------------------------------------------------


def of(kind: str) -> Document:
    return next(d for d in certificates() if d["instance"]["server"]["kind"] == kind)


def with_server(server: Any, kind: str = "sharing") -> Document:
    document = of(kind)
    return document | {"instance": document["instance"] | {"server": server}}


GOOD = {"kind": "sharing", "sigma": 0.25, "overhead": 1.0, "replicas": 1.0}
MALFORMED: list[tuple[Any, str]] = [
    (None, "server has no kind"),
    ("sharing", "server has no kind"),
    ([], "server has no kind"),
    ({}, "server has no kind"),
    ({**GOOD, "kind": None}, "not one that is known"),
    ({**GOOD, "kind": ["fifo"]}, "not one that is known"),
    ({**GOOD, "kind": "Sharing"}, "not one that is known"),
    ({**GOOD, "kind": "fifo\n"}, "not one that is known"),
    ({**GOOD, "kind": "fifo"}, "has other keys"),
    ({**GOOD, "note": 1.0}, "has other keys"),
    ({k: v for k, v in GOOD.items() if k != "sigma"}, "has other keys"),
    ({k: v for k, v in GOOD.items() if k != "overhead"}, "has other keys"),
    ({k: v for k, v in GOOD.items() if k != "replicas"}, "has other keys"),
    ({**GOOD, "sigma": 1}, "sigma of the server is no double"),
    ({**GOOD, "sigma": True}, "sigma of the server is no double"),
    ({**GOOD, "sigma": "0.25"}, "sigma of the server is no double"),
    ({**GOOD, "sigma": None}, "sigma of the server is no double"),
    ({**GOOD, "sigma": -5e-324}, "sigma of the server is out of its range"),
    ({**GOOD, "sigma": 1.0000000000000002}, "sigma of the server is out of its range"),
    ({**GOOD, "sigma": float("nan")}, "sigma of the server is out of its range"),
    ({**GOOD, "overhead": False}, "overhead of the server is no double"),
    ({**GOOD, "overhead": -0.1}, "overhead of the server is out of its range"),
    ({**GOOD, "overhead": float("inf")}, "overhead of the server is out of its range"),
    ({**GOOD, "replicas": 1}, "replicas of the server is no double"),
    ({**GOOD, "replicas": True}, "replicas of the server is no double"),
    ({**GOOD, "replicas": 0.0}, "replicas of the server is out of its range"),
    ({**GOOD, "replicas": -0.0}, "replicas of the server is out of its range"),
    ({**GOOD, "replicas": -1.0}, "replicas of the server is out of its range"),
    ({**GOOD, "replicas": 1.5}, "replicas of the server is out of its range"),
    ({**GOOD, "replicas": 1e300}, "replicas of the server is out of its range"),
    ({**GOOD, "replicas": float("inf")}, "replicas of the server is out of its range"),
    ({**GOOD, "replicas": float("nan")}, "replicas of the server is out of its range"),
    (GOOD, "SHA-256"),
]


@pytest.mark.parametrize("number", range(len(MALFORMED)))
def test_malformed_servers_are_refused(number: int) -> None:
    server, reason = MALFORMED[number]
    with pytest.raises(verifier.Refused, match=re.escape(reason)):
        verifier.check(with_server(server))


KEYS: list[Callable[[Document], Document]] = [
    lambda i: {k: v for k, v in i.items() if k != "server"},
    lambda i: {k: v for k, v in i.items() if k != "prompt_tokens"},
    lambda i: {k: v for k, v in i.items() if k != "deviation"},
    lambda i: {k: v for k, v in i.items() if k not in ("deviation", "deviation_per_token")},
    lambda i: i | {"servers": GOOD},
]


@pytest.mark.parametrize("change", KEYS)
def test_the_keys_of_version_3_belong_together(change: Callable[[Document], Document]) -> None:
    document = of("sharing")
    with pytest.raises(verifier.Refused, match="instance's keys"):
        verifier.check(document | {"instance": change(document["instance"])})


@pytest.mark.parametrize("values", [[-1.0], [float("inf")], [1], ["1"], [True], 1.0, [1.0] * 3])
def test_bad_prompts_are_refused(values: Any) -> None:
    document = of("sharing")
    with pytest.raises(verifier.Refused, match="prompt_tokens"):
        verifier.check(document | {"instance": document["instance"] | {"prompt_tokens": values}})


# --- hashes ---------------------------------------------------------------------------------------------


def test_no_two_instances_have_the_same_hash() -> None:
    """Same numbers under every server, every version, and names that look like what follows them."""
    w = realistic(5, 2)
    servers = [Fifo(), Fifo(2), Sharing(0.5), Sharing(0.5, 0.5), Sharing(1.0), Sharing(1.0, 1.0, 2)]
    servers += [Sharing(0.0), Sharing(0.0, 0.0), Sharing(0.5, 0.0), Sharing(0.0, 0.5)]
    names = [("a", "b"), ("sharing", "b"), ("a", "sharing"), ("fifo", "sharing"), ("2", "a"), ("a", "fifo")]
    found = {}
    for server, pair, random_, prompt in itertools.product(servers, names, (False, True), (0.0, 3.0)):
        made = w.replace(server=server, names=pair, prompt_tokens=prompt)
        made = varying(made) if random_ else made
        instance = json.loads(json.dumps(made.to_instance()))
        digest = verifier.read_instance(instance)[1]
        assert digest == made.sha256
        assert found.setdefault(digest, instance) == instance
    assert len(found) == len(servers) * len(names) * 4


def test_the_default_server_is_not_written_out() -> None:
    """The same instance would have a second hash."""
    document = json.loads(json.dumps(cvxtoken.solve(realistic(4, 2)).certificate.to_document()))
    zeros = {name: [0.0, 0.0] for name in ("deviation", "deviation_per_token", "prompt_tokens")}
    document["instance"] |= zeros | {"server": {"kind": "fifo", "replicas": 1.0}}
    with pytest.raises(verifier.Refused, match="names no server"):
        verifier.check(document)


def test_zeros_of_either_sign_are_one_instance() -> None:
    document = next(d for d in certificates() if d["instance"]["server"].get("overhead") == 0)
    for name in ("overhead", "sigma"):
        made = copy.deepcopy(document)
        made["instance"]["server"][name] = -0.0 if made["instance"]["server"][name] == 0 else 0.25
        if name == "overhead":
            assert verifier.check(made) == verifier.check(document)
    assert Sharing(-0.0, -0.0).parameters == Sharing(0.0, 0.0).parameters
    assert str(Sharing(-0.0, -0.0)) == str(Sharing(0.0, 0.0))


# --- ends of the numbers --------------------------------------------------------------------------------


@pytest.mark.parametrize("sigma", [1e-30, 1e-100, 5e-324])
def test_a_tinier_share_is_refused(sigma: float) -> None:
    with pytest.raises(cvxtoken.ProblemError, match="it must be 0 or at least 1e-09"):
        Sharing(sigma)


@pytest.mark.parametrize("sigma", [1e-9, 1e-6])
@pytest.mark.parametrize("overhead", [1.0, 0.0])
def test_a_tiny_share_is_solved(sigma: float, overhead: float) -> None:
    """1 / (lambda sigma) cancels from E[T]: what is stated is true."""
    w = served.on(realistic(8, 2), Sharing(1.0), 0.5).replace(server=Sharing(sigma, overhead))
    l, J = served.optimum(w.replace(server=Sharing(0.0, overhead)))
    proof = certify(w, [float(x) for x in l])
    lower, upper = (exact(x) for x in (proof.lower, proof.upper))
    assert lower <= J + sigma * 1e6 * (1 + abs(J))
    assert upper >= J - sigma * 1e6 * (1 + abs(J))
    assert verifier.check(proof.to_document()).startswith("proven")


@pytest.mark.parametrize("server", [Fifo(2**53), Sharing(0.5, 1.0, 2**53), Sharing(0.0, 1.0, 2**53)])
def test_as_many_replicas_as_there_can_be(server: Any) -> None:
    """The arrival rate at one of them is next to nothing; or, rounded to a double, nothing at all."""
    w = realistic(9, 2).replace(server=server)
    document = json.loads(json.dumps(cvxtoken.solve(w).certificate.to_document()))
    assert verifier.check(document).startswith("proven")
    none = document | {"instance": document["instance"] | {"arrival_rate": 5e-324}}
    with pytest.raises(verifier.Refused, match="the rate at one replica is 0"):
        verifier.check(none)


def test_a_server_takes_a_checker_no_longer() -> None:
    """The work limit counts types and digits; a server adds three numbers, of a thousand places at most."""
    w = served.served(70, 60)
    document = json.loads(json.dumps(certify(w, cvxtoken.solve(w).tokens).to_document()))
    times = []
    for sigma in (w.server.sigma, 5e-324):  # type: ignore[attr-defined]
        made = copy.deepcopy(document) | {
            "digits": 400,
            "lower": "-1e9",
            "upper": "1e9",
            "relative_gap": "2e9",
        }
        made["instance"]["server"]["sigma"] = sigma
        made["sha256"] = verifier.read_instance(made["instance"])[1]
        made["radii"] = ["1e9"] * len(w)
        start = time.process_time()
        assert verifier.check(made).startswith("proven")
        times.append(time.process_time() - start)
    assert times[1] < 3 * times[0] + 0.5
    assert Decimal(w.rate) > 0
