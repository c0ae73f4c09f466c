"""The command about scheduling."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cvxtoken.scheduling import POLICIES, default_requests

CSV = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.97,10,5\n2023-11-16 18:17:04.03,30,8\n"


def test_the_table_and_the_proof(command, tmp_path: Path) -> None:
    proof, picture = tmp_path / "proof.json", tmp_path / "memory.png"
    code, out, err = command("schedule", "--certificate", str(proof), "--plot", str(picture))
    assert (code, err) == (0, "")
    assert "from 76 (proven by snapshots) to 76 rounds" in out
    assert "| protection_greedy        |    never ends |" in out
    assert picture.stat().st_size > 10_000
    code, out, err = command("verify", str(proof))
    assert (code, err) == (0, "")
    assert "below 76, and the starts reach 76, which is exact" in out
    changed = json.loads(proof.read_text()) | {"lower": 77, "upper": 77}
    proof.write_text(json.dumps(changed))
    assert command("verify", str(proof)) == (1, "", "refused: upper is not what the starts reach\n")


def test_one_json_object(command, tmp_path: Path) -> None:
    file = tmp_path / "requests.json"
    default_requests().save(file)
    code, out, err = command("schedule", str(file), "--bound", "fast", "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert set(found["policies"]) == set(POLICIES)
    assert (found["lower"] <= 76 <= found["upper"], found["dropped"], found["proof"]) == (True, 0, "volume")
    a_min = found["policies"]["a_min"]
    assert a_min["ratio_low"] == a_min["total_latency"] / found["upper"]
    assert a_min["ratio_high"] == a_min["total_latency"] / found["lower"]
    assert (a_min["total_latency"], a_min["evictions"], a_min["peak_memory"]) == (88, 2, 30)
    greedy = found["policies"]["protection_greedy"]
    assert greedy["total_latency"] is None
    assert greedy["outcome"].startswith("Cycle: ")


def test_a_trace(command, tmp_path: Path) -> None:
    file = tmp_path / "trace.csv"
    file.write_text(CSV)
    run = ["schedule", "--trace", str(file), "--policy", "a_min", "--json"]
    found = json.loads(command(*run, "--intervals", "relative:0.5")[1])
    # they fit together, so that each takes its own output: 5 + 8 rounds, two rounds apart
    assert (found["lower"], found["upper"], list(found["policies"])) == (13, 13, ["a_min"])
    assert json.loads(command(*run, "--memory", "20", "--drop-oversized")[1])["dropped"] == 1
    file.write_text(CSV.replace("TIMESTAMP", "when"))
    columns = "arrival=when,prompt=ContextTokens,output=GeneratedTokens"
    assert json.loads(command(*run, "--columns", columns)[1])["upper"] == 13


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--policy", "a_mix"], "policy is 'a_mix'; it must be one of hindsight_shortest_first, "),
        (["--bound", "ip"], "bound is 'ip'; it must be one of fast, prices, lp, courses, milp"),
        (["--intervals", "buckets:few"], "intervals is 'buckets:few'; it must be exact, interval:LOW:HIGH"),
        (["--intervals", "interval:5:4"], "high is 4; it must be"),
        (["--prediction", "mean"], "prediction is 'mean'; it must be one of low, middle, high, true"),
        (["--memory", "0"], "memory is 0; it must be a whole number"),
        (
            ["--memory", "9"],
            "prompt_tokens + output_tokens of request 1 is 10; it must be at most the memory",
        ),
        (["--columns", "arrival"], "columns is given, but no trace"),
        (["--trace", "nowhere.csv"], "nowhere.csv: cannot be read"),
        (["--trace", "x.csv", "--columns", "arrival"], "columns is 'arrival'; it must be like arrival=NAME"),
        (["requests.toml", "--trace", "x.csv"], "a problem and a trace are given"),
    ],
)
def test_bad_options_are_exit_status_2(command, arguments: list[str], message: str) -> None:
    code, out, err = command("schedule", *arguments)
    assert (code, out) == (2, "")
    assert message in err
