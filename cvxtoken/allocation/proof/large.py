"""The proof of one workload of very many types in arrays: bounds, and a radius for every budget.

J is known in pairs of doubles to about 2^-56, or exactly but for e^-x to any number of digits (`exact`). The
gap is known to a few digits of itself either way.

At the optimum no type's excess pi e exceeds the gap, e being convex. For a step d in x = b l, with G and sig
as in `enclose`,

    phi(x + d) - phi(x) >= (sig - G) d + G (d^2 / 2 - d^3 / 6),
    phi(x - d) - phi(x) >= (G - sig) d + G d^2 / 2,

and e is at least that much at both ends. Where it is above the gap over pi, the optimum is not beyond.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import NamedTuple

import numpy as np

from cvxtoken.allocation.prices.columns import Columns
from cvxtoken.allocation.prices.excess import G_ERROR
from cvxtoken.allocation.problem import Workload
from cvxtoken.allocation.proof.enclose import Evaluation
from cvxtoken.allocation.proof.exact import ExactPoint
from cvxtoken.allocation.proof.goals import Goal
from cvxtoken.allocation.targets import Multipliers, Targets
from cvxtoken.arrays import FloatArray
from cvxtoken.precision import DOUBLE
from cvxtoken.rigorous import Rounding
from cvxtoken.rigorous.elementwise import worthwhile
from cvxtoken.rigorous.pairs import U
from cvxtoken.verifier.allocation import MAX_DIGITS

DIGITS = 50  # in which a checker finds bounds of pairs with room to spare
_SPARE = 1e-40  # of J: more than what rounding to these digits adds to a checker's gap
_WIDEST = 2e-16  # of J: what rounding may add to a smaller gap; beyond, more digits are worth their time
_LONGEST = 0.5  # of d; where more is needed, the radius is the whole range
_SQUARED = 10.0 ** (-2 * DOUBLE)  # of J: a gap that doubles hardly reach, and so need not tell from rounding
_ROUNDED = 0.01  # of the gap: what rounding may add, where digits are asked for
_DOWN, _UP = Context(DIGITS, ROUND_FLOOR), Context(DIGITS, ROUND_CEILING)


class LargeProof(NamedTuple):
    """Bounds of J*, the digits that are enough to check them, and radii of the tokens, shape (N,)."""

    lower: Decimal
    upper: Decimal
    digits: int
    radii: FloatArray


def prove_large(
    workload: Workload, tokens: FloatArray, targets: Targets, multipliers: Multipliers, digits: int = 0
) -> LargeProof | None:
    """The proof of doubles; None where they are too few, or do not prove that there is an optimum.

    Args:
        workload: the instance.
        tokens: shape (N,).
        targets: what the allocations must meet, and the objective.
        multipliers: of the targets, which must be doubles.
        digits: know J to at least so many; with 0 pairs of doubles are enough, where they know J to 2e-16.
    """
    if not targets.keeps_idle:
        return None
    weight, columns = np.array([workload.accuracy_weight]), Columns.of(workload)
    goal = Goal.of(targets, [multipliers], workload.names, weight, workload.prompt_tokens[:, None])
    with np.errstate(all="ignore"):  # what overflows is not finite, and so proves nothing
        found = Evaluation(columns.spread(1), tokens[:, None], goal, worthwhile(len(tokens)))
        J, gaps, met, known = found.enclosed
        if not (met & known).all():
            return None
        gap, size = float(gaps[0]), float(J.size[0])
        radii = _radii(found, gap, size)
    if digits or 2 * float(J.error[0]) > max(gap, _WIDEST * (1 + size)):
        bounds = _exact_bounds(columns, tokens, goal, gap, max(digits, 2 * DOUBLE + 20))
    else:
        bounds = (*_bounds(found), DIGITS)
    return LargeProof(*bounds, radii)


def _bounds(found: Evaluation) -> tuple[Decimal, Decimal]:
    J, gap, *_ = found.enclosed
    high, low, error, most = (Decimal(float(x[0])) for x in (J.high, J.low, J.error, gap))
    lower = _DOWN.add(high, _DOWN.subtract(low, error))
    return lower, _UP.add(high, _UP.add(low, _UP.add(error, most)))


def _exact_bounds(
    w: Columns, tokens: FloatArray, goal: Goal, gap: float, digits: int
) -> tuple[Decimal, Decimal, int]:
    """The same from J to so many digits, or to more, where rounding would be more than a share of the gap."""
    while True:
        rounding = Rounding(digits)
        point = ExactPoint(w, tokens, goal, rounding)
        J, room, down, up = point.J, point.room, rounding.down, rounding.up
        added = up.add(up.subtract(J.high, J.low), 2 * room)
        enough = max(_ROUNDED * gap, _SQUARED * (1 + abs(float(J.low))))
        if float(added) <= enough or digits == MAX_DIGITS:
            return down.subtract(J.low, room), up.add(J.high, up.add(room, Decimal(gap))), digits
        digits = min(2 * digits, MAX_DIGITS)


def _radii(found: Evaluation, gap: float, size: float) -> FloatArray:
    """A distance from every budget that its optimal one does not exceed, in tokens."""
    need = gap * 1.01 + _SPARE * size
    radii = []
    for w, l, (G, sig, error) in found.parts():
        b, least = w.saturation_rate, need / w.prior
        slope, lost = sig - G, error + G_ERROR * G
        at_0, at_top = l == 0, l == w.max_tokens
        # inside, the slope may take back what the curvature gives, but not at three times its step
        steep = np.where(at_0, slope, np.where(at_top, -slope, 0.0))
        d = np.fmin(3 * np.sqrt(2 * least / G), np.where(steep > 0, 2 * least / steep, np.inf))
        right = (slope - lost) * d + G * (1 - G_ERROR) * d * d * (0.5 - d / 6)
        left = (-slope - lost) * d + G * (1 - G_ERROR) * d * d * 0.5
        proven = (at_top | (right * (1 - 16 * U) > least)) & (at_0 | (left * (1 - 16 * U) > least))
        proven &= d <= _LONGEST
        # rounding must not take the end nearer than d / b
        radius = np.where(proven, d / b * (1 + 2.0**-40) + 4 * U * l, w.max_tokens)
        radii.append(np.minimum(radius, w.max_tokens)[:, 0])
    return np.concatenate(radii)


def as_doubles(tokens: Sequence[float | Decimal] | FloatArray, count: int) -> FloatArray | None:
    """Tokens as an array, where all of them are numbers of NumPy or Python's own; None elsewhere."""
    try:
        array = np.asarray(tokens)
    except ValueError:
        return None
    return array.astype(np.float64) if array.dtype.kind == "f" and array.shape == (count,) else None
