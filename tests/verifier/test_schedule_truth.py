"""The mathematics of the checker of schedules against exhaustive search; and what if it were wrong."""

from __future__ import annotations

import copy
import hashlib
import json
import random
import types
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cvxtoken.scheduling import Requests, bounds, relaxation
from cvxtoken.scheduling.certificate import VOLUME, ScheduleCertificate, price_proof, snapshot_proof
from cvxtoken.scheduling.prices import memory_prices
from cvxtoken.scheduling.watch import Watch
from cvxtoken.verifier import schedule as schedule_verifier
from tests.scheduling.exhaustive import Request, drawn, fits, optimum
from tests.support.thorough import part, some
from tests.verifier.test_schedule import Document, inequality, snapshots, stated

Instance = tuple[list[Request], int, int, list[int]]


@cache
def instances() -> list[Instance]:
    """Requests, memory, the least total latency and starts that have it."""
    rng = random.Random(1)
    drawings = [drawn(rng) for _ in range(part(1500, 3))]
    drawings += [([(0, 0, 2)] * 5, 3)] * 40  # one in a round, but two in the memory
    # full when two complete at once; one that runs, or is to start, paid for by later starts of others;
    # and one that starts later than it could, until a short one fills the memory
    drawings += [([(0, 3, 3), (0, 0, 3), (0, 0, 3), (0, 2, 2), (0, 3, 3), (0, 3, 2)], 6)]
    drawings += [([(0, 2, 2), (0, 2, 1), (0, 2, 3), (0, 0, 3), (0, 2, 3)], 6)]
    drawings += [([(3, 1, 1), (0, 3, 1), (3, 3, 1), (0, 3, 3), (3, 3, 1)], 6)]
    drawings += [([(3, 3, 1), (0, 3, 1), (0, 1, 5), (0, 0, 1)], 8)]
    return [(requests, memory, *optimum(requests, memory)) for requests, memory in drawings]


def random_snapshots(requests: list[Request], memory: int, rng: random.Random) -> Document:
    """Weights on some cells, and multipliers of about the right size over about the right times."""
    scale, items = rng.choice((1, 3, 10, 2**24)), []
    times = max(a for a, _, _ in requests) + sum(o for _, _, o in requests)
    for _ in range(rng.randint(1, 3)):
        cells = sorted({(s + o - r, r) for _, s, o in requests for r in range(o)})
        cells += [(rng.randint(1, memory), 0)] * (rng.random() < 0.2)
        share = rng.random()
        most = rng.choice((1, 5))
        rows = {
            cell: rng.choice((1, 1, most, cell[0] if most > 1 else 1))
            for cell in cells
            if rng.random() < share
        }
        weights = "memory" if rng.random() < 0.3 else [[m, r, w] for (m, r), w in rows.items()]
        largest = int(scale * rng.choice((0.03, 0.1, 0.3, 1, 3, 5)))
        largest = max(1, largest // (memory // 3 + 1) if weights == "memory" else largest)
        zeros, size = rng.choice((0.2, 0.9)), rng.randint(0, times + 3)
        multipliers = [rng.randint(0, largest) * (rng.random() > zeros) for _ in range(size)]
        if rng.random() < 0.5:  # the shape of good ones
            multipliers = [largest * (size - t) // size for t in range(size)]
        items.append(inequality(weights, multipliers))
    return snapshots(*items, scale=scale)


def random_prices(requests: list[Request], memory: int, rng: random.Random) -> Document:
    """Prices of about the right size over about the right times, falling or not."""
    scale, span = rng.choice((1, 7, 1000, 2**30)), rng.randint(1, 4)
    times = max(a for a, _, _ in requests) + sum(o for _, _, o in requests)
    size = rng.randint(0, times // span + 2)
    largest = max(1, int(scale * rng.choice((0.1, 0.3, 1, 2)) * len(requests) / memory))
    row = [rng.randint(0, largest) for _ in range(size)]
    if rng.random() < 0.7:  # the shape of good ones
        row = [largest * (size - t) // size for t in range(size)]
    return {"kind": "prices", "scale": scale, "span": span, "prices": row}


def random_courses(requests: list[Request], memory: int, rng: random.Random) -> Document:
    """Weights of about the right size on some cells, which fall with time or not."""
    scale, span = rng.choice((1, 3, 10, 1000)), rng.randint(1, 3)
    times = max(a for a, _, _ in requests) + sum(o for _, _, o in requests)
    size = rng.randint(0, times // span + 1)
    largest, zeros, falls = scale * rng.choice((0.1, 0.3, 1, 2)), rng.choice((0.1, 0.5)), rng.random() < 0.7
    even = rng.random() < 0.5  # as the memory's own inequality has them

    def row(m: int) -> list[int]:
        most = largest * (m / memory if even else rng.random() > zeros)
        return [int(most * (size - g) / size if falls else most * rng.random()) for g in range(size)]

    weights = [[row(s + o - r) for r in range(o)] for _, s, o in requests]
    return {"kind": "courses", "scale": scale, "span": span, "weights": weights}


def guided(proof: Document) -> Document:
    return {**proof, "kind": "guided"}


def multipliers(requests: list[Request], memory: int, proof: Document) -> schedule_verifier.Multipliers:
    return schedule_verifier.Multipliers(requests, memory, proof["scale"], proof["inequalities"])


def falsehoods(checker: Any) -> Iterator[str]:
    """Whatever a checker accepts, or computes, that is not true."""
    rng, other, third = random.Random(11), random.Random(12), random.Random(13)
    for requests, memory, least, best in instances():
        proofs: list[Any] = [random_snapshots(requests, memory, rng) for _ in range(3)]
        proofs += [random_prices(requests, memory, rng) for _ in range(3)]
        proofs += [{"kind": "volume"}, {"kind": "busy"}, {"kind": "search"}]
        proofs += [guided(random_snapshots(requests, memory, other)), guided(snapshots())]
        proofs += [random_courses(requests, memory, third) for _ in range(6)]
        worse = [k + 1 for k in best]
        for proof in proofs:
            document = stated(requests, memory, proof, least + 1, worse)
            if accepted(checker, document):
                yield f"{proof['kind']}: no schedule has {least}"
        moved = [max(0, k + rng.choice((-2, -1, -1, 0, 0, 1))) for k in best]
        document = stated(requests, memory, {"kind": "volume"}, 1, moved)
        if not fits(requests, memory, moved) and accepted(checker, document):
            yield "a schedule that does not fit"
        shifted = document | {"starts": worse, "upper": least}
        if accepted(checker, shifted):
            yield "a latency that is not reached"


def accepted(checker: Any, document: Document) -> bool:
    try:
        return str(checker.check(document)).startswith("proven")
    except schedule_verifier.Refused:
        return False


def test_no_falsehood_is_accepted() -> None:
    assert not list(falsehoods(schedule_verifier))


def test_the_truth_is_accepted() -> None:
    tight = 0
    for requests, memory, least, best in instances():
        for proof in ({"kind": "search"}, guided(snapshots())):
            assert accepted(schedule_verifier, stated(requests, memory, proof, least, best))
        volume = schedule_verifier.volume_bound(requests, memory)
        tight += volume == least
        assert accepted(schedule_verifier, stated(requests, memory, {"kind": "volume"}, volume, best))
        assert not accepted(schedule_verifier, stated(requests, memory, {"kind": "volume"}, volume + 1, best))
    assert tight > len(instances()) / 2


@pytest.mark.parametrize("kind", ["search", "guided"])
def test_the_search_finds_a_best_schedule_below_any_limit(kind: str) -> None:
    rng = random.Random(13)
    for requests, memory, least, _ in instances()[::2]:
        for limit in (least + 1, least + 3, 10**6 if kind == "search" else 200):
            if kind == "search":
                found = schedule_verifier.Search(requests, memory, limit)
            else:
                proof = random_snapshots(requests, memory, rng)
                relaxed = multipliers(requests, memory, proof)
                found = schedule_verifier.Guided(requests, memory, limit, relaxed)
            assert found.best is not None
            assert found.limit == least
            assert fits(requests, memory, found.best)
            assert schedule_verifier.total_latency(requests, memory, found.best) == least


def test_both_searches_find_the_same_optimum_of_more_and_longer_requests() -> None:
    """They rule out by other means: one by volumes, the other by multipliers and by what is never better."""
    rng, compared = random.Random(14), 0
    while compared < part(200, 4):
        memory, late = rng.randint(6, 20), rng.choice((0, 0, 6, 15))
        prompts = [rng.randint(0, 3) for _ in range(rng.randint(4, 8))]
        requests = [
            (rng.randint(0, late), s, rng.randint(1, min(memory - s, rng.choice((3, 6, 20)))))
            for s in prompts
        ]
        try:
            least = schedule_verifier.Search(requests, memory, 10**6).limit
        except schedule_verifier.Refused:
            continue
        for proof in (snapshots(), random_snapshots(requests, memory, rng)):
            relaxed = multipliers(requests, memory, proof)
            found = schedule_verifier.Guided(requests, memory, least + 1, relaxed)
            assert found.best is not None
            assert schedule_verifier.total_latency(requests, memory, found.best) == found.limit == least
            assert schedule_verifier.Guided(requests, memory, least, relaxed).best is None
        compared += 1


def test_the_largest_snapshot_is_that_of_all_snapshots() -> None:
    """Any number of requests in a cell, several cells with as many rounds to go."""
    rng = random.Random(3)
    for _ in range(400):
        memory = rng.randint(1, 9)
        cells = [(m, r) for m in range(1, memory + 1) for r in range(memory - m + 1)]
        weights = {cell: rng.randint(0, 9) for cell in rng.sample(cells, min(len(cells), rng.randint(1, 5)))}

        def together(members: list[tuple[int, int]], memory: int = memory) -> bool:
            return all(sum(m + r for m, other in members if other >= r) <= memory for _, r in members)

        def largest(left: list[tuple[int, int]], members: list[tuple[int, int]]) -> int:
            if not left:
                return 0
            value = largest(left[1:], members)
            if together([*members, left[0]]):
                value = max(value, weights[left[0]] + largest(left, [*members, left[0]]))  # noqa: B023
            return value

        assert schedule_verifier.largest_snapshot(weights, memory) == largest(list(weights), [])


def test_products_of_long_integers_are_sums() -> None:
    rng = random.Random(4)
    for _ in range(200):
        most = rng.choice((1, 9, 10**9))
        x = [rng.randint(0, most) for _ in range(rng.randint(1, 8))]
        y = [rng.choice((0, most)) for _ in range(rng.randint(0, 8))]
        size = len(x) + len(y)
        sums = [sum(x[r] * y[C - r] for r in range(len(x)) if 0 <= C - r < len(y)) for C in range(size)]
        assert schedule_verifier.convolved(x, y, size) == sums


# --- proofs that were damaged ---------------------------------------------------------------------------


@cache
def proofs() -> list[tuple[Document, int]]:
    """Proofs of all kinds with the least total latency, each as good as the package makes it."""
    rng, found = random.Random(2), []
    while len(found) < 100:
        requests, memory = drawn(rng)
        least, best = optimum(requests, memory)
        volume = schedule_verifier.volume_bound(requests, memory)
        found.append((stated(requests, memory, {"kind": "volume"}, volume, best), least))
        found.append((stated(requests, memory, {"kind": "search"}, least, best), least))
        busy = schedule_verifier.busy_bound(requests, memory)
        found.append((stated(requests, memory, {"kind": "busy"}, max(1, busy), best), least))
        columns = dict(zip(schedule_verifier.COLUMNS, np.array(requests).T, strict=True))
        instance = Requests(**columns, memory=memory)
        priced = price_proof(*memory_prices(instance, np.array(best), volume))
        lower = schedule_verifier.price_bound(
            requests, memory, priced["scale"], priced["span"], priced["prices"]
        )
        found.append((stated(requests, memory, priced, lower, best), least))
        valid = relaxation.inequalities(instance)
        times = int((np.array(best) + instance.output_tokens).max()) + 10
        multipliers = relaxation.multipliers_of(relaxation.Relaxation(instance, valid), times, 1)
        proof = snapshot_proof(valid, multipliers)
        lower = schedule_verifier.snapshot_bound(requests, memory, proof["scale"], proof["inequalities"])
        found.append((stated(requests, memory, proof, lower, best), least))
        found.append((stated(requests, memory, guided(proof), least, best), least))
        first = ScheduleCertificate(instance, np.array(best), 1, VOLUME)
        coursed = bounds.coursed(first, proof, [], Watch())
        found.append((stated(requests, memory, coursed.proof, coursed.lower, best), least))
    return found


def mutate(document: Document, rng: random.Random) -> Document:
    changed = copy.deepcopy(document)
    instance, proof = changed["instance"], changed["proof"]
    kind = rng.choice(("lower", "upper", "starts", "instance", "rehashed", "kind", "proof", "proof"))
    if kind in ("lower", "upper"):
        changed[kind] += rng.choice((-3, -1, 1, 2, 10**18, 0.5))
    elif kind == "starts":
        i = rng.randrange(len(changed["starts"]))
        step = rng.choice((-2, -1, 1, 2))
        changed["starts"][i] += step
        changed["upper"] += step * rng.randrange(2)
    elif kind in ("instance", "rehashed"):
        field = rng.choice(["memory", *schedule_verifier.COLUMNS])
        if field == "memory":
            instance["memory"] += rng.choice((-1, 1))
        else:
            instance[field][rng.randrange(len(instance[field]))] += rng.choice((-1, 1))
        if kind == "rehashed":
            text = json.dumps(instance, sort_keys=True, separators=(",", ":"))
            changed["sha256"] = hashlib.sha256(text.encode()).hexdigest()
    elif kind != "kind" and proof.get("prices"):
        field = rng.choice(("scale", "span", "prices"))
        if field == "prices":
            t = rng.randrange(len(proof[field]))
            proof[field][t] = rng.choice((0, -1, 2 * proof[field][t], proof[field][t] + 2**18))
        else:
            proof[field] += rng.choice((-1, 1, 2**20))
    elif kind != "kind" and proof.get("weights"):
        field = rng.choice(("scale", "span", "weights", "weights", "weights"))
        rows = rng.choice(proof["weights"])
        row = rng.choice(rows)
        if field != "weights":
            proof[field] += rng.choice((-1, 1, 2**20))
        elif rng.random() < 0.3:
            rng.choice((proof["weights"], rows, row)).pop()
        else:
            g = rng.randrange(len(row))
            row[g] = rng.choice((0, -1, 2 * row[g], row[g] + 2**22))
    elif kind == "kind" or not proof.get("inequalities"):
        kinds = ("volume", "busy", "prices", "search", "guided", "snapshots", "courses", ["volume"], None)
        changed["proof"] = {"kind": rng.choice(kinds)}
    else:
        item = rng.choice(proof["inequalities"])
        damage = rng.randrange(5)
        if damage == 0:
            proof["scale"] = max(1, proof["scale"] + rng.choice((-(2**23), 10**6, -1)))
        elif damage == 1:
            item["multipliers"] = [*item["multipliers"][rng.randrange(2) :], 5]
        elif damage == 2:
            t = rng.randrange(len(item["multipliers"]))
            item["multipliers"][t] = rng.choice((0, -1, 10**6, 2 * item["multipliers"][t]))
        elif item["weights"] != "memory" and item["weights"]:
            row = rng.choice(item["weights"])
            row[rng.randrange(3)] += rng.choice((-1, 1, 100))
        else:
            item["weights"] = [[m, 0, m] for m in range(1, instance["memory"] + rng.randrange(2))]
    return changed


def is_true(document: Document) -> bool:
    instance = document["instance"]
    requests = list(zip(*(instance[field] for field in schedule_verifier.COLUMNS), strict=True))
    ends = [k + o for k, (_, _, o) in zip(document["starts"], requests, strict=True)]
    text = json.dumps(instance, sort_keys=True, separators=(",", ":"))
    return (
        document["sha256"] == hashlib.sha256(text.encode()).hexdigest()
        and document["lower"] <= optimum(requests, instance["memory"])[0]
        and document["upper"] == sum(ends) - sum(instance["arrival"])
        and fits(requests, instance["memory"], document["starts"])
    )


def test_proofs_are_accepted() -> None:
    exact = dict.fromkeys(("volume", "busy", "prices", "snapshots", "search", "guided", "courses"), 0)
    for document, least in proofs():
        assert document["lower"] <= least == document["upper"]
        assert schedule_verifier.check(document).startswith("proven: no schedule of instance ")
        exact[document["proof"]["kind"]] += document["lower"] == least
    assert min(exact.values()) >= 5, "the proofs are worth damaging"


def test_no_mutated_proof_proves_a_falsehood() -> None:
    rng = random.Random(20270101)
    refused, true, tried = 0, 0, part(1000, 4)
    while refused + true < tried:
        original = rng.choice(proofs())[0]
        document = mutate(original, rng)
        if document == original:
            continue
        try:
            schedule_verifier.check(document)
        except schedule_verifier.Refused:
            refused += 1
        else:
            assert is_true(document), document
            true += 1
    assert refused > tried / 2
    assert true > tried / 10


# --- broken checkers ------------------------------------------------------------------------------------

BROKEN = [
    ("a + o - r <= times[-1]", "a + o - r < times[0] - 1"),
    ("for r in range(o)\n                if a + o", "for r in range(o - 1)\n                if a + o"),
    ("if cell[0] > 0]", "if cell[0] > 1]"),
    ("if cell[0] == 0]", "if cell[0] == 9]"),
    ("coming[0][0] <= t:", "coming[0][0] < t:"),
    ("coming.pop(0)[1] + 1, 0", "coming.pop(0)[1] + 2, 0"),
    ("room = self.memory - m - (k + 1) * r", "room = self.memory - m - (k + 2) * r"),
    ("for ended, tokens in enumerate(ending[: k + 1]):", "for ended, tokens in enumerate(ending[:1]):"),
    ("value + w > into.get(h - gone, -1)", "h - gone not in into"),
    ("held <= memory for held in least)", "held < memory for held in least)"),
    ("{h: value + known[h] for", "{h: value for"),
    ("room = self.memory - k - come", "room = self.memory - k - come - 1"),
    ("for C in range(a + o, max(a, times) + o + 1)", "for C in range(a + o + 1, max(a, times) + o + 2)"),
    ("row[(C - r) // span]", "row[max(0, C - r - 1) // span]"),
    ("value = -Courses(", "value = 1 - Courses("),
    ("completions.append(-(-now // memory))", "completions.append(-(-now // memory) + 1)"),
    ("s * o + o * (o + 1) // 2)\n    alone", "s * o + o * (o + 3) // 2)\n    alone"),
    ("heapq.heapreplace(waiting, waiting[0] - (a * memory - now))", "pass"),
    ("now += heapq.heappop(waiting)", "now += waiting.pop()"),
    ("- sum(a for a, _, _ in requests)", "- sum(a for a, _, _ in requests[1:])"),
    ("start >= a for", "start >= 0 for"),
    ("shift + running * ends[i] <= memory", "shift + running * (ends[i] - 1) <= memory"),
    ("starts[coming[-1]] < ends[i]", "starts[coming[-1]] < ends[i] - 1"),
    ("require(total_latency(requests, memory, starts) == upper,", "require(True,"),
    ("room = memory - m - (k + 1) * r", "room = memory - m - (k + 2) * r"),
    ("key=lambda item: -item[0][1]", "key=lambda item: item[0][1]"),
    ("(k + 1) * (r + 1) <= memory", "(k + 2) * (r + 1) <= memory"),
    ("            k += 1\n", "            break\n"),
    ("most * sum(row[t:])", "most * sum(row[t:-1])"),
    ("weights, most = None, memory", "weights, most = None, memory - 1"),
    ("least[a + o] if a < relaxed.horizon", "relaxed.costs(peak, o)[a + o] if a < relaxed.horizon"),
    ("else relaxed.scale * (a + o)) - relaxed", "else relaxed.scale * (a + o + 1)) - relaxed"),
    ("accumulate(reversed(costs), min)", "accumulate(reversed(costs[:-1] + [2 * costs[-1]]), min)"),
    ("[self.scale * C for C in", "[self.scale * (C + 1) for C in"),
    ("moments[j] += served * (2 * now + served)", "moments[j] += served * (2 * now + 2 * served)"),
    ("waiting[0][2] -= served", "pass"),
    ("heapq.heappush(waiting, [volumes[i], i", "heapq.heappush(waiting, [-volumes[i], i"),
    ("behind = (2 * o + 1) * v", "behind = (2 * o + 2) * v"),
    ("- 2 * a * v)) //", "- a * v)) //"),
    ("-memory * span * sum(prices), 0", "-memory * span * sum(prices[1:]), 0"),
    ("value + least, pieces", "value + least + 1, pieces"),
    (
        "D = before[k] + x * sums[k] + p * (x * (x - 1) // 2)",
        "D = before[k] + x * sums[k] + p * (x * (x + 1) // 2)",
    ),
    ("E = before[g] + y * sums[g]", "E = before[g]"),
    ("- s * A + D", "- (s - 1) * A + D"),
    ("[peak - r if weights", "[2 * peak if weights"),
    ("self.seen.get(key, cost + 1) <= cost", "key in self.seen"),
    ("key = (now, first, running, left)", "key = (now, first, len(running), left)"),
    ("a > now or (a, s, o) in tried:", "a > now or o in {kind[2] for kind in tried}:"),
    ("self.visit(now, i + 1, after", "self.visit(now + 1, 0, after"),
    ("if not running and all(", "if all("),
    ("now, first = now + 1, 0", "now, first = now + 2, 0"),
    ("if other >= end) > self.memory", "if other >= 0) > self.memory"),
    ("need += self.volumes[i]", "need += self.volumes[i] + 1"),
    ("(i for i in self.by_volume if i in left)", "(i for i in self.by_volume[::-1] if i in left)"),
    ("max(self.requests[i][0], now) + self", "max(self.requests[i][0], now) + 1 + self"),
    ("if cost < self.limit:", "if cost < self.limit - 1:"),
    ("self.prices = relaxed.prices(now + 1)", "self.prices = relaxed.prices(now + 2)"),
    ("self.prices -= sum(", "self.prices -= 2 * sum("),
    ("else self.relaxed.scale * (begin + o)", "else self.relaxed.scale * (begin + o + 1)"),
    ("self.relaxed.scale * (limit - 1 +", "self.relaxed.scale * (limit - 2 +"),
    ("self.folded(now + 1)", "self.folded(now + 2)"),
    ("- self.relaxed.scale * (code >> 7)", "- self.relaxed.scale * ((code >> 7) - 1)"),
    ("self.owed[code] = self.paid[code] - paid", "self.owed[code] = self.paid[code] + paid"),
    ("base += self.owed[code]", "base += 2 * self.owed[code]"),
    ("self.requests[j][1:] == self.requests[i][1:]", "self.requests[j][2] == self.requests[i][2]"),
    ("and not left & alike", "and not alike"),
    ("may & after, joined", "0, joined"),
    ("still = may & -2 * bit", "still = may & -4 * bit"),
    ("may &= ~self.larger[i]", "may = 0"),
    ("s >= prompt and o >= output", "s >= prompt or o >= output"),
    ("* (other - end) >= peak", "* (other - end) > peak"),
    ("if room < peak - end + other", "if room <= peak - end + other"),
    ("self.memory - held - many * end)", "self.memory - held - many * (end + 1))"),
    ("if not running:\n", "if True:\n"),
    ("if end <= full:", "if True:"),
    ("if not room and end < full:", "if not room:"),
    ("self.requests[i][0] < self.now:", "True:"),
    ("if room > s:", "if True:"),
    ("loose &= can", "pass"),
    ("if loose & leaving or", "if loose or"),
    ("next_end <= then + self.shortest[left]", "next_end <= then + self.shortest[left] + 3"),
    ("(free[0][0] - then) if free", "(free[0][0] - then) + 1 if free"),
    ("elif into[left][0] <= total", "elif into[left][0] >= total"),
    ("left in other and other[left][0] <= total", "left in other"),
    ("and states[left ^ bit][0] <= total + end", ""),
    ("if total < self.limit:", "if total < self.limit - 1:"),
]


@pytest.mark.parametrize("number", some(range(len(BROKEN)), 3))
def test_a_broken_checker_accepts_falsehoods(number: int) -> None:
    """The hunt above finds what each of these lines is there for."""
    line, broken = BROKEN[number]
    source = Path(schedule_verifier.__file__).read_text(encoding="utf-8")
    assert source.count(line) == 1
    module = types.ModuleType("broken")
    module.__dict__["__package__"] = "cvxtoken"
    exec(compile(source.replace(line, broken), "broken", "exec"), module.__dict__)
    assert next(falsehoods(module), None), broken
