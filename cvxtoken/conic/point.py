"""The proven point of a certificate, as values of the problem's own variables."""

from __future__ import annotations

import cvxpy
import numpy as np
from cvxpy.reductions.solution import Solution

from cvxtoken.arrays import FloatArray
from cvxtoken.conic.certificate import ConicCertificate, approximate
from cvxtoken.conic.compiled import canonical
from cvxtoken.conic.digest import digest
from cvxtoken.conic.problems import is_geometric, stated
from cvxtoken.errors import ProblemError


def proven_point(
    problem: cvxpy.Problem, certificate: ConicCertificate
) -> dict[cvxpy.Variable, FloatArray | float]:
    """The values of a problem's variables at the feasible point that proves one side of its optimum.

    The point meets the constraints exactly, in rational numbers, and its objective is the bound that a
    feasible point can prove: `lower` of a problem that is maximised, `upper` of one that is minimised. The
    values here are the doubles nearest to it. How far they are from the optimal ones is not proven.

    Args:
        problem: the one that was certified; it is not changed.
        certificate: of `certify_problem`, or a loaded one.

    Returns:
        by variable, an array of its shape, or a number.

    Raises:
        ProblemError: the certificate is of another problem, or holds no feasible point.
    """
    program = stated(problem)
    if digest(program) != digest(certificate.program):
        raise ProblemError("the certificate is of another problem; it must be of this one, with these data")
    if "x" not in certificate.vectors:
        raise ProblemError(f"the certificate ({certificate.claim}) holds no feasible point")
    _, chain, inverse = canonical(problem.objective, problem.constraints, is_geometric(problem))
    columns = {inverse[-1][chain.solver.VAR_ID]: approximate(certificate.vectors["x"])}
    solution = Solution(cvxpy.OPTIMAL, 0.0, columns, None, {})  # Clarabel's own step is done; undo the others
    for step, undo in zip(reversed(chain.reductions[:-1]), reversed(inverse[:-1]), strict=True):
        solution = step.invert(solution, undo)
    values = {variable: np.asarray(solution.primal_vars[variable.id]) for variable in problem.variables()}
    return {variable: value if value.ndim else float(value) for variable, value in values.items()}
