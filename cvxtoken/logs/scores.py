"""Right and wrong, and scores between: the words of tools, per cent, and numbers from 0 to 1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from cvxtoken.logs.columns import PERCENT
from cvxtoken.logs.numbers import Values, numbers, trimmed

RULE = (
    "must be right or wrong (1 or 0, true or false, yes or no, PASS or FAIL, C or I) or a score from 0 to 1; "
    "scores from 0 to 100 are told by --unit correct=percent (Hints.units)"
)
_RIGHT = ("true", "t", "yes", "y", "pass", "passed", "correct", "right", "c")
_WRONG = ("false", "f", "no", "n", "fail", "failed", "incorrect", "wrong", "i", "noanswer")
# Inspect's values of C, I, P (partial) and N (no answer): 1, 0, 0.5 and 0 (value_to_float)
_WORDS = dict.fromkeys(_RIGHT, 1.0) | dict.fromkeys(_WRONG, 0.0) | {"partial": 0.5}


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores from 0 to 1, and what was done to get them, in words (nothing where nothing was)."""

    found: Values
    how: str


def scores(column: pl.Series, mark: str, unit: str) -> Scores:
    """The scores of a column; `unit` is percent where the user says so."""
    how, scale = "", 1.0
    if column.dtype == pl.String:
        text = trimmed(column).str.to_lowercase()
        words = {word for word in text.drop_nulls().unique().to_list() if not _is_number(word)}
        if any(word.endswith("%") for word in words):  # then all are, but for 0
            text = text.str.replace(r"\s*%$", "").set(~(text.str.ends_with("%") | (text == "0")), "?")
            found, how, scale = numbers(text, mark), "per cent", 0.01
        elif words:
            known = _WORDS | _partial(words)
            chosen = {word: known[word] for word in words if word in known}
            found = numbers(text.replace({word: str(value) for word, value in chosen.items()}), mark)
            how = "; ".join(f"{word} is {value:g}" for word, value in sorted(chosen.items()))
        else:
            found = numbers(text, mark)
    else:
        found = numbers(column, mark)
    if unit == PERCENT:
        how, scale = "per cent", 0.01
    values = found.values * scale if scale != 1.0 else found.values
    wrong = found.wrong | (~found.missing & ~((values >= 0) & (values <= 1)))
    graded = int(np.sum((values > 0) & (values < 1)))
    notes = [how] if how else []
    notes += [f"{graded} of them between right and wrong"] if graded else []
    return Scores(Values(values, found.missing, wrong), ", ".join(notes))


def _partial(words: set[str]) -> dict[str, float]:
    """What P means: partial beside C or I, pass beside F; alone it is not known."""
    if words & {"c", "i"}:
        return {"p": 0.5}
    return {"p": 1.0} if "f" in words else {}


def _is_number(word: str) -> bool:
    return word[-1:].isdigit() or word[-1:] == "."
