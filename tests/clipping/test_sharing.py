"""Limits on a server that shares: the law, the best limit and the best mixture, their bounds.

Simulations have fixed seeds; intervals of 95 % are widened threefold, some 6 sigma: false alarms below 1e-6.
"""

from __future__ import annotations

import itertools
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from cvxtoken import Fifo, ProblemError, Sharing, UnstableError
from cvxtoken.clipping import model
from cvxtoken.clipping.exact import exact_objective
from cvxtoken.clipping.inputs import InputLengths
from cvxtoken.clipping.mixed import best_mixture, upper_bound
from cvxtoken.clipping.problem import ClippingProblem, default_problem
from cvxtoken.clipping.program import least_wait
from cvxtoken.clipping.reference import best_limit
from cvxtoken.clipping.simulation import simulate
from cvxtoken.estimates import Estimate
from cvxtoken.lengths import LengthDistribution
from tests.clipping.test_model import small
from tests.support.thorough import some
from validation.mixtures import best_of_pairs, shared


def near(found: Estimate, relative: float = 0.0) -> bool:
    assert found.predicted is not None
    off = abs(found.value - found.predicted)
    return off <= 3 * (found.high - found.low) / 2 + relative * found.predicted


def test_the_law_is_that_of_shared_service() -> None:
    p = default_problem().replace(server=Sharing(0.2, 0.5, replicas=2), overhead=0.3)
    found = model.moments(p)
    for n in (1, 700, 32_768):
        t0, C = 0.3, 0.0225 * float(np.minimum(np.arange(1, 32_769), n) @ p.types[0].probabilities)
        y = 1 - p.arrival_rate / 2 * (0.5 * t0 + 0.2 * C)
        T = (t0 + C) / y
        assert float(model.mean_wait(p, found)[n - 1]) == pytest.approx(T - t0 - C, rel=1e-10)
        assert float(model.load(p, found.s1)[n - 1]) == pytest.approx(1 - y, rel=1e-10)


@pytest.mark.parametrize("seed", some(range(24), 7))
def test_the_best_limit_and_mixture_are_those_of_an_exhaustive_search(seed: int) -> None:
    p = shared(seed)
    found = best_limit(p)
    hard, pair = best_of_pairs(p)
    assert found.mixed is not None
    assert found.objective == pytest.approx(hard, abs=1e-9)
    assert found.mixed.objective == pytest.approx(pair, abs=1e-9)
    assert pair - 1e-12 <= found.mixed.upper <= pair + 1e-9
    assert found.mixed.objective >= found.objective - 1e-12


@pytest.mark.parametrize("seed", some(range(6), 2))
def test_several_types_mix_two_vectors_and_their_bound_holds(seed: int) -> None:
    p = small(seed, 3, server=Sharing(0.4, 0.4))
    found = best_limit(p)
    assert found.mixed is not None
    boxes = itertools.product(*(range(1, len(d) + 1) for d in p.types))
    every = np.array(list(boxes))
    total = model.total(p, every)
    hard = float(model.objective(p, total).max())
    assert found.objective <= hard <= found.mixed.objective + 1e-12
    assert found.upper == max(found.objective, found.mixed.upper) <= found.mixed.objective + 1e-9
    rng = np.random.default_rng(seed)
    for _ in range(200):  # random mixtures of three vectors
        w, drawn = rng.dirichlet(np.ones(3)), rng.integers(len(every), size=3)
        s1, u = (float(w @ x[drawn]) for x in (total.s1, total.u))
        mixed = model.Moments(np.array(s1), np.array(0.0), np.array(u))
        assert float(model.objective(p, mixed)) <= found.mixed.upper


def test_the_bound_holds_whatever_its_price() -> None:
    p = shared(3)
    considered = np.arange(1, len(p.types[0]) + 1)
    tables = model.by_type(p, considered)
    best = best_mixture(p, considered).objective
    for z in (0.0, 0.5, 1.0, 1.7, 5.0, 100.0):
        assert upper_bound(p, tables, z) >= best - 1e-12
    assert upper_bound(p, tables, 100.0) > best + 1


def test_ties_are_decided_exactly() -> None:
    """Exact arithmetic agrees with the tables, for every law, utility and with input lengths."""
    inputs = InputLengths(lengths=LengthDistribution([0.2, 0.3, 0.5]), growth=0.1, reference=2)
    for server in (Fifo(), Fifo(3), Sharing(0.3, 0.7, 2), Sharing(0.0)):
        for utility in ("share_whole", "share_tokens", np.sqrt):
            p = small(4, 2, server=server, utility=utility, inputs=inputs)
            limits = np.array([2, 3])
            value = float(model.objective(p, model.total(p, limits)))
            assert float(exact_objective(p, limits)) == pytest.approx(value, rel=1e-11)
            assert isinstance(exact_objective(p, limits), Fraction)


@pytest.mark.parametrize("seed", some(range(8), 2))
def test_least_wait_at_a_utility_is_the_least_service(seed: int) -> None:
    """By hand: the least mean service over all pairs of limits that give the utility."""
    p = shared(seed)
    found = model.moments(p)
    stable = model.idle(p, found.s1) > 0
    level = 0.3 * float(found.u[0]) + 0.7 * float(found.u[stable].max())
    least = np.inf
    for i, j in itertools.product(range(len(found.u)), repeat=2):
        if found.u[i] < level <= found.u[j]:
            w = (level - found.u[i]) / (found.u[j] - found.u[i])
            least = min(least, float((1 - w) * found.s1[i] + w * found.s1[j]))
    wait = float(p.server.mean_wait(p.rate, least, 0.0, model.idle(p, np.array(least))))
    mixture = least_wait(p, level)
    assert mixture.mean_wait == pytest.approx(wait, rel=1e-9)
    assert mixture.lower == pytest.approx(wait, rel=1e-9)
    assert mixture.lower <= wait * (1 + 1e-12)


def test_simulated_means_are_the_laws() -> None:
    """Prompts that block and that are shared; whole iterations add a little to the law's continuous work."""
    p = default_problem().replace(lengths=LengthDistribution.lognormal(4, 0.7, 400), time_per_token=0.02)
    for server in (Sharing(0.05), Sharing(0.05, 0.05)):
        rate = 0.5 / (0.04 * server.overhead + 0.05 * 0.02 * 60)
        q = p.replace(server=server, overhead=0.04, arrival_rate=rate)
        found = simulate(q, 150, num_requests=30_000, seed=1, replications=64)
        assert near(found.mean_system_time, 0.015)
        half = (found.mean_system_time.high - found.mean_system_time.low) / 2
        assert half < 0.03 * found.mean_system_time.value, "so that the law could fail"
        assert found.loss is None


def test_impatient_requests_are_simulated_and_a_cap_of_one_is_first_come_first_served() -> None:
    p = ClippingProblem(
        lengths=LengthDistribution.uniform(1, 40), time_per_token=0.05, arrival_rate=0.9, patience=1.5
    )
    alone = model.impatience(p, np.array([30]))
    q = p.replace(server=Sharing(0.5), max_batch=1)
    seen = simulate(q, 30, num_requests=60_000, seed=2, replications=64)
    assert seen.loss is not None
    assert seen.mean_wait_of_all is not None
    for value, expected in (
        (seen.loss, alone.loss),
        (seen.mean_wait_of_all, alone.mean_wait),
        (seen.mean_wait, alone.wait_of_served),
    ):
        assert abs(value.value - expected) <= 3 * (value.high - value.low) / 2
        assert value.predicted is None
    assert 0.1 < seen.loss.value < 0.6
    more = simulate(q.replace(max_batch=4), 30, num_requests=20_000, seed=2, replications=64)
    assert more.loss is not None
    assert more.loss.high < seen.loss.low


def test_best_of_simulated_limits_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cvxtoken.clipping.simulated._REQUESTS", 5000)
    p = ClippingProblem(
        lengths=LengthDistribution.uniform(1, 40),
        time_per_token=0.05,
        arrival_rate=1.3,
        patience=1.5,
        server=Sharing(0.5),
        max_batch=2,
    )
    with pytest.raises(ProblemError, match=r"limits is not given; .* only limits that are given"):
        best_limit(p)
    found = best_limit(p, [10, 25, 40])
    assert (found.exact, found.mixed) == (False, None)
    assert found.objective < found.upper == pytest.approx(0.5)
    assert found.to_document()["simulated"]
    assert "no law holds here" in str(found)
    for row in found.frontier:
        assert row["loss_low"] <= row["loss"] <= row["loss_high"]
    values = [0.5 * row["utility"] - 0.5 * row["loss"] for row in found.frontier]
    assert found.objective == pytest.approx(max(values))
    assert np.diff([row["loss"] for row in found.frontier]).min() > 0
    patient = best_limit(p.replace(patience=None, arrival_rate=2.0), [5, 10, 40])
    assert [row["stable"] for row in patient.frontier] == [True, True, False]
    with pytest.raises(UnstableError, match="the load is"):
        best_limit(p.replace(patience=None, arrival_rate=50.0), [5, 10])


def test_input_lengths_stretch_the_time() -> None:
    """64 to 512 tokens: 8 % more; a spread of inputs adds to E[S^2]; simulated too."""
    fixed = InputLengths(lengths=LengthDistribution.uniform(512, 512))
    assert (fixed.mean, fixed.square) == pytest.approx((1.08, 1.08**2))
    p = default_problem()
    longer = model.moments(p.replace(inputs=fixed, overhead=0.5))
    slower = model.moments(p.replace(time_per_token=1.08 * p.time_per_token, overhead=0.54))
    assert longer.s1 == pytest.approx(slower.s1, rel=1e-12)
    assert longer.s2 == pytest.approx(slower.s2, rel=1e-12)
    spread = InputLengths(lengths=LengthDistribution.lognormal(6, 1, 6000))
    found = simulate(p.replace(inputs=spread), 1600, num_requests=300_000, seed=3)
    assert near(found.mean_wait)
    without = float(model.mean_wait(p, model.moments(p))[1599])
    assert found.mean_wait.low > without, "so that inputs are not forgotten"
    impatient = p.replace(inputs=spread, arrival_rate=1 / 25, patience=60.0)
    seen = simulate(impatient, 1300, num_requests=100_000, seed=4)
    assert seen.loss is not None
    assert near(seen.loss)
    assert near(seen.mean_wait)
    with pytest.raises(ProblemError, match="does not know of input lengths"):
        simulate(p.replace(inputs=spread, server=Sharing(0.1)), 1600)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"server": "sharing"}, "server is 'sharing'; it must be a server, such as Fifo()"),
        ({"max_batch": 0, "server": Sharing(0.1)}, "max_batch is 0; it must be a whole number from 1"),
        ({"max_batch": 4}, "max_batch is 4, but a server of kind 'fifo' takes one request at a time"),
        ({"inputs": 512}, "inputs is 512; it must be InputLengths"),
    ],
)
def test_bad_servers(change: dict[str, object], message: str) -> None:
    with pytest.raises(ProblemError) as caught:
        default_problem().replace(**change)
    assert message in str(caught.value)


def test_bad_inputs() -> None:
    some = LengthDistribution.uniform(1, 100)
    for fields, message in (
        ({"lengths": 64}, "inputs: lengths is 64"),
        ({"lengths": some, "growth": -0.1}, "inputs: growth is -0.1; it must be finite and not negative"),
        ({"lengths": some, "growth": True}, "inputs: growth is True"),
        ({"lengths": some, "reference": 0}, "inputs: reference is 0; it must be a whole number from 1"),
        ({"lengths": some, "growth": 0.1, "reference": 11}, "which must be positive"),
    ):
        with pytest.raises(ProblemError, match=message):
            InputLengths(**fields)  # type: ignore[arg-type]
    with pytest.raises(ProblemError, match=r"overhead of the server is 0\.5; to be simulated it must be 1"):
        simulate(default_problem().replace(server=Sharing(0.1, 0.5), overhead=1.0), 1600)
    with pytest.raises(UnstableError, match=r"even at a limit of 1 tokens utilisation is 2\.25, not below 1"):
        best_limit(default_problem().replace(server=Sharing(1.0), arrival_rate=100.0))
    slow = small(2, server=Sharing(0.8)).replace(arrival_rate=30.0)
    with pytest.raises(ProblemError, match="no stable rule over these limits gives as much"):
        least_wait(slow, float(model.moments(slow).u[-1]))


def test_files_hold_server_and_inputs(tmp_path: Path) -> None:
    inputs = InputLengths(lengths=LengthDistribution([0.2, 0.3, 0.5]), growth=0.1, reference=2)
    p = small(4, 2, server=Sharing(0.3, 0.7, 2), inputs=inputs)
    for name in ("p.toml", "p.json"):
        p.save(tmp_path / name)
        again = ClippingProblem.load(tmp_path / name)
        assert again.server == p.server
        assert best_limit(again).to_document() | {"seconds": 0} == best_limit(p).to_document() | {
            "seconds": 0
        }
    text = (tmp_path / "p.toml").read_text()
    for old, new, message in (
        ("sigma", "sigme", "'sigme' is not a known key of 'sharing'"),
        ('kind = "sharing"', 'kind = "share"', "did you mean 'sharing'"),
        ("growth", "grows", "unexpected keyword"),
    ):
        (tmp_path / "bad.toml").write_text(text.replace(old, new))
        with pytest.raises(ProblemError, match=message):
            ClippingProblem.load(tmp_path / "bad.toml")
    capped = p.replace(max_batch=3, inputs=None)
    capped.save(tmp_path / "c.json")
    assert ClippingProblem.load(tmp_path / "c.json").max_batch == 3
