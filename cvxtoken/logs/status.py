"""Whether requests failed, by what a log says of them: a word, an HTTP status, an error, or success."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cvxtoken.logs.names import plain
from cvxtoken.logs.numbers import trimmed

_FAILED = (
    *("error", "errored", "failed", "failure", "fail", "timeout", "timedout"),
    *("cancelled", "canceled", "aborted", "exception", "rejected"),
)
_NO = ("false", "no", "0", "n", "f")
_HTTP_ERROR = 400


def failed(columns: Sequence[tuple[str, pl.Series]]) -> NDArray[np.bool_]:
    """Which rows are of failed requests, from columns with their names, shape (rows,); by any of them."""
    found = [_failed(plain(name), column) for name, column in columns]
    return np.asarray(np.any(found, axis=0))


def _failed(name: str, column: pl.Series) -> NDArray[np.bool_]:
    text = trimmed(column.cast(pl.String)).str.to_lowercase()
    if name.startswith("success"):
        bad = text.is_in(_NO)
    elif name.startswith("error"):  # any error but one that says there is none
        bad = text.is_not_null() & ~text.is_in(_NO)
    else:
        bad = text.str.replace_all(r"[\s_-]", "").is_in(_FAILED)
        bad |= (text.cast(pl.Float64, strict=False) >= _HTTP_ERROR).fill_null(False)
    return np.asarray(bad.fill_null(False).to_numpy(), dtype=bool)
