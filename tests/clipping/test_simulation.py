"""Fixed seeds; intervals of 95 % are widened threefold, some 6 sigma: false alarms below 1e-6."""

from __future__ import annotations

import numpy as np
import pytest

from cvxtoken import ProblemError, UnstableError
from cvxtoken.clipping.problem import default_problem
from cvxtoken.clipping.simulation import simulate
from cvxtoken.estimates import Estimate
from tests.clipping.test_model import small


def near(found: Estimate) -> bool:
    assert found.predicted is not None
    return abs(found.value - found.predicted) <= 3 * (found.high - found.low) / 2


@pytest.mark.parametrize("limit", [800, 1600])
def test_patient_requests(limit: int) -> None:
    found = simulate(default_problem(), limit, num_requests=400_000, seed=1)
    assert near(found.mean_wait)
    assert near(found.share_whole)
    assert found.loss is None


def test_impatient_requests_of_two_types() -> None:
    p = small(7, 2, patience=2.0).replace(arrival_rate=0.4)
    found = simulate(p, [3, 5], num_requests=400_000, seed=2)
    assert found.loss is not None
    assert near(found.loss)
    assert near(found.mean_wait)
    assert near(found.mean_system_time)
    assert found.mean_wait_of_all is not None
    assert near(found.mean_wait_of_all)
    assert found.mean_wait_of_all.value > found.mean_wait.value, "who leaves has waited longest"
    assert 0 < found.loss.value < 1
    assert found.to_document()["loss"]["predicted"] == found.loss.predicted


def test_the_papers_loss() -> None:
    p = default_problem().replace(arrival_rate=1 / 25, patience=60.0)
    found = simulate(p, 1300, num_requests=300_000, seed=3)
    assert found.loss is not None
    assert near(found.loss)


def test_a_seed_is_the_same_numbers() -> None:
    one, two, other = (simulate(small(1), 4, 20_000, seed=seed) for seed in (5, 5, 6))
    assert one == two
    assert one != other


def test_bad_requests() -> None:
    p = default_problem()
    for arguments, error, message in (
        ((0,), ProblemError, "limits is 0"),
        ((1.5,), ProblemError, "limits is 1.5"),
        ((100, 0), ProblemError, "num_requests, replications and seed"),
        ((100, 1000, -1), ProblemError, "num_requests, replications and seed"),
        ((100, 1000, 0, 1), ProblemError, "num_requests, replications and seed"),
    ):
        with pytest.raises(error, match=message):
            simulate(p, *arguments)
    with pytest.raises(UnstableError):
        simulate(p.replace(arrival_rate=0.1), np.array(5000))
    with pytest.raises(UnstableError, match="must be below 1"):
        simulate(small(7, 2).replace(arrival_rate=50.0), [3, 5])
