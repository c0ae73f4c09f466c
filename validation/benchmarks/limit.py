"""The least that any solver must do: one pass over the data with one exponential and one logarithm a type."""

from __future__ import annotations

import numpy as np

from cvxtoken import Workload
from cvxtoken.allocation.prices.columns import BLOCK
from cvxtoken.arrays import FloatArray


def single_pass(workload: Workload) -> tuple[FloatArray, float]:
    """Every type's answer to one price of a second, and what the answers add up to (accuracy less service).

    It reads every number of the workload once, writes one token budget a type, and has one logarithm and
    one exponential; in the same blocks that stay in the cache as the solver's own passes.
    """
    w = workload
    tokens = np.empty(len(w))
    total = 0.0
    for first in range(0, len(w), BLOCK):
        part = slice(first, first + BLOCK)
        A, b, c = w.accuracy_gain[part], w.saturation_rate[part], w.time_per_token[part]
        ratio = w.accuracy_weight * A * b / c
        l = np.minimum(np.maximum(np.log(ratio) / b, 0.0), w.max_tokens[part])
        t = w.overhead[part] + c * l
        p = w.base_accuracy[part] + A - A * np.exp(-b * l)
        tokens[part] = l
        total += float(w.prior[part] @ (w.accuracy_weight * p - t - t * t))
    return tokens, total
