"""Formulas of one element that run in two ways: by NumPy on arrays, or by Numba in compiled loops.

NumPy reads and writes an array for every operation, a compiled loop reads every number once. Both do the same
operations in the same order, each rounded once as IEEE 754 says. Nothing is contracted or reordered (there is
no `fastmath`), so that every bit is the same. Numba is optional, `cvxtoken[numba]`.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from cvxtoken.arrays import FloatArray, IntArray

_WORTHWHILE = 1 << 18  # numbers; for fewer, to load a compiled loop would take longer than the formulas do
_EXACT = {"error_model": "numpy"}  # a division by 0 has a result
_formulas: list[Any] = []
_pieces: list[Any] = []
_known: set[Any] = set()
Formula = TypeVar("Formula", bound=Callable[..., Any])


def elementwise(formula: Formula) -> Formula:
    """A formula of numbers or arrays, of + - * / and the functions below, for `compiled` loops too."""
    _formulas.append(formula)
    return formula


def piece(function: Formula) -> Formula:
    """A piece of a compiled loop, which NumPy does not run."""
    _pieces.append(function)
    return function


def select(condition: NDArray[np.bool_], a: FloatArray | float, b: FloatArray) -> FloatArray:
    """Where the condition holds a, elsewhere b."""
    return np.where(condition, a, b) if condition.any() else b


def bits(x: FloatArray) -> IntArray:
    """The bits of doubles as whole numbers."""
    return x.view(np.int64)


def double(bits: IntArray) -> FloatArray:
    """The doubles of these bits."""
    return bits.view(np.float64)


def worthwhile(numbers: int) -> bool:
    """Whether loops over so many numbers are to be compiled: whether Numba works here, and they are many."""
    return numbers >= _WORTHWHILE and _installed()


@cache
def _installed() -> bool:
    try:
        import_module("numba")
    except ImportError:  # it is not there, or is there for another NumPy
        return False
    return True


def compiled(kinds: str) -> Callable[[Callable[[int], Callable[..., Any]]], Callable[..., Any]]:
    """Makes of a loop over elementwise formulas one that is compiled on its first call, and kept on disk.

    What is decorated makes the loop from a number that stands for the source of all formulas. The loop must
    return it, or refer to it otherwise: Numba keeps machine code by the source file of a loop and by what it
    refers to, so that none is used after a formula has changed in another file.

    Args:
        kinds: of the loop's arguments, a letter each: arrays of doubles in C order that are read, r of one
            axis and R of two, or written, w and W; a double, n.
    """

    def decorated(make: Callable[[int], Callable[..., Any]]) -> Callable[..., Any]:
        @cache
        def build() -> Callable[..., Any]:
            numba = import_module("numba")
            _register()
            arguments = [
                numba.types.Array(numba.float64, 1 + (kind in "RW"), "C", readonly=kind in "rR")
                if kind != "n"
                else numba.float64
                for kind in kinds
            ]
            compiler = numba.njit(tuple(arguments), cache=True, nogil=True, **_EXACT)
            found: Callable[..., Any] = compiler(make(_version()))
            return found

        return lambda *arguments: build()(*arguments)

    return decorated


def _register() -> None:
    """Tell Numba of all formulas that it does not know yet, so that loops may call them."""
    extending = import_module("numba.extending")
    if not _known:
        extending.overload(select, **_inline())(
            lambda condition, a, b: lambda condition, a, b: a if condition else b
        )
        extending.overload(bits, **_inline())(lambda x: lambda x: np.float64(x).view(np.int64))
        extending.overload(double, **_inline())(lambda bits: lambda bits: np.int64(bits).view(np.float64))
    for functions, inline in ((_formulas, True), (_pieces, False)):
        for function in functions:
            if function not in _known:
                extending.register_jitable(forceinline=inline, **_EXACT)(function)
                _known.add(function)


def _inline() -> dict[str, Any]:
    return {"jit_options": {"forceinline": True, **_EXACT}}


def _version() -> int:
    """A number of 60 bits that changes with the source of any formula."""
    files = sorted({str(inspect.getsourcefile(formula)) for formula in (*_formulas, *_pieces)} | {__file__})
    digest = hashlib.sha256(b"".join(Path(file).read_bytes() for file in files))
    return int(digest.hexdigest()[:15], 16)
