"""Scoreboards of two releases of Clarabel, stored beside this file as `clarabel-VERSION.json`.

Each is made in an environment of its own, in which pip has installed that release, from the root of the
repository with

    python -m tests.suite.releases 0.9.0
    python -m tests.suite.releases 0.11.1

that is, what `cvxtoken check CLARABEL --json` prints there for the families below, less what a comparison
does not read. `made` in a file says with which versions and on which machine. The newest release was 0.11.1.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RELEASES = ("0.9.0", "0.11.1")
FAMILIES = ("realistic", "utilization", "infeasible")
_READ = ("form", "instance", "verdict", "reason", "seconds")
_WITH = ["numpy==2.4.6", "scipy==1.17.1", "cvxpy==1.9.3", "highspy==1.16.0"]
_WITH += ["typer", "rich", "tomli-w", "lazy-loader"]
_ABOUT = "import platform, numpy, scipy, cvxpy; print(platform.machine(), platform.python_version(), "
_ABOUT += "numpy.__version__, scipy.__version__, cvxpy.__version__)"


def path_of(version: str) -> Path:
    """Where a release's scoreboard is stored."""
    return HERE / f"clarabel-{version}.json"


def shortened(document: dict[str, Any], made: str) -> str:
    """The text of a stored scoreboard: an outcome a line, times to three digits."""
    outcomes = [{name: outcome[name] for name in _READ} for outcome in document["outcomes"]]
    for outcome in outcomes:
        outcome["seconds"] = float(f"{outcome['seconds']:.3g}")
    head = {"solver": document["solver"], "version": document["version"], "made": made}
    lines = ",\n".join(json.dumps(outcome) for outcome in outcomes)
    return json.dumps(head)[:-1] + ', "outcomes": [\n' + lines + "\n]}\n"


def make(version: str) -> None:
    """Make the environment, run the check in it and store what it prints."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder) / "bin" / "python"
        pip = [python, "-m", "pip", "install", "-q"]
        subprocess.run([*pip, f"clarabel=={version}", *_WITH], check=True)
        subprocess.run([*pip, "--no-deps", HERE.parent.parent], check=True)  # asks for a newer Clarabel
        chosen = [part for family in FAMILIES for part in ("--family", family)]
        check = [python.parent / "cvxtoken", "check", "CLARABEL", *chosen, "--json"]
        printed = subprocess.run(check, stdout=subprocess.PIPE, text=True, check=False).stdout
        about = subprocess.run([python, "-c", _ABOUT], stdout=subprocess.PIPE, text=True, check=True).stdout
    made = f"python -m tests.suite.releases {version}; machine, Python, NumPy, SciPy, CVXPY: {about.strip()}"
    path_of(version).write_text(shortened(json.loads(printed), made), encoding="utf-8")


if __name__ == "__main__":
    make(sys.argv[1])
