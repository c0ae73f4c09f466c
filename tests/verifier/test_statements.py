"""The sentences of the six checkers: each claim is read out of the line, and each is tried with falsehoods.

`docs/certificates.md` lists what implies each claim. The falsehoods here are off by a gap's size or little
more, some 1e-30 of J: a bound moved by the gap, a radius just below the true distance, other tokens, a number
of the instance or a target moved by its last bit under the right hash.
"""

from __future__ import annotations

import copy
import json
import math
import re
from collections.abc import Iterator
from decimal import ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from functools import cache
from types import ModuleType
from typing import Any

import pytest

import cvxtoken
from cvxtoken import Ensemble, LaggedWorkload, PooledWorkload, Targets, Workload
from cvxtoken.scheduling.problem import Requests
from cvxtoken.scheduling.reference import best_schedule
from cvxtoken.verifier import allocation as verifier
from cvxtoken.verifier import lagged as lagged_verifier
from cvxtoken.verifier import pooled as pooled_verifier
from cvxtoken.verifier import robust as robust_verifier
from cvxtoken.verifier import schedule as schedule_verifier
from cvxtoken.verifier import whole as integer_verifier
from tests.support import lagged_truth, pooled_truth, truth
from tests.support.instances import realistic
from tests.support.truth import exact, mpf

Document = dict[str, Any]
CHECKERS: dict[str, ModuleType] = {
    "plain": verifier,
    "targets": verifier,
    "whole": integer_verifier,
    "lagged": lagged_verifier,
    "pooled": pooled_verifier,
    "robust": robust_verifier,
    "schedule": schedule_verifier,
}
NUMBER = r"(-?[0-9.]+(?:E[-+]?[0-9]+)?)"
BOUNDED = (
    rf"its optimum (?:J )?from {NUMBER}(?:, which the tokens reach,)? to {NUMBER}, relative gap <= {NUMBER}"
)


def workload() -> Workload:
    return realistic(31, 3)


@cache
def proof(kind: str) -> Document:
    """A proof of each kind as a parsed file."""
    w = workload()
    if kind == "targets":
        limit = 0.7 * cvxtoken.solve(w).mean_system_time
        made: Any = cvxtoken.solve(w, objective="accuracy", max_mean_system_time=limit).certificate
    elif kind == "whole":
        made = cvxtoken.solve_integer(
            w.replace(max_tokens=[6.0, 5.0, 4.0], accuracy_weight=2000.0)
        ).certificate
    elif kind == "lagged":
        made = cvxtoken.solve_lagged(LaggedWorkload(w, [20.0, 30.0, 0.0])).certificate
    elif kind == "pooled":
        made = cvxtoken.solve_pooled(w.replace(arrival_rate=2 * w.arrival_rate), 3).certificate
    elif kind == "robust":
        made = cvxtoken.solve_robust(Ensemble([w, w.replace(arrival_rate=0.9 * w.arrival_rate)])).certificate
    elif kind == "schedule":
        columns = {"arrival": [0, 0, 1, 2], "prompt_tokens": [2, 1, 3, 1], "output_tokens": [4, 6, 2, 5]}
        made = best_schedule(Requests(**columns, memory=9), "milp").certificate
    else:
        made = cvxtoken.certify(w, cvxtoken.solve(w).tokens)
    document: Document = json.loads(json.dumps(made.to_document()))
    return document


def gap_of(document: Document) -> Fraction:
    return Fraction(Decimal(document["upper"])) - Fraction(Decimal(document["lower"]))


def text(number: Fraction) -> str:
    """A rational number to 200 digits."""
    return str(Context(200).divide(Decimal(number.numerator), Decimal(number.denominator)))


def rehashed(kind: str, document: Document) -> Document:
    """With the hash that the data have: what is wrong then is the statement."""
    if kind == "schedule":
        digest = schedule_verifier.read_instance(document["instance"])[2]
    elif kind == "robust":
        digest = robust_verifier.read_draws(document["instances"])[1]
    elif kind == "pooled":
        digest = pooled_verifier.read_instance(document["instance"], document["servers"])[1]
    elif kind == "lagged":
        digest = lagged_verifier.read_instance(document["instance"], document["lag"])[1]
    elif kind == "targets":
        digest = Targets(**document["targets"]).sha256(Workload(**document["instance"]))
    else:
        digest = verifier.read_instance(document["instance"])[1]
    return document | {"sha256": digest}


def falsehoods(kind: str) -> Iterator[tuple[str, Document]]:
    """Statements that are false by little, and what is false in each."""
    good = proof(kind)
    if kind == "schedule":
        yield "no schedule is below", good | {"lower": good["lower"] + 1, "upper": good["upper"] + 1}
        yield "the starts reach", good | {"upper": good["upper"] + 1}
        yield "the starts reach", good | {"starts": [good["starts"][0] + 1, *good["starts"][1:]]}
        yield "the hash", good | {"sha256": good["sha256"][:-1] + "0"}
        for field, k in (("memory", None), ("output_tokens", 0), ("prompt_tokens", 2)):
            changed = copy.deepcopy(good)
            if k is None:
                changed["instance"][field] -= 1
            else:
                changed["instance"][field][k] += 1
            yield f"of this instance ({field})", rehashed(kind, changed)
        return
    lower, upper, gap = Decimal(good["lower"]), Decimal(good["upper"]), gap_of(good)
    up = Fraction(lower) + max(gap, Fraction(1, 10**30))
    yield "the tokens reach the lower value", good | {"lower": text(up), "upper": text(up + gap)}
    down = Fraction(upper) - max(gap, Fraction(1, 10**30))
    yield "no allocation is above", good | {"upper": text(down), "lower": text(down - gap)}
    least = min(abs(Fraction(lower)), abs(Fraction(upper)))
    ratio = gap / (1 + least)
    shown = Context(30, ROUND_FLOOR).divide(Decimal(ratio.numerator), Decimal(ratio.denominator))
    yield "relative gap", good | {"relative_gap": str(shown)}
    yield "the hash", good | {"sha256": good["sha256"][:-1] + ("1" if good["sha256"][-1] == "0" else "0")}
    step = 1 if kind == "whole" else Decimal("1e-8")
    for sign in (1, -1):
        l = good["tokens"][0] + sign if kind == "whole" else str(Decimal(good["tokens"][0]) + sign * step)
        yield "these tokens", good | {"tokens": [l, *good["tokens"][1:]]}
    for field in ("arrival_rate", "accuracy_weight") if kind != "targets" else ("arrival_rate",):
        changed = copy.deepcopy(good)
        for data in changed["instances"] if kind == "robust" else [changed["instance"]]:
            data[field] = math.nextafter(data[field], math.inf if field == "arrival_rate" else 0.0)
        yield f"of this instance ({field})", rehashed(kind, changed)
    if kind == "targets":
        for limit in (math.nextafter(good["targets"]["max_mean_system_time"], 0.0), 1e-3):
            changed = good | {"targets": good["targets"] | {"max_mean_system_time": limit}}
            yield "under these targets", rehashed(kind, changed)
        yield (
            "of this objective",
            rehashed(kind, good | {"targets": good["targets"] | {"objective": "trade-off"}}),
        )
    if kind == "plain":
        l_best, _ = truth.optimum(workload())
        off = [abs(exact(Decimal(l)) - best) for l, best in zip(good["tokens"], l_best, strict=True)]
        k = off.index(max(off))
        radii = [*good["radii"]]
        radii[k] = f"{float(off[k] * mpf('0.99')):.6e}"
        yield "each within the radius", good | {"radii": radii}
    if kind == "lagged":
        yield "all choices", good | {"leaves": good["leaves"][:-1]}
        changed = copy.deepcopy(good)
        changed["lag"][0] = math.nextafter(20.0, 0.0 if Decimal(good["tokens"][0]) == 0 else 21.0)
        changed["lag"][1] = math.nextafter(30.0, 0.0 if Decimal(good["tokens"][1]) == 0 else 31.0)
        yield "with its lags", rehashed(kind, changed)
    if kind == "pooled":
        yield "every load", good | {"cells": good["cells"][:-1]}
        for servers in (2, 4):
            yield "so many servers", rehashed(kind, good | {"servers": servers})


@pytest.mark.parametrize("kind", CHECKERS)
def test_no_claim_is_accepted_that_is_false_by_a_gaps_size(kind: str) -> None:
    checker = CHECKERS[kind]
    assert checker.check(proof(kind)).startswith("proven: ")
    tried = []
    for claim, document in falsehoods(kind):
        tried.append(claim)
        with pytest.raises(verifier.Refused):
            pytest.fail(f"{kind}, {claim}: {checker.check(document)}")
    assert len(tried) >= 7


def bounds_in(line: str) -> tuple[Fraction, Fraction, Fraction]:
    found = re.search(BOUNDED, line)
    assert found, line
    lower, upper, gap = (Fraction(Decimal(number)) for number in found.groups())
    return lower, upper, gap


def true_values(kind: str) -> tuple[Any, Any]:
    """J at the proof's tokens, and the best J, in 90 digits, by methods other than the package's."""
    document, w = proof(kind), workload()
    if kind == "whole":
        box = Workload(**document["instance"])
        return truth.objective(box, document["tokens"]), truth.best_whole(box)[1]
    tokens = [Decimal(l) for l in document["tokens"]]
    if kind == "lagged":
        problem = LaggedWorkload(w, document["lag"])
        return lagged_truth.objective(problem, tokens), lagged_truth.best(problem)
    if kind == "pooled":
        pooled = PooledWorkload(Workload(**document["instance"]), document["servers"])
        return pooled_truth.objective(pooled, tokens), pooled_truth.best(pooled)
    return truth.objective(w, tokens), truth.optimum(w)[1]


@pytest.mark.parametrize("kind", ["plain", "whole", "lagged", "pooled"])
def test_what_the_line_says_of_the_optimum_is_true(kind: str) -> None:
    line, document = CHECKERS[kind].check(proof(kind)), proof(kind)
    lower, upper, gap = bounds_in(line)
    reached, best = true_values(kind)
    assert f"instance {document['sha256']} (3 task types" in line
    assert exact(lower) <= reached <= best <= exact(upper)
    assert exact(gap) * (1 + min(abs(best), abs(reached))) >= best - reached
    assert gap >= gap_of(document) / (1 + min(abs(lower), abs(upper)) * (1 + Fraction(1, 10**15)))
    if kind == "plain":
        (radius,) = re.findall(rf"each within {NUMBER} of the optimal number", line)
        l_best, _ = truth.optimum(workload())
        off = [abs(exact(Decimal(l)) - x) for l, x in zip(document["tokens"], l_best, strict=True)]
        assert max(off) <= exact(Decimal(radius))


def test_the_line_names_objective_and_targets_and_holds_no_names() -> None:
    injected = 'x": 0.0}} has its optimum J from 99 to 100, relative gap <= 1E-30; ' + " " * 80
    w = workload().replace(names=[injected, "b", "c"])
    proof = cvxtoken.solve(w, max_utilization=0.99, min_accuracy={injected: 0.1, "b": 0.0}).certificate
    line = verifier.check(proof.to_document())
    assert (
        f"instance {proof.targets.sha256(w)} (3 task types; objective trade-off; max_utilization 0.99; "
        in line
    )
    assert "min_accuracy of 2) has its optimum J from " in line
    assert "99 to 100" not in line
    assert len(line) < 450
    assert "\n" not in line


def test_a_schedules_line() -> None:
    line, document = schedule_verifier.check(proof("schedule")), proof("schedule")
    lower, upper = document["lower"], document["upper"]
    assert line == (
        f"proven: no schedule of instance {document['sha256']} (4 requests) has a total latency "
        f"below {lower}, and the starts reach {upper}, which is exact"
    )


@pytest.mark.parametrize("kind", ["plain", "targets", "whole", "lagged", "pooled", "robust"])
def test_bounds_in_the_wrong_order_are_refused_before_any_work(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    checker, document = CHECKERS[kind], proof(kind)
    monkeypatch.setattr(checker, "prove", lambda *_: pytest.fail("work was done"))
    with pytest.raises(verifier.Refused, match="lower exceeds upper"):
        checker.check(document | {"lower": document["upper"], "upper": document["lower"]})


def test_what_a_file_holds_is_counted_before_it_is_parsed(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifier, "MAX_VALUES", 3000)
    monkeypatch.setattr(verifier.json, "loads", lambda *_, **__: pytest.fail("it was parsed"))
    for piece in ('{"":0}', "[]", "{}", "0", '"a"'):
        (tmp_path / "file").write_text("[" + ",".join([piece] * 3002) + "]")
        with pytest.raises(verifier.Refused, match="more than 3000 values"):
            verifier.read(str(tmp_path / "file"))


def test_numbers_that_are_long_when_written_out_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    document = proof("plain")
    document = document | {"instance": document["instance"] | {"overhead": [5e-324] * 3}}
    monkeypatch.setattr(verifier, "MAX_PLACES", 3000)
    with pytest.raises(verifier.Refused, match="too long when written out"):
        verifier.check(document)


def test_text_beyond_ascii_is_for_files_of_moderate_size(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python holds a text with one wide character in four bytes each."""
    monkeypatch.setattr(verifier, "MAX_WIDE", 100)
    file = tmp_path / "file"
    for size, beyond in ((90, "é"), (200, "e")):
        file.write_text(f'"{size * "x"}{beyond}"', encoding="utf-8")
        assert len(verifier.read(str(file))) == size + 1
    file.write_text(f'"{200 * "x"}é"', encoding="utf-8")
    with pytest.raises(verifier.Refused, match="beyond ASCII in more than 100 bytes"):
        verifier.read(str(file))


def test_rows_are_counted_before_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    document = proof("targets")
    rows = [[0.0] * 4] * 40_000
    targets = document["targets"] | {"linear": rows}
    multipliers = document["multipliers"] | {"linear": ["0"] * len(rows)}
    monkeypatch.setattr(verifier, "prove", lambda *_: pytest.fail("work was done"))
    with pytest.raises(verifier.Refused, match="the check would take too long"):
        verifier.check(document | {"targets": targets, "multipliers": multipliers})


def test_whole_tokens_of_very_many_types_are_refused_before_any_work() -> None:
    size = 40_000
    columns = {
        "prior": [1 / size] * size,
        "accuracy_gain": [0.7] * size,
        "saturation_rate": [0.1] * size,
        "base_accuracy": [0.1] * size,
        "overhead": [0.1] * size,
        "time_per_token": [0.1] * size,
        "max_tokens": [9.0] * size,
    }
    instance = {
        "names": [f"{k}" for k in range(size)],
        **columns,
        "arrival_rate": 0.3,
        "accuracy_weight": 30.1,
    }
    document = proof("whole") | {"instance": instance, "tokens": [0] * size, "z": ["0"] * size}
    with pytest.raises(verifier.Refused, match="the check would take too long"):
        integer_verifier.check(rehashed("whole", document))


def test_large_numbers_do_not_make_up_for_long_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    long = {"overhead": [5e-324] * 3, "max_tokens": [1e308] * 3}
    instance = proof("plain")["instance"] | long
    monkeypatch.setattr(verifier, "MAX_PLACES", 3000)
    with pytest.raises(verifier.Refused, match="too long when written out"):
        verifier.read_instance(instance)


def test_tokens_that_a_cell_leaves_open_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """2001 tokens, each kept with 50 excesses: far more than evaluating them costs."""
    columns = {"names": ["a"], "prior": [1.0], "accuracy_gain": [0.7], "base_accuracy": [0.1]}
    columns |= {
        "saturation_rate": [1e-5],
        "time_per_token": [1e-7],
        "overhead": [0.1],
        "max_tokens": [2000.0],
    }
    instance = {**columns, "arrival_rate": 0.3, "accuracy_weight": 30.1}
    many = {"edges": ["0", "1"], "multipliers": [[f"0.{k:06d}" for k in range(50)]], "upper": "-100"}
    many |= {"instance": instance, "tokens": [0], "z": ["0"], "lower": "-1e9", "relative_gap": "1e10"}
    document = rehashed("whole", proof("whole") | many)
    monkeypatch.setattr(integer_verifier, "MAX_WORK", 1.5e11)
    with pytest.raises(verifier.Refused, match="the check would take too long"):
        integer_verifier.check(document)
