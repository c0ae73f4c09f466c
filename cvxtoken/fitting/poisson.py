"""Tests of Poisson arrivals that know the resolution of the log's clock.

A clock of resolution r tells of an arrival only its cell, [k r, (k + 1) r). Poisson arrivals of rate lambda
fill the cells with independent Poisson numbers of mean mu = lambda r, however coarse the clock. So ties are
no departure, and both tests are made on the cells: of the distances between cells that are not empty, which
are geometric, and of the counts in windows of whole cells. A fine clock has r near 0: then the first is
Lewis's test, and the second the usual one of dispersion. Nothing is drawn: a log has the same p-values again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtr, chdtrc

from cvxtoken.arrays import FloatArray, IntArray

FEWEST = 5  # windows of a dispersion, and mean arrivals in one: below, chi-square is not its law
_GROWTH = 4  # from one scale of windows to the next
_MOST_TESTED = 100_000  # intervals that Lewis's test takes; with so many it is sharp enough
_FINEST, _COARSE = 1e-9, 1e-5  # s
_HELD = 5e-7  # s; twice the distance of doubles at 2e9, the number of seconds from 1970 to 2033


@dataclass(frozen=True)
class Dispersion:
    """How much the counts in windows of one length vary.

    Attributes:
        window: in s.
        mean: arrivals in a window.
        index: variance over mean of the counts; 1 for Poisson arrivals.
        p: two-sided, of (m - 1) index as chi-square with m - 1 degrees of freedom, m the number of windows.
    """

    window: float
    mean: float
    index: float
    p: float


def cells_of(times: FloatArray) -> tuple[float, IntArray]:
    """Resolution r of the clock in s, and the cell of each arrival, counted from the first's, shape (n,).

    r is the greatest common divisor of all intervals: in nanoseconds, or in units of 10 us where all times
    are so near to whole ones as doubles hold seconds since 1970.

    Args:
        times: in s, ascending, not all the same.
    """
    since = times - times[0]
    unit = _COARSE if (np.abs(since - _COARSE * np.rint(since / _COARSE)) <= _HELD).all() else _FINEST
    ticks = np.rint(since / unit).astype(np.int64)
    divisor = max(1, int(np.gcd.reduce(np.unique(np.diff(ticks)))))
    return divisor * unit, ticks // divisor


def variation_of(cells: IntArray) -> float:
    """Coefficient of variation of the intervals, over that of Poisson arrivals on the same cells (near 1).

    Intervals of Poisson arrivals, each told to its cell, have the squared coefficient mu coth(mu / 2) - 1: of
    mu arrivals a cell all but about one follow at no distance (derived here).
    """
    gaps = np.diff(cells)
    mu = 1 / gaps.mean()
    return float(gaps.std(ddof=1) * mu / np.sqrt(mu / np.tanh(mu / 2) - 1))


def interval_p(cells: IntArray) -> float:
    """The p-value of geometric distances between the cells that are not empty.

    Let d_v of the N_v distances that are at least v be v. Of Poisson arrivals each of these N_v trials ends a
    distance with the same probability 1 - exp(-mu), whatever v. So, taken in the order of v, the n - 1 first
    endings are a random choice among all S - 1 trials but the last, and their share is compared with that of
    the trials after every v, by the law of Kolmogorov and Smirnov, for a choice without replacement with the
    factor (1 - (n - 1) / (S - 1))^(1/2). Where v has few values the test is conservative.

    Source: for a clock without cells (S infinite) Lewis's test (Biometrika 1965); on cells derived here.
    """
    from scipy.stats import kstwo  # slow to import, and only fits need it

    gaps = np.diff(np.unique(cells))
    gaps = gaps[:: -(-len(gaps) // _MOST_TESTED) or 1]
    n, S = len(gaps), int(gaps.sum())
    if n < 2 or n == S:
        return 1.0
    ages, ended = np.unique(gaps, return_counts=True)
    endings = np.cumsum(ended)
    at_risk = n - endings + ended
    trials: IntArray = np.cumsum(np.diff(ages, prepend=0) * at_risk)
    before = np.abs((n - at_risk) / (n - 1) - (trials - at_risk) / (S - 1))
    after = np.abs(endings / (n - 1) - trials / (S - 1))[:-1]
    most = max(before.max(), after.max(initial=0.0)) / np.sqrt(1 - (n - 1) / (S - 1))
    return float(kstwo.sf(min(most, 1.0), n - 1))


def dispersions(cells: IntArray, resolution: float) -> list[Dispersion]:
    """Of counts in windows of about 5, 20, 80, ... arrivals, as long as there are 5 windows.

    Only whole cells between those of the first and the last arrival are counted.
    """
    inner = cells[(cells > 0) & (cells < cells[-1])] - 1
    width, found = int(cells[-1]) - 1, []
    scale = FEWEST * width / max(len(inner), 1)  # cells that hold so many arrivals
    while width >= FEWEST * max(1, scale):
        whole = max(1, int(np.ceil(scale)))
        counts = np.bincount(inner // whole, minlength=width // whole)[: width // whole]
        found.append(_dispersion(counts, np.zeros(len(counts), np.int64), whole * resolution))
        scale = max(scale, 1) * _GROWTH
    return [one for one in found if one is not None]


def within(cells: IntArray, resolution: float, seconds: float, start: float) -> list[Dispersion]:
    """The same of windows of at most a quarter of `seconds`, about the means of the periods of that length.

    So slow changes of the rate do not count. `start` is where in a period the first arrival is, in s.
    """
    inner = cells[(cells > 0) & (cells < cells[-1])] - 1
    width, found = int(cells[-1]) - 1, []
    scale = max(1.0, FEWEST * width / max(len(inner), 1))
    while scale * resolution <= seconds / 4:
        whole = int(np.ceil(scale))
        counts = np.bincount(inner // whole, minlength=width // whole)[: width // whole]
        middles = start + resolution * whole * (np.arange(len(counts)) + 0.5)
        found.append(_dispersion(counts, (middles // seconds).astype(np.int64), whole * resolution))
        scale *= _GROWTH
    return [one for one in found if one is not None]


def smallest(found: Sequence[Dispersion]) -> float:
    """The least p-value of several, times their number (Bonferroni)."""
    return min([1.0, *(len(found) * one.p for one in found)])


def _dispersion(counts: IntArray, group: IntArray, window: float) -> Dispersion | None:
    """About the means of the groups; None where fewer than 5 windows or no arrivals are left."""
    _, place, sizes = np.unique(group, return_inverse=True, return_counts=True)
    means = (np.bincount(place, counts) / sizes)[place]
    there = means > 0
    free = int(there.sum()) - len(np.unique(place[there]))
    if free < FEWEST - 1:
        return None
    square = float(((counts - means)[there] ** 2 / means[there]).sum())
    tails = chdtr(free, square), chdtrc(free, square)
    return Dispersion(window, float(counts.mean()), square / free, float(min(1.0, 2 * min(tails))))
