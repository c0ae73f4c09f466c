"""Files about cone programs that are made to keep their checker busy, or to fill its memory."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Context, Decimal
from random import Random
from typing import Any

import numpy as np
from scipy import sparse

from cvxtoken import verifier
from cvxtoken.conic.certificate import document_of
from cvxtoken.conic.digest import digest
from cvxtoken.conic.program import ConeProgram

Document = dict[str, Any]


def cones(
    kinds: list[tuple[str, int]], b: list[float], A: list[tuple[int, int, float]], **parts: Any
) -> Document:
    """A proof about a cone program, right but for its numbers; vectors are values, bits and denominators."""
    q = parts.pop("q", [0.0])
    i, j, a = zip(*A, strict=True) if A else ((), (), ())
    matrix = sparse.csc_array((np.array(a, float), (i, j)), shape=(len(b), len(q)))
    powers = sum(kind == POWER for kind, _ in kinds)
    program = ConeProgram(
        matrix, np.array(b, float), np.array(q, float), 0.0, tuple(kinds), exponents=(0.5,) * powers
    )
    made: Document = {
        "schema": verifier.conic.SCHEMA,
        "sha256": digest(program),
        "program": document_of(program),
        "exponential": False,
        "claim": "enclosed",
        "lower": None,
        "upper": None,
        **dict.fromkeys(("x", "z", "ray", "far")),
    }
    for name, given in parts.items():
        made[name] = given
        if isinstance(given, tuple):
            values, bits, denominators = given + (0, [])[len(given) - 1 :]
            made[name] = {"bits": bits, "denominators": denominators, "values": values}
    return made


def long(bits: int, seed: int = 0) -> str:
    """An odd number of so many bits, in hexadecimal."""
    return format(Random(seed).getrandbits(bits) | 1 << bits - 1 | 1, "x")


def columns(count: int) -> list[tuple[int, int, float]]:
    """So many rows with one and the same unknown."""
    return [(i, 0, -1.0) for i in range(count)]


def near_ln_2(digits: int) -> str:
    """ln 2 to so many digits, over 2^(4 digits)."""
    context = Context(2 * digits)
    return format(int(context.multiply(context.ln(Decimal(2)), Decimal(2 ** (4 * digits)))), "x")


DIAGONAL = {n * (n + 3) // 2 for n in range(30)}  # of a triangle, column by column
NONNEGATIVE, SECOND_ORDER, EXPONENTIAL, POWER, SEMIDEFINITE = verifier.conic.KINDS[1:]
CONES: dict[str, Callable[[], Document]] = {
    "rows of cones": lambda: cones(
        [(NONNEGATIVE, 10**6)], [0.1] * 10**6, [], x=(["0"],), z=(["0"] * 10**6,), lower="0", upper="0"
    ),
    "cones of a row": lambda: cones(
        [(SECOND_ORDER, 1)] * 500_000,
        [0.1] * 500_000,
        [],
        x=(["0"],),
        z=(["0"] * 500_000,),
        lower="0",
        upper="0",
    ),
    "entries": lambda: cones(
        [(NONNEGATIVE, 1000)],
        [1e9] * 1000,
        [(i, j, 0.1) for i in range(1000) for j in range(700)],
        q=[0.0] * 700,
        x=(["f" * 9] * 700,),
        upper="0",
    ),
    "doubles that are long when written out": lambda: cones(
        [(NONNEGATIVE, 900_000)], [1e308] * 900_000, [], q=[5e-324] * 900_000, x=(["0"] * 900_000,), upper="0"
    ),
    "rows of long doubles": lambda: cones(
        [(NONNEGATIVE, 450_000)], [2.0**1000, 5e-324] * 225_000, [], x=(["0"],), upper="0"
    ),
    "binary places of many rows": lambda: cones(
        [(NONNEGATIVE, 10**6)], [1.0] * 10**6, [], x=(["0"], 10**6), upper="0"
    ),
    "one long number": lambda: cones(
        [(EXPONENTIAL, 3)], [1.0, 1.0, 0.0], [(2, 0, -1.0)], x=(["f" * 40_000_000],), upper="0"
    ),
    "a number of a million bits in an exponential cone": lambda: cones(
        [(EXPONENTIAL, 3)], [1.0, 1.0, 0.0], [(2, 0, -1.0)], x=([long(999_000)],), upper="0"
    ),
    "a long denominator of many rows": lambda: cones(
        [(NONNEGATIVE, 400_000)],
        [0.0] * 400_000,
        columns(400_000),
        x=(["1/1"], 0, [long(999_000)]),
        upper="0",
    ),
    "a long denominator in a second-order cone": lambda: cones(
        [(SECOND_ORDER, 400_000)], [1.0] * 400_000, columns(400_000), x=(["1/1"], 0, [long(9_000)]), upper="0"
    ),
    "two long denominators": lambda: cones(
        [(NONNEGATIVE, 1)],
        [0.0],
        [(0, 0, -1.0), (0, 1, -1.0)],
        q=[0.0, 0.0],
        x=(["1/1", "1/2"], 0, [long(999_000), long(999_000, 1)]),
        upper="0",
    ),
    "many denominators in a sum": lambda: cones(
        [(NONNEGATIVE, 1)],
        [0.0],
        [(0, j, -1.0) for j in range(20_000)],
        q=[0.0] * 20_000,
        x=([f"1/{j + 1}" for j in range(20_000)], 0, [long(3_000, j) for j in range(20_000)]),
        upper="0",
    ),
    "many denominators of a second-order cone": lambda: cones(
        [(SECOND_ORDER, 20_000)],
        [0.0] * 20_000,
        [],
        z=([f"1/{j + 1}" for j in range(20_000)], 0, [long(300, j) for j in range(20_000)]),
        lower="0",
    ),
    "many denominators of rows": lambda: cones(
        [(NONNEGATIVE, 300_000)],
        [0.0] * 300_000,
        [],
        z=([f"1/{j}" for j in range(300_000)], 0, [format(2 * j + 3, "x") for j in range(299_999)]),
        lower="0",
    ),
    "long numbers of a second-order cone": lambda: cones(
        [(SECOND_ORDER, 100_000)], [0.0] * 100_000, [], z=(["f" * 8000] + ["f" * 450] * 99_999,), lower="0"
    ),
    "exponential cones, 50 digits": lambda: cones(
        [(EXPONENTIAL, 3)] * 200_000,
        [0.5, 1.0, 2.0] * 200_000,
        [],
        x=(["0"],),
        z=(["-1", "-2", "1"] * 200_000,),
        lower="-1e7",
        upper="0",
    ),
    "exponential cones, 1600 digits": lambda: cones(
        [(EXPONENTIAL, 3)] * 90_000,
        [0.0, 1.0, 2.0] * 90_000,
        [(3 * i, 0, -1.0) for i in range(90_000)],
        x=([near_ln_2(1300)], 4 * 1300),
        upper="0",
    ),
    "exponential cones, quotients far from 1": lambda: cones(
        [(EXPONENTIAL, 3)] * 90_000,
        [1.0, 2.0, 0.0] * 90_000,
        [(3 * i + 2, 0, -1.0) for i in range(90_000)],
        x=([long(19_000)],),
        upper="0",
    ),
    "power cones near their edge": lambda: cones(
        [(POWER, 3)] * 90_000,
        [2.0, 8.0, 0.0] * 90_000,
        [(3 * i + 2, 0, -1.0) for i in range(90_000)],
        x=([format(2 ** (2 + 5200) - 1, "x")], 5200),
        upper="0",
    ),
    "matrices of order 30": lambda: cones(
        [(SEMIDEFINITE, 465)] * 40,
        [0.0] * 18_600,
        [],
        z=([long(4000, k) if k % 465 in DIAGONAL else long(3000, k) for k in range(18_600)],),
        lower="0",
    ),
    "a bound of 900 digits": lambda: cones(
        [(NONNEGATIVE, 1)],
        [0.0],
        columns(1),
        x=(["1"], 900_000),
        upper="9" * 900 + "." + "9" * 900 + "e-9999",
    ),
    "an exponential of 1": lambda: (
        cones([(NONNEGATIVE, 1)], [0.0], columns(1), q=[1.0], x=(["1"],), upper="1") | {"exponential": True}
    ),
}
