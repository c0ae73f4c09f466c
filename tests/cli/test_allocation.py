from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import cvxtoken
from cvxtoken.allocation.program.cones import cone_program
from cvxtoken.allocation.targeted import optimum
from cvxtoken.conic.cbf import read_cbf


def test_solve_prints_a_table(command) -> None:
    code, out, err = command("solve")
    assert (code, err) == (0, "")
    assert "| GPQA Diamond |  704.4 |" in out
    assert "objective         J = 9.023840 s" in out


def test_solve_prints_one_json_object(command) -> None:
    code, out, err = command(
        "solve", "qwen3-8b", "--json", "--arrival-rate", "1.5", "--accuracy-weight", "200"
    )
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert set(found) == {
        *("workload", "status", "tokens", "objective", "lower", "upper", "relative_gap", "utilization"),
        *("mean_system_time", "mean_accuracy", "accuracy", "solver", "seconds"),
        *("maximised", "mean_wait", "mean_tokens", "targets"),
    }
    assert found["workload"] == "qwen3-8b"
    assert found["status"] == "certified"
    assert found["tokens"]["HMMT 2025"] == 0
    assert round(found["objective"], 6) == 56.165963
    assert found["lower"] <= found["objective"] <= found["upper"]
    assert found["solver"]["name"] == "CLARABEL"


def test_options_replace_the_workload_s_values(command) -> None:
    found = json.loads(command("solve", "--json", "--max-tokens", "1000")[1])
    assert max(found["tokens"].values()) == 1000.0


@pytest.mark.parametrize("suffix", ["toml", "json"])
def test_workloads_from_files(command, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"mine.{suffix}"
    cvxtoken.load("r1-distill-8b").save(path)
    found = json.loads(command("solve", str(path), "--json")[1])
    assert found["objective"] == cvxtoken.solve(cvxtoken.load("r1-distill-8b")).objective


def test_certificate_is_written_and_verified(command, tmp_path: Path) -> None:
    path = tmp_path / "proof.json"
    code, out, _ = command("solve", "--certificate", str(path))
    assert code == 0
    assert f"cvxtoken verify {path}" in out
    code, out, err = command("verify", str(path))
    assert (code, err) == (0, "")
    assert out.startswith(f"proven: instance {cvxtoken.load('qwen3-8b').sha256} (5 task types)")
    path.write_text(path.read_text().replace("0.595", "0.594"))
    code, out, err = command("verify", str(path))
    assert (code, out) == (1, "")
    assert err.startswith("refused: the instance's SHA-256")


def test_workloads_lists_sources(command) -> None:
    code, out, _ = command("workloads")
    assert code == 0
    assert out.count("arXiv 2608.13315") == 2


def test_explain(command) -> None:
    code, out, _ = command("explain")
    assert code == 0
    assert "quad_over_lin is convex in its arguments jointly" in out


def test_methods(command) -> None:
    code, out, _ = command("methods", "--json")
    found = json.loads(out)
    assert code == 0
    assert set(found) == {"methods", "contraction_bound", "contraction_at_optimum", "step_size_bound"}
    assert found["methods"]["fixed_point"]["outcome"].startswith("Two-cycle")
    assert found["methods"]["fixed_point_damped"]["converged"]
    assert set(found["methods"]["newton"]) == {
        *("converged", "outcome", "iterations", "seconds", "relative_gap", "max_token_error")
    }


def test_simulate(command) -> None:
    code, out, err = command("simulate", "--tokens", "rounded", "--requests", "40000", "--json")
    found = json.loads(out)
    assert (code, err) == (0, "")
    assert set(found["mean_system_time"]) == {"value", "low", "high", "predicted"}
    assert set(found["per_type"]) == set(cvxtoken.load("qwen3-8b").names)
    assert found["stable"] is True
    assert "no steady state" in command("simulate", "--tokens", "uniform:30000", "--allow-unstable")[1]


BAD = [
    (["simulate", "--tokens", "uniform:30000"], "no steady state exists to simulate"),
    (["simulate", "--requests", "0"], "num_requests is 0; it must be a whole number"),
    (["simulate", "--seed", "-1"], "seed is -1"),
    (["simulate", "--tokens", "most"], "tokens is 'most'"),
    (["methods", "--arrival-rate", "5"], "the largest stable arrival rate is 4.448"),
    (["solve", "qwen3-8"], "error: 'qwen3-8' is not a built-in workload (did you mean 'qwen3-8b'?)"),
    (["solve", "none.toml"], "error: none.toml: cannot be read: No such file or directory"),
    (["solve", "--arrival-rate", "0"], "error: arrival_rate is 0.0; it must be finite and positive"),
    (["solve", "--arrival-rate", "nan"], "error: arrival_rate is nan; it must be finite and positive"),
    (["solve", "--accuracy-weight", "-3"], "error: accuracy_weight is -3.0; it must be finite and positive"),
    (["solve", "--max-tokens", "inf"], "error: max_tokens is inf; it must be finite and not negative"),
    (["solve", "--arrival-rate", "5"], "the largest stable arrival rate is 4.448"),
    (["solve", "--solver", "NONE"], "error: solver 'NONE' is not installed"),
    (["solve", "--solver", "OSQP"], "error: solver 'OSQP' cannot take this program"),
    (["solve", "--certificate", "no/such/folder.json"], "cannot be written"),
    (["explain", "nothing"], "is not a built-in workload"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_bad_input_is_one_sentence_and_exit_status_2(command, arguments: list[str], message: str) -> None:
    code, out, err = command(*arguments)
    assert code == 2
    assert out == ""
    assert message in err
    assert len(err.splitlines()) == 1


def test_bad_options_are_exit_status_2(command) -> None:
    assert command("solve", "--arrival-rate", "fast")[0] == 2
    assert command("solve", "--speed", "3")[0] == 2


def test_what_does_not_certify_is_exit_status_3(command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(optimum, "solve_prices", lambda workload, start: np.full(5, 100.0))
    code, out, err = command("solve", "--json")
    assert code == 3
    assert json.loads(out)["status"] == "uncertified"
    assert "uncertified: the best proven relative gap is" in err


def test_it_runs_as_a_program_without_a_traceback() -> None:
    command = [sys.executable, "-m", "cvxtoken.cli", "solve", "--arrival-rate", "5"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_integer(command, tmp_path: Path) -> None:
    proof = tmp_path / "whole.json"
    code, out, err = command("integer", "--certificate", str(proof))
    assert (code, err) == (0, "")
    assert "| GPQA Diamond |    704 |" in out
    assert "rounded: nearest" in out
    assert "cvxtoken verify" in out
    code, out, _ = command("verify", str(proof))
    assert code == 0
    assert out.startswith("proven: over whole tokens instance")
    proof.write_text(proof.read_text().replace('"lower": "9.02', '"lower": "9.03'))
    code, _, err = command("verify", str(proof))
    assert code == 1
    assert err.startswith("refused: lower exceeds upper")

    code, out, _ = command("integer", "--json", "--max-tokens", "1000.5")
    found = json.loads(out)
    assert code == 0
    assert found["exact"]
    assert max(found["tokens"].values()) == 1000
    assert found["relative_gap"] <= 1e-25
    assert set(found["rounding"]) == {"nearest", "down", "best"}
    for mode in found["rounding"].values():
        assert mode["objective"] <= found["upper"]
        assert 0 <= mode["loss"] <= mode["loss_to_continuous"] + 1e-9


def test_integer_without_time_says_so(command) -> None:
    code, out, err = command("integer", "--json", "--time-limit", "1e-9")
    assert code == 3
    assert not json.loads(out)["exact"]
    assert err.startswith("not exact: the best proven relative gap is")
    code, _, err = command("integer", "--time-limit", "0")
    assert code == 2
    assert "time_limit is 0.0; it must be positive" in err


def test_export(command, tmp_path: Path) -> None:
    code, out, err = command("export", "--form", "raw")
    assert (code, err) == (0, "")
    assert read_cbf(out).cones == cone_program(cvxtoken.load("qwen3-8b"), "raw").program.cones
    path = tmp_path / "w.json"
    assert command("export", "--format", "json", "--arrival-rate", "0.2", "--out", str(path)) == (0, "", "")
    assert cvxtoken.Workload.load(path) == cvxtoken.load("qwen3-8b").replace(arrival_rate=0.2)
    code, out, _ = command("export", "--format", "clarabel-json")
    assert json.loads(out)["A"]["n"] == 11
    code, _, err = command("export", "--format", "csv")
    assert code == 2
    assert "'csv' is not one of" in err


def test_clip(command, tmp_path: Path) -> None:
    code, out, err = command("clip", "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert set(found) >= {
        *("limit", "share_whole", "mean_wait", "reduction", "reduction_against", "utilization", "objective"),
        "frontier",
    }
    assert set(found["frontier"][0]) == {"limit", "mean_wait", "share_whole", "utility", "stable"}
    assert "loss" not in found
    code, out, _ = command("clip", "--limits", "800,1600,3000", "--plot", str(tmp_path / "f.png"))
    assert code == 0
    assert "reduction         59.65 % against a limit of 3000" in out
    assert (tmp_path / "f.png").stat().st_size > 10_000
    trace = tmp_path / "t.csv"
    trace.write_text("t,out\n0,3\n1,9\n2,4\n")
    code, out, _ = command(
        "clip", "--lengths", f"{trace}:out", "--patience", "60", "--arrival-rate", "2", "--json"
    )
    found = json.loads(out)
    assert found["limit"] <= 9
    assert 0 <= found["loss"] <= 1
    for arguments, message in (
        (["clip", "--limits", "800,x"], "limits is '800,x'; it must be whole numbers"),
        (["clip", "--lengths", f"{trace}:in"], "there is no column 'in' for output_tokens; columns: t, out"),
        (["clip", "--arrival-rate", "1000"], "an arrival rate below 44.4444 /s would do"),
        (["clip", "none.toml"], "cannot be read"),
        (["clip", "--limits", "800", "--plot", str(tmp_path / "no" / "f.png")], "cannot be written"),
    ):
        code, _, err = command(*arguments)
        assert code == 2, arguments
        assert message in err


def test_batch(command, tmp_path: Path) -> None:
    plot = tmp_path / "b.png"
    code, out, err = command(
        "batch", "--json", "--requests", "20000", "--max-batch", "8", "--plot", str(plot)
    )
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert set(found) == {"dynamic", "fixed", "elastic", "continuous"}
    together = found.pop("continuous")
    assert together["above_cap"] > 1e-3
    assert set(together["mean_system_time"]) == {"predicted", "claimed", "simulated", "low", "high"}
    assert not together["mean_system_time"]["claimed"], "8 are too few"
    for document in found.values():
        assert set(document) >= {"mean_system_time", "mean_batch", "utilization", "best_batch", "stable"}
        assert set(document["mean_system_time"]) == {"predicted", "simulated", "low", "high"}
    assert plot.stat().st_size > 10_000
    code, out, _ = command("batch", "--discipline", "fixed", "--requests", "0", "--max-batch", "8")
    assert code == 0
    assert out.startswith("fixed: best batch 6, mean system time 74.7")
    code, out, _ = command("batch", "--json", "--requests", "0", "--max-batch", "1")
    assert code == 0
    assert json.loads(out)["dynamic"]["stable"] is False
    for arguments, message in (
        (["batch", "--discipline", "some"], "discipline is 'some'; it must be one of"),
        (["batch", "--discipline", "dynamic", "--arrival-rate", "9"], "keeps up with less than"),
        (["batch", "--max-batch", "0"], "max_batch is 0"),
    ):
        code, _, err = command(*arguments)
        assert code == 2
        assert message in err


def test_version(command) -> None:
    assert command("--version")[:2] == (0, f"cvxtoken {cvxtoken.__version__}\n")
