"""The digest: the bytes that its module describes, equal for equal programs and for no others."""

from __future__ import annotations

import hashlib
import struct

import numpy as np
from scipy import sparse

from cvxtoken.conic.digest import canonical_bytes, digest
from cvxtoken.conic.program import ConeProgram

CONES = (("zero", 1), ("nonnegative", 1), ("second-order", 2), ("exponential", 3))
BASE = {
    "A": [(0, 0, 1.5), (6, 0, -2.0), (3, 2, 1e-300)],
    "b": [0.0, 1, 2, 3, 4, 5, 6],
    "q": [1.0, 0, -3],
    "offset": 0.25,
    "cones": CONES,
    "sense": "maximize",
}


def program(**changes: object) -> ConeProgram:
    data = BASE | changes
    i, j, values = zip(*data["A"], strict=True)
    A = sparse.csc_array((values, (i, j)), shape=(len(data["b"]), len(data["q"])))
    vectors = (np.array(data[key], dtype=float) for key in ("b", "q"))
    integers = data.get("integers", ())
    return ConeProgram(A, *vectors, data["offset"], data["cones"], data["sense"], integers=integers)


def test_the_bytes_by_the_standard_library() -> None:
    """In the order in which the module's docstring lists them."""
    expected = b"cvxtoken cone program 1\n" + struct.pack(">QQ", 7, 3) + b"\1"
    expected += struct.pack(">QBQBQBQBQ", 4, 0, 1, 1, 1, 2, 2, 3, 3)
    expected += struct.pack(">d3d7d", 0.25, 1, 0, -3, 0, 1, 2, 3, 4, 5, 6)
    expected += struct.pack(">Q", 3) + struct.pack(">QQd", 0, 0, 1.5)
    expected += struct.pack(">QQd", 0, 6, -2) + struct.pack(">QQd", 2, 3, 1e-300)
    assert canonical_bytes(program()) == expected
    assert digest(program()) == hashlib.sha256(expected).hexdigest()


def test_what_is_equal_has_the_same_digest() -> None:
    first = digest(program())
    assert digest(program(q=[1.0, -0.0, -3], b=[-0.0, 1, 2, 3, 4, 5, 6])) == first
    assert digest(program(A=[*BASE["A"][::-1], (5, 1, 0.0)])) == first, "order, and entries that are 0"
    unsorted = program()
    unsorted.A.indices[:2], unsorted.A.data[:2] = [6, 0], [-2.0, 1.5]
    unsorted.A.has_sorted_indices = False
    assert digest(unsorted) == first
    assert unsorted.A.indices.tolist() == [6, 0, 3], "and nothing is changed"


def test_every_change_changes_the_digest() -> None:
    tiny = np.nextafter(1.5, 2)
    others = [
        program(),
        program(sense="minimize"),
        program(offset=0.5),
        program(q=[1.0, 0, 3]),
        program(b=[0.0, 1, 2, 3, 4, 6, 5]),
        program(cones=CONES[1:2] + CONES[:1] + CONES[2:]),
        program(cones=(("nonnegative", 4), ("exponential", 3))),
        program(cones=(("nonnegative", 2), ("nonnegative", 2), ("exponential", 3))),
        program(A=[(0, 0, tiny), *BASE["A"][1:]]),
        program(A=[(0, 1, 1.5), *BASE["A"][1:]]),
        program(A=[(1, 0, 1.5), *BASE["A"][1:]]),
        program(A=BASE["A"][1:]),
        program(q=[1.0, 0, -3, 0]),
        program(integers=(0,)),
        program(integers=(1,)),
        program(integers=(0, 1)),
    ]
    assert len({digest(one) for one in others}) == len(others)
