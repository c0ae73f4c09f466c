"""The checker of schedules: no false statement is accepted, and no file keeps it busy or fills the memory."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cvxtoken import schedule_verifier as checker
from tests.scheduling.exhaustive import Request

Document = dict[str, Any]


def stated(
    requests: list[Request], memory: int, proof: Any, lower: int = 1, starts: list[int] | None = None
) -> Document:
    """A document as a file holds it; without starts, the requests run one after the other."""
    columns = dict(zip(checker.COLUMNS, map(list, zip(*requests, strict=True)), strict=True))
    instance = {"memory": memory, **columns}
    if starts is None:
        now, starts = max(a for a, _, _ in requests), []
        for _, _, o in requests:
            starts.append(now)
            now += o
    upper = sum(k + o - a for k, (a, _, o) in zip(starts, requests, strict=True))
    document = {
        **{"schema": checker.SCHEMA, "sha256": checker.read_instance(instance)[2], "instance": instance},
        **{"starts": starts, "lower": lower, "upper": upper, "proof": proof},
    }
    copy: Document = json.loads(json.dumps(document))
    return copy


def snapshots(*inequalities: Any, scale: Any = 1) -> Document:
    return {"kind": "snapshots", "scale": scale, "inequalities": list(inequalities)}


def inequality(weights: Any, multipliers: Any) -> Document:
    return {"weights": weights, "multipliers": multipliers}


# --- files made to keep the checker busy ----------------------------------------------------------------

COSTLY = {
    "long outputs": stated([(0, 0, 10**9)], 10**9, snapshots(inequality("memory", [0]))),
    "many inequalities": stated([(0, 0, 20_000)], 10**9, snapshots(*[inequality("memory", [])] * 20_000)),
    "many lengths": stated([(0, 0, 10**5 + i) for i in range(1000)], 10**9, snapshots()),
    "many times": stated([(0, 0, 1)], 1, snapshots(inequality("memory", [0] * 1_000_001))),
    "a long product": stated([(0, 0, 200_000)], 10**9, snapshots(inequality("memory", [10**9] * 200_000))),
    "many in a snapshot": stated(
        [(0, 0, 1)], 10_000, snapshots(inequality([[m, 0, m * m] for m in range(1, 300)], [1]))
    ),
    "many snapshots": stated(
        [(0, 0, 1)], 300, snapshots(*[inequality([[m, 0, m * m] for m in range(1, 200)], [1])] * 10)
    ),
}


@pytest.mark.parametrize("name", COSTLY)
def test_costly_files_are_refused_at_once(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The work is known before it is begun: what would take long is not even called."""
    designed: list[int] = []
    monkeypatch.setattr(checker, "convolved", None)
    monkeypatch.setattr(checker, "largest_snapshot", lambda *_: designed.append(1) or 0)
    with pytest.raises(checker.Refused, match="too long"):
        checker.check(COSTLY[name])
    assert len(designed) <= (4 if name == "many snapshots" else 0)


def test_many_requests_of_a_kind_cost_one_pass_over_the_times() -> None:
    """100,000 alike over 10,000 times: 10^9 steps if each were looked at on its own."""
    requests = [(i % 7, 0, 1) for i in range(100_000)]
    document = stated(requests, 50, snapshots(inequality("memory", [3] * 10_000), scale=100))
    with pytest.raises(checker.Refused, match="less than the lower bound stated"):
        checker.check(document | {"lower": document["upper"]})


@pytest.mark.parametrize("row", [[1, 10, 1], [0, 2, 1], [11, 0, 1], [5, 6, 1]])
def test_weights_stand_where_a_request_can_be(row: list[int]) -> None:
    with pytest.raises(checker.Refused, match="a weight stands where no request can be"):
        checker.check(stated([(0, 0, 2)], 10, snapshots(inequality([row], [1]))))


def test_a_search_that_would_go_deep_or_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of 3000 fit at once: as many calls within each other as there are requests."""
    pairs = [k // 2 for k in range(3000)]
    document = stated([(0, 1, 1)] * 3000, 5, {"kind": "search"}, starts=pairs)
    with pytest.raises(checker.Refused, match="20 requests at most"):
        checker.check(document | {"lower": document["upper"]})
    document = stated([(0, 1, 1)] * 20, 5, {"kind": "search"}, starts=pairs[:20])
    assert "which is exact" in checker.check(document | {"lower": document["upper"]})
    crowd = stated([(0, i % 5, 7 + i % 11) for i in range(20)], 40, {"kind": "search"}, lower=600)
    monkeypatch.setattr(checker, "MAX_STEPS", 10_000)
    with pytest.raises(checker.Refused, match="the search would take too long"):
        checker.check(crowd)


@pytest.mark.parametrize("part", ["ahead", "fits"])
def test_every_part_of_the_search_counts_its_steps(part: str) -> None:
    search = checker.Search([(0, 0, 3)], 10**9, 3)
    search.work = 2
    if part == "fits":
        assert search.fits(((5, 2), (6, 3)))
    else:
        search.volumes = [2 * 10**9]
        assert search.ahead(0, (), frozenset({0})) == 3
    assert search.work == 0


# --- what is stated -------------------------------------------------------------------------------------


def test_starts_beyond_all_single_numbers() -> None:
    """Three requests of 10^9 rounds, one after the other."""
    long = [(0, 0, 10**9)] * 3
    document = stated(long, 10**9, {"kind": "volume"}, lower=3 * 10**9)
    assert document["starts"] == [0, 10**9, 2 * 10**9]
    assert "reach 6000000000" in checker.check(document)
    with pytest.raises(checker.Refused, match="within limits"):
        checker.check(stated(long[:1], 10**9, {"kind": "volume"}, starts=[10**18 + 1]))


@pytest.mark.parametrize(("lower", "gap"), [(1999, "0.001"), (1500, "0.334"), (1, "1999.0")])
def test_the_gap_is_rounded_up(lower: int, gap: str) -> None:

    document = stated([(0, 0, 2000)], 2000, {"kind": "volume"}, lower=lower)
    assert checker.check(document).endswith(f"a gap of at most {gap}")


def test_a_lower_bound_is_positive() -> None:
    """Every request takes a round, and a gap is a share of the lower bound."""
    with pytest.raises(checker.Refused, match="within limits"):
        checker.check(stated([(0, 1, 1)], 2, {"kind": "volume"}, lower=0))
