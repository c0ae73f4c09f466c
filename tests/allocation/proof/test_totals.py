from __future__ import annotations

from fractions import Fraction

import numpy as np

from cvxtoken.allocation.proof.totals import Total
from cvxtoken.rigorous.pairs import U


def test_a_sum_in_parts_keeps_what_doubles_would_lose() -> None:
    rng = np.random.default_rng(1)
    total, exact = Total(), [Fraction(0)] * 2
    for count in (64, 64, 64, 17):
        high = 10.0 ** rng.uniform(-3, 3, (count, 2))
        low = high * U * rng.uniform(0.5, 1, high.shape)
        exact = [
            exact[k] + sum(map(Fraction, high[:, k].tolist())) + sum(map(Fraction, low[:, k].tolist()))
            for k in range(2)
        ]
        total.add((high, low))
    found = total.ball(2.0**-80)
    for k in range(2):
        error = abs(Fraction(found.high[k]) + Fraction(found.low[k]) - exact[k])
        assert error <= Fraction(found.error[k]) - Fraction(2) ** -81 * exact[k]
        assert found.error[k] <= 2.0**-79 * found.high[k]
