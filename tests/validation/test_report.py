"""The runner of all studies and their report, on small studies of its own."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.test_architecture import ROOT
from validation import __main__ as runner
from validation.claims import AGAINST_HSF, CALIBRATED, CLAIMS, NOT_PUBLIC, REPRODUCED
from validation.report import Outcome, html, markdown, section, standing, updated
from validation.studies import STUDIES, Study

STUDY = """
import sys
from validation.studies import options
parser = options("A study.")
parser.add_argument("data", nargs="*")
arguments = parser.parse_args()
print("before\\n| a | b |\\n|---|---|\\n| 1 | {quick} |\\nafter".format(quick=arguments.quick))
print("data:", *arguments.data)
from cvxtoken.picture import axes, save
save(axes("x (1)", "y (1)")[0], arguments.picture)
print("verdict: it is so")
sys.exit({status})
"""


@pytest.fixture
def studies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Study, ...]:
    """One good, one bad, one that crashes."""
    import validation

    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "tiny_good.py").write_text(STUDY.replace("{status}", "0"))
    (folder / "tiny_bad.py").write_text(STUDY.replace("{status}", "1"))
    (folder / "tiny_crash.py").write_text("print('so far')\nraise RuntimeError('it broke')")
    # the package of studies, these added, for the processes that are started
    package = tmp_path / "path" / "validation"
    package.parent.mkdir()
    package.symlink_to(folder)
    for module in ("__init__.py", "studies.py"):
        (folder / module).write_text((Path(validation.__file__).parent / module).read_text())
    monkeypatch.setattr(runner, "HERE", package)
    monkeypatch.setenv("PYTHONPATH", str(ROOT.parent))
    data = tmp_path / "data"
    data.mkdir()
    (data / "t.csv").write_text("n\n1\n")
    good = Study("tiny_good", "Is it so?", ("t.csv:n", "none.csv"))
    return good, Study("tiny_bad", "Is it?"), Study("tiny_crash", "Will it?")


@pytest.fixture
def outcomes(studies: tuple[Study, ...], tmp_path: Path) -> list[Outcome]:
    figures = tmp_path / "out" / "figures"
    figures.mkdir(parents=True)
    return runner.run_all(studies, tmp_path / "data", True, figures)


def test_studies_are_run_with_their_data_and_judged_by_their_exit_status(
    outcomes: list[Outcome], tmp_path: Path
) -> None:
    good, bad, crash = outcomes
    assert (good.good, good.verdict, good.missing) == (True, "it is so", ("none.csv",))
    assert f"data: {tmp_path / 'data' / 't.csv:n'}\n" in good.printed
    assert "| 1 | True |" in good.printed, "quick is passed on"
    assert (bad.good, bad.verdict) == (False, "it is so"), "the exit status counts, not the words"
    assert (crash.good, crash.figure, crash.printed) == (False, None, "so far\n")
    assert crash.verdict == "it ended without a verdict, exit status 1: RuntimeError: it broke"
    assert good.figure is not None
    assert good.figure.read_bytes().startswith(b"\x89PNG")


def test_the_report_has_every_table_figure_and_verdict(outcomes: list[Outcome], tmp_path: Path) -> None:
    text = markdown(outcomes, True, tmp_path / "out")
    assert "**Verdicts that are bad: tiny_bad, tiny_crash.**" in text
    assert "Made by `python -m validation --quick` on 20" in text
    assert "Quick: the samples are smaller" in text
    assert "```text\nbefore\n```\n\n| a | b |\n|---|---|\n| 1 | True |\n\n```text\nafter" in text
    assert "![tiny_good](figures/tiny_good.png)" in text
    assert "Without data: `none.csv` was not there (`--data FOLDER`)" in text
    assert "**Verdict:** it is so" in text
    assert "**BAD VERDICT:** it ended without a verdict" in text
    page = html(text, tmp_path / "out")
    assert page.count('src="data:image/png;base64,') == 2
    assert "<h2 id='tiny_good'>" in page
    assert 'href="#tiny_good"' in page
    assert "<td>True</td>" in page
    full = markdown([outcomes[0]], False, tmp_path / "out")
    assert "Every verdict is good." in full
    assert "Quick" not in full


def test_studies_that_are_run_again_renew_their_parts(outcomes: list[Outcome], tmp_path: Path) -> None:
    first, bad, crash = outcomes
    text = markdown([first, bad], False, tmp_path)
    better = replace(bad, verdict="it became so", good=True, printed="| new |\n|---|\n| 7 |", figure=None)
    again = updated(text, [better, crash], True, tmp_path)
    assert again.count("## tiny_bad\n") == again.count("## tiny_crash\n") == 1
    assert "| [tiny_bad](#tiny_bad) | it became so |" in again
    assert "| 7 |" in again
    assert "BAD VERDICT:** it is so" not in again
    assert again.count("Run again on smaller samples (`--quick`) on ") == 2
    assert section(first, tmp_path) in again, "what was not run again is as it was"
    lines = again.splitlines()
    rows = [line for line in lines if line.startswith("| [tiny_")]
    assert [row.split("]")[0] for row in rows] == ["| [tiny_good", "| [tiny_bad", "| [tiny_crash"]
    assert updated(again, [better, crash], True, tmp_path) == again


def test_tables_printed_one_after_the_other_stay_two() -> None:
    printed = "| a | b |\n|---|---|\n| 1 | - |\n| 2 | 3 |\n| c |\n|---|\n| 4 |\n"
    outcome = Outcome(STUDIES[0], printed, "good", True, 1.0, None, ())
    text = section(outcome, Path())
    assert "| 2 | 3 |\n\n| c |\n|---|\n| 4 |" in text
    assert "| a | b |\n|---|---|\n| 1 | - |\n| 2 | 3 |" in text


def test_without_a_folder_all_data_are_missing() -> None:
    study = Study("x", "?", ("a.csv:n", "b"))
    assert runner.split(study, None) == ([], ("a.csv:n", "b"))


def test_a_figure_of_an_earlier_run_is_not_shown(studies: tuple[Study, ...], tmp_path: Path) -> None:
    old = tmp_path / "tiny_crash.png"
    old.write_bytes(b"old")
    assert runner.run(studies[2], None, True, tmp_path).figure is None
    assert not old.exists()


def test_a_claim_stands_as_far_as_its_study_does() -> None:
    claim = next(claim for claim in CLAIMS if claim.needs_data)
    study = next(study for study in STUDIES if study.name == claim.study)
    good = Outcome(study, "", "", True, 1.0, None, ())
    assert standing(claim, [good]) == claim.standing == REPRODUCED
    assert standing(claim, [replace(good, good=False)]) == "**NOT confirmed in this run**"
    assert standing(claim, [replace(good, missing=("t",))]) == "not looked at in this run, for want of data"
    assert standing(replace(claim, needs_data=False), [replace(good, missing=("t",))]) == REPRODUCED
    assert standing(claim, []) == "not looked at in this run"
    assert standing(replace(claim, study="", standing=NOT_PUBLIC), []) == NOT_PUBLIC


def test_claims_are_renewed_with_their_studies(tmp_path: Path) -> None:
    first, second = [study for study in STUDIES if study.name in {claim.study for claim in CLAIMS}][:2]
    good = [Outcome(study, "", "so", True, 1.0, None, ()) for study in (first, second)]
    text = updated(markdown([good[0]], False, tmp_path), [good[1]], False, tmp_path)
    rows = {
        claim.text: row
        for claim in CLAIMS
        for row in text.splitlines()
        if row.startswith(f"| {claim.text} |")
    }
    for claim in CLAIMS:
        here = standing(claim, good)
        assert f"| {claim.text} | {here} | {claim.why}" in rows[claim.text]
    worse = updated(text, [replace(good[1], good=False)], False, tmp_path)
    count = sum(claim.study == second.name for claim in CLAIMS)
    assert worse.count("**NOT confirmed in this run**") == count > 0


def test_claims_are_of_three_papers_and_name_studies() -> None:
    assert len({claim.paper for claim in CLAIMS}) == 3
    for claim in CLAIMS:
        assert claim.standing in (REPRODUCED, CALIBRATED, AGAINST_HSF, NOT_PUBLIC)
        assert (claim.standing == NOT_PUBLIC) == (not claim.study), claim.text
        assert claim.study in {"", *(study.name for study in STUDIES)}
        assert claim.why


def test_every_study_is_in_the_list_and_takes_its_options() -> None:
    folder = ROOT.parent / "validation"
    found = {
        file.stem
        for file in folder.glob("*.py")
        if 'print("verdict: ' in (text := file.read_text()) or '        "verdict: ' in text
    }
    assert found == {study.name for study in STUDIES}
    for name in found:
        tree = ast.parse((folder / f"{name}.py").read_text())
        called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        assert "options" in called, name


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "/proc/none"], "cannot be made"),
        (["--data", "none"], "data is none; it must be a folder"),
    ],
)
def test_bad_folders_are_refused_before_any_study(arguments: list[str], message: str) -> None:
    command = [sys.executable, "-m", "validation", *arguments]
    done = subprocess.run(command, cwd=ROOT.parent, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_report_that_cannot_be_written_is_refused_before_any_study(tmp_path: Path) -> None:
    (tmp_path / "REPORT.html").mkdir()
    command = [sys.executable, "-m", "validation", "--quick", "--out", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT.parent, capture_output=True, text=True, check=False, timeout=600)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"error: {tmp_path / 'REPORT.html'}: cannot be written: Is a directory\n"


@pytest.mark.parametrize("chosen", [slice(0, 1), slice(0, 2)])
def test_the_exit_status_is_1_where_a_verdict_is_bad(
    studies, tmp_path: Path, monkeypatch, capsys, chosen
) -> None:
    monkeypatch.setattr(runner, "STUDIES", studies[chosen])
    monkeypatch.setattr(sys, "argv", ["validation", "--quick", "--out", str(tmp_path / "new")])
    assert runner.main() == (chosen.stop - 1)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in sorted(lines[:-1])] == ["BAD", "good"][-chosen.stop :]
    assert lines[-1] == str(tmp_path / "new" / "REPORT.md")
    assert (tmp_path / "new" / "REPORT.md").read_text().startswith("# What the studies find")
    assert "<table>" in (tmp_path / "new" / "REPORT.html").read_text()


def test_a_section_without_data_needed_says_nothing_of_data() -> None:
    outcome = Outcome(Study("x", "?"), "", "fine", True, 1.0, None, ())
    assert section(outcome, Path()) == "## x\n\n?\n\n**Verdict:** fine"
