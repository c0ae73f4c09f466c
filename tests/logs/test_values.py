"""Numbers, scores and units: what is understood, and what is asked."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from cvxtoken import Hints, ProblemError, fit_accuracy, fit_workload
from cvxtoken.fitting.rows import ROWS, read_rows
from cvxtoken.logs.columns import Column
from cvxtoken.logs.read import Taken, read
from cvxtoken.logs.units import LEAST, MOST, check_pace

NUMBER = {"x": Column("number")}
TOKENS = {"x": Column("tokens")}


def numbers(values: list[object], wanted: dict[str, Column] = NUMBER, **hints: object) -> list[float]:
    found: list[float] = read({"x": values}, wanted, hints=Hints(**hints)).columns["x"].tolist()  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (["1", " 2.5", "-3", "+4", "5e2", ".5", "6."], [1, 2.5, -3, 4, 500, 0.5, 6]),
        (["1,024.5", "2", "3,000,000"], [1024.5, 2, 3_000_000]),
        (["1.024,5", "2,25", "3.000.000", "7"], [1024.5, 2.25, 3_000_000, 7]),
        (["0,125", "1,250"], [0.125, 1.25]),
        (["1 024", "2 000 000,5"], [1024, 2_000_000.5]),
        (["1'024.5", "12"], [1024.5, 12]),
        (["1\u202f024", "1\u00a0024"], [1024, 1024]),
    ],
)
def test_numbers_as_people_write_them(texts: list[str], values: list[float]) -> None:
    assert numbers(texts) == values


def test_one_column_tells_the_decimal_mark_of_all() -> None:
    wanted = {"x": Column("number"), "y": Column("number"), "n": Column("tokens")}
    found = read({"x": ["1,250"], "y": ["0,5"], "n": ["1.024"]}, wanted)
    assert [found.columns[name].tolist() for name in "xyn"] == [[1.25], [0.5], [1024]]
    assert "decimal comma" in found.reading.form
    found = read({"x": ["1,250"], "y": ["0.5"], "n": ["1,024"]}, wanted)
    assert [found.columns[name].tolist() for name in "xyn"] == [[1250], [0.5], [1024]]


def test_a_doubtful_decimal_mark_is_asked_for() -> None:
    question = (
        r"table: 'x' holds '1,250', which is one number with a decimal point .* --decimal point or comma"
    )
    with pytest.raises(ProblemError, match=question):
        numbers(["1,250", "3"])
    assert numbers(["1,250", "3"], decimal="comma") == [1.25, 3]
    assert numbers(["1,250", "3"], decimal="point") == [1250, 3]
    assert numbers(["1,250", "3"], TOKENS) == [1250, 3], "tokens are whole"
    with pytest.raises(ProblemError, match=r"'x' holds '1\.250', which is one number"):
        numbers(["1.250", "3"], TOKENS)
    assert numbers(["1.250", "3"], TOKENS, decimal="comma") == [1250, 3]
    with pytest.raises(ProblemError, match=r"'x' holds '0,5' and 'y' holds '0\.5'; say by --decimal"):
        read({"x": ["0,5"], "y": ["0.5"]}, {"x": Column("number"), "y": Column("number")})


@pytest.mark.parametrize(
    ("wanted", "value", "message"),
    [
        (Column("number"), "inf", "it must be a finite number"),
        (Column("number"), "1,2,3", "it must be a finite number"),
        (Column("number"), "12 34", "it must be a finite number"),
        (Column("number"), None, "is empty; it must be a finite number; --drop blank leaves such rows out"),
        (Column("number"), "N/A", "is empty"),
        (Column("positive"), "0", "is '0'; it must be a positive number"),
        (Column("tokens"), "-1", "is '-1'; it must be a number of tokens from 0 to 1e9"),
        (Column("tokens"), "1e10", "it must be a number of tokens from 0 to 1e9"),
        (Column("tokens", whole=True), "2.5", "it must be a whole number of tokens from 0 to 1e9"),
        (Column("tokens", least=1), "0", "from 1 to 1e9; --drop failed leaves such rows out (Hints.drop)"),
        (Column("seconds"), "0", "it must be a positive number; --drop failed leaves such rows out"),
        (Column("seconds"), "-0.1", "is '-0.1'; it must be a positive number"),
        (Column("label"), " ", "is empty; it must be a label"),
        (Column("time"), "", "is empty; it must be a date with a time, or a number of seconds"),
    ],
)
def test_a_bad_value_is_named_with_its_row(wanted: Column, value: object, message: str) -> None:
    good = "1" if wanted.kind != "label" else "a"
    with pytest.raises(ProblemError) as caught:
        read({"x": [good, value, good], "other": ["a", "b", "c"]}, {"x": wanted})
    assert "table, row 2: 'x' is " in str(caught.value)
    assert message in str(caught.value)


def test_rows_are_dropped_and_counted_where_that_is_told() -> None:
    wanted = {"n": Column("tokens", least=1), "x": Column("label")}
    table = {"n": ["5", "", "0", "7", "8"], "x": ["c", "a", "b", "", "d"]}
    found, reading, place = read(table, wanted, hints=Hints(drop=("blank", "failed")))
    assert found["n"].tolist() == [5, 8]
    assert (found["x"].names, found["x"].codes.tolist()) == (["c", "d"], [0, 1])
    assert reading.notes == ("2 incomplete rows left out", "1 rows without output left out")
    assert place(1) == "row 5"
    with pytest.raises(ProblemError, match="no row is left of 1"):
        read({"n": [0]}, {"n": wanted["n"]}, hints=Hints(drop=("failed",)))


def scores(values: list[object], **hints: object) -> Taken:
    return read({"correct": values}, {"correct": ROWS["correct"]}, hints=Hints(**hints))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ([True, False], [1, 0]),
        (["TRUE", "f", "T", "FALSE"], [1, 0, 1, 0]),
        (["passed", "Failed"], [1, 0]),
        (["y", "n", "Y"], [1, 0, 1]),
        (["right", "wrong"], [1, 0]),
        (["C", "I", "P", "N"], [1, 0, 0.5, 0]),
        (["P", "F"], [1, 0]),
        (["87%", "12.5 %", "0"], [0.87, 0.125, 0]),
        (["12,5%", "100%"], [0.125, 1]),
        ([0.25, 1, 0], [0.25, 1, 0]),
        (["0.25", "1.0"], [0.25, 1]),
    ],
)
def test_scores_as_tools_write_them(values: list[object], wanted: list[float]) -> None:
    assert scores(values).columns["correct"].tolist() == pytest.approx(wanted, rel=1e-15)


def test_scores_to_100_are_told() -> None:
    assert scores([87, 0, 100], units={"correct": "percent"}).columns["correct"].tolist() == [0.87, 0, 1]
    for values in ([1, 87], ["1", "2"], ["maybe", "C"], ["P", "P"], ["87%", "1"], ["101%", "5%"], [-0.1, 1]):
        with pytest.raises(ProblemError, match=r"it must be right or wrong .* --unit correct=percent"):
            scores(values)


def test_what_was_understood_of_scores_is_said() -> None:
    assert "c is 1; i is 0; p is 0.5, 1 of them between right and wrong" in str(
        scores(["C", "I", "P"]).reading
    )
    assert "per cent" in str(scores(["100%", "0%"]).reading)


def test_graded_scores_count_as_shares_of_right_answers() -> None:
    budgets, rng = np.repeat([0.0, 500, 1000, 2000, 4000], 40), np.random.default_rng(0)
    share = rng.random(200)
    graded = fit_accuracy(budgets, share)
    assert graded.points.accuracy.tolist() == pytest.approx(share.reshape(5, 40).mean(axis=1).tolist())
    counts = fit_accuracy([0, 500, 1000, 2000, 4000], share.reshape(5, 40).sum(axis=1), [40] * 5)
    for name, ends in graded.intervals.items():
        assert getattr(graded, name) == pytest.approx(getattr(counts, name), rel=1e-6), "sums are rounded"
        assert ends == pytest.approx(counts.intervals[name], rel=1e-6)


def evaluation(pace: float, per_budget: int = 20, **more: object) -> dict[str, object]:
    budgets = np.repeat([0, 500, 1000, 2000, 4000], per_budget)
    right = np.tile(np.arange(per_budget), 5) % 4 < np.repeat([1, 2, 3, 3, 4], per_budget)
    table = {"task": ["a"] * len(budgets), "budget_tokens": budgets, "thinking_tokens": budgets}
    return table | {"correct": right, "seconds": 0.3 + pace * budgets} | more


def test_aggregated_rows_stand_for_their_answers() -> None:
    rows = evaluation(0.01)
    means = {
        "task": ["a"] * 5,
        "budget_tokens": [0, 500, 1000, 2000, 4000],
        "accuracy": np.asarray(rows["correct"]).reshape(5, 20).mean(axis=1),
        "n": [20] * 5,
        "seconds": 0.3 + 0.01 * np.array([0, 500, 1000, 2000, 4000]),
    }
    one, many = fit_workload(means, arrival_rate=0.01), fit_workload(rows, arrival_rate=0.01)
    assert one.tasks[0].accuracy.curve == many.tasks[0].accuracy.curve
    assert one.tasks[0].accuracy.intervals == many.tasks[0].accuracy.intervals
    assert one.tasks[0].rows == many.tasks[0].rows == 100
    assert one.workload.time_per_token == pytest.approx(many.workload.time_per_token, rel=1e-12)
    assert "5 rows stand for 100 answers" in str(one)
    with pytest.raises(ProblemError, match="there are 500000000 answers; there must be at most 100000000"):
        fit_workload(means | {"n": [10**8] * 5})


def test_a_column_n_of_single_answers_is_no_count() -> None:
    found, _ = read_rows(evaluation(0.01, n=np.arange(100)), {}, None, Hints())
    assert len(found["correct"]) == 100


@pytest.mark.parametrize(
    ("name", "scale"),
    [
        *(("latency_ms", 1e3), ("latencyMs", 1e3), ("Latency (ms)", 1e3), ("latency-us", 1e6)),
        *(("elapsed_ns", 1e9), ("duration milliseconds", 1e3), ("latency_s", 1), ("latency", 1)),
    ],
)
def test_units_at_the_end_of_a_name(name: str, scale: float) -> None:
    table = evaluation(0.01)
    table[name] = np.asarray(table.pop("seconds")) * scale
    found, reading = read_rows(table, {}, None, Hints())
    assert found["seconds"].tolist() == pytest.approx(
        (0.3 + 0.01 * np.asarray(table["budget_tokens"])).tolist()
    )
    assert ("from" in str(reading)) == (scale > 1)


def test_what_cannot_be_seconds_is_asked_for() -> None:
    question = r"table: 'seconds': 10 s a token in the median, .* told by --unit seconds=ms"
    with pytest.raises(ProblemError, match=question):
        read_rows(evaluation(10), {}, None, Hints())
    found, _ = read_rows(evaluation(10), {}, None, Hints(units={"seconds": "ms"}))
    assert found["seconds"][-1] == pytest.approx(40.0003)
    slow, _ = read_rows(evaluation(10), {}, None, Hints(units={"seconds": "s"}))
    assert slow["seconds"][-1] == pytest.approx(40000.3)
    table = evaluation(0.01)
    table["latency_ms"] = table.pop("seconds")
    with pytest.raises(ProblemError, match=r"'latency_ms': 1\.\d+e-05 s a token in the median"):
        read_rows(table, {}, None, Hints())


def test_the_limits_of_a_pace() -> None:
    tokens = np.array([0.0, 100, 100, 100])
    for pace, used, good in (
        *((MOST, True, True), (1.01 * MOST, True, False), (LEAST, True, True), (0.99 * LEAST, True, False)),
        *((0.99 * LEAST, False, True), (1.01 * MOST, False, False)),
    ):
        seconds = np.array([1e9, pace * 100, pace * 100, np.nan])
        if good:
            check_pace(seconds, tokens, "t", "seconds", used)
        else:
            with pytest.raises(ProblemError, match="seem to be no seconds"):
                check_pace(seconds, tokens, "t", "seconds", used)


def test_bad_hints() -> None:
    for hints, message in (
        ({"units": {"seconds": "min"}}, "unit is 'min'; it must be one of s, ms, us, ns, percent"),
        (
            {"drop": ("blanks",)},
            "drop is 'blanks'; it must be one of blank, failed, tasks (did you mean 'blank'",
        ),
        ({"dates": "iso"}, "dates is 'iso'; it must be one of day-first, month-first"),
        ({"decimal": ","}, "decimal is ','; it must be one of point, comma"),
    ):
        with pytest.raises(ProblemError) as caught:
            Hints(**hints)  # type: ignore[arg-type]
        assert message in str(caught.value)
    with pytest.raises(ProblemError, match="unit of seconds is 'percent'; it must be s or ms or us or ns"):
        read_rows(evaluation(0.01), {}, None, Hints(units={"seconds": "percent"}))
    with pytest.raises(ProblemError, match="unit of correct is 'ms'; it must be percent"):
        read_rows(evaluation(0.01), {}, None, Hints(units={"correct": "ms"}))
    with pytest.raises(ProblemError, match="unit of budget_tokens is 'ms'; it must be left out"):
        read_rows(evaluation(0.01), {}, None, Hints(units={"budget_tokens": "ms"}))
    with pytest.raises(
        ProblemError, match=r"unit of 'second' is given, which is not read \(did you mean 'seconds"
    ):
        fit_workload(evaluation(0.01), hints=Hints(units={"second": "ms"}))


def test_numbers_of_any_type_in_memory() -> None:
    for column in (
        pl.Series([1, 2]),
        pl.Series([1.0, 2.0], dtype=pl.Float32),
        np.array([1, 2], dtype=np.uint8),
    ):
        assert numbers(column) == [1, 2]  # type: ignore[arg-type]
    assert numbers(["1", 2]) == [1, 2]


def test_columns_of_other_types() -> None:
    frame = pl.DataFrame(
        {
            "task": pl.Series(["b", "a"], dtype=pl.Categorical),
            "correct": pl.Series(["C", "I"], dtype=pl.Enum(["C", "I"])),
            "seconds": [timedelta(milliseconds=1500), timedelta(seconds=2)],
            "more": [{"budget_tokens": 1}, {"budget_tokens": 2}],
        }
    )
    wanted = {name: ROWS[name] for name in ("task", "correct", "seconds")}
    found = read(frame, wanted | {"budget": Column("tokens")}, {"budget": "more.budget_tokens"}).columns
    assert found["task"].texts.tolist() == ["b", "a"]
    assert [found[name].tolist() for name in ("correct", "seconds", "budget")] == [[1, 0], [1.5, 2], [1, 2]]
    array = np.array([1500, 2000], dtype="timedelta64[ms]")
    assert read({"seconds": array}, {"seconds": ROWS["seconds"]}).columns["seconds"].tolist() == [1.5, 2]
