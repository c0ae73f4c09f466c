"""`cvxtoken check` in a build: its exit status, its reports, what became worse, and Ctrl-C."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

from cvxtoken import ProblemError, SolverError, instances
from cvxtoken.suite import scoreboard
from cvxtoken.suite.compare import read_verdicts, worse
from cvxtoken.suite.junit import junit
from cvxtoken.suite.solvers import find_solver
from cvxtoken.suite.verdict import Verdict, failing, verdict

MODULE = """
import cvxtoken
from cvxtoken.suite import Answer
from helper import tokens

def good(workload: cvxtoken.Workload):
    return tokens(workload)

def lazy(workload: cvxtoken.Workload):
    return Answer(tokens(workload) / 2, "optimal")

def tired(workload: cvxtoken.Workload):
    return Answer(None, "failed", detail="no \\x1b[31mprogress")

def hanging(workload: cvxtoken.Workload):
    import time
    time.sleep(60)
"""
HELPER = "import cvxtoken\n\ndef tokens(workload):\n    return cvxtoken.price_newton(workload).tokens\n"
SMALL = ["--family", "realistic/n1-", "--family", "infeasible/n1-2"]


@pytest.fixture
def solvers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The path of a file with solvers, in a folder that is not the current one."""
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "ours.py").write_text(MODULE)
    (tmp_path / "there" / "helper.py").write_text(HELPER)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("ours", "helper"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return "there/ours.py"


def test_the_exit_status_says_what_failed(command, solvers: str) -> None:  # type: ignore[no-untyped-def]
    for name, fail_on, expected in (
        ("good", "any", 0),
        ("lazy", "any", 1),
        ("lazy", "wrong", 1),
        ("lazy", "failed", 0),
        ("tired", "any", 1),
        ("tired", "wrong", 0),
        ("tired", "failed", 1),
    ):
        arguments = ["--family", "realistic/n1-1", "--fail-on", fail_on]
        code, out, err = command("check", f"{solvers}:{name}", *arguments)
        assert (code, err) == (expected, ""), (name, fail_on)
        assert ("wrong: workload realistic/n1-1" in out) == (name == "lazy")
        assert ("failed: workload realistic/n1-1" in out) == (name == "tired")


def test_what_came_later_is_left_out_and_said_to_be(command, solvers: str) -> None:  # type: ignore[no-untyped-def]
    arguments = ["check", f"{solvers}:good", "--family", "realistic/n1-1", "--family", "servers/fifo"]
    code, out, _ = command(*arguments, "--added-before", "0.2.0", "--json")
    document = json.loads(out)
    assert (code, {o["instance"] for o in document["outcomes"]}) == (0, {"realistic/n1-1"})
    assert document["left_out"] == {"servers": len(instances("servers/fifo*"))}
    assert "left out: servers (" in command(*arguments, "--added-before", "0.2.0")[1]
    later = json.loads(command(*arguments, "--added-before", "0.10", "--json")[1])
    assert (len(later["outcomes"]), later["left_out"]) == (1 + len(instances("servers/fifo*")), {})
    for version, words in (
        ("soon", "added_before is 'soon'; it must be a version such as 0.2.0"),
        ("0.1.0", f"added_before leaves no instance: all {len(later['outcomes'])} came with 0.1.0 or later"),
    ):
        code, _, err = command(*arguments, "--added-before", version)
        assert (code, err) == (2, f"error: {words}\n")


def test_a_file_that_is_no_module_is_refused(solvers: str, tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("def f(A, b, q, cones): ...\n")
    (tmp_path / "a-b.py").write_text("def f(A, b, q, cones): ...\n")
    for name, reason in (
        ("nowhere/ours.py:good", "there is no file nowhere/ours.py"),
        ("a-b.py:f", "the file's name is 'a-b.py'; it must be a Python name"),
        ("json.py:f", "a module of this name is in use"),
        (f"{solvers}:nothing", "has no attribute 'nothing'"),
    ):
        with pytest.raises(SolverError, match=reason):
            find_solver(name)


def test_two_files_of_one_name_are_told_apart(solvers: str, tmp_path: Path) -> None:
    first = find_solver(f"{solvers}:good")
    (tmp_path / "ours.py").write_text("def good(A, b, q, cones): ...\n")
    second = find_solver("ours.py:good")
    assert (first.subjects["workload"].kind, second.subjects["raw"].kind) == ("workload", "cones")
    assert first.identity != second.identity


def test_the_report_for_a_build_names_instance_and_reason(command, solvers: str) -> None:  # type: ignore[no-untyped-def]
    assert command("check", f"{solvers}:tired", *SMALL, "--junit", "j.xml")[0] == 1
    root = ElementTree.parse("j.xml").getroot()
    assert (root.tag, root.get("name"), root.get("failures")) == (
        "testsuites",
        f"{solvers}:tired",
        root.get("tests"),
    )
    (suite,) = root
    case = next(iter(suite))
    assert (case.get("classname"), case.get("name")) == ("workload.realistic", "realistic/n1-0")
    assert float(case.get("time") or "nan") >= 0
    (failure,) = case
    assert failure.get("type") == "failed"
    assert failure.get("message") == "claims 'failed' (no ?[31mprogress)"
    assert command("check", f"{solvers}:good", *SMALL, "--junit", "j.xml")[0] == 0
    assert ElementTree.parse("j.xml").find(".//failure") is None
    code, _, err = command("check", f"{solvers}:good", "--junit", "none/j.xml")
    assert code == 2
    assert "cannot be written" in err


def test_what_became_worse_is_what_counts(command, solvers: str) -> None:  # type: ignore[no-untyped-def]
    for name in ("good", "lazy", "tired"):
        Path(f"{name}.json").write_text(command("check", f"{solvers}:{name}", *SMALL, "--json")[1])
    outcomes = json.loads(Path("lazy.json").read_text())["outcomes"]
    assert outcomes[0]["reason"].startswith("claims 'optimal'; the objective is off by")
    for old, name, expected, words in (
        ("lazy", "lazy", 0, "nothing became worse"),  # known to be wrong
        ("tired", "tired", 0, "nothing became worse"),
        ("good", "tired", 1, "lost: workload realistic/n1-0: claims 'failed'"),
        ("good", "lazy", 1, "wrong: workload realistic/n1-0: claims 'optimal'; the objective is off by"),
        ("tired", "good", 0, "nothing became worse"),
    ):
        code, out, _ = command("check", f"{solvers}:{name}", *SMALL, "--compare", f"{old}.json")
        assert code == expected, (old, name)
        assert words in out
    found = json.loads(command("check", f"{solvers}:tired", *SMALL, "--compare", "good.json", "--json")[1])
    assert {change["kind"] for change in found["worse"]} == {"lost"}
    Path("bad.json").write_text('{"outcomes": [{"form": "raw"}]}')
    code, _, err = command("check", f"{solvers}:good", *SMALL, "--compare", "bad.json")
    assert (code, err) == (2, "error: bad.json: outcomes[0] has no 'instance' of the right kind\n")


def of(instance: str, result: str = "passed", seconds: float = 1.0) -> Verdict:
    return Verdict("raw", instance, result, "" if result == "passed" else "why", seconds, None)


def test_worse_is_wrong_lost_or_slower() -> None:
    old = [of("a/1"), of("a/2"), of("a/3"), of("a/4", "wrong"), of("a/5", "failed"), of("a/6", seconds=0.001)]
    new = [
        of("a/1", "wrong"),
        of("a/2", "failed"),
        of("a/3", seconds=2.1),
        of("a/4", "failed"),
        of("a/5", "wrong"),
    ]
    new += [of("a/6", seconds=0.005), of("a/7", "wrong"), of("a/8", "failed")]
    assert [(c.kind, c.instance) for c in worse(old, new)] == [
        *(("wrong", "a/1"), ("lost", "a/2"), ("slower", "a/3"), ("wrong", "a/5"), ("wrong", "a/7")),
    ]
    gone = worse(old, new[1:])
    assert (gone[-1].kind, gone[-1].instance) == ("lost", "a/1")
    assert not worse(old, [], asked={("raw", "a/9"), ("presolved", "a/1")}), (
        "what was not to be asked is not lost"
    )
    assert str(worse(old, new)[2]) == "slower: raw a/3: 2.1 s, before 1 s"


def test_files_that_hold_no_verdicts_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    good = dict(vars(of("a/1")))
    for outcomes, words in (
        (None, "has no list 'outcomes'"),
        ([1], r"outcomes\[0\] has no 'form'"),
        ([good, good | {"seconds": "1"}], r"outcomes\[1\] has no 'seconds'"),
        ([good | {"verdict": "fine"}], "has the verdict 'fine'"),
    ):
        path.write_text(json.dumps({"outcomes": outcomes}))
        with pytest.raises(ProblemError, match=words):
            read_verdicts(path)
    path.write_text(json.dumps({"outcomes": [good]}))
    assert read_verdicts(path) == [of("a/1")]


def test_ctrl_c_keeps_what_is_known_and_the_next_run_goes_on(  # type: ignore[no-untyped-def]
    command, solvers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    score = scoreboard.score

    def interrupted(*arguments):  # type: ignore[no-untyped-def]
        if len(asked) == 3:
            raise KeyboardInterrupt
        asked.append(arguments[2].id)
        return score(*arguments)

    monkeypatch.setattr(scoreboard, "score", interrupted)
    arguments = ["check", f"{solvers}:good", *SMALL, "--json", "--junit", "j.xml"]
    code, out, err = command(*arguments)
    assert code == 130
    found = json.loads(out)
    assert (found["complete"], len(found["outcomes"])) == (False, 3)
    assert ElementTree.parse("j.xml").getroot().get("tests") == "3"
    assert err.startswith("interrupted: 3 of up to ")
    assert "the same command goes on from there" in err
    monkeypatch.setattr(scoreboard, "score", score)
    code, out, err = command(*arguments)
    assert code == 0
    assert err.startswith("goes on from an interrupted run: ")
    assert err.endswith(" holds 3 scores\n")
    found = json.loads(out)
    assert (found["complete"], found["outcomes"][0]["instance"]) == (True, asked[0])
    assert command(*arguments)[2] == "", "a run that has ended leaves nothing behind"


def test_limits_and_forms_are_checked(command, solvers: str) -> None:  # type: ignore[no-untyped-def]
    code, out, _ = command("check", f"{solvers}:hanging", "--family", "realistic/n1-1", "--time-limit", "0.5")
    assert code == 1
    assert "failed: workload realistic/n1-1: claims 'failed' (did not come back within 0.5 s)" in out
    for arguments, words in (
        (["--time-limit", "0"], "time_limit is 0 s; it must be positive"),
        (["--form", "raw"], "form is 'raw'; for this solver it must be workload"),
    ):
        code, _, err = command("check", f"{solvers}:good", *arguments)
        assert code == 2
        assert words in err


def test_reasons_say_what_was_claimed_and_what_is_so() -> None:
    def score(claim: str, feasible: bool, error: float) -> scoreboard.Score:
        return scoreboard.Score("raw", "a/1", claim, "", feasible, error, error, 1.0)

    for claim, feasible, error, result, reason in (
        ("optimal", True, 0.0, "passed", ""),
        ("infeasible", False, float("inf"), "passed", ""),
        ("infeasible", True, float("inf"), "wrong", "claims 'infeasible'; the instance has an optimum"),
        ("optimal", True, float("inf"), "wrong", "there are no tokens, or they are not stable"),
        ("inaccurate", True, 0.5, "failed", "the objective is off by 0.5 relative, over 1e-06"),
        ("failed", False, float("inf"), "failed", "claims 'failed'; expected 'infeasible'"),
    ):
        found = verdict(score(claim, feasible, error))
        assert found.verdict == result
        assert reason in found.reason
    assert failing([of("a/1"), of("a/2", "wrong")], "failed") == []


def test_junit_counts_by_form() -> None:
    text = junit("a <b>", [of("a/1"), Verdict("presolved", "a/1", "wrong", 'said "so" & <more>', 0.5, None)])
    root = ElementTree.fromstring(text)
    assert [(suite.get("name"), suite.get("failures")) for suite in root] == [
        ("a <b> raw", "0"),
        ("a <b> presolved", "1"),
    ]
    assert root.find(".//failure").get("message") == 'said "so" & <more>'  # type: ignore[union-attr]
