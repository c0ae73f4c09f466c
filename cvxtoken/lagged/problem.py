"""An allocation problem some of whose accuracy curves are S-shaped: nothing is gained below a lag.

    p_k(l) = A_k (1 - exp(-b_k (l - l0_k)_+)) + D_k,   (x)_+ = max(x, 0).

Such a curve is not concave: a type should be given nothing, or more than its lag. All else is the paper's
model (`cvxtoken.allocation`), which l0 = 0 gives back. The lag is ours.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cvxtoken.allocation import model
from cvxtoken.allocation.problem import Workload
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import ProblemError


@dataclass(frozen=True, eq=False, init=False)
class LaggedWorkload:
    """A workload and the lags of its types.

    Attributes:
        workload: everything else.
        lag: l0, shape (N,), in tokens; 0 for a type without a lag.
    """

    workload: Workload
    lag: FloatArray

    def __init__(self, workload: Workload, lag: ArrayLike) -> None:
        """Validate and freeze.

        Raises:
            ProblemError: not one finite lag a type, or one is negative.
        """
        try:
            l0 = np.array(lag, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ProblemError(f"lag is {lag!r}; it must be a list of numbers") from error
        if l0.shape != (len(workload),):
            raise ProblemError(f"lag has shape {l0.shape}; it must have one number a type, {len(workload)}")
        good = np.isfinite(l0) & (l0 >= 0)
        if not good.all():
            k = int(np.argmin(good))
            raise ProblemError(f"lag of {workload.names[k]!r} is {l0[k]}; it must be finite and not negative")
        l0 = l0 + 0.0
        l0.flags.writeable = False
        object.__setattr__(self, "workload", workload)
        object.__setattr__(self, "lag", l0)

    @property
    def sha256(self) -> str:
        """SHA-256 of the exact data, in hexadecimal; `cvxtoken.verifier.lagged` defines the bytes."""
        header = f"cvxtoken-lagged/1\n{self.workload.sha256}\n".encode()
        return hashlib.sha256(header + self.lag.astype(">f8").tobytes()).hexdigest()

    def __len__(self) -> int:
        return len(self.workload)

    def accuracy(self, tokens: FloatArray) -> FloatArray:
        """p_k(l_k) per type, shape (..., N)."""
        return model.accuracy(self.workload, np.maximum(tokens - self.lag, 0.0))

    def objective(self, tokens: FloatArray) -> FloatArray:
        """J = alpha sum_k pi_k p_k(l_k) - E[T], in s, shape (...); minus infinity where rho >= 1."""
        w = self.workload
        return np.asarray(
            w.accuracy_weight * (self.accuracy(tokens) @ w.prior) - model.mean_system_time(w, tokens)
        )
