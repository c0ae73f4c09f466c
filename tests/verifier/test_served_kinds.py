"""The checkers of whole, lagged and robust proofs on files that name servers: no falsehood is accepted."""

from __future__ import annotations

import contextlib
import copy
import itertools
import json
import random
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np
import pytest

import cvxtoken
from cvxtoken import Ensemble, LaggedWorkload, ProblemError, solve_integer, solve_lagged, solve_robust
from cvxtoken.delay import Fifo, Sharing
from cvxtoken.verifier import allocation as verifier
from cvxtoken.verifier import lagged, robust, whole
from tests.support import served, truth
from tests.support.instances import boxed, realistic
from tests.support.thorough import part
from tests.support.truth import exact, mpf
from tests.verifier.test_allocation import Document, nudge

SERVERS = [Sharing(0.02), Sharing(0.4, 0.4, 2), Sharing(0.0), Sharing(1.0, 0.5), Fifo(2)]


def on(w: cvxtoken.Workload, server: Any, load: float) -> cvxtoken.Workload:
    work = server.overhead_share * float(w.mean_overhead)
    return w.replace(server=server, arrival_rate=load * server.replicas / work)


def parsed(certificate: Any) -> Document:
    return json.loads(json.dumps(certificate.to_document()))


@cache
def wholes() -> list[Document]:
    found = [on(boxed(seed), SERVERS[seed % 5], 0.2 + 0.05 * seed) for seed in range(12)]
    return [parsed(solve_integer(w).certificate) for w in found]


@cache
def laggeds() -> list[Document]:
    """Some with choices that leave nothing stable."""
    found = []
    for seed in range(12):
        size = 1 + seed % 3
        b = 10 ** np.random.default_rng(seed).uniform(-3.5, -2, size)
        w = realistic(seed, size).replace(saturation_rate=b, max_tokens=6 / b)
        w = on(w, SERVERS[seed % 4], 0.3 + 0.05 * seed)
        problem = LaggedWorkload(w, np.resize([1.5, 0.0, 0.4], size) / b)
        found.append(parsed(solve_lagged(problem).certificate))
    return found


@cache
def robusts() -> list[Document]:
    found = []
    for seed in range(6):
        w = realistic(seed, 2)
        draws = [on(w, SERVERS[(seed + k) % 5], 0.2 + 0.15 * k) for k in range(3)]
        found.append(parsed(solve_robust(Ensemble(draws)).certificate))
    return found


def gap_is_true(document: Document) -> bool:
    lower, upper, gap = (exact(Decimal(document[key])) for key in ("lower", "upper", "relative_gap"))
    least = 0 if lower <= 0 <= upper else min(abs(lower), abs(upper))
    return bool(upper - lower <= gap * (1 + least))


def whole_is_true(document: Document) -> bool:
    w = cvxtoken.Workload(**document["instance"])
    J = truth.objective(w, document["tokens"])
    best = truth.best_whole(w)[1]
    return bool(exact(Decimal(document["lower"])) <= J and best <= exact(Decimal(document["upper"])))


@cache
def best_lagged(w: cvxtoken.Workload, lag: tuple[float, ...]) -> Any:
    """The best J (mpf) over all ways to be off or on."""
    best = -mpf("inf")
    for is_on in itertools.product(*((False, True) if x > 0 else (True,) for x in lag)):
        base = [x if yes else 0.0 for x, yes in zip(lag, is_on, strict=True)]
        if (np.array(base) > w.max_tokens).any() or truth.law(w, [exact(x) for x in base])[1] <= 0:
            continue
        best = max(best, served.optimum(w.replace(max_tokens=np.where(is_on, w.max_tokens, 0.0)), base)[1])
    return best


def lagged_is_true(document: Document) -> bool:
    w, lag = cvxtoken.Workload(**document["instance"]), document["lag"]
    l = [exact(Decimal(x)) for x in document["tokens"]]
    plain = truth.objective(w, l)
    pi, A, b, *_ = truth.columns(w)
    late = [
        truth.mp.exp(-b[k] * max(0, x - exact(lag[k]))) - truth.mp.exp(-b[k] * x) for k, x in enumerate(l)
    ]
    J = plain - exact(w.accuracy_weight) * truth.mp.fsum(
        p * a * x for p, a, x in zip(pi, A, late, strict=True)
    )
    rounding = mpf(10) ** -70
    good = exact(Decimal(document["lower"])) <= J + rounding
    return bool(good and best_lagged(w, tuple(lag)) <= exact(Decimal(document["upper"])) + rounding)


@cache
def best_robust(draws: tuple[cvxtoken.Workload, ...]) -> list[float]:
    """Tokens next to the best: the best J is not below theirs."""
    tokens: list[float] = solve_robust(Ensemble(list(draws))).tokens.tolist()
    return tokens


def robust_is_true(document: Document) -> bool:
    draws = [cvxtoken.Workload(**instance) for instance in document["instances"]]
    l = [exact(Decimal(x)) for x in document["tokens"]]

    def mean(tokens: Any) -> Any:
        return sum(truth.objective(w, tokens) for w in draws) / len(draws)

    best = mean(best_robust(tuple(draws)))
    return bool(exact(Decimal(document["lower"])) <= mean(l) and best <= exact(Decimal(document["upper"])))


def mutated(document: Document, rng: random.Random, checker: Any) -> Document:
    """A number of the proof or of an instance changed, mostly of its server; often with the right SHA-256."""
    made = copy.deepcopy(document)
    instance = rng.choice(made["instances"]) if "instances" in made else made["instance"]
    kind = rng.choice(["proof", "server", "server", "scalar", "tokens", "inside"])
    if kind == "proof":
        name = rng.choice(["lower", "upper", "relative_gap"])
        made[name] = nudge(made[name], rng)
    elif kind == "tokens":
        k = rng.randrange(len(made["tokens"]))
        old = made["tokens"][k]
        made["tokens"][k] = max(0, old + rng.choice([-1, 1, 7])) if isinstance(old, int) else nudge(old, rng)
    elif kind == "inside":
        for name in ("z0", "edges", "z", "ends"):
            if name in made and rng.random() < 0.5:
                value = made[name]
                if isinstance(value, str):
                    made[name] = nudge(value, rng)
                else:
                    k = rng.randrange(len(value))
                    value[k] = nudge(value[k], rng)
        for leaf in made.get("leaves", []):
            if rng.random() < 0.5:
                leaf["point"] = None
    elif kind == "scalar":
        name = rng.choice(["arrival_rate", "accuracy_weight"])
        instance[name] *= 1 + rng.choice((-1, 1)) * 10 ** rng.uniform(-16, -1)
    else:
        server = instance["server"]
        name = rng.choice([name for name in server if name != "kind"])
        factor = 1 + rng.choice((-1, 1)) * 10 ** rng.uniform(-16, -0.5)
        server[name] = server[name] + 1 if name == "replicas" else min(1.0, server[name] * factor)
    if rng.random() < 0.8:
        with contextlib.suppress(verifier.Refused, IndexError):
            if "instances" in made:
                made["sha256"] = checker.read_draws(made["instances"])[1]
            elif "lag" in made:
                made["sha256"] = checker.read_instance(made["instance"], made["lag"])[1]
            else:
                made["sha256"] = verifier.read_instance(made["instance"])[1]
    if rng.random() < 0.3:  # only the upper bound is left to judge
        made |= {"lower": "-1e12", "relative_gap": "2e12"}
    return made


@pytest.mark.parametrize(
    ("documents", "checker", "is_true", "count"),
    [
        (wholes, whole, whole_is_true, 400),
        (laggeds, lagged, lagged_is_true, 500),
        (robusts, robust, robust_is_true, 300),
    ],
    ids=["whole", "lagged", "robust"],
)
def test_no_mutated_proof_proves_a_falsehood(documents: Any, checker: Any, is_true: Any, count: int) -> None:
    for document in documents():
        assert checker.check(document).startswith("proven")
        assert is_true(document)
    rng = random.Random(20261130)
    no = yes = 0
    tried = part(count, 8)
    while no + yes < tried:
        original = rng.choice(documents())
        document = mutated(original, rng, checker)
        if document == original:
            continue
        try:
            checker.check(document)
        except checker.Refused:
            no += 1
            continue
        with contextlib.suppress(ProblemError):
            assert is_true(document), document
            assert gap_is_true(document)
        yes += 1
    assert no > tried / 3
    assert yes > tried / 20


def test_choices_that_are_stable_cannot_be_left_out() -> None:
    """Where one query at a time would be unstable at the lag, a batch is not."""
    w = realistic(3, 1).replace(saturation_rate=[1e-3], max_tokens=30000.0, accuracy_weight=1e4)
    w = on(w, Sharing(0.01), 0.3)
    lag = [1 / (w.arrival_rate * float(w.time_per_token[0]))]
    document = parsed(solve_lagged(LaggedWorkload(w, lag)).certificate)
    nothing = parsed(solve_lagged(LaggedWorkload(w, [1e9])).certificate)  # as if no type could think
    stated = {key: nothing[key] for key in ("tokens", "lower", "upper", "relative_gap", "digits")}
    leaves = [{"choices": "0", "point": ["0"]}, {"choices": "1", "point": None}]
    with pytest.raises(lagged.Refused, match="leaf 1 leaves something stable"):
        lagged.check(document | stated | {"leaves": leaves})
