"""Recipes of problems of other kinds than plain allocations, in numbers that are the same on every machine.

As in the family `servers`, integers are drawn, and decimals of six digits are read from text. What a kind
needs is imported when its recipes are made.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from cvxtoken.allocation.problem import Workload
from cvxtoken.delay import Fifo, Server, Sharing
from cvxtoken.library.builtin import load
from cvxtoken.library.recipe import SEED, Recipe
from cvxtoken.library.servers import SERVED, drawn

if TYPE_CHECKING:
    from cvxtoken.scheduling.problem import Requests

KINDS_SINCE = SERVED  # the first version with other kinds of problem
_SAME = {"accuracy_gain": 0.5, "saturation_rate": 0.001, "overhead": 0.2, "time_per_token": 0.001}
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
    loaded = few_tokens(910, 3, overhead=[0.9, 0.9, 0.9], arrival_rate=1.1, accuracy_weight=30000.0)
    yield recipe("load-0.99", "3 types, utilisation 0.99 at zero tokens", 910, loaded)


def targets() -> Iterator[Recipe]:
    """Each target by itself, some together, some that ask for nothing, and the accuracy alone."""
    from cvxtoken.allocation.targets import Targets
    from cvxtoken.library.problems.targeted import TargetedTokens

    base = drawn(920, 6, Fifo(), accuracy_weight=300.0)
    shared = drawn(921, 6, Sharing(0.05), prompt_tokens=512.0, arrival_rate=2.0)
    many = drawn(923, 20, Fifo(), accuracy_weight=300.0)
    least = {"task 4": 0.84, "task 5": 0.38}
    for name, workload, asked in (
        ("system-time", base, Targets(max_mean_system_time=2.0)),
        ("wait", base, Targets(max_mean_wait=1.5)),
        ("utilization", base, Targets(max_utilization=0.6)),
        ("tokens", base, Targets(max_mean_tokens=400.0)),
        ("memory", shared, Targets(max_mean_kv_tokens=16000.0)),
        ("accuracies", base, Targets(min_accuracy=least)),
        ("some", shared, Targets(max_mean_wait=2.0, max_mean_tokens=4000.0, min_accuracy={"task 0": 0.3})),
        ("tight", base, Targets(max_utilization=0.8, min_accuracy=least)),
        ("loose", base, Targets(max_mean_system_time=100.0, max_utilization=0.99)),
        ("accuracy-wait", base, Targets(objective="accuracy", max_mean_wait=3.0)),
        (
            "accuracy-tokens",
            shared,
            Targets(objective="accuracy", max_mean_tokens=3000.0, max_utilization=0.9),
        ),
        ("many", many, Targets(max_mean_wait=1.0, max_utilization=0.7, min_accuracy={"task 13": 0.5})),
    ):
        told = ", ".join(f"{key} {value}" for key, value in asked.to_document().items())
        value = f"{len(workload)} types, {told}"
        seed = {id(base): 920, id(shared): 921, id(many): 923}[id(workload)]
        problem = TargetedTokens(workload, asked)
        yield Recipe(f"targets/{name}", "objective and targets", value, seed, problem, KINDS_SINCE)


def deviations() -> Iterator[Recipe]:
    """Plain allocations with service times that vary: by the overhead, by the token, of some types."""
    size = 6
    some = [0.0, 0.5, 0.0, 1.5, 0.0, 0.0]
    for name, value, changes in (
        ("overhead-0.1", "0.1 s", {"deviation": 0.1}),
        ("overhead-2", "2 s", {"deviation": 2.0}),
        ("token-0.001", "0.001 s a token", {"deviation_per_token": 0.001}),
        ("token-0.1", "0.1 s a token", {"deviation_per_token": 0.1}),
        ("both", "0.5 s and 0.01 s a token", {"deviation": 0.5, "deviation_per_token": 0.01}),
        ("some", "of two types alone", {"deviation": some, "deviation_per_token": some[::-1]}),
        ("heavy", "0.3 s, a weight of 1e5 s", {"deviation": 0.3, "accuracy_weight": 1e5}),
    ):
        fields = {"accuracy_weight": 300.0} | changes
        workload = drawn(930, size, Fifo(), **fields)
        yield _deviating(name, value, 930, workload)
    yield _deviating("n1", "1 type, 0.5 s", 931, drawn(931, 1, Fifo(), deviation=0.5, accuracy_weight=300.0))
    many = drawn(932, 50, Fifo(), deviation=0.25, deviation_per_token=0.005, accuracy_weight=300.0)
    yield _deviating("n50", "50 types, 0.25 s and 0.005 s a token", 932, many)
    loaded = drawn(933, 4, Fifo(), overhead=[0.9] * 4, arrival_rate=1.1, deviation=0.5, accuracy_weight=1e5)
    yield _deviating("load-0.99", "0.5 s, utilisation 0.99 at zero tokens", 933, loaded)


def _deviating(name: str, value: str, seed: int, workload: Workload) -> Recipe:
    return Recipe(f"deviations/{name}", "deviations of service times", value, seed, workload, KINDS_SINCE)


def robust() -> Iterator[Recipe]:
    """Draws of loads, of all numbers of the types, of deviations and of servers."""
    from cvxtoken.library.problems.robust import RobustTokens
    from cvxtoken.robust.problem import Ensemble

    def types(seed: int, size: int, count: int, **changes: Any) -> list[Workload]:
        fields = {"accuracy_weight": 300.0} | changes
        return [drawn(seed + 10 * draw, size, Fifo(), **fields) for draw in range(count)]

    base = drawn(940, 4, Fifo(), accuracy_weight=300.0)
    loads = [base.replace(arrival_rate=rate) for rate in (0.25, 0.5, 1.0, 2.0)]
    weights = [base.replace(accuracy_weight=weight) for weight in (1.0, 10000.0)]
    shared = [base, base.replace(server=Sharing(0.1)), base.replace(server=Sharing(0.02, replicas=2))]
    full = [base, base.replace(overhead=[0.9] * 4, arrival_rate=1.1, accuracy_weight=1e6)]
    for name, value, draws in (
        ("one", "1 draw of 4 types", [base]),
        ("loads", "4 draws of 4 types, arrival rates of 0.25 to 2 /s", loads),
        ("weights", "2 draws of 4 types, weights of 1 s and 10000 s", weights),
        ("servers", "3 draws of 4 types on 3 servers", shared),
        ("load-0.99", "2 draws of 4 types, one of utilisation 0.99 at zero tokens", full),
        ("n1", "5 draws of 1 type", types(941, 1, 5)),
        ("n6", "5 draws of 6 types", types(942, 6, 5)),
        ("deviations", "5 draws of 6 types, 0.25 s and 0.005 s a token",
         types(943, 6, 5, deviation=0.25, deviation_per_token=0.005)),
        ("n20", "5 draws of 20 types", types(944, 20, 5)),
        ("draws", "25 draws of 4 types", types(945, 4, 25)),
    ):  # fmt: skip
        problem = RobustTokens(Ensemble(draws))
        yield Recipe(f"robust/{name}", "the draws", value, 940, problem, KINDS_SINCE)


def lagged() -> Iterator[Recipe]:
    """Lags: of measured tasks, of types drawn at random, of identical ones, and beyond the largest tokens."""
    from cvxtoken.lagged.problem import LaggedWorkload
    from cvxtoken.library.problems.lagged import LaggedTokens

    def recipe(name: str, value: str, seed: int | None, workload: Workload, lag: list[float]) -> Recipe:
        problem = LaggedTokens(LaggedWorkload(workload, lag))
        return Recipe(f"lagged/{name}", "the lags, in tokens", value, seed, problem, KINDS_SINCE)

    measured = load("qwen3-8b")
    yield recipe("qwen3-8b", "2000 and 170, of two tasks", None, measured, [2000.0, 0.0, 0.0, 170.0, 0.0])
    heavy = measured.replace(accuracy_weight=200.0)
    yield recipe("qwen3-8b-200", "2000 to 500 of all, a weight of 200 s", None, heavy,
                 [2000.0, 2000.0, 1000.0, 500.0, 2000.0])  # fmt: skip
    for size, seed in ((1, 950), (3, 951), (8, 953), (12, 954), (16, 955)):
        workload = drawn(seed, size, Fifo(), accuracy_weight=300.0)
        lag = np.random.default_rng([SEED, seed]).integers(50, 800, size).astype(float).tolist()
        yield recipe(f"n{size}", f"50 to 800 of each of {size} types", seed, workload, lag)
    fields: dict[str, Any] = {name: [value] * 4 for name, value in _SAME.items()}
    same = drawn(956, 4, Fifo(), prior=[0.25] * 4, **fields)
    yield recipe("identical", "600, of 4 identical types", 956, same, [600.0] * 4)
    shared = drawn(957, 6, Sharing(0.05, replicas=2), arrival_rate=4.0, accuracy_weight=300.0)
    yield recipe("sharing", "400, of 6 types on 2 replicas that batch", 957, shared, [400.0] * 6)
    beyond = drawn(958, 4, Fifo(), accuracy_weight=300.0, max_tokens=[300.0, 5000.0, 5000.0, 5000.0])
    yield recipe("beyond", "300.5 to 400, one beyond its largest tokens", 958, beyond,
                 [300.5, 0.0, 400.0, 400.0])  # fmt: skip


def schedules() -> Iterator[Recipe]:
    """Requests that come at once or over time, to memories that hold few or many of them."""
    from cvxtoken.library.problems.schedule import Schedule

    for name, seed, size, memory, longest, until in (
        ("n3", 960, 3, 10, 5, 0),
        ("n5", 961, 5, 12, 6, 0),
        ("n8", 962, 8, 16, 6, 0),
        ("n10", 963, 10, 16, 5, 0),
        ("roomy", 964, 8, 20, 6, 0),
        ("narrow", 965, 6, 9, 5, 0),
        ("arrivals", 966, 8, 14, 6, 8),
        ("arrivals-n10", 967, 10, 14, 5, 12),
        ("arrivals-narrow", 968, 8, 10, 5, 10),
        ("long", 969, 6, 30, 12, 4),
    ):
        rng = np.random.default_rng([SEED, seed])
        problem = Schedule(_requests(rng, size, memory, (3, longest, until)))
        value = _of_requests(size, longest, until, memory)
        yield Recipe(f"schedules/{name}", "requests and memory", value, seed, problem, KINDS_SINCE)


def _requests(rng: np.random.Generator, size: int, memory: int, most: tuple[int, int, int]) -> Requests:
    """Requests whose prompts, outputs and arrivals are at most these."""
    from cvxtoken.scheduling.problem import Requests

    prompt, longest, until = most
    columns = {
        "arrival": np.sort(rng.integers(0, until + 1, size)).tolist(),
        "prompt_tokens": rng.integers(1, prompt + 1, size).tolist(),
        "output_tokens": rng.integers(1, longest + 1, size).tolist(),
    }
    return Requests(memory=memory, **columns)


def _of_requests(size: int, longest: int, until: int, memory: int) -> str:
    arrivals = f"arriving until round {until}" if until else "arriving at once"
    return f"{size} requests of up to {longest} tokens, {arrivals}, a memory of {memory}"


def hindsight() -> Iterator[Recipe]:
    """Forty more schedules, of up to 25 requests, or of outputs nearly as long as the memory."""
    from cvxtoken.library.problems.schedule import Schedule

    many = (10, 12, 14, 16, 18, 20, 22, 25)
    for name, sizes, memory, longest, until in (
        ("once", (8, 10, 11, 12, 13, 14, 16, 18), 20, 8, 0),
        ("arriving", many, 24, 8, 16),
        ("spread", many, 32, 10, 32),
        ("narrow", many, 16, 6, 24),
        ("long", (6, 7, 8, 9), 28, 24, 0),
        ("long-arriving", (8, 9, 10, 11), 30, 25, 30),
    ):
        for size in sizes:
            rng = np.random.default_rng([SEED, 980, memory, size])
            problem = Schedule(_requests(rng, size, memory, (4, longest, until)))
            value = _of_requests(size, longest, until, memory)
            yield Recipe(f"hindsight/{name}-n{size}", "requests and memory", value, 980, problem, KINDS_SINCE)


def limits() -> Iterator[Recipe]:
    """Randomised limits on output tokens: lengths of one to three types, utilities and loads."""
    from cvxtoken.clipping.stopping import Stopping
    from cvxtoken.library.problems.stopping import RandomLimits

    for name, seed, sizes, utility, required, rate in (
        ("n10", 970, (10,), "share_whole", 0.75, 0.5),
        ("n40", 971, (40,), "share_whole", 0.85, 0.1),
        ("n200", 972, (200,), "share_whole", 0.9, 0.02),
        ("tokens", 973, (40,), "share_tokens", 0.9, 0.1),
        ("loose", 974, (20,), "share_whole", 0.05, 0.2),
        ("two", 975, (20, 40), "share_whole", 0.8, 0.1),
        ("two-tokens", 976, (30, 30), "share_tokens", 0.85, 0.1),
        ("three", 977, (10, 20, 40), "share_whole", 0.7, 0.1),
        ("loaded", 978, (40,), "share_whole", 0.9, 0.2),
    ):
        rng = np.random.default_rng([SEED, seed])
        problem = Stopping(
            weights=rng.integers(1, 10, len(sizes)).tolist(),
            counts=tuple(tuple(rng.integers(1, 1000, size).tolist()) for size in sizes),
            time_per_token=0.25,
            overhead=0.5,
            arrival_rate=rate,
            utility=utility,
            required=required,
        )
        longest = " and ".join(map(str, sizes))
        value = f"answers of up to {longest} tokens, a {utility} of {required:g}, {rate:g} /s"
        knob = "lengths, utility and load"
        yield Recipe(f"limits/{name}", knob, value, seed, RandomLimits(problem), KINDS_SINCE)
