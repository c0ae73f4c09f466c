#!/usr/bin/env python3
"""Checks a proof about a schedule: `python schedule.py FILE`, with allocation.py beside it.

Standard library only, whole numbers only, no solver. What a proof states, for requests i that arrive at a_i,
hold s_i + j tokens while they make their j-th of o_i tokens, one a round, and share a memory of M tokens: the
given starts keep within M and sum C_i - a_i = upper, and no schedule has less than lower. Seven ways to it:

volume:    By C, requests completed have used s o + o (o + 1) / 2 each, at most M a round. Of all ways to
           share a rate of M, shortest remaining work first has the most completed at every time (Schrage
           1968); so the k-th completion is no earlier than its k-th, rounded up, nor than the k-th a + o.
busy:      The memory of a request that starts at k has the mean time M_i = sum_j (s + j) (k + j - 1/2) / v,
           v = s o + o (o + 1) / 2, and C_i = M_i + sum_j (s + j) (o - j + 1/2) / v. A unit of memory used for
           a round at time x adds x / v to sum M_i. Of all ways to share a rate of M, the least volume first,
           which may interrupt others, has the least sum (Goemans 1997).
prices:    With prices lambda_t >= 0 on what all hold in round t, which is at most M, every schedule has
             sum C - a >= sum_i min over k >= a_i of [k + o_i - a_i + sum_j (s_i + j) lambda_{k+j}]
                          - M sum_t lambda_t.
           Prices are the same through a span of rounds, and 0 after the last. So the bracket is of second
           degree in k as long as neither end of the request leaves its span, and its least is known.
snapshots: A request with r rounds to go holds m = s + o - r tokens. Those that run at a time t fit at each
           other's completions: sum over r_j >= r_i of (m_j + r_i) <= M for every i. So weights w(m, r) >= 0
           have a largest sum B over such snapshots, found by dynamic programming (w = m has B = M). With
           multipliers lambda_t >= 0 on sum_i w(s_i + o_i - C_i + t, C_i - t) <= B, every schedule has
             sum C - a >= sum_i min over C >= a_i + o_i of [C - a_i + sum_t lambda_t w] - B sum_t lambda_t.
courses:   Weights w_i(r, t) >= 0 are of request i with r rounds to go at time t. A schedule's course says of
           each time how many run, k, and how many tokens h they hold. From t to t + 1 those that complete
           leave, with all they hold; each of the others holds one more; who starts comes with s_i + 1. Those
           at one time fit at each other's completions, as in `snapshots`, and are of those that may be there.
           With B the largest sum of weights along any course that these rules allow, every schedule has
             sum C - a >= sum_i min over C >= a_i + o_i of [C - a_i + sum_r w_i(r, C - r)] - B.
search:    All schedules are tried, but those which a bound like that of `volume` rules out.
guided:    All schedules are tried round by round, but those which multipliers as of `snapshots` rule out.
           With the requests known that have started by a time t, every way to go on has
             sum C - a >= sum of the started [C - a + sum_{u > t} lambda_u w] - B sum_{u > t} lambda_u
                          + sum of the others min over C >= max(a, t) + o of [C - a + sum_u lambda_u w].
           What else is ruled out is never better than what is not, which `Guided` says.
"""

import hashlib
import heapq
import json
import sys
from array import array
from collections.abc import Callable, Iterable
from functools import reduce
from itertools import accumulate
from operator import or_
from typing import Any

if __package__:
    from cvxtoken.verifier import allocation
else:  # run as a script beside allocation.py, without the package
    import allocation  # type: ignore[import-not-found, no-redef]

SCHEMA = "cvxtoken-schedule-certificate/1"
KEYS = {"schema", "sha256", "instance", "starts", "lower", "upper", "proof"}
COLUMNS = ("arrival", "prompt_tokens", "output_tokens")
LARGEST = 10**9
MAX_WORK, MAX_TIMES = 3e8, 1_000_000  # steps of some 0.1 microseconds; points of time held at once
PIECE, FINE = 60, 10**12  # such steps for a piece of starts; parts of a round that mean times are rounded to
MAX_SEARCHED, MAX_STEPS, MAX_SEEN = 20, 50_000_000, 300_000  # requests, steps as above, states of 0.7 kB
MAX_COURSE = 1000  # tokens of the memory, at most M^2 / 2 states of which are held at once
MAX_GUIDED, MAX_STATES = 100, 300_000  # requests; states of a round, of some 0.5 kB, as many of the next
MAX_TRIED = 5e8  # steps of a guided search, of some 0.06 microseconds
Refused, require = allocation.Refused, allocation.require
Request = tuple[int, int, int]  # a, s, o
State = tuple[int, int, int, Any]  # of Guided: sum of completions, tokens free, who is loose, starts
Layer = dict[tuple[int, ...], dict[int, State]]  # by what runs and by what is still to start
Bases = dict[tuple[int, ...], int]  # by what runs
Way = tuple[int, tuple[int, ...], int, dict[int, State]]  # who may start next, what runs, its base, states
Free = list[tuple[int, int]]  # time and tokens free at each completion of what runs


def check(document: Any) -> str:
    """The line that states what a parsed proof proves; raises Refused where it does not."""
    good = isinstance(document, dict) and set(document) == KEYS and document["schema"] == SCHEMA
    require(good, f"the keys or the schema are not those of a {SCHEMA}")
    requests, memory, digest = read_instance(document["instance"])
    require(document["sha256"] == digest, f"the instance's SHA-256 is {digest}, not the one stated")
    lower, upper = whole([document["lower"], document["upper"]], 1, LARGEST**2)
    starts = whole(document["starts"], 0, LARGEST**2)
    require(len(starts) == len(requests), "starts has not one number a request")
    require(total_latency(requests, memory, starts) == upper, "upper is not what the starts reach")
    require(lower <= upper, "lower exceeds upper")
    proof = document["proof"]
    kind = proof.get("kind") if isinstance(proof, dict) else None
    if kind == "volume" and set(proof) == {"kind"}:
        proven = volume_bound(requests, memory)
    elif kind == "busy" and set(proof) == {"kind"}:
        proven = busy_bound(requests, memory)
    elif kind == "prices" and set(proof) == {"kind", "scale", "span", "prices"}:
        proven = price_bound(requests, memory, proof["scale"], proof["span"], proof["prices"])
    elif kind == "snapshots" and set(proof) == {"kind", "scale", "inequalities"}:
        proven = snapshot_bound(requests, memory, proof["scale"], proof["inequalities"])
    elif kind == "courses" and set(proof) == {"kind", "scale", "span", "weights"}:
        proven = course_bound(requests, memory, proof["scale"], proof["span"], proof["weights"])
    elif kind == "guided" and set(proof) == {"kind", "scale", "inequalities"}:
        relaxed = Multipliers(requests, memory, proof["scale"], proof["inequalities"])
        proven = lower if Guided(requests, memory, lower, relaxed).best is None else -1
    elif kind == "search" and set(proof) == {"kind"}:
        proven = lower if Search(requests, memory, lower).best is None else -1
    else:
        raise Refused("the proof is of no known kind")
    require(proven >= lower, f"the proof gives {proven}, less than the lower bound stated")
    part, thousandths = divmod(-(1000 * (lower - upper) // lower), 1000)  # upward, and printed exactly
    gap = f"a gap of at most {part}.{thousandths:03d}" if lower < upper else "which is exact"
    return (
        f"proven: no schedule of instance {digest} ({len(requests)} requests) has a total latency below "
        f"{lower}, and the starts reach {upper}, {gap}"
    )


def read_instance(instance: Any) -> tuple[list[Request], int, str]:
    """The requests, the memory, every rule of theirs checked, and the SHA-256 of the canonical JSON."""
    fields = {"memory", *COLUMNS}
    require(isinstance(instance, dict) and set(instance) == fields, "the instance's keys are off")
    (memory,) = whole([instance["memory"]], 1, LARGEST)
    columns = [whole(instance[field], least, LARGEST) for field, least in zip(COLUMNS, (0, 0, 1))]
    require(len(set(map(len, columns))) == 1 and columns[0], "the columns are empty or of unequal length")
    requests = list(zip(*columns))
    require(all(s + o <= memory for _, s, o in requests), "a request exceeds the memory alone")
    text = json.dumps({field: instance[field] for field in sorted(fields)}, separators=(",", ":"))
    return requests, memory, hashlib.sha256(text.encode()).hexdigest()


def whole(values: Any, least: int, most: int) -> list[int]:
    """A list of whole numbers within limits."""
    require(isinstance(values, list), "a list of whole numbers is missing")
    require(all(type(v) is int and least <= v <= most for v in values), "not whole numbers within limits")
    return list(values)


def total_latency(requests: list[Request], memory: int, starts: list[int]) -> int:
    """Sum of C - a, the memory checked at every completion: in between, what is held only grows."""
    require(
        all(start >= a for (a, _, _), start in zip(requests, starts)), "a request starts before it arrives"
    )
    coming = sorted(range(len(starts)), key=starts.__getitem__, reverse=True)
    ends = [start + o for (_, _, o), start in zip(requests, starts)]
    running = shift = 0  # at time t, running requests hold shift + running t
    for i in sorted(range(len(ends)), key=ends.__getitem__):
        while coming and starts[coming[-1]] < ends[i]:
            j = coming.pop()
            running, shift = running + 1, shift + requests[j][1] - starts[j]
        # of several that complete at once the first sees all of them
        require(shift + running * ends[i] <= memory, f"the memory is exceeded at time {ends[i]}")
        running, shift = running - 1, shift - requests[i][1] + starts[i]
    return sum(end - a for (a, _, _), end in zip(requests, ends))


def volume_bound(requests: list[Request], memory: int) -> int:
    """Total latency of no schedule is less (`volume_below` of formal/Volume.v); time runs in 1 / M rounds."""
    waiting: list[int] = []  # work left of what has arrived
    completions, now = [], 0
    for a, s, o in [*sorted(requests), (LARGEST**3, 0, 0)]:
        while waiting and now + waiting[0] <= a * memory:
            now += heapq.heappop(waiting)
            completions.append(-(-now // memory))
        if waiting:
            heapq.heapreplace(waiting, waiting[0] - (a * memory - now))
        now = a * memory
        heapq.heappush(waiting, s * o + o * (o + 1) // 2)
    alone = sorted(a + o for a, _, o in requests)
    return sum(map(max, completions, alone)) - sum(a for a, _, _ in requests)


def busy_bound(requests: list[Request], memory: int) -> int:
    """Total latency of no schedule is less, by mean times; time runs in units of 1 / M rounds."""
    waiting: list[list[int]] = []  # volume, number, work left of what has arrived
    volumes = [s * o + o * (o + 1) // 2 for _, s, o in requests]
    moments = [0] * len(requests)  # of the times at which a request is served, twice
    order = sorted(range(len(requests)), key=lambda i: requests[i][0])
    later = [memory * requests[i][0] for i in order[1:]]
    for i, until in zip(order, [*later, LARGEST**4]):
        now = memory * requests[i][0]
        heapq.heappush(waiting, [volumes[i], i, volumes[i]])
        while waiting and now < until:
            _, j, left = waiting[0]
            served = min(left, until - now)
            moments[j] += served * (2 * now + served)
            now += served
            waiting[0][2] -= served
            if served == left:
                heapq.heappop(waiting)
    total = 0
    for (a, s, o), v, moment in zip(requests, volumes, moments):
        # 2 sum (s + j) (o - j + 1/2)
        behind = (2 * o + 1) * v - s * o * (o + 1) - o * (o + 1) * (2 * o + 1) // 3
        total += FINE * (moment + memory * (behind - 2 * a * v)) // (2 * memory * v)
    return -(-total // FINE)


def price_bound(requests: list[Request], memory: int, scale: Any, span: Any, prices: Any) -> int:
    """The bound of prices, one for each span of so many rounds, stated as whole numbers over a scale."""
    (scale,), (span,) = whole([scale], 1, LARGEST**2), whole([span], 1, LARGEST)
    prices = whole(prices, 0, LARGEST**2)
    require(len(prices) <= MAX_TIMES, "the check would take too long")
    table, value, pieces = Prices(prices, span), -memory * span * sum(prices), 0
    for request in requests:
        least, more = table.least(request, scale)
        value, pieces = value + least, pieces + more
        require(PIECE * pieces <= MAX_WORK, "the check would take too long")
    return int(max(0, -(-value // scale)))


class Prices:
    """Prices lambda_t >= 0, the same in the rounds k h + 1..(k + 1) h of span k, and 0 after the last.

    With A(t) the sum of lambda up to t and D(t) that of A before t, what a request pays that starts at t is
    sum_j (s + j) lambda_{t+j} = (s + o) A(t + o) - D(t + o) - s A(t) + D(t).
    """

    def __init__(self, prices: list[int], span: int) -> None:
        self.prices, self.span = [*prices, 0], span
        self.sums, self.sums_before = [0], [0]  # A and D at the begin of each span
        for price in prices:
            A, D = self.sums[-1], self.sums_before[-1]
            self.sums_before.append(D + span * A + price * (span * (span - 1) // 2))
            self.sums.append(A + span * price)

    def least(self, request: Request, scale: int) -> tuple[int, int]:
        """The least of scale (t + o - a) and what is paid over all starts t >= a, and the pieces looked at.

        In a piece, the starts t + 0..L for which neither end leaves its span, the first difference is d at
        first, and grows by the price at the start less that at the end from each to the next.
        """
        prices, sums, before, h = self.prices, self.sums, self.sums_before, self.span
        (a, s, o), last = request, len(sums) - 1
        best = scale * (max(a, last * h) + o - a)  # after the last span nothing is paid
        t, pieces = a, 0
        while scale * (t + o - a) < best:
            k, g, pieces = min(t // h, last), min((t + o) // h, last), pieces + 1
            p, q, x, y = prices[k], prices[g], t - k * h, t + o - g * h
            A, B = sums[k] + x * p, sums[g] + y * q
            D = before[k] + x * sums[k] + p * (x * (x - 1) // 2)
            E = before[g] + y * sums[g] + q * (y * (y - 1) // 2)
            here = scale * (t + o - a) + (s + o) * B - E - s * A + D
            best = min(best, here)
            length = h - x if g == last else min(h - x, h - y)
            d = scale + (s + o) * q - s * p - B + A
            if d < 0 < p - q:
                steps = min(-(d // (p - q)), length)
                best = min(best, here + steps * d + (p - q) * (steps * (steps - 1) // 2))
            t += length
        return best, pieces


def snapshot_bound(requests: list[Request], memory: int, scale: Any, inequalities: Any) -> int:
    """The bound of the multipliers, which are stated as whole numbers over a scale."""
    relaxed = Multipliers(requests, memory, scale, inequalities)
    value = -relaxed.prices(0)
    for (peak, o), arrivals in relaxed.kinds.items():
        least = following(relaxed.costs(peak, o))
        for a in arrivals:
            value += (least[a + o] if a < relaxed.horizon else relaxed.scale * (a + o)) - relaxed.scale * a
    return int(max(0, -(-value // relaxed.scale)))


class Multipliers:
    """Multipliers lambda_t >= 0, whole numbers over a scale, of inequalities sum_i w <= B at each time t.

    What they take to evaluate is known, and refused where it is too long, before it is begun.
    """

    def __init__(self, requests: list[Request], memory: int, scale: Any, inequalities: Any) -> None:
        (self.scale,) = whole([scale], 1, LARGEST)
        require(isinstance(inequalities, list), "inequalities is not a list")
        self.kinds: dict[tuple[int, int], list[int]] = {}  # arrivals of those alike
        for a, s, o in requests:
            self.kinds.setdefault((s + o, o), []).append(a)
        self.horizon, self.work = 0, 0.0
        self.parts: list[tuple[Any, int, list[int]]] = []  # weights, None for w = m; B; multipliers
        for item in inequalities:
            good = isinstance(item, dict) and set(item) == {"weights", "multipliers"}
            require(good, "an inequality does not have weights and multipliers")
            multipliers = whole(item["multipliers"], 0, LARGEST)
            self.horizon = max(self.horizon, len(multipliers))
            if item["weights"] == "memory":
                weights, most = None, memory
            else:
                weights = read_weights(item["weights"], memory)
                self.work += sum(4 * memory * (memory // (r + 1)) for _, r in weights)
                require(self.work <= MAX_WORK, "the check would take too long")
                most = largest_snapshot(weights, memory)
            self.parts.append((weights, most, multipliers))
        # a product of p and q >= p long numbers takes about q p^0.6 steps
        steps = sum(60 + (self.horizon + o) * (5 + min(self.horizon, o) ** 0.6) for _, o in self.kinds)
        self.work += (len(self.parts) + 1) * steps
        times = self.horizon + max(o for _, o in self.kinds)
        require(self.work <= MAX_WORK and times <= MAX_TIMES, "the check would take too long")

    def prices(self, t: int) -> int:
        """Sum of lambda_u B over times u >= t."""
        return sum(most * sum(row[t:]) for _, most, row in self.parts)

    def paid(self, peak: int, r: int, t: int) -> int:
        """Sum of lambda_t w of a request that has r rounds to go at time t."""
        return sum(
            row[t] * (peak - r if weights is None else weights.get((peak - r, r), 0))
            for weights, _, row in self.parts
            if t < len(row)
        )

    def costs(self, peak: int, o: int) -> list[int]:
        """C and all that is paid, for completions C < horizon + o; from the last on only C grows."""
        total = [self.scale * C for C in range(self.horizon + o)]
        for weights, _, row in self.parts:
            profile = [peak - r if weights is None else weights.get((peak - r, r), 0) for r in range(o)]
            if any(profile):
                total = [x + y for x, y in zip(total, convolved(profile, row, self.horizon + o))]
        return total


def following(costs: list[int]) -> list[int]:
    """The least of each and all later ones."""
    return list(accumulate(reversed(costs), min))[::-1]


def read_weights(rows: Any, memory: int) -> dict[tuple[int, int], int]:
    """The positive weights, w(m, r), from rows [m, r, w]."""
    require(isinstance(rows, list), "weights is no list of rows")
    require(all(isinstance(row, list) and len(row) == 3 for row in rows), "a row of weights is not [m, r, w]")
    weights = {(m, r): w for m, r, w in (whole(row, 0, LARGEST) for row in rows)}
    require(len(weights) == len(rows), "a weight stands twice")
    require(all(1 <= m <= memory - r for m, r in weights), "a weight stands where no request can be")
    return weights


def largest_snapshot(weights: dict[tuple[int, int], int], memory: int) -> int:
    """B: the most that the weights of requests sum to that run together, any number alike.

    From the most rounds to go to the least, best[k][h] is the largest sum of k requests that hold h now; one
    with r rounds to go joins where h + m + (k + 1) r <= M, so that its completion fits.
    """
    best: list[dict[int, int]] = [{0: 0}]
    for (m, r), w in sorted(weights.items(), key=lambda item: -item[0][1]):
        k = 0
        while k < len(best) and (k + 1) * (r + 1) <= memory:
            room = memory - m - (k + 1) * r
            joined = {h + m: value + w for h, value in best[k].items() if h <= room}
            if joined and k + 1 == len(best):
                best.append({})
            for h, value in joined.items():
                best[k + 1][h] = max(value, best[k + 1].get(h, 0))
            k += 1
    return max(max(sums.values()) for sums in best)


def convolved(profile: list[int], multipliers: list[int], size: int) -> list[int]:
    """Sum over r of profile[r] multipliers[C - r] for C < size: one product of two long integers."""
    # every sum fits 128 bits, so that 16 bytes a number keep them apart
    x, y = (
        int.from_bytes(b"".join(v.to_bytes(16, "little") for v in row), "little")
        for row in (profile, multipliers)
    )
    data = (x * y).to_bytes(16 * (len(profile) + len(multipliers)), "little")
    halves = array("Q", data)
    if sys.byteorder == "big":
        halves.byteswap()
    sums = [low + (high << 64) for low, high in zip(halves[::2], halves[1::2])][:size]
    return sums + [0] * (size - len(sums))


def course_bound(requests: list[Request], memory: int, scale: Any, span: Any, weights: Any) -> int:
    """The bound of weights of each request, rounds to go and span of times, whole numbers over a scale."""
    (scale,), (span,) = whole([scale], 1, LARGEST), whole([span], 1, LARGEST)
    require(memory <= MAX_COURSE, f"courses are for a memory of {MAX_COURSE} tokens at most")
    require(isinstance(weights, list) and len(weights) == len(requests), "weights are not one list a request")
    fits = all(isinstance(rows, list) and len(rows) == o for rows, (_, _, o) in zip(weights, requests))
    require(fits, "the weights of a request are not one list for each of its rounds to go")
    weights = [[whole(row, 0, LARGEST) for row in rows] for rows in weights]
    (spans, *others) = {len(row) for rows in weights for row in rows}
    times = spans * span
    work = sum(2 * o * (times + o) for _, _, o in requests)
    require(not others and times <= MAX_TIMES and work <= MAX_WORK, "lists unlike or too long")
    value = -Courses(requests, memory, span, weights, MAX_WORK - work).most
    for (a, _, o), rows in zip(requests, weights):
        value += min(
            scale * (C - a) + sum(row[(C - r) // span] for r, row in enumerate(rows) if C - r < times)
            for C in range(a + o, max(a, times) + o + 1)
        )
    return int(max(0, -(-value // scale)))


class Courses:
    """B: the most that weights sum to along a course, by dynamic programming over (k, h) from time to time.

    A table of states holds at [k][h] the largest sum with which k requests run and hold h tokens.
    """

    def __init__(
        self, requests: list[Request], memory: int, span: int, weights: list[list[list[int]]], work: float
    ) -> None:
        self.memory, self.work = memory, work
        least = accumulate(sorted(s + 1 for _, s, _ in requests))
        self.many = sum(held <= memory for held in least)  # more than so many do not fit at any time
        coming, arrived = sorted(requests), list[tuple[int, int, int]]()
        starting = states = [{0: 0}]
        for number in range(len(weights[0][0])):
            times = range(number * span, (number + 1) * span)
            there = [
                (r, s + o - r, weights[i][r][number])
                for i, (a, s, o) in enumerate(requests)
                for r in range(o)
                if a + o - r <= times[-1]  # or it has not started by then
            ]
            self.count(10 * sum(o for _, _, o in requests))
            staying = self.together([cell for cell in there if cell[0] > 0])
            ending = self.together([cell for cell in there if cell[0] == 0])
            for t in times:
                while coming and coming[0][0] <= t:
                    arrived.append((0, coming.pop(0)[1] + 1, 0))
                    starting = self.together(arrived)
                states = self.started(self.left(states, ending, staying), starting)
        self.most = max(max(held.values(), default=0) for held in states)

    def together(self, cells: list[tuple[int, int, int]]) -> list[dict[int, int]]:
        """The states of requests that run together, by r, m and w of all that may: each at most once.

        From the most rounds to go to the least, one joins k that hold h where h + m + (k + 1) r <= M.
        """
        best: list[dict[int, int]] = [{0: 0}]
        for r, m, w in sorted(cells, reverse=True):
            for k in reversed(range(min(len(best), self.many))):
                room = self.memory - m - (k + 1) * r
                self.count(5 + 3 * len(best[k]) * (room >= 0))
                joined = {h + m: value + w for h, value in best[k].items() if h <= room}
                if joined and k + 1 == len(best):
                    best.append({})
                for h, value in joined.items():
                    best[k + 1][h] = max(value, best[k + 1].get(h, 0))
        return best

    def left(self, states: Any, ending: Any, staying: Any) -> list[dict[int, int]]:
        """The states of those that stay, from those of all and of those that complete, and all weights."""
        after: list[dict[int, int]] = [{} for _ in staying]
        for k, held in enumerate(states):
            for ended, tokens in enumerate(ending[: k + 1]):
                if k - ended >= len(staying):
                    continue
                self.count(5 + 2 * len(held) * len(tokens))
                into, known = after[k - ended], staying[k - ended]
                for gone, w in tokens.items():
                    for h, value in held.items():
                        if h - gone in known and value + w > into.get(h - gone, -1):
                            into[h - gone] = value + w
        return [{h: value + known[h] for h, value in into.items()} for into, known in zip(after, staying)]

    def started(self, states: Any, starting: Any) -> list[dict[int, int]]:
        """The states a round later: each holds one more, and some of those that have arrived may join."""
        after: list[dict[int, int]] = [{} for _ in range(self.many + 1)]
        for k, held in enumerate(states):
            for begun, tokens in enumerate(starting[: self.many + 1 - k]):
                self.count(5 + 2 * len(held) * len(tokens))
                into = after[k + begun]
                for come in tokens:
                    room = self.memory - k - come
                    for h, value in held.items():
                        if h <= room and value > into.get(h + k + come, -1):
                            into[h + k + come] = value
        return after

    def count(self, steps: int) -> None:
        """Count more steps, so that no file keeps a checker busy for ever."""
        self.work -= steps
        require(self.work >= 0, "the check would take too long")


class Search:
    """The best schedule with a total latency below a limit, over all start times; none if there is none.

    Time goes on round by round. At each, any set of the requests that have arrived may start, in the order of
    their numbers. What runs leaves a known part of the memory; of those still to start, the k-th completion
    is no earlier than the k-th smallest max(a, t) + o, nor than the time by which that part adds up to the
    k smallest volumes.
    """

    def __init__(self, requests: list[Request], memory: int, limit: int) -> None:
        require(len(requests) <= MAX_SEARCHED, f"the search is for {MAX_SEARCHED} requests at most")
        self.requests, self.memory, self.limit, self.work = requests, memory, limit, MAX_STEPS
        self.volumes = [s * o + o * (o + 1) // 2 for _, s, o in requests]
        self.by_volume = sorted(range(len(requests)), key=self.volumes.__getitem__)
        self.starts = [0] * len(requests)
        self.best: list[int] | None = None
        self.seen: dict[Any, int] = {}
        self.visit(0, 0, (), frozenset(range(len(requests))), 0)

    def visit(self, now: int, first: int, running: Any, left: frozenset[int], cost: int) -> None:
        """All ways to go on from a time, at which requests from number `first` may still start."""
        while True:
            self.count(30 + 5 * len(left))
            if not left:
                if cost < self.limit:
                    self.limit, self.best = cost, list(self.starts)
                return
            if cost + self.ahead(now, running, left) >= self.limit:
                return
            key = (now, first, running, left)
            if self.seen.get(key, cost + 1) <= cost:
                return
            if len(self.seen) < MAX_SEEN:
                self.seen[key] = cost
            tried = set()
            for i in sorted(left):
                a, s, o = self.requests[i]
                if i < first or a > now or (a, s, o) in tried:
                    continue
                tried.add((a, s, o))  # of those alike the first goes first
                after = tuple(sorted([*running, (now + o, s + o)]))
                if self.fits(after):
                    self.starts[i] = now
                    self.visit(now, i + 1, after, left - {i}, cost + now + o - a)
            if not running and all(self.requests[i][0] <= now for i in left):
                return  # all that follows could be had a round earlier
            now, first = now + 1, 0
            running = tuple(pair for pair in running if pair[0] > now)

    def count(self, steps: int) -> None:
        """Count more steps, so that no file keeps a checker busy for ever."""
        self.work -= steps
        require(self.work >= 0, "the search would take too long")

    def fits(self, running: Any) -> bool:
        """Whether pairs (C, s + o) keep within the memory at each other's completions."""
        for end, _ in running:
            self.count(3 + len(running))
            if sum(peak - other + end for other, peak in running if other >= end) > self.memory:
                return False
        return True

    def ahead(self, now: int, running: Any, left: frozenset[int]) -> int:
        """A lower bound on what those still to start add to the total latency."""
        alone = sorted(max(self.requests[i][0], now) + self.requests[i][2] for i in left)
        bound, need, free, time = -sum(self.requests[i][0] for i in left), 0, 0, now
        for i, end in zip((i for i in self.by_volume if i in left), alone):
            need += self.volumes[i]
            while free < need:
                self.count(5 + len(running))
                time += 1
                free += self.memory - sum(peak - other + time for other, peak in running if other >= time)
            bound += max(end, time)
        return bound


class Folded(dict[int, int]):
    """A fold, as sum or min, of numbers over sets of bits, worked out when it is first asked for."""

    def __init__(self, fold: Callable[[Iterable[int]], int], numbers: list[int]) -> None:
        self.fold, self.numbers = fold, numbers

    def __missing__(self, bits: int) -> int:
        self[bits] = self.fold(x for i, x in enumerate(self.numbers) if bits >> i & 1)
        return self[bits]


class Guided:
    """The best schedule with a total latency below a limit, over all start times; none if there is none.

    Time goes on round by round. What runs is a tuple of whole numbers 128 C + number in ascending order, what
    is still to start a bit each. A state has the sum of completions of its starts. It is given up

    - where its bound leaves no hope for less than the limit;
    - where another at the same time is as good whatever comes. The same is to start there, and the same or
      one less runs, with a sum that is no larger. Or the same runs and one less is to start, with a sum that
      is no larger than here with this one started at once;
    - where no best schedule goes on from it. A request is loose that could have started a round earlier, as
      far as those go that have started, until the memory is full when another completes before it. If that
      never comes, it can complete a round earlier.
    """

    def __init__(
        self,
        requests: list[Request],
        memory: int,
        limit: int,
        relaxed: Multipliers,
        work: float | None = None,
    ) -> None:
        require(len(requests) <= MAX_GUIDED, f"the guided search is for {MAX_GUIDED} requests at most")
        self.numbers = sorted(range(len(requests)), key=requests.__getitem__)  # the place of each bit
        self.requests = [requests[i] for i in self.numbers]
        self.memory, self.relaxed = memory, relaxed
        self.work = (MAX_TRIED if work is None else work) - relaxed.work
        sizes = {(s + o, o): relaxed.horizon + o for _, s, o in requests}
        require(sum(sizes.values()) <= MAX_TIMES, "the search would take too long")
        costs = {kind: relaxed.costs(*kind) for kind in sizes}
        least = {kind: following(row) for kind, row in costs.items()}
        self.costs = [costs[s + o, o] for _, s, o in self.requests]
        self.least = [least[s + o, o] for _, s, o in self.requests]
        # of those alike that have arrived, the first goes first
        self.alike = [
            sum(1 << j for j in range(i) if self.requests[j][1:] == self.requests[i][1:])
            for i in range(len(requests))
        ]
        self.peaks = [s + o for _, s, o in self.requests]
        self.larger = [
            sum(1 << j for j, (_, s, o) in enumerate(self.requests) if s >= prompt and o >= output)
            for _, prompt, output in self.requests
        ]
        self.shortest = Folded(min, [o for _, _, o in self.requests])
        self.best: list[int] | None = None
        self.arrivals = sum(a for a, _, _ in requests)
        self.allow(limit)
        now = self.requests[0][0]
        self.prices = relaxed.prices(now + 1)
        self.owed, self.bases = dict[int, int](), Bases({(): -self.prices})
        self.remaining = self.folded(now)
        layer: Layer = {(): {(1 << len(requests)) - 1: (0, memory, 0, ())}}
        while layer:
            bases = self.bases
            self.turn(now)
            layer = self.after(
                [(self.arrived, running, bases[running], states) for running, states in layer.items()]
            )
            now += 1

    def allow(self, limit: int) -> None:
        """Seek less than a limit from now on."""
        self.limit = limit
        self.most = self.relaxed.scale * (limit - 1 + self.arrivals)

    def folded(self, t: int) -> Folded:
        """What requests that start at a time or later cost at least."""
        return Folded(sum, [self.cost(self.least, i, t) for i in range(len(self.requests))])

    def cost(self, table: list[list[int]], i: int, t: int) -> int:
        """What a request costs, by a table over completions, that starts at t or, if later, its arrival."""
        a, _, o = self.requests[i]
        begin = max(a, t)
        return table[i][begin + o] if begin < self.relaxed.horizon else self.relaxed.scale * (begin + o)

    def turn(self, now: int) -> None:
        """Begin a round: nothing is known yet of the states after it."""
        self.now, self.found, self.bases = now, Layer(), Bases()
        self.many = 0  # states found
        self.paid, self.owed = self.owed, {}  # of what runs, what it pays after this time, and after the next
        self.now_remaining, self.remaining = self.remaining, self.folded(now + 1)
        self.begun = [(now + o) << 7 | i for i, (_, _, o) in enumerate(self.requests)]
        self.arrived = sum(1 << i for i, (a, _, _) in enumerate(self.requests) if a <= now)
        for i, code in enumerate(self.begun):
            if self.arrived >> i & 1:
                self.paid[code] = self.cost(self.costs, i, now) - self.relaxed.scale * (code >> 7)
        parts = self.relaxed.parts
        self.prices -= sum(most * row[now + 1] for _, most, row in parts if now + 1 < len(row))
        self.count(100 * len(self.requests) + 4 * len(parts))

    def after(self, ways: list[Way]) -> Layer:
        """The states a round later."""
        while ways:
            ways.extend(self.expanded(ways.pop()))
        return self.undominated()

    def expanded(self, way: Way) -> list[Way]:
        """The ways in which one more starts in this round; and the states a round later, if none does."""
        may, running, base, states = way
        free = self.free(running)
        self.passed(running, free, states)
        scale, now, later, most = self.relaxed.scale, self.now_remaining, self.remaining, self.most
        ways, to_try, tried = list[Way](), may & reduce(or_, states), 0
        while to_try:
            bit = to_try & -to_try
            i = bit.bit_length() - 1
            code, alike, tried = self.begun[i], self.alike[i], tried + 1
            end, more = code >> 7, base + self.paid[code]
            if not self.fits(free, end, self.peaks[i]):
                may &= ~self.larger[i]
                to_try &= may
                continue
            to_try ^= bit
            still = may & -2 * bit  # may start in this round; all others that are left start later
            begun = {
                left ^ bit: (total + end, room, loose, (code, path))
                for left, (total, room, loose, path) in states.items()
                if left & bit
                and not left & alike
                and scale * (total + end) + now[left & still] + later[(left ^ bit) & ~still] + more <= most
            }
            if begun:
                ways.append((-2 * bit, tuple(sorted((*running, code))), more, begun))
        bits = len(self.requests) // 8
        self.count(120 + 12 * len(running) + (26 + 4 * bits) * len(states))
        self.count(tried * (8 + len(running) + (1 + bits) * len(states)))
        return [(may & after, joined, more, begun) for after, joined, more, begun in ways]

    def passed(self, running: tuple[int, ...], free: Free, states: dict[int, State]) -> None:
        """The states a round later, if none starts any more in this one."""
        then, scale, remaining, left_now = self.now + 1, self.relaxed.scale, self.remaining, 0
        gone = 0
        while gone < len(running) and running[gone] >> 7 == then:
            gone += 1
        staying = running[gone:]
        if not running:
            left_now = self.arrived  # one of these starts, or all that follows could be had a round earlier
        most = self.most - self.base(staying)
        hopeful = [
            (left, state)
            for left, state in states.items()
            if scale * state[0] + remaining[left] <= most and left & left_now != left
        ]
        if 0 in states:
            self.ended(states[0][0], states[0][3])
        if hopeful:
            self.keep(hopeful, staying, running, free)

    def keep(
        self,
        states: list[tuple[int, State]],
        staying: tuple[int, ...],
        running: tuple[int, ...],
        free: Free,
    ) -> None:
        """Keep those in which none completes loose, or is sure to, with who is loose a round later."""
        then, next_end, full = self.now + 1, 0, LARGEST**3
        can = leaving = leading = 0
        fresh = list[tuple[int, int]]()
        for code, (end, room) in zip(running, free):
            i = code & 127
            bit = 1 << i
            if end <= full:  # no completion before sees the memory full
                can |= bit
            if end == then:
                leaving |= bit
            elif not next_end or end == next_end:
                next_end, leading = end, leading | bit
            if not room and end < full:
                full = end
            if code == self.begun[i] and self.requests[i][0] < self.now:
                fresh.append((bit, self.requests[i][1]))
        after = free[0][1] + len(free) * (free[0][0] - then) if free else self.memory
        into = self.found.setdefault(staying, {})
        for left, (total, room, loose, path) in states:
            for bit, s in fresh:
                if room > s:
                    loose |= bit
            loose &= can
            if loose & leaving or (loose & leading and next_end <= then + self.shortest[left]):
                continue
            if left not in into:
                self.many += 1
                require(self.many <= MAX_STATES, "the search would take too long")
            elif into[left][0] <= total:
                continue
            into[left] = total, after, loose, path

    def base(self, staying: tuple[int, ...]) -> int:
        """What is paid for those that stay after the next time, less the most that all can pay."""
        if staying not in self.bases:
            then, base = self.now + 1, -self.prices
            self.count(10 * len(staying))
            for code in staying:
                if code not in self.owed:
                    self.count(10 + 4 * len(self.relaxed.parts))
                    paid = self.relaxed.paid(self.peaks[code & 127], (code >> 7) - then, then)
                    self.owed[code] = self.paid[code] - paid
                base += self.owed[code]
            self.bases[staying] = base
        return self.bases[staying]

    def free(self, running: tuple[int, ...]) -> Free:
        """The tokens that are free at each completion; of several at once the first sees all of them."""
        free, held, many = Free(), 0, 0  # at time t the later ones hold held + many t
        for code in reversed(running):
            end = code >> 7
            held, many = held + self.peaks[code & 127] - end, many + 1
            free.append((end, self.memory - held - many * end))
        free.reverse()
        return free

    def fits(self, free: Free, end: int, peak: int) -> bool:
        """Whether one more that completes at a time keeps within the memory, at all completions."""
        for number, (other, room) in enumerate(free):
            if other >= end:  # at which the others hold less by so many times so many rounds
                return room + (len(free) - number) * (other - end) >= peak
            if room < peak - end + other:
                return False
        return True

    def undominated(self) -> Layer:
        """The states found, but those which another is as good as."""
        layer: Layer = {}
        earliest = [(1 << i, max(a, self.now + 1) + o) for i, (a, _, o) in enumerate(self.requests)]
        for running, states in self.found.items():
            fewer = [self.found.get(running[:j] + running[j + 1 :], {}) for j in range(len(running))]
            self.count(30 + (10 + len(running) + len(earliest) // 2) * len(states))
            kept = dict[int, State]()
            for left, state in states.items():
                total = state[0]
                for other in fewer:
                    if left in other and other[left][0] <= total:
                        break
                else:
                    for bit, end in earliest:
                        if left & bit and left ^ bit in states and states[left ^ bit][0] <= total + end:
                            break
                    else:
                        kept[left] = state
            if kept:
                layer[running] = kept
        return layer

    def ended(self, total: int, path: Any) -> None:
        """Take a schedule, all of whose starts are known, where it is below the limit."""
        total -= self.arrivals
        if total < self.limit:
            self.allow(total)
            self.best = [0] * len(self.requests)
            while path:
                code, path = path
                self.best[self.numbers[code & 127]] = (code >> 7) - self.requests[code & 127][2]

    def count(self, steps: int) -> None:
        """Count more steps, so that no file keeps a checker busy for ever."""
        self.work -= steps
        require(self.work >= 0, "the search would take too long")


if __name__ == "__main__":
    allocation.script(check)
