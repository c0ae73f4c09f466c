"""Whether mean service times follow a straight line, in one word and one sentence.

Mean times m at n groups of equal or neighbouring tokens have independent errors of variance v = s^2 / rows.
Let N span what a line leaves free (N' (1, l) = 0). Under a line N' m has mean 0 and covariance N' diag(v) N,
so that T = m' N (N' diag(v) N)^-1 N' m is chi-square with n - 2 degrees of freedom, however the line was
fitted.

A line is doubted where T is larger than chance allows (at 1 %) and the line misses some mean time by more
than 10 % of it (our choice). The verdict is then `saturates` where the times bend downward, as they do where
longer budgets are used up less and less, `steepens` where they bend upward, else `misfit`. With fewer than
three groups there is nothing to tell (`too few`), and else the line `fits`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg
from scipy.special import chdtrc

from cvxtoken.arrays import FloatArray

LEVEL = 0.01
TOLERANCE = 0.1  # of a mean time
_MOST_GROUPS = 40
_LEAST_ROWS = 8  # of a group
_LEAST_GROUPS = 3
_EXACT = 1e-6  # relative; a scatter below is rounding


@dataclass(frozen=True)
class Straightness:
    """What the mean times say of a line.

    Attributes:
        verdict: one of fits, saturates, steepens, misfit, too few.
        sentence: why.
        p_value: of the line; None where there are too few groups.
    """

    verdict: str
    sentence: str
    p_value: float | None

    @property
    def holds(self) -> bool:
        """Whether nothing speaks against a line."""
        return self.verdict in ("fits", "too few")


def straightness(l: FloatArray, t: FloatArray, line: tuple[float, float]) -> Straightness:
    """Hold the line t0 + c l against mean times.

    Args:
        l: tokens of each row, shape (rows,).
        t: seconds of each row, shape (rows,).
        line: t0 and c.
    """
    tokens, means, variances = _groups(l, t)
    if len(tokens) < _LEAST_GROUPS:
        return Straightness("too few", f"{len(tokens)} groups of times cannot test a line", None)
    said = line[0] + line[1] * tokens
    N = linalg.null_space(np.stack([np.ones_like(tokens), tokens / tokens.max()]))
    free = N.T @ means
    T = float(free @ np.linalg.solve(N.T @ (variances[:, None] * N), free))
    p_value = float(chdtrc(N.shape[1], T))
    errors = np.round(said / means - 1, 6) + 0.0  # which is the largest is no matter of rounding
    worst = int(np.argmax(np.abs(errors)))
    told = (
        f"a line misses a mean time by {100 * errors[worst]:+.1f} % at most, at {tokens[worst]:.0f} tokens "
        f"(p = {p_value:.2g})"
    )
    if p_value >= LEVEL or abs(errors[worst]) <= TOLERANCE:
        return Straightness("fits", told, p_value)
    curvature = float(np.polyfit(tokens / tokens.max(), means, 2, w=1 / np.sqrt(variances))[0])
    middle = tokens[(said < means) if curvature < 0 else (said > means)]
    bent = len(middle) > 0 and tokens[0] < middle.min() and middle.max() < tokens[-1]
    verdict = ("saturates" if curvature < 0 else "steepens") if bent else "misfit"
    return Straightness(verdict, f"{told}{_MEANING[verdict]}", p_value)


_MEANING = {
    "saturates": "; times rise ever less: a line is too flat at small budgets and too steep at large ones",
    "steepens": "; times rise ever more: a line is too steep at small budgets and too flat at large ones",
    "misfit": "",
}


def _groups(l: FloatArray, t: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean tokens, mean times and the variances of these, by tokens or by groups of neighbouring tokens.

    The variance of a mean is that within its group, or within all groups where its own rows are fewer than
    eight.
    """
    order = np.argsort(l, kind="stable")
    distinct, place = np.unique(l[order], return_inverse=True)
    edges = np.linspace(0, len(l), min(_MOST_GROUPS, max(len(l) // _LEAST_ROWS, 1)) + 1)
    if len(distinct) <= _MOST_GROUPS and (np.bincount(place) >= _LEAST_ROWS).all():
        group = place
    else:  # all rows of equal tokens stay together
        first = np.searchsorted(l[order], distinct)
        group = np.unique(np.searchsorted(edges, first, side="right"), return_inverse=True)[1][place]
    rows = np.bincount(group)
    tokens, means = (np.bincount(group, weights=x[order]) / rows for x in (l, t))
    squares = np.bincount(group, weights=(t[order] - means[group]) ** 2)
    within = squares / np.maximum(rows - 1, 1)
    within = np.where(rows >= _LEAST_ROWS, within, squares.sum() / max(len(l) - len(rows), 1))
    return tokens, means, np.maximum(within, (_EXACT * means) ** 2) / rows
