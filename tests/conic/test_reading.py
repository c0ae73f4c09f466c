"""CBF files: every domain as the right cone without rounding, and a sentence for every file that is wrong."""

from __future__ import annotations

import random
from fractions import Fraction
from math import e, exp, log, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from cvxtoken import ProblemError
from cvxtoken.conic.cbf import read_cbf, write_cbf
from cvxtoken.conic.program import EXPONENTIAL, MAXIMIZE, NONNEGATIVE, SECOND_ORDER, ZERO, ConeProgram
from cvxtoken.conic.residuals import outside
from tests.support.cones import solved

# x_0 + x_1 is smallest where 2 x_0 x_1 >= x_2^2 and x_2 = 2: at x_0 = x_1 = sqrt 2
GOOD = """\
# a comment
VER
3

OBJSENSE
MIN

VAR
3 2
L+ 1
F 2

CON
4 2
QR 3
L= 1

OBJACOORD
2
0 1
1 1.0

OBJBCOORD
0.5

ACOORD
4
0 0 1
1 1 1
2 2 1
3 2 1

BCOORD
1
3 -2
"""


def file(var: str, con: str = "", sense: str = "MIN", **data: str) -> str:
    """A file from domains such as 'F 2, L+ 1' and entries such as '0 1, 1 1'."""

    def section(keyword: str, text: str, head: str = "") -> str:
        lines = [line.strip() for line in text.split(",")] if text else []
        return "\n".join([keyword, f"{head}{len(lines)}", *lines, ""])

    parts = ["VER\n2\n", f"OBJSENSE\n{sense}\n"]
    for keyword, text in (("VAR", var), ("CON", con)):
        if text:
            total = sum(int(domain.split()[1]) for domain in text.split(","))
            parts.append(section(keyword, text, f"{total} "))
    parts += [section(keyword, text) for keyword, text in data.items()]
    return "\n".join(parts)


def value(text: str) -> float:
    """The optimum of the problem that a file states."""
    program = read_cbf(text)
    found = solved(program)[2]
    return -found if program.sense == MAXIMIZE else found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (GOOD, 0.5 + 2 * sqrt(2)),
        # max -x_0 - x_1 on the same set, with the rotated cone in VAR
        (file("QR 3", "L= 1", "MAX", OBJACOORD="0 -1, 1 -1", ACOORD="0 2 1", BCOORD="0 -2"), -2 * sqrt(2)),
        # x_1 <= -3
        (file("F 1, L- 1", "L+ 1", "MAX", OBJACOORD="1 1", ACOORD="0 1 -1", BCOORD="0 -3"), -3),
        (file("F 1", "L- 1", "MAX", OBJACOORD="0 2", ACOORD="0 0 2", BCOORD="0 -5"), 5),
        # |(x_1, x_2)| <= 5, x_1 = 3: x_2 <= 4
        (file("Q 3", "L= 2", "MAX", OBJACOORD="2 1", ACOORD="0 0 1, 1 1 1", BCOORD="0 -5, 1 -3"), 4),
        # x_0 >= x_1 e^(x_2 / x_1) at x_1 = 2, x_2 = 3
        (file("EXP 3", "L= 2", OBJACOORD="0 1", ACOORD="0 1 1, 1 2 1", BCOORD="0 -2, 1 -3"), 2 * exp(1.5)),
        # x_0 >= -x_2 e^(x_1 / x_2 - 1) at x_2 = -2, x_1 = 3
        (file("EXP* 3", "L= 2", OBJACOORD="0 1", ACOORD="0 1 1, 1 2 1", BCOORD="0 -3, 1 2"), 2 * exp(-2.5)),
        # at x_0 = 1 and x_2 = -1, x_1 is at least -1; rows that share a column need a new variable
        (file("F 3", "EXP* 3", OBJACOORD="1 1", ACOORD="1 1 1, 1 0 0.1, 2 0 0.7", BCOORD="0 1, 2 -1"), None),
        # 2 (x + 0.3) (0.7 - x / 3) >= 0.5^2: x is at most the larger root
        (
            file(
                "F 1",
                "QR 3",
                "MAX",
                OBJACOORD="0 1",
                ACOORD="0 0 1, 1 0 -0.333",
                BCOORD="0 0.3, 1 0.7, 2 0.5",
            ),
            max(np.roots([-0.666, 2 * (0.7 - 0.333 * 0.3), 2 * 0.3 * 0.7 - 0.25]).real),
        ),
        (file("F 1", "L= 1", OBJACOORD="0 1", ACOORD="0 0 4", BCOORD="0 -10"), 2.5),
    ],
)
def test_the_optimum_is_the_known_one(text: str, expected: float | None) -> None:
    if expected is None:  # x_1 = u (1 + ln(-w / u)) - 0.1 t where u = 0.7 t - 1, w = 1: least over a grid
        t = np.linspace(-30, 1.42, 200_001)
        u = 0.7 * t - 1
        with np.errstate(all="ignore"):
            expected = float(np.nanmin(u * (1 + np.log(-1 / u)) - 0.1 * t))
    assert value(text) == pytest.approx(expected, abs=1e-6)


def test_the_program_of_a_file_by_hand() -> None:
    program = read_cbf(GOOD)
    assert program.cones == ((SECOND_ORDER, 3), (ZERO, 1), (NONNEGATIVE, 1))
    rows = [[-0.5, -1, 0], [-0.5, 1, 0], [0, 0, -1], [0, 0, -1], [-1, 0, 0]]
    assert program.A.toarray().tolist() == rows
    assert (program.b.tolist(), program.q.tolist()) == ([0, 0, 0, -2, 0], [1, 1, 0])
    assert (program.offset, program.sense) == (0.5, "minimize")


def test_a_file_may_have_crlf_comments_every_version_and_no_data() -> None:
    for version in "1234":
        text = (
            GOOD.replace("VER\n3", f"VER\n{version}")
            .replace("\n", "\r\n")
            .replace("1 1.0", "1 1.0 # = x_1 é")
        )
        assert write_cbf(read_cbf(text)) == write_cbf(read_cbf(GOOD))
    program = read_cbf("VER\n1\nOBJSENSE\nMAX\nVAR\n2 1\nF 2\n")
    assert (program.A.shape, program.cones, program.q.tolist()) == ((0, 2), (), [0, 0])
    assert not np.signbit([*program.q, program.offset]).any()


def exactly(program: ConeProgram, v: list[Fraction]) -> list[Fraction]:
    """The rows s = b - A v in fractions."""
    A = program.A.toarray()
    return [
        Fraction(b) - sum(Fraction(x) * y for x, y in zip(row, v, strict=True))
        for row, b in zip(A.tolist(), program.b.tolist(), strict=True)
    ]


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("name", ["QR", "EXP*"])
def test_no_sum_of_two_rows_is_rounded(name: str, seed: int) -> None:
    """The rows stand for the file's numbers in fractions; new variables only where a sum is no double."""
    rng = random.Random(seed)
    simple = seed % 2 == 0
    number = (
        (lambda: rng.randint(-8, 8) / 4)
        if simple
        else (lambda: rng.uniform(-1, 1) * 10 ** rng.randint(-3, 3))
    )
    M = [[number() for _ in range(3)] for _ in range(3)]
    c = [number() for _ in range(3)]
    entries = ", ".join(f"{i} {j} {M[i][j]!r}" for i in range(3) for j in range(3))
    constants = ", ".join(f"{i} {x!r}" for i, x in enumerate(c))
    program = read_cbf(file("F 3", f"{name} 3", ACOORD=entries, BCOORD=constants))
    v = [Fraction(rng.randint(-99, 99), 7) for _ in range(3)]
    r = [Fraction(c[i]) + sum(Fraction(x) * y for x, y in zip(M[i], v, strict=True)) for i in range(3)]
    new = [] if simple else [r[0] if name == "QR" else r[2]]
    assert len(program.q) == 3 + len(new)
    expected = [r[0] / 2 + r[1], r[0] / 2 - r[1], r[2]] if name == "QR" else [r[2] - r[1], -r[2], r[0]]
    assert exactly(program, v + new) == expected + [Fraction(0)] * len(new)
    kind = SECOND_ORDER if name == "QR" else EXPONENTIAL
    assert program.cones == ((kind, 3), *([(ZERO, 1)] if new else []))


@pytest.mark.parametrize("sign", ["", "-"])
def test_one_inexact_sum_of_two_is_enough(sign: str) -> None:
    """Of 1 + 2^-53 and 1 - 2^-53 only the second is a double; so only one of QR's two sums is."""
    program = read_cbf(file("F 1", "QR 2", ACOORD=f"0 0 2, 1 0 {sign}{2**-53!r}"))
    assert program.cones == ((SECOND_ORDER, 2), (ZERO, 1))
    r = [Fraction(2), Fraction(f"{sign}1") / 2**53]
    assert exactly(program, [Fraction(1), r[0]]) == [r[0] / 2 + r[1], r[0] / 2 - r[1], 0]


def test_there_are_no_explicit_zeros_and_no_negative_ones() -> None:
    program = read_cbf(file("F 1, L- 1", "L- 1, QR 2", ACOORD="0 0 0, 1 0 2, 2 0 1"))
    assert program.A.data.tolist() == [-2, 1]
    assert not np.signbit(program.b).any()


@pytest.mark.parametrize("tiny", ["5e-324", "3e-323", "1.7976931348623157e308"])
def test_halves_and_sums_at_the_ends_of_the_doubles_are_exact(tiny: str) -> None:
    program = read_cbf(file("F 2", "QR 2", ACOORD=f"0 0 {tiny}, 1 0 {tiny}", BCOORD=f"0 {tiny}, 1 -{tiny}"))
    t, v = Fraction(float(tiny)), [Fraction(2, 3), Fraction(5)]
    r = [t * v[0] + t, t * v[0] - t]
    assert exactly(program, [*v, r[0]][: len(program.q)])[:2] == [r[0] / 2 + r[1], r[0] / 2 - r[1]]


def test_the_domains_are_the_formats_cones() -> None:
    """Points near the border, from both sides, by the format's own formulas."""
    rng = np.random.default_rng(5)
    rotated, dual = (read_cbf(file("F 3", f"{n} 3", ACOORD="0 0 1, 1 1 1, 2 2 1")) for n in ("QR", "EXP*"))
    for _ in range(200):
        a, b = rng.uniform(0.1, 4, size=2)
        x = sqrt(2 * a * b) * rng.choice([-1, 1])
        u, v = -a, rng.normal()
        w = -u * exp(v / u) / e
        for factor, inside in ((0.99, True), (1.01, False)):
            assert (_far(rotated, [a, b, factor * x]) == 0) is inside
            assert (_far(dual, [w / factor, v, u]) == 0) is inside
    for point, inside in (
        ([1, 1, 0], True),
        ([1, -0.1, 0], False),
        ([-0.1, 1, 0], False),
        ([0, 1, 0.1], False),
    ):
        assert (_far(dual, point) == 0) is inside  # the limits of EXP*
    assert log(1) == _far(rotated, [0, 7, 0]) == _far(rotated, [7, 0, 0]) == 0
    assert min(_far(rotated, [-1, -1, 0]), _far(rotated, [0, 1, 1])) > 0


def _far(program: ConeProgram, v: list[float]) -> float:
    return outside(program.b - program.A @ np.array(v), program.cones)


@pytest.mark.parametrize("seed", range(10))
def test_what_is_written_is_read_with_the_same_bits(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pool = [(ZERO, 2), (NONNEGATIVE, 3), (SECOND_ORDER, 1), (SECOND_ORDER, 4), (EXPONENTIAL, 3)]
    cones = tuple(pool[k] for k in rng.integers(len(pool), size=rng.integers(1, 7)))
    rows, columns = sum(size for _, size in cones), int(rng.integers(1, 9))
    dense = rng.normal(size=(rows, columns)) * 10.0 ** rng.integers(-300, 300)
    A = sparse.csc_array(dense * (rng.random(dense.shape) < 0.4))
    A.sort_indices()
    b, q = (rng.normal(size=k) * rng.integers(0, 2, size=k) for k in (rows, columns))
    sense = ["minimize", "maximize"][seed % 2]
    program = ConeProgram(A, b + 0.0, q + 0.0, float(rng.normal()), cones, sense)
    again = read_cbf(write_cbf(program))
    assert (again.offset, again.cones, again.sense) == (program.offset, cones, sense)
    for name in ("data", "indices", "indptr"):
        assert getattr(again.A, name).tolist() == getattr(A, name).tolist()
    assert (again.b.tobytes(), again.q.tobytes()) == (program.b.tobytes(), program.q.tobytes())
    assert f"OBJSENSE\n{'MAX' if seed % 2 else 'MIN'}\n" in write_cbf(program)


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
    ("OBJACOORD", "INT\n1\n0\nOBJACOORD", 18, "INT: integer variables are not read"),
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
