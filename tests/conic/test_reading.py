"""CBF files: every domain as the right cone, and no number rounded."""

from __future__ import annotations

import random
from fractions import Fraction
from math import e, exp, log, sqrt

import numpy as np
import pytest
from scipy import sparse

from cvxtoken.conic.cbf import read_cbf, write_cbf
from cvxtoken.conic.program import EXPONENTIAL, MAXIMIZE, NONNEGATIVE, SECOND_ORDER, ZERO, ConeProgram
from cvxtoken.conic.residuals import outside
from tests.support.cbf import GOOD
from tests.support.cones import solved
from tests.support.thorough import some


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


@pytest.mark.parametrize("seed", some(range(20), 7))
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


@pytest.mark.parametrize("seed", some(range(10), 3))
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
