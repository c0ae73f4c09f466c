"""Proven optima of many instances, every bit of them the same on every machine."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cvxtoken.allocation.many.blocks import blocks
from cvxtoken.allocation.many.prove import ProvenBounds, bound_rows, unproven
from cvxtoken.allocation.many.search import newton, search
from cvxtoken.allocation.many.solve import CLOSED_GAP, Method
from cvxtoken.allocation.many.stable import stable_columns
from cvxtoken.allocation.many.workloads import Workloads
from cvxtoken.allocation.prices.columns import BLOCK, FAST_BLOCK
from cvxtoken.allocation.prices.portable import PortableColumns
from cvxtoken.arrays import FloatArray
from cvxtoken.rigorous.elementwise import worthwhile


def solve_portably(data: Workloads) -> ProvenBounds:
    """The optimal tokens of instances of up to 8192 types, and the bounds that they prove.

    Data of equal bits give tokens and bounds of equal bits, whatever the processor, the C library and the
    versions of packages: the search is that of `solve_many` on `PortableColumns`, and the proven gap alone
    says where it must go on. It takes about five times as long. Instances that are invalid or unstable have
    tokens that are no numbers, and infinite bounds.

    Source: derived here.
    """
    count = len(data)
    tokens, log_prices = np.full(data.prior.shape, np.nan), np.full((2, count), np.nan)
    proven = unproven(data, tokens)
    bounds = (tokens, proven.lower, proven.upper, proven.gap)
    rows = np.arange(count)
    for method in (newton, newton, search, newton):  # each on what the one before has left over
        if method is search:  # from the beginning: where Newton's steps fail their prices may be anything
            log_prices[:, rows] = np.nan
        before = [array[rows] for array in bounds]
        _search(data, rows, method, log_prices, tokens)
        bound_rows(proven, rows, in_decimals=False)
        worse = ~(proven.gap[rows] <= before[-1])
        for array, old in zip(bounds, before, strict=True):
            array[rows[worse]] = old[worse]
        rows = np.flatnonzero(_wide(proven))
    return bound_rows(proven, np.flatnonzero(np.isinf(proven.gap)))


def _wide(proven: ProvenBounds) -> NDArray[np.bool_]:
    size = 1 + np.where(np.isfinite(proven.lower), np.abs(proven.lower), 0.0)
    return np.asarray(~(proven.gap <= CLOSED_GAP * size))


def _search(
    data: Workloads, rows: NDArray[np.intp], method: Method, log_prices: FloatArray, tokens: FloatArray
) -> None:
    """Prices and tokens of some instances, in place."""
    with np.errstate(all="ignore"):  # what overflows ends in a gap that is wide
        fast = worthwhile(int(data.sizes.sum()))
        for block in blocks(data, rows, FAST_BLOCK if fast else BLOCK):
            columns, _, stable = stable_columns(data, block, PortableColumns)
            block = block[stable]
            if len(block):
                log_prices[:, block], found = method(columns, log_prices[:, block], fast)
                tokens[block, : len(found)] = found.T
