"""Recipes of problems of other kinds than plain allocations, in numbers that are the same on every machine.

As in the family `servers`, integers are drawn, and decimals of six digits are read from text. What a kind
needs is imported when its recipes are made.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from cvxtoken.allocation.delay import Fifo, Server, Sharing
from cvxtoken.allocation.problem import Workload
from cvxtoken.library.recipe import SEED, Recipe
from cvxtoken.library.servers import SERVED, drawn

KINDS_SINCE = SERVED  # the first version with other kinds of problem
# By types, seeds at which the best whole tokens are others than the nearest to the best real ones.
_ROUNDED_WRONGLY = {2: 924, 3: 912, 4: 913, 6: 918, 8: 914, 12: 910, 20: 912, 40: 910}


def few_tokens(seed: int, size: int, server: Server | None = None, **changes: Any) -> Workload:
    """A workload whose best budgets are a few tokens, slow ones, so that each of them counts."""
    rng = np.random.default_rng([SEED, seed, size])
    fields: dict[str, Any] = {
        "saturation_rate": [number / 100 for number in rng.integers(8, 90, size).tolist()],
        "time_per_token": [number / 1000 for number in rng.integers(40, 300, size).tolist()],
        "max_tokens": 60.0,
        "arrival_rate": 1.0,
        "accuracy_weight": 40.0,
    }
    return drawn(seed, size, server or Fifo(), **(fields | changes))


def whole() -> Iterator[Recipe]:
    """Whole tokens: the number of types, servers, deviations, ties, ends of the box and loads."""
    from cvxtoken.library.problems.whole import WholeTokens

    def recipe(name: str, value: str, seed: int, workload: Workload) -> Recipe:
        knob = "types, server and load"
        return Recipe(f"whole/{name}", knob, value, seed, WholeTokens(workload), KINDS_SINCE)

    yield recipe("n1", "1 type", 909, few_tokens(909, 1))
    for size, seed in _ROUNDED_WRONGLY.items():
        yield recipe(f"n{size}", f"{size} types", seed, few_tokens(seed, size))
    shared = few_tokens(911, 4, Sharing(0.1, replicas=2), arrival_rate=4.0)
    yield recipe("sharing", "4 types on 2 replicas that batch", 911, shared)
    random = few_tokens(912, 4, deviation=0.25, deviation_per_token=0.1)
    yield recipe("deviations", "4 types, service times that vary", 912, random)
    limits = few_tokens(913, 4, max_tokens=[0.5, 2.5, 60.0, 60.0], accuracy_weight=100.0)
    yield recipe("limits", "4 types, two of at most 0.5 and 2.5 tokens", 913, limits)
    load = few_tokens(910, 3, overhead=[0.9, 0.9, 0.9], arrival_rate=1.1, accuracy_weight=30000.0)
    yield recipe("load-0.99", "3 types, utilisation 0.99 at zero tokens", 910, load)
