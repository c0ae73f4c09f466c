"""Whether times follow a straight line, in one word and one sentence.

The line is held against a broken line with one corner, at the x of the data where that fits best:

    t = a + s x + d (x - k)^+.

It bends where the broken line is better by more than chance (an F test at 1 %, times the number of corners
tried) and moves some time by more than 10 %. A bend upward is `flat then linear` where the time rises by no
more than 10 % before it, else `kinked`. A bend downward is `not a line`: an iteration of a mixture of
experts loads more experts the more requests run, until it loads all; so is one that two lines miss by more
than 20 %. Where nothing bends, the line `fits`, unless the root mean square of its relative errors, over the
mean times at each x, is above 10 %, or above 5 % with an R^2 below 0.9: `not a line`. These shares are our
choice. Of 2000 data sets on a line, with 10 rows whose scatter is a share of the time, none was called
anything else where that is 3 %, and 49 were where it is 6 %.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import fdtrc

from cvxtoken.arrays import FloatArray
from cvxtoken.fitting.line import Line, fit_line

LEVEL = 0.01
TOLERANCE = 0.1  # of a time
LEAST_SIZES = 3  # distinct x: two for a line, and one more to see whether it holds
_LEAST_R_SQUARED = 0.9  # of a line whose errors are over half the tolerance
_MOST_CORNERS = 100
_EXACT = 1e-12  # relative; residuals below are rounding


@dataclass(frozen=True)
class Bend:
    """The broken line that fits best.

    Attributes:
        corner: k.
        before, after: its slopes.
        start: its value at the smallest x.
        p_value: of the straight line against it.
        moved: by how much the straight line differs from it, at most, as a share of it.
        error: its own largest error, as a share of the time.
    """

    corner: float
    before: float
    after: float
    start: float
    p_value: float
    moved: float
    error: float


@dataclass(frozen=True)
class Judgement:
    """What the data say of a line.

    Attributes:
        verdict: one of fits, flat then linear, kinked, not a line.
        sentence: why.
        line: through all rows, or through those of the linear part.
        holds: the smallest and the largest x between which the line holds; None where it does not.
    """

    verdict: str
    sentence: str
    line: Line
    holds: tuple[float, float] | None


def judge(x: FloatArray, t: FloatArray, symbol: str) -> Judgement:
    """The verdict on times at three or more different x; `symbol` is what the sentence calls x."""
    line = fit_line(x, t)
    sizes, means = means_by_size(x, t)
    bend = best_bend(x, t, line)
    if bend is not None and bend.p_value < LEVEL and bend.moved > TOLERANCE:
        return _bent(x, t, line, bend, symbol)
    errors = np.round(line(sizes) / means - 1, 6) + 0.0  # which is the largest is no matter of rounding
    rms, worst = float(np.sqrt(np.mean(errors**2))), int(np.argmax(np.abs(errors)))
    told = (
        f"R^2 {line.r_squared:.4f}, errors of {100 * rms:.1f} % (root mean square), the largest "
        f"{100 * errors[worst]:+.1f} % at {symbol} = {sizes[worst]:g}"
    )
    if rms > TOLERANCE or (rms > TOLERANCE / 2 and fit_line(sizes, means).r_squared < _LEAST_R_SQUARED):
        return Judgement("not a line", told, line, None)
    return Judgement("fits", told, line, (float(x.min()), float(x.max())))


def means_by_size(x: FloatArray, t: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The different x, in increasing order, and the mean time at each."""
    sizes, place = np.unique(x, return_inverse=True)
    return sizes, np.bincount(place, weights=t) / np.bincount(place)


def best_bend(x: FloatArray, t: FloatArray, line: Line) -> Bend | None:
    """The best broken line; None where too few rows are left to test it with."""
    sizes, free = np.unique(x), len(x) - 4
    if len(sizes) < LEAST_SIZES + 1 or free < 1:
        return None
    corners = sizes[1:-1][:: max(1, len(sizes) // _MOST_CORNERS)]
    fits = [_broken(x, t, corner) for corner in corners]
    losses = [float(((t - form) ** 2).sum()) for _, form in fits]
    best = int(np.argmin(losses))
    (a, s, d), form = fits[best]
    straight = t - line(x)
    loss = max(losses[best], _EXACT**2 * float(t @ t))
    p_value = float(fdtrc(2, free, max(float(straight @ straight) - loss, 0.0) / 2 / (loss / free)))
    return Bend(
        corner=float(corners[best]),
        before=s,
        after=s + d,
        start=a + s * float(x.min()),
        p_value=min(p_value * len(corners), 1.0),
        moved=float(np.max(np.abs(line(x) - form) / form)) if (form > 0).all() else np.inf,
        error=float(np.max(np.abs(form / t - 1))),
    )


def _broken(x: FloatArray, t: FloatArray, corner: float) -> tuple[tuple[float, float, float], FloatArray]:
    """Least squares with a corner: a, s and d, and the broken line at the rows."""
    X = np.column_stack([np.ones_like(x), x, np.maximum(x - corner, 0)])
    a, s, d = (float(value) for value in np.linalg.lstsq(X, t, rcond=None)[0])
    return (a, s, d), np.asarray(X @ np.array([a, s, d]))


def _bent(x: FloatArray, t: FloatArray, line: Line, bend: Bend, symbol: str) -> Judgement:
    """The verdict where a broken line is better by more than chance."""
    k = bend.corner
    slopes = (
        f"the slope is {bend.before:.3g} s up to {symbol} = {k:g} and {bend.after:.3g} s beyond "
        f"(p = {bend.p_value:.2g})"
    )
    told = f"one line for all is wrong by up to {100 * bend.moved:.0f} %: {slopes}"
    if bend.after < bend.before or bend.error > 2 * TOLERANCE:
        why = ", as with a mixture of experts" if bend.after < bend.before else ", and two lines miss, too"
        return Judgement("not a line", told + why, line, None)
    upper = x >= k
    flat = abs(bend.before) * (k - float(x.min())) <= TOLERANCE * bend.start
    if not flat or len(np.unique(x[upper])) < LEAST_SIZES:
        return Judgement("kinked", f"{told}; fit the rows on one side of it", line, None)
    part = fit_line(x[upper], t[upper])
    level = float(np.mean(t[x < k]))
    sentence = (
        f"flat at about {level:.3g} s below {symbol} = {k:g}, where the line is too low; it is fitted to the "
        f"{int(upper.sum())} rows from there on, R^2 {part.r_squared:.4f}"
    )
    return Judgement("flat then linear", sentence, part, (k, float(x.max())))
