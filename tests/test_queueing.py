from __future__ import annotations

import numpy as np
import pytest

from cvxtoken.queueing import pollaczek_khinchine


def test_known_queues() -> None:
    # M/M/1 with lambda = 1/2, mu = 1: E[W] = rho / (mu - lambda) = 1; M/D/1: half of it
    assert pollaczek_khinchine(0.5, 2.0, 0.5) == pytest.approx(1.0)
    assert pollaczek_khinchine(0.5, 1.0, 0.5) == pytest.approx(0.5)


def test_no_steady_state_means_infinite_wait() -> None:
    wait = pollaczek_khinchine(1.0, [1.0, 1.0, 1.0], [0.5, 0.0, -0.5])
    assert wait.tolist() == [1.0, np.inf, np.inf]
