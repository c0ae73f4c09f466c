"""Numbers and lists as Coq reads them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal


def exact(number: float) -> str:
    """A double as a whole number, or one over a power of two.

    Example:
        >>> exact(0.75), exact(-2.0)
        ('(3 / 2^2)', '(-2)')
    """
    above, below = number.as_integer_ratio()
    if below == 1:
        return signed(str(above))
    return f"({signed(str(above))} / 2^{below.bit_length() - 1})"


def decimal(number: Decimal) -> str:
    """A decimal with all its digits.

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
