"""The style that pictures share, and their way to a file."""

from __future__ import annotations

import builtins
import os
import re
import subprocess
import sys
from itertools import combinations, product
from pathlib import Path

import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from cvxtoken import picture
from cvxtoken.errors import MissingExtraError, ProblemError


def test_labels_stand_on_new_axes() -> None:
    figure, drawn = picture.axes("time (s)", "tokens")
    assert (drawn.get_xlabel(), drawn.get_ylabel(), drawn.figure) == ("time (s)", "tokens", figure)
    assert not drawn.spines["top"].get_visible()


def test_axes_in_a_part_of_a_figure_give_the_whole_of_it() -> None:
    whole = Figure()
    ax = whole.subfigures(1, 2)[0].subplots()
    assert picture.axes("", "", ax) == (whole, ax)


def test_colours_are_told_apart_in_grey_or_by_red_against_blue() -> None:
    """Machado's matrices for full deuteranopia and protanopia: no two of the seven come near each other."""
    matrices = {
        "none": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
        "deuteranopia": ((0.367, 0.861, -0.228), (0.280, 0.673, 0.047), (-0.012, 0.043, 0.969)),
        "protanopia": ((0.152, 1.053, -0.205), (0.115, 0.786, 0.099), (-0.004, -0.048, 1.052)),
    }
    dark = [picture.DARK[colour] for colour in picture.COLOURS]
    for matrix, palette in product(matrices.values(), (picture.COLOURS, dark)):
        seen = [[sum(m * c for m, c in zip(row, to_rgb(colour), strict=True)) for row in matrix]
                for colour in palette]  # fmt: skip
        for one, other in combinations(seen, 2):
            assert sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) ** 0.5 > 0.15


def contrast(one: str, other: str) -> float:
    """Of two colours, by WCAG 2.2: (L1 + 0.05) / (L2 + 0.05), L the relative luminance."""

    def luminance(colour: str) -> float:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_enough_in_light_and_dark() -> None:
    """AA: 3 for lines, 4.5 for what is also a colour of letters; 21 is black on white."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21, abs=1e-9)
    ground = picture.DARK[picture.PAPER]
    for colour in picture.COLOURS:
        assert contrast(colour, picture.PAPER) >= 3, colour
        assert contrast(picture.DARK[colour], ground) >= 3, colour
    for colour in (*picture.COLOURS[:4], picture.INK, picture.GREY, "#000000"):
        assert contrast(colour, picture.PAPER) >= 4.5, colour
        assert contrast(picture.DARK[colour], ground) >= 4.5, colour


def test_an_svg_is_the_same_each_time_and_has_a_rule_for_every_colour(tmp_path: Path) -> None:
    figure, drawn = picture.axes("x (s)", "y (s)")
    for colour in picture.COLOURS:
        drawn.plot([0, 1], [0, 1], "o", color=colour)
    picture.save(figure, tmp_path / "a.svg")
    text = (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert text == picture.svg(figure)
    style, body = re.findall(r"<style>@media \(prefers-color-scheme:dark\)\{(.*?)\}</style>(.*)", text, re.S)[
        0
    ]
    for what, colour in set(re.findall(r"(fill|stroke): (#\w+)", body)):
        assert f'[style*="{what}: {colour}"]{{{what}:{picture.DARK[colour]}!important}}' in style
    assert '<g id="text_' in body
    assert '[id*="text_"]{fill:' in style


def test_a_path_is_refused_before_and_left_as_it_was(tmp_path: Path) -> None:
    picture.check_path(tmp_path / "new.png")
    assert list(tmp_path.iterdir()) == []
    old = tmp_path / "old.svg"
    old.write_text("before")
    picture.check_path(old)
    assert old.read_text() == "before"
    (tmp_path / "folder.png").mkdir()
    for name, message in (
        ("no/a.png", "a.png: cannot be written: No such file or directory"),
        ("folder.png", "cannot be written: Is a directory"),
        ("a.xyz", "the ending is '.xyz'; it must be one of ."),
        ("a", "the ending is ''; it must be one of ."),
    ):
        with pytest.raises(ProblemError) as refused:
            picture.check_path(tmp_path / name)
        assert message in str(refused.value)


def test_a_pipe_is_not_opened_before_it_is_written(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.svg"
    os.mkfifo(pipe)
    picture.check_path(pipe)  # to open one waits for a reader


def test_a_file_that_fails_late_is_one_sentence(tmp_path: Path) -> None:
    figure, _ = picture.axes("", "")
    with pytest.raises(ProblemError, match="cannot be written"):
        picture.save(figure, tmp_path / "no" / "a.png")


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    true_import = builtins.__import__

    def without(name, *arguments, **options):  # type: ignore[no-untyped-def]
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return true_import(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    for call in (lambda: picture.axes("", ""), lambda: picture.check_path(tmp_path / "a.png")):
        with pytest.raises(MissingExtraError) as refused:
            call()
        assert str(refused.value) == "a plot needs Matplotlib: pip install 'cvxtoken[plot]'"


def test_pictures_never_open_a_window_and_cost_nothing_unless_drawn() -> None:
    code = (
        "import sys, cvxtoken.plots.kinds as kinds\n"
        "assert 'matplotlib' not in sys.modules\n"
        "kinds.OF_FILE['clipping'](None)\n"
        "assert 'matplotlib.figure' in sys.modules and 'matplotlib.pyplot' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
