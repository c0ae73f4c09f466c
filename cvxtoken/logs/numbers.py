"""Numbers as people write them: thousands apart, a decimal comma, per cent; and what stands for no value."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cvxtoken.arrays import FloatArray
from cvxtoken.errors import ProblemError

NOTHING = ("", "nan", "null", "none", "na", "n/a", "<na>", "nat")
_COMMA_GROUPS, _POINT_GROUPS = (rf"^[+-]?[1-9]\d{{0,2}}([{mark}]\d{{3}})+$" for mark in ",.")
_DECIMAL_COMMA = r"^[+-]?(\d+|[1-9]\d{0,2}(\.\d{3})+|\d{1,3}([ '_\u00a0\u202f]\d{3})+)?,\d+([eE][+-]?\d+)?$"
_DECIMAL_POINT = r"^[+-]?(\d+|[1-9]\d{0,2}(,\d{3})+|\d{1,3}([ '_\u00a0\u202f]\d{3})+)?\.\d*([eE][+-]?\d+)?$"
_SPACES = r"[ '_\u00a0\u202f]"
_SPACED = r"^[+-]?\d{1,3}([ '_\u00a0\u202f]\d{3})+"


@dataclass(frozen=True, eq=False)
class Values:
    """The numbers of a column.

    Attributes:
        values: shape (rows,); NaN where there is none.
        missing: where nothing is written, shape (rows,).
        wrong: where what is written is no finite number, shape (rows,).
    """

    values: FloatArray
    missing: NDArray[np.bool_]
    wrong: NDArray[np.bool_]


def trimmed(column: pl.Series) -> pl.Series:
    """The texts of a column without blanks around them; null where nothing is written."""
    text = column.str.strip_chars()
    return text.set(text.str.to_lowercase().is_in(NOTHING), None)


def decimal_mark(columns: Iterable[tuple[pl.Series, bool, str]], origin: str, told: str | None) -> str:
    """Whether a table has a decimal point or a comma.

    Args:
        columns: those with numbers: the values, whether they are whole numbers by nature (tokens), and what
            the table calls them.
        origin: what errors call the table.
        told: what the user says.

    Raises:
        ProblemError: both occur, or what there is may be either.
    """
    if told is not None:
        return told
    sure: dict[str, tuple[str, str]] = {}
    doubtful: tuple[str, str] | None = None
    for column, whole, name in columns:
        if column.dtype != pl.String:
            continue
        text = column.str.strip_chars(" \t%")
        for mark, pattern, groups in (
            ("comma", _DECIMAL_COMMA, _COMMA_GROUPS),
            ("point", _DECIMAL_POINT, _POINT_GROUPS),
        ):
            marked = text.filter(text.str.contains(pattern).fill_null(False))
            certain = marked.filter(~marked.str.contains(groups))
            if len(certain):
                sure.setdefault(mark, (name, certain[0]))
            elif len(marked) and (mark == "point") == whole:  # 1,024 tokens are whole; 1.024 tokens are not
                doubtful = doubtful or (name, marked[0])
    if len(sure) > 1:
        (a, x), (b, y) = sure.values()
        raise ProblemError(
            f"{origin}: {a!r} holds {x!r} and {b!r} holds {y!r}; say by --decimal point or comma "
            "(Hints.decimal) which is the decimal mark"
        )
    if doubtful is not None and not sure:
        name, value = doubtful
        raise ProblemError(
            f"{origin}: {name!r} holds {value!r}, which is one number with a decimal point and another "
            "with a decimal comma; say which by --decimal point or comma (Hints.decimal)"
        )
    return next(iter(sure), "point")


def numbers(column: pl.Series, mark: str = "point") -> Values:
    """The numbers of a column.

    Args:
        column: of numbers, or of texts.
        mark: point or comma, of texts.
    """
    if column.dtype == pl.String:
        text = trimmed(column)
        missing = text.is_null()
        found = _cast(text) if mark == "point" else _cast(text).set(text.str.contains(_POINT_GROUPS), None)
        values = found.to_numpy().astype(np.float64)
        left = (found.is_null() & ~missing).to_numpy()
        if left.any():
            values[left] = _spelled(text.filter(pl.Series(left)), mark)
    elif column.dtype.is_numeric() or column.dtype == pl.Boolean:
        values = column.cast(pl.Float64).to_numpy().astype(np.float64)
        missing = column.is_null() | pl.Series(np.isnan(values))
    else:  # dates, lists
        values, missing = np.full(len(column), np.nan), column.is_null()
    gone = missing.to_numpy().astype(bool)
    return Values(values, gone, ~gone & ~np.isfinite(values))


def _cast(text: pl.Series) -> pl.Series:
    return text.cast(pl.Float64, strict=False)


def _spelled(text: pl.Series, mark: str) -> FloatArray:
    """The numbers of texts with thousands apart or a decimal comma; NaN where a text is none of these."""
    decimal, group = (",", ".") if mark == "comma" else (".", ",")
    spaced = text.str.contains(_SPACED + rf"(\{decimal}\d+)?$")
    dense = text.str.replace_all(_SPACES, "").zip_with(spaced, text)
    good = spaced | text.str.contains(_DECIMAL_COMMA if mark == "comma" else _DECIMAL_POINT)
    good |= text.str.contains(_POINT_GROUPS if mark == "comma" else _COMMA_GROUPS)
    plain = dense.str.replace_all(group, "", literal=True).str.replace(decimal, ".", literal=True)
    return np.where(good.to_numpy(), _cast(plain).to_numpy(), np.nan)
