"""Wrong answer files and indexes: a sentence each, never a traceback, and the rest is scored."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import cvxtoken
from cvxtoken import ProblemError
from cvxtoken.library.exported import export
from cvxtoken.suite.marking import mark_folder

ONE, OTHER = "realistic/n2-0", "infeasible/n2-2"
RIGHT = json.dumps({"id": OTHER, "status": "infeasible"})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("files")
    export(where, cvxtoken.instances([ONE, OTHER]))
    return where


def line(**fields: Any) -> str:
    return json.dumps({"id": ONE, "status": "optimal", **fields})


def raw(fields: str) -> str:
    return f'{{"id": "{ONE}", "status": "optimal", {fields}}}'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (raw('"objective": NaN'), "objective is nan; it must be a finite number"),
        (raw('"objective": 1e999'), "objective is inf; it must be a finite number"),
        (raw(f'"objective": {"9" * 400}'), "it must be a finite number"),
        (raw(f'"objective": {"9" * 5000}'), "limit"),  # Python's own, on the digits of whole numbers
        (line(objective=[1]), "objective is [1]; it must be a finite number"),
        (line(objective=True), "objective is True; it must be a finite number"),
        (line(objective="-8,5"), "objective is '-8,5'; it must be a finite number"),
        (raw(f'"x": [{"9" * 400}]'), "x holds what is no number: int too large"),
        (line(x=[[1, 2], [3, 4]]), "x has shape (2, 2); it must be one list of numbers"),
        (line(x=[[1, 2], [3]]), "x holds what is no number"),
        (line(x={"a": 1}), "x holds what is no number"),
        (line(x=[1, None]), "x[1] is nan; it must be a finite number"),
        (line(z=[True, 1.0]), "z holds true or false; it must hold numbers"),
        (line(status=["optimal"]), "status is ['optimal']; it must be the solver's word"),
        (line(status={"optimal": False}), "it must be the solver's word"),
        (raw('"status": "infeasible"'), "'status' stands twice in it"),
        (f"[{line()}]", "has no id; it must be a mapping with id and status"),
        ("[" * 100_000, "not JSON: "),
        ("\x00" + line(), "not JSON: "),
    ],
)
def test_a_bad_line_is_a_sentence_and_the_next_is_read(folder: Path, text: str, words: str) -> None:
    path = folder / "answers.jsonl"
    path.write_text(f"{text}\n{RIGHT}\n", encoding="utf-8")
    marks, faults = mark_folder(folder, path)
    assert {m.instance: m.verdict for m in marks} == {ONE: "missing", OTHER: "right"}
    assert faults[0].startswith("line 1: ")
    assert words in faults[0]
    assert len(faults[0]) < 250


def test_other_ends_of_lines_may_stand_in_a_text(folder: Path) -> None:
    path = folder / "answers.jsonl"
    path.write_bytes(f'{{"id": "{OTHER}", "status": "infeasible", "note": "a\u2028b"}}\r\n'.encode())
    marks, faults = mark_folder(folder, path)
    assert [m.verdict for m in marks if m.instance == OTHER] == ["right"]
    assert faults == [f"no answer to {ONE}"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"id,status,status\n{OTHER},infeasible,optimal\n", "the head has the column 'status' twice"),
        (f"id;status\n{OTHER};infeasible\n", "the head has no column 'id'"),
        ("", "the head has no column 'id'"),
    ],
)
def test_a_bad_head_is_refused(folder: Path, text: str, words: str) -> None:
    path = folder / "answers.csv"
    path.write_text(text)
    with pytest.raises(ProblemError, match=words):
        mark_folder(folder, path)


def entry(**fields: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda index: index | {"instances": [index["instances"][0] | fields, *index["instances"][1:]]}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda index: index | {"instances": [5]}, r"instances\[0\] is 5; it must be a mapping"),
        (lambda index: index | {"instances": {"a": 1}}, "instances must be a list of mappings"),
        (lambda index: index | {"instances": 2 * index["instances"]}, "an id stands twice in instances"),
        (lambda index: index | {"format": ["cbf"]}, r"format is \['cbf'\]"),
        (entry(id=5), r"instances\[0\] has id 5; it must be a text"),
        (entry(objective=None), "has objective None; it must be a finite number"),
        (entry(objective="nan"), "has objective 'nan'; it must be a finite number"),
        (entry(tolerance=[]), r"has tolerance \[\]; it must be a finite number"),
        (entry(form="balanced"), "has form 'balanced'; it must be presolved or raw"),
        (entry(status="open"), "has status 'open'; it must be optimal or infeasible"),
    ],
)
def test_a_bad_index_is_refused(
    folder: Path, tmp_path: Path, change: Callable[[Any], dict[str, Any]], words: str
) -> None:
    index = json.loads((folder / "index.json").read_text())
    (tmp_path / "index.json").write_text(json.dumps(change(index)))
    (tmp_path / "answers.jsonl").write_text(RIGHT)
    with pytest.raises(ProblemError, match=words):
        mark_folder(tmp_path, tmp_path / "answers.jsonl")
