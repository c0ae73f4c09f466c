"""Plain-text tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import StringIO


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], numeric_from: int = 1) -> str:
    """A table as text; the columns from `numeric_from` on are aligned to the right."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    body = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, column in enumerate(columns):
        body.add_column(column, justify="right" if number >= numeric_from else "left", no_wrap=True)
    for row in rows:
        body.add_row(*map(Text, row))
    out = StringIO()
    Console(file=out, width=10_000, color_system=None).print(body)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines() if line.strip())
