"""Sparse systems in balls: Gaussian elimination of least degree, then a dense rest by python-flint.

Only midpoints are kept: what is found is a proposal, and is checked by what uses it.
"""

from __future__ import annotations

import heapq

from flint import arb, arb_mat

_DENSE_FROM = 60  # products of a pivot beyond which, and beyond the share below, the dense rest is cheaper
_DENSE_SHARE = 0.15
_TINY = arb("1e-30")  # of a row's largest entry: no pivot


def solve_sparse(rows: list[dict[int, arb]], right: list[arb]) -> list[arb]:
    """v with M v = right, M's rows given by place; destroys both.

    Raises:
        ZeroDivisionError: M is singular to working precision.
    """
    size = len(rows)
    columns: list[set[int]] = [set() for _ in range(size)]
    for i, row in enumerate(rows):
        for j in row:
            columns[j].add(i)

    def cost(i: int) -> int:
        return (len(rows[i]) - 1) * (len(columns[i]) - 1)

    heap = [(cost(i), i) for i in range(size) if i in rows[i]]
    heapq.heapify(heap)
    alive, order = set(range(size)), []
    while heap:
        known, i = heapq.heappop(heap)
        if i not in alive:
            continue
        now = cost(i)
        if now != known:
            heapq.heappush(heap, (now, i))
            continue
        if now > _DENSE_FROM and now > _DENSE_SHARE * len(alive) ** 2:
            break
        largest = max((abs(v) for v in rows[i].values()), key=lambda v: v.mid(), default=arb(0))
        if i not in rows[i] or not abs(rows[i][i]) > largest * _TINY:
            continue
        touched = _pivot(i, rows, columns, right)
        alive.discard(i)
        order.append(i)
        for k in touched:
            if k in alive and k in rows[k]:
                heapq.heappush(heap, (cost(k), k))
    v = _dense(sorted(alive), rows, right, size)
    for i in reversed(order):
        value = right[i]
        for j, a in rows[i].items():
            if j != i:
                value = value - a * v[j]
        v[i] = (value / rows[i][i]).mid()
    if not all(x.is_finite() for x in v):
        raise ZeroDivisionError("the system is singular")
    return v


def _pivot(i: int, rows: list[dict[int, arb]], columns: list[set[int]], right: list[arb]) -> set[int]:
    """Subtract row i from all rows with an entry in its column; the places that changed."""
    inverse = (1 / rows[i][i]).mid()
    others = [(j, v) for j, v in rows[i].items() if j != i]
    below = [k for k in columns[i] if k != i]
    for k in below:
        row = rows[k]
        factor = (row.pop(i) * inverse).mid()
        for j, v in others:
            old = row.get(j)
            if old is None:
                row[j] = (-factor * v).mid()
                columns[j].add(k)
            else:
                row[j] = (old - factor * v).mid()
        right[k] = (right[k] - factor * right[i]).mid()
    for j, _ in others:
        columns[j].discard(i)
    return {*below, *(j for j, _ in others)}


def _dense(left: list[int], rows: list[dict[int, arb]], right: list[arb], size: int) -> list[arb]:
    """The unknowns that are left, at their places."""
    v = [arb(0)] * size
    if left:
        place = {i: k for k, i in enumerate(left)}
        flat = [arb(0)] * len(left) ** 2
        for i in left:
            for j, a in rows[i].items():
                flat[place[i] * len(left) + place[j]] = a
        M = arb_mat(len(left), len(left), flat)
        found = M.solve(arb_mat(len(left), 1, [right[i] for i in left]), algorithm="approx")
        for i in left:
            v[i] = found[place[i], 0].mid()
    return v
