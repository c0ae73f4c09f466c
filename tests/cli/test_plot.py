"""The command that draws."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from matplotlib.text import Text

import cvxtoken
from cvxtoken import picture
from cvxtoken.allocation import reference
from cvxtoken.plots import allocation, kinds

KINDS = [*kinds.OF_WORKLOAD, *kinds.OF_FILE]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_a_file_with_a_title_units_and_colours_for_the_dark(
    command, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures, save = [], picture.save
    monkeypatch.setattr(picture, "save", lambda figure, path: (figures.append(figure), save(figure, path)))
    file = tmp_path / f"{kind}.svg"
    code, out, err = command("plot", kind, "--out", str(file))
    assert (code, out, err) == (0, f"{file}\n", "")
    assert 10_000 < file.stat().st_size < 150_000
    used = set(re.findall(r"(?:fill|stroke): (#\w+)", file.read_text()))
    assert used <= set(picture.DARK), used
    (drawn,) = figures[0].axes
    for label in (drawn.get_xlabel(), drawn.get_ylabel()):
        assert "(" in label, label
        assert label.endswith(")"), label
    legend = drawn.get_legend()
    titles = [drawn.get_title(loc="left"), legend.get_title().get_text() if legend else ""]
    assert sorted(map(bool, titles)) == [False, True], "it says what is to be seen, once"
    for text in drawn.findobj(Text):
        assert "_" not in re.sub(r"\$.*?\$", "", text.get_text()), text


def test_a_workload_and_options_are_what_is_drawn(command, tmp_path: Path, monkeypatch) -> None:
    seen = []

    def remember(workload):  # type: ignore[no-untyped-def]
        seen.append(workload)
        return allocation.accuracy(reference.solve(workload))

    monkeypatch.setitem(kinds.OF_WORKLOAD, "accuracy", remember)
    file = tmp_path / "a.svg"
    assert command("plot", "accuracy", "r1-distill-8b", "--arrival-rate", "0.2", "--out", str(file))[0] == 0
    assert seen == [cvxtoken.load("r1-distill-8b").replace(arrival_rate=0.2)]
    assert "<svg" in file.read_text()


def test_another_wing_s_problem_comes_from_a_file(command, tmp_path: Path) -> None:
    from cvxtoken.scheduling import default_requests

    data = tmp_path / "requests.json"
    default_requests().save(data)
    assert command("plot", "memory", str(data), "--out", str(tmp_path / "m.pdf"))[0] == 0
    assert command("plot", "memory", "none.json", "--out", str(tmp_path / "m.pdf"))[0] == 2


def test_one_type_has_no_contours(command, tmp_path: Path) -> None:
    one = tmp_path / "one.toml"
    w = cvxtoken.load("qwen3-8b")
    fields = ("accuracy_gain", "saturation_rate", "base_accuracy", "overhead", "time_per_token", "max_tokens")
    w.replace(names=["a"], prior=[1.0], **{f: getattr(w, f)[:1] for f in fields}).save(one)
    code, _, err = command("plot", "contours", str(one), "--out", str(tmp_path / "c.png"))
    assert (code, err) == (2, "error: the workload has 1 type; contours need 2\n")


def test_bad_input_is_one_sentence_before_any_work(command, tmp_path: Path, monkeypatch) -> None:
    def work(*_):  # type: ignore[no-untyped-def]
        pytest.fail("work was done")

    for kind in kinds.OF_WORKLOAD:
        monkeypatch.setitem(kinds.OF_WORKLOAD, kind, work)
    for kind in kinds.OF_FILE:
        monkeypatch.setitem(kinds.OF_FILE, kind, work)
    good = str(tmp_path / "a.png")
    for arguments, message in (
        (["budget", "--out", good], f"kind is 'budget'; it must be one of {', '.join(KINDS)}"),
        (["budget", "--out", good], "(did you mean 'budgets'?)"),
        (["budgets", "--out", str(tmp_path / "no" / "a.png")], "cannot be written: No such file"),
        (["budgets", "--out", str(tmp_path / "a.doc")], "the ending is '.doc'"),
        (["budgets", "qwen", "--out", good], "'qwen' is not a built-in workload"),
        (["budgets", "--arrival-rate", "-1", "--out", good], "arrival_rate is -1.0"),
        (["memory", "--arrival-rate", "1", "--out", good], "a picture of kind memory is not of a workload"),
    ):
        code, out, err = command("plot", *arguments)
        assert (code, out) == (2, ""), arguments
        assert message in err
        assert len(err.splitlines()) == 1
    assert not Path(good).exists()
    assert command("plot", "budgets")[0] == 2, "--out must be given"


@pytest.mark.parametrize("arguments", [["clip"], ["batch"], ["schedule"], ["frontier"], ["fit"]])
def test_other_commands_refuse_a_path_before_any_work(command, arguments: list[str], tmp_path: Path) -> None:
    code, out, err = command(*arguments, "none.toml", "--plot", str(tmp_path / "no" / "a.png"))
    assert (code, out) == (2, "")
    assert "a.png: cannot be written" in err, "not that none.toml cannot be read"


@pytest.mark.parametrize(
    "arguments",
    [
        ["solve", "none.toml", "--certificate"],
        ["integer", "none.toml", "--certificate"],
        ["schedule", "none.toml", "--certificate"],
        ["export", "none.toml", "--out"],
        ["fit", "none.csv", "--out"],
        ["check", "NONE", "--html"],
        ["check", "NONE", "--progress"],
    ],
)
def test_so_do_files_that_are_no_pictures(command, arguments: list[str], tmp_path: Path) -> None:
    code, out, err = command(*arguments, str(tmp_path / "no" / "a.json"))
    assert (code, out) == (2, "")
    assert err == f"error: {tmp_path / 'no' / 'a.json'}: cannot be written: No such file or directory\n"


def test_a_fitted_workload_is_toml_or_json_before_any_work(command, tmp_path: Path) -> None:
    code, _, err = command("fit", "none.csv", "--out", str(tmp_path / "a.xml"))
    assert (code, "it must be .toml or .json" in err) == (2, True)


def test_a_report_needs_matplotlib_before_any_work(command, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    code, _, err = command("check", "NONE", "--html", str(tmp_path / "a.html"))
    assert (code, err) == (2, "error: an HTML report needs Matplotlib: pip install 'cvxtoken[plot]'\n")
