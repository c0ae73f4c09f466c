"""Any CVXPY problem, certified: what it compiles to is proven."""

from __future__ import annotations

from dataclasses import replace

import cvxpy

from cvxtoken.conic.certificate import ConicCertificate, exponentiated
from cvxtoken.conic.certify import certify_cone
from cvxtoken.conic.compiled import compiled
from cvxtoken.conic.replaced import replaced


def certify_problem(problem: cvxpy.Problem, digits: int = 30) -> ConicCertificate:
    """The optimum of a CVXPY problem between two bounds, or a proof that it has none.

    What is proven is of the cone program that CVXPY compiles the problem to, its doubles taken as exact; see
    `ConicCertificate.data_radius` for what compiling may have changed, and the notes for atoms that CVXPY
    replaces by others. A geometric program is certified by its logarithm. Parameters have their values. The
    problem is not solved and not changed.

    Args:
        problem: any whose atoms compile to equations, inequalities, second-order and exponential cones.
        digits: the gap asked for is 10^-digits of the value.

    Raises:
        ProblemError: the problem is neither DCP nor DGP, has integer variables or cones of other kinds, no
            variables, or a number that is not finite; the message names what it is. Or digits is not from 1
            to 200.
        CertificateError: nothing could be proven; the message says what was tried and what stopped it.
        MissingExtraError: python-flint is not installed.
    """
    gp = problem.is_dgp() and not problem.is_dcp()
    program = compiled(problem, gp=gp)
    found = certify_cone(program, digits)
    if gp:
        return exponentiated(found)
    return replace(found, notes=(*found.notes, *replaced(problem)))
