"""Which column of a table is which: by our own names, by those of known tools, or as the user says."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cvxtoken.errors import ProblemError
from cvxtoken.files import nearest
from cvxtoken.logs.aliases import ALIASES, SUMMARIES, USUAL, Alias
from cvxtoken.logs.columns import Column

_MOST_LISTED = 16
_UNIT_WORDS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("ms", "msec", "msecs", "millis", "millisecond", "milliseconds"), "ms"),
    **dict.fromkeys(("us", "µs", "μs", "usec", "usecs", "micros", "microsecond", "microseconds"), "us"),
    **dict.fromkeys(("ns", "nsec", "nanos", "nanosecond", "nanoseconds"), "ns"),
}
TIMED = ("seconds", "time", "seconds_per_token", "first_token")  # kinds, and our names, that may have a unit


@dataclass(frozen=True)
class Found:
    """Where a wanted column is.

    Attributes:
        places: numbers of the table's columns; several where they are to be added up or taken together.
        theirs: what the table calls it.
        unit: s, ms, us, ns, or nothing where neither the name nor the tool tells.
        how: why it is this one.
    """

    places: tuple[int, ...]
    theirs: str
    unit: str = ""
    how: str = ""


def plain(name: str) -> str:
    """A name without regard to case, blanks, hyphens, underscores and other marks."""
    return re.sub(r"[\W_]+", "", name.casefold())


def split_unit(name: str) -> tuple[str, str]:
    """The plain name without a unit at its end, and the unit (nothing where there is none)."""
    words = [word for word in re.split(r"[\W_]+|(?<=[a-z])(?=[A-Z])", name) if word]
    unit = _UNIT_WORDS.get(words[-1].casefold(), "") if len(words) > 1 else ""
    return (plain("".join(words[:-1])), unit) if unit else (plain(name), "")


def find(
    header: Sequence[str],
    wanted: Mapping[str, Column],
    columns: Mapping[str, str],
    perhaps: Mapping[str, str],
    origin: str,
    option: str,
) -> dict[str, Found]:
    """Where the wanted columns are; optional ones that the table lacks are left out.

    Args:
        header: the table's names.
        wanted: by our names.
        columns: what the table calls a column, by our name, as the user says.
        perhaps: likewise of another table, for this one if it has such a column.
        origin: what errors call the table.
        option: how the user says it.

    Raises:
        ProblemError: a column is missing, occurs twice, or might be one of several.
    """
    found = {}
    for ours, column in wanted.items():
        timed = column.kind in TIMED or ours in TIMED
        said = columns.get(ours, perhaps[ours] if perhaps.get(ours) in header else None)
        if said is not None:
            place = _named(header, said, ours, origin)
            found[ours] = Found(
                (place,), header[place], split_unit(header[place])[1] if timed else "", "as told"
            )
            continue
        one = _known(header, ours, column.kind, timed, origin, f"{option} {column.called or ours}")
        if one is not None:
            found[ours] = one
        elif column.required:
            raise ProblemError(
                f"{origin}: there is no column {ours!r}{nearest(ours, header)}; columns: {listed(header)}; "
                f"another name is told by {option} {column.called or ours}=NAME{column.otherwise}"
            )
    return found


def listed(header: Sequence[str]) -> str:
    """The names of a table, cut where they are many or long."""
    names = [name if len(name) <= 40 else name[:37] + "..." for name in header[:_MOST_LISTED]]
    return ", ".join([*names, *(["..."] if len(header) > _MOST_LISTED else [])]) or "none"


def _named(header: Sequence[str], theirs: str, ours: str, origin: str) -> int:
    """The place of a column that the user names, spelled as in the table or nearly so (ProblemError)."""
    same = [place for place, name in enumerate(header) if name == theirs]
    same = same or [place for place, name in enumerate(header) if plain(name) == plain(theirs)]
    if len(same) > 1:
        raise ProblemError(f"{origin}: column {theirs!r} occurs twice")
    if not same:
        called = f" for {ours}" if ours != theirs else ""
        raise ProblemError(
            f"{origin}: there is no column {theirs!r}{called}{nearest(theirs, header)}; columns: "
            f"{listed(header)}"
        )
    return same[0]


def _known(
    header: Sequence[str], ours: str, kind: str, timed: bool, origin: str, option: str
) -> Found | None:
    """The column by our own name, or by a tool's (ProblemError: there are several)."""
    stems = [split_unit(name) if timed else (plain(name), "") for name in header]
    names = {plain(name) for name in header}
    own = [place for place, name in enumerate(header) if plain(name) == plain(ours)]
    own = own or [place for place, (stem, _) in enumerate(stems) if stem == plain(ours)]
    if len(own) > 1:
        raise ProblemError(f"{origin}: column {header[own[0]]!r} occurs twice")
    choices: dict[tuple[int, ...], tuple[str, Alias]] = {}
    for tool, aliases in ALIASES.items():
        for alias in aliases:
            if alias.ours != ours or not all(plain(name) in names for name in alias.beside):
                continue
            places = _places(stems, alias.theirs)
            if not places or (own and places != tuple(own)):
                continue
            choices.setdefault(places, (tool, alias))
            if alias.unit:
                choices[places] = (tool, alias)
            if tool != USUAL and kind != "status":
                break  # of one tool the first
    if kind == "status":
        every = sorted({place for places in choices for place in places} | set(own))
        return Found(tuple(every), ", ".join(header[p] for p in every)) if every else None
    if own and not choices:
        return Found(tuple(own), header[own[0]], stems[own[0]][1])
    if len(choices) > 1:
        both = " and ".join(repr(header[places[0]]) for places in list(choices)[:2])
        first = header[next(iter(choices))[0]]
        raise ProblemError(
            f"{origin}: {both} might both be {ours}; say which by {option}={first} or another name"
        )
    for places, (tool, alias) in choices.items():
        unit = stems[places[0]][1] or alias.unit
        how = "" if tool in (USUAL, SUMMARIES) or (own and not alias.unit) else f"{tool}'s"
        return Found(places, ", ".join(header[p] for p in places), unit, how)
    return None


def _places(stems: Sequence[tuple[str, str]], theirs: str) -> tuple[int, ...]:
    """The columns of an alias; several only where it holds a `*`."""
    whole, stem = plain(theirs), split_unit(theirs)[0]
    if "*" not in theirs:
        same = [place for place, (name, _) in enumerate(stems) if name in (whole, stem)]
        return tuple(same[:1])
    pattern = re.compile(".+".join(map(plain, theirs.split("*"))))
    return tuple(place for place, (name, _) in enumerate(stems) if pattern.fullmatch(name))
