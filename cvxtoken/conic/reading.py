"""Reading the Conic Benchmark Format (CBF), versions 1 to 4, without loss.

A file is read whole or refused with a sentence. What is read: VER, OBJSENSE, VAR, INT, CON, OBJACOORD,
OBJBCOORD, ACOORD and BCOORD, with the domains of `cvxtoken.conic.domains`. What the format has beyond
(semidefinite and power cones, CHANGE) is refused by its name. The rules that are held against a
file are the format's:

- VER comes first. Each section stands once; VER, OBJSENSE and VAR must be there. The structure (OBJSENSE,
  VAR, INT, CON) comes before the data, which are zero where nothing is said.
- No entry stands twice, no index is out of range, and as many entries follow as the count says.
- The domains of VAR and of CON have as many rows together as is said before them.
- Integers and reals are written in decimal digits. A real is read as the nearest double; one that is too
  large for a double, or so near to 0 that it would become 0, is refused.

More is read than the format allows: empty lines anywhere, comments from a # to the end of any line, and the
domains of later versions in files of earlier ones. Less in one matter: at most `MOST` variables, and as many
rows.

Source: H. A. Friberg, "The Conic Benchmark Format", version 4.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import NoReturn

import numpy as np
from scipy import sparse

from cvxtoken.conic.domains import DOMAINS, program_in
from cvxtoken.conic.program import MAXIMIZE, MINIMIZE, ConeProgram, Cones
from cvxtoken.errors import ProblemError
from cvxtoken.files import nearest

MOST = 5_000_000
VERSIONS = ("1", "2", "3", "4")
_SENSES = {"MIN": MINIMIZE, "MAX": MAXIMIZE}
_INTEGER = re.compile(r"[+-]?[0-9]+")
_REAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_STRUCTURE = ("OBJSENSE", "VAR", "INT", "CON")
_DATA = ("OBJACOORD", "OBJBCOORD", "ACOORD", "BCOORD")
_BEYOND = {
    **dict.fromkeys(("PSDVAR", "PSDCON", "OBJFCOORD", "FCOORD", "HCOORD", "DCOORD"), "semidefinite cones"),
    **dict.fromkeys(("POWCONES", "POW*CONES"), "power cones"),
    "CHANGE": "several problems in a file",
}
_FAR = {"POW": "power cones", "SVECPSD": "semidefinite cones", "GMEANABS": "cones of geometric means"}


def read_cbf(text: str) -> ConeProgram:
    """The cone program in the text of a CBF file.

    The program's first columns are the file's variables, those of INT its integers. Its cones are
    the domains of CON and then those of VAR, without F; where a sum of two numbers is no double, variables
    are added, as `cvxtoken.conic.domains` says. The objective of MAX is negated, and the program's `sense`
    says so.

    Raises:
        ProblemError: the text is not such a file; the message names the line, the value and the rule.
    """
    file = _File(text)
    file.read()
    rows, variables = (sum(size for _, size in file.domains.get(key, ())) for key in ("CON", "VAR"))
    i, j = np.array(list(file.entries["ACOORD"]), dtype=np.int64).reshape(-1, 2).T
    values = np.array(list(file.entries["ACOORD"].values()), dtype=float)
    names, sizes = zip(*file.domains["VAR"], strict=True)
    restricted = np.flatnonzero(
        np.repeat(np.array(names) != "F", sizes)
    )  # the variables in cones; a row each
    M = sparse.csr_array(
        (
            np.append(values, np.ones(len(restricted))),
            (np.append(i, rows + np.arange(len(restricted))), np.append(j, restricted)),
        ),
        shape=(rows + len(restricted), variables),
    )
    c, q = np.zeros(M.shape[0]), np.zeros(variables)
    for vector, key in ((c, "BCOORD"), (q, "OBJACOORD")):
        for (place,), value in file.entries[key].items():
            vector[place] = value
    sign = -1.0 if file.sense == MAXIMIZE else 1.0
    domains = (*file.domains.get("CON", ()), *(pair for pair in file.domains["VAR"] if pair[0] != "F"))
    program = program_in(domains, M, c, sign * q + 0.0, sign * file.offset + 0.0, file.sense)
    return replace(program, integers=file.integers) if file.integers else program


class _File:
    """What a file says, section by section."""

    def __init__(self, text: str) -> None:
        numbered = enumerate((line.split("#")[0].strip() for line in text.split("\n")), 1)
        self.lines = [(number, line) for number, line in numbered if line]
        self.next = 0
        self.started: dict[str, int] = {}  # the line in which each section starts
        self.domains: dict[str, Cones] = {}
        self.entries: dict[str, dict[tuple[int, ...], float]] = {
            "OBJACOORD": {},
            "ACOORD": {},
            "BCOORD": {},
        }
        self.sense, self.offset = MINIMIZE, 0.0
        self.integers: tuple[int, ...] = ()

    def read(self) -> None:
        """Read all sections."""
        if not self.lines:
            raise ProblemError("CBF: the file is empty; its first section must be VER")
        while self.next < len(self.lines):
            self.section(self.take("a keyword"))
        for needed in ("OBJSENSE", "VAR"):
            if needed not in self.started:
                raise ProblemError(f"CBF: the file has no section {needed}, which every file must have")

    def section(self, keyword: str) -> None:
        """Read a section, its keyword being read already."""
        if keyword in _BEYOND:
            self.fail(f"{keyword}: {_BEYOND[keyword]} are not read, only problems of {_listed(DOMAINS)}")
        known = ("VER", *_STRUCTURE, *_DATA)
        if keyword not in known:
            self.fail(f"{_cut(keyword)} is found where a keyword must be{nearest(keyword[:20], known)}")
        if keyword in self.started:
            self.fail(f"the section {keyword} stands twice; the first is in line {self.started[keyword]}")
        if keyword != "VER" and "VER" not in self.started:
            self.fail(f"{keyword} is found where VER must be, the first section of every file")
        late = next((name for name in _DATA if name in self.started), None)
        if keyword in _STRUCTURE and late:
            self.fail(f"{keyword} must stand before {late}, which is in line {self.started[late]}")
        self.started[keyword] = self.lines[self.next - 1][0]
        if keyword == "VER":
            self.choice("the version", VERSIONS)
        elif keyword == "OBJSENSE":
            self.sense = _SENSES[self.choice("the sense", tuple(_SENSES))]
        elif keyword in ("VAR", "CON"):
            self.domains[keyword] = self.cones(keyword)
        elif keyword == "INT":
            self.integers = self.whole()
        elif keyword == "OBJBCOORD":
            self.offset = self.real(self.words(1, "the constant of the objective")[0])
        else:
            self.coordinates(keyword)

    def cones(self, keyword: str) -> Cones:
        """The domains of VAR or CON."""
        what = "variables" if keyword == "VAR" else "rows"
        first, second = self.words(2, f"the number of {what} and of their domains")
        total, count = self.integer(first), self.integer(second)
        least = 1 if keyword == "VAR" else 0
        if not least <= total <= MOST:
            self.fail(f"{keyword} has {_cut(first)} {what}; it must have {least} to {MOST}")
        found, size = [], 0
        for k in range(count):
            found.append(self.cone(f"domain {k + 1} of {count} of {keyword}"))
            size += found[-1][1]
            if size > total:
                self.fail(f"the domains of {keyword} have {size} rows up to here, and {keyword} has {total}")
        if size != total:
            self.fail(f"the {count} domains of {keyword} have {size} rows, and {keyword} has {total}")
        return tuple(found)

    def cone(self, what: str) -> tuple[str, int]:
        """A domain and its rows."""
        name, number = self.words(2, f"{what}, a name and a number,")
        far = name.rpartition(":")[2].rstrip("*")
        if far in _FAR:
            self.fail(f"{_cut(name)}: {_FAR[far]} are not read; domains are {_listed(DOMAINS)}")
        if name not in DOMAINS:
            self.fail(f"{_cut(name)} is no domain; domains are {_listed(DOMAINS)}")
        size = self.integer(number)
        least = {"QR": 2, "EXP": 3, "EXP*": 3}.get(name, 1)
        exactly = name in ("EXP", "EXP*")
        if size < least or (exactly and size != least):
            self.fail(f"{name} has {size} rows; it has {'exactly' if exactly else 'at least'} {least}")
        return name, size

    def whole(self) -> tuple[int, ...]:
        """The variables that must be whole, rising."""
        if "VAR" not in self.started:
            self.fail("INT is found where VAR must be, which stands before it")
        variables = sum(size for _, size in self.domains["VAR"])
        count = self.integer(self.words(1, "the number of integer variables")[0])
        found: set[int] = set()
        for k in range(count):
            (word,) = self.words(1, f"entry {k + 1} of {count} of INT")
            index = self.integer(word, "an index")
            if index >= variables:
                self.fail(f"INT has the index {index}, and VAR has {variables}, counted from 0")
            if index in found:
                self.fail(f"INT has the index {index} twice")
            found.add(index)
        return tuple(sorted(found))

    def coordinates(self, keyword: str) -> None:
        """The entries of a matrix or vector."""
        structure = {"OBJACOORD": ("VAR",), "ACOORD": ("CON", "VAR"), "BCOORD": ("CON",)}[keyword]
        if "VAR" in structure and "VAR" not in self.started:
            self.fail(f"{keyword} is found where VAR must be, which stands before the data")
        lengths = [sum(size for _, size in self.domains.get(name, ())) for name in structure]
        count = self.integer(self.words(1, f"the number of entries of {keyword}")[0])
        entries = self.entries[keyword]
        for k in range(count):
            words = self.words(len(lengths) + 1, f"entry {k + 1} of {count} of {keyword}")
            place = tuple(map(self.integer, words[:-1], ["an index"] * len(lengths)))
            for index, length, name in zip(place, lengths, structure, strict=True):
                if index >= length:
                    self.fail(f"{keyword} has the index {index}, and {name} has {length}, counted from 0")
            if place in entries:
                self.fail(f"{keyword} has the entry {' '.join(words[:-1])} twice")
            entries[place] = self.real(words[-1])

    def take(self, what: str) -> str:
        """The next line, which must hold something."""
        if self.next == len(self.lines):
            self.fail(f"the file ends where {what} must be")
        self.next += 1
        line = self.lines[self.next - 1][1]
        if not line.isascii():
            self.fail(f"{_cut(line)} has a character that is not ASCII outside of a comment")
        return line

    def words(self, count: int, what: str) -> list[str]:
        """The words of the next line, which must be so many."""
        line = self.take(what)
        words = line.split()
        if len(words) != count:
            self.fail(f"{_cut(line)} is found where {what} must be: {count} in number, not {len(words)}")
        return words

    def choice(self, what: str, choices: tuple[str, ...]) -> str:
        """The next line, which must be one of these."""
        line = self.take(what)
        if line not in choices:
            self.fail(f"{_cut(line)} is found where {what} must be, which is {_listed(choices)}")
        return line

    def integer(self, word: str, what: str = "a count") -> int:
        """A whole number of 0 or more."""
        if not _INTEGER.fullmatch(word):
            self.fail(f"{_cut(word)} is found where {what} must be, a whole number in decimal digits")
        if len(word) > 18 or int(word) < 0:
            self.fail(f"{_cut(word)} is found where {what} must be, which is 0 to 10^17")
        return int(word)

    def real(self, word: str) -> float:
        """A finite number."""
        if not _REAL.fullmatch(word):
            self.fail(f"{_cut(word)} is found where a finite real number in decimal digits must be")
        value = float(word)
        if not np.isfinite(value):
            self.fail(f"{_cut(word)} is too large for a double")
        if value == 0 and re.search("[1-9]", re.split("[eE]", word)[0]):
            self.fail(f"{_cut(word)} is not 0, and too near to 0 for a double")
        return value

    def fail(self, reason: str) -> NoReturn:
        """Raise ProblemError, which names the line read last."""
        raise ProblemError(f"CBF, line {self.lines[max(self.next, 1) - 1][0]}: {reason}")


def _cut(text: str) -> str:
    """A quoted text, cut where it is long."""
    return repr(text if len(text) <= 40 else text[:37] + "...")


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(words[:-1]) + " or " + words[-1]
