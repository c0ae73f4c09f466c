"""Moments: the same ones in every form, and what is asked where a form has two meanings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import polars as pl
import pytest

from cvxtoken import Hints, ProblemError, fit_arrivals
from cvxtoken.fitting.rows import read_log
from cvxtoken.logs.columns import Column, Times
from cvxtoken.logs.read import read

WANTED = {"timestamp": Column("time")}
FIRST = datetime(2026, 3, 14, 9, 0, 3, tzinfo=UTC)
MOMENTS = [FIRST + timedelta(seconds=s) for s in (0, 7, 60, 3600, 90_000)]
SECONDS = [0.0, 7, 60, 3600, 90_000]
EPOCH = int(FIRST.timestamp())


def times(values: object, name: str = "timestamp", **hints: object) -> Times:
    found = read({name: values}, WANTED, hints=Hints(**hints)).columns["timestamp"]  # type: ignore[arg-type, dict-item]
    assert isinstance(found, Times)
    return found


def written(form: str, zone: timezone = UTC) -> list[str]:  # type: ignore[assignment]
    return [moment.astimezone(zone).strftime(form) for moment in MOMENTS]


INDIA = timezone(timedelta(hours=5, minutes=30))
FORMS: dict[str, object] = {
    "iso": written("%Y-%m-%dT%H:%M:%SZ"),
    "iso-blank": written("%Y-%m-%d %H:%M:%S"),
    "iso-fraction": written("%Y-%m-%dT%H:%M:%S.000000+00:00"),
    "iso-seven-digits": written("%Y-%m-%d %H:%M:%S.0000000"),
    "iso-zone": written("%Y-%m-%dT%H:%M:%S%z", INDIA),
    "iso-short-zone": [text[:-2] for text in written("%Y-%m-%d %H:%M:%S%z", timezone(timedelta(hours=-7)))],
    "mixed-zones": [
        m.astimezone(z).isoformat() for m, z in zip(MOMENTS, [UTC, INDIA, UTC, INDIA, UTC], strict=True)
    ],
    "slashes": written("%Y/%m/%d %H:%M:%S"),
    "apache": written("%d/%b/%Y:%H:%M:%S +0000"),
    "apache-brackets": written("[%d/%b/%Y:%H:%M:%S %z]", INDIA),
    "us": written("%m/%d/%Y %I:%M:%S %p"),
    "us-24": written("%m/%d/%Y %H:%M:%S"),
    "german": written("%d.%m.%Y %H:%M:%S"),
    "british": written("%d/%m/%Y %H:%M:%S"),
    "python-logging": written("%Y-%m-%d %H:%M:%S,000"),
    "rfc-2822": written("%a, %d %b %Y %H:%M:%S +0000"),
    "http": written("%a, %d %b %Y %H:%M:%S GMT"),
    "ctime": written("%a %b %d %H:%M:%S %Y"),
    "names": written("%d %b %Y %H:%M:%S"),
    "us-names": written("%b %d, %Y %I:%M:%S %p"),
    "compact": written("%Y%m%dT%H%M%S"),
    "full-names": written("%d %B %Y %H:%M:%S"),
    "epoch-s": [EPOCH + int(s) for s in SECONDS],
    "epoch-s-text": [f"{EPOCH + s:.3f}" for s in SECONDS],
    "epoch-ms": [(EPOCH + int(s)) * 10**3 for s in SECONDS],
    "epoch-us": [str((EPOCH + int(s)) * 10**6) for s in SECONDS],
    "epoch-ns": [(EPOCH + int(s)) * 10**9 for s in SECONDS],
    "datetimes": MOMENTS,
    "datetime64": np.array([m.replace(tzinfo=None) for m in MOMENTS], dtype="datetime64[s]"),
    "polars": pl.Series(MOMENTS),
    "polars-zone": pl.Series(MOMENTS).dt.convert_time_zone("Europe/Paris"),
}


@pytest.mark.parametrize("form", FORMS)
def test_the_same_moments_in_every_form(form: str) -> None:
    found = times(FORMS[form])
    assert found.seconds.tolist() == SECONDS
    assert found.start == EPOCH * 10**9


def test_fractions_are_exact_to_the_nanosecond() -> None:
    texts = ["2026-03-01 09:00:00.000000001", "2026-03-01 09:00:00.000000003", "2026-03-01 09:00:00.5"]
    assert times(texts).seconds.tolist() == [0, 2e-9, 0.499999999]
    assert times([10**18 + 1, 10**18 + 3]).seconds.tolist() == [0, 2e-9]


@pytest.mark.parametrize(
    ("name", "values", "seconds"),
    [
        ("timestamp", [0.5, 1.0, 4.25], [0, 0.5, 3.75]),
        ("timestamp_ms", [500, 1000, 4250], [0, 0.5, 3.75]),
        ("Timestamp (us)", ["500000", "1000000", "4250000"], [0, 0.5, 3.75]),
        ("arrival_time_ns", [5 * 10**8, 10**9, 4_250_000_000], [0, 0.5, 3.75]),
        ("timestamp_ms", [EPOCH * 1000, EPOCH * 1000 + 500, EPOCH * 1000 + 3750], [0, 0.5, 3.75]),
    ],
)
def test_numbers_have_the_unit_of_their_name(name: str, values: list[object], seconds: list[float]) -> None:
    assert times(values, name).seconds.tolist() == seconds


def test_numbers_of_no_known_size_are_asked_for() -> None:
    values = [12_345_678_901_234, 12_345_678_901_934]
    with pytest.raises(
        ProblemError, match=r"about 1\.23e\+13, which are no seconds since 1970.*--unit timestamp=s"
    ):
        times(values)
    assert times(values, units={"timestamp": "us"}).seconds.tolist() == [0, 700e-6]
    assert times(values, units={"timestamp": "us"}).start is None


def test_the_unit_that_was_told_by_size_is_said() -> None:
    reading = read({"timestamp": FORMS["epoch-ms"]}, WANTED).reading  # type: ignore[dict-item]
    assert "ms since 1970, by their size" in str(reading)


EITHER = ["03/04/2026 09:00:00", "03/05/2026 09:00:00"]


def test_dates_with_two_meanings_are_asked_for() -> None:
    for texts in (
        EITHER,
        [t.replace("/", ".") for t in EITHER],
        [t.replace(":00:00", ":00:00 AM") for t in EITHER],
    ):
        with pytest.raises(
            ProblemError, match=r"holds '03.0\d.2026 .*begins with a day or with a month; .*--dates day-"
        ):
            times(texts)
    assert times(EITHER, dates="month-first").seconds.tolist() == [0, 86_400]
    assert times(EITHER, dates="day-first").seconds.tolist() == [0, 30 * 86_400]


def test_dates_of_one_day_have_one_meaning() -> None:
    """Whichever day it is."""
    assert times(["03/01/2026 09:00:00 AM", "03/01/2026 01:00:00 PM"]).seconds.tolist() == [0, 4 * 3600]


def test_one_date_tells_the_order_of_all() -> None:
    assert times(["03/04/2026 09:00", "03/14/2026 09:00"]).seconds.tolist() == [0, 10 * 86_400]
    assert times(["03/04/2026 09:00", "14/04/2026 09:00"]).seconds.tolist() == [0, 11 * 86_400]


def test_dates_of_dateutil_are_asked_for_too() -> None:
    texts = ["3rd of April 2026 at 9:00 am", "4 April 2026 9:00:30 am"]
    assert times(texts).seconds.tolist() == [0, 86_430]
    with pytest.raises(ProblemError, match="begins with a day or with a month"):
        times(["2026 03 04 09:00:00.5 AM", "x"])


def test_a_zone_in_some_rows_only_is_asked_for() -> None:
    texts = ["2026-03-01 09:00:00+00:00", "2026-03-01 12:00:00"]
    with pytest.raises(
        ProblemError, match=r"none in others, such as '2026-03-01 12:00:00'; .*by --zone \+02:00"
    ):
        times(texts)
    assert times(texts, zone="+02:00").seconds.tolist() == [0, 3600]
    assert times(texts, zone="Europe/Paris").seconds.tolist() == [0, 7200]
    with pytest.raises(ProblemError, match="zone is 'Mars'; it must be an offset as"):
        times(texts, zone="Mars")


def test_a_log_is_sorted_and_that_is_said() -> None:
    table = {"timestamp": [5, 1, 3, 9], "task": ["c", "a", "b", "a"]}
    log = read_log(table, {}, {}, None, Hints())
    assert log.times.seconds.tolist() == [0, 2, 4, 8]
    assert log.tasks.texts.tolist() == ["a", "b", "c", "a"]
    assert log.reading.notes == ("sorted by time: 1 rows were earlier than the one above",)


@pytest.mark.parametrize(
    ("values", "row"),
    [
        (["2026-03-01 09:00:00", "yesterday", "2026-03-01 09:00:01"], 2),
        (["2026-03-01 09:00:00", "2026-02-30 09:00:00"], 2),
        (["2026-03-01 09:00:00", "17", "2026-03-01 09:00:09"], 2),
        (["1", "2", "noon"], 3),
        (["09:00:00", "09:00:01"], 1),
        (["03/01/26 09:00", "03/01/26 10:00"], 1),
        ([1.0, float("inf")], 2),
        ([1.0, 2.0, 1e300], 3),
    ],
)
def test_what_is_no_moment_is_named(values: list[object], row: int) -> None:
    with pytest.raises(
        ProblemError, match=rf"row {row}: 'timestamp' is .*it must be a date with a time, or a"
    ):
        times(values)


def test_times_of_day_are_no_moments() -> None:
    with pytest.raises(ProblemError, match="holds times without a date"):
        read(pl.DataFrame({"timestamp": [datetime(2026, 1, 1, 9).time()]}), WANTED)


def test_arrivals_in_memory_are_told_by_their_size_too() -> None:
    assert fit_arrivals(FORMS["epoch-ms"]).rate == fit_arrivals(SECONDS).rate
