"""The checker of lagged curves: no false statement is accepted, whatever is changed in a proof."""

from __future__ import annotations

import copy
import itertools
import json
import random
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import cvxtoken
from cvxtoken.allocation import model
from cvxtoken.lagged import LaggedWorkload, solve_lagged
from cvxtoken.verifier import allocation as verifier
from cvxtoken.verifier import lagged as checker
from tests.lagged.test_reference import random_problem
from tests.support import lagged_truth
from tests.support.damage import refused
from tests.support.instances import changed, varying
from tests.support.thorough import part
from tests.support.truth import exact
from tests.verifier.test_allocation import nudge

Document = dict[str, Any]


@cache
def problems() -> list[LaggedWorkload]:
    """Some need branching, some have hopeless lags, service times that vary, or choices that are unstable."""
    found = [random_problem(seed) for seed in (*range(11), 18, 24)]
    found += [random_problem(seed, 4) for seed in (20, 35, 44, 73)]
    found += [LaggedWorkload(varying(p.workload, k), p.lag) for k, p in enumerate(found[2:15:2])]
    crowded = random_problem(1, 4)
    heavy = changed(crowded.workload, 0.99, accuracy_weight=1e8)
    return [*found, LaggedWorkload(heavy, crowded.lag), LaggedWorkload(varying(heavy), crowded.lag)]


@cache
def proofs() -> list[Document]:
    """Proofs as parsed files; each also with every leaf split into all its choices, at the same point."""
    found = []
    for problem in problems():
        document = json.loads(json.dumps(solve_lagged(problem).certificate.to_document()))
        w, _ = checker.read_instance(document["instance"], document["lag"])
        split = copy.deepcopy(document)
        split["leaves"] = [
            {"choices": "".join(choices), "point": leaf["point"]}
            for leaf in document["leaves"]
            for choices in itertools.product(
                *("01" if c == "." and k in checker.choosing(w) else c for k, c in enumerate(leaf["choices"]))
            )
        ]
        found += [document, split]
    return found


def problem_of(document: Document) -> LaggedWorkload:
    return LaggedWorkload(cvxtoken.Workload(**document["instance"]), document["lag"])


def is_true(document: Document) -> bool:
    problem = problem_of(document)
    lower, upper, gap = (exact(Decimal(document[key])) for key in ("lower", "upper", "relative_gap"))
    least = 0 if lower <= 0 <= upper else min(abs(lower), abs(upper))
    tokens = [Decimal(l) for l in document["tokens"]]
    return (
        document["sha256"] == problem.sha256
        and all(0 <= l <= Decimal(top) for l, top in zip(tokens, problem.workload.max_tokens, strict=True))
        and lower <= lagged_truth.objective(problem, tokens)
        and lagged_truth.best(problem) <= upper
        and upper - lower <= gap * (1 + least)
    )


def rehashed(document: Document) -> Document:
    """With the SHA-256 of what it holds."""
    return document | {"sha256": checker.read_instance(document["instance"], document["lag"])[1]}


def test_proofs_are_accepted() -> None:
    for document in proofs():
        assert checker.check(document).startswith("proven: with its lags instance")
        assert is_true(document)
    kinds = [(len(d["leaves"]), sum(leaf["point"] is None for leaf in d["leaves"])) for d in proofs()[::2]]
    assert len(kinds) > 20
    assert sum(leaves > 1 for leaves, _ in kinds) > 8
    assert sum(unstable > 0 for _, unstable in kinds) >= 2
    assert any((p.lag >= p.workload.max_tokens).any() for p in problems())


def mutate(document: Document, rng: random.Random) -> tuple[Document, str]:
    made = copy.deepcopy(document)
    kinds = [
        "lower",
        "upper",
        "relative_gap",
        "tokens",
        "digits",
        "instance",
        "lag",
        "scaled",
        "leaf",
        "copied",
    ]
    kind = rng.choice([*kinds, "choices", "point", "point", "no point", "swap"])
    leaf = rng.choice(made["leaves"])
    k = rng.randrange(len(made["tokens"]))
    if kind in ("lower", "upper", "relative_gap"):
        made[kind] = nudge(made[kind], rng)
    elif kind == "tokens":
        made["tokens"][k] = nudge(made["tokens"][k], rng)
    elif kind == "digits":
        made["digits"] = rng.randrange(20, 400)
    elif kind == "instance":
        field = rng.choice(["accuracy_weight", "arrival_rate"])
        made["instance"][field] *= 1 + rng.choice((-1, 1)) * 10 ** rng.uniform(-15, -1)
    elif kind == "lag":
        made["lag"][k] *= 1 + rng.choice((-1, 1)) * 10 ** rng.uniform(-15, -1)
        made = rehashed(made) if rng.random() < 0.5 else made
    elif kind == "scaled":  # a proof of another problem, as good as it is
        made["instance"]["accuracy_weight"] *= 1 - 1e-3 * rng.random()
        made = rehashed(made)
    elif kind == "leaf":
        made["leaves"].remove(leaf)
    elif kind == "copied":
        made["leaves"].append(copy.deepcopy(leaf))
    elif kind == "choices":
        choices = leaf["choices"]
        leaf["choices"] = choices[:k] + rng.choice(".01") + choices[k + 1 :]
    elif kind == "point" and leaf["point"] is not None:
        leaf["point"][k] = nudge(leaf["point"][k], rng)
    elif kind == "no point":
        leaf["point"] = None
    else:
        leaf["point"] = rng.choice(made["leaves"])["point"]
    return made, kind


def test_no_mutated_proof_proves_a_falsehood() -> None:
    rng = random.Random(20261121)
    no, yes = 0, 0
    count = part(500, 7)
    while no + yes < count:
        original = rng.choice(proofs())
        document, kind = mutate(original, rng)
        if document == original:
            continue
        if refused(checker, document):
            no += 1
        else:
            assert is_true(document), (kind, document)
            assert kind != "instance", "the statement is about another instance"
            yes += 1
    assert no > 0.3 * count
    assert yes > 0.1 * count


def is_stable(document: Document, choices: str) -> bool:
    """Whether some allocation of these choices is stable, in float64."""
    w = problem_of(document).workload
    least = [lag if choice == "1" else 0.0 for lag, choice in zip(document["lag"], choices, strict=True)]
    return float(model.idle(w, np.array(least))) > 0


def check_forgeries(module: ModuleType) -> None:
    """What proves a falsehood, or nothing."""
    rng = random.Random(3)
    for document in proofs():
        leaves = document["leaves"]
        assert not refused(module, document | {"leaves": leaves[::-1]})
        longer = document | {"lag": [lag * (1 + 1e-6) + 1e-3 for lag in document["lag"]]}
        assert refused(module, longer), "the hash is that of other lags"
        assert refused(module, document | {"leaves": []})
        if len(leaves) == 1:
            continue
        for k, leaf in enumerate(leaves):
            others = leaves[:k] + leaves[k + 1 :]
            assert refused(module, document | {"leaves": others}), "a leaf is missing"
            place = rng.choice([i for i, choice in enumerate(leaf["choices"]) if choice != "."])
            flipped = (
                leaf["choices"][:place] + "10"[int(leaf["choices"][place])] + leaf["choices"][place + 1 :]
            )
            assert refused(module, document | {"leaves": [*others, leaf | {"choices": flipped}]})
            if is_stable(document, leaf["choices"]):
                assert refused(module, document | {"leaves": [*others, leaf | {"point": None}]})
            # other points make other bounds, valid and not as good
            low = str(Decimal(document["lower"]) - Decimal("1e-25") * (1 + abs(Decimal(document["lower"]))))
            false = {"lower": low, "upper": low}
            points = [other["point"] for other in leaves if other["point"] is not None]
            made = [other | {"point": rng.choice(points)} for other in leaves]
            assert refused(module, document | false | {"leaves": made}), "upper is below the best"


def check_lags_with_the_right_hash(module: ModuleType) -> None:
    """Shorter lags have a better optimum, which the bounds stated do not hold."""
    for document in proofs():
        shorter = rehashed(document | {"lag": [lag * (1 - 1e-3) for lag in document["lag"]]})
        J = lagged_truth.best(problem_of(shorter))
        if exact(Decimal(document["upper"])) < J:
            assert refused(module, shorter)


@pytest.mark.parametrize("check", [check_forgeries, check_lags_with_the_right_hash])
def test_the_checker_passes(check: Callable[[ModuleType], None]) -> None:
    check(checker)


def test_malformed_proofs_are_refused() -> None:
    good = next(d for d in proofs() if len(d["leaves"]) > 1 and 0.0 in d["lag"])
    size, leaf = len(good["lag"]), good["leaves"][0]
    unlagged = good["lag"].index(0.0)
    cases: list[tuple[dict[str, Any], str]] = [
        ({"schema": "other"}, "the keys or the schema"),
        ({"more": 1}, "the keys"),
        ({"lag": good["lag"][1:]}, "lag has not one double"),
        ({"lag": [0] * size}, "lag has not one double"),
        ({"lag": [-1.0] * size}, "a lag is out of its range"),
        ({"lag": [float("inf")] * size}, "a lag is out of its range"),
        ({"lag": [0.0] * size}, "the SHA-256 of instance and lags"),
        ({"digits": 19}, "digits is out of range"),
        ({"digits": 50.0}, "digits is out of range"),
        ({"leaves": {}}, "leaves is not a list"),
        ({"leaves": [3]}, "a leaf's keys"),
        ({"leaves": [leaf | {"more": 1}]}, "a leaf's keys"),
        ({"leaves": [leaf | {"choices": leaf["choices"][1:]}]}, "the choices of a leaf"),
        ({"leaves": [leaf | {"choices": "2" * size}]}, "the choices of a leaf"),
        (
            {"leaves": [leaf | {"choices": "." * unlagged + "0" + "." * (size - unlagged - 1)}]},
            "without a choice",
        ),
        ({"leaves": [leaf | {"point": ["-1"] * size}]}, "negative tokens"),
        ({"leaves": [leaf | {"point": ["1e9"] * size}, *good["leaves"][1:]]}, "a point is not stable"),
        ({"leaves": [leaf | {"point": ["0"] * (size + 1)}]}, "not one number a name"),
        ({"tokens": ["1e9"] * size}, "tokens are out of range"),
        ({"tokens": ["-1"] * size}, "tokens are out of range"),
        ({"tokens": ["NaN"] * size}, "not a decimal number"),
        ({"relative_gap": "0"}, "relative_gap is too small"),
    ]
    for change, reason in cases:
        with pytest.raises(checker.Refused, match=reason):
            checker.check(good | change)


def test_work_is_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    good = proofs()[0]
    with pytest.raises(checker.Refused, match="take too long"):
        checker.check(good | {"leaves": good["leaves"] * 1_000_000})
    every = list(map("".join, itertools.product("01", repeat=8)))
    checker.cover(every)
    monkeypatch.setattr(checker, "MAX_CHARACTERS", 1e5)
    with pytest.raises(checker.Refused, match="take too long"):
        checker.cover(every)


def test_it_runs_as_a_script_beside_the_verifier(tmp_path: Path) -> None:
    for module in (verifier, checker):
        (tmp_path / Path(module.__file__).name).write_bytes(Path(module.__file__).read_bytes())
    file = tmp_path / "proof.json"
    for flags in ([], ["-O"]):
        for change, code, begin in (({}, 0, "proven: "), ({"digits": 1}, 1, "refused: digits")):
            file.write_text(json.dumps(proofs()[0] | change))
            command = [sys.executable, *flags, "-S", "lagged.py", str(file)]
            done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
            assert (done.returncode, done.stderr) == (code, "")
            assert done.stdout.startswith(begin)
