"""The checker of one queue for several servers: no false statement is accepted, whatever is changed."""

from __future__ import annotations

import copy
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

import pytest

import cvxtoken
from cvxtoken.delay import Sharing
from cvxtoken.pooled import PooledWorkload, solve_pooled
from cvxtoken.verifier import allocation as verifier
from cvxtoken.verifier import pooled as checker
from tests.pooled.instances import random_problem
from tests.support import pooled_truth
from tests.support.damage import refused
from tests.support.thorough import part, some
from tests.support.truth import exact
from tests.verifier.test_allocation import nudge

Document = dict[str, Any]


@cache
def proofs() -> list[Document]:
    """Proofs as parsed files: of one to eight servers, with cells that have no line, and stopped early."""
    problems = [random_problem(seed) for seed in some(range(1, 10), 2)]
    problems += [random_problem(seed, 2, servers) for seed, servers in ((11, 1), (14, 1), (16, 2), (23, 8))]
    found = [solve_pooled(p.workload, p.servers) for p in problems]
    found += [solve_pooled(p.workload, p.servers, time_limit=1e-9) for p in problems[:4]]
    return [json.loads(json.dumps(reference.certificate.to_document())) for reference in found]


def problem_of(document: Document) -> PooledWorkload:
    return PooledWorkload(cvxtoken.Workload(**document["instance"]), document["servers"])


def is_true(document: Document) -> bool:
    problem = problem_of(document)
    lower, upper, gap = (exact(Decimal(document[key])) for key in ("lower", "upper", "relative_gap"))
    least = 0 if lower <= 0 <= upper else min(abs(lower), abs(upper))
    tokens = [Decimal(l) for l in document["tokens"]]
    return (
        document["sha256"] == problem.sha256
        and all(0 <= l <= Decimal(top) for l, top in zip(tokens, problem.workload.max_tokens, strict=True))
        and lower <= pooled_truth.objective(problem, tokens)
        and pooled_truth.best(problem) <= upper
        and upper - lower <= gap * (1 + least)
    )


def rehashed(document: Document) -> Document:
    """With the SHA-256 of what it holds."""
    return document | {"sha256": checker.read_instance(document["instance"], document["servers"])[1]}


def test_proofs_are_accepted() -> None:
    for document in proofs():
        line = checker.check(document)
        assert line.startswith(f"proven: with one queue for {document['servers']} servers, under the law of")
        assert is_true(document)
    assert sum("price" in cell for d in proofs() for cell in d["cells"]) >= 4
    assert sum(len(d["cells"]) > 10 for d in proofs()) > len(proofs()) / 3
    assert sum(d["servers"] == 1 for d in proofs()) == 2


def mutate(document: Document, rng: random.Random) -> tuple[Document, str]:
    made = copy.deepcopy(document)
    kinds = ["lower", "upper", "relative_gap", "tokens", "digits", "instance", "servers", "scaled", "start"]
    kind = rng.choice([*kinds, "removed", "end", "end", "line", "line", "point", "price", "swap", "no line"])
    place = rng.randrange(len(made["cells"]))
    cell = made["cells"][place]
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
    elif kind == "servers":
        made["servers"] += rng.choice((-1, 1))
        made = rehashed(made) if made["servers"] and rng.random() < 0.5 else made
    elif kind == "scaled":  # a proof of another problem, as good as it is
        made["instance"]["accuracy_weight"] *= 1 - 1e-3 * rng.random()
        made = rehashed(made)
    elif kind == "start":
        made["start"] = nudge(made["start"], rng)
    elif kind == "removed":
        made["cells"].remove(cell)
    elif kind == "end":
        cell["end"] = nudge(cell["end"], rng)
    elif kind == "swap":
        made["cells"][place] = rng.choice(made["cells"]) | {"end": cell["end"]}
    elif kind == "no line":
        made["cells"][place] = {"end": cell["end"], "price": rng.choice(["0", "0.1", "10"])}
    elif kind == "price" and "price" in cell:
        cell["price"] = nudge(cell["price"], rng)
    elif kind == "line" and "line" in cell:
        j = rng.randrange(2)
        cell["line"][j] = nudge(cell["line"][j], rng)
    elif "point" in cell:
        cell["point"][k] = nudge(cell["point"][k], rng)
    return made, kind


def test_no_mutated_proof_proves_a_falsehood() -> None:
    rng = random.Random(20261129)
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


def check_forgeries(module: ModuleType) -> None:
    """What proves a falsehood, or nothing."""
    for document in proofs():
        cells, servers = document["cells"], document["servers"]
        assert not refused(module, document)
        assert refused(module, document | {"servers": servers + 1}), "the hash is that of other servers"
        assert refused(module, document | {"cells": []})
        assert refused(module, document | {"cells": cells[:-1]}), "loads up to R are missing"
        assert refused(module, document | {"cells": cells[:1] + cells}), "a cell is empty"
        assert refused(module, document | {"start": str(exact_load(document))}), "the least load is missing"
        low = str(Decimal(document["lower"]) - Decimal("1e-9") * (1 + abs(Decimal(document["lower"]))))
        assert refused(module, document | {"lower": low, "upper": low}), "upper is below the best"
        sharing = copy.deepcopy(document)
        sharing["instance"]["prompt_tokens"] = sharing["instance"]["deviation"] = [0.0] * len(
            document["tokens"]
        )
        sharing["instance"]["deviation_per_token"] = [0.0] * len(document["tokens"])
        for server in (
            {"kind": "sharing", "sigma": 0.5, "overhead": 1.0, "replicas": 1.0},
            {"kind": "fifo", "replicas": 2.0},
        ):
            sharing["instance"]["server"] = server
            digest = verifier.read_instance(sharing["instance"])[1]
            digest = checker.hashlib.sha256(f"cvxtoken-pooled/1\n{digest}\n{servers}\n".encode()).hexdigest()
            assert refused(module, sharing | {"sha256": digest})


def exact_load(document: Document) -> Decimal:
    """A load between the least one and R, in 17 digits."""
    least = problem_of(document).least_load
    return Decimal(float(least + (document["servers"] - least) / 1000))


@pytest.mark.parametrize("check", [check_forgeries])
def test_the_checker_passes(check: Callable[[ModuleType], None]) -> None:
    check(checker)


def test_malformed_proofs_are_refused() -> None:
    good = next(d for d in proofs() if len(d["cells"]) > 3 and "price" in d["cells"][0])
    size, (free, cell) = len(good["tokens"]), good["cells"][:2]
    cases: list[tuple[dict[str, Any], str]] = [
        ({"schema": "other"}, "the keys or the schema"),
        ({"more": 1}, "the keys"),
        ({"servers": 0}, "servers is not from 1 to 1000"),
        ({"servers": 1001}, "servers is not from 1 to 1000"),
        ({"servers": True}, "servers is not from 1 to 1000"),
        ({"servers": 2.0}, "servers is not from 1 to 1000"),
        ({"servers": good["servers"] + 1}, "the SHA-256 of instance and servers"),
        ({"digits": 19}, "digits is out of range"),
        ({"digits": 50.0}, "digits is out of range"),
        ({"cells": {}}, "cells is not a list"),
        ({"cells": [3]}, "a cell's keys"),
        ({"cells": [cell | {"more": 1}]}, "a cell's keys"),
        ({"cells": [cell | {"price": "1"}]}, "a cell's keys"),
        ({"cells": [free | {"price": "-1"}]}, "a price is negative"),
        ({"cells": [free | {"end": 1.0}]}, "not a decimal number"),
        ({"cells": [cell | {"line": ["1"]}]}, "not one number a name"),
        ({"cells": [cell | {"line": ["1", "inf"]}]}, "not a decimal number"),
        ({"cells": [cell | {"point": ["-1"] * size}]}, "negative tokens"),
        ({"cells": [cell | {"point": []}]}, "not one number a name"),
        ({"cells": [free | {"end": "0"}, *good["cells"][1:]]}, "do not follow each other"),
        ({"cells": [free, cell | {"line": ["0", "0"]}, *good["cells"][2:]]}, "is below g"),
        ({"cells": [free, cell | {"point": ["1e9"] * size}, *good["cells"][2:]]}, "a point is not stable"),
        ({"start": "-1"}, "does not begin at the least load"),
        ({"start": "1e-3000"}, "does not begin at the least load"),
        ({"tokens": ["1e9"] * size}, "tokens are out of range"),
        (
            {"tokens": [str(top) for top in good["instance"]["max_tokens"]]},
            "the tokens are not stable|lower is above",
        ),
        ({"tokens": ["-1"] * size}, "tokens are out of range"),
        ({"tokens": ["NaN"] * size}, "not a decimal number"),
        ({"relative_gap": "0"}, "relative_gap is too small"),
    ]
    for change, reason in cases:
        with pytest.raises(checker.Refused, match=reason):
            checker.check(good | change)


def test_g_has_no_value_at_no_load() -> None:
    good = next(d for d in proofs() if "price" in d["cells"][0])
    line = good["cells"][-1] | {"line": ["1e300", "0"]}
    with pytest.raises(checker.Refused, match="divided by may not be positive"):
        checker.check(good | {"start": "0", "cells": [line]})


def test_work_is_capped() -> None:
    good = proofs()[0]
    with pytest.raises(checker.Refused, match="take too long"):
        checker.check(good | {"cells": good["cells"] * 1_000_000})


def test_another_server_is_refused_at_the_door() -> None:
    w = random_problem(3).workload.replace(server=Sharing(0.5))
    with pytest.raises(checker.Refused, match="not one that is first come"):
        checker.read_instance(w.to_instance(), 2)


def test_it_runs_as_a_script_beside_the_verifier(tmp_path: Path) -> None:
    for module in (verifier, checker):
        (tmp_path / Path(module.__file__).name).write_bytes(Path(module.__file__).read_bytes())
    file = tmp_path / "proof.json"
    for flags in ([], ["-O"]):
        for change, code, begin in (({}, 0, "proven: "), ({"digits": 1}, 1, "refused: digits")):
            file.write_text(json.dumps(proofs()[0] | change))
            command = [sys.executable, *flags, "-S", "pooled.py", str(file)]
            done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
            assert (done.returncode, done.stderr) == (code, "")
            assert done.stdout.startswith(begin)
