"""The README is short and true: its code prints what it says, what it points to is there."""

from __future__ import annotations

import doctest
import re
import tomllib
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

import cvxtoken

ROOT = Path(cvxtoken.__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n((?:(?!```).*\n)*)```\n\n```text\n((?:(?!```).*\n)*)```", README, re.M)


def test_it_is_short_and_every_python_block_shows_its_result() -> None:
    assert len(README.splitlines()) <= 150
    assert len(EXAMPLES) == README.count("```python") == 5


def test_code_prints_what_the_readme_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    session: dict[str, object] = {}
    for code, printed in EXAMPLES:
        out = StringIO()
        with redirect_stdout(out):
            exec(compile(code, "README.md", "exec"), session)
        same = doctest.OutputChecker().check_output(printed, out.getvalue(), doctest.ELLIPSIS)
        assert same, f"{code}prints\n{out.getvalue()}"


def test_the_first_two_shell_blocks_run_and_test() -> None:
    run, test, *_ = re.findall(r"^```sh\n(.*?)^```", README, re.M | re.S)
    assert run.strip().endswith("cvxtoken solve")
    assert test.strip().endswith("pytest -q -n logical --dist worksteal")
    assert len(run.strip().splitlines()) == len(test.strip().splitlines()) == 1


def test_the_first_run_prints_what_stands_below_it(command) -> None:
    shown = README.partition("```text\n")[2].partition("```")[0]
    code, out, _ = command("solve")
    pattern = ".*?".join(re.escape(part) for part in shown.split("..."))
    assert code == 0
    assert re.fullmatch(pattern, out, re.S), out


def test_what_the_text_points_to_is_there_and_the_figure_can_be_drawn_again(command, tmp_path: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert len(links) >= 6
    for link in links:
        assert (ROOT / link).exists(), link
    (arguments,) = re.findall(r"`cvxtoken (plot \w+) --out budgets.png`", README)
    assert command(*arguments.split(), "--out", str(tmp_path / "budgets.png"))[0] == 0


def test_one_version_everywhere() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert cvxtoken.__version__ == version
    citation = (ROOT / "CITATION.cff").read_text()
    assert f"\nversion: {version}\n" in citation
    (date,) = re.findall(r"^date-released: (\S+)$", citation, re.M)
    assert f"\n## {version}\n\n{date}. " in (ROOT / "CHANGELOG.md").read_text()
    (entry,) = re.findall(r"^```bibtex\n(.*?)^```", README, re.M | re.S)
    assert f"version = {{{version}}}, year = {{{date[:4]}}}, month = {{{int(date[5:7])}}}" in entry


def test_one_spelling_and_order_of_authors_everywhere() -> None:
    citation = (ROOT / "CITATION.cff").read_text()
    (name,) = re.findall(r"^  - name: (.+)$", citation, re.M)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert [author["name"] for author in project["authors"]] == [name]
    assert f"author = {{{{{name}}}}}" in README
    sources = (ROOT / "docs" / "sources.md").read_text(encoding="utf-8")
    sources = " ".join(sources.split())
    for paper in citation.partition("\nreferences:\n")[2].split("  - type: article")[1:]:
        families = re.findall(r"family-names: (\w+)", paper)
        listed = " and ".join(filter(None, [", ".join(families[:-1]), families[-1]]))
        (number,) = re.findall(r"url: https://arxiv.org/abs/([\d.]+)", paper)
        (title,) = re.findall(r'title: "(.+)"', paper)
        assert f"{listed}, *{title}*, [arXiv {number}](https://arxiv.org/abs/{number})" in sources, listed


def test_the_map_has_every_folder_and_the_walk_names_functions_that_are_there() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    package = ROOT / "cvxtoken"
    rooms = {f"{file.parent.relative_to(package)}/" for file in package.glob("**/__init__.py")} - {"./"}
    nested = {"scheduling/policies/"}  # part of the room above it
    assert set(re.findall(r"^\| `([\w/]+/)` \|", text, re.M)) == rooms - nested | {"verifier/"}
    walk = text.partition("### A walk of `solve`")[2].partition("\n## ")[0]
    assert len(re.findall(r"^\d+\. ", walk, re.M)) == 10
    for function, file in re.findall(r"`(\w+)` \(`([\w/]+\.py)`\)", walk):
        assert re.search(rf"^(def|class) {function}\b", (package / file).read_text(), re.M), function
