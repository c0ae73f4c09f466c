"""Exact solutions of linear equations near a given point (derived here).

Unknowns that are no pivot are rounded to a grid. An equation that has an unknown to itself gives it (its
pivot a power of two where there is a choice, so that no denominator comes of it), and so on with what is
left. The rest, the core, is solved in rationals for as many unknowns as its rank.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from flint import arb, fmpq, fmpz, fmpz_mat

from cvxtoken.conic.search.exact import Row, exact, grid
from cvxtoken.conic.search.independent import basis
from cvxtoken.errors import SolverError

LARGEST_CORE = 2000  # equations


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
    peeled, core = _peeled(equations)
    found = _core(core, equations, right, values, bits) if core else {}
    pivots = {u for _, u in peeled}
    for u, value in enumerate(values):
        if u not in found and u not in pivots:
            found[u] = grid(value, bits)
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


def _core(
    core: list[int], equations: Sequence[Row], right: Sequence[float], values: Sequence[arb], bits: int
) -> dict[int, fmpq]:
    """The unknowns of the core: a basis by pivoted QR solves as many independent equations."""
    if len(core) > LARGEST_CORE:
        raise SolverError(
            f"{len(core)} equations are to be solved exactly; it is done for {LARGEST_CORE} at most"
        )
    unknowns = sorted({u for i in core for u in equations[i]})
    place = {u: k for k, u in enumerate(unknowns)}
    D = np.zeros((len(core), len(unknowns)))
    for k, i in enumerate(core):
        for u, a in equations[i].items():
            D[k, place[u]] = a
    D /= np.abs(D).max(axis=1, keepdims=True)
    use, basic = basis(D)
    pivots = {unknowns[k]: n for n, k in enumerate(basic)}
    found = {u: grid(values[u], bits) for u in unknowns if u not in pivots}
    flat, totals = [], []
    for k in use:
        i = core[k]
        total, row = exact(right[i]), [fmpz(0)] * len(pivots)
        unit = min(math.frexp(a)[1] for a in equations[i].values()) - 53
        for u, a in equations[i].items():
            if u in pivots:
                row[pivots[u]] = fmpz(int(Fraction(a) * Fraction(2) ** -unit))
            else:
                total -= exact(a) * found[u]
        flat += row
        totals.append(total * (fmpq(1, fmpz(1) << unit) if unit > 0 else fmpq(fmpz(1) << -unit)))
    over = fmpz(1)
    for total in totals:
        over = over.lcm(total.q)
    numerators = fmpz_mat(len(use), 1, [(total * over).p for total in totals])
    solution = fmpz_mat(len(use), len(use), flat).solve(numerators)
    return found | {u: solution[n, 0] / over for u, n in pivots.items()}
