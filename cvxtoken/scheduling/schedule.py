"""A schedule without evictions, as one start for each request, and the memory that it takes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cvxtoken.arrays import IntArray
from cvxtoken.errors import ProblemError
from cvxtoken.scheduling.problem import Requests


def memory_at(requests: Requests, starts: IntArray, times: IntArray) -> IntArray:
    """The tokens held in the rounds that end at times t, sum_i (s_i + t - k_i) 1{k_i < t <= k_i + o_i}.

    Args:
        requests: the data.
        starts: k, shape (n,).
        times: any shape.
    """
    offset = requests.prompt_tokens - starts
    ends = starts + requests.output_tokens

    def sums(since: IntArray) -> tuple[IntArray, IntArray]:
        """How many requests have `since` < t, and their sum of s - k."""
        order = np.argsort(since)
        count = np.searchsorted(since[order], times)
        # 64-bit sums may wrap around, but their differences are small, and so come out right
        return count, np.concatenate([[0], np.cumsum(offset[order])])[count]

    (begun, offsets_begun), (over, offsets_over) = sums(starts), sums(ends)
    return np.asarray((offsets_begun - offsets_over) + (begun - over) * times)


def check_schedule(requests: Requests, starts: ArrayLike) -> int:
    """The most memory that starts k of shape (n,) take in any round, exactly; feasible where it is <= M.

    The memory grows between completions, so its largest value is found at one of them.

    Raises:
        ProblemError: the starts are not one whole number a request, or one lies before the arrival.
    """
    k = np.asarray(starts)
    if k.shape != requests.arrival.shape or k.dtype.kind not in "iu":
        raise ProblemError(f"starts has shape {k.shape}; it must be one whole number a request")
    early = k < requests.arrival
    if early.any():
        i = int(np.argmax(early))
        raise ProblemError(
            f"starts of request {i} is {k[i]}; it must be at least the arrival, {requests.arrival[i]}"
        )
    k = k.astype(np.int64)
    return int(memory_at(requests, k, k + requests.output_tokens).max())
