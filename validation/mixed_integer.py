"""Cone programs with whole columns under HiGHS, by outer approximation, and under SCIP.

Both are functions of `A, b, q, cones, integers` that `cvxtoken.suite.check_solver` takes, and
`cvxtoken check validation/mixed_integer.py:highs`. They use no ground truth.

HiGHS knows rows, so that cones are cut by tangents (Duran and Grossmann 1986; derived here for these cones):
with s = b - A v, of a second-order cone at a point p,   p'.s' / |p'| <= s_0,   of an exponential one at
rho = p_0 / p_1,   e^rho (s_0 + (1 - rho) s_1) <= s_2. Programs with whole columns propose a point, linear
ones with these columns fixed find its value, and it ends where no better value is possible.
"""

from __future__ import annotations

import math
from typing import Any

import highspy
import numpy as np
from scipy import sparse

from cvxtoken.arrays import FloatArray
from cvxtoken.conic.program import EXPONENTIAL, SECOND_ORDER, Cones
from cvxtoken.errors import SolverError
from cvxtoken.highs import run, solver

_CLOSE = 1e-8  # relative: of the gap, and how far outside its cones a point may be
_ROUNDS = 200
_SECONDS = 8.0  # of SCIP, which then says that its time is over


class Cuts:
    """The rows of a program's outer approximation, low <= row . v <= infinity."""

    def __init__(self, A: Any, b: FloatArray, cones: Cones) -> None:
        self.A, self.b = sparse.csr_array(A), b
        self.rows: list[FloatArray] = []
        self.lows: list[float] = []
        self.curved: list[tuple[str, slice]] = []
        row = 0
        for kind, size in cones:
            part = slice(row, row + size)
            row += size
            if kind in (SECOND_ORDER, EXPONENTIAL):
                self.curved.append((kind, part))
                for start in (-1.0, 1.0) if kind == SECOND_ORDER else (0.0, -4.0):
                    self._start(kind, part, start)
            else:
                for place in range(part.start, part.stop):
                    self._add(np.eye(1), slice(place, place + 1))

    def _start(self, kind: str, part: slice, start: float) -> None:
        """Tangents along the axes of a second-order cone, and at two points of an exponential one."""
        if kind == EXPONENTIAL:
            self._add(_exponential(start), part)
            return
        size = part.stop - part.start
        for axis in range(1, size):
            weights = np.zeros(size)
            weights[0], weights[axis] = 1.0, start
            self._add(weights, part)

    def _add(self, weights: FloatArray, part: slice) -> None:
        """weights . s >= 0 of a part of s = b - A v."""
        weights = np.ravel(weights)
        self.rows.append(-np.asarray(self.A[part].T @ weights).ravel())
        self.lows.append(-float(weights @ self.b[part]))

    def cut(self, v: FloatArray) -> int:
        """Add a tangent for each cone that the point is outside of; how many."""
        s, before = self.b - self.A @ v, len(self.rows)
        for kind, part in self.curved:
            p = s[part]
            if kind == EXPONENTIAL:
                rho = min(p[0] / p[1], 100.0) if p[1] > _CLOSE else 0.0
                weights = _exponential(rho)
            else:
                norm = float(np.linalg.norm(p[1:]))
                weights = np.append(1.0, -p[1:] / norm) if norm else np.append(1.0, p[1:])
            if weights @ p < -_CLOSE * (1 + np.abs(p).max()):
                self._add(weights, part)
        return len(self.rows) - before


def _exponential(rho: float) -> FloatArray:
    return np.array([-math.exp(rho), -math.exp(rho) * (1 - rho), 1.0])


class Master:
    """HiGHS on the rows so far; rows that are added later are passed when it is asked."""

    def __init__(self, q: FloatArray, cuts: Cuts, integers: tuple[int, ...]) -> None:
        self.cuts, self.passed, self.size = cuts, 0, len(q)
        self.highs = solver(
            mip_rel_gap=0.0,
            mip_abs_gap=0.0,
            mip_feasibility_tolerance=1e-9,
            primal_feasibility_tolerance=1e-10,
        )
        infinity = highspy.kHighsInf
        for cost in q:
            self.highs.addCol(float(cost), -infinity, infinity, 0, [], [])
        for column in integers:
            self.highs.changeColIntegrality(column, highspy.HighsVarType.kInteger)

    def fix(self, columns: tuple[int, ...], values: FloatArray) -> None:
        """Fix some columns."""
        for column, value in zip(columns, values.tolist(), strict=True):
            self.highs.changeColBounds(column, value, value)

    def solve(self) -> tuple[FloatArray, float]:
        """The best point of the rows, and its value (SolverError: there is none)."""
        for row, low in zip(self.cuts.rows[self.passed :], self.cuts.lows[self.passed :], strict=True):
            used = np.flatnonzero(row)
            self.highs.addRow(low, highspy.kHighsInf, len(used), used.astype(np.int32), row[used])
        self.passed = len(self.cuts.rows)
        _, x = run(self.highs)
        return x, float(self.highs.getInfo().objective_function_value)


def highs(A: Any, b: FloatArray, q: FloatArray, cones: Cones, integers: tuple[int, ...]) -> dict[str, Any]:
    """HiGHS, by outer approximation."""
    cuts = Cuts(A, b, cones)
    try:
        x, _ = _tangents(Master(q, cuts, ()), cuts)
        if not integers:
            return {"status": "optimal", "x": x, "objective": float(q @ x)}
        master, best, value = Master(q, cuts, integers), x, math.inf
        for _ in range(_ROUNDS):
            x, bound = master.solve()
            if bound >= value - _CLOSE * (1 + abs(value)):
                return {"status": "optimal", "x": best, "objective": value}
            inner = Master(q, cuts, ())
            inner.fix(integers, np.rint(x[list(integers)]))
            try:
                x, reached = _tangents(inner, cuts)
            except (
                SolverError
            ):  # these whole numbers leave no point; a cut at theirs keeps them from coming back
                if not cuts.cut(x):
                    raise
                continue
            if reached < value:
                best, value = x, reached
    except SolverError as error:
        return {"status": "infeasible" if "nfeasible" in str(error) else "failed", "x": None}
    return {"status": "max_iterations", "x": best, "objective": value}


def _tangents(master: Master, cuts: Cuts) -> tuple[FloatArray, float]:
    """Solve and cut until the point is inside its cones (SolverError: it does not end)."""
    for _ in range(_ROUNDS):
        x, value = master.solve()
        if not cuts.cut(x):
            return x, value
    raise SolverError("the tangents do not end")


def scip(A: Any, b: FloatArray, q: FloatArray, cones: Cones, integers: tuple[int, ...]) -> dict[str, Any]:
    """SCIP, with each cone as a smooth row.

    Raises:
        NotImplementedError: an exponential cone with a middle row that is neither constant nor whole, which
            would divide by a variable.
    """
    import pyscipopt as ps

    model = ps.Model()
    model.hideOutput()
    model.setParam("limits/gap", 0.0)
    model.setParam("numerics/feastol", 1e-9)
    model.setParam("limits/time", _SECONDS)
    v = [model.addVar(lb=None, vtype="I" if j in integers else "C") for j in range(len(q))]
    rows = sparse.csr_array(A)
    s = [
        float(b[i])
        - ps.quicksum(
            float(rows.data[k]) * v[rows.indices[k]] for k in range(rows.indptr[i], rows.indptr[i + 1])
        )
        for i in range(len(b))
    ]
    constant = np.diff(rows.indptr) == 0
    row = 0
    for kind, size in cones:
        part = s[row : row + size]
        if kind == EXPONENTIAL:
            if constant[row + 1]:
                model.addCons(float(b[row + 1]) * ps.exp(part[0] / float(b[row + 1])) <= part[2])
            elif set(rows.indices[rows.indptr[row + 1] : rows.indptr[row + 2]].tolist()) <= set(integers):
                model.addCons(ps.exp(part[0]) + part[1] - 1 <= part[2])  # see `cvxtoken.conic.nl`
            else:
                raise NotImplementedError("an exponential cone whose middle row is no constant and not whole")
        elif kind == SECOND_ORDER:
            model.addCons(part[0] >= 0)
            model.addCons(ps.quicksum(x * x for x in part[1:]) <= part[0] * part[0])
        else:
            for x in part:
                model.addCons(x >= 0)
        row += size
    model.setObjective(ps.quicksum(float(c) * x for c, x in zip(q, v, strict=True)))
    model.optimize()
    status, found = model.getStatus(), model.getNSols() > 0
    x = np.array([model.getVal(x) for x in v]) if found else None
    return {"status": status, "x": x, "objective": model.getObjVal() if found else None}
