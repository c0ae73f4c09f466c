"""What CVXPY replaces when it compiles a problem, by more than rounding.

The compiled program is then another problem than the one that is stated. There are three ways, all of them in
problems that are not compiled as geometric programs:

- Exponents of `power`, `pnorm` and `geo_mean` become fractions, where they are not compiled to power cones.
- The matrix of `quad_form` becomes a product of factors, without pivots (or eigenvalues) that are small
  beside the largest. In a badly scaled matrix these are no small part of it. Where `assume_PSD` is said of an
  indefinite matrix, some versions leave out what is negative.
- `RelEntrConeQuad` stands for relative entropy by a quadrature.

What is found is measured on CVXPY's own functions, in doubles. Derived here, from CVXPY's source.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import cvxpy
import numpy as np
from cvxpy.atoms.quad_form import decomp_quad
from scipy import sparse

from cvxtoken.conic.compiled import atoms, cut, parts

_ROUNDING = 1e-12  # of P_ij, relative to (P_ii P_jj)^(1/2): what a factorisation in doubles may be off


def replaced(problem: cvxpy.Problem) -> list[str]:
    """A sentence for each atom and constraint of a DCP problem that CVXPY replaces by one near to it.

    With the atoms' argument `approx=False` (where CVXPY has it) exponents stay, and power cones are needed.
    """
    found = []
    for place, part in parts(problem):
        if type(part).__name__ in ("RelEntrConeQuad", "OpRelEntrConeQuad"):
            found.append(f"{place}: CVXPY replaces relative entropy by a quadrature")
        found += [f"{place}: CVXPY replaces {said}" for atom in atoms(part) for said in _of_atom(atom)]
    return found


def _of_atom(atom: Any) -> Iterator[str]:
    exponents = _exponents(atom)
    if exponents > 0:
        yield f"exponents in {cut(atom)} by fractions, off by up to {_up(exponents)}"
    if isinstance(atom, cvxpy.QuadForm):
        error = _factors(atom.args[1].value)
        if error > 0:
            yield f"the matrix of {cut(atom)} by its factors, off by up to {_up(error)} in an entry"


def _up(error: float) -> str:
    """Two digits, not below the number: rounding to them takes 5 % at most."""
    return f"{1.05 * error:.2g}"


def _exponents(atom: Any) -> float:
    """How far the exponents that CVXPY uses are from those of an atom."""
    if not hasattr(atom, "max_denom") or not hasattr(atom.p, "value"):
        return float(getattr(atom, "approx_error", 0))
    used = getattr(atom, "p_used", getattr(atom, "p_rational", None))
    return 0.0 if used is None else float(abs(used - float(atom.p.value)))


def _factors(P: Any) -> float:
    """How far CVXPY's product of factors is from a matrix in an entry; 0 where that is rounding.

    The measure of rounding does not hang on the scale of each unknown, as the error of a Cholesky
    factorisation does not (J. Demmel, "On floating point errors in Cholesky", 1989).
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of an indefinite matrix, which is told here
        scale, plus, minus = decomp_quad(P)
    M, sign = (plus, scale) if plus.size else (minus, -scale)
    dense = _dense(P)
    product = sign * _dense(M @ M.T) if M.size else np.zeros_like(dense)
    error = np.abs((dense + dense.T) / 2 - product)
    size = np.sqrt(np.abs(np.diag(dense)))
    return float(error.max() if (error > _ROUNDING * np.outer(size, size)).any() else 0)


def _dense(matrix: Any) -> Any:
    return matrix.toarray() if sparse.issparse(matrix) else np.asarray(matrix)
