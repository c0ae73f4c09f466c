"""Damaged cone proofs, each with the reason for which it is refused; and proofs under other limits."""

from __future__ import annotations

import copy
from typing import Any

from cvxtoken.verifier import conic as checker
from tests.support.conic_proofs import (
    EULER,
    PROOFS,
    D,
    Document,
    E,
    N,
    P,
    S,
    Z,
    changed,
    program,
    proof,
    vector,
)

LONG = "f" * 250_001


def entry(place: int, value: Any) -> Document:
    """The proof 'norm' with one of A's parts changed."""
    A = copy.deepcopy(PROOFS["norm"]["program"]["A"])
    A[0][place] = value
    return changed(PROOFS["norm"], program_A=A)


def cones(*pairs: Any, of: str = "norm") -> Document:
    return changed(PROOFS[of], program_cones=[list(pair) for pair in pairs])


def stored(name: str, of: str = "norm", **parts: Any) -> Document:
    """A proof with parts of a vector changed."""
    return changed(PROOFS[of], **{name: PROOFS[of][name] | parts})


def bounds(of: str, lower: Any, upper: Any, **rest: Any) -> Document:
    return changed(PROOFS[of], lower=lower, upper=upper, **rest)


def over(number: str, denominator: str) -> Document:
    """A vector of one number."""
    return {"bits": 0, "denominators": [denominator], "values": [f"{number}/1"]}


_NORM, _LEAST, _MOST, _E = (PROOFS[name] for name in ("norm", "least", "most", "e"))
# cases of no direction of recession: the feasible points of these are bounded in t
_T = {"x": (0, 0), "ray": (1, 0), "far": (0, 1)}
_MINUS_T = [-1.0, 0.0]
# (y, y, t): t = 0.  (y + 1 - t)^2 >= (y - 1 + t)^2 + 4 t^2: t < 1.  y >= |t|, of the direction y = t alone
_FLAT = program([(S, 3)], [[0, 1], [0, 1], [1, 0]], [0, 0, 0], _MINUS_T)
_BEFORE_1 = program([(S, 3)], [[-1, 1], [1, 1], [2, 0]], [1, -1, 0], _MINUS_T)
# (t, 1 - t, 1 + y), (t, 0, y), (t, 1 + y, 1 + y), (t - y, 1, 1 - t), (t - y, 1 - t, 1)
_EXPONENTIALS = {
    "y falls": program([(E, 3)], [[1, 0], [-1, 0], [0, 1]], [0, 1, 1], _MINUS_T),
    "y is 0": program([(E, 3)], [[1, 0], [0, 0], [0, 1]], [0, 0, 0], _MINUS_T),
    "on e^0": program([(E, 3)], [[1, 0], [0, 1], [0, 1]], [0, 1, 1], _MINUS_T),
    "z falls": program([(E, 3)], [[1, -1], [0, 0], [-1, 0]], [0, 1, 1], _MINUS_T),
    "y falls with x": program([(E, 3)], [[1, -1], [-1, 0], [0, 0]], [0, 1, 1], _MINUS_T),
    "z is 0, y is 0": program([(E, 3)], [[1, -1], [0, 0], [0, 0]], [0, 0, 1], _MINUS_T),
    "nothing far": program([(E, 3)], [[1, 0], [0, 0], [0, 0]], [0, 1, 1], _MINUS_T),
}
_ALONG = "no direction of recession: the {} cone of row 0"

DAMAGES: dict[str, tuple[Document | Any, str]] = {
    "no mapping": ([*checker.KEYS], "the keys or the schema"),
    "a key more": (changed(_NORM, more=1), "the keys or the schema"),
    "a key less": ({k: v for k, v in _NORM.items() if k != "far"}, "the keys or the schema"),
    "another schema": (changed(_NORM, schema=checker.SCHEMA + "0"), "the keys or the schema"),
    "another SHA-256": (changed(_NORM, sha256="0" * 64), "the program's SHA-256 is "),
    "a program that is none": (changed(_NORM, program=[*checker.FIELDS]), "the program's keys are off"),
    "a field more": (changed(_NORM, program_more=1), "the program's keys are off"),
    "no sense": (changed(_NORM, program_sense="min"), "sense is neither"),
    "a sense that is a list": (changed(_NORM, program_sense=[]), "sense is neither"),
    "rows as a double": (changed(_NORM, program_rows=3.0), "rows or columns are no counts"),
    "rows as a bool": (changed(_LEAST, program_rows=True), "rows or columns are no counts"),
    "columns as a bool": (changed(_LEAST, program_columns=True), "rows or columns are no counts"),
    "negative rows": (changed(_LEAST, program_rows=-1), "rows or columns are no counts"),
    "no columns": (
        changed(PROOFS["empty"], program_columns=0, program_q=[], x=vector()),
        "rows or columns are no counts",
    ),
    "many rows": (changed(_LEAST, program_rows=10**6 + 1), "rows or columns are no counts"),
    "many columns": (changed(_LEAST, program_columns=10**6 + 1), "rows or columns are no counts"),
    "q no list": (changed(_LEAST, program_q={"0": 1.0}), "q has not one number a column"),
    "b no list": (changed(_LEAST, program_b={"0": 1.0}), "q has not one number a column"),
    "A no list": (changed(_LEAST, program_A={"0": 1.0}), "q has not one number a column"),
    "q too long": (changed(_LEAST, program_q=[1.0, 0.0]), "q has not one number a column"),
    "b too long": (changed(_LEAST, program_b=[1.0, 0.0]), "b has not one number a row"),
    "an entry outside, by its row": (
        changed(PROOFS["above"], program_A=[[0, 0, -1.0], [3, 0, 1.0]]),
        "A has an entry outside",
    ),
    "an entry outside, by its column": (entry(1, 1), "A has an entry outside"),
    "an entry at a bool": (entry(0, False), "an entry of A has no such place"),
    "an entry at a column of a bool": (entry(1, False), "an entry of A has no such place"),
    "an entry at a negative row": (entry(0, -3), "an entry of A has no such place"),
    "an entry at a negative column": (entry(1, -1), "an entry of A has no such place"),
    "an entry of two": (changed(_NORM, program_A=[[0, -1.0]]), r"an entry of A is not \[i, j, value\]"),
    "an entry as a text": (changed(_NORM, program_A=["abc"]), r"an entry of A is not \[i, j, value\]"),
    "an entry twice": (
        changed(_NORM, program_A=[[0, 0, -1.0], [1, 0, 0.0], [0, 0, -1.0]]),
        "an entry of A stands twice",
    ),
    "a zero twice": (
        changed(_NORM, program_A=[[0, 0, -1.0], [1, 0, 0.0], [1, 0, -0.0]]),
        "an entry of A stands twice",
    ),
    "an entry that is whole": (entry(2, -1), "a number is no finite double"),
    "an entry that is a text": (entry(2, "NaN"), "a number is no finite double"),
    "an infinite offset": (changed(_NORM, program_offset=float("inf")), "a number is no finite double"),
    "b that is minus infinite": (
        changed(_LEAST, program_b=[-float("inf")]),
        "a number is no finite double",
    ),
    "q that is no number": (changed(_LEAST, program_q=[float("nan")]), "a number is no finite double"),
    "cones no list": (changed(_NORM, program_cones={"zero": 3}), "cones is no list within limits"),
    "a cone of no kind": (cones(["positive", 3]), "a cone of no known kind"),
    "a cone of a list": (cones([["zero"], 3]), "a cone of no known kind"),
    "a cone of three": (cones(["zero", 3, 3]), "a cone of no known kind"),
    "a cone as a text": (changed(_NORM, program_cones=["ab"]), "a cone of no known kind"),
    "a cone of no rows": (cones([S, 3], [N, 0]), "a cone has no such number of rows"),
    "a cone of a bool": (cones([N, True], of="least"), "a cone has no such number of rows"),
    "a cone of more rows than all": (cones([S, 4], [N, -1]), "a cone has no such number of rows"),
    "an exponential cone of 2 rows": (cones([E, 2], [N, 1]), "a cone that is exponential has not 3 rows"),
    "a power cone of 2 rows": (cones(["power", 2], [N, 1]), "a cone that is power has not 3 rows"),
    "a triangle of no order": (
        changed(
            proof(program([(N, 4)], [[1.0]] * 4, [0] * 4, [0]), x=[0], upper="0"), program_cones=[[D, 4]]
        ),
        "a semidefinite cone has no triangle of a known order",
    ),
    "a triangle of a large order": (
        changed(
            proof(program([(N, 496)], [[0.0]] * 496, [0] * 496, [0]), x=[0], upper="0"),
            program_cones=[[D, 496]],
        ),
        "a semidefinite cone has no triangle of a known order",
    ),
    "no exponent": (changed(PROOFS["powered"], program_exponents=[]), "a power cone has no exponent"),
    "an exponent more": (
        changed(PROOFS["powered"], program_exponents=[0.25, 0.25]),
        "there are more exponents than power cones",
    ),
    "exponents no list": (
        changed(PROOFS["powered"], program_exponents={"0": 0.25}),
        "exponents is no list",
    ),
    "an exponent of 0": (
        changed(PROOFS["powered, far from it"], program_exponents=[0.0]),
        "an exponent is no double from 0 to 1",
    ),
    "an exponent of 1": (
        changed(PROOFS["powered, far from it"], program_exponents=[1.0]),
        "an exponent is no double from 0 to 1",
    ),
    "an exponent that is whole": (
        changed(PROOFS["powered"], program_exponents=[1]),
        "an exponent is no double from 0 to 1",
    ),
    "an exponent that is a text": (
        changed(PROOFS["powered"], program_exponents=["0.25"]),
        "an exponent is no double from 0 to 1",
    ),
    "an exponent of NaN": (
        changed(PROOFS["powered"], program_exponents=[float("nan")]),
        "an exponent is no double from 0 to 1",
    ),
    "a row too few": (cones([S, 2]), "the cones have not all rows"),
    "a row too many": (cones([S, 2], [N, 2]), "the cones have not all rows"),
    "another claim": (changed(_NORM, claim="optimal"), "the claim is of no known kind"),
    "a claim that is a list": (changed(_NORM, claim=[]), "the claim is of no known kind"),
    "nothing given": (
        bounds("norm", None, None, x=None, z=None),
        "the vectors are not those of a proof of 'enclosed'",
    ),
    "a ray too many": (changed(_NORM, ray=_NORM["x"]), "the vectors are not those of a proof of 'enclosed'"),
    "an x too many": (changed(PROOFS["apart"], x=vector(0)), "the vectors are not those of a proof of 'inf"),
    "no ray": (changed(PROOFS["falls"], ray=None), "the vectors are not those of a proof of 'unb"),
    "no x": (changed(PROOFS["falls"], x=None), "the vectors are not those of a proof of 'unb"),
    "exponential as a number": (changed(_NORM, exponential=0), "exponential is neither true nor false"),
    "bounds of no optimum": (changed(PROOFS["falls"], lower="1"), "bounds in a proof of 'unbounded'"),
    "an upper bound of no optimum": (changed(PROOFS["apart"], upper="1"), "bounds in a proof of 'inf"),
    "a vector that is none": (
        changed(_NORM, x=["bits", "values", "denominators"]),
        "a vector's keys are off",
    ),
    "a vector's key": (stored("x", more=0), "a vector's keys are off"),
    "bits as a bool": (stored("x", bits=True, values=["a"]), "a vector's bits are no such count"),
    "negative bits": (stored("x", bits=-1), "a vector's bits are no such count"),
    "many bits": (stored("x", bits=10**6 + 1), "a vector's bits are no such count"),
    "values no list": (stored("x", values={"5": 1}), "a vector has no lists"),
    "denominators no list": (stored("x", denominators={"5": 1}), "a vector has no lists"),
    "a value more": (stored("x", values=["5", "5"]), "a vector has not one number"),
    "a denominator of 0": (  # of which x would be beyond all bounds
        bounds("falls", None, "-99", claim="enclosed", ray=None, x=over("1", "0")),
        "a denominator is not positive",
    ),
    "a negative denominator": (  # of which signs would be the others
        bounds("least", None, "-3", z=None, x=over("3", "-1")),
        "a denominator is not positive",
    ),
    "a denominator that is whole": (stored("z", denominators=[5]), "not a hexadecimal number"),
    "a denominator of no table": (stored("x", values=["5/1"]), "a number's denominator is not of the table"),
    "a denominator of none": (stored("x", values=["5/"]), "a number's denominator is not of the table"),
    "a negative place": (stored("x", values=["5/-1"]), "a number's denominator is not of the table"),
    "a place of another script": (stored("z", values=["1", "-3/\u0661", "-4/1"]), "not of the table"),
    "a whole number": (stored("x", values=[5]), "a number of a vector is no text"),
    "a number of another script": (stored("x", values=["\u0665"]), "not a hexadecimal number"),
    "a capital": (stored("x", values=["F"]), "not a hexadecimal number"),
    "a sign": (stored("x", values=["+5"]), "not a hexadecimal number"),
    "a line feed": (stored("x", values=["5\n"]), "not a hexadecimal number"),
    "no digits": (stored("x", values=["-"]), "not a hexadecimal number"),
    "an underscore": (stored("x", values=["0_5"]), "not a hexadecimal number"),
    "a long number": (stored("x", values=[LONG]), "a number is too long"),
    "a long denominator": (stored("x", denominators=[LONG]), "a number is too long"),
    "lower as a number": (bounds("norm", 5, "5"), "not a decimal number"),
    "lower that is none": (bounds("norm", "-Infinity", "5"), "not a decimal number"),
    "lower with a large exponent": (bounds("norm", "-1e10000", "5"), "not a decimal number"),
    "lower above upper": (bounds("norm", "5.1", "5"), "lower exceeds upper"),
    "no lower": (bounds("norm", None, "5"), "a lower bound and a z do not come together"),
    "no upper": (bounds("norm", "5", None), "an upper bound and an x do not come together"),
    "no x of an upper": (changed(_NORM, x=None), "an upper bound and an x do not come together"),
    "no z of a lower": (changed(_NORM, z=None), "a lower bound and a z do not come together"),
    "the sides of a maximum": (changed(_MOST, x=None, upper=None), "an upper bound and an x do not"),
    "an upper too small": (bounds("norm", "4", "4." + "9" * 800), "x does not reach the bound"),
    "a lower too large": (bounds("norm", "5." + "0" * 800 + "1", "6"), "z does not prove its bound"),
    "an upper of a maximum": (bounds("most", "0.75", "0.99"), "z does not prove its bound"),
    "a lower of a maximum": (bounds("most", "0.76", "1"), "x does not reach the bound"),
    "an exponential of 0": (
        bounds("exponential", "0", "3"),
        "the bound of an exponential is not positive",
    ),
    "an exponential, upper": (
        bounds("exponential", "2.7", "2.718281828459045235360287471352"),
        "x does not reach the bound",
    ),
    "an exponential, lower": (
        bounds("exponential", "2.718281828459045235360287471353", "3"),
        "z does not prove its bound",
    ),
    "an exponential of 0, upper": (bounds("exponential of 0", "0.9", "0." + "9" * 60), "x does not reach"),
    "an exponential of 0, lower": (bounds("exponential of 0", "1." + "0" * 60 + "1", "2"), "z does not pro"),
    "an exponential of a maximum": (
        bounds("exponential of a maximum", "2.718281828459045235360287471353", "3"),
        "x does not reach the bound",
    ),
    "x outside of equations": (
        changed(PROOFS["fixed"], x=vector("7/2", "5/2"), upper="6"),
        "x is outside the zero cone of row 0",
    ),
    "x below a row": (changed(PROOFS["fixed"], x=vector(3, 1)), "x is outside the nonnegative cone of row 1"),
    "x in no cone": (changed(_NORM, x=vector("39/8")), "x is outside the second-order cone of row 0"),
    "x in minus the cone": (changed(_NORM, x=vector(-5)), "x is outside the second-order cone of row 0"),
    "x below e": (
        bounds("e", "2", "3", x=vector("2.718281828459045235360287471352")),
        "x is outside the exponential cone of row 0",
    ),
    "x below e by 10^-90": (
        bounds(
            "e",
            "2",
            "3",
            x=vector(
                "2.71828182845904523536028747135266249775724709369995957496696762772407663035354759457138217"
            ),
        ),
        "x is outside the exponential cone of row 0",
    ),
    "z = 0": (changed(_E, x=vector(0)), "x is outside the exponential cone of row 0"),
    "x > 0 on the face": (
        changed(PROOFS["face"], x=vector(1)),
        "x is outside the exponential cone of row 0",
    ),
    "z < 0 on the face": (
        proof(program([(E, 3)], [[1], [0], [0]], [0, 0, -1], [-1]), x=[-1], upper="1"),
        "x is outside the exponential cone of row 0",
    ),
    "y < 0": (
        proof(program([(E, 3)], [[1], [0], [0]], [0, -1, 1], [-1]), x=[-1], upper="1"),
        "x is outside the exponential cone of row 0",
    ),
    "z < y where x = 0": (
        proof(program([(E, 3)], [[1], [0], [0]], [0, 2, 1], [0]), x=[0], upper="1"),
        "x is outside the exponential cone of row 0",
    ),
    "a logarithm of a quotient beyond limits": (
        proof(EULER, x=[2**30_000], upper="1e9999"),
        "x is outside the exponential cone of row 0",
    ),
    **{
        f"power, {name}": (
            proof(program([(P, 3)], [[0.0], [0], [0]], s, [0], exponents=(a,)), x=[0], upper="0"),
            "x is outside the power cone of row 0",
        )
        for name, a, s in (
            ("beyond", 0.25, [2, 3, 2.7109]),
            ("little beyond", 0.25, [2, 3, 2.710806010829535]),
            ("beyond, below", 0.25, [2, 3, -2.7109]),
            ("x negative", 0.25, [-1, 3, 0]),
            ("y negative", 0.25, [1, -3, 0]),
            ("x = 0", 0.25, [0, 3, 0.5]),
            ("y = 0", 0.25, [3, 0, 0.5]),
            ("above both", 0.25, [3, 3, 4]),
            ("exponents for each other", 0.75, [2, 3, 2.6]),
            ("far", 0.5, [1e308, 5e-324, 1]),
        )
    },
    "a second exponent": (
        changed(PROOFS["powers"], x=vector("-1", "-2.0001")),
        "x is outside the power cone of row 3",
    ),
    "a power cone's dual": (
        changed(PROOFS["powered"], z=vector("0.338", "0.677", -1)),
        "z is outside the dual of the power cone of row 0",
    ),
    "a point that is no dual one": (
        proof(
            program([(P, 3)], [[0.0], [0], [0]], [0, 0, 0], [0], exponents=(0.25,)), z=[-1, -1, 0], lower="0"
        ),
        "z is outside the dual of the power cone of row 0",
    ),
    **{
        f"semidefinite, {name}": (
            proof(program([(D, len(s))], [[0.0]] * len(s), s, [0]), x=[0], upper="0"),
            "x is outside the semidefinite cone of row 0",
        )
        for name, s in (
            ("negative", [-1]),
            ("negative below", [1, 0, -1]),
            ("off the diagonal", [1, 1.0000001, 1]),
            ("nothing on the diagonal", [0, 1, 0]),
            ("nothing on a part of it", [1, 0, 0, 0, 1, 0]),
            ("in all three", [0.6666666, 1, 2, 0, 1, 2]),
            ("in the last of three", [2, 1, 2, 0, 1, 0.6666666]),
            ("by 13", [1, 0, 1, 2, 0, 1]),
        )
    },
    "a dual matrix": (
        changed(PROOFS["matrix"], z=vector(1, "-2.001", 1)),
        "z is outside the dual of the semidefinite cone of row 0",
    ),
    "a ray out of a matrix": (
        proof(
            program([(D, 3)], [[1, 0], [0, 0], [0, 0]], [1, 0, 1], [1, 0]), "unbounded", x=(0, 0), ray=(-1, 0)
        ),
        "no direction of recession: the semidefinite cone of row 0",
    ),
    "z outside": (
        changed(_NORM, z=vector(1, "-4/5", "-4/5")),
        "z is outside the dual of the second-order cone of row 0",
    ),
    "z below a row": (
        proof(program([(N, 1)], [[-1]], [0], [1]), z=[-1], lower="0"),
        "z is outside the dual of the nonnegative cone of row 0",
    ),
    "z above 1 / e": (
        bounds("e", "2", "3", z=vector("-2.718281828459045235360287471353", 0, 1)),
        "z is outside the dual of the exponential cone of row 0",
    ),
    "u > 0": (
        bounds("e", "-9", "3", z=vector(1, 0, 1)),
        "z is outside the dual of the exponential cone of row 0",
    ),
    "u = 0, v < 0": (
        bounds("e", "-9", "3", z=vector(0, -1, 1)),
        "z is outside the dual of the exponential cone of row 0",
    ),
    "u = 0, w < 0": (
        proof(program([(E, 3)], [[0], [0], [1]], [0, 0, 0], [-1]), z=[0, 0, -1], lower="0"),
        "z is outside the dual of the exponential cone of row 0",
    ),
    "z that is not stationary": (changed(_NORM, z=vector(2, 0, 0)), r"A'z \+ q is not 0 in column 0"),
    "z by little": (
        stored("z", of="least", bits=900, values=[format(2**900 + 1, "x")]),
        r"A'z \+ q is not 0 in column 0",
    ),
    "z of a column without rows": (
        proof(program([(N, 1)], [[1, 0]], [0], [1, 1]), z=[1], lower="0"),
        r"A'z \+ q is not 0 in column 1",
    ),
    "no separation": (changed(PROOFS["apart"], z=vector(2, 1)), "A'z is not 0"),
    "no separation in one column": (
        proof(program([(N, 2)], [[1, 1], [-1, 0]], [-2, 1], [0, 0]), "infeasible", z=[1, 1]),
        "A'z is not 0",
    ),
    "z = 0 where x < 0": (
        changed(PROOFS["inverse"], x=vector(0)),
        "x is outside the exponential cone of row 0",
    ),
    "z < 0 where x < 0": (
        changed(PROOFS["inverse"], x=vector(-1)),
        "x is outside the exponential cone of row 0",
    ),
    "two denominators": (
        changed(PROOFS["two denominators"], z=vector(1, "-4/5", "-2/3")),
        "z is outside the dual of the second-order cone of row 0",
    ),
    "separation of nothing": (changed(PROOFS["apart"], z=vector(0, 0)), "b'z is not negative"),
    "separation to the wrong side": (
        changed(PROOFS["apart"], program_b=[2.0, 1.0]),
        "b'z is not negative",
    ),
    "separation outside": (
        changed(PROOFS["apart"], z=vector(-1, -1)),
        "z is outside the dual of the nonnegative cone of row 0",
    ),
    "separation from e^-0.5 of too little": (
        changed(PROOFS["not e"], z=vector(-1, "-1/2", "60/100")),
        "z is outside the dual of the exponential cone of row 0",
    ),
    "a ray up": (changed(PROOFS["falls"], ray=vector(0)), "the objective does not fall along the ray"),
    "far up": (changed(PROOFS["ball"], far=vector("-1/9", 1)), "the objective grows along far"),
    "no start": (changed(PROOFS["falls"], x=vector(-1)), "x is outside the nonnegative cone of row 0"),
    "a ray outside": (
        changed(PROOFS["falls"], program_A=[[0, 0, 1.0]]),
        _ALONG.format(N),
    ),
    "far outside": (changed(PROOFS["rows"], far=vector(1, -1)), _ALONG.format(N)),
    "far on the row": (changed(PROOFS["rows"], far=vector(1, 1)), _ALONG.format(N)),
    "a ray off equations": (
        proof(program([(Z, 1)], [[1]], [0], [-1]), "unbounded", x=[0], ray=[1]),
        _ALONG.format(Z),
    ),
    "far off equations": (
        proof(program([(Z, 1)], [[0, 1]], [0], _MINUS_T), "unbounded", **_T),
        _ALONG.format(Z),
    ),
    "far on the ball": (changed(PROOFS["ball"], far=vector(1, 1)), _ALONG.format(S)),
    "far on the other side of the ball": (changed(PROOFS["ball"], far=vector(0, -1)), _ALONG.format(S)),
    "no far of a second-order cone": (changed(PROOFS["roots"], far=None), _ALONG.format(S)),
    "s on the same ray": (proof(_FLAT, "unbounded", **_T), _ALONG.format(S)),
    "the ray against far": (proof(_BEFORE_1, "unbounded", **_T), _ALONG.format(S)),
    "no far of an exponential cone": (changed(PROOFS["logarithm"], far=None), _ALONG.format(E)),
    "far out of an exponential cone": (changed(PROOFS["logarithm"], far=vector(1, 1)), _ALONG.format(E)),
    **{
        f"exponential, {name}": (proof(p, "unbounded", **_T), _ALONG.format(E))
        for name, p in _EXPONENTIALS.items()
    },
}


_DENSE = program([(N, 3)], [[1, 2], [3, 4], [5, 6]], [0, 0, 0], [0, 0])
_BARE = program([(N, 8)], [[0.0]] * 8, [0] * 8, [0])
_EIGHT = program([(N, 8)], [[1.0]] * 8, [0] * 8, [0])
LIMITS: list[tuple[str, float, Document, bool]] = [  # a limit, another value of it, a proof, is it accepted?
    ("MAX_WORK", 1000.0, PROOFS["e"], False),
    ("MAX_BITS", 3.0, PROOFS["least"], True),
    ("MAX_BITS", 2.0, PROOFS["least"], False),
    ("MAX_BITS", 8.0, PROOFS["above"], True),
    ("MAX_BITS", 7.0, PROOFS["above"], False),
    ("MAX_BITS", 9.0, PROOFS["below"], True),
    ("MAX_BITS", 8.0, PROOFS["below"], False),
    ("LARGEST", 8, proof(_EIGHT, upper="0") | {"x": {"bits": 8, "denominators": [], "values": ["00"]}}, True),
    ("LARGEST", 7, proof(_BARE, x=[0], upper="0"), False),
    ("LARGEST", 6, proof(_DENSE, x=[0, 0], upper="0"), True),
    ("LARGEST", 5, proof(_DENSE, x=[0, 0], upper="0"), False),
    ("FAR", 40, proof(EULER, x=[2**40], upper="1e13"), True),
    ("FAR", 9, PROOFS["power of 2^10"], True),
    ("FAR", 8, PROOFS["power of 2^10"], False),
    ("MOST_DIGITS", 50, PROOFS["powered"], True),
    ("MOST_DIGITS", 49, PROOFS["powered"], False),
    ("MOST_ORDER", 3, PROOFS["cube"], True),
    ("MOST_ORDER", 2, PROOFS["cube"], False),
    ("FAR", 39, proof(EULER, x=[2**40], upper="1e13"), False),
    ("MOST_DIGITS", 50, PROOFS["e"], True),
    ("MOST_DIGITS", 49, PROOFS["e"], False),
]
