"""Targets and the frontier on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import cvxtoken
from cvxtoken.allocation.targeted import optimum as targeted


def test_solve_under_targets(command, tmp_path: Path) -> None:
    proof = tmp_path / "proof.json"
    options = [
        "--max-system-time",
        "2.0",
        "--max-wait",
        "0.5",
        "--max-utilization",
        "0.2",
        "--max-mean-tokens",
    ]
    options += ["5000", "--min-accuracy", "GSM8K=0.952", "--min-accuracy", "AIME 2024=0.1"]
    code, out, err = command("solve", *options, "--objective", "accuracy", "--certificate", str(proof))
    assert (code, err) == (0, "")
    assert "max_mean_system_time <= 2 s: active; one more second buys at most 0.04 accuracy" in out
    assert "min_accuracy of 'AIME 2024' >= 0.1: 0." in out
    assert "certified" in out
    code, out, err = command("verify", str(proof))
    assert (code, err) == (0, "")
    assert "(5 task types; objective accuracy; max_mean_system_time 2.0; max_mean_wait" in out
    assert "; max_mean_tokens 5000.0; min_accuracy of 2) has its optimum J from " in out
    proof.write_text(proof.read_text().replace('"max_mean_system_time": 2.0', '"max_mean_system_time": 1.9'))
    assert command("verify", str(proof))[0] == 1

    code, out, _ = command("solve", *options, "--json")
    found = json.loads(out)
    assert code == 0
    assert found["maximised"] == "trade-off"
    assert found["mean_system_time"] == pytest.approx(2.0, rel=1e-12)
    assert [target["target"] for target in found["targets"]][-2:] == ["min_accuracy", "min_accuracy"]
    expected = (1 + found["targets"][0]["objective"]) / 30
    assert found["targets"][0]["accuracy"] == pytest.approx(expected, rel=1e-12)


def test_frontier(command, tmp_path: Path) -> None:
    plot = tmp_path / "f.png"
    code, out, err = command("frontier", "--points", "4", "--json", "--plot", str(plot))
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert found["status"] == "certified"
    assert len(found["points"]) == 4
    assert set(found["points"][0]["tokens"]) == set(cvxtoken.load("qwen3-8b").names)
    assert plot.stat().st_size > 10_000
    code, out, _ = command("frontier", "r1-distill-8b", "--points", "3")
    assert code == 0
    assert out.count("\n") == 6
    assert "certified: at every point the relative gap is at most" in out


BAD = [
    (["solve", "--max-system-time", "0.1"], "max_mean_system_time is 0.1; the least possible is 0.228783102"),
    (["solve", "--max-system-time", "-1"], "max_mean_system_time is -1.0; it must be finite and positive"),
    (["solve", "--min-accuracy", "GSM8K"], "min_accuracy is 'GSM8K'; it must be a type's name"),
    (["solve", "--min-accuracy", "GSM8K=high"], "min_accuracy is 'GSM8K=high'"),
    (["solve", "--min-accuracy", "GSM8=0.9"], "did you mean 'GSM8K'?"),
    (["solve", "--min-accuracy", "GSM8K=0.9", "--min-accuracy", "GSM8K=0.8"], "is given twice"),
    (["solve", "--min-accuracy", "GSM8K=0.99"], "the best reachable is 0.952999999"),
    (["solve", "--objective", "speed"], "objective is 'speed'"),
    (["solve", "--objective", "accuracy"], "objective 'accuracy' has no optimum here"),
    (["frontier", "--points", "0"], "points is 0; it must be from 1 to 10000"),
    (["frontier", "--points", "1000000000"], "points is 1000000000; it must be from 1 to 10000"),
    (["frontier", "--points", "2", "--plot", "no/such/folder.png"], "cannot be written"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_bad_input_is_one_sentence_and_exit_status_2(command, arguments: list[str], message: str) -> None:
    code, out, err = command(*arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert len(err.splitlines()) == 1


def test_what_does_not_certify_is_exit_status_3(command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targeted, "_candidates", lambda *_: [])
    code, out, err = command("solve", "--json", "--max-system-time", "2")
    assert code == 3
    assert json.loads(out)["status"] == "uncertified"
    assert "uncertified: the best proven relative gap is" in err
    monkeypatch.undo()
    monkeypatch.setattr(targeted, "polish_targets", lambda *_: None)
    code, _, err = command("frontier", "--points", "2")
    assert code == 3
    assert err == "uncertified: not every point is proven\n"
