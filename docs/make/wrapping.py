"""Where the lines of a page may break: in long paths, but neither in names nor in printed tables."""

from __future__ import annotations

import re
from html import unescape

LONGEST = 28  # letters of a name that fit on a phone
WIDEST = 105  # letters of a printed line that fit on a page

_CODE = re.compile(r"(?<!</span>)<code>([^<]+)</code>")
_OBJECT = re.compile(r'(?<=<span class="doc doc-object-name )[^<]*')
_CELL = re.compile(r"<td>[^<]*")
_PRINTED = re.compile(r'<div class="language-text highlight">(?=.*?<code>(.*?)</code>)', re.S)


def wrapped(html: str) -> str:
    """The page, with its lines broken where a reader expects it."""
    html = _CODE.sub(lambda found: f"<code>{_names(found[1])}</code>", html)
    html = _OBJECT.sub(lambda found: found[0].replace(".", ".<wbr>"), html)
    html = _CELL.sub(lambda found: re.sub(rf"\S{{{LONGEST},}}", _path, found[0]), html)
    return _PRINTED.sub(_printed, html)


def _names(code: str) -> str:
    """A browser breaks `--max-wait` after any of its hyphens, and other names within a table's column."""
    return re.sub(rf"(?<!\S)\S{{2,{LONGEST}}}(?!\S)", r'<span class="unbroken">\g<0></span>', code)


def _path(found: re.Match[str]) -> str:
    return found[0].replace("/", "/<wbr>")


def _printed(found: re.Match[str]) -> str:
    """A block of what was printed, marked if it has a table that does not fit, and so must scroll."""
    lines = unescape(re.sub(r"<.*?>", "", found[1])).splitlines()
    if any(line.startswith("|") and len(line) > WIDEST for line in lines):
        return found[0].replace("language-text", "language-text wide")
    return found[0]
