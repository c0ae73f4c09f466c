"""Fixtures that several test files share."""

from __future__ import annotations

import gc
import os
import sys

import pytest
from hypothesis import settings

# OpenBLAS's threads wait for each other even over three numbers: fits take ten times as long with them on two
# busy cores. The variable counts only before NumPy is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# a slow machine fails no test, and every machine tries the same examples
settings.register_profile("cvxtoken", deadline=None, derandomize=True, database=None)
settings.load_profile("cvxtoken")


def pytest_collection_finish() -> None:
    """What is collected stays to the end: no search for cycles need go through it again."""
    gc.freeze()


def run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str
) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of a command."""
    from cvxtoken import cli

    monkeypatch.setattr(sys, "argv", ["cvxtoken", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    out, err = capsys.readouterr()
    return int(stop.value.code or 0), out, err


@pytest.fixture
def command(capsys, monkeypatch):  # type: ignore[no-untyped-def]
    return lambda *arguments: run(capsys, monkeypatch, *arguments)
