from __future__ import annotations

import json
import re
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

import cvxtoken
from cvxtoken import ProblemError, SolverError
from cvxtoken.library import instances
from cvxtoken.suite import scoreboard
from cvxtoken.suite.page import page
from cvxtoken.suite.solvers import find_solver

MODULE = """
import numpy as np, cvxtoken

def good(workload: cvxtoken.Workload):
    return cvxtoken.price_newton(workload)

def rough(workload: cvxtoken.Workload):
    return cvxtoken.suite.Answer(np.floor(cvxtoken.price_newton(workload).tokens / 1000) * 1000)

def silent(workload: cvxtoken.Workload):
    return cvxtoken.suite.Answer(None, "infeasible")
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "mine.py").write_text("import cvxtoken.suite\n" + MODULE)
    monkeypatch.chdir(tmp_path)
    # there `cvxtoken check` goes on from what a run that was cut short has left, also one of another suite
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    return tmp_path


def test_known_facts_of_clarabel() -> None:
    solver = find_solver("clarabel")
    chosen = instances(["realistic/n1*", "realistic/n6*", "size/1000"])
    scores = scoreboard.run(solver.subjects, chosen, 60)
    found = {(s.form, s.instance): s for s in scores}
    assert all(s.correct for s in scores if s.form == "presolved")
    assert not found["raw", "size/1000"].correct, "raw tokens at N = 1000 fail"
    assert scoreboard.summary([s for s in scores if s.form == "presolved"])["realistic"]["correct"] == 16


def test_wrong_claims_are_counted(module: Path) -> None:
    chosen = instances(["realistic/n6*", "infeasible/n2*"])
    for name, correct, optimal, infeasible in (("good", 9, 0, 0), ("rough", 6, 3, 0), ("silent", 5, 0, 4)):
        scores = scoreboard.run(find_solver(f"mine:{name}").subjects, chosen, 60)
        figures = scoreboard.summary(scores)
        total = {
            key: sum(f[key] for f in figures.values())
            for key in ("correct", "wrongly_optimal", "wrongly_infeasible")
        }
        assert total == {"correct": correct, "wrongly_optimal": optimal, "wrongly_infeasible": infeasible}, (
            name
        )
    assert scoreboard.summary(scores)["realistic"]["max_relative_error"] is None


def test_an_interrupted_run_goes_on(tmp_path: Path, module: Path) -> None:
    progress = tmp_path / "scores.jsonl"
    solver = find_solver("mine:good")
    chosen = instances("workloads*")
    first = scoreboard.run(solver.subjects, chosen[:5], 60, progress, "mine")
    with progress.open("a") as file:
        file.write('{"form": "work')  # cut off in the middle of a line
    asked: list[str] = []
    changed = find_solver("mine:silent")  # would be seen if it were asked about what is known
    again = scoreboard.run(changed.subjects, chosen, 60, progress, "mine", lambda s: asked.append(s.claim))
    assert again[:5] == first
    assert [s.claim for s in again] == ["optimal"] * 5 + ["infeasible"] * 7
    assert len(progress.read_text().splitlines()) == 13
    with pytest.raises(ProblemError, match="does not hold scores of other"):
        scoreboard.run(solver.subjects, chosen, 60, progress, "other")
    progress.write_text("other\n")
    with pytest.raises(ProblemError, match="does not hold scores"):
        scoreboard.run(solver.subjects, chosen, 60, progress, "mine")
    with pytest.raises(ProblemError, match="cannot hold the scores"):
        scoreboard.run(solver.subjects, chosen, 60, tmp_path, "mine")


def test_a_page_stands_alone() -> None:
    scores = scoreboard.run(find_solver("CLARABEL").subjects, instances("workloads/qwen3-8b*"), 60)
    text = page("<CLARABEL>", "1", scores)
    assert text.startswith("<!doctype html>")
    assert text.count("<svg") == 2
    assert "&lt;CLARABEL&gt; 1 on the cvxtoken library" in text
    assert "http://www.w3.org" in text
    assert "src=" not in text
    assert "<link" not in text
    assert "<script" not in text


def test_check_on_the_command_line(command, module: Path) -> None:  # type: ignore[no-untyped-def]
    code, out, err = command("check", "mine:good", "--family", "workloads", "--json", "--html", "r.html")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert set(found) >= {"solver", "version", "families"}
    assert set(found["families"]["workloads"]) >= {
        *("instances", "claimed_optimal", "correct", "wrongly_optimal", "wrongly_infeasible"),
        *("max_relative_error", "max_token_error"),
    }
    assert found["families"]["workloads"]["correct"] == 12
    assert "mine:good" in Path("r.html").read_text()
    code, out, _ = command("check", "CLARABEL", "--family", "all-zero", "--form", "presolved")
    assert code == 0
    assert "presolved" in out
    assert re.search(r"\| all-zero +\| +9 \| +9 \| +9 \|", out)
    arguments = ["check", "mine:good", "--family", "all", "--exclude", "all-max", "--exclude", "servers"]
    assert "left out: all-max (9)" in command(*arguments, "--html", "r.html")[1]
    assert "<p>left out: all-max (9)</p>" in Path("r.html").read_text()
    found = json.loads(command(*arguments, "--json")[1])
    assert (set(found["families"]), found["left_out"]) == ({"all-zero"}, {"all-max": 9})
    for arguments, message in (
        (["check", "mine:good", "--family", "all-max", "--exclude", "all"], "exclude leaves no instance"),
        (["check", "mine:good", "--exclude", "serves"], "did you mean 'servers'?"),
        (["check", "CLARABLE"], "(did you mean 'CLARABEL'?); installed: CLARABEL"),
        (["check", "mine:nothing"], "'mine:nothing' is not a function that can be imported"),
        (["check", "CLARABEL", "--family", "realstic"], "did you mean 'realistic'?"),
    ):
        code, _, err = command(*arguments)
        assert code == 2
        assert message in err
        assert err.count("\n") == 1


def test_how_to_install_others_is_told() -> None:
    with pytest.raises(SolverError, match="MOSEK: pip install mosek, and a licence"):
        find_solver("OSQP")


def test_what_a_solver_does_not_implement_is_not_solved(module: Path) -> None:
    Path("mine.py").write_text(
        "import cvxtoken\n\ndef one(workload: cvxtoken.Workload):\n    raise NotImplementedError('sharing')\n"
    )
    (found,) = scoreboard.run(find_solver("mine:one").subjects, instances("servers/n1"), 60)
    assert (found.claim, found.detail, found.correct) == ("unsupported", "not implemented: sharing", False)


def test_mean_time_is_a_shifted_geometric_mean() -> None:
    base = scoreboard.Score("raw", "a/1", "optimal", "", True, 0.0, 0.0, 0.03)
    other = scoreboard.Score("raw", "a/2", "optimal", "", True, 0.0, 0.0, 0.15)
    mean = scoreboard.summary([base, other])["a"]["mean_seconds"]
    assert mean == pytest.approx(np.sqrt(0.04 * 0.16) - 0.01)


def test_errors_are_measured_without_cancellation() -> None:
    (instance,) = cvxtoken.instances("realistic/n6-0")

    l = instance.tokens * (1 + 1e-9)
    exact = instance.certificate.lower - cvxtoken.certify(instance.workload, l).lower
    assert instance.error(l) == pytest.approx(float(exact) / (1 + abs(instance.objective)), rel=1e-6)
    assert 0 < instance.error(l) < 1e-16


def test_cone_solvers_are_asked_about_infeasible_instances_in_the_raw_form_alone(module: Path) -> None:
    Path("mine.py").write_text("def cones(A, b, q, cones):\n    raise RuntimeError('no')\n")
    scores = scoreboard.run(
        find_solver("mine:cones").subjects, instances(["infeasible*", "workloads/q*-0.1-30"]), 60
    )
    assert {(s.form, s.family) for s in scores} == {
        *(("presolved", "workloads"), ("raw", "workloads"), ("raw", "infeasible"))
    }
    assert not any(s.correct for s in scores)


def test_each_kind_of_claim_has_its_column_and_an_unknown_word_is_named_once(module: Path) -> None:
    def scored(instance: str, claim: str, detail: str = "", feasible: bool = True) -> scoreboard.Score:
        return scoreboard.Score("raw", instance, claim, detail, feasible, np.inf, np.inf, 0.1)

    scores = [
        scored("a/1", "unbounded"),
        scored("a/2", "unbounded_inaccurate", feasible=False),
        scored("a/3", "infeasible_inaccurate", feasible=False),
        scored("a/4", "infeasible_inaccurate"),
        scored("a/5", "unknown", "SPLENDID"),
        scored("a/6", "unknown", "SPLENDID"),
    ]
    figures = scoreboard.summary(scores)["a"]
    assert (figures["correct"], figures["wrongly_infeasible"], figures["wrongly_unbounded"]) == (1, 1, 2)
    assert figures["claims"] == dict.fromkeys(figures["claims"], 0) | {
        **{"unbounded": 1, "unbounded_inaccurate": 1, "infeasible_inaccurate": 2, "unknown": 2}
    }
    text = scoreboard.scoreboard(scores)
    assert "| wrongly unbounded | says infeasible_inaccurate | says unbounded |" in text
    told = "statuses that are not known, to be mended in the adapter: 'SPLENDID' (first at a/5)"
    assert text.endswith(told)
    html = page("mine", "1", scores)
    assert "SPLENDID" in html
    assert html.count("<td>unbounded") == 2
