"""The README is true: its code prints what it says, its files load, its map has every room."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

import cvxtoken
from cvxtoken.cli.application import COMMANDS
from cvxtoken.plots.kinds import OF_FILE, OF_WORKLOAD

ROOT = Path(cvxtoken.__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n((?:(?!```).*\n)*)```\n\n```text\n((?:(?!```).*\n)*)```", README, re.M)


def test_every_python_block_shows_its_result() -> None:
    assert len(EXAMPLES) == README.count("```python") - 1 == 10, "one is a test file, run below"


def test_the_test_file_for_a_solver_of_ones_own_passes(tmp_path: Path) -> None:
    (code,) = (
        block for block in re.findall(r"^```python\n(.*?)^```", README, re.M | re.S) if "my_solver" in block
    )
    assert len(code.splitlines()) <= 10
    (tmp_path / "test_mine.py").write_text(code)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_mine.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


@pytest.mark.parametrize(("code", "printed"), EXAMPLES)
def test_code_prints_what_the_readme_says(code: str, printed: str) -> None:
    out = StringIO()
    with redirect_stdout(out):
        exec(compile(code, "README.md", "exec"), {})
    assert out.getvalue() == printed


def test_the_workload_file_loads(tmp_path: Path) -> None:
    (text,) = re.findall(r"^```toml\n(.*?)^```", README, re.M | re.S)
    path = tmp_path / "w.toml"
    path.write_text(text)
    assert cvxtoken.Workload.load(path).names == ("GSM8K",)
    assert tomllib.loads(text)


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


def test_every_command_is_in_the_table() -> None:
    shown = set(re.findall(r"^\| `cvxtoken ([\w-]+)", README, re.M))
    assert shown == set(COMMANDS)
    (kinds,) = re.findall(r"a picture: ([^;]+);", README)
    assert re.findall(r"`(\w+)`", kinds) == [*OF_WORKLOAD, *OF_FILE]


def test_one_version_everywhere() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert cvxtoken.__version__ == version
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text()
    assert re.search(rf"^## {re.escape(version)}$", (ROOT / "CHANGELOG.md").read_text(), re.M)


def test_the_map_has_every_file() -> None:
    for path in re.findall(r"^\| `([\w/.]+)` \|", README, re.M):
        assert (ROOT / path).exists(), path
    rooms = {
        f"cvxtoken/{f.relative_to(ROOT / 'cvxtoken')}" for f in (ROOT / "cvxtoken/allocation").glob("*.py")
    }
    for room in rooms - {"cvxtoken/allocation/__init__.py"}:
        assert f"`{room}`" in README, room
