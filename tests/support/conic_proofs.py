"""Proofs about small cone programs, written by hand: no search and no rounding has a part in them."""

from __future__ import annotations

import copy
from contextlib import suppress
from fractions import Fraction
from typing import Any

import numpy as np
from scipy import sparse

from cvxtoken.conic.certificate import document_of
from cvxtoken.conic.digest import digest
from cvxtoken.conic.program import ConeProgram
from cvxtoken.verifier import conic as checker

Document = dict[str, Any]
Z, N, S, E, P, D = checker.KINDS


def vector(*values: Any) -> Document:
    """A vector of rationals, the odd parts of their denominators in the table."""
    numbers = [Fraction(value) for value in values]
    twos = [(n.denominator & -n.denominator).bit_length() - 1 for n in numbers]
    odd = [n.denominator >> two for n, two in zip(numbers, twos, strict=True)]
    bits, table = max(twos, default=0), sorted(set(odd) - {1})
    texts = []
    for n, d in zip(numbers, odd, strict=True):
        whole = format(int(n * d * 2**bits), "x")
        texts.append(whole if d == 1 else f"{whole}/{table.index(d) + 1}")
    return {"bits": bits, "denominators": [format(d, "x") for d in table], "values": texts}


def values(stored: Document) -> list[Fraction]:
    """The rationals of a stored vector, read anew."""
    table = [1, *(int(text, 16) for text in stored["denominators"])]
    parts = [text.split("/") for text in stored["values"]]
    return [
        Fraction(int(part[0], 16), table[int(part[1])] if len(part) > 1 else 1) / 2 ** stored["bits"]
        for part in parts
    ]


def program(
    cones: list[tuple[str, int]], forms: list[list[float]], b: list[float], q: list[float], **rest: Any
) -> ConeProgram:
    """min q'x with b + forms x in the cones: A is minus the forms."""
    A = sparse.csc_array(-np.array(forms, float).reshape(len(b), len(q)))
    A.eliminate_zeros()
    offset, right, costs = rest.pop("offset", 0.0), np.array(b, float), np.array(q, float)
    return ConeProgram(A, right, costs, offset, tuple(cones), **rest)


def proof(p: ConeProgram, claim: str = "enclosed", **parts: Any) -> Document:
    """A document as a file holds it."""
    points = {name: parts.pop(name, None) for name in ("x", "z", "ray", "far")}
    return {
        "schema": checker.SCHEMA,
        "sha256": digest(p),
        "program": document_of(p),
        "exponential": parts.pop("exponential", False),
        "claim": claim,
        "lower": parts.pop("lower", None),
        "upper": parts.pop("upper", None),
        **{name: None if point is None else vector(*point) for name, point in points.items()},
    }


def changed(document: Document, **parts: Any) -> Document:
    """A copy with other parts; those of the program by `program_NAME`, with the SHA-256 that it then has."""
    made = copy.deepcopy(document)
    for name, value in parts.items():
        if name.startswith("program_"):
            made["program"][name.removeprefix("program_")] = value
        else:
            made[name] = value
    return bound(made) if any(name.startswith("program_") for name in parts) else made


def bound(document: Document) -> Document:
    """The document with the SHA-256 of its program, where that is one."""
    with suppress(checker.Refused, KeyError, TypeError):
        document["sha256"] = checker.Program(document["program"], checker.Work()).digest
    return document


# min x, x >= 1
LEAST = program([(N, 1)], [[1.0]], [-1.0], [1.0])
# max 2 - x, x >= 1
MOST = program([(N, 1)], [[1.0]], [-1.0], [1.0], offset=-2.0, sense="maximize")
# min x + y, x = 3, y >= x - 1
FIXED = program([(Z, 1), (N, 1)], [[1.0, 0.0], [-1.0, 1.0]], [-3.0, 1.0], [1.0, 1.0])
# min t, t >= |(3, 4)|
NORM = program([(S, 3)], [[1.0], [0.0], [0.0]], [0.0, 3.0, 4.0], [1.0])
# min t, (1, 1, t) in the exponential cone: e
EULER = program([(E, 3)], [[0.0], [0.0], [1.0]], [1.0, 1.0, 0.0], [1.0])
# min t, (1, 2, t) in the exponential cone: 2 e^(1/2) = 3.2974425414...
ROOT = program([(E, 3)], [[0.0], [0.0], [1.0]], [1.0, 2.0, 0.0], [1.0])
# min t, (-1, 1, t) in the exponential cone: 1 / e = 0.36787944117...
INVERSE = program([(E, 3)], [[0.0], [0.0], [1.0]], [-1.0, 1.0, 0.0], [1.0])
# min -p, p <= 0, by (p, 0, 1) in the exponential cone
FACE = program([(E, 3)], [[1.0], [0.0], [0.0]], [0.0, 0.0, 1.0], [-1.0])
# a second-order cone of one row: min x, x >= 0
ROW = program([(S, 1)], [[1.0]], [0.0], [1.0])
# min 0 over one unknown, nothing else
EMPTY = program([], [], [], [0.0], offset=7.0)
EMPTY_AT = program([], [], [], [0.0], offset=0.0005)
# min 3 x + 5 y, 3 x + 5 y >= 2
THIRDS = program([(N, 1)], [[3.0, 5.0]], [-2.0], [3.0, 5.0])
# max z, |z| <= 2^(1/4) 3^(3/4) = 2.71080601...
POWERED = program([(P, 3)], [[0.0], [0.0], [1.0]], [2.0, 3.0, 0.0], [-1.0], exponents=(0.25,))
# (x, 3, 0) in a power cone, min x
EDGE = program([(P, 3)], [[1.0], [0.0], [0.0]], [0.0, 3.0, 0.0], [1.0], exponents=(0.3,))
# two exponents: min z + w, |z| <= 1, |w| <= 16^(1/4) 1^(3/4)
POWERS = program(
    [(P, 3), (P, 3)],
    [[0, 0], [0, 0], [1, 0], [0, 0], [0, 0], [0, 1]],
    [1, 1, 0, 16, 1, 0],
    [1, 1],
    exponents=(0.75, 0.25),
)
# |z| <= 2^(10 / 4)
FAR = program([(P, 3)], [[0.0], [0.0], [1.0]], [1024.0, 1.0, 0.0], [-1.0], exponents=(0.25,))
# min x with x, 1, 1 a matrix of order 2, with x, 0, 1, and with x, 1, 2, 0, 1, 2 one of order 3
MATRIX = program([(D, 3)], [[1.0], [0.0], [0.0]], [0.0, 1.0, 1.0], [1.0])
SINGULAR = program([(D, 3)], [[1.0], [0.0], [0.0]], [0.0, 0.0, 1.0], [1.0])
CUBE = program([(D, 6)], [[1.0], [0], [0], [0], [0], [0]], [0, 1, 2, 0, 1, 2], [1.0])
# x >= 2, x <= 1
APART = program([(N, 2)], [[1.0], [-1.0]], [-2.0, 1.0], [0.0])
# |(x, 2)| <= 1
OUTSIDE = program([(S, 3)], [[0.0], [1.0], [0.0]], [1.0, 0.0, 2.0], [0.0])
# e <= 1
NOT_E = program([(E, 3)], [[0.0], [0.0], [0.0]], [1.0, 1.0, 1.0], [0.0])
# p >= 1 and (p, 0, 1) in the exponential cone, so that p <= 0
NOT_FACE = program([(N, 1), (E, 3)], [[1.0], [1.0], [0.0], [0.0]], [-1.0, 0.0, 0.0, 1.0], [0.0])
# min -x, x >= 0
FALLS = program([(N, 1)], [[1.0]], [0.0], [-1.0])
NOWHERE = program([], [], [], [1.0])
# (t, y) with min -t. t <= y, a row that t alone leaves
ROWS = program([(N, 1)], [[-1.0, 1.0]], [0.0], [-1.0, 0.0])
# t^2 <= y
ROOTS = program([(S, 3)], [[0.0, 1.0], [0.0, 1.0], [2.0, 0.0]], [1.0, -1.0, 0.0], [-1.0, 0.0])
# |t| <= 1 + y
BALL = program([(S, 2)], [[0.0, 1.0], [1.0, 0.0]], [1.0, 0.0], [-1.0, 0.0])
# |t| / 2 <= 1 + y - t
LOWERED = program([(S, 2)], [[-1.0, 1.0], [0.5, 0.0]], [1.0, 0.0], [-1.0, 0.0])
# min 0, (0, 0, t) in the exponential cone
NOTHING = program([(E, 3)], [[0.0], [0.0], [1.0]], [0.0, 0.0, 0.0], [0.0])
# t <= ln y
LOGARITHM = program([(E, 3)], [[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]], [0.0, 1.0, 1.0], [-1.0, 0.0])
# e^(t - y) <= 2
LESS = program([(E, 3)], [[1.0, -1.0], [0.0, 0.0], [0.0, 0.0]], [0.0, 1.0, 2.0], [-1.0, 0.0])
# (1 + y) e^(t / (1 + y)) <= 1 + 3 y
WIDE = program([(E, 3)], [[1.0, 0.0], [0.0, 1.0], [0.0, 3.0]], [0.0, 1.0, 1.0], [-1.0, 0.0])
# (1 + y) e^((t - y) / (1 + y)) <= 1 + y
SLANTED = program([(E, 3)], [[1.0, -1.0], [0.0, 1.0], [0.0, 1.0]], [0.0, 1.0, 1.0], [-1.0, 0.0])

_E_BELOW, _E_ABOVE = "2.718281828459045235360287471352", "2.718281828459045235360287471353"
_E_90 = "2.71828182845904523536028747135266249775724709369995957496696762772407663035354759457138218"
_ROOT_BELOW, _ROOT_ABOVE = "3.29744254140025629369730157", "3.29744254140025629369730158"
_INVERSE_BELOW, _INVERSE_ABOVE = "0.36787944117144232159552377", "0.36787944117144232159552378"
_T = {"x": (0, 0), "ray": (1, 0), "far": (0, 1)}

PROOFS: dict[str, Document] = {
    "least": proof(LEAST, x=[1], z=[1], lower="1", upper="1"),
    "least, apart": proof(LEAST, x=["3/2"], z=[1], lower="0.5", upper="2"),
    "most": proof(MOST, x=["5/4"], z=[1], lower="0.75", upper="1.00"),
    "fixed": proof(FIXED, x=[3, 2], z=[2, 1], lower="5", upper="5"),
    "norm": proof(NORM, x=[5], z=[1, "-3/5", "-4/5"], lower="5", upper="5"),
    "e": proof(EULER, x=[_E_ABOVE], z=["-" + _E_BELOW, 0, 1], lower=_E_BELOW, upper=_E_ABOVE),
    # w = 1, -u e^(v / u - 1) <= 1 at u = -e^(1/2), v = e^(1/2) / 2
    "root": proof(
        ROOT,
        x=[_ROOT_ABOVE],
        z=["-1.64872127070012814684865", "-0.82436063535006407342432", 1],
        lower="3.297442541400256293697",
        upper=_ROOT_ABOVE,
    ),
    "inverse": proof(
        INVERSE,
        x=[_INVERSE_ABOVE],
        z=["-0.36787944117144232159552377", "-0.73575888234288464319104754", 1],
        lower=_INVERSE_BELOW,
        upper=_INVERSE_ABOVE,
    ),
    "face": proof(FACE, x=[0], upper="0"),
    "thirds": proof(THIRDS, x=["1/3", "1/5"], z=[1], lower="2", upper="2"),
    "tight": proof(EMPTY_AT, x=[0], z=[], lower="1e-70", upper="0.001" + "0" * 64 + "10100"),
    "e to 10^-90": proof(EULER, x=[_E_90], upper="3"),
    "powered": proof(POWERED, x=["2.7108"], z=["0.339", "0.678", -1], lower="-2.712", upper="-2.7108"),
    "powered, near": proof(POWERED, x=["2.710806010829534"], upper="-2.710806010829534"),
    "powered, far from it": proof(POWERED, x=[2], upper="-2"),
    "powered, on the other side": proof(POWERED, x=["-2.71"], upper="2.71"),
    "edge": proof(EDGE, x=[0], z=[1, 0, 0], lower="0", upper="0"),
    "powers": proof(POWERS, x=["-1", "-1.9999"], upper="-2.9999"),
    "power of 2^10": proof(FAR, x=[2], upper="-2"),
    "matrix": proof(MATRIX, x=[1], z=[1, -2, 1], lower="1", upper="1"),
    "singular": proof(SINGULAR, x=[0], z=[1, 0, 0], lower="0", upper="0"),
    "cube": proof(
        CUBE,
        x=["2/3"],
        z=[1, "-4/3", "4/9", "2/3", "-4/9", "1/9"],
        lower="0.666666666666",
        upper="0.666666666667",
    ),
    "row": proof(ROW, x=[0], z=[1], lower="0", upper="0"),
    "empty": proof(EMPTY, x=[0], z=[], lower="7", upper="7"),
    "below": proof(NORM, z=[1, "-3/5", "-4/5"], lower="5"),
    "above": proof(NORM, x=[5], upper="5"),
    "below, of a maximum": proof(MOST, x=[1], lower="1"),
    "above, of a maximum": proof(MOST, z=[1], upper="1"),
    "exponential": proof(LEAST, x=[1], z=[1], lower=_E_BELOW, upper=_E_ABOVE, exponential=True),
    "exponential of 0": proof(ROW, x=[0], z=[1], lower="1", upper="1", exponential=True),
    "exponential of a maximum": proof(MOST, x=[1], z=[1], lower=_E_BELOW, upper=_E_ABOVE, exponential=True),
    "apart": proof(APART, "infeasible", z=[1, 1]),
    "outside": proof(OUTSIDE, "infeasible", z=[1, 0, -1]),
    "not e": proof(NOT_E, "infeasible", z=[-1, "-1/2", "61/100"]),
    "not on the face": proof(NOT_FACE, "infeasible", z=[1, -1, "3/2", "1/2"]),
    "falls": proof(FALLS, "unbounded", x=[0], ray=[1]),
    "nowhere": proof(NOWHERE, "unbounded", x=[0], ray=["-1/3"]),
    "rows": proof(ROWS, "unbounded", **_T),
    "roots": proof(ROOTS, "unbounded", **_T),
    "ball": proof(BALL, "unbounded", **_T),
    "lowered": proof(LOWERED, "unbounded", **_T),
    "nothing": proof(NOTHING, x=[0], z=[0, 0, 0], lower="0", upper="0"),
    "two denominators": proof(NORM, x=["16/3"], z=[1, "-3/5", "-1/3"], lower="3.13", upper="5.4"),
    "logarithm": proof(LOGARITHM, "unbounded", **_T),
    "less": proof(LESS, "unbounded", **_T),
    "wide": proof(WIDE, "unbounded", **_T),
    "slanted": proof(SLANTED, "unbounded", **_T),
}
