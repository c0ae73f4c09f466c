"""Cone programs as smooth ones in AMPL's format .nl, for solvers of mixed-integer nonlinear programs.

With s = b - A v, a second-order cone is the row |s'|^2 <= s_0^2 with s_0 >= 0, and an exponential one

    s_1 e^(s_0 / s_1) <= s_2            where s_1 is a positive constant,
    e^(s_0) + s_1 - 1 <= s_2            where s_1 is a whole column of zero or one.

The second is the same where other rows leave s_0 = 0 at s_1 = 0, as `cvxtoken.lagged.cones` does: the cone
is then e >= 0 at s_1 = 0. It spares solvers the division by a column. Pyomo writes the file.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from scipy import sparse

from cvxtoken.conic.program import EXPONENTIAL, NONNEGATIVE, SECOND_ORDER, ZERO, ConeProgram
from cvxtoken.errors import MissingExtraError, ProblemError


def write_nl(program: ConeProgram) -> tuple[str, list[int]]:
    """The text of the file, and of each of its variables the column of the program.

    Raises:
        MissingExtraError: Pyomo is not installed.
        ProblemError: an exponential cone's middle row is neither constant nor a whole column, a cone is a
            power or semidefinite one, or a row without variables holds for no point.
    """
    try:
        import pyomo.environ as pyomo
        from pyomo.repn.plugins.nl_writer import NLWriter
    except ImportError as error:
        raise MissingExtraError("files in nl need Pyomo: python -m pip install 'cvxtoken[minlp]'") from error

    model = pyomo.ConcreteModel()
    columns = range(len(program.q))
    whole = set(program.integers)
    model.v = pyomo.Var(columns, domain=lambda _, j: pyomo.Integers if j in whole else pyomo.Reals)
    model.rows = pyomo.ConstraintList()
    for row in _rows(program, model.v, pyomo.exp):
        model.rows.add(row)
    cost = sum(float(c) * model.v[j] for j, c in enumerate(program.q) if c)
    model.objective = pyomo.Objective(expr=cost + program.offset)
    text = io.StringIO()
    written = NLWriter().write(model, text, linear_presolve=False)  # which would drop variables
    return text.getvalue(), [variable.index() for variable in written.variables]


def _rows(program: ConeProgram, v: Any, exp: Any) -> list[Any]:
    """The rows as Pyomo's relations."""
    A, found, row = sparse.csr_array(program.A), [], 0
    ends = zip(A.indptr[:-1].tolist(), A.indptr[1:].tolist(), strict=True)
    entries = [list(zip(A.indices[a:e].tolist(), A.data[a:e].tolist(), strict=True)) for a, e in ends]
    s = [
        float(right) - sum(x * v[j] for j, x in own)
        for right, own in zip(program.b.tolist(), entries, strict=True)
    ]
    for kind, size in program.cones:
        part = s[row : row + size]
        if kind == EXPONENTIAL:
            middle, constant = entries[row + 1], float(program.b[row + 1])
            switch = [j for j, x in middle if j in program.integers and x == -1 and constant == 0]
            if not middle and constant > 0:
                found.append(constant * exp(part[0] / constant) <= part[2])
            elif len(switch) == len(middle) == 1:
                found.append(exp(part[0]) + part[1] - 1 <= part[2])
            else:
                raise ProblemError(f"the middle row of the exponential cone at row {row} has no smooth form")
        elif kind == SECOND_ORDER:
            found += [sum(x**2 for x in part[1:]) <= part[0] ** 2, part[0] >= 0]
        elif kind == ZERO:
            found += [x == 0 for x in part]
        elif kind == NONNEGATIVE:
            found += [x >= 0 for x in part]
        else:
            raise ProblemError(f"a cone that is {kind} has no smooth form here")
        row += size
    relations = [relation for relation in found if not isinstance(relation, bool | np.bool_)]
    if not all(relation for relation in found if isinstance(relation, bool | np.bool_)):
        raise ProblemError("a row without variables holds for no point; nl has no place for it")
    return relations
