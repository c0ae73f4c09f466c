"""Moments as logs write them: dates with and without zones, and seconds or parts of them since some start."""

from __future__ import annotations

import re
import reprlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cvxtoken.errors import ProblemError
from cvxtoken.logs.columns import DATES, UNITS, Hints, Times
from cvxtoken.logs.frames import from_array
from cvxtoken.logs.numbers import numbers, trimmed

RULE = "must be a date with a time, or a number of seconds"
_NS = 10**9
# what numbers since 1970 are from 2001 to 2286, by their size
_EPOCHS = {"s": (1e9, 1e10), "ms": (1e12, 1e13), "us": (1e15, 1e16), "ns": (1e18, 1e19)}
_SHORT = 1e9  # smaller numbers are counted from some other start

_ZONE = r"(?i):\d{2}(?:\.\d+)?(?:\s*[ap]\.?m\.?)?\s*(Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)$"
_ZONE_ALONE = r"(?i)\s*(Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)$"
_CLOCKS = ("%H:%M:%S%.f", "%I:%M:%S%.f %p", "%H:%M", "%I:%M %p")
_SURE = (
    *(f"{day} {clock}" for day in ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d") for clock in _CLOCKS),
    "%d/%b/%Y:%H:%M:%S%.f",  # Apache's common log format
    *(f"{day} {clock}" for day in ("%d %b %Y", "%b %d, %Y", "%d-%b-%Y") for clock in _CLOCKS),
    *("%a, %d %b %Y %H:%M:%S", "%a %b %d %H:%M:%S %Y", "%Y%m%d %H%M%S", "%Y-%m-%d"),
)
_EITHER = tuple(
    (f"%d{mark}%m{mark}%Y {clock}", f"%m{mark}%d{mark}%Y {clock}") for mark in "/.-" for clock in _CLOCKS
)
_SAMPLE = 20  # values that tell the form, before all are read in it


@dataclass(frozen=True, eq=False)
class Moments:
    """The moments of a column.

    Attributes:
        ns: since 1970, or since some other start, in ns, shape (rows,); 0 where there is none.
        missing, wrong: where nothing is written, and where it is no moment, shape (rows,).
        dated: whether they are since 1970.
        how: what was understood, in words.
    """

    ns: NDArray[np.int64]
    missing: NDArray[np.bool_]
    wrong: NDArray[np.bool_]
    dated: bool
    how: str


def moments(column: pl.Series, unit: str, hints: Hints, where: str, mark: str = "point") -> Moments:
    """The moments of a column.

    Args:
        column: of dates, numbers or texts.
        unit: of numbers, where it is told; else they are told by their size.
        hints: of the user.
        where: what errors call the column.
        mark: the decimal mark of numbers.

    Raises:
        ProblemError: dates may be read in two ways, some state a zone and others none, or the unit of numbers
            cannot be told.
    """
    if column.dtype.is_temporal():
        return _temporal(column, where)
    if column.dtype == pl.String:
        text = trimmed(column)
        first = text.drop_nulls().head(_SAMPLE)
        if 2 * int(numbers(first, mark).wrong.sum()) <= len(first):
            return _counted(text, unit, where, mark)
        return _dates(text, hints, where)
    return _counted(column, unit, where, mark)


def _temporal(column: pl.Series, where: str) -> Moments:
    if not isinstance(column.dtype, pl.Datetime | pl.Date):
        raise ProblemError(f"{where} holds times without a date; it {RULE}")
    zone = getattr(column.dtype, "time_zone", None)
    ns = column.cast(pl.Datetime("ns", zone)).to_physical()
    gone = ns.is_null().to_numpy()
    return Moments(ns.fill_null(0).to_numpy(), gone, np.zeros(len(ns), bool), True, "dates")


def _counted(column: pl.Series, unit: str, where: str, mark: str) -> Moments:
    """Numbers of seconds or of parts of them."""
    found = numbers(column, mark)
    good = ~(found.missing | found.wrong)
    size = float(np.median(np.abs(found.values[good]))) if good.any() else 0.0
    epoch = next((name for name, (low, high) in _EPOCHS.items() if low <= size < high), None)
    if not unit and epoch is None and size >= _SHORT:
        raise ProblemError(
            f"{where} holds numbers of about {size:.3g}, which are no seconds since 1970, nor ms, us or ns; "
            "their unit is told by --unit timestamp=s, ms, us or ns (Hints.units)"
        )
    chosen = unit or epoch or "s"
    dated = epoch == chosen
    per = round(UNITS[chosen] * _NS)
    ns = np.zeros(len(column), dtype=np.int64)
    limit = 2**63 / per
    wrong = found.wrong | (good & ~(np.abs(np.where(good, found.values, 0.0)) < limit))
    good &= ~wrong
    if column.dtype.is_integer():
        ns[good] = column.fill_null(0).cast(pl.Int64).to_numpy()[good] * per
    else:  # whole numbers of the unit are exact, and the rest to a double's accuracy
        whole = np.floor(found.values[good])
        ns[good] = whole.astype(np.int64) * per + np.rint((found.values[good] - whole) * per).astype(np.int64)
    how = (
        f"{chosen} since 1970" + ("" if unit else ", by their size")
        if dated
        else f"{chosen} since some start"
    )
    return Moments(ns, found.missing, wrong, dated, how)


def _dates(text: pl.Series, hints: Hints, where: str) -> Moments:
    """Dates as text."""
    missing = text.is_null()
    clean = text.str.strip_chars("[]\"'").str.replace(r"(\d)[Tt](\d)", "${1} ${2}")
    clean = clean.str.replace(r"(:\d{2}),(\d+)", "${1}.${2}")  # Python's logging has a comma
    zones = clean.str.extract(_ZONE, 1)
    local = clean.set(zones.is_not_null(), None).fill_null(
        clean.set(zones.is_null(), None).str.replace(_ZONE_ALONE, "")
    )
    ns, how = _local(local, hints, where)
    naive = zones.is_null() & ~missing
    if zones.null_count() < len(zones):
        offsets = {zone: _offset(zone) for zone in zones.drop_nulls().unique().to_list()}
        shift = zones.replace_strict(list(offsets), list(offsets.values()), default=0, return_dtype=pl.Int64)
        ns = ns - shift.fill_null(0) * _NS
        if naive.any() and hints.zone is None:
            row = int(naive.arg_true()[0])
            raise ProblemError(
                f"{where} states a zone in some rows and none in others, such as {text[row]!r}; the zone of "
                "these is told by --zone +02:00 or --zone Europe/Paris (Hints.zone)"
            )
    if hints.zone is not None and naive.any():
        ns = ns.set(naive, None).fill_null(_in_zone(ns.set(~naive, None), hints.zone))
        how += f", {hints.zone}"
    gone = missing.to_numpy()
    return Moments(ns.fill_null(0).to_numpy(), gone, ns.is_null().to_numpy() & ~gone, True, how)


def _local(local: pl.Series, hints: Hints, where: str) -> tuple[pl.Series, str]:
    """ns since 1970 as if all were UTC, null where a text is no date, and the form in words."""
    local = local.set(~local.str.contains(r"\d{4}"), None)  # the year 26 is not told from the day or 1926
    rest = local.drop_nulls().head(_SAMPLE)
    for form in _SURE:
        if _parsed(rest, form).null_count() < len(rest):
            found = _parsed(local, form)
            return found.fill_null(_others(local.set(found.is_not_null(), None), hints, where)), "dates"
    for forms in _EITHER:
        if min(_parsed(rest, form).null_count() for form in forms) < len(rest):
            found, how = _ordered(local, [_parsed(local, form) for form in forms], hints, where)
            return found.fill_null(_others(local.set(found.is_not_null(), None), hints, where)), how
    return _others(local, hints, where), "dates"


def _parsed(text: pl.Series, form: str) -> pl.Series:
    return text.str.to_datetime(form, time_unit="ns", strict=False).to_physical()


def _ordered(local: pl.Series, both: list[pl.Series], hints: Hints, where: str) -> tuple[pl.Series, str]:
    """Dates that begin with day or month: as told, or where only one is possible, or both are the same."""
    if hints.dates is not None:
        return both[DATES.index(hints.dates)], f"dates, {hints.dates}"
    nulls = [found.null_count() for found in both]
    if nulls[0] != nulls[1]:
        one = nulls.index(min(nulls))
        return both[one], f"dates, {DATES[one]}"
    apart = (both[0] - both[1]).drop_nulls()
    if len(apart) and apart.min() == apart.max():  # one day, whichever it is
        return both[1], "dates of one day"
    row = int((both[0] != both[1]).arg_true()[0])
    raise ProblemError(
        f"{where} holds {local[row]!r}, which begins with a day or with a month; say which by --dates "
        "day-first or month-first (Hints.dates)"
    )


def _others(local: pl.Series, hints: Hints, where: str) -> pl.Series:
    """Dates in any other form that dateutil knows: with a year of four digits, and read in one way only."""
    if local.null_count() == len(local):
        return pl.Series([None] * len(local), dtype=pl.Int64)
    from dateutil import parser  # seldom needed

    known: dict[str, int | None] = {}
    for text in local.drop_nulls().unique(maintain_order=True).to_list():
        found = []
        for day_first in (hints.dates == DATES[0],) if hints.dates else (True, False):
            try:
                found.append(parser.parse(text, dayfirst=day_first).replace(tzinfo=None))
            except (ValueError, OverflowError, parser.UnknownTimezoneWarning):
                break
        if not found or ":" not in text:
            known[text] = None
        elif found[0] != found[-1]:
            raise ProblemError(
                f"{where} holds {text!r}, which begins with a day or with a month; say which by --dates "
                "day-first or month-first (Hints.dates)"
            )
        else:
            known[text] = int(np.datetime64(found[0], "ns").astype(np.int64))
    values: list[Any] = [known.get(text) if text is not None else None for text in local.to_list()]
    return pl.Series(values, dtype=pl.Int64)


def _offset(zone: str) -> int:
    """Seconds that a zone is ahead of UTC."""
    if not zone[1:2].isdigit():
        return 0  # Z, UTC, GMT
    digits = zone[1:].replace(":", "").ljust(4, "0")
    return (1 if zone[0] == "+" else -1) * (3600 * int(digits[:2]) + 60 * int(digits[2:]))


def _in_zone(ns: pl.Series, zone: str) -> pl.Series:
    """ns since 1970 UTC, of local times in a zone (ProblemError: there is no such zone)."""
    if re.fullmatch(r"[+-]\d{2}(:?\d{2})?", zone):
        return ns - _offset(zone) * _NS
    try:
        local = ns.cast(pl.Datetime("ns")).dt.replace_time_zone(
            zone, ambiguous="earliest", non_existent="null"
        )
    except pl.exceptions.PolarsError as error:
        raise ProblemError(
            f"zone is {zone!r}; it must be an offset as +02:00 or a name as Europe/Paris"
        ) from error
    return local.to_physical()


def times_of(timestamps: Any) -> Times:
    """Moments in memory, in the order given; seconds are from the first.

    Args:
        timestamps: numbers, dates as text, or datetime64; shape (rows,).

    Raises:
        ProblemError: one is no moment, or they may be read in two ways.
    """
    shape = np.shape(timestamps)
    if len(shape) != 1:
        raise ProblemError(f"timestamps has shape {shape}; it must be one list")
    column = from_array(timestamps)
    found = moments(column, "", Hints(), "timestamps")
    bad = found.missing | found.wrong
    if bad.any():
        row = int(np.argmax(bad))
        raise ProblemError(f"timestamps holds {reprlib.repr(column[row])} in row {row + 1}; it {RULE}")
    start = int(found.ns[0]) if found.dated and len(found.ns) else None
    return Times(np.asarray((found.ns - found.ns[:1]) / _NS), start)
