"""Exact solutions of linear equations near a given point (derived here).

Unknowns that are no pivot are rounded to a grid. An equation that has an unknown to itself gives it (its
pivot a power of two where there is a choice, so that no denominator comes of it), and so on with what is
left. Of the rest short equations are eliminated in rationals, and the last, the core, is solved for as many
unknowns as its rank.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence

import numpy as np
from flint import arb, fmpq, fmpz, fmpz_mat

from cvxtoken.conic.search.exact import Row, exact, grid, nearest
from cvxtoken.conic.search.independent import basis
from cvxtoken.errors import SolverError

LARGEST_CORE = 2000  # equations
_FILL = 300  # products of a pivot's row and column beyond which equations are the core's
_LARGE = 0.01  # of a row's largest entry: what may be a pivot
Equation = dict[int, fmpq]


def repaired(
    equations: Sequence[Row], right: Sequence[float], values: Sequence[arb], bits: int
) -> list[fmpq]:
    """v near the values with equations v = right, exactly where they do not contradict one another.

    Args:
        equations: of each, the coefficients by unknown.
        right: a double each.
        values: of the unknowns.
        bits: of the grid.

    Raises:
        SolverError: the core is too large.
    """
    peeled, rest = _peeled(equations)
    rows = {i: {u: exact(a) for u, a in equations[i].items()} for i in rest}
    totals = {i: exact(right[i]) for i in rest}
    order = _eliminated(rows, totals)
    done = {i for i, _ in order}
    core = [i for i in rest if i not in done and rows[i]]
    found = _core([rows[i] for i in core], [totals[i] for i in core], values, bits) if core else {}
    pivots = {u for _, u in (*peeled, *order)}
    for u, value in enumerate(values):
        if u not in found and u not in pivots:
            found[u] = grid(value, bits)
    for i, u in reversed(order):
        known = (a * found[other] for other, a in rows[i].items() if other != u)
        found[u] = (totals[i] - sum(known, fmpq(0))) / rows[i][u]
    for i, u in reversed(peeled):
        known = (exact(a) * found[other] for other, a in equations[i].items() if other != u)
        found[u] = (exact(right[i]) - sum(known, fmpq(0))) / exact(equations[i][u])
    return [found[u] for u in range(len(values))]


def _peeled(equations: Sequence[Row]) -> tuple[list[tuple[int, int]], list[int]]:
    """Pairs of an equation and its own unknown, to be solved last to first, and the equations of the core."""
    left = {i: set(row) for i, row in enumerate(equations) if row}
    where: dict[int, set[int]] = {}
    for i, row in left.items():
        for u in row:
            where.setdefault(u, set()).add(i)
    alone = {u for u, places in where.items() if len(places) == 1}
    good = [u for u in alone if _is_power(equations[next(iter(where[u]))][u])]
    bad = [u for u in alone if u not in set(good)]
    pairs = []
    while good or bad:
        u = good.pop() if good else bad.pop()
        if len(where[u]) != 1:
            continue
        (i,) = where[u]
        pairs.append((i, u))
        for v in left.pop(i):
            where[v].discard(i)
            if len(where[v]) == 1:
                (k,) = where[v]
                (good if _is_power(equations[k][v]) else bad).append(v)
    return pairs, sorted(left)


def _is_power(a: float) -> bool:
    """Whether a double is a power of two, but for its sign."""
    return abs(math.frexp(a)[0]) == 0.5


def _eliminated(rows: dict[int, Equation], totals: dict[int, fmpq]) -> list[tuple[int, int]]:
    """Pairs of an equation and its pivot, in the order of elimination; changes the equations in place."""
    columns: dict[int, set[int]] = {}
    for i, row in rows.items():
        for u in row:
            columns.setdefault(u, set()).add(i)
    order: list[tuple[int, int]] = []
    left = set(rows)
    heap = [(len(row), i) for i, row in rows.items()]
    heapq.heapify(heap)
    while heap:
        size, i = heapq.heappop(heap)
        if i not in left or size != len(rows[i]):
            continue
        if not size:
            left.discard(i)
            continue
        u = _pivot(rows[i], columns)
        if (size - 1) * (len(columns[u]) - 1) > _FILL:
            return order
        left.discard(i)
        order.append((i, u))
        for v in rows[i]:
            columns[v].discard(i)
        for k in list(columns[u]):
            factor = rows[k][u] / rows[i][u]
            totals[k] -= factor * totals[i]
            for v, a in rows[i].items():
                new = rows[k].get(v, fmpq(0)) - factor * a
                if new:
                    rows[k][v] = new
                    columns[v].add(k)
                elif v in rows[k]:
                    del rows[k][v]
                    columns[v].discard(k)
            heapq.heappush(heap, (len(rows[k]), k))
    return order


def _pivot(row: Equation, columns: dict[int, set[int]]) -> int:
    """The unknown in the fewest other equations, of those that are large enough; of these a power of two."""
    size = {u: abs(nearest(a)) for u, a in row.items()}
    least = _LARGE * max(size.values())
    return min((u for u in row if size[u] >= least), key=lambda u: (len(columns[u]), not _is_power(size[u])))


def _core(rows: list[Equation], totals: list[fmpq], values: Sequence[arb], bits: int) -> dict[int, fmpq]:
    """The unknowns of the core: a basis by pivoted QR solves as many independent equations."""
    if len(rows) > LARGEST_CORE:
        raise SolverError(
            f"{len(rows)} equations are to be solved exactly; it is done for {LARGEST_CORE} at most"
        )
    unknowns = sorted({u for row in rows for u in row})
    place = {u: k for k, u in enumerate(unknowns)}
    D = np.zeros((len(rows), len(unknowns)))
    for into, row in zip(D, rows, strict=True):
        for u, a in row.items():
            into[place[u]] = nearest(a)
    use, basic = basis(D / np.abs(D).max(axis=1, keepdims=True))
    pivots = {unknowns[k]: n for n, k in enumerate(basic)}
    found = {u: grid(values[u], bits) for u in unknowns if u not in pivots}
    flat, known = [], []
    for k in use:
        over = fmpz(1)
        for a in rows[k].values():
            over = over.lcm(a.q)
        whole, total = [fmpz(0)] * len(pivots), totals[k]
        for u, a in rows[k].items():
            if u in pivots:
                whole[pivots[u]] = (a * over).p
            else:
                total -= a * found[u]
        flat += whole
        known.append(total * over)
    over = fmpz(1)
    for total in known:
        over = over.lcm(total.q)
    numerators = fmpz_mat(len(use), 1, [(total * over).p for total in known])
    solution = fmpz_mat(len(use), len(use), flat).solve(numerators)
    return found | {u: solution[n, 0] / over for u, n in pivots.items()}
