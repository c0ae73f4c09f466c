"""The checker of schedules: no false statement is accepted, and no file keeps it busy or fills the memory."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cvxtoken.verifier import allocation as verifier
from cvxtoken.verifier import schedule as checker
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


def prices(row: Any, scale: Any = 1, span: Any = 1) -> Document:
    return {"kind": "prices", "scale": scale, "span": span, "prices": row}


def inequality(weights: Any, multipliers: Any) -> Document:
    return {"weights": weights, "multipliers": multipliers}


# --- files made to keep the checker busy ----------------------------------------------------------------

COSTLY = {
    "many kinds and inequalities": stated(
        [(0, s, 1) for s in range(1, 2500)], 10**9, snapshots(*[inequality("memory", [])] * 2500)
    ),
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


PRICED = {
    "many prices": stated([(0, 0, 1)], 1, prices([0] * 1_000_001)),
    "many pieces": stated([(i, i % 3, 5) for i in range(100)], 10, prices([10**9] * 9000, scale=1)),
}


@pytest.mark.parametrize("name", PRICED)
def test_prices_whose_check_takes_long_are_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checker, "MAX_WORK", 1e6)
    with pytest.raises(checker.Refused, match="too long"):
        checker.check(PRICED[name])


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


def courses(weights: Any, scale: Any = 1, span: Any = 1) -> Document:
    return {"kind": "courses", "scale": scale, "span": span, "weights": weights}


CROWD = [(0, i % 5, 7 + i % 11) for i in range(20)]
COURSES = {
    "many times": stated([(0, 0, 1)], 1, courses([[[0]]], span=10**6 + 1)),
    "long outputs": stated([(0, 0, 500)] * 20, 500, courses([[[0] * 20_000] * 500] * 20)),
    "a large memory": stated([(0, 0, 1)], 1001, courses([[[0]]])),
    "many states": stated(CROWD, 40, courses([[[0] * 300] * o for _, _, o in CROWD])),
    "many requests": stated([(0, 0, 1)] * 3000, 1000, courses([[[0]]] * 3000)),
}


@pytest.mark.parametrize("name", COURSES)
def test_courses_whose_check_takes_long_are_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checker, "MAX_WORK", 1e6)
    with pytest.raises(checker.Refused, match=r"too long|1000 tokens"):
        checker.check(COURSES[name])


@pytest.mark.parametrize(
    "weights",
    [
        5,
        [],
        [[[1]]],
        [[[1]], 5],
        [[[1]], [[1]]],
        [[[1]], [[1], 5]],
        [[[1]], [[1], [1, 2]]],
        [[[1]], [[1], [-1]]],
    ],
)
def test_weights_of_courses_are_one_list_a_round_to_go(weights: Any) -> None:
    requests = [(0, 0, 1), (0, 1, 2)]
    assert checker.check(stated(requests, 5, courses([[[1]], [[1], [1]]]))).startswith("proven")
    with pytest.raises(checker.Refused):
        checker.check(stated(requests, 5, courses(weights)))


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


def test_a_guided_search_that_would_go_long_or_wide_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Late arrivals are many rounds, long outputs long tables, and poor multipliers many states."""
    proof = {**snapshots(), "kind": "guided"}
    crowd = stated([(0, i % 5, 7 + i % 11) for i in range(20)], 40, proof, lower=600)
    late = stated([(0, 0, 1), (10**9, 0, 1)], 1, proof, lower=3)
    long = stated([(0, 0, 10**7)], 10**9, proof)
    many = stated([(0, 0, 1)] * 101, 1, proof)
    for document, limits in (
        (crowd, {"MAX_TRIED": 100_000}),
        (crowd, {"MAX_STATES": 1000}),
        (late, {"MAX_TRIED": 100_000}),
        (long, {}),
        (many, {"MAX_WORK": 1e9}),
    ):
        with monkeypatch.context() as changed:
            for name, value in limits.items():
                changed.setattr(checker, name, value)
            with pytest.raises(checker.Refused, match=r"too long|100 requests at most"):
                checker.check(document)


@pytest.mark.parametrize("part", ["ahead", "fits"])
def test_every_part_of_the_search_counts_its_steps(part: str) -> None:
    search = checker.Search([(0, 0, 3)], 10**9, 3)
    search.work = 10
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


def test_a_gap_beyond_doubles_is_rounded_up_too() -> None:
    """2^53 + 1 is between two doubles."""
    far = stated([(0, 1, 1)], 10, {"kind": "volume"}, starts=[2**53 + 1], lower=1)
    assert checker.check(far).endswith("a gap of at most 9007199254740993.000")


@pytest.mark.parametrize(("lower", "gap"), [(1999, "0.001"), (1500, "0.334"), (1, "1999.000")])
def test_the_gap_is_rounded_up(lower: int, gap: str) -> None:

    document = stated([(0, 0, 2000)], 2000, {"kind": "volume"}, lower=lower)
    assert checker.check(document).endswith(f"a gap of at most {gap}")


def test_a_lower_bound_is_positive() -> None:
    """Every request takes a round, and a gap is a share of the lower bound."""
    with pytest.raises(checker.Refused, match="within limits"):
        checker.check(stated([(0, 1, 1)], 2, {"kind": "volume"}, lower=0))


def test_multipliers_can_be_exact() -> None:
    """Two requests of which each alone fills the memory: one may be at its end in any round."""
    requests, row = [(0, 0, 1), (0, 0, 1)], [1, 0, 1]
    assert checker.snapshot_bound(requests, 1, 1, [inequality([row], [0, 1])]) == 3
    assert checker.snapshot_bound(requests, 1, 2, [inequality("memory", [0, 1])]) == 3


def test_prices_are_paid_start_by_start() -> None:
    """The least over all starts, each paid round by round, with ends in any spans and after the last."""
    rng = random.Random(6)
    for _ in range(300):
        row, span = [rng.choice((0, 1, 5, 30)) for _ in range(rng.randint(0, 6))], rng.randint(1, 7)
        scale, table = rng.choice((3, 30, 300)), checker.Prices(row, span)
        a, s, o = rng.randint(0, 20), rng.randint(0, 4), rng.randint(1, 9)
        paid = [0, *(price for price in row for _ in range(span)), *[0] * 80]  # by rounds
        costs = [
            scale * (k + o - a) + sum((s + j) * paid[k + j] for j in range(1, o + 1))
            for k in range(a, a + 50)
        ]
        least, pieces = table.least((a, s, o), scale)
        assert least == min(costs)
        assert pieces <= 2 * len(row) + 1


def test_mean_times_by_hand() -> None:
    """M = 3, v = 3 and 1: the second is served in 0..1/3, the first in 1/3..4/3."""
    assert checker.busy_bound([(0, 0, 2), (0, 0, 1)], 3) == 3  # 5/6 + 5/6 + 1/6 + 1/2, rounded up
    # v = 6 and 3: the first is served in 0..1 and, after the second, in 2..3: 3/2 + 7/6 + 3/2 + 1/2 - 1
    assert checker.busy_bound([(0, 0, 3), (1, 2, 1)], 3) == 4


# --- malformed proofs --------------------------------------------------------------------------------------


MALFORMED: list[tuple[Callable[[Document], Any], str]] = [
    (lambda d: [d], "keys"),
    (lambda d: d | {"note": "trust me"}, "keys"),
    (lambda d: {k: v for k, v in d.items() if k != "upper"}, "keys"),
    (lambda d: d | {"schema": "cvxtoken-schedule-certificate/2"}, "schema"),
    (lambda d: d | {"sha256": "0"}, "SHA-256"),
    (lambda d: d | {"lower": True}, "whole numbers"),
    (lambda d: d | {"lower": 1.0}, "whole numbers"),
    (lambda d: d | {"lower": "NaN"}, "whole numbers"),
    (lambda d: d | {"lower": -1}, "whole numbers"),
    (lambda d: d | {"upper": 10**18 + 1}, "whole numbers"),
    (lambda d: d | {"upper": d["upper"] + 1}, "upper is not what the starts reach"),
    (lambda d: d | {"lower": d["upper"] + 1}, "lower exceeds upper"),
    (lambda d: d | {"starts": []}, "one number a request"),
    (lambda d: d | {"starts": [*d["starts"], 0]}, "one number a request"),
    (lambda d: d | {"starts": 3}, "list of whole numbers is missing"),
    (lambda d: d | {"starts": [False] * len(d["starts"])}, "whole numbers"),
    (lambda d: d | {"starts": [0] * len(d["starts"])}, "before it arrives"),
    (lambda d: d | {"starts": [9] * len(d["starts"])}, "the memory is exceeded at time 10"),
    (lambda d: d | {"instance": None}, "instance's keys"),
    (lambda d: d | {"instance": {**d["instance"], "x": []}}, "instance's keys"),
    (lambda d: d | {"instance": {**d["instance"], "memory": 0}}, "whole numbers"),
    (lambda d: d | {"instance": {**d["instance"], "memory": True}}, "whole numbers"),
    (lambda d: d | {"instance": {**d["instance"], "arrival": [0]}}, "unequal length"),
    (lambda d: d | {"instance": {"memory": 1, **{key: [] for key in checker.COLUMNS}}}, "empty"),
    (lambda d: d | {"instance": {**d["instance"], "prompt_tokens": [4, 1, 1]}}, "exceeds the memory alone"),
    (lambda d: d | {"instance": {**d["instance"], "output_tokens": [0, 1, 1]}}, "whole numbers"),
    (lambda d: d | {"proof": None}, "no known kind"),
    (lambda d: d | {"proof": {"kind": "volume", "x": 1}}, "no known kind"),
    (lambda d: d | {"proof": {"kind": "faith"}}, "no known kind"),
    (lambda d: d | {"lower": 6, "proof": {"kind": "volume"}}, "the proof gives 4"),
    (lambda d: d | {"lower": 6, "proof": {"kind": "search"}}, "the proof gives -1"),
    (lambda d: d | {"proof": {"kind": "busy", "prices": []}}, "no known kind"),
    (lambda d: d | {"proof": prices([1]) | {"note": 1}}, "no known kind"),
    (lambda d: d | {"proof": prices({})}, "list of whole numbers is missing"),
    (lambda d: d | {"proof": prices([-1])}, "whole numbers"),
    (lambda d: d | {"proof": prices([10**18 + 1])}, "whole numbers"),
    (lambda d: d | {"proof": prices([1], scale=0)}, "whole numbers"),
    (lambda d: d | {"proof": prices([1], span=0.5)}, "whole numbers"),
    (lambda d: d | {"proof": prices([1], span=10**9 + 1)}, "whole numbers"),
    (lambda d: d | {"proof": snapshots(scale=0)}, "whole numbers"),
    (lambda d: d | {"proof": {"kind": "guided"}}, "no known kind"),
    (lambda d: d | {"proof": {**snapshots(scale=0), "kind": "guided"}}, "whole numbers"),
    (lambda d: d | {"lower": 6, "proof": {**snapshots(), "kind": "guided"}}, "the proof gives -1"),
    (lambda d: d | {"proof": snapshots(scale=True)}, "whole numbers"),
    (lambda d: d | {"proof": {**snapshots(), "inequalities": {}}}, "inequalities is not a list"),
    (lambda d: d | {"proof": snapshots({"weights": "memory"})}, "weights and multipliers"),
    (lambda d: d | {"proof": snapshots(inequality("memory", [-1]))}, "whole numbers"),
    (lambda d: d | {"proof": snapshots(inequality("memory", [10**9 + 1]))}, "whole numbers"),
    (lambda d: d | {"proof": snapshots(inequality("all", [1]))}, "no list of rows"),
    (lambda d: d | {"proof": snapshots(inequality([[1, 0]], [1]))}, "not [m, r, w]"),
    (lambda d: d | {"proof": snapshots(inequality([[1, 0, -1]], [1]))}, "whole numbers"),
    (lambda d: d | {"proof": snapshots(inequality([[1, 0, 1], [1, 0, 2]], [1]))}, "stands twice"),
]


@pytest.mark.parametrize("number", range(len(MALFORMED)))
def test_malformed_proofs_are_refused(number: int) -> None:
    damage, reason = MALFORMED[number]
    good = stated([(0, 1, 1), (1, 1, 2), (1, 1, 1)], 4, {"kind": "volume"}, 4, [0, 1, 3])
    assert checker.check(good)
    with pytest.raises(checker.Refused, match=re.escape(reason)):
        checker.check(damage(good))


def test_the_hash_is_of_the_canonical_text() -> None:
    """Of keys in any order, the file's own form does not count."""
    document = stated([(0, 1, 1)], 4, {"kind": "volume"})
    turned = dict(reversed(document["instance"].items()))
    assert checker.check(document) == checker.check(document | {"instance": turned})


# --- as a script ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("flags", [["-S"], ["-S", "-O"]])
@pytest.mark.parametrize("in_place", [False, True])
def test_it_runs_as_a_script_beside_the_verifier(tmp_path: Path, flags: list[str], in_place: bool) -> None:
    script = Path(checker.__file__)
    if not in_place:
        for module in (verifier, checker):
            (tmp_path / Path(module.__file__).name).write_bytes(Path(module.__file__).read_bytes())
        script = tmp_path / script.name
    file = tmp_path / "proof.json"
    document = stated([(0, 1, 1), (1, 1, 2), (1, 1, 1)], 4, {"kind": "volume"}, 4, [0, 1, 3])
    text = json.dumps(document)
    for content, code, begin in (
        (text, 0, "proven: no schedule"),
        (json.dumps(document | {"lower": 6}), 1, "refused: the proof gives 4"),
        (text[:-1] + ', "lower": 4}', 1, "refused: a key stands twice"),
        (text.replace('"lower": 4', '"lower": NaN'), 1, "refused: not whole numbers"),
        ("[" * 10**5, 1, "refused: the file is damaged"),
    ):
        file.write_text(content)
        command = [sys.executable, *flags, str(script), str(file)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (code, "")
        assert done.stdout.startswith(begin)
        assert len(done.stdout.splitlines()) == 1


def test_it_needs_the_standard_library_alone() -> None:
    text = Path(checker.__file__).read_text()
    imported = set(re.findall(r"^ *(?:from|import) (\w+)", text, re.M))
    assert imported <= set(sys.stdlib_module_names) | {"cvxtoken", "allocation"}
    assert not re.search(r"^\s*assert\b", text, re.M), "python -O removes it"
