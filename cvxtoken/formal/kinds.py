"""An export of a certificate of any kind that has one, and the comparison of a file with a certificate."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

from cvxtoken import verifier
from cvxtoken.errors import CertificateError
from cvxtoken.formal import allocation, lagged, robust, schedule, whole

EXPORTS = {
    verifier.allocation.SCHEMA: allocation.export,
    verifier.allocation.TARGET_SCHEMA: allocation.export,
    verifier.lagged.SCHEMA: lagged.export,
    verifier.robust.SCHEMA: robust.export,
    verifier.whole.SCHEMA: whole.export,
    verifier.schedule.SCHEMA: schedule.export,
}
RADII = (verifier.allocation.SCHEMA, verifier.allocation.TARGET_SCHEMA)  # kinds that state them


def export(document: Any, radii: bool = False) -> str:
    """The text of a Coq file that proves what a certificate states, of the exact numbers in it.

    The file holds the instance (each double as the fraction that it is), the tokens and the certificate's own
    two bounds, the theorem `optimum` about them, and a proof from the theorems of `formal/`. Nothing but Coq
    need be believed: a wrong number makes a file that does not compile.

    Args:
        document: a parsed certificate, in full.
        radii: add the theorem `within`, that whoever reaches the lower bound is within the radii.

    Raises:
        CertificateError: a checker refuses the certificate, or its kind has no export.

    Source: derived here.
    """
    try:
        verifier.check(document)
    except verifier.Refused as refusal:
        raise CertificateError(f"the certificate was refused: {refusal}") from refusal
    schema = document["schema"]
    if schema not in EXPORTS:
        raise CertificateError(f"schema is {schema!r}; exports are of {', '.join(EXPORTS)}")
    if radii and schema not in RADII:
        raise CertificateError(f"schema is {schema!r}; radii are stated by {' and '.join(RADII)} alone")
    return allocation.export(document, radii) if radii else EXPORTS[schema](document)


def require_same(text: str, document: Any) -> None:
    """Refuse a file that is not, to the last character, an export of the certificate (CertificateError).

    Its data and its statement are then the certificate's, and nothing else, such as an axiom, is in it.
    """
    ours = export(document, radii="\nTheorem within " in text)
    both = zip_longest(ours.split("\n"), text.split("\n"), fillvalue="")
    for number, (own, given) in enumerate(both, 1):
        if own != given:
            raise CertificateError(
                f"line {number} is {_short(given)}; the certificate's export has {_short(own)}"
            )


def _short(line: str) -> str:
    return repr(line if len(line) <= 80 else line[:77] + "...")
