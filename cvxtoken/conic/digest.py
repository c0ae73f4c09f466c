"""The digest that binds a proof to a cone program: equal for equal programs, and different for others.

It is the SHA-256 of these bytes, one after the other. Counts are unsigned, 8 bytes, big-endian; numbers are
IEEE doubles, 8 bytes, big-endian, 0.0 for -0.0.

    the ASCII text `cvxtoken cone program 1` and a line feed
    rows, columns                   counts
    sense                           1 byte: 0 minimize, 1 maximize
    cones                           a count; of each in their order 1 byte (0 zero, 1 nonnegative,
                                    2 second-order, 3 exponential, 4 power, 5 semidefinite) and its rows, a
                                    count, and of a power cone its exponent, a number
    offset                          a number
    q, then b                       their numbers
    A                               the count of the entries that are not 0; of each, by column and in a
                                    column by row, its column and row, counts, and its value, a number
    integers                        where there are any: the count of the columns that must be whole, and
                                    their columns, counts; proofs are of programs without

Cones count as they stand: two nonnegative cones of 1 row are not one of 2. Derived here.
"""

from __future__ import annotations

import hashlib
import struct

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cvxtoken.arrays import FloatArray
from cvxtoken.conic.program import KINDS, MAXIMIZE, POWER, ConeProgram

HEADER = b"cvxtoken cone program 1\n"
_ENTRY = np.dtype([("column", ">u8"), ("row", ">u8"), ("value", ">f8")])


def digest(program: ConeProgram) -> str:
    """The SHA-256 of a cone program's canonical bytes, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical_bytes(program)).hexdigest()


def canonical_bytes(program: ConeProgram) -> bytes:
    """The bytes that the module's docstring describes."""
    rows, columns = program.A.shape
    exponents = iter(program.exponents)
    count = len(program.integers)
    cones = []
    for kind, size in program.cones:
        cones.append(struct.pack(">BQ", KINDS.index(kind), size))
        cones += [struct.pack(">d", next(exponents))] if kind == POWER else []
    return b"".join(
        [
            HEADER,
            struct.pack(">QQBQ", rows, columns, program.sense == MAXIMIZE, len(program.cones)),
            *cones,
            _numbers(np.array([program.offset])),
            _numbers(program.q),
            _numbers(program.b),
            _entries(program.A),
            *([struct.pack(f">Q{count}Q", count, *program.integers)] if count else []),
        ]
    )


def _numbers(values: FloatArray) -> bytes:
    plus: NDArray[np.float64] = values + 0.0  # -0.0 + 0.0 is 0.0
    return plus.astype(">f8").tobytes()


def _entries(A: sparse.csc_array) -> bytes:
    sorted_by_column = sparse.csc_array(A, copy=True)
    sorted_by_column.sum_duplicates()
    sorted_by_column.eliminate_zeros()
    entries = np.empty(sorted_by_column.nnz, dtype=_ENTRY)
    entries["column"] = np.repeat(np.arange(A.shape[1]), np.diff(sorted_by_column.indptr))
    entries["row"] = sorted_by_column.indices
    entries["value"] = sorted_by_column.data
    return struct.pack(">Q", len(entries)) + entries.tobytes()
