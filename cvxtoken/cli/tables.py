"""What the commands that read tables share: options that say what a table does not, and pairs NAME=VALUE."""

from __future__ import annotations

from typing import Annotated

import typer

from cvxtoken.errors import ProblemError
from cvxtoken.logs.columns import DATES, DECIMALS, DROPS, PERCENT, UNITS, Hints

ANY_TABLE = "CSV and its kin, JSON, JSON lines or Parquet, plain or compressed"

ColumnNames = Annotated[
    list[str] | None,
    typer.Option("--column", metavar="OURS=THEIRS", help="What the file calls a column; repeatable."),
]
Unit = Annotated[
    list[str] | None,
    typer.Option(
        metavar="OURS=UNIT",
        help=f"The unit of a column: {', '.join(UNITS)}, or {PERCENT} of correct; repeatable.",
    ),
]
Where = Annotated[
    list[str] | None,
    typer.Option(metavar="COLUMN=VALUE", help="Take only the rows that hold this; repeatable."),
]
Drop = Annotated[
    list[str] | None,
    typer.Option(help=f"Rows to leave out: {', '.join(DROPS[:2])} (a value missing; no output); repeatable."),
]
Dates = Annotated[str | None, typer.Option(help=f"How dates as 03/04/2026 begin: {' or '.join(DATES)}.")]
Zone = Annotated[
    str | None, typer.Option(help="Of times that state none where others do: +02:00, or Europe/Paris.")
]
Decimal = Annotated[str | None, typer.Option(help=f"The decimal mark: {' or '.join(DECIMALS)}.")]


def hints(
    unit: list[str] | None = None,
    where: list[str] | None = None,
    drop: list[str] | None = None,
    dates: str | None = None,
    zone: str | None = None,
    decimal: str | None = None,
) -> Hints:
    """What the options say (ProblemError)."""
    return Hints(
        units=read_pairs(unit or [], "unit", "seconds=ms", "OURS=UNIT"),
        where=read_pairs(where or [], "where", "model=mine"),
        drop=tuple(drop or ()),
        dates=dates,
        zone=zone,
        decimal=decimal,
    )


def read_columns(pairs: list[str] | None, option: str = "column") -> dict[str, str]:
    """Pairs OURS=THEIRS (ProblemError)."""
    return read_pairs(pairs or [], option, "seconds=latency_s", "OURS=THEIRS")


def read_pairs(pairs: list[str], option: str, example: str, form: str = "COLUMN=VALUE") -> dict[str, str]:
    """Pairs with an equals sign (ProblemError: one has none, or nothing on a side of it)."""
    found = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name or not value:
            raise ProblemError(f"{option} is {pair!r}; it must be {form}, such as {example}")
        found[name] = value
    return found
