"""Certificates are made once, and never believed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cvxpy as cp
import pytest

from cvxtoken import CertificateError
from cvxtoken.conic import kept
from cvxtoken.conic.kept import kept_certificate


@pytest.fixture(autouse=True)
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """How often a certificate was made, with a memory of the test's own."""
    from cvxtoken.conic import problems

    calls: list[str] = []
    real = problems.certify_stated

    def counted(problem: Any, program: Any, digits: int = 30) -> Any:
        calls.append(program.sense)
        return real(problem, program, digits)

    monkeypatch.setattr(problems, "certify_stated", counted)
    monkeypatch.setattr(kept, "_MEMORY", {})
    return calls


def problem() -> tuple[cp.Problem, cp.Parameter]:
    x, c = cp.Variable(2, name="x"), cp.Parameter(name="c", value=1.0)
    return cp.Problem(cp.Minimize(cp.norm(x - 1)), [cp.sum(x) == c]), c


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "_MEMORY", {})


def test_in_memory_it_is_made_once_for_each_value_of_a_parameter(made: list[str]) -> None:
    stated, c = problem()
    first = kept_certificate(stated)
    assert kept_certificate(problem()[0]) is first, "the same program of other objects"
    c.value = 4.0
    assert kept_certificate(stated).lower != first.lower
    c.value = 1.0
    assert kept_certificate(stated) is first
    assert len(made) == 2


def test_what_is_in_memory_is_checked_again(made: list[str]) -> None:
    first = kept_certificate(problem()[0])
    first.vectors["x"]["values"][0] = "1"
    with pytest.raises(CertificateError, match="the proof was refused"):
        kept_certificate(problem()[0])


def test_a_folder_keeps_it_and_what_it_holds_is_checked(
    made: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "a" / "b"
    first = kept_certificate(problem()[0], folder)
    (file,) = folder.iterdir()
    good = file.read_text()
    forget(monkeypatch)
    again = kept_certificate(problem()[0], folder)
    assert (again.lower, again.upper, len(made)) == (first.lower, first.upper, 1)

    other, c = problem()
    c.value = 4.0
    kept_certificate(other, folder)
    (foreign,) = (f.read_text() for f in folder.iterdir() if f != file)
    false = json.dumps(json.loads(good) | {"lower": "0.8", "upper": "0.9"})
    for text in ("", "{}", false, foreign):
        forget(monkeypatch)
        file.write_text(text)
        before = len(made)
        assert kept_certificate(problem()[0], folder).upper == first.upper
        assert len(made) == before + 1, "it is made again"
        assert file.read_text() == good
    file.unlink()
    kept_certificate(problem()[0], folder)
    assert file.read_text() == good, "what is in memory is written, too"


def test_a_geometric_program_is_not_its_logarithm(made: list[str], tmp_path: Path) -> None:
    y, x = cp.Variable(pos=True, name="y"), cp.Variable(name="x")
    geometric = kept_certificate(cp.Problem(cp.Minimize(y), [y >= 2]), tmp_path)
    assert geometric.lower is not None
    by_logarithm = kept_certificate(cp.Problem(cp.Minimize(1 / y), [y <= 4, y * y >= 2]), tmp_path)
    assert by_logarithm.exponential
    assert not geometric.exponential
    assert sorted(file.stem.endswith("-exponential") for file in tmp_path.iterdir()) == [False, True]
    plain = kept_certificate(cp.Problem(cp.Minimize(x), [x >= 2]))
    assert plain.notes == ()
