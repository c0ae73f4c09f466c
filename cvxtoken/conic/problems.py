"""Any CVXPY problem, certified: what it compiles to is proven."""

from __future__ import annotations

from dataclasses import replace

import cvxpy

from cvxtoken.conic.certificate import ConicCertificate, exponentiated
from cvxtoken.conic.certify import certify_cone
from cvxtoken.conic.compiled import compiled
from cvxtoken.conic.program import ConeProgram
from cvxtoken.conic.replaced import replaced


def certify_problem(problem: cvxpy.Problem, digits: int = 30) -> ConicCertificate:
    """The optimum of a CVXPY problem between two bounds, or a proof that it has none.

    What is proven is of the cone program that CVXPY compiles the problem to, its doubles taken as exact; see
    `ConicCertificate.data_radius` for what compiling may have changed, and the notes for atoms that CVXPY
    replaces by others. A geometric program is certified by its logarithm. Parameters have their values. The
    problem is not solved and not changed.

    Args:
        problem: any that compiles to equations, inequalities, second-order, exponential, power (of three
            rows) and semidefinite cones (to the order 30).
        digits: the gap asked for is 10^-digits of the value.

    Raises:
        ProblemError: the problem is neither DCP nor DGP, has integer variables or cones of other sizes, no
            variables, or a number that is not finite; the message names what it is. Or digits is not from 1
            to 200.
        CertificateError: nothing could be proven; the message says what was tried and what stopped it.
        MissingExtraError: python-flint is not installed.
    """
    return certify_stated(problem, stated(problem), digits)


def is_geometric(problem: cvxpy.Problem) -> bool:
    """Whether the problem is certified by its logarithm: it is DGP, and not DCP."""
    return isinstance(problem, cvxpy.Problem) and problem.is_dgp() and not problem.is_dcp()


def stated(problem: cvxpy.Problem) -> ConeProgram:
    """The program that is certified of a problem, or of its logarithm (ProblemError: see above)."""
    return compiled(problem, gp=is_geometric(problem))


def certify_stated(problem: cvxpy.Problem, program: ConeProgram, digits: int = 30) -> ConicCertificate:
    """The certificate of a problem, of which the program is at hand."""
    found = certify_cone(program, digits)
    return exponentiated(found) if is_geometric(problem) else noted(found, problem)


def noted(certificate: ConicCertificate, problem: cvxpy.Problem) -> ConicCertificate:
    """The certificate with a note on each atom of its problem that CVXPY replaces by another."""
    if is_geometric(problem):
        return certificate
    return replace(certificate, notes=(*certificate.notes, *replaced(problem)))
