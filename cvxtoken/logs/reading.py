"""What was understood of a table, converted and left out: a short table that every command prints."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from cvxtoken.tables import table as text_table


@dataclass(frozen=True)
class Understood:
    """One column: our name of it, the table's, and how its values were read (nothing where as they are)."""

    ours: str
    theirs: str
    how: str


@dataclass(frozen=True)
class Reading:
    """What was read of one table.

    Attributes:
        origin: the file, or `table` in memory.
        form: what it is, in words.
        sha256: of the file as it is, in hexadecimal; None in memory.
        rows: how many were taken.
        columns: those that were taken.
        notes: what was left out, sorted or supposed, with counts; a sentence each.
    """

    origin: str
    form: str
    sha256: str | None
    rows: int
    columns: tuple[Understood, ...]
    notes: tuple[str, ...] = ()

    def noting(self, *notes: str) -> Self:
        """The same with more notes."""
        return replace(self, notes=(*self.notes, *notes))

    @property
    def source(self) -> str:
        """The file's name and the beginning of its SHA-256, in words."""
        if self.sha256 is None:
            return "a table in memory"
        return f"{Path(self.origin).name} (SHA-256 {self.sha256[:16]})"

    def to_document(self) -> dict[str, Any]:
        """A mapping of plain values."""
        return {
            "origin": self.origin,
            "form": self.form,
            "sha256": self.sha256,
            "rows": self.rows,
            "columns": {one.ours: {"name": one.theirs, "read_as": one.how} for one in self.columns},
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        name = Path(self.origin).name if self.sha256 is not None else "table"
        told = [one for one in self.columns if one.how or one.theirs != one.ours]
        same = [one.ours for one in self.columns if one not in told]
        parts = [f"{name}: {self.rows} rows ({self.form})"]
        parts += [f"as they are: {', '.join(same)}"] if same else []
        lines = ["; ".join([*parts, *self.notes])]
        if told:
            rows = [(one.ours, one.theirs, one.how) for one in told]
            lines.append(text_table(["read", "column", "as"], rows, left=("column", "as")))
        return "\n".join(lines)
