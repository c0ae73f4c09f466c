"""Prices of the memory: a bound whatever they are, and near the linear relaxation when they are sought."""

from __future__ import annotations

import numpy as np
import pytest

from cvxtoken.scheduling import Requests, hindsight_shortest_first, prices
from cvxtoken.scheduling.bounds import quick_bound, triples
from cvxtoken.scheduling.certificate import price_proof
from cvxtoken.scheduling.prices import SmoothDual, memory_prices
from cvxtoken.scheduling.program import build, solve
from cvxtoken.verifier import schedule as schedule_verifier


def crowd(n: int, seed: int = 3) -> Requests:
    """Requests that come a little faster than the memory can serve them."""
    rng = np.random.default_rng(seed)
    return Requests(
        arrival=np.sort(rng.integers(0, 14 * n, n)),
        prompt_tokens=rng.integers(0, 300, n),
        output_tokens=rng.integers(1, 120, n),
        memory=1000,
    )


def proven(requests: Requests, span: int, values: np.ndarray) -> int:
    proof = price_proof(span, values)
    return schedule_verifier.price_bound(
        triples(requests), requests.memory, proof["scale"], proof["span"], proof["prices"]
    )


def test_the_bound_is_near_that_of_the_linear_program_round_by_round() -> None:
    rng = np.random.default_rng(7)
    requests = Requests(
        arrival=np.sort(rng.integers(0, 40, 30)),
        prompt_tokens=rng.integers(1, 4, 30),
        output_tokens=rng.integers(1, 12, 30),
        memory=25,
    )
    starts = hindsight_shortest_first(requests).starts
    last = int((starts + requests.output_tokens).max() * 1.3)
    memory = [
        (P - np.arange(o)) / requests.memory
        for P, o in zip(requests.peak, requests.output_tokens, strict=True)
    ]
    relaxed = solve(build(requests, np.full(len(requests), last), [memory])).objective
    found = proven(requests, *memory_prices(requests, starts, quick_bound(requests)[0]))
    assert 0.99 * relaxed < found <= relaxed + 1
    assert found > quick_bound(requests)[0]


def test_many_requests_and_wide_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    requests = crowd(500)
    starts = hindsight_shortest_first(requests).starts
    quick, _ = quick_bound(requests)
    bounds, spans = [], []
    for most, pieces in ((1000, 10**7), (100, 10**7), (1000, 3000)):
        monkeypatch.setattr(prices, "SPANS", most)
        monkeypatch.setattr(prices, "PIECES", pieces)
        span, values = memory_prices(requests, starts, quick)
        assert values.shape == (len(values),)
        assert (values >= 0).all()
        bounds.append(proven(requests, span, values))
        spans.append(span)
    assert bounds[0] > 1.08 * quick
    assert bounds[0] > bounds[1] > quick, "narrow spans are better"
    assert spans[0] < min(spans[1:])


def test_the_smooth_function_is_below_and_its_gradient_is_right() -> None:
    requests = crowd(40)
    dual = SmoothDual(requests, 7, np.full(40, 300), np.arange(0, 400, 3))
    values = np.random.default_rng(1).uniform(0, 2, dual.spans)
    _, least = dual.least(values)
    exact = (least.sum() - 7 * values.sum()) / 40
    coarse, fine = (dual.value(values, softness)[0] for softness in (3.0, 0.01))
    assert coarse < fine <= exact
    assert fine == pytest.approx(exact, abs=0.1)
    _, gradient = dual.value(values, 3.0)
    for k in range(0, dual.spans, 9):
        ahead, behind = (dual.value(values + h * (np.arange(dual.spans) == k), 3.0)[0] for h in (1e-5, -1e-5))
        assert gradient[k] == pytest.approx((ahead - behind) / 2e-5, abs=1e-6)


def test_payments_are_those_of_every_round() -> None:
    requests = crowd(12)
    dual = SmoothDual(requests, 5, np.full(12, 40), np.array([0, 4, 20, 50]))
    values = np.random.default_rng(2).uniform(0, 2, dual.spans)
    costs, _ = dual.least(values)
    paid = np.append(np.repeat(values, 5), np.zeros(500))  # of rounds t = 1, 2, ...
    at = 0
    for i, (a, s, o) in enumerate(triples(requests)):
        for number in range(dual.counts[i]):
            wait = int(dual.latency[at]) - o
            assert wait == 0 if number == 0 else 4 * (number == 1) <= wait < 50
            held = s + np.arange(1, o + 1)
            cost = wait + o + held @ paid[a + wait : a + wait + o] / requests.memory
            assert costs[at] == pytest.approx(cost, rel=1e-12)
            at += 1


def test_the_matrix_keeps_within_its_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prices, "STAGES", ((1, 4, 300_000, (0.1,)),))
    sizes = []
    init = SmoothDual.__init__

    def watched(self: SmoothDual, *given: object) -> None:
        init(self, *given)  # type: ignore[arg-type]
        sizes.append(self.share.nnz)

    monkeypatch.setattr(SmoothDual, "__init__", watched)
    requests = crowd(300)
    memory_prices(requests, hindsight_shortest_first(requests).starts, quick_bound(requests)[0])
    assert 100_000 < sizes[0] <= 300_000


def test_prices_are_rounded_down_over_a_power_of_two() -> None:
    proof = price_proof(7, np.array([0.0, 0.003, 0.001, 0.0]))
    assert proof["kind"] == "prices"
    assert proof["span"] == 7
    assert proof["scale"] == 2**28
    assert proof["prices"] == [0, int(0.003 * 2**28), int(0.001 * 2**28)]
    assert price_proof(7, np.zeros(3)) == {"kind": "prices", "scale": 1, "span": 7, "prices": []}
    assert max(price_proof(1, np.array([1e30]))["prices"]) == schedule_verifier.LARGEST
