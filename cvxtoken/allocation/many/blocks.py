"""Instances of `Workloads` in blocks that stay in the cache, with the types along the first axis."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cvxtoken.allocation.fields import RANDOM, SCALARS
from cvxtoken.allocation.many.workloads import ARRAYS, Workloads
from cvxtoken.arrays import FloatArray

_NEUTRAL = dict(zip(ARRAYS, (0.0, 0.5, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0), strict=True))


def blocks(data: Workloads, rows: NDArray[np.intp], numbers: int) -> list[NDArray[np.intp]]:
    """Blocks of instances that share a server, of similar size, the largest first.

    Args:
        data: the instances.
        rows: those to be taken.
        numbers: of types in a block, at most, unless it has one instance.
    """
    servers = range(len(data.servers))
    return [block for s in servers for block in _similar(data.sizes, rows[data.which[rows] == s], numbers)]


def _similar(sizes: NDArray[np.intp], rows: NDArray[np.intp], numbers: int) -> list[NDArray[np.intp]]:
    if not (sizes[rows] == sizes[rows[:1]]).all():
        rows = rows[np.argsort(-sizes[rows], kind="stable")]
    found = []
    first = 0
    while first < len(rows):
        found.append(rows[first : first + max(1, numbers // int(sizes[rows[first]]))])
        first += len(found[-1])
    return found


def gather(
    data: Workloads, rows: NDArray[np.intp], width: int
) -> tuple[dict[str, FloatArray], dict[str, FloatArray], NDArray[np.bool_]]:
    """Arrays of shape (width, rows), scalars of shape (rows,), and where there is a type.

    Types that are not there get numbers that change nothing: a share of 0, and no tokens allowed.
    """
    here: slice | NDArray[np.intp] = rows
    if (np.diff(rows) == 1).all():  # a view is enough
        here = slice(int(rows[0]), int(rows[-1]) + 1)
    fields = [field for field in ARRAYS if data.is_random or field not in RANDOM]
    arrays = {field: getattr(data, field)[here, :width].T for field in fields}
    scalars = {field: np.ascontiguousarray(getattr(data, field)[here]) for field in SCALARS}
    filled = np.arange(width)[:, None] < data.sizes[rows]
    if not filled.all():
        arrays = {field: np.where(filled, arrays[field], _NEUTRAL[field]) for field in fields}
    pack = np.ascontiguousarray if len(rows) >= width else np.asfortranarray  # the longer axis innermost
    return {field: pack(array) for field, array in arrays.items()}, scalars, filled
