"""Seconds: what cannot be seconds is questioned, in one way for all commands."""

from __future__ import annotations

import numpy as np

from cvxtoken.arrays import FloatArray
from cvxtoken.errors import ProblemError

# Seconds that a token takes. A request alone on the fastest hardware gets some thousand tokens a second, and
# one that gets fewer than four is read faster than it is written. These are limits of what goes without a
# question, not of what is possible, and ours.
LEAST, MOST = 1e-4, 0.25
FIRST_TOKEN = 60.0  # s to the first token at low load, likewise


def check_pace(
    seconds: FloatArray, tokens: FloatArray | None, where: str, ours: str, used: bool = True
) -> None:
    """Question times that are no seconds: those of most rows with tokens are out of all proportion to them.

    The median over the rows of seconds a token is taken, and of all rows' seconds where no tokens are known.

    Args:
        seconds: shape (rows,); NaN where not known.
        tokens: generated in them, shape (rows,); None for seconds of one token each.
        where: what errors call the column.
        ours: our name of it.
        used: whether the tokens were generated, not only allowed; otherwise few seconds are no question.

    Raises:
        ProblemError: they are outside the limits.
    """
    count = np.ones_like(seconds) if tokens is None else tokens
    rows = np.isfinite(seconds) & (count > 0)
    if not rows.any():
        return
    pace = float(np.median(seconds[rows] / count[rows]))
    if pace > MOST or (used and pace < LEAST):
        _question(where, f"{pace:.3g} s a token in the median", ours)


def check_first_token(seconds: FloatArray, where: str, ours: str) -> None:
    """Question times to the first token, likewise (ProblemError)."""
    known = seconds[np.isfinite(seconds)]
    if len(known) and float(np.median(known)) > FIRST_TOKEN:
        _question(where, f"{float(np.median(known)):.3g} s to the first token in the median", ours)


def _question(where: str, what: str, ours: str) -> None:
    raise ProblemError(
        f"{where}: {what}, so that these seem to be no seconds; their unit is told by --unit {ours}=ms "
        "(or us, ns, or s if they are seconds; Hints.units)"
    )
