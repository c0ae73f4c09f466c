"""HiGHS on linear programs as plain data: it prints nothing, and does not depend on earlier runs.

HiGHS keeps one pool of threads for all that runs in a thread of ours. A run that asks for a number of threads
other than the pool's fails, and leaves zeros in place of its numbers. So no number is asked for here:
`parallel` is off, which gives the same numbers with any pool. The status of a run is looked at before any
number of it is passed on, and a failed run is an error. The status decides between answer and error; it
proves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
import scipy.sparse as sp

from cvxtoken.arrays import FloatArray
from cvxtoken.errors import SolverError

OPTIMAL, TIME_LIMIT = "optimal", "time limit"
_FEASIBLE = highspy.SolutionStatus.kSolutionStatusFeasible.value


class InfeasibleError(SolverError):
    """HiGHS says that no point meets the constraints."""


@dataclass(frozen=True, eq=False)
class LinearProgram:
    """Minimise cost . x subject to equal x = right, less x <= limit and x >= 0.

    Attributes:
        cost: shape (n,).
        equal, right: shapes (k, n) and (k,).
        less, limit: shapes (m, n) and (m,).
        whole: whether x is zeros and ones.
    """

    cost: FloatArray
    equal: sp.csr_matrix
    right: FloatArray
    less: sp.csr_matrix
    limit: FloatArray
    whole: bool = False


@dataclass(frozen=True, eq=False)
class Solution:
    """What HiGHS found.

    Attributes:
        status: 'optimal'; or 'time limit', where x meets the constraints but need not be the best.
        x: shape (n,), finite.
        multipliers: of less x <= limit, shape (m,), not negative; none, shape (0,), of an integer program.
        objective: the value cost . x that HiGHS states.
        bound: the lower bound that HiGHS states, which nothing here proves; -inf where it has none yet.
    """

    status: str
    x: FloatArray
    multipliers: FloatArray
    objective: float
    bound: float


class _Quiet(highspy.Highs):  # type: ignore[misc]  # highspy is Any to mypy
    """Silent before its first call: the constructor starts callbacks, and the first call would print."""

    def enableCallbacks(self) -> None:  # noqa: N802 (highspy's name)
        self.setOptionValue("output_flag", False)
        super().enableCallbacks()


def solver(**options: object) -> Any:
    """A `highspy.Highs` that prints nothing, with these options (SolverError: HiGHS has no such option)."""
    highs = _Quiet()
    for name, value in {"output_flag": False, "parallel": "off", **options}.items():
        if highs.setOptionValue(name, value) == highspy.HighsStatus.kError:
            raise SolverError(f"HiGHS {highs.version()} does not take the option {name} = {value!r}")
    return highs


def run(highs: Any) -> tuple[str, FloatArray]:
    """Run HiGHS; returns the status, 'optimal' or 'time limit', and x, which is finite.

    Raises:
        InfeasibleError: HiGHS says that there is no solution.
        SolverError: HiGHS fails, or ends without a solution.
    """
    outcome = highs.run()
    said, solution = highs.getModelStatus(), highs.getSolution()
    known = {highspy.HighsModelStatus.kOptimal: OPTIMAL, highspy.HighsModelStatus.kTimeLimit: TIME_LIMIT}
    if outcome == highspy.HighsStatus.kError or said not in known:
        failure = InfeasibleError if said == highspy.HighsModelStatus.kInfeasible else SolverError
        raise failure(
            f"HiGHS ended without a solution: its run says {outcome.name}, of the program {said.name}"
        )
    status, x = known[said], np.array(solution.col_value, dtype=np.float64)
    feasible = highs.getInfo().primal_solution_status == _FEASIBLE
    if not (solution.value_valid and feasible and len(x) == highs.getNumCol() and np.isfinite(x).all()):
        raise SolverError(f"HiGHS ended without a usable point, at the status {status!r}")
    return status, x


def solve(program: LinearProgram, **options: object) -> Solution:
    """Solve a program.

    Args:
        program: the data.
        options: of HiGHS, by name.

    Raises:
        InfeasibleError: HiGHS says that there is no solution.
        SolverError: HiGHS fails, ends without a solution (as at a time limit), or does not take an option.
    """
    highs = solver(**options)
    if highs.passModel(_model(program)) == highspy.HighsStatus.kError:
        raise SolverError("HiGHS does not take the program")
    status, x = run(highs)
    info = highs.getInfo()
    objective = float(info.objective_function_value)
    if program.whole:
        bound = float(info.mip_dual_bound)
        return Solution(status, x, np.zeros(0), objective, bound if np.isfinite(bound) else -np.inf)
    found = highs.getSolution()
    multipliers = -np.array(found.row_dual, dtype=np.float64)[len(program.right) :]
    good = found.dual_valid and len(multipliers) == len(program.limit) and np.isfinite(multipliers).all()
    if status != OPTIMAL or not good or not np.isfinite(objective):
        raise SolverError(f"HiGHS ended without usable multipliers, at the status {status!r}")
    return Solution(status, x, np.maximum(multipliers, 0.0), objective, objective)


def _model(program: LinearProgram) -> Any:
    model = highspy.HighsModel()
    lp, n = model.lp_, len(program.cost)
    rows = sp.vstack([program.equal, program.less]).tocsc()
    lp.num_row_, lp.num_col_ = rows.shape
    lp.col_cost_ = program.cost
    lp.col_lower_, lp.col_upper_ = np.zeros(n), np.full(n, 1.0 if program.whole else highspy.kHighsInf)
    lp.row_lower_ = np.concatenate([program.right, np.full(len(program.limit), -highspy.kHighsInf)])
    lp.row_upper_ = np.concatenate([program.right, program.limit])
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = rows.indptr, rows.indices, rows.data
    if program.whole:
        lp.integrality_ = [highspy.HighsVarType.kInteger] * n
    return model
