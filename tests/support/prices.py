"""What tests ask of the rooms of prices and of the polish, for one workload at a time."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal

import numpy as np
from numpy.typing import NDArray

from cvxtoken import Targets, Workload
from cvxtoken.allocation.prices.answers import respond
from cvxtoken.allocation.prices.columns import Columns
from cvxtoken.allocation.prices.gap import appraise
from cvxtoken.allocation.targeted.polish import Start, polish_targets
from cvxtoken.arrays import FloatArray


def best_response(workload: Workload, theta: float, p: float) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Tokens of every type at given prices, shape (N,), and which of them lie strictly inside the box."""
    l = respond(Columns.of(workload), theta, p, None, 1e-5)  # one step more is exact to rounding
    return l, (l > 0) & (l < workload.max_tokens)


def dual_gap(workload: Workload, tokens: FloatArray) -> FloatArray:
    """The gap of `appraise`, shape (...) for tokens of shape (..., N)."""
    types_first = np.moveaxis(tokens, -1, 0)
    return appraise(Columns.of(workload).spread(tokens.ndim - 1), types_first).gap


def polish(workload: Workload, tokens: FloatArray, digits: int = 40) -> list[Decimal]:
    """The optimum without targets to so many digits, up to 60."""
    zeros = [Decimal(0)] * len(workload)
    found = polish_targets(workload, Targets(), zeros, {}, Start(tokens.tolist(), {}, ()))
    assert found is not None
    short, top = Context(digits, ROUND_HALF_EVEN), map(Decimal, workload.max_tokens.tolist())
    return [l if l == l_max else short.plus(l) for l, l_max in zip(found[0], top, strict=True)]
