"""Files of answers by any program: right ones pass, wrong ones are named, bad ones are a sentence."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cvxtoken
from cvxtoken import ProblemError
from cvxtoken.allocation import model
from cvxtoken.allocation.program.cones import cone_program
from cvxtoken.library.exported import export, file_order, read_index
from cvxtoken.suite.answers import read_answers, read_status
from cvxtoken.suite.marking import mark_folder

CHOSEN = ["realistic/n6-?", "infeasible/n2*", "servers/unstable*", "degenerate*"]
INSTANCES = cvxtoken.instances(CHOSEN)
ONE = "realistic/n6-0"


def true_answer(entry: dict[str, Any], file_format: str) -> dict[str, Any]:
    """The best answer there is, from the certified optimum alone."""
    instance = next(i for i in INSTANCES if i.id == entry["id"])
    if not instance.feasible:
        return {"id": instance.id, "status": "infeasible"}
    w, l = instance.workload, model.stable_doubles(instance.workload, instance.certificate.tokens)
    cones = cone_program(w, entry["form"])
    own = l[cones.types]
    epigraph = float(model.spread(w, l)) / float(model.exact_idle(w, l))
    x = np.concatenate([own / cones.scale, np.exp(-w.saturation_rate[cones.types] * own), [epigraph]])
    z = cones.duals(instance.certificate.tokens)[file_order(cones.program, file_format)]
    value = float(entry["objective"])
    return {"id": instance.id, "status": "Solved", "objective": value, "x": x.tolist(), "z": z.tolist()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    export(tmp_path, INSTANCES)
    return tmp_path


def write(folder: Path, answers: list[Any]) -> Path:
    path = folder / "answers.jsonl"
    path.write_text("".join(a if isinstance(a, str) else json.dumps(a) + "\n" for a in answers))
    return path


@pytest.mark.parametrize("form", ["raw", "presolved"])
@pytest.mark.parametrize("file_format", ["cbf", "clarabel-json", "npz"])
def test_the_certified_optimum_is_right_in_every_format(tmp_path: Path, file_format: str, form: str) -> None:
    index = export(tmp_path, INSTANCES, file_format, form)
    answers = [true_answer(entry, file_format) for entry in index["instances"]]
    marks, faults = mark_folder(tmp_path, write(tmp_path, answers))
    assert not faults
    assert [m.reason for m in marks if m.verdict != "right"] == []
    assert len(marks) == len(index["instances"])
    assert all(m.dual is not None and m.dual < 1e-12 for m in marks if m.status == "optimal")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"status": "PRIMAL_INFEASIBLE"}, "claims 'infeasible', but there is an optimum"),
        ({"status": "unbounded_inaccurate"}, "claims 'unbounded'"),
        ({"objective": lambda F: 1000 * F}, "the objective is off by"),  # seconds told as milliseconds
        ({"objective": lambda F: -F}, "the objective is off by"),
        ({"x": lambda x: x * 0.9}, "x is outside the cones by"),
        ({"x": lambda x: np.append(x[:2] * 0.5, x[2:])}, "the tokens of x lose"),
        ({"x": lambda x: x * 1e300}, "x is outside the cones by"),
        ({"z": lambda z: -z}, "z is infeasible by"),
        ({"z": lambda z: z * 1.01}, "z is infeasible by"),
        ({"z": lambda z: z[::-1]}, "z is infeasible by"),
        ({"x": lambda x: x[:-1]}, "x has 4 numbers; it must have 5"),
        ({"z": lambda z: np.append(z, 0)}, "z has 16 numbers; it must have 15"),
        ({"x": None, "objective": None}, "gives neither x nor an objective"),
    ],
)
def test_what_is_wrong_is_called_so(folder: Path, change: dict[str, Any], reason: str) -> None:
    entries = {entry["id"]: entry for entry in read_index(folder)["instances"]}
    answer = true_answer(entries[ONE], "cbf")
    for field, how in change.items():
        new = how(np.array(answer[field])) if callable(how) else how
        answer[field] = new.tolist() if isinstance(new, np.ndarray | np.generic) else new
    marks, _ = mark_folder(folder, write(folder, [answer]))
    (found,) = [m for m in marks if m.instance == ONE]
    assert found.verdict == "wrong"
    assert reason in found.reason
    if answer["status"] == "Solved":
        answer["status"] = "AlmostSolved"
        (found,) = [m for m in mark_folder(folder, write(folder, [answer]))[0] if m.instance == ONE]
        assert found.verdict in ("failed", "wrong")


def test_who_admits_failure_is_not_wrong_and_an_optimum_of_nothing_is(folder: Path) -> None:
    told = [(ONE, "max_iterations"), ("infeasible/n2-2", "optimal"), ("infeasible/n2-100", "unsupported")]
    marks, _ = mark_folder(folder, write(folder, [{"id": i, "status": s, "objective": 1} for i, s in told]))
    found = {m.instance: m.verdict for m in marks}
    assert [found[i] for i, _ in told] == ["failed", "wrong", "failed"]
    assert next(m for m in marks if m.instance == "infeasible/n2-2").reason.endswith("even without tokens")


def test_bad_lines_are_a_sentence_each_and_the_rest_is_scored(folder: Path) -> None:
    entries = read_index(folder)["instances"]
    good = {entry["id"]: true_answer(entry, "cbf") for entry in entries}
    nan = {**good["realistic/n6-1"], "x": [0.0, float("nan")]}
    twice = good.pop("realistic/n6-2")
    strange = [
        nan,
        twice,
        twice,
        "not json\n",
        "[1, 2]\n",
        {"id": "realistic/n6-99", "status": "optimal", "objective": 1.0},
        {**good["realistic/n6-3"], "status": "OPTIMUM_MAYBE"},
        {"id": "infeasible/n2-2"},
        {**good["infeasible/n2-100"], "seconds": -1},
        {"id": 7, "status": "optimal"},
        {"id": "infeasible/n2-1.001", "status": "optimal", "objective": "a lot"},
    ]
    spoilt = {
        "realistic/n6-1",
        "realistic/n6-3",
        "infeasible/n2-2",
        "infeasible/n2-100",
        "infeasible/n2-1.001",
    }
    marks, faults = mark_folder(
        folder, write(folder, [*strange, *(good[i] for i in good if i not in spoilt)])
    )
    for place, words in enumerate(
        [
            "line 1: realistic/n6-1: x[1] is nan; it must be a finite number",
            "line 3: realistic/n6-2 stands in line 2 already; neither counts",
            "line 4: not JSON: ",
            "line 5: has no id",
            "line 7: realistic/n6-3: status 'OPTIMUM_MAYBE' is not known; return one of optimal, ",
            "line 8: infeasible/n2-2: no status was returned",
            "line 9: infeasible/n2-100: seconds is -1; it must not be negative",
            "line 10: id is 7",
            "line 11: infeasible/n2-1.001: objective is 'a lot'; it must be a finite number",
            "line 6: 'realistic/n6-99' is no instance of the index (did you mean 'realistic/n6-",
            "no answer to ",
        ]
    ):
        assert faults[place].startswith(words)
    verdicts = {m.instance: m.verdict for m in marks}
    assert {i for i, v in verdicts.items() if v == "missing"} == spoilt | {"realistic/n6-2"}
    assert {v for i, v in verdicts.items() if i not in spoilt | {"realistic/n6-2"}} == {"right"}


def test_numbers_beside_other_claims_than_an_optimum_are_not_read(folder: Path) -> None:
    """Clarabel, for one, gives NaN as the objective of what is infeasible, and a ray as x."""
    told = [("infeasible/n2-2", "PrimalInfeasible", "right"), (ONE, "MaxIterations", "failed")]
    junk = {"objective": float("nan"), "x": [float("inf")], "z": "none"}
    marks, faults = mark_folder(folder, write(folder, [{"id": i, "status": s, **junk} for i, s, _ in told]))
    assert [fault.partition(" to ")[0] for fault in faults] == ["no answer"]
    found = {m.instance: m.verdict for m in marks}
    assert [found[i] for i, _, _ in told] == [verdict for _, _, verdict in told]


def test_csv_says_the_same_as_json(folder: Path) -> None:
    answer = true_answer(next(e for e in read_index(folder)["instances"] if e["id"] == ONE), "cbf")
    points = {field: " ".join(map(repr, answer[field])) for field in "xz"}
    path = folder / "answers.csv"
    row = f"{ONE},optimal,{answer['objective']!r},{points['x']},{points['z']},0.5\n"
    path.write_text("id,status,objective,x,z,seconds\n" + row + "infeasible/n2-2,infeasible,,,,\n")
    found, faults = read_answers(path)
    assert not faults
    given = found[ONE]
    assert given.x is not None
    assert (given.x.tolist(), given.seconds, given.status) == (answer["x"], 0.5, "optimal")
    assert found["infeasible/n2-2"].objective is None
    path.write_text("name,status\na,b\n")
    with pytest.raises(ProblemError, match="the head has no column 'id'"):
        read_answers(path)


def test_words_of_many_solvers_are_known() -> None:
    for word, claim in (
        ("optimal", "optimal"),
        ("SolverStatus.Solved", "optimal"),
        ("AlmostSolved", "inaccurate"),
        ("optimal_inaccurate", "inaccurate"),
        ("PrimalInfeasible", "infeasible"),
        ("DualInfeasible", "unbounded"),
        ("MaxIterations", "failed"),
        ("time limit", "failed"),
    ):
        assert read_status(word) == claim, word
    for word, rule in (
        ("", "no status was returned"),
        (None, "no status was returned"),
        (1, "status is 1; numbers mean other things"),
        ("fine", "status 'fine' is not known"),
    ):
        with pytest.raises(ValueError, match=rule):
            read_status(word)


def test_an_index_that_does_not_fit_is_refused_and_what_changed_is_not_scored(folder: Path) -> None:
    answers = write(folder, [])
    path = folder / "index.json"
    index = json.loads(path.read_text())
    index["instances"][0]["sha256"] = "0" * 64
    index["instances"][1]["id"] = "realistic/n6-77"
    path.write_text(json.dumps(index))
    marks, faults = mark_folder(folder, answers)
    assert len(marks) == len(index["instances"]) - 2
    assert "its SHA-256 in the index is not that of this version; it is not scored" in faults[0]
    assert "this version's library does not have it" in faults[1]
    for text, words in (
        (
            json.dumps(index | {"schema": "cvxtoken-export/2"}),
            "schema is 'cvxtoken-export/2'; this version reads",
        ),
        (json.dumps(index | {"format": "lp"}), "format is 'lp'"),
        (json.dumps(index | {"instances": [{"id": "a"}]}), r"instances\[0\] has no 'sha256'"),
        ("[]", "schema is None"),
        ("{", "not valid JSON"),
    ):
        path.write_text(text)
        with pytest.raises(ProblemError, match=words):
            mark_folder(folder, answers)
    path.unlink()
    with pytest.raises(ProblemError, match="cannot be read"):
        mark_folder(folder, answers)


def test_export_and_score_on_the_command_line(command, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    where = str(tmp_path / "out")
    code, out, err = command("library", "export", where, "--family", "infeasible/n2", "--format", "npz")
    assert (code, out, err) == (0, f"5 instances, npz: {where}/index.json\n", "")
    answers = write(
        tmp_path, [{"id": e["id"], "status": "infeasible"} for e in read_index(where)["instances"]]
    )
    code, out, err = command("library", "score", where, str(answers))
    assert (code, err) == (0, "")
    assert "| infeasible |         5 |     5 |     0 |" in out
    write(tmp_path, ['{"id": "infeasible/n2-2", "status": "optimal", "objective": 1}\n', "{\n"])
    code, out, err = command("library", "score", where, str(answers))
    assert code == 1
    assert "wrong: infeasible/n2-2: claims 'optimal', but the utilisation is 2.0 even without tokens" in out
    assert len(err.splitlines()) == 2
    code, out, _ = command("library", "score", where, str(answers), "--json")
    assert code == 1
    assert [m["verdict"] for m in json.loads(out)["marks"]].count("missing") == 4
    assert command("library", "score", where, str(tmp_path / "none"))[0] == 2


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler named cc")
def test_a_solver_in_c_reads_the_files_and_is_never_wrong(tmp_path: Path) -> None:
    source = Path(__file__).parents[2] / "examples" / "newton.c"
    program = tmp_path / "newton"
    subprocess.run(["cc", "-O2", "-o", str(program), str(source), "-lm"], check=True)
    index = export(tmp_path, cvxtoken.instances(["workloads*", "realistic/n6*", "infeasible*", "spread*"]))
    files = [entry["file"] for entry in index["instances"]]
    done = subprocess.run([program, *files], cwd=tmp_path, check=True, capture_output=True, text=True)
    marks, faults = mark_folder(tmp_path, write(tmp_path, [done.stdout]))
    assert not faults
    assert not [m for m in marks if m.verdict == "wrong"]
    right = {m.instance for m in marks if m.verdict == "right"}
    assert {i.id for i in cvxtoken.instances(["workloads*", "infeasible/*-100"])} <= right
    assert len(right) >= 0.6 * len(marks)


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler named cc")
def test_the_reader_in_the_docs_reads_the_files(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "solver-tests.md").read_text(encoding="utf-8")
    (source,) = re.findall(r'^```c title="reader.c"\n(.*?)^```$', page, re.M | re.S)
    (tmp_path / "reader.c").write_text(source)
    subprocess.run(["cc", "-w", "-o", "reader", "reader.c"], cwd=tmp_path, check=True)
    for entry in export(tmp_path, INSTANCES)["instances"]:
        done = subprocess.run(
            ["./reader", entry["file"]], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        cones = 2 + len(entry["variables"]["types"])
        sizes = f"{entry['variables']['count']} variables, {entry['rows']} rows, {cones} cones"
        told, _, offset = done.stdout.rpartition(", offset ")
        assert (told, float(offset)) == (sizes, entry["offset"]), entry["id"]
