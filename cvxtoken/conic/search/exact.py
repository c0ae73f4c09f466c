"""Exact rationals and balls of python-flint, and what joins them with doubles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import lcm
from typing import Any

from flint import arb, ctx, fmpq, fmpz
from scipy import sparse

from cvxtoken.conic.program import ConeProgram

Row = dict[int, float]  # the entries of a row or a column of A, by place


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """Balls of so many bits inside the block."""
    before, ctx.prec = ctx.prec, bits
    try:
        yield
    finally:
        ctx.prec = before


def exact(a: float) -> fmpq:
    """A double as the rational that it is."""
    return fmpq(*a.as_integer_ratio())


def nearest(a: fmpq) -> float:
    """The double nearest a rational (OverflowError: there is none)."""
    return int(a.p) / int(a.q)


def grid(a: arb, bits: int) -> fmpq:
    """The multiple of 2^-bits next to the midpoint of a ball (ZeroDivisionError: it is no number)."""
    nearest = (a.mid() * arb(2) ** bits + arb(0.5)).floor().mid()
    whole = nearest.unique_fmpz()
    if whole is None:
        raise ZeroDivisionError("a number is not finite")
    return fmpq(whole, fmpz(1) << bits)


def rows_of(program: ConeProgram) -> list[Row]:
    """The rows of A."""
    return entries(program.A.tocsr())


def columns_of(program: ConeProgram) -> list[Row]:
    """The columns of A."""
    return entries(program.A.tocsc())


def entries(A: sparse.csr_array | sparse.csc_array) -> list[Row]:
    """What is in each row of a matrix by rows, or in each column of one by columns."""
    pieces = zip(A.indptr[:-1].tolist(), A.indptr[1:].tolist(), strict=True)
    return [dict(zip(A.indices[i:j].tolist(), A.data[i:j].tolist(), strict=True)) for i, j in pieces]


def times(rows: Sequence[Row], v: Sequence[fmpq]) -> list[fmpq]:
    """The exact product of rows with a vector."""
    return [sum((exact(a) * v[j] for j, a in row.items() if v[j] != 0), fmpq(0)) for row in rows]


def packed(values: Sequence[fmpq]) -> dict[str, Any]:
    """The form in which proofs hold a vector: N 2^-bits over a denominator of a table.

    Where one common denominator is not much longer than the longest of the values' own, it stands for all.
    """
    pairs = [(int(v.p), int(v.q)) for v in values]
    twos = [(q & -q).bit_length() - 1 for _, q in pairs]
    odd = _together([q >> two for (_, q), two in zip(pairs, twos, strict=True)])
    bits, table = max(twos, default=0), {1: 0}
    texts = []
    for (p, q), d in zip(pairs, odd, strict=True):
        place = table.setdefault(d, len(table))
        number = format((p * d << bits) // q, "x")
        texts.append(f"{number}/{place}" if place else number)
    return {"bits": bits, "denominators": [format(d, "x") for d in list(table)[1:]], "values": texts}


def _together(odd: list[int]) -> list[int]:
    """The denominators, or their least common multiple for all but 1."""
    longest, together = max(map(int.bit_length, odd), default=1), 1
    for d in set(odd):
        together = lcm(together, d)
        if together.bit_length() > 2 * longest + 64:
            return odd
    return [together if d != 1 else 1 for d in odd]
