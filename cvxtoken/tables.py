"""Plain-text tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import StringIO


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], left: Iterable[str] = ()) -> str:
    """A Markdown table in ASCII; the first column and those named in `left` are aligned to the left."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    body = Table(box=box.MARKDOWN)
    to_the_left = {columns[0], *left}
    for column in columns:
        body.add_column(column, justify="left" if column in to_the_left else "right", no_wrap=True)
    for row in rows:
        body.add_row(*map(Text, row))
    out = StringIO()
    Console(file=out, width=10_000, color_system=None).print(body)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines() if line.strip())
