"""What simulations share: estimates with intervals, and quantiles from a logarithmic histogram."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvxtoken.arrays import FloatArray

CONFIDENCE = 0.95
RESOLUTION = 0.01  # relative width of the histogram's bins
_DECADES = 9  # that the histogram spans on either side of its unit
_STEP = float(np.log1p(RESOLUTION))
BINS = int(np.ceil(2 * _DECADES * np.log(10) / _STEP))


@dataclass(frozen=True)
class Estimate:
    """A mean over independent replications with its 95 % confidence interval.

    Attributes:
        value, low, high: the estimate and the interval, in the unit of what is measured.
        predicted: the value by the closed forms; None where they give none.
    """

    value: float
    low: float
    high: float
    predicted: float | None = None


def estimate(values: FloatArray, predicted: float | None = None) -> Estimate:
    """Mean and Student's t interval of values of shape (R,), one a replication; NaN for fewer than 2."""
    values = values[np.isfinite(values)]
    if len(values) < 2:
        return Estimate(float("nan"), float("nan"), float("nan"), predicted)
    from scipy.special import stdtrit  # slow to import, and only intervals need it

    value, spread = float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))
    half = spread * float(stdtrit(len(values) - 1, (1 + CONFIDENCE) / 2))
    return Estimate(value, value - half, value + half, predicted)


def histogram(times: FloatArray, unit: float) -> FloatArray:
    """Counts in bins of 1 % relative width, shape (BINS,); the first bin also holds all smaller values."""
    with np.errstate(divide="ignore"):
        position = np.log(times * (1 / unit)) * (1 / _STEP)
    bins = np.clip(position + BINS / 2, 0, BINS - 1).astype(np.int64)
    return np.bincount(bins, minlength=BINS).astype(np.float64)


def quantile(counts: FloatArray, share: float, unit: float) -> float:
    """The middle of the bin in which a histogram passes a share of its counts; 0 in the first bin."""
    number = int(np.searchsorted(np.cumsum(counts), share * counts.sum()))
    return float(unit * np.exp((number + 0.5 - BINS / 2) * _STEP)) if number else 0.0
