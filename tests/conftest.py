"""Fixtures that several test files share."""

from __future__ import annotations

import sys

import pytest

from cvxtoken import cli


def run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str
) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of a command."""
    monkeypatch.setattr(sys, "argv", ["cvxtoken", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    out, err = capsys.readouterr()
    return int(stop.value.code or 0), out, err


@pytest.fixture
def command(capsys, monkeypatch):  # type: ignore[no-untyped-def]
    return lambda *arguments: run(capsys, monkeypatch, *arguments)
