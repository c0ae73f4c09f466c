from __future__ import annotations

import json
from pathlib import Path

import pytest

from cvxtoken.datasets import recipe

SMALL = ["--types", "2", "--shard-size", "20"]


def test_it_goes_on_after_ctrl_c(command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    out = ["--family", "corners", "--count", "50", "--out", str(tmp_path / "set"), *SMALL]
    solve = recipe.Recipe.solve

    def interrupted(self: recipe.Recipe, shard: int) -> object:
        if shard == 1:
            raise KeyboardInterrupt
        return solve(self, shard)

    with monkeypatch.context() as patched:
        patched.setattr(recipe.Recipe, "solve", interrupted)
        code, printed, err = command("generate", *out)
    assert (code, printed) == (130, "")
    assert "20 of 50 instances are kept; the same command goes on from there" in err
    code, printed, _ = command("generate", *out, "--json")
    assert code == 0
    assert json.loads(printed)["resumed"] == 20
    code, printed, _ = command("verify", str(tmp_path / "set"))
    assert code == 0
    assert printed.startswith("proven: 50 of 50 instances ")


def test_bad_input_is_one_sentence(command, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    code, printed, err = command("generate", "--out", str(tmp_path / "set"), "--family", "cornered")
    assert (code, printed) == (2, "")
    assert "family 'cornered' is not known (did you mean 'corners'?)" in err
    assert len(err.splitlines()) == 1
    code, _, err = command("verify", str(tmp_path))
    assert code == 1
    assert err.startswith("refused: the data set cannot be read")
