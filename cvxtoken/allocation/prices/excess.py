"""What a type's cost exceeds its least by, bounded from above in doubles (derived in docs/arrays.md).

    phi(x) = G(x) + sig x,   G(x) = gain e^-x,   e = phi(x) - min over [0, X] of phi.

Near the least e is bounded by squares of G - sig, where nothing cancels but in that difference, whose error
enters squared. Far from it by its own formula, sig (Q - 1 - ln Q), Q = G / sig, or at the end of the range.
"""

from __future__ import annotations

import numpy as np

from cvxtoken.arrays import FloatArray
from cvxtoken.rigorous.elementary import FARTHEST, decay, log
from cvxtoken.rigorous.elementwise import elementwise
from cvxtoken.rigorous.pairs import U

G_ERROR = 6 * U  # relative, of G
SIG_ERROR = 32 * U  # of sig, relative to the sum of its parts: their rounding
_OUT = 1 + 2.0**-40  # covers the rounding of a few operations on what is not negative
FAR = 0.005  # of |sig|, of e; nearer to the least, the squares are within some 7 % of it
_SURE = 2.0**-40


def excess(G: FloatArray, sig: FloatArray, error: FloatArray, x: FloatArray, rest: FloatArray) -> FloatArray:
    """An upper bound of e; all of shape (n, B).

    Args:
        G: gain e^-x >= 0, to a relative error of 6 u and 2^-700.
        sig: it may be negative.
        error: of sig, at most.
        x: b l, to a relative error of 3 u.
        rest: X - x, likewise.
    """
    found = near(G, sig, error, x, rest)
    far = found > FAR * np.abs(sig)
    if far.any():
        found[far] = np.fmin(found[far], _far(*(part[far] for part in (G, sig, error, x, rest))))
    return found


@elementwise
def near(G: FloatArray, sig: FloatArray, error: FloatArray, x: FloatArray, rest: FloatArray) -> FloatArray:
    """The same by squares alone, which are tight up to `FAR` of |sig|."""
    allowed = G * G_ERROR
    allowed += error
    allowed += 2.0**-700
    right = G - sig
    left = np.maximum(allowed - right, 0.0)
    right = np.maximum(right + allowed, 0.0)
    # more tokens are better: e <= (G - sig)^2 / (2 sig) and, by the tangent, (G - sig) (X - x)
    step = right / np.maximum(sig - error, 0.0)
    step *= 0.5
    right *= np.fmin(step, rest)
    # fewer are: e <= (sig - G)^2 / (2 G) and (sig - G) x
    step = left / G
    step *= 0.5
    left *= np.fmin(step, x)
    found = np.maximum(right, left)
    found *= _OUT
    return found


@elementwise
def burden(l: FloatArray, c: FloatArray, t0: FloatArray, theta: FloatArray, level: FloatArray) -> FloatArray:
    """What a token costs by its time, where that does not vary."""
    size = c * l
    size += t0
    size *= theta
    size += level
    size *= c
    return size


def _far(G: FloatArray, sig: FloatArray, error: FloatArray, x: FloatArray, rest: FloatArray) -> FloatArray:
    """The same to about 2^-40, by the logarithm; infinite where G or sig are too small for that."""
    positive = (sig * _SURE > error) & (sig > 1e-150) & (G > 1e-150) & (G < 1e150) & (sig < 1e150)
    Q = np.where(positive, G, 1.0) / np.where(positive, sig, 1.0)
    ln = log(Q)
    size = np.abs(sig)
    # the errors of G, sig and ln Q change it by 6 u |G - sig|, error |ln Q| and 5 u sig |ln Q|
    free = (G - sig) - sig * ln + 16 * U * (G + size * (1 + np.abs(ln))) + 2 * error * (1 + np.abs(ln))
    free = np.where(positive, free, np.inf)
    # where the least is surely beyond X or below 0, e = G (1 - e^-(X-x)) - sig (X-x) or sig x - G (e^x - 1)
    (_, _), (gain, _) = decay(np.minimum(rest, FARTHEST), np.zeros_like(rest))
    high = G * gain - sig * rest + 16 * U * (G + size * rest) + 2 * error * rest
    beyond = (sig + error <= 0) | (positive & (ln * (1 - _SURE) - _SURE > rest))
    (left, _), (gain, _) = decay(np.minimum(x, FARTHEST), np.zeros_like(x))
    rise = G * gain / left
    low = sig * x - rise + 16 * U * (rise + size * x) + 2 * error * x
    below = positive & (-ln * (1 - _SURE) - _SURE > x) & (x < FARTHEST)
    found = np.where(beyond, high, np.where(below, low, free))
    return np.maximum(found, 0.0) * _OUT
