"""Every command on files with a [server] table: the figures of that law, and words that are true of it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

import cvxtoken
from cvxtoken.allocation import model
from tests.support.servers import SERVED

SHARED = ("sharing", "chunked", "never congested")


@pytest.fixture(params=SERVED)
def served(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, cvxtoken.Workload]:
    w = SERVED[request.param]
    w.save(tmp_path / "w.toml")
    return str(tmp_path / "w.toml"), w


def test_a_file_brings_its_server_to_every_command(command, served) -> None:  # type: ignore[no-untyped-def]
    file, w = served
    best = cvxtoken.solve(w)
    found = json.loads(command("solve", file, "--json")[1])
    assert (found["status"], found["objective"]) == ("certified", best.objective)
    assert found["utilization"] == pytest.approx(float(model.utilization(w, best.tokens)), rel=1e-12)
    code, out, _ = command("integer", file, "--json")
    assert code == 0
    assert json.loads(out)["objective"] == pytest.approx(best.objective, rel=1e-6)
    code, out, _ = command("frontier", file, "--points", "3")
    assert code == 0
    assert "certified" in out
    code, out, _ = command("export", file, "--format", "json")
    assert cvxtoken.Workload.from_document(json.loads(out), "exported").sha256 == w.sha256


@pytest.mark.parametrize("served", ["chunked"], indirect=True)
def test_methods_know_the_server(command, served) -> None:  # type: ignore[no-untyped-def]
    methods = json.loads(command("methods", served[0], "--json")[1])["methods"]
    assert methods["price_newton"]["relative_gap"] < 1e-11


def test_sweeps_solve_for_the_server(command, served, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    file, w = served
    out = tmp_path / "sweep.csv"
    assert command("sweep", file, "--arrival-rate", "0.1,0.2", "--out", str(out))[0] == 0
    rows = list(csv.DictReader(out.open()))
    for row in rows:
        best = cvxtoken.solve(w.replace(arrival_rate=float(row["arrival_rate"]))).objective
        assert float(row["objective"]) == pytest.approx(best, rel=1e-9)


def test_explain_says_what_is_true_of_the_server(command, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    told = {}
    for name, w in SERVED.items():
        w.save(tmp_path / "w.toml")
        told[name] = command("explain", str(tmp_path / "w.toml"))[1]
        best = cvxtoken.solve(w)
        assert f"E[T] = {best.mean_system_time:.6f} s at the optimum" in told[name]
    for name in SHARED:
        assert "waiting" not in told[name], "a query that shares a server does not wait"
        assert "slowed  E[T] - E[S] =" in told[name]
    assert "shared part of E[T], K / y" in told["chunked"]
    assert "lambda sigma)" not in told["never congested"], "sigma is 0"
    assert "E[T] = sum pi t / y" in told["never congested"]
    assert "waiting  E[W] =" in told["replicas"]
    for name, rate in (("sharing", "2 replicas, 0.5 /s"), ("replicas", "4 replicas, 0.05 /s")):
        assert f"lambda is that of one of {rate}" in told[name]
    assert "replicas" not in told["chunked"]


def test_simulate_knows_one_query_at_a_time(command, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "w.toml"
    SERVED["replicas"].save(file)
    found = json.loads(command("simulate", str(file), "--requests", "200000", "--json")[1])
    value = found["mean_system_time"]
    assert abs(value["value"] - value["predicted"]) <= 3 * (value["high"] - value["low"]) / 2
    SERVED["sharing"].save(file)
    for arguments in (["simulate", str(file)], ["plot", "simulation", str(file), "--out", "s.png"]):
        code, _, err = command(*arguments)
        assert code == 2
        assert err == (
            "error: simulate: server is of kind 'sharing'; it must take one query at a time ('fifo'); "
            "use simulate_iterations for one that batches\n"
        )


@pytest.mark.parametrize("served", ["sharing", "replicas"], indirect=True)
@pytest.mark.parametrize("kind", ["budgets", "utilization", "accuracy", "contours", "cobweb"])
def test_plots_are_drawn(kind: str, command, served, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    file, _ = served
    code, _, err = command("plot", kind, file, "--out", str(tmp_path / "p.svg"))
    assert (code, err) == (0, "")


def test_limits_and_batches_take_a_server(command, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """The table alone, or a whole workload with one."""
    engine, other, none = tmp_path / "engine.toml", tmp_path / "other.toml", tmp_path / "none.toml"
    engine.write_text('[server]\nkind = "sharing"\nsigma = 0.0986\n')
    none.write_text("sigma = 0.1\n")
    SERVED["chunked"].save(other)
    code, out, _ = command("clip", "--server", str(engine), "--limits", "800,1600,3000", "--json")
    found = json.loads(out)
    assert code == 0
    y = 1 - 0.0986 * found["utilization"] / 0.0986
    service = found["utilization"] * 40 / 0.0986
    assert found["mean_wait"] == pytest.approx(service * (1 - y) / y, rel=1e-9)
    assert found["mixed"]["upper"] >= found["mixed"]["objective"] >= found["objective"] - 1e-12
    impatient = (
        "clip",
        "--server",
        str(engine),
        "--patience",
        "20",
        "--max-batch",
        "2",
        "--arrival-rate",
        "0.1",
    )
    code, out, _ = command(*impatient, "--limits", "800")
    assert code == 0
    assert "no law holds here" in out
    assert "loss" in out
    code, out, _ = command("batch", "--server", str(engine), "--discipline", "continuous", "--requests", "0")
    assert code == 0
    assert out.startswith("continuous: mean system time 20.0")
    for arguments, message in (
        (["clip", "--server", str(none)], "none.toml: there is no [server] table"),
        (["clip", "--server", str(tmp_path / "no.toml")], "cannot be read"),
        (["clip", "--max-batch", "3"], "max_batch is 3, but a server of kind 'fifo' takes one request"),
        (impatient, "limits is not given"),
        (["batch", "--server", str(other)], "but batch_time says k3 / (k3 + k4) = 0.0985915"),
        (["batch", "--server", str(none)], "there is no [server] table"),
    ):
        code, _, err = command(*arguments)
        assert code == 2, arguments
        assert message in err
    none.write_text('[server]\nkind = "sharing"\nsigma = 2.0\n')
    assert (
        "none.toml: sigma is 2.0; it must be a number from 0 to 1"
        in command("clip", "--server", str(none))[2]
    )
