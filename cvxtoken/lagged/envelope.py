"""The concave envelope of lagged curves, piece by piece, with some types told what to do (derived here).

On [0, l_max] the envelope of p is a chord from (0, D) that touches p at l1, then p itself. At the touching
point the chord's slope is the curve's: with x = b (l1 - l0),

    e^x - 1 = x + b l0;   where that lies beyond l_max, the chord ends at l_max.

Every type is then l = base + a + d with 0 <= a <= chord (its part on the chord, at `slope` each) and
0 <= d <= room (its part on the curve), and

    envelope = level + slope a + gain (1 - exp(-b d)).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from cvxtoken.arrays import FloatArray
from cvxtoken.lagged.problem import LaggedWorkload

_NEWTON = 12  # quadratic from the start: enough for float64


class Choice(IntEnum):
    """What a type with a lag is told to do."""

    FREE = 0
    OFF = 1
    ON = 2


Choices = NDArray[np.int64]


@dataclass(frozen=True)
class Pieces:
    """The envelope of every type; fields of shape (N,), named in the module's text."""

    base: FloatArray
    chord: FloatArray
    slope: FloatArray
    level: FloatArray
    gain: FloatArray
    room: FloatArray


def touching_points(problem: LaggedWorkload) -> FloatArray:
    """l1 of every type, at most l_max, shape (N,); 0 without a lag.

    Newton's method on the convex e^x - 1 - x - b l0, which falls to the root from any point above it, such as
    the smaller of sqrt(2 b l0) and 1 + ln(1 + 2 b l0).
    """
    w = problem.workload
    excess = w.saturation_rate * problem.lag
    x = np.minimum(np.sqrt(2 * excess), 1 + np.log1p(2 * excess))
    for _ in range(_NEWTON):
        growth = np.expm1(x)
        x = x - np.divide(growth - x - excess, growth, out=np.zeros_like(x), where=growth > 0)
    return np.asarray(np.minimum(problem.lag + x / w.saturation_rate, w.max_tokens))


def pieces(problem: LaggedWorkload, choices: Choices) -> Pieces:
    """The envelope where each type is free, off (no tokens) or on (beyond its lag)."""
    w, l0 = problem.workload, problem.lag
    l_max, A, D = w.max_tokens, w.accuracy_gain, w.base_accuracy
    lagged = l0 > 0
    off, on = choices == Choice.OFF, choices == Choice.ON
    l1 = touching_points(problem)
    chord = np.where(off | on | ~lagged, 0.0, l1)
    risen = problem.accuracy(l1) - D
    slope = np.divide(risen, l1, out=np.zeros_like(l1), where=(chord > 0) & (l1 > 0))
    base = np.where(on, np.minimum(l0, l_max), 0.0)
    level = D
    gain = np.where(chord > 0, A - risen, A)  # A exp(-b (l1 - l0)): what is left to gain
    room = np.where(off, 0.0, l_max - base - chord)
    hopeless = (l0 >= l_max) & lagged
    return Pieces(base, chord, slope, level, np.where(hopeless, 0.0, gain), np.where(hopeless, 0.0, room))
