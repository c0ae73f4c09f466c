from __future__ import annotations

import numpy as np
import pytest

import cvxtoken
from cvxtoken.allocation import model
from tests.support import truth
from tests.support.instances import realistic, stress, varying
from tests.support.prices import dual_gap
from tests.support.thorough import some
from tests.support.truth import exact

INSTANCES = [(f"realistic {seed} {n}", realistic(seed, n)) for seed in range(3) for n in (1, 3)]
INSTANCES += list(stress((1, 6)))[::3]
INSTANCES += [(f"varying: {name}", varying(w, seed)) for seed, (name, w) in enumerate(INSTANCES[::3])]


@pytest.mark.parametrize(("name", "w"), some(INSTANCES, 2))
@pytest.mark.parametrize("distance", [0.0, 1e-13, 1e-9, 1e-4, 0.1])
def test_gap_bounds_the_true_loss(name: str, w: cvxtoken.Workload, distance: float) -> None:
    best, J = truth.optimum(w)
    fewer = 1 - distance * np.random.default_rng(3).uniform(0, 1, len(w))
    tokens = np.array([float(l) for l in best]) * fewer
    gap = float(dual_gap(w, tokens))
    assert exact(gap) >= J - truth.objective(w, tokens.tolist())


@pytest.mark.parametrize(("name", "w"), some(stress((1, 6, 50)), 3))
def test_gap_is_about_that_of_the_certificate(name: str, w: cvxtoken.Workload) -> None:
    reference = cvxtoken.solve(w)
    proven = float(reference.certificate.upper - reference.certificate.lower)
    gap = float(dual_gap(w, reference.tokens))
    assert gap <= 4 * proven + 1e-15 * (1 + abs(reference.objective))  # the allowance for y near 0


def test_many_allocations_at_once() -> None:
    w = realistic(4, 6)
    tokens = np.linspace(0, 1, 8).reshape(4, 2, 1) * cvxtoken.solve(w).tokens
    gaps = dual_gap(w, tokens)
    assert gaps.shape == (4, 2)
    assert gaps[1, 1] == pytest.approx(float(dual_gap(w, tokens[1, 1])), rel=1e-12)


def test_unstable_tokens_have_no_bound() -> None:
    w = realistic(4, 6)
    assert dual_gap(w, w.max_tokens * 1e6) == np.inf


def test_tokens_not_surely_stable_have_no_bound() -> None:
    """The largest share of some tokens at which the idle share still looks positive."""
    w = realistic(4, 6)
    tokens = w.max_tokens * 1e3
    low, high = 0.0, 1.0
    while low < (low + high) / 2 < high:
        middle = (low + high) / 2
        low, high = (middle, high) if model.idle(w, middle * tokens) > 0 else (low, middle)
    assert 0 < model.idle(w, low * tokens) < 1e-15
    assert dual_gap(w, low * tokens) == np.inf
    assert dual_gap(w, 0.9 * low * tokens) < np.inf
