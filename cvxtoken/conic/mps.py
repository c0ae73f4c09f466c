"""Linear and integer programs in the MPS format, written without loss.

The columns are c0, c1, ..., the rows r0, r1, ... in the program's order; a row of a zero cone is an equation
(E), one of a nonnegative cone an upper limit (L). All columns are free. Numbers are written in their shortest
form that reads as the same bits. HiGHS is not asked to write, as its version 1.8 writes ten digits.

Source: the free format, as HiGHS, SCIP, CBC and Gurobi read it; a constant of the objective stands, negated,
as its right-hand side.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from scipy import sparse

from cvxtoken.conic.program import NONNEGATIVE, ZERO, ConeProgram, blocks
from cvxtoken.errors import ProblemError

_ROWS = {ZERO: "E", NONNEGATIVE: "L"}


def not_linear(program: ConeProgram) -> str:
    """Why a program has no place in MPS; empty where it is linear."""
    kinds = dict.fromkeys(kind for kind, _ in program.cones if kind not in _ROWS)
    return f"it has {' and '.join(kinds)} cones, and MPS holds linear programs only" if kinds else ""


def write_mps(program: ConeProgram, integers: Collection[int] = ()) -> str:
    """The text of an MPS file in the free format.

    Args:
        program: with zero and nonnegative cones alone.
        integers: the columns that must be whole.

    Raises:
        ProblemError: the program has other cones.
    """
    if reason := not_linear(program):
        raise ProblemError(f"the program cannot be written as MPS: {reason}")
    rows = [f" {_ROWS[kind]} r{i}" for kind, block in blocks(program.cones) for i in block]
    columns = range(program.A.shape[1])
    right = [f" rhs obj {-program.offset!r}"] if program.offset else []
    right += [f" rhs r{i} {value!r}" for i, value in enumerate(program.b.tolist()) if value]
    return "\n".join(
        [
            *("NAME cvxtoken", "ROWS", " N obj", *rows),
            *("COLUMNS", *_columns(program, set(integers))),
            *("RHS", *right),
            *("BOUNDS", *(f" FR bound c{j}" for j in columns)),
            *("ENDATA", ""),
        ]
    )


def _columns(program: ConeProgram, integers: set[int]) -> Iterator[str]:
    """The entries of each column, those of whole ones between markers; each is named by its cost."""
    A, costs = sparse.csc_array(program.A), program.q.tolist()
    pointers, places, values = A.indptr.tolist(), A.indices.tolist(), A.data.tolist()
    for j, cost in enumerate(costs):
        if j in integers:
            yield f" start{j} 'MARKER' 'INTORG'"
        yield f" c{j} obj {cost!r}"
        for place in range(pointers[j], pointers[j + 1]):
            yield f" c{j} r{places[place]} {values[place]!r}"
        if j in integers:
            yield f" end{j} 'MARKER' 'INTEND'"
