"""The saturation curve, with a lag or without: values and derivatives.

    p(l) = A (1 - exp(-b (l - delta)_+)) + D,   (x)_+ = max(x, 0);   delta = 0 gives the paper's curve.

Source: arXiv 2601.10274 for the curve; the lag is ours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvxtoken.arrays import FloatArray

PARAMETERS = ("accuracy_gain", "saturation_rate", "base_accuracy", "lag")


@dataclass(frozen=True)
class Curve:
    """One curve.

    Attributes:
        A: accuracy_gain.
        b: saturation_rate, in 1/token.
        D: base_accuracy.
        lag: delta, in tokens.
    """

    A: float
    b: float
    D: float
    lag: float = 0.0

    def __call__(self, l: FloatArray) -> FloatArray:
        """The accuracy p(l), of the shape of l."""
        return np.asarray(self.D - self.A * np.expm1(-self.b * np.maximum(l - self.lag, 0)))

    def slopes(self, l: FloatArray) -> FloatArray:
        """Derivatives of p(l) in A, ln b, D and delta, shape (4, ...): ln b, as only ratios of b matter."""
        x = self.b * np.maximum(l - self.lag, 0)
        decay = np.exp(-x)
        return np.array(
            [-np.expm1(-x), self.A * x * decay, np.ones_like(x), -self.A * self.b * decay * (x > 0)]
        )
