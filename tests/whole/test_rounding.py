from __future__ import annotations

import itertools

import numpy as np
import pytest

import cvxtoken
from cvxtoken import ProblemError, UnstableError, round_tokens
from cvxtoken.allocation import model
from cvxtoken.cli.tokens import named_tokens
from cvxtoken.whole.rounding import MODES, Neighbourhood
from tests.support import truth
from tests.support.instances import changed, realistic
from tests.support.thorough import some


@pytest.mark.parametrize("seed", some(range(20), 7))
@pytest.mark.parametrize("size", [1, 2, 3])
def test_best_is_the_best_of_the_whole_neighbourhood(size: int, seed: int) -> None:
    w = realistic(seed, size)
    l = cvxtoken.solve(w).tokens
    found = round_tokens(w, l, "best")
    steps = np.array(list(itertools.product(range(-3, 4), repeat=size)))
    around = np.clip(np.rint(l) + steps, 0, np.floor(w.max_tokens))
    losses = Neighbourhood(w, l)
    totals = losses.loss(losses.sums(around).sum(axis=-1))
    assert found.tokens.tolist() == around[np.argmin(totals)].tolist()


@pytest.mark.parametrize("size", [1, 4])
def test_loss_without_cancellation_is_the_true_one(size: int) -> None:
    w = realistic(3, size)
    l = cvxtoken.solve(w).tokens
    losses = Neighbourhood(w, l)
    for whole in (np.rint(l), np.floor(l), np.floor(l / 2)):
        lost = truth.optimum(w)[1] - truth.objective(w, whole.tolist())
        assert float(losses.loss(losses.sums(whole).sum(axis=-1))) == pytest.approx(float(lost), rel=1e-9)


@pytest.mark.parametrize("seed", some(range(10), 3))
def test_modes_are_ordered_and_their_losses_certified(seed: int) -> None:
    w = realistic(seed, 6)
    reference = cvxtoken.solve(w)
    found = {mode: round_tokens(w, reference.tokens, mode) for mode in MODES}
    for mode, rounded in found.items():
        assert rounded.mode == mode
        assert (rounded.tokens == np.rint(rounded.tokens)).all()
        assert rounded.objective <= reference.upper
        assert rounded.loss >= 0
        assert rounded.loss == pytest.approx(
            reference.objective - rounded.objective, abs=1e-12 * w.accuracy_weight
        )
    assert found["best"].loss <= min(found["nearest"].loss, found["down"].loss) * (1 + 1e-9)
    assert (found["down"].tokens <= reference.tokens).all()
    assert (np.abs(found["nearest"].tokens - reference.tokens) <= 0.5).all()


def near_saturation() -> tuple[cvxtoken.Workload, np.ndarray]:
    """An allocation whose nearest rounding is unstable: the idle share is less than half a token's worth."""
    w = changed(realistic(5, 2), 0.5)
    l = np.array([100.6, 50.7])
    cost = w.arrival_rate * w.prior * w.time_per_token
    missing = float(w.idle_at_zero) - float(cost @ l) - 0.05 * cost[0]
    l[0] += missing / cost[0]
    l[0] = np.floor(l[0]) + 0.6
    room = float(w.idle_at_zero) - float(cost @ l)
    assert room > 0
    return w.replace(time_per_token=w.time_per_token * (1 + (room - 0.05 * cost[0]) / float(cost @ l))), l


def test_unstable_nearest_rounding_is_reported_and_repaired() -> None:
    w, l = near_saturation()
    assert model.idle(w, l) > 0
    assert model.idle(w, np.rint(l)) <= 0, "the naive rounding is unstable"
    for mode in ("nearest", "best"):
        found = round_tokens(w, l, mode)
        assert found.repaired
        assert model.idle(w, found.tokens.astype(float)) > 0
    assert round_tokens(w, l, "nearest").tokens.tolist() == np.floor(l).tolist()
    assert not round_tokens(w, l, "down").repaired


def test_the_box_is_kept() -> None:
    w = realistic(6, 2).replace(max_tokens=[10.7, 0.4], accuracy_weight=1e6, arrival_rate=1e-3)
    assert round_tokens(w, [10.7, 0.4], "nearest").tokens.tolist() == [10, 0]
    assert round_tokens(w, [10.7, 0.4], "best").tokens.tolist() == [10, 0]


def test_bad_requests() -> None:
    w, l = near_saturation()
    with pytest.raises(ProblemError, match="mode is 'up'; it must be one of nearest, down, best"):
        round_tokens(w, l, "up")
    with pytest.raises(ProblemError, match="must be from 0"):
        round_tokens(w, -l)
    with pytest.raises(UnstableError):
        round_tokens(w, l + 1)


def test_named_tokens(tmp_path) -> None:  # type: ignore[no-untyped-def]
    w = cvxtoken.load("qwen3-8b")
    best = cvxtoken.solve(w).tokens
    assert named_tokens(w, "optimal").tolist() == best.tolist()
    assert np.abs(named_tokens(w, "rounded") - best).max() < 2
    assert named_tokens(w, "uniform:4360").tolist() == [4360.0] * 5
    path = tmp_path / "t.json"
    path.write_text('{"GSM8K": 1, "AIME 2024": 2, "AIME 2025": 3, "GPQA Diamond": 4, "HMMT 2025": 5.5}')
    assert named_tokens(w, str(path)).tolist() == [2, 3, 4, 1, 5.5]
    for text, message in (
        ('{"GSM8K": 1}', "'AIME 2024' is missing"),
        ('{"GSM9K": 1}', "did you mean 'GSM8K'"),
        ('{"GSM8K": "1", "AIME 2024": 2, "AIME 2025": 3, "GPQA Diamond": 4, "HMMT 2025": 5}', "is '1'"),
    ):
        path.write_text(text)
        with pytest.raises(ProblemError, match=message):
            named_tokens(w, str(path))
    for name, message in (("best", "tokens is 'best'"), ("uniform:x", "it must be 'uniform:' and a number")):
        with pytest.raises(ProblemError, match=message):
            named_tokens(w, name)
