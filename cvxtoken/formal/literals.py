"""Numbers and lists as Coq reads them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal


def exact(number: float | Decimal) -> str:
    """A number as it is: whole, one over a power of two, or a decimal with all its digits.

    Coq divides by a power of two at once, and for long by one of ten.

    Example:
        >>> exact(0.75), exact(-2.0), exact(Decimal("-1.6E-3"))
        ('(3 / 2^2)', '(-2)', '(-0.0016)')
    """
    above, below = number.as_integer_ratio()
    if below == 1:
        return signed(str(above))
    if below & (below - 1):
        return decimal(Decimal(number))
    return f"({signed(str(above))} / 2^{below.bit_length() - 1})"


def decimal(number: Decimal) -> str:
    """A decimal with all its digits, as a certificate states it.

    Example:
        >>> decimal(Decimal("-1.5E-3"))
        '(-0.0015)'
    """
    return signed(format(number, "f"))


def signed(text: str) -> str:
    """In brackets where it is negative."""
    return f"({text})" if text.startswith("-") else text


def listed(items: Iterable[str]) -> str:
    """A list.

    Example:
        >>> listed(["1", "2"])
        '[1; 2]'
    """
    return f"[{'; '.join(items)}]"


def harmless(name: str) -> str:
    """A name as a comment may hold it: nothing in it can end the comment or begin a string.

    Example:
        >>> harmless('GSM8K *) Axiom "')
        'GSM8K ?? Axiom ?'
    """
    return re.sub(r"[^A-Za-z0-9 ._-]", "?", name)
