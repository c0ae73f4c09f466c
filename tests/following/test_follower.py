from __future__ import annotations

import numpy as np
import pytest

import cvxtoken
from cvxtoken import Change, Follower, ProblemError, Workload
from cvxtoken.allocation import model
from cvxtoken.following.follower import lowest, objectives
from tests.following.data import arrivals, pair


def followed(follower: Follower, times: np.ndarray, places: list[int]) -> list[Change]:
    return [
        change for time, place in zip(times, places, strict=True) for change in follower.arrive(time, place)
    ]


@pytest.mark.parametrize(
    "server",
    [cvxtoken.Fifo(), cvxtoken.Fifo(replicas=3), cvxtoken.Sharing(0.1), cvxtoken.Sharing(0.0, 0.5)],
    ids=str,
)
def test_objectives_are_those_of_the_model(server) -> None:
    w = pair().replace(server=server, deviation=[0.1, 0.2], deviation_per_token=[1e-4, 0.0])
    tokens = np.array([300.0, 700.0])
    rates = np.array([[0.1, 0.02], [0.3, 0.2], [0.01, 0.5], [5.0, 9.0], [200.0, 100.0]])
    changed = [w.replace(arrival_rate=r.sum(), prior=r / r.sum()) for r in rates]
    expected = [float(model.objective(one, tokens)) for one in changed]
    assert expected[-1] == -np.inf
    assert objectives(w, tokens, rates) == pytest.approx(expected, rel=1e-12)


def test_the_rates_that_speak_most_for_staying() -> None:
    """Against all points of a fine net in the ellipse and the quadrant."""
    rng = np.random.default_rng(6)
    angles, radii = np.meshgrid(np.linspace(0, 2 * np.pi, 1441), np.linspace(0, 1.5, 301))
    ball = np.stack([(radii * np.cos(angles)).ravel(), (radii * np.sin(angles)).ravel()])
    for _ in range(20):
        theta, S, slopes = rng.uniform(0.05, 1, 2), rng.uniform(0.01, 1, 2), rng.normal(size=2)
        net = theta[:, None] + np.sqrt(S)[:, None] * ball
        best = (slopes @ net[:, (net >= 0).all(axis=0)]).min()
        found = lowest(theta, slopes, S, 1.5)
        assert (found >= 0).all()
        assert ((found - theta) ** 2 / S).sum() <= 1.5**2 * (1 + 1e-12)
        assert slopes @ found == pytest.approx(best, abs=0.02)


def test_noise_alone_seldom_moves_budgets() -> None:
    """At a level of 1 in 1,000, 800 looks two half-lives apart have more than 8 moves once in 10 million."""
    w = pair(0.5)
    moves = 0
    for seed in range(4):
        follower = Follower(w, 0.0, half_life=50.0, every=100.0, least_gain=0.0)
        moves += len(followed(follower, *arrivals(seed, [0.5], 20_000.0)))
    assert moves <= 8


def test_a_change_of_the_rate_is_followed_and_the_gain_is_what_it_says() -> None:
    w = pair()
    follower = Follower(w, 0.0)
    before = follower.tokens
    changes = followed(follower, *arrivals(1, [0.2, 0.9], 4000.0))
    assert 1 <= len(changes) <= 12
    assert min(change.time for change in changes) > 4000, "the rate was known before"
    assert changes[0].time < 4400
    for change in changes:
        e = change.estimate
        there = w.replace(arrival_rate=e.arrival_rate, prior=e.prior)
        gain = model.objective(there, change.budgets.tokens) - model.objective(there, before)
        assert change.gain == pytest.approx(gain, rel=1e-9)
        assert change.gain > 0.01 * change.budgets.mean_system_time
        assert 0 < change.gain_error < change.gain
        best = cvxtoken.solve_many([there])
        assert change.budgets.objective == pytest.approx(best.objective[0], rel=1e-10)
        before = change.budgets.tokens
    assert follower.tokens is changes[-1].budgets.tokens
    assert follower.estimate.arrival_rate == pytest.approx(0.9, rel=0.25)
    assert (follower.tokens < cvxtoken.solve_many([w]).tokens[0]).all()


def test_a_change_of_the_mix_is_followed() -> None:
    w = pair(0.6)
    follower = Follower(w, 0.0, window=2000.0)
    changes = followed(follower, *arrivals(2, [0.6], 8000.0, chat=0.1))
    assert changes
    assert follower.estimate.prior[1] == pytest.approx(0.9, abs=0.06)


def test_unstable_budgets_are_left_at_the_next_look() -> None:
    """The rate rises far over what the budgets can bear."""
    w = pair()
    follower = Follower(w, 0.0, every=5.0, least_gain=1e9)
    changes = followed(follower, *arrivals(3, [0.2, 3.0], 1000.0))
    assert changes[0].gain == np.inf
    assert np.isnan(changes[0].gain_error)
    assert 1000 < changes[0].time < 1400
    assert changes[0].budgets.stable


def test_an_overload_stops_thinking_once_and_its_end_lets_it_begin_again() -> None:
    w = pair()
    follower = Follower(w, 0.0)
    changes = followed(follower, *arrivals(4, [0.2, 20.0, 0.2], 1500.0))
    overloaded = [change for change in changes if not change.budgets.stable]
    assert len(overloaded) == 1
    assert overloaded[0].budgets.tokens.tolist() == [0, 0]
    assert changes[-1].budgets.stable
    assert (follower.tokens > 0).all()


def test_a_larger_least_gain_moves_less() -> None:
    stream = arrivals(5, [0.2, 0.6, 0.2], 2000.0)
    moves = [len(followed(Follower(pair(), 0.0, least_gain=g), *stream)) for g in (0.0, 0.02, 0.5)]
    assert moves[0] >= moves[1] > moves[2]


def test_time_passes_without_arrivals() -> None:
    w = pair(2.0)
    follower = Follower(w, 0.0)
    changes = follower.advance(3600.0)
    assert changes
    assert (follower.tokens > cvxtoken.solve_many([w]).tokens[0]).all()
    assert len(follower.advance(1e12)) < 1000, "a long silence takes no time"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"half_life": 0.0}, "half_life is 0.0"),
        ({"window": float("nan")}, "window is nan"),
        ({"half_life": 3.0, "window": 3.0}, "half_life and window are both given"),
        ({"every": -1.0}, "every is -1.0"),
        ({"level": 1.0}, "level is 1.0; it must be between 0 and 1"),
        ({"least_gain": -0.1}, "least_gain is -0.1"),
    ],
)
def test_bad_options(options: dict[str, float], message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        Follower(pair(), 0.0, **options)


def test_the_workload_is_the_first_estimate() -> None:
    w: Workload = pair()
    follower = Follower(w, 100.0)
    assert follower.tokens == pytest.approx(cvxtoken.solve_many([w]).tokens[0], rel=1e-9)
    assert follower.estimate.rates.tolist() == (w.arrival_rate * w.prior).tolist()


def test_where_neither_budgets_are_stable_nothing_speaks_for_staying() -> None:
    """Near an overload the rates that are doubted may bear neither; a warning would fail the test."""
    follower = Follower(pair(), 0.0)
    assert follower._gains(np.array([4000.0, 4000.0]), np.array([[20.0, 20.0]])).tolist() == [np.inf]
