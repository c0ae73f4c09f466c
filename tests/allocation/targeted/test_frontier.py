from __future__ import annotations

import numpy as np
import pytest

import cvxtoken
from cvxtoken import ProblemError, TargetError, verifier
from cvxtoken.allocation import model
from tests.support.instances import realistic

QWEN = cvxtoken.load("qwen3-8b")


@pytest.mark.parametrize("w", [QWEN, realistic(2, 3), realistic(3, 1)], ids=len)
def test_the_frontier_is_proven_concave_and_rising(w: cvxtoken.Workload) -> None:
    found = cvxtoken.frontier(w, 8)
    assert found.status == "certified"
    assert len(found.points) == 8
    times = np.array([p.mean_system_time for p in found.points])
    accuracy = np.array([p.mean_accuracy for p in found.points])
    prices = np.array([p.accuracy_per_second for p in found.points])
    assert (np.diff(times) > 0).all()
    slopes = np.diff(accuracy) / np.diff(times)
    assert (slopes <= prices[:-1] * (1 + 1e-9)).all()
    assert (slopes >= prices[1:] * (1 - 1e-9)).all()
    for point in found.points:
        verifier.check(point.certificate.to_document())
        assert float(point.certificate.relative_gap) <= 1e-15


def test_every_point_is_the_trade_off_at_its_weight() -> None:
    for point in cvxtoken.frontier(QWEN, [1.0, 2.0, 5.0, 20.0]).points:
        trade = cvxtoken.solve(QWEN.replace(accuracy_weight=point.accuracy_weight))
        np.testing.assert_allclose(point.tokens, trade.tokens, rtol=1e-9, atol=1e-6)
        assert point.mean_system_time == pytest.approx(point.limit, rel=1e-12)


def test_chosen_points_reach_from_scarce_to_plenty() -> None:
    found = cvxtoken.frontier(QWEN, 10).points
    least = float(model.mean_system_time(QWEN, np.zeros(5)))
    most = float(QWEN.prior @ (QWEN.accuracy_gain + QWEN.base_accuracy))
    assert found[0].mean_system_time < least + 0.011 * (found[-1].mean_system_time - least)
    assert found[-1].mean_accuracy > 0.85 * most
    light = QWEN.replace(arrival_rate=1e-6, max_tokens=100.0)
    end = cvxtoken.frontier(light, 3).points[-1]
    assert end.tokens.tolist() == pytest.approx([100.0] * 5, rel=1e-9)


def test_limits_beyond_the_last_token_buy_nothing() -> None:
    light = QWEN.replace(arrival_rate=1e-6, max_tokens=100.0)
    (point,) = cvxtoken.frontier(light, [50.0]).points
    assert point.tokens.tolist() == [100.0] * 5
    assert (point.accuracy_per_second, point.accuracy_weight) == (0.0, float("inf"))
    assert cvxtoken.frontier(light, [50.0]).to_document()["points"][0]["accuracy_weight"] is None


def test_bad_points() -> None:
    for points, message in (
        (0, "points is 0; it must be from 1 to 10000"),
        (10**9, "points is 1000000000; it must be from 1 to 10000"),
        ([], "limits in s that rise"),
        ([2.0, 2.0], "limits in s that rise"),
    ):
        with pytest.raises(ProblemError, match=message):
            cvxtoken.frontier(QWEN, points)  # type: ignore[arg-type]
    with pytest.raises(TargetError, match="the least possible is"):
        cvxtoken.frontier(QWEN, [0.1, 2.0])
    with pytest.raises(cvxtoken.UnstableError):
        cvxtoken.frontier(QWEN.replace(arrival_rate=5.0))


def test_progress_is_told() -> None:
    told: list[int] = []
    cvxtoken.frontier(QWEN, [1.0, 2.0], told.append)
    assert told == [1, 1]
