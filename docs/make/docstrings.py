"""What docstrings need to be shown as they are meant: an extension of Griffe, which reads them."""

from __future__ import annotations

import re
from typing import Any

import griffe

_DOCTEST = re.compile(r"^( *)>>> .*(?:\n(?! *$).*)*", re.M)
_SHARED = re.compile(r"^ +\w+(?:, \w+)+: ", re.M)


class Docstrings(griffe.Extension):
    """Shows doctests as code, and names that share one line of a section as names."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        if obj.docstring is None:
            return
        text = _DOCTEST.sub(r"\1```pycon\n\g<0>\n\1```", obj.docstring.value)
        # what follows a plain space in `low, high: the interval` would be the type of what stands before it
        obj.docstring.value = _SHARED.sub(lambda found: found[0].replace(", ", ",\N{NO-BREAK SPACE}"), text)
