"""A sentence with its line for every CBF file that is wrong, and no other error whatever the text."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvxtoken import ProblemError
from cvxtoken.conic.cbf import read_cbf
from cvxtoken.conic.program import ConeProgram
from tests.support.cbf import GOOD

LONG = "9" * 5000
WRONG = [  # old text, new text, line, what the message says
    ("VER\n3", "VER\n5", 3, "'5' is found where the version must be, which is 1, 2, 3 or 4"),
    ("VER\n3", "VER\n3.0", 3, "'3.0' is found where the version"),
    ("VER\n3", "VER\n", 5, "'OBJSENSE' is found where the version"),
    ("VER\n3", "VER 3", 2, "'VER 3' is found where a keyword must be (did you mean 'VER'?)"),
    ("VER\n3\n", "", 3, "OBJSENSE is found where VER must be, the first section of every file"),
    ("VER\n3", "VER\n3\nVER\n3", 4, "the section VER stands twice; the first is in line 2"),
    ("# a comment\nVER\n3", "x", 1, "'x' is found where a keyword must be"),
    ("VER", "\ufeffVER", 2, "has a character that is not ASCII"),
    ("VER", "ver", 2, "'ver' is found where a keyword must be"),
    ("MIN", "MEAN", 6, "'MEAN' is found where the sense must be, which is MIN or MAX"),
    ("MIN", "min", 6, "'min' is found where the sense"),
    ("OBJSENSE\nMIN", "", None, "no section OBJSENSE"),
    ("VAR\n3 2\nL+ 1\nF 2", "", 15, "OBJACOORD is found where VAR must be, which stands before the data"),
    (
        "3 2",
        "3",
        9,
        "'3' is found where the number of variables and of their domains must be: 2 in number, not 1",
    ),
    ("3 2", "3 2 1", 9, "'3 2 1' is found where the number of variables"),
    ("3 2", "3.5 2", 9, "'3.5' is found where a count must be, a whole number"),
    ("3 2", "3e0 2", 9, "'3e0' is found where a count must be"),
    ("3 2", "0x3 2", 9, "'0x3' is found where a count must be"),
    ("3 2", "-3 2", 9, "'-3' is found where a count must be, which is 0 to 10^17"),
    ("3 2", f"{LONG} 2", 9, "is found where a count must be, which is 0 to 10^17"),
    ("3 2", "6000000 2", 9, "VAR has '6000000' variables; it must have 1 to 5000000"),
    ("3 2\nL+ 1\nF 2", "0 0", 9, "VAR has '0' variables; it must have 1 to"),
    ("3 2", "4 2", 11, "the 2 domains of VAR have 3 rows, and VAR has 4"),
    ("3 2", "2 2", 11, "the domains of VAR have 3 rows up to here, and VAR has 2"),
    ("3 2", "3 1", 10, "the 1 domains of VAR have 1 rows, and VAR has 3"),
    ("3 2", "3 3", 13, "'CON' is found where domain 3 of 3 of VAR, a name and a number, must be"),
    ("L+ 1", "L+ 0", 10, "L+ has 0 rows; it has at least 1"),
    ("L+ 1", "L+ 1.0", 10, "'1.0' is found where a count must be"),
    ("L+ 1", "L+1", 10, "'L+1' is found where domain 1 of 2 of VAR"),
    ("L+ 1", "L+ 1 1", 10, "2 in number, not 3"),
    ("L+ 1", "L 1", 10, "'L' is no domain; domains are F, L=, L+, L-, Q, QR, EXP or EXP*"),
    ("L+ 1", "l+ 1", 10, "'l+' is no domain"),
    ("L+ 1", "L+ -1", 10, "'-1' is found where a count"),
    ("L+ 1\nF 2", "QR 1\nF 2", 10, "QR has 1 rows; it has at least 2"),
    ("L+ 1\nF 2", "EXP 1\nF 2", 10, "EXP has 1 rows; it has exactly 3"),
    ("4 2\nQR 3\nL= 1", "4 1\nEXP 4", 15, "EXP has 4 rows; it has exactly 3"),
    ("4 2\nQR 3\nL= 1", "4 2\nEXP* 2\nL= 2", 15, "EXP* has 2 rows; it has exactly 3"),
    ("QR 3", "@0:POW 3", 15, "'@0:POW': power cones are not read; domains are F,"),
    ("QR 3", "@0:POW* 3", 15, "'@0:POW*': power cones are not read"),
    ("QR 3", "SVECPSD 3", 15, "semidefinite cones are not read"),
    ("QR 3", "GMEANABS* 3", 15, "cones of geometric means are not read"),
    ("4 2\nQR 3", "5 2\nQR 3", 16, "the 2 domains of CON have 4 rows, and CON has 5"),
    ("4 2\nQR 3", "99999999 2\nQR 3", 14, "CON has '99999999' rows; it must have 0 to 5000000"),
    ("CON\n", "VAR\n3 1\nF 3\nCON\n", 13, "the section VAR stands twice; the first is in line 8"),
    ("OBJACOORD", "INT\n1\n3\nOBJACOORD", 20, "INT has the index 3, and VAR has 3, counted from 0"),
    ("OBJACOORD", "INT\n2\n1\n1\nOBJACOORD", 21, "INT has the index 1 twice"),
    ("OBJACOORD", "INT\n1\n1.0\nOBJACOORD", 20, "'1.0' is found where an index must be"),
    ("OBJACOORD", "INT\n1\n0 1\nOBJACOORD", 20, "'0 1' is found where entry 1 of 1 of INT must be"),
    ("OBJACOORD", "INT\n0\nINT\n0\nOBJACOORD", 20, "the section INT stands twice; the first is in line 18"),
    ("VAR\n3 2", "INT\n1\n0\nVAR\n3 2", 8, "INT is found where VAR must be, which stands before it"),
    ("BCOORD\n1", "INT\n1\n0\nBCOORD\n1", 33, "INT must stand before OBJACOORD, which is in line 18"),
    ("OBJACOORD", "PSDVAR\n1\n2\nOBJACOORD", 18, "PSDVAR: semidefinite cones are not read"),
    ("OBJACOORD", "PSDCON\n1\n2\nOBJACOORD", 18, "PSDCON: semidefinite cones are not read"),
    ("OBJACOORD", "POWCONES\n1 2\n2\n1\n1\nOBJACOORD", 18, "POWCONES: power cones are not read"),
    ("OBJACOORD", "POW*CONES\n1 2\n2\n1\n1\nOBJACOORD", 18, "POW*CONES: power cones are not read"),
    *[
        ("BCOORD\n1\n3 -2", f"{name}\n0\n", 33, f"{name}: semidefinite cones are not read")
        for name in ("HCOORD", "DCOORD", "FCOORD", "OBJFCOORD")
    ],
    ("BCOORD\n1\n3 -2", "CHANGE\n", 33, "CHANGE: several problems in a file are not read"),
    ("OBJACOORD", "OBJACORD", 18, "'OBJACORD' is found where a keyword must be (did you mean 'OBJACOORD'?)"),
    ("OBJACOORD\n2", "OBJACOORD\n3", 23, "'OBJBCOORD' is found where entry 3 of 3 of OBJACOORD must be"),
    ("OBJACOORD\n2", "OBJACOORD\n1", 21, "'1 1.0' is found where a keyword must be"),
    ("OBJACOORD\n2", "OBJACOORD\n2.0", 19, "'2.0' is found where a count must be"),
    ("OBJACOORD\n2", "OBJACOORD\n-2", 19, "'-2' is found where a count must be"),
    ("OBJACOORD\n2", "OBJACOORD\nx", 19, "'x' is found where a count must be"),
    ("0 1\n1 1.0", "0 1\n0 1.0", 21, "OBJACOORD has the entry 0 twice"),
    ("0 1\n1 1.0", "0 1\n3 1.0", 21, "OBJACOORD has the index 3, and VAR has 3, counted from 0"),
    ("0 1\n1 1.0", "0 1\n0.5 1.0", 21, "'0.5' is found where an index must be, a whole number"),
    ("0 1\n1 1.0", "0 1\n1.0 1.0", 21, "'1.0' is found where an index must be"),
    ("0 1\n1 1.0", "0 1\n-1 1.0", 21, "'-1' is found where an index must be"),
    ("0 1\n1 1.0", "0 1\n1_0 1.0", 21, "'1_0' is found where an index must be"),
    ("0 1\n1 1.0", "0 1\n1 1.0 x", 21, "2 in number, not 3"),
    ("0 1\n1 1.0", "0 1\n1 1.0x", 21, "'1.0x' is found where a finite real number"),
    ("0 1\n1 1.0", "0 1\n1 nan", 21, "'nan' is found where a finite real number"),
    ("0 1\n1 1.0", "0 1\n1 -inf", 21, "'-inf' is found where a finite real number"),
    ("0 1\n1 1.0", "0 1\n1 1_0", 21, "'1_0' is found where a finite real number"),
    ("0 1\n1 1.0", "0 1\n1 1,5", 21, "'1,5' is found where a finite real number"),
    ("0 1\n1 1.0", "0 1\n1 1d5", 21, "'1d5' is found where a finite real number"),
    ("0 1\n1 1.0", "0 1\n1 .", 21, "'.' is found where a finite real number"),
    ("0 1\n1 1.0", "0 1\n1 ١", 21, "has a character that is not ASCII"),
    ("0 1\n1 1.0", "0 1\n1 1e309", 21, "'1e309' is too large for a double"),
    ("0 1\n1 1.0", f"0 1\n1 {LONG}", 21, "is too large for a double"),
    ("0 1\n1 1.0", "0 1\n1 -1e-400", 21, "'-1e-400' is not 0, and too near to 0 for a double"),
    (
        "OBJBCOORD\n0.5",
        "OBJBCOORD\n0.5 1",
        24,
        "'0.5 1' is found where the constant of the objective must be",
    ),
    ("OBJBCOORD\n0.5", "OBJBCOORD\n", 26, "'ACOORD' is found where a finite real number"),
    ("OBJBCOORD\n0.5", "OBJBCOORD\n0.5\nOBJBCOORD\n1", 25, "the section OBJBCOORD stands twice"),
    ("3 2 1", "4 2 1", 31, "ACOORD has the index 4, and CON has 4, counted from 0"),
    ("3 2 1", "3 3 1", 31, "ACOORD has the index 3, and VAR has 3, counted from 0"),
    ("3 2 1", "2 2 0", 31, "ACOORD has the entry 2 2 twice"),
    ("3 2 1", "3 2", 31, "'3 2' is found where entry 4 of 4 of ACOORD must be: 3 in number, not 2"),
    ("\nBCOORD", "\nACOORD\n0\nBCOORD", 33, "the section ACOORD stands twice; the first is in line 26"),
    ("3 -2", "3 -2\n3 -2", 36, "'3 -2' is found where a keyword must be"),
    ("1\n3 -2", "2\n3 -2\n3 -2", 36, "BCOORD has the entry 3 twice"),
    ("3 -2", "", 34, "the file ends where entry 1 of 1 of BCOORD must be"),
    ("1\n3 -2", "", 33, "the file ends where the number of entries of BCOORD must be"),
    ("3 -2", "4 -2", 35, "BCOORD has the index 4, and CON has 4"),
    ("3 -2", "3 -2\nCON\n0 0", 36, "the section CON stands twice"),
]


@pytest.mark.parametrize(("old", "new", "line", "message"), WRONG)
def test_a_wrong_file_is_refused_with_its_line(old: str, new: str, line: int | None, message: str) -> None:
    assert old in GOOD
    with pytest.raises(ProblemError) as caught:
        read_cbf(GOOD.replace(old, new, 1))
    found = str(caught.value)
    assert message in found
    assert found.startswith("CBF, line " + f"{line}: " if line else "CBF: ")
    assert len(found) < 220


def test_files_without_a_section_that_must_be_there_are_refused() -> None:
    for text, message in (
        ("", "the file is empty; its first section must be VER"),
        ("\n # only a comment\n", "the file is empty"),
        ("VER\n3\n", "no section OBJSENSE"),
        ("VER\n3\nOBJSENSE\nMIN\n", "no section VAR"),
        (
            "VER\n3\nOBJSENSE\nMIN\nACOORD\n0\nVAR\n1 1\nF 1\n",
            "line 5: ACOORD is found where VAR must be",
        ),
        ("VER\n3\nVAR\n1 1\nF 1\nACOORD\n0\nCON\n0 0\n", "CON must stand before ACOORD, which is in line 6"),
        ("VER\n3\nVAR\n1 1\nF 1\nOBJBCOORD\n1\nOBJSENSE\nMAX\n", "OBJSENSE must stand before OBJBCOORD"),
        ("VER", "line 1: the file ends where the version must be"),
    ):
        with pytest.raises(ProblemError, match="CBF") as caught:
            read_cbf(text)
        assert message in str(caught.value)


def test_the_table_of_wrong_files_is_as_long_as_it_should_be() -> None:
    assert len({GOOD.replace(old, new, 1) for old, new, _, _ in WRONG}) == len(WRONG) >= 60


def read_or_refused(text: str) -> ConeProgram | None:
    try:
        return read_cbf(text)
    except ProblemError:
        return None


def test_mutated_files_are_read_or_refused() -> None:
    rng = random.Random(7)
    words = [
        *GOOD.split(),
        "EXP",
        "EXP*",
        "Q",
        "L-",
        "MAX",
        "1e400",
        "-1",
        "INT",
        "\n",
        "\n\n",
        "#",
        "é",
        "\0",
    ]
    read = 0
    for _ in range(3000):
        parts = GOOD.replace("\n", " \n ").split(" ")
        for _ in range(rng.randint(1, 3)):
            k = rng.randrange(len(parts))
            parts[k : k + rng.randint(0, 2)] = rng.choices(words, k=rng.randint(0, 2))
        read += read_or_refused(" ".join(parts)) is not None
    assert 50 < read < 2900


@settings(max_examples=100, deadline=None)
@given(st.text(), st.integers(0, len(GOOD)), st.integers(0, 20))
def test_no_text_raises_anything_else(text: str, place: int, cut: int) -> None:
    read_or_refused(text)
    read_or_refused(GOOD[:place] + text + GOOD[place + cut :])
