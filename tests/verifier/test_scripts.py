"""The verifiers as scripts where they stand: beside all modules of the package, whose names must not hide."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import cvxtoken

FOLDER = Path(cvxtoken.__file__).parent


@pytest.mark.parametrize("script", sorted(path.name for path in FOLDER.glob("*verifier.py")))
def test_it_reads_a_file_and_refuses_it_for_a_reason(script: str, tmp_path: Path) -> None:
    file = tmp_path / "proof.json"
    file.write_text(json.dumps({"schema": "none"}))
    command = [sys.executable, str(FOLDER / script), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("refused: the keys")


def test_no_module_has_the_name_of_one_of_the_standard_library() -> None:
    assert not {module.stem for module in FOLDER.iterdir()} & set(sys.stdlib_module_names)
