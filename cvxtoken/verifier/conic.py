#!/usr/bin/env python3
"""Checks a proof about a cone program: `python conic.py FILE`, with allocation.py beside it.

Standard library only. A program is: minimise q'x + offset subject to A x + s = b with s in K, its data being
exact doubles; a problem that maximises is minus that. K is a product of cones, which K* holds the duals of:

zero          s = 0;                                                    all z
nonnegative   s >= 0;                                                   z >= 0
second-order  s_0 >= |s'|;                                              z_0 >= |z'|
exponential   y > 0 and y e^(x / y) <= z, for s = (x, y, z), or         u < 0 and -u e^(v / u - 1) <= w, or
              y = 0, x <= 0, z >= 0;                                    u = 0, v >= 0, w >= 0
power         x, y >= 0 and x^a y^(1 - a) >= |z|, with 0 < a < 1;       (u / a, v / (1 - a), w) in the cone
semidefinite  S is positive semidefinite, whose upper triangle,         Z is, with Z_ii = z_ii, and z_ij / 2
              column by column, is s;                                   off the diagonal: <S, Z> = s'z

What is proven, with z in K* and s = b - A x in K, so that s'z >= 0:

enclosed      x feasible: the optimum (infimum) is at most q'x + offset. A'z + q = 0: it is at least
              offset - b'z, as q'x + b'z = s'z. Either may be missing. Of a problem that was compiled by its
              logarithm, what is stated is e to the power of that.
infeasible    A'z = 0 and b'z < 0: a feasible x would give s'z = b'z < 0.
unbounded     x is feasible, and with a ray r and, for some programs, a direction f: q'r < 0, q'f <= 0, and
              x + t r + l f is feasible for every t >= 0 and every l large enough for t. In each cone, with
              d = -A r and g = -A f, g is in it, and s + t d + l g is for all such l because of one of these:
              d is in it; or g is inside it, as (s + t d) / l is small beside g; or of a
                second-order cone, <s, g> > 0 and <d, g> >= 0, where <a, c> = a_0 c_0 - a'c', as
                <s + t d + l g, s + t d + l g> = <s + t d, s + t d> + 2 l <s + t d, g> + l^2 <g, g>;
                exponential one, g = (x, 0, z) and y is positive in s and not negative in d, where z > 0, so
                that z grows beyond y e^(x / y), or x < 0 and z is in d as y is, so that y e^(x / y)
                falls to 0 below z, which is positive in s as y is.

Vectors are whole numbers over a power of two, and over a denominator of a table. As K is a cone, what is
asked of a block is asked of whole numbers, and so in exact arithmetic. Only logarithms are rounded: outward,
to 50 digits or as many more as decide. Work is counted before it is done, in nanoseconds, and there is a
limit to it; so that memory has one too, rows are looked at one after the other.

A proof is bound to its program by the SHA-256 of these bytes, counts in 8 bytes and doubles, all big-endian:
the text 'cvxtoken cone program 1' and a line feed; rows and columns; a byte, 1 to maximise; the number of
cones, and of each a byte, its place in KINDS, and its rows, and of a power cone its exponent; offset, q and
b; the number of A's entries that are not 0, and of each, by column and row, its column, row and value.
"""

import hashlib
import struct
from collections.abc import Iterator
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from itertools import islice, pairwise, repeat
from math import frexp, inf, isqrt, lcm
from re import fullmatch
from typing import Any

if __package__:
    from cvxtoken.verifier import allocation
else:  # run as a script beside allocation.py, without the package
    import allocation  # type: ignore[import-not-found, no-redef]

SCHEMA = "cvxtoken-cone-certificate/1"
KEYS = {"schema", "sha256", "program", "exponential", "claim", "lower", "upper", "x", "z", "ray", "far"}
FIELDS = {"sense", "rows", "columns", "cones", "exponents", "offset", "q", "b", "A"}
KINDS = ("zero", "nonnegative", "second-order", "exponential", "power", "semidefinite")
MOST_ORDER = 30  # of a semidefinite cone
VECTORS = {  # of each claim, those that it must have, and those that it may have
    "enclosed": (set(), {"x", "z"}),
    "infeasible": ({"z"}, {"z"}),
    "unbounded": ({"x", "ray"}, {"x", "ray", "far"}),
}
LARGEST = 1_000_000  # rows, columns, entries of A, and bits of a number of a vector
MAX_WORK = 6e9  # ns
MAX_BITS = 1e9  # of the numbers of one cone, and of the program's data
MOST_DIGITS = 3000
FAR = 20_000  # bits of a quotient, or of its inverse, beyond which no logarithm is taken
LN, LN_CUBED = 6e4, 0.03  # ns of a logarithm, and by the cube of its digits
DIVISION = 6  # times a product, in time; LCM likewise
LCM = 10
Refused, require = allocation.Refused, allocation.require
Cone = tuple[str, int, float]  # its kind, rows and exponent
Number = tuple[int, int]  # n, d > 0, which stand for n / d; not in lowest terms


class Work:
    """What is left of the work that a file may ask for."""

    def __init__(self) -> None:
        self.left = MAX_WORK

    def spend(self, nanoseconds: float) -> None:
        """Refuse where nothing is left."""
        self.left -= nanoseconds
        require(self.left >= 0, "the check would take too long")

    def count(self, a: int, b: int, times: int = 1) -> None:
        """Count a product of numbers of a and b bits: a nanosecond for two words of 64, and so many times."""
        self.spend((a / 64 + 4) * (b / 64 + 4) * times)


class Program:
    """The data, every rule of theirs checked; a double is a whole number over 2^unit."""

    def __init__(self, data: Any, work: Work) -> None:
        require(isinstance(data, dict) and set(data) == FIELDS, "the program's keys are off")
        self.sense, self.work = data["sense"], work
        require(self.sense in ("minimize", "maximize"), "sense is neither minimize nor maximize")
        self.rows, self.columns = data["rows"], data["columns"]
        good = all(type(size) is int and 0 <= size <= LARGEST for size in (self.rows, self.columns))
        require(good and self.columns > 0, "rows or columns are no counts within limits")
        self.cones = read_cones(data["cones"], data["exponents"], self.rows)
        lists = all(isinstance(data[name], list) for name in ("q", "b", "A"))
        require(lists and len(data["q"]) == self.columns, "q has not one number a column")
        require(len(data["b"]) == self.rows, "b has not one number a row")
        require(len(data["A"]) <= LARGEST, "A has too many entries")
        entries = sorted(map(read_entry, data["A"]), key=lambda entry: (entry[1], entry[0]))
        require(all(i < self.rows and j < self.columns for i, j, _ in entries), "A has an entry outside")
        require(all(a[:2] != c[:2] for a, c in pairwise(entries)), "an entry of A stands twice")
        values = [data["offset"], *data["q"], *data["b"], *(a for _, _, a in entries)]
        require(all(type(a) is float and -inf < a < inf for a in values), "a number is no finite double")
        self.digest = self.hashed(entries, values)
        self.unit = max(a.as_integer_ratio()[1].bit_length() - 1 for a in values)
        bits = sum(self.unit + frexp(a)[1] for a in values if a)
        require(bits <= MAX_BITS, "the numbers of the program are too long when written out")
        whole = list(map(self.whole, values))
        self.offset, self.q = whole[0], whole[1 : 1 + self.columns]
        self.b = whole[1 + self.columns :][: self.rows]
        places = whole[1 + self.columns + self.rows :]
        self.entries = [(i, j, n) for (i, j, _), n in zip(entries, places, strict=True)]

    def whole(self, a: float) -> int:
        """A double times 2^unit."""
        n, d = a.as_integer_ratio()
        return int(n << self.unit - d.bit_length() + 1)

    def hashed(self, entries: list[tuple[int, int, float]], values: list[float]) -> str:
        """The SHA-256 of the bytes that the module's docstring lists."""
        sizes = (self.rows, self.columns, int(self.sense == "maximize"), len(self.cones))
        hashed = hashlib.sha256(b"cvxtoken cone program 1\n" + struct.pack(">QQBQ", *sizes))
        for kind, size, a in self.cones:
            hashed.update(struct.pack(">BQ", KINDS.index(kind), size))
            hashed.update(struct.pack(">d", a) if kind == "power" else b"")
        for a in values[: len(values) - len(entries)]:
            hashed.update(struct.pack(">d", a + 0.0))
        hashed.update(struct.pack(">Q", sum(a != 0 for _, _, a in entries)))
        for i, j, a in entries:
            hashed.update(struct.pack(">QQd", j, i, a) if a else b"")
        return hashed.hexdigest()

    def slack(self, x: "Vector", constant: bool = True) -> Iterator[Number]:
        """b - A x, or -A x, times 2^(bits + unit), row by row."""
        entries = iter(sorted(self.entries))
        return ((-n, d) for n, d in self.sums(x, self.b if constant else None, self.rows, entries, -1))

    def residual(self, z: "Vector", constant: bool = True) -> Iterator[Number]:
        """A'z + q, or A'z, times 2^(bits + unit), column by column."""
        places = ((j, i, a) for i, j, a in self.entries)
        return self.sums(z, self.q if constant else None, self.columns, places, 1)

    def value(self, costs: list[int], v: "Vector", constant: int = 0) -> Number:
        """constant + costs'v, an exact sum."""
        places = ((0, k, cost) for k, cost in enumerate(costs) if cost)
        ((n, d),) = self.sums(v, [constant], 1, places, 1)
        return n, d << v.bits + self.unit

    def sums(
        self,
        v: "Vector",
        constants: list[int] | None,
        size: int,
        entries: Iterator[tuple[int, int, int]],
        sign: int,
    ) -> Iterator[Number]:
        """sign constants + A v, exact sums; A's entries by row, each as its row, column and value."""
        entry = next(entries, None)
        for k in range(size):
            constant = 0 if constants is None else sign * constants[k]
            parts = {0: constant}  # numerators by the place of their denominator
            if constant:
                self.work.count(constant.bit_length(), v.bits)
                parts[0] <<= v.bits
            while entry is not None and entry[0] == k:
                _, of, a = entry
                n, place = v.numerators[of], v.places[of]
                self.work.count(a.bit_length(), n.bit_length())
                parts[place] = parts.get(place, 0) + a * n
                entry = next(entries, None)
            yield self.total(parts, v.table)

    def total(self, parts: dict[int, int], table: list[int]) -> Number:
        """The sum of numerators by denominator."""
        total, over = 0, 1
        for place, n in parts.items():
            d = table[place]
            if n and over == 1:
                self.work.count(total.bit_length(), d.bit_length())
                total, over = total * d + n, d
            elif n:
                self.work.count(over.bit_length(), d.bit_length(), LCM + DIVISION)
                common = lcm(over, d)
                self.work.count(total.bit_length(), d.bit_length())
                self.work.count(n.bit_length(), over.bit_length())
                total, over = total * (common // over) + n * (common // d), common
        return total, over


class Vector:
    """Whole numbers over denominators and 2^bits."""

    def __init__(self, data: Any, length: int) -> None:
        keys = {"bits", "denominators", "values"}
        require(isinstance(data, dict) and set(data) == keys, "a vector's keys are off")
        self.bits, table, values = data["bits"], data["denominators"], data["values"]
        require(type(self.bits) is int and 0 <= self.bits <= LARGEST, "a vector's bits are no such count")
        require(isinstance(table, list) and isinstance(values, list), "a vector has no lists")
        require(len(values) == length, "a vector has not one number a row or column")
        self.table = [1, *(read_hexadecimal(text) for text in table)]
        require(all(d > 0 for d in self.table), "a denominator is not positive")
        self.numerators, self.places = [], []
        for text in values:
            require(isinstance(text, str), "a number of a vector is no text")
            number, slash, place = text.partition("/")
            require(not slash or fullmatch("[0-9]{1,6}", place), "a number's denominator is not of the table")
            k = int(place or 0)
            require(k < len(self.table), "a number's denominator is not of the table")
            self.numerators.append(read_hexadecimal(number))
            self.places.append(k)

    def numbers(self) -> list[Number]:
        """The numbers times 2^bits."""
        return [(n, self.table[k]) for n, k in zip(self.numerators, self.places, strict=True)]


def check(document: Any) -> str:
    """The line that states what a parsed proof proves; raises Refused where it does not."""
    good = isinstance(document, dict) and set(document) == KEYS and document["schema"] == SCHEMA
    require(good, f"the keys or the schema are not those of a {SCHEMA}")
    work = Work()
    program = Program(document["program"], work)
    require(document["sha256"] == program.digest, f"the program's SHA-256 is {program.digest}")
    claim = document["claim"]
    require(isinstance(claim, str) and claim in VECTORS, "the claim is of no known kind")
    given = {name for name in ("x", "z", "ray", "far") if document[name] is not None}
    must, may = VECTORS[claim]
    require(given and must <= given <= may, f"the vectors are not those of a proof of '{claim}'")
    lengths = {"x": program.columns, "z": program.rows, "ray": program.columns, "far": program.columns}
    vectors = {name: Vector(document[name], lengths[name]) for name in given}
    who = f"proven: cone program {program.digest} ({program.rows} rows, {program.columns} unknowns)"
    require(type(document["exponential"]) is bool, "exponential is neither true nor false")
    if claim == "enclosed":
        return who + enclosed(program, vectors, document["lower"], document["upper"], document["exponential"])
    require(document["lower"] is None and document["upper"] is None, f"bounds in a proof of '{claim}'")
    if claim == "infeasible":
        infeasible(program, vectors["z"])
        return who + " is infeasible"
    unbounded(program, vectors)
    return who + " is unbounded"


def enclosed(program: Program, vectors: dict[str, Vector], lower: Any, upper: Any, exponential: bool) -> str:
    """What is proven of the optimum of the problem as it is posed, or of e to its power."""
    least, most = (None if bound is None else read_decimal(bound) for bound in (lower, upper))
    what = "the exponential of its optimum" if exponential else "its optimum"
    gap = relative_gap(least, most)
    if exponential:
        least, most = (None if x is None else logarithm(x, up) for x, up in ((least, True), (most, False)))
    if program.sense == "maximize":
        least, most = (None if x is None else x.copy_negate() for x in (most, least))
    require((most is not None) == ("x" in vectors), "an upper bound and an x do not come together")
    require((least is not None) == ("z" in vectors), "a lower bound and a z do not come together")
    if most is not None:
        feasible(program, vectors["x"])
        value = program.value(program.q, vectors["x"], program.offset)
        require(not exceeds(value, most, program.work), "x does not reach the bound that is stated of it")
    if least is not None:
        dual_feasible(program, vectors["z"])
        value = program.value([-b for b in program.b], vectors["z"], program.offset)
        opposite = (-value[0], value[1])
        require(not exceeds(opposite, least.copy_negate(), program.work), "z does not prove its bound")
    if least is None or most is None:
        side, bound = ("at least", lower) if upper is None else ("at most", upper)
        condition = "" if "x" in vectors else ", if it has feasible points"
        return f" has {what} {side} {bound}{condition}; nothing is proven of the other side"
    return f" has {what} from {lower} to {upper}, relative gap <= {gap}"


def relative_gap(lower: Decimal | None, upper: Decimal | None) -> Decimal | None:
    """(upper - lower) / (1 + least size between them), rounded up to 3 digits."""
    if lower is None or upper is None:
        return None
    require(lower <= upper, "lower exceeds upper")
    up, down = Context(60, ROUND_CEILING), Context(60, ROUND_FLOOR)
    size = Decimal(0) if lower <= 0 <= upper else min(lower.copy_abs(), upper.copy_abs())
    return Context(3, ROUND_CEILING).divide(up.subtract(upper, lower), down.add(1, size))


def logarithm(bound: Decimal, up: bool) -> Decimal:
    """ln of a bound, above or below it."""
    require(bound > 0, "the bound of an exponential is not positive")
    if bound == 1:
        return Decimal(0)
    near = Context(len(bound.as_tuple().digits) + 20)
    value = near.ln(bound)
    return near.next_plus(value) if up else near.next_minus(value)


def infeasible(program: Program, z: Vector) -> None:
    """Require that z separates all of K from the points b - A x."""
    in_dual(program, z)
    require(not any(n for n, _ in program.residual(z, constant=False)), "A'z is not 0")
    require(program.value(program.b, z)[0] < 0, "b'z is not negative")


def unbounded(program: Program, vectors: dict[str, Vector]) -> None:
    """Require that x + t ray + l far is feasible for every t >= 0 and every l large enough for t."""
    x, ray, far = vectors["x"], vectors["ray"], vectors.get("far")
    feasible(program, x)
    require(program.value(program.q, ray)[0] < 0, "the objective does not fall along the ray")
    require(far is None or program.value(program.q, far)[0] <= 0, "the objective grows along far")
    none: Iterator[Number] = repeat((0, 1), program.rows)
    away = none if far is None else program.slack(far, constant=False)
    parts = (program.slack(x), program.slack(ray, constant=False), away)
    for kind, start, size, a in blocks(program.cones):
        s, d, g = (common(islice(part, size), program.work) for part in parts)
        good = inside(kind, a, g, program.work, dual=False) and recedes(kind, a, s, d, g, program.work)
        require(good, f"no direction of recession: the {kind} cone of row {start}")


def recedes(kind: str, a: float, s: list[int], d: list[int], g: list[int], work: Work) -> bool:
    """Whether s + t d + l g stays in a cone, as the module's docstring says, for g in the cone.

    Each of them is known up to a positive factor.
    """
    if inside(kind, a, d, work, dual=False):
        return True
    if kind == "nonnegative":
        return g[0] > 0
    if kind == "second-order":
        square, along, step = (lorentz(g, part, work) for part in (g, s, d))
        return square > 0 or (along > 0 and step >= 0)
    if kind == "exponential":
        x, y, z = g
        if y > 0:  # inside but for e^0 = 1: no other rational number has a rational exponential
            return x != 0 or y != z
        return s[1] > 0 and d[1] >= 0 and (z > 0 or (x < 0 and d[2] >= 0))  # y > 0 in s has z > 0
    return False


def lorentz(a: list[int], c: list[int], work: Work) -> int:
    """a_0 c_0 - a'c'."""
    total = 0
    for k, (m, n) in enumerate(zip(a, c, strict=True)):
        work.count(m.bit_length(), n.bit_length())
        total += -m * n if k else m * n
    return total


def feasible(program: Program, x: Vector) -> None:
    """Require that b - A x is in K."""
    slack = program.slack(x)
    for kind, start, size, a in blocks(program.cones):
        part = common(islice(slack, size), program.work)
        good = inside(kind, a, part, program.work, dual=False)
        require(good, f"x is outside the {kind} cone of row {start}")


def dual_feasible(program: Program, z: Vector) -> None:
    """Require that z is in K* and A'z + q = 0."""
    in_dual(program, z)
    wrong = next((j for j, (n, _) in enumerate(program.residual(z)) if n), None)
    require(wrong is None, f"A'z + q is not 0 in column {wrong}")


def in_dual(program: Program, z: Vector) -> None:
    """Require that z is in K*."""
    numbers = iter(z.numbers())
    for kind, start, size, a in blocks(program.cones):
        part = common(islice(numbers, size), program.work)
        good = inside(kind, a, part, program.work, dual=True)
        require(good, f"z is outside the dual of the {kind} cone of row {start}")


def blocks(cones: list[Cone]) -> Iterator[tuple[str, int, int, float]]:
    """The kind of each cone, its first row, their number, its exponent; of linear ones row by row."""
    start = 0
    for kind, size, a in cones:
        step = 1 if kind in ("zero", "nonnegative") else size
        for first in range(start, start + size, step):
            yield kind, first, step, a
        start += size


def common(numbers: Iterator[Number], work: Work) -> list[int]:
    """The numerators over one common denominator: the same point of a cone but for a positive factor."""
    over, bits, given = 1, 0, []
    for n, d in numbers:
        work.count(over.bit_length(), 64)
        if over == 1:
            over = d
        elif d != over and d != 1:
            work.count(over.bit_length(), d.bit_length(), LCM)
            over = lcm(over, d)
        bits += n.bit_length()
        require(bits <= MAX_BITS, "the numbers of a cone are too long")
        given.append((n, d))
    found = []
    for n, d in given:
        if d is not over:
            work.count(over.bit_length(), d.bit_length(), DIVISION)
            work.count(over.bit_length(), n.bit_length())
            bits += over.bit_length()
            require(bits <= MAX_BITS, "the numbers of a cone are too long over one denominator")
            n *= over // d
        found.append(n)
    return found


def inside(kind: str, a: float, v: list[int], work: Work, dual: bool) -> bool:
    """Whether a point is in a cone, or in the dual of the cone."""
    if kind == "zero":
        return dual or not any(v)
    if kind == "nonnegative":
        return min(v) >= 0
    if kind == "second-order":
        return v[0] >= 0 and lorentz(v, v, work) >= 0
    if kind == "semidefinite":
        return is_semidefinite(v, 1 if dual else 2, work)
    x, y, z = v
    if kind == "power":
        p, q = a.as_integer_ratio()
        if dual:  # at a and 1 - a times the point in the cone
            return in_power(p, q, (q - p) * x, p * y, p * (q - p) * z, q, work)
        return in_power(p, q, x, y, z, 1, work)
    if dual:  # -u e^(v / u - 1) <= w is y e^(x / y) <= z there
        x, y = x - y, -x
    if y > 0:
        return in_exponential(x, y, z, work)
    return y == 0 and x <= 0 and z >= 0


def in_power(p: int, q: int, x: int, y: int, z: int, over: int, work: Work) -> bool:
    """Whether x^(p / q) y^(1 - p / q) >= |z| / over, x and y not negative."""
    x, y, z = x * over, y * over, abs(z)
    if min(x, y) < 0 or (z and not (x and y)):
        return False
    if z == 0 or min(x, y) >= z:
        return True
    if max(x, y) < z:
        return False
    far = max(abs(n.bit_length() - z.bit_length()) for n in (x, y))
    if far > FAR:
        return False
    digits = 50
    while digits <= MOST_DIGITS:
        low = sum_of_logarithms(p, q, x, y, z, digits, ROUND_FLOOR, work)
        if low >= 0:
            return True
        if sum_of_logarithms(p, q, x, y, z, digits, ROUND_CEILING, work) < 0:
            return False
        digits *= 2
    return False


def sum_of_logarithms(
    p: int, q: int, x: int, y: int, z: int, digits: int, rounding: str, work: Work
) -> Decimal:
    """p ln(x / z) + (q - p) ln(y / z), rounded to one side."""
    near = Context(digits, Emin=-999_999_999, Emax=999_999_999)
    side = Context(digits, rounding, Emin=-999_999_999, Emax=999_999_999)
    total = Decimal(0)
    for times, n in ((p, x), (q - p, y)):
        log_work(abs(n.bit_length() - z.bit_length()), digits, work)
        value = near.ln(quotient(n, z, digits, rounding))
        value = near.next_minus(value) if rounding == ROUND_FLOOR else near.next_plus(value)
        total = side.add(total, side.multiply(Decimal(times), value))
    return total


def is_semidefinite(v: list[int], off: int, work: Work) -> bool:
    """Whether the matrix of a triangle is positive semidefinite, its rest off the diagonal times `off` / 2.

    By elimination without fractions (Bareiss 1968), each pivot being a positive entry of the diagonal. With
    none left, all that is left must be 0.
    """
    n = (isqrt(8 * len(v) + 1) - 1) // 2
    place = [[max(i, j) * (max(i, j) + 1) // 2 + min(i, j) for j in range(n)] for i in range(n)]
    M = [[v[place[i][j]] * (2 if i == j else off) for j in range(n)] for i in range(n)]
    left, before = list(range(n)), 1
    while left:
        if min(M[i][i] for i in left) < 0:
            return False
        k = max(left, key=lambda i: M[i][i])
        if M[k][k] == 0:
            return not any(M[i][j] for i in left for j in left)
        left.remove(k)
        for i in left:
            for j in left:
                work.count(M[k][k].bit_length(), M[i][j].bit_length())
                work.count(M[i][k].bit_length(), M[k][j].bit_length())
                if j >= i:
                    new = M[k][k] * M[i][j] - M[i][k] * M[k][j]
                    work.count(new.bit_length(), before.bit_length(), DIVISION)
                    M[i][j] = new // before
        for i in left:
            for j in left:
                if j < i:
                    M[i][j] = M[j][i]
        before = M[k][k]
    return True


def in_exponential(x: int, y: int, z: int, work: Work) -> bool:
    """Whether x / y <= ln(z / y), for y > 0; False also where it takes too many digits to say."""
    if z <= 0 or (x >= 0 and z < y):
        return False
    if x <= 0 and z >= y:
        return True
    far = max(abs(abs(a).bit_length() - y.bit_length()) for a in (x, z))
    if far > FAR:
        return False
    digits = 50
    while digits <= MOST_DIGITS:
        near = Context(digits, Emin=-999_999_999, Emax=999_999_999)
        for rounding in (ROUND_FLOOR, ROUND_CEILING):
            up = rounding == ROUND_CEILING
            log_work(far, digits, work)
            log = near.ln(quotient(z, y, digits, rounding))
            if not up and quotient(x, y, digits, ROUND_CEILING) <= near.next_minus(log):
                return True
            if up and quotient(x, y, digits, ROUND_FLOOR) > near.next_plus(log):
                return False
        digits *= 2
    return False


def log_work(far: int, digits: int, work: Work) -> None:
    """Count a logarithm to so many digits of a quotient within 2^far, and the quotients around it."""
    work.spend(LN + LN_CUBED * digits**3)
    work.count(far + 8 * digits, far + 8 * digits, 4 * DIVISION)


def quotient(n: int, d: int, digits: int, rounding: str) -> Decimal:
    """n / d for d > 0, rounded to one side; what is longer than the digits need is cut to that side first."""
    up = rounding == ROUND_CEILING
    a, c = (max(0, abs(k).bit_length() - 8 * digits) for k in (n, d))
    n = -(-n >> a) if up else n >> a
    if c:
        d = (d >> c) + ((n < 0) if up else (n >= 0))
    n, d = n << max(0, a - c), d << max(0, c - a)
    context = Context(digits, rounding, Emin=-999_999_999, Emax=999_999_999)
    return context.divide(Decimal(n), Decimal(d))


def exceeds(value: Number, bound: Decimal, work: Work) -> bool:
    """Whether a number is above a decimal."""
    n, d = bound.as_integer_ratio()
    work.count(value[0].bit_length(), d.bit_length())
    work.count(value[1].bit_length(), n.bit_length())
    return value[0] * d > n * value[1]


def read_cones(cones: Any, exponents: Any, rows: int) -> list[Cone]:
    """Kinds, rows, and the exponents of power cones (0 of others)."""
    require(isinstance(cones, list) and len(cones) <= LARGEST, "cones is no list within limits")
    require(isinstance(exponents, list), "exponents is no list")
    require(all(type(a) is float and 0 < a < 1 for a in exponents), "an exponent is no double from 0 to 1")
    left, found = list(reversed(exponents)), []
    for cone in cones:
        require(isinstance(cone, list) and len(cone) == 2 and cone[0] in KINDS, "a cone of no known kind")
        kind, size = cone
        require(type(size) is int and 1 <= size <= rows, "a cone has no such number of rows")
        require(kind not in ("exponential", "power") or size == 3, f"a cone that is {kind} has not 3 rows")
        n = (isqrt(8 * size + 1) - 1) // 2
        good = n <= MOST_ORDER and n * (n + 1) // 2 == size
        require(kind != "semidefinite" or good, "a semidefinite cone has no triangle of a known order")
        require(kind != "power" or left, "a power cone has no exponent")
        found.append((kind, size, left.pop() if kind == "power" else 0.0))
    require(not left, "there are more exponents than power cones")
    require(sum(size for _, size, _ in found) == rows, "the cones have not all rows")
    return found


def read_entry(entry: Any) -> tuple[int, int, float]:
    """An entry [i, j, value] of A."""
    require(isinstance(entry, list) and len(entry) == 3, "an entry of A is not [i, j, value]")
    i, j, value = entry
    require(type(i) is int and type(j) is int and i >= 0 and j >= 0, "an entry of A has no such place")
    return i, j, value


def read_hexadecimal(text: Any) -> int:
    """A whole number."""
    require(isinstance(text, str) and fullmatch("-?[0-9a-f]+", text), "not a hexadecimal number")
    require(4 * len(text) <= LARGEST, "a number is too long")
    return int(text, 16)


def read_decimal(text: Any) -> Decimal:
    """A decimal of bounded length."""
    require(isinstance(text, str) and fullmatch(allocation.NUMBER, text), "not a decimal number")
    return Decimal(text)


if __name__ == "__main__":
    allocation.script(check)
