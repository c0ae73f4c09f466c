"""The best schedule by trying every start of every request, with the memory told round by round.

Nothing here is shared with the package. It is quick for some eight requests of a few tokens.
"""

from __future__ import annotations

import random

Request = tuple[int, int, int]  # arrival, prompt tokens, output tokens


def fits(requests: list[Request], memory: int, starts: list[int]) -> bool:
    """Whether the starts are not before the arrivals and no round holds more than the memory."""
    early = any(k < a for (a, _, _), k in zip(requests, starts, strict=True))
    held: dict[int, int] = {}
    for (_, s, o), k in zip(requests, starts, strict=True):
        for j in range(1, o + 1):
            held[k + j] = held.get(k + j, 0) + s + j
    return not early and max(held.values()) <= memory


def optimum(requests: list[Request], memory: int) -> tuple[int, list[int]]:
    """The least sum of completions less arrivals, and starts that have it.

    A best schedule is never idle while someone waits, so that it ends by the last arrival and all outputs.
    """
    end = max(a for a, _, _ in requests) + sum(o for _, _, o in requests)
    order = sorted(range(len(requests)), key=lambda i: -requests[i][2])  # the longest have the fewest starts
    rest = [sum(requests[i][2] for i in order[p:]) for p in range(len(order) + 1)]
    held, starts = [0] * (end + 1), [0] * len(requests)
    least, best = 10**9, list[int]()

    def place(p: int, cost: int) -> None:
        nonlocal least, best
        if p == len(order):
            least, best = cost, list(starts)
            return
        a, s, o = requests[order[p]]
        for k in range(a, end - o + 1):
            total = cost + k + o - a
            if total + rest[p + 1] >= least:  # the others take their outputs at least
                return
            if all(held[k + j] + s + j <= memory for j in range(1, o + 1)):
                starts[order[p]] = k
                for j in range(1, o + 1):
                    held[k + j] += s + j
                place(p + 1, total)
                for j in range(1, o + 1):
                    held[k + j] -= s + j

    place(0, 0)
    return least, best


def drawn(rng: random.Random, most: int = 5, longest: int = 5) -> tuple[list[Request], int]:
    """One to `most` requests and a memory of 2 to 12 tokens; in a third of cases many are alike."""
    memory, late, prompt = rng.randint(2, 12), rng.choice((0, 0, 3, 6, 12)), rng.choice((0, 1, 3, 8))
    requests = []
    for _ in range(rng.randint(1, most)):
        o = rng.randint(1, min(memory, longest))
        requests.append((rng.randint(0, late), rng.randint(0, min(memory - o, prompt)), o))
    alike = rng.random() < 1 / 3
    return [rng.choice(requests) for _ in requests] if alike else requests, memory
