from __future__ import annotations

import hashlib
import json
import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cvxtoken
from cvxtoken import ProblemError, Workload
from tests.support.instances import realistic

GOOD: dict[str, Any] = {
    "names": ["a", "b"],
    "prior": [0.25, 0.75],
    "accuracy_gain": [0.5, 0.4],
    "saturation_rate": [1e-3, 2e-4],
    "base_accuracy": [0.0, 0.3],
    "overhead": [0.1, 0.0],
    "time_per_token": [1e-3, 2e-3],
    "arrival_rate": 0.5,
    "accuracy_weight": 30.0,
    "max_tokens": 4096.0,
}

BAD = [
    ("prior", [0.0, 1.0], "prior of 'a' is 0.0"),
    ("prior", [-0.5, 1.5], "prior of 'a' is -0.5"),
    ("prior", [0.25, 0.75 + 1e-8], "sum to 1"),
    ("accuracy_gain", [0.5, 0.0], "accuracy_gain of 'b' is 0.0"),
    ("accuracy_gain", [0.5, 0.7 + 2e-9], "at most 1"),
    ("saturation_rate", [-1e-3, 1e-3], "saturation_rate of 'a' is -0.001"),
    ("saturation_rate", [float("nan"), 1e-3], "saturation_rate of 'a' is nan"),
    ("base_accuracy", [-0.1, 0.3], "base_accuracy of 'a' is -0.1"),
    ("overhead", [0.1, -1e-9], "overhead of 'b' is -1e-09"),
    ("overhead", [0.1, float("inf")], "overhead of 'b' is inf"),
    ("time_per_token", [0.0, 1e-3], "time_per_token of 'a' is 0.0"),
    ("time_per_token", [1e-3], "time_per_token has shape (1,)"),
    ("time_per_token", [1e-3, "1e-3"], "time_per_token of 'b' is '1e-3'; it must be a number"),
    ("time_per_token", [True, 1e-3], "time_per_token of 'a' is True; it must be a number"),
    ("time_per_token", [[1e-3, 1e-3]], "time_per_token of 'a' is [0.001, 0.001]; it must be a number"),
    ("time_per_token", [1e-3, 10**400], "time_per_token of 'b' is 1000"),
    ("time_per_token", {"a": 1e-3, "b": 1e-3}, "must be a list of numbers"),
    ("time_per_token", None, "time_per_token is None"),
    ("time_per_token", np.array([1e-3 + 0j, 1e-3]), "must be a list of numbers"),
    ("arrival_rate", 0.0, "arrival_rate is 0.0"),
    ("arrival_rate", float("nan"), "arrival_rate is nan"),
    ("arrival_rate", "fast", "arrival_rate is 'fast'"),
    ("arrival_rate", 10**400, "arrival_rate is"),
    ("accuracy_weight", -1, "accuracy_weight is -1"),
    ("accuracy_weight", float("inf"), "accuracy_weight is inf"),
    ("max_tokens", -1, "max_tokens is -1; it must be finite and not negative"),
    ("max_tokens", [1.0, -1.0], "max_tokens of 'b' is -1.0"),
    ("names", ["a", "a"], "'a' twice"),
    ("names", [], "names is empty"),
    ("names", "ab", "names is 'ab'"),
    ("names", ["a", ""], "names holds ''"),
    ("names", ["a", "b\n"], "names holds"),
    ("names", ["a", 3], "names holds 3"),
    ("source", 3, "source is 3"),
]


@pytest.mark.parametrize(("field", "value", "message"), BAD, ids=lambda v: str(v)[:20])
def test_bad_data_is_named(field: str, value: Any, message: str) -> None:
    with pytest.raises(ProblemError) as caught:
        Workload(**{**GOOD, field: value})
    assert message in str(caught.value)
    assert "must" in str(caught.value) or "needed" in str(caught.value)


def test_data_at_the_edge_of_the_rules_is_taken() -> None:
    Workload(**{**GOOD, "prior": [0.25, 0.75 + 0.9e-9], "accuracy_gain": [0.5, 0.7 + 0.9e-9]})


def test_large_whole_numbers_are_numbers() -> None:
    assert Workload(**{**GOOD, "max_tokens": [2**70, 10**20]}).max_tokens.tolist() == [2.0**70, 1e20]


def test_arrays_are_copied_and_read_only() -> None:
    prior = np.array([0.25, 0.75])
    workload = Workload(**{**GOOD, "prior": prior})
    prior[0] = 9
    assert workload.prior[0] == 0.25
    with pytest.raises(ValueError, match="read-only"):
        workload.prior[0] = 9
    with pytest.raises(AttributeError):
        workload.arrival_rate = 1.0  # type: ignore[misc]


def test_replace_validates_and_names_unknown_fields() -> None:
    workload = Workload(**GOOD)
    assert workload.replace(arrival_rate=0.25).arrival_rate == 0.25
    assert workload.replace(max_tokens=7).max_tokens.tolist() == [7.0, 7.0]
    with pytest.raises(ProblemError, match=r"arrival_rate is -1"):
        workload.replace(arrival_rate=-1)
    with pytest.raises(ProblemError, match=r"arival_rate is not a field.*arrival_rate"):
        workload.replace(arival_rate=1)


doubles = st.floats(min_value=1e-300, max_value=1e300)


@given(
    rate=doubles,
    weight=doubles,
    limits=st.lists(doubles, min_size=2, max_size=2),
    name=st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1),
    suffix=st.sampled_from(["toml", "json"]),
)
def test_files_are_lossless(
    tmp_path_factory: pytest.TempPathFactory,
    rate: float,
    weight: float,
    limits: list[float],
    name: str,
    suffix: str,
) -> None:
    path = tmp_path_factory.mktemp("w") / f"w.{suffix}"
    changes = {"arrival_rate": rate, "accuracy_weight": weight, "max_tokens": limits}
    workload = Workload(**{**GOOD, **changes, "names": [name, name + "'"], "source": f"made of {name}"})
    workload.save(path)
    again = Workload.load(path)
    assert again == workload
    assert hash(again) == hash(workload)
    assert again.source == workload.source
    assert again.max_tokens.tolist() == limits


def test_one_limit_stands_at_the_top_of_a_file_and_several_in_the_tables(tmp_path: Path) -> None:
    assert Workload(**GOOD).to_document()["max_tokens"] == 4096.0
    tables = Workload(**{**GOOD, "max_tokens": [1, 2]}).to_document()
    assert "max_tokens" not in tables
    assert [task["max_tokens"] for task in tables["task"]] == [1.0, 2.0]


def document(**changes: Any) -> dict[str, Any]:
    return {**Workload(**GOOD).to_document(), **changes}


BAD_FILES = [
    ("w.toml", "= 1", "not valid TOML"),
    ("w.json", "{", "not valid JSON"),
    ("w.json", "[" * 100_000, "not valid JSON"),
    ("w.json", '{"arrival_rate": NaN}', "not valid JSON: NaN"),
    ("w.json", '{"task": 1, "task": 2}', "a key stands twice"),
    ("w.json", "[]", "holds a list"),
    ("w.yaml", "", "must be .toml or .json"),
    ("w.toml", b"\xff", "not UTF-8"),
    ("w.json", json.dumps(document(alpha=3)), "'alpha' is not a known key"),
    ("w.json", json.dumps(document(arival_rate=3)), "did you mean 'arrival_rate'?"),
    ("w.json", json.dumps({k: v for k, v in document().items() if k != "arrival_rate"}), "is missing"),
    ("w.json", json.dumps(document(task=[])), "task is empty"),
    ("w.json", json.dumps(document(task=3)), "task is 3"),
    ("w.json", json.dumps(document(task=[{"name": "a"}])), "task 1: 'prior' is missing"),
    ("w.json", json.dumps(document(arrival_rate=-1)), "arrival_rate is -1"),
    ("w.json", json.dumps(document(arrival_rate=True)), "arrival_rate is True"),
    (
        "w.json",
        json.dumps(document(task=[{**document()["task"][0], "max_tokens": 3.0}])),
        "'max_tokens' is not a known key",
    ),
]


@pytest.mark.parametrize(("name", "text", "message"), BAD_FILES, ids=range(len(BAD_FILES)))
def test_bad_files_are_named(tmp_path: Path, name: str, text: str | bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ProblemError) as caught:
        Workload.load(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_missing_and_unwritable_files(tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match="No such file"):
        Workload.load(tmp_path / "none.toml")
    with pytest.raises(ProblemError, match="cannot be written"):
        Workload(**GOOD).save(tmp_path / "none" / "w.toml")
    with pytest.raises(ProblemError, match=r"must be \.toml"):
        Workload(**GOOD).save(tmp_path / "w.txt")


def test_equality_is_of_every_number_and_name() -> None:
    workload = Workload(**GOOD)
    assert workload == Workload(**{**GOOD, "source": "elsewhere"})
    for field, value in GOOD.items():
        other = ["a", "c"] if field == "names" else np.nextafter(value, 2)
        if field == "prior":
            other = [0.25, np.nextafter(0.75, 2)]
        assert workload != Workload(**{**GOOD, field: other}), field


def test_hash_is_of_the_defined_bytes() -> None:
    data = b"cvxtoken-workload/1\n2\na\nb\n" + struct.pack(
        ">16d", 0.25, 0.75, 0.5, 0.4, 1e-3, 2e-4, 0.0, 0.3, 0.1, 0.0, 1e-3, 2e-3, 4096, 4096, 0.5, 30
    )
    assert Workload(**GOOD).sha256 == hashlib.sha256(data).hexdigest()


def test_negative_zero_is_zero() -> None:
    assert Workload(**{**GOOD, "base_accuracy": [-0.0, 0.3]}) == Workload(**GOOD)


def test_idle_share_at_zero_is_exact() -> None:
    workload = realistic(3, 50)
    products = (Fraction(p) * Fraction(t) for p, t in zip(workload.prior, workload.overhead, strict=True))
    assert workload.idle_at_zero == 1 - Fraction(workload.arrival_rate) * sum(products)
    tiny = Workload(**{**GOOD, "overhead": [5e-324, 1e-300]}).idle_at_zero
    assert tiny == 1 - Fraction(0.5) * (Fraction(0.25) * Fraction(5e-324) + Fraction(0.75) * Fraction(1e-300))


def test_built_in_workloads_hold_the_published_numbers() -> None:
    assert cvxtoken.workloads() == ["qwen3-8b", "r1-distill-8b"]
    workload = cvxtoken.load("r1-distill-8b")
    assert workload.saturation_rate.tolist() == [1.94e-4, 2.51e-4, 2.11e-4, 3.03e-3, 1.41e-4]
    assert "2608.13315" in workload.source
    with pytest.raises(ProblemError, match="did you mean 'qwen3-8b'"):
        cvxtoken.load("qwen3-8")
