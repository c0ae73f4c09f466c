from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import cvxtoken
from cvxtoken import FittedWorkload, ProblemError, SolverError, fit_workload
from cvxtoken.allocation import model
from cvxtoken.allocation.prices import search as prices
from cvxtoken.fitting.task import FLAT_CAP, FLAT_GAIN
from tests.fitting.data import TRUTH, write_arrivals, write_rows


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("measured")
    write_rows(path / "rows.csv", per_budget=100)
    write_arrivals(path / "arrivals.csv")
    return path


@pytest.fixture(scope="session")
def fitted(folder: Path) -> FittedWorkload:
    return fit_workload(folder / "rows.csv", folder / "arrivals.csv")


def test_a_workload_from_two_files(fitted: FittedWorkload) -> None:
    w = fitted.workload
    assert w.names == ("maths", "puzzles", "trivia")
    assert w.prior == pytest.approx([0.5, 0.3, 0.2], abs=0.08)
    assert w.arrival_rate == pytest.approx(0.2, rel=0.15)
    assert w.accuracy_gain[0] == pytest.approx(TRUTH.A, abs=0.2)
    assert w.time_per_token == pytest.approx([0.001] * 3, rel=0.01)
    assert w.overhead == pytest.approx([0.2] * 3, abs=0.02)
    assert [task.accuracy.verdict for task in fitted.tasks] == ["fits", "lag", "flat"]
    assert [task.accuracy.points.questions for task in fitted.tasks] == [100] * 3
    assert fitted.arrivals is not None
    assert fitted.arrivals.poisson
    assert all(0.94 < (task.budget_use or 0) < 1 for task in fitted.tasks)


def test_a_flat_task_gets_no_tokens_at_any_weight(fitted: FittedWorkload) -> None:
    w = fitted.workload
    assert (w.accuracy_gain[2], w.max_tokens[2]) == (FLAT_GAIN, FLAT_CAP)
    assert w.base_accuracy[2] == pytest.approx(0.6, abs=0.05)
    for weight in (30.0, 1e6):
        best = cvxtoken.solve_integer(w.replace(accuracy_weight=weight))
        assert best.tokens[2] == 0
        assert min(best.tokens[:2]) > 0
    assert cvxtoken.solve(w).status == "certified"
    assert "1e-09 (stored)" in str(fitted)


def test_scatter_may_be_part_of_the_workload(folder: Path, fitted: FittedWorkload) -> None:
    varying = fit_workload(folder / "rows.csv", folder / "arrivals.csv", random_service=True)
    w = varying.workload
    lines = [task.service.spread_line for task in varying.tasks]
    assert list(zip(w.deviation.tolist(), w.deviation_per_token.tolist(), strict=True)) == lines
    assert w.replace(deviation=0.0, deviation_per_token=0.0) == fitted.workload != w
    tokens = cvxtoken.solve(w).tokens
    more = cvxtoken.understated_delay(fitted.workload, tokens, [task.service for task in varying.tasks])
    certain = float(model.mean_system_time(fitted.workload, tokens))
    assert float(model.mean_system_time(w, tokens)) == pytest.approx(certain + more, rel=1e-12)
    assert varying.delay == pytest.approx((certain + more, more), rel=1e-6)
    assert "service times, which it counts, adds" in str(varying)
    assert "service times, which it leaves out, adds" in str(fitted)
    draws = cvxtoken.draw_workloads(varying, 50)
    at = np.full(3, 1000.0)
    wider = np.array([model.deviation(draw, at) / model.deviation(w, at) for draw in draws])
    errors = [task.service.spread_error / 2 for task in varying.tasks]  # of a root
    assert wider.std(axis=0) == pytest.approx(errors, rel=0.5), "5 standard deviations"


def test_what_scatter_adds_to_the_delay_is_said(
    folder: Path, fitted: FittedWorkload, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = cvxtoken.solve(fitted.workload).tokens
    services = [task.service for task in fitted.tasks]
    mean, more = fitted.delay or (0, 0)
    assert mean == pytest.approx(cvxtoken.solve(fitted.workload).mean_system_time)
    assert more == pytest.approx(cvxtoken.understated_delay(fitted.workload, tokens, services), rel=1e-6)
    assert "the scatter of the service times, which it leaves out, adds" in str(fitted)
    monkeypatch.setattr(prices, "solve_prices", lambda workload: 0.9 * tokens)
    unsure = replace(fitted)
    assert unsure.delay is None, "budgets that are not the best are not taken for them"
    assert "delay: unknown; the optimal budgets are not found" in str(unsure)
    with pytest.raises(SolverError, match=r"reached to a relative gap of .* only, not 1e-12"):
        cvxtoken.budget_uncertainty(fitted, 2)
    monkeypatch.undo()
    busy = fit_workload(folder / "rows.csv", arrival_rate=50)
    assert busy.delay is None
    assert "the queue is unstable even without thinking" in str(busy)


def test_the_lag_goes_on_to_the_lagged_problem(fitted: FittedWorkload) -> None:
    lagged = fitted.lagged
    assert lagged.lag[[0, 2]].tolist() == [0, 0]
    assert lagged.lag[1] == pytest.approx(900, abs=150)
    found = cvxtoken.solve_lagged(lagged)
    assert found.status == "certified"
    assert found.tokens[1] == 0 or found.tokens[1] > lagged.lag[1]
    assert found.tokens[2] == 0


def test_files_hold_the_workload_and_where_it_comes_from(fitted: FittedWorkload, folder: Path) -> None:
    for name in ("w.toml", "w.json"):
        fitted.save(folder / name)
        again = cvxtoken.Workload.load(folder / name)
        assert again == fitted.workload
        assert "2100 rows of rows.csv (SHA-256" in again.source
        assert "600 arrivals of arrivals.csv" in again.source
    assert "# puzzles: lag: an S-shape" in (folder / "w.toml").read_text(encoding="utf-8")


def test_without_a_log(folder: Path) -> None:
    alone = fit_workload(folder / "rows.csv")
    with pytest.raises(ProblemError, match="arrival_rate is not known"):
        alone.save(folder / "none.toml")
    assert not (folder / "none.toml").exists()
    assert alone.to_document()["workload"] is None
    given = fit_workload(folder / "rows.csv", arrival_rate=0.5, accuracy_weight=60, max_tokens=5000)
    assert given.workload.prior == pytest.approx([1 / 3] * 3)
    assert (given.workload.arrival_rate, given.workload.accuracy_weight) == (0.5, 60)
    assert given.workload.max_tokens.tolist() == [5000, 5000, FLAT_CAP]
    assert "equal priors, by assumption" in given.provenance
    with pytest.raises(ProblemError, match="arrival_rate is -1"):
        fit_workload(folder / "rows.csv", arrival_rate=-1)


def test_columns_in_memory_by_other_names() -> None:
    rng = np.random.default_rng(0)
    l = np.repeat([0, 500, 1000, 2000, 4000], 50)
    table = {
        "set": ["maths"] * 250,
        "budget_tokens": l,
        "ok": rng.random(250) < TRUTH(l),
        "latency": 0.1 + 0.001 * l,
    }
    names = {"task": "set", "correct": "ok", "seconds": "latency"}
    found = fit_workload(table, arrival_rate=0.1, columns=names)
    assert found.workload.time_per_token == pytest.approx([0.001])
    assert found.tasks[0].budget_use is None
    with pytest.raises(ProblemError, match="columns holds 'colour'"):
        fit_workload(table, columns={"colour": "red"})


def test_budgets_that_are_not_used_up_are_said_to_be(tmp_path: Path) -> None:
    text = write_rows(tmp_path / "rows.csv").read_text().splitlines()
    lines = [text[0]]
    for line in text[1:]:
        cells = line.split(",")
        cells[2] = str(int(int(cells[2]) * 0.4))
        lines.append(",".join(cells))
    (tmp_path / "rows.csv").write_text("\n".join(lines) + "\n")
    assert "% of the budget is used on average" in str(fit_workload(tmp_path / "rows.csv"))


def test_some_rows_may_have_no_time(folder: Path, tmp_path: Path) -> None:
    lines = (folder / "rows.csv").read_text().splitlines()
    cells = [line.split(",") for line in lines[1:]]
    for row in cells[::2]:
        row[4] = ""
    (tmp_path / "rows.csv").write_text("\n".join([lines[0], *map(",".join, cells)]) + "\n\n")
    assert [task.service.rows for task in fit_workload(tmp_path / "rows.csv").tasks] == [350] * 3


def edited(source: Path, target: Path, old: str, new: str) -> Path:
    text = source.read_text()
    assert old in text
    target.write_text(text.replace(old, new))
    return target


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "correct",
            "right",
            "there is no column 'correct'; columns: task, budget_tokens, thinking_tokens, right",
        ),
        ("seconds", "second", "there is no column 'seconds' (did you mean 'second'?)"),
        ("task,budget_tokens,thinking", "task,task,thinking", "column 'task' occurs twice"),
        ("question\nmaths", "question\n", "rows.csv, line 2: 'task' is empty"),
        (
            "question\nmaths,0",
            "question\nmaths,many",
            "line 2: 'budget_tokens' is 'many'; it must be a number of tokens from 0 to 1e9",
        ),
        ("question\nmaths,0", "question\nmaths,nan", "line 2: 'budget_tokens' is empty"),
        (",maths 0\nmaths,0,0", "fast,maths 0\nmaths,0,0", "'seconds' is '0."),
        ("question\nmaths,0,0,", "question\nmaths,0,0,7", "it must be right or wrong (1 or 0,"),
        ("question\nmaths", "question\nmaths,more", "line 2: 7 fields; the header has 6"),
        ("question\nmaths", "question\nart,5,5,1,1.0,q\nmaths", "task 'art': budgets has 1 distinct values"),
    ],
)
def test_bad_tables(folder: Path, tmp_path: Path, old: str, new: str, message: str) -> None:
    path = edited(folder / "rows.csv", tmp_path / "rows.csv", old, new)
    with pytest.raises(ProblemError) as caught:
        fit_workload(path)
    assert message in str(caught.value)


def test_tasks_without_times_or_arrivals(folder: Path, tmp_path: Path) -> None:
    lines = (folder / "rows.csv").read_text().splitlines()
    cells = [line.split(",") for line in lines]
    for row in cells:
        row[4] = "" if row[0] == "trivia" else row[4]
    (tmp_path / "rows.csv").write_text("\n".join(map(",".join, cells)) + "\n")
    with pytest.raises(ProblemError, match="task 'trivia' has no seconds"):
        fit_workload(tmp_path / "rows.csv")
    log = edited(folder / "arrivals.csv", tmp_path / "arrivals.csv", "trivia", "maths")
    with pytest.raises(ProblemError, match="task 'trivia' has no arrivals; the log has"):
        fit_workload(folder / "rows.csv", log)
    log = edited(folder / "arrivals.csv", tmp_path / "arrivals.csv", "trivia", "art")
    with pytest.raises(ProblemError, match="task 'trivia' has no arrivals"):
        fit_workload(folder / "rows.csv", log)
    lines = (folder / "arrivals.csv").read_text().splitlines()
    (tmp_path / "arrivals.csv").write_text("\n".join([lines[0], *lines[:0:-1]]) + "\n")
    backwards = fit_workload(folder / "rows.csv", tmp_path / "arrivals.csv")
    assert backwards.arrival_rate == fit_workload(folder / "rows.csv", folder / "arrivals.csv").arrival_rate
    assert "sorted by time: 599 rows were earlier than the one above" in str(backwards)
    with (tmp_path / "arrivals.csv").open("w") as file:
        file.write((folder / "arrivals.csv").read_text() + "99999,art\n")
    with pytest.raises(ProblemError, match="arrivals of task 'art', which has no rows"):
        fit_workload(folder / "rows.csv", tmp_path / "arrivals.csv")


def test_the_busy_hour_can_be_taken(folder: Path, tmp_path: Path) -> None:
    """Ten arrivals a minute in the second hour, two in the others."""
    times = [(hour * 3600 + 60 * minute + i, i) for hour in range(4) for minute in range(60)
             for i in range(10 if hour == 1 else 2)]  # fmt: skip
    tasks = ["maths", "puzzles", "trivia"]
    lines = ["timestamp,task", *(f"{t},{tasks[(t + i) % 3]}" for t, i in times)]
    (tmp_path / "log.csv").write_text("\n".join(lines) + "\n")
    found = fit_workload(folder / "rows.csv", tmp_path / "log.csv", busy_hour=True)
    assert found.arrival_rate == pytest.approx(1 / 6)
    assert found.arrivals is not None
    assert sum(found.arrivals.counts) == 600
    assert found.prior == pytest.approx([count / 600 for count in found.arrivals.counts])
    assert "in the busy hour (hours 1 to 2)" in found.provenance
    whole = fit_workload(folder / "rows.csv", tmp_path / "log.csv")
    assert whole.arrival_rate == pytest.approx(960 / 4 / 3600, rel=0.01)
    assert "solve for the busy hour (--busy-hour: 0.1667 /s, hours 1 to 2" in str(whole)
    with pytest.raises(ProblemError, match="busy_hour needs an arrival log"):
        fit_workload(folder / "rows.csv", busy_hour=True)


def test_files_that_are_not_what_they_should_be(folder: Path, tmp_path: Path) -> None:
    bad = tmp_path / "latin.csv"
    bad.write_bytes((folder / "rows.csv").read_bytes().replace(b"maths", "maté".encode("latin-1")))
    with pytest.raises(ProblemError, match=r"latin.csv: not UTF-8 text: invalid continuation byte at byte"):
        fit_workload(bad)
    for name, text, message in (
        ("empty.csv", "", "the file is empty"),
        ("header.csv", (folder / "rows.csv").read_text().split("\n")[0], "there are no rows"),
        ("rows.xlsx", "PK\x03\x04", "a ZIP or Excel file; a table must be saved as CSV, JSON or Parquet"),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(ProblemError, match=message):
            fit_workload(tmp_path / name)
    with pytest.raises(ProblemError, match="cannot be read"):
        fit_workload(tmp_path / "nowhere.csv")


def test_a_byte_order_mark_is_no_part_of_a_name(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes(b"\xef\xbb\xbf" + (folder / "rows.csv").read_bytes())
    assert fit_workload(tmp_path / "rows.csv").tasks[0].name == "maths"


def test_parquet_is_read_like_csv(folder: Path, fitted: FittedWorkload, tmp_path: Path) -> None:
    for name in ("rows", "arrivals"):
        pl.read_csv(folder / f"{name}.csv").write_parquet(tmp_path / f"{name}.parquet")
    again = fit_workload(tmp_path / "rows.parquet", tmp_path / "arrivals.parquet")
    assert again.workload == fitted.workload
    (tmp_path / "bad.parquet").write_text("PAR1no")
    with pytest.raises(ProblemError, match=r"bad\.parquet: cannot be read"):
        fit_workload(tmp_path / "bad.parquet")
