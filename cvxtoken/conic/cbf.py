"""Cone programs in the Conic Benchmark Format (CBF), written without loss; `reading` reads them.

CBF states cones as A v + b in K. It orders the rows of an exponential cone in reverse of `ConeProgram`: a
point (x_2, x_1, x_0) has x_1 e^(x_0 / x_1) <= x_2. Numbers are written in their shortest form that reads as
the same bits.

Source: H. A. Friberg, "The Conic Benchmark Format", version 3.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cvxtoken.conic.program import (
    EXPONENTIAL,
    MAXIMIZE,
    NONNEGATIVE,
    SECOND_ORDER,
    ZERO,
    ConeProgram,
    Cones,
    blocks,
)
from cvxtoken.conic.reading import read_cbf

__all__ = ["read_cbf", "row_order", "write_cbf"]

_NAMES = {ZERO: "L=", NONNEGATIVE: "L+", SECOND_ORDER: "Q", EXPONENTIAL: "EXP"}


def write_cbf(program: ConeProgram) -> str:
    """The text of a CBF file, with the objective and the sense of the problem that the program states."""
    sense, sign = ("MAX", -1.0) if program.sense == MAXIMIZE else ("MIN", 1.0)
    order = row_order(program.cones)
    S = sparse.coo_array(-sparse.csr_array(program.A)[order])
    entries = zip(S.row.tolist(), S.col.tolist(), S.data.tolist(), strict=True)
    rows, columns = program.A.shape
    return "\n".join(
        [
            *("VER", "3", "", "OBJSENSE", sense, ""),
            *("VAR", f"{columns} 1", f"F {columns}", ""),
            *(_section("INT", list(map(str, program.integers))) if program.integers else []),
            *("CON", f"{rows} {len(program.cones)}"),
            *(f"{_NAMES[kind]} {size}" for kind, size in program.cones),
            "",
            *_section("OBJACOORD", [f"{j} {x!r}" for j, x in enumerate((sign * program.q).tolist()) if x]),
            *("OBJBCOORD", repr(sign * program.offset), ""),
            *_section("ACOORD", [f"{i} {j} {x!r}" for i, j, x in entries]),
            *_section("BCOORD", [f"{i} {x!r}" for i, x in enumerate(program.b[order].tolist()) if x]),
        ]
    )


def _section(keyword: str, lines: list[str]) -> list[str]:
    return [keyword, str(len(lines)), *lines, ""]


def row_order(cones: Cones) -> NDArray[np.intp]:
    """The rows in the other order: those of exponential cones are reversed, which is its own inverse."""
    parts = [np.array(rows)[:: -1 if kind == EXPONENTIAL else 1] for kind, rows in blocks(cones)]
    return np.concatenate(parts) if parts else np.arange(0)
