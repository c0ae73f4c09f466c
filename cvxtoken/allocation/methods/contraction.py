"""When the plain fixed point converges: Lipschitz constants of its map (derived here).

With a_j = pi_j c_j, h_k the delay price, tau_k the marginal time of `model`, m_k = square tau_k,
rise_k = dm_k/dl_k, Q of `model.spread` and [k = j] 1 or 0, the Jacobian of the map T has the entries

    |dT_k/dl_j| = (1 / (b_k h_k)) ([k = j] lambda rise_k / y + sigma lambda^2 a_j (m_k + m_j) / y^2
                                   + sigma^2 lambda^3 Q a_j / y^3),

and its rows vanish where T is clipped.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvxtoken.allocation import model
from cvxtoken.allocation.methods.loop import checked_start
from cvxtoken.allocation.problem import Workload
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import SolverError

_DENSE = 200  # types; up to so many, all eigenvalues are computed
_ROUNDING = (
    1e-9  # relative; the bound is rounded up by this, far more than float64 loses where the bound is below 1
)


@dataclass(frozen=True)
class ContractionBound:
    """A proven Lipschitz constant of the fixed-point map, or the reason why there is none.

    Attributes:
        value: the constant, in the sup norm over [0, u]; below 1 the plain iteration converges at this rate.
            None where there is none.
        reason: a sentence.
    """

    value: float | None
    reason: str


def contraction_bound(workload: Workload) -> ContractionBound:
    """A proven Lipschitz constant of T in the sup norm over the presolve's box [0, u], u = T(0).

    Every iterate is in that box after one step. In the box the bracket in the Jacobian's entries is largest
    at u and h_k is least at 0. So with total = sum a_j and mixed = sum a_j m_j, the row sums are at most

        (1 / (b_k h_k(0))) (lambda rise_k / y + sigma lambda^2 (m_k total + mixed) / y^2
                            + sigma^2 lambda^3 Q total / y^3)

    with y, m and Q at u.

    Raises:
        UnstableError: no allocation is stable.
    """
    w = workload
    u = model.upper_bounds(w)
    rho = float(model.utilization(w, u))
    if model.idle(w, u) <= 0:
        return ContractionBound(
            None, f"The map is not defined on all of [0, u]: at u the utilisation is {rho:.4g}."
        )
    diagonal, a, m, core = _parts(w, u)
    total, mixed = float(a.sum()), float(a @ m)
    h0 = model.delay_price(w, np.zeros(len(w)))
    bracket = diagonal + core[0, 1] * (m * total + mixed) + core[0, 0] * total
    rows = np.where(u > 0, bracket / (w.saturation_rate * h0), 0.0)
    value = float(rows.max()) * (1 + _ROUNDING)
    verdict = "is a contraction" if value < 1 else "need not be a contraction"
    return ContractionBound(value, f"The map {verdict} on [0, u]: its Lipschitz constant is <= {value:.4g}.")


def contraction_at(workload: Workload, tokens: FloatArray) -> float:
    """Sup norm of the map's Jacobian at tokens of shape (N,), the rows of clipped types being zero.

    Raises:
        ProblemError: the tokens are outside the box or the stability region.
    """
    scale, (diagonal, a, m, core) = _scale(workload, tokens), _parts(workload, tokens)
    total, mixed = float(a.sum()), float(a @ m)
    return float((scale * (diagonal + core[0, 1] * (m * total + mixed) + core[0, 0] * total)).max())


def spectral_radius_at(workload: Workload, tokens: FloatArray) -> float:
    """Spectral radius of the map's Jacobian at tokens of shape (N,).

    Where it is below 1 at the optimum, the plain iteration converges from nearby.

    The Jacobian is minus P (Q + M R), where P, Q and R are the diagonal matrices of 1 / (b h), lambda rise /
    y and a, and M is symmetric of rank 2. P (Q + M R) has the eigenvalues of the symmetric matrix P Q + (P
    R)^(1/2) M (P R)^(1/2).

    Raises:
        ProblemError: the tokens are outside the box or the stability region.
        SolverError: the eigenvalues were not found.
    """
    scale, (diagonal, a, m, core) = _scale(workload, tokens), _parts(workload, tokens)
    root = np.sqrt(scale * a)
    factors = np.column_stack([root, root * m])
    size = len(root)
    if size <= _DENSE:
        matrix = np.diag(scale * diagonal) + factors @ core @ factors.T
        try:
            values = np.linalg.eigvalsh(matrix)
        except np.linalg.LinAlgError as error:
            raise SolverError(f"the eigenvalues were not found: {error}") from error
        return _largest(values)

    from scipy.sparse.linalg import (
        ArpackError,
        LinearOperator,
        eigsh,
    )  # slow to import, and only many types need it

    def product(v: FloatArray) -> FloatArray:
        return scale * diagonal * v.ravel() + factors @ (core @ (factors.T @ v.ravel()))

    operator = LinearOperator((size, size), matvec=product, dtype=np.float64)
    try:
        values = eigsh(operator, k=1, return_eigenvectors=False, v0=root + 1e-300)
    except ArpackError as error:  # as where it does not converge
        raise SolverError(f"the largest eigenvalue was not found: {error}") from error
    return _largest(values)


def _largest(values: FloatArray) -> float:
    """The largest modulus (SolverError where an eigenvalue is not finite)."""
    if not np.isfinite(values).all():
        raise SolverError("the eigenvalues are beyond float64")
    return float(np.abs(values).max())


def _scale(workload: Workload, tokens: FloatArray) -> FloatArray:
    """1 / (b h) at stable tokens, 0 where T is clipped, shape (N,)."""
    w = workload
    l = checked_start(w, tokens)
    answer = model.answer(w, l)
    free = (answer > 0) & (answer < w.max_tokens)
    return np.where(free, 1 / (w.saturation_rate * model.delay_price(w, l)), 0.0)


def _parts(w: Workload, l: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """lambda rise / y, a and m, each of shape (N,), and the core of `model.hessian`, at stable tokens."""
    y, square = float(model.idle(w, l)), w.law.square
    diagonal = w.rate * square * model.curvature(w) / w.time_per_token / y
    core = model.load_core(w, y, float(model.spread(w, l)))
    return diagonal, w.prior * w.time_per_token, square * model.marginal_time(w, l), core
