"""Any cone program, certified: what a search finds is proven by the checker, or is not said."""

from __future__ import annotations

from cvxtoken.conic.certificate import ConicCertificate
from cvxtoken.conic.program import ConeProgram
from cvxtoken.errors import CertificateError, MissingExtraError, ProblemError, SolverError

MOST_DIGITS = 200


def certify_cone(program: ConeProgram, digits: int = 30) -> ConicCertificate:
    """The optimum of a cone program between two bounds, or a proof that it has none.

    Args:
        program: the data, taken as exact.
        digits: the gap asked for is 10^-digits of the value.

    Raises:
        ProblemError: digits is not from 1 to 200, or the program has integers.
        CertificateError: nothing could be proven; the message says what was tried and what stopped it.
        MissingExtraError: python-flint is not installed.
    """
    if not (isinstance(digits, int) and 1 <= digits <= MOST_DIGITS):
        raise ProblemError(f"digits is {digits!r}; it must be a whole number from 1 to {MOST_DIGITS}")
    if program.integers:
        raise ProblemError(
            f"the program has {len(program.integers)} columns that must be whole; "
            "only continuous programs can be proven"
        )
    try:
        from cvxtoken.conic.search.prover import Prover
    except ModuleNotFoundError as error:
        if error.name != "flint":
            raise
        raise MissingExtraError("the search needs python-flint: pip install 'cvxtoken[conic]'") from None
    reasons, partial = [], None
    for attempt in Prover(program, digits).attempts():
        try:
            found = attempt()
        except (SolverError, ZeroDivisionError) as error:
            reasons.append(str(error))
            continue
        if found.is_whole:
            return found
        partial = found
    if partial is None:
        raise CertificateError("nothing is proven: " + "; ".join(dict.fromkeys(reasons)))
    return partial
