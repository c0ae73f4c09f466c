"""The checkers as scripts where they stand: each kind by its own file, and every kind by the folder."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cvxtoken import verifier
from tests.verifier.test_statements import CHECKERS, proof

FOLDER = Path(verifier.__file__).parent
SCRIPTS = (
    "allocation",
    "conic",
    "constrained",
    "lagged",
    "pooled",
    "robust",
    "schedule",
    "stopping",
    "whole",
)


def said(script: Path, file: Path) -> tuple[int, str, str]:
    command = [sys.executable, str(script), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_these_are_all() -> None:
    others = {"__init__", "__main__", "kinds", "many"}  # the last needs NumPy, and has its own tests
    assert {file.stem for file in FOLDER.glob("*.py")} - others == set(SCRIPTS)


@pytest.mark.parametrize("script", SCRIPTS)
def test_it_reads_a_file_and_refuses_it_for_a_reason(script: str, tmp_path: Path) -> None:
    file = tmp_path / "proof.json"
    file.write_text(json.dumps({"schema": "none"}))
    for where in (FOLDER / f"{script}.py", FOLDER):
        code, out, err = said(where, file)
        assert (code, err) == (1, "")
        assert out.startswith("refused: the keys")


@pytest.mark.parametrize("kind", CHECKERS)
def test_the_folder_knows_every_kind_without_the_package(kind: str, tmp_path: Path) -> None:
    folder = tmp_path / "verifier"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    file = tmp_path / "proof.json"
    file.write_text(json.dumps(proof(kind)))
    line = CHECKERS[kind].check(proof(kind))
    assert said(folder, file) == (0, f"{line}\n", "")
    assert verifier.check(proof(kind)) == line


def test_no_module_has_the_name_of_one_of_the_standard_library() -> None:
    assert not {module.stem for module in FOLDER.iterdir()} & set(sys.stdlib_module_names)
