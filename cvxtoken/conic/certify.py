"""Any cone program, certified: what a search finds is proven by the checker, or is not said."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cvxtoken.conic.certificate import ConicCertificate, exponentiated
from cvxtoken.conic.program import ConeProgram
from cvxtoken.errors import CertificateError, MissingExtraError, ProblemError, SolverError

if TYPE_CHECKING:
    import cvxpy

MOST_DIGITS = 200


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
    from cvxtoken.conic.compiled import compiled
    from cvxtoken.conic.replaced import replaced

    gp = problem.is_dgp() and not problem.is_dcp()
    program = compiled(problem, gp=gp)
    found = certify_cone(program, digits)
    if gp:
        return exponentiated(found)
    return replace(found, notes=(*found.notes, *replaced(problem)))


def certify_cone(program: ConeProgram, digits: int = 30) -> ConicCertificate:
    """The optimum of a cone program between two bounds, or a proof that it has none.

    Args:
        program: the data, taken as exact.
        digits: the gap asked for is 10^-digits of the value.

    Raises:
        ProblemError: digits is not from 1 to 200.
        CertificateError: nothing could be proven; the message says what was tried and what stopped it.
        MissingExtraError: python-flint is not installed.
    """
    if not (isinstance(digits, int) and 1 <= digits <= MOST_DIGITS):
        raise ProblemError(f"digits is {digits!r}; it must be a whole number from 1 to {MOST_DIGITS}")
    try:
        from cvxtoken.conic.search.prover import Prover
    except ModuleNotFoundError as error:
        if error.name != "flint":
            raise
        raise MissingExtraError("the search needs python-flint: pip install 'cvxtoken[conic]'") from None
    reasons = []
    for attempt in Prover(program, digits).attempts():
        try:
            return attempt()
        except (SolverError, ZeroDivisionError) as error:
            reasons.append(str(error))
    raise CertificateError("nothing is proven: " + "; ".join(dict.fromkeys(reasons)))
