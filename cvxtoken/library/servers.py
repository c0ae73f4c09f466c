"""Recipes of instances on other servers than one that takes one query at a time.

Their numbers are the same on every machine: integers are drawn, and decimals of six digits are read from
text. Some are traps for a solver that has the formula of one queue in it: overheads that would fill it,
deviations that do not matter, an arrival rate that several replicas share.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from cvxtoken.allocation.problem import Workload
from cvxtoken.delay import Fifo, Server, Sharing
from cvxtoken.library.builtin import load
from cvxtoken.library.recipe import SEED, Recipe

SERVED = "0.2.0"  # the first version with other servers
_KNOB = "the server, and what it is asked for"
_PARTS = 10**6  # of which priors are whole multiples


class _Engine(NamedTuple):
    """A measured engine: c = alpha + beta, sigma = beta / c; where t0 is None it is that of the tasks."""

    overhead: float | None
    time_per_token: float
    sigma: float
    prompt_tokens: float
    tasks: str
    source: str


# The first two: vishakha-ramani/pd-model-validation at 3f2021a, t0 of 1024 prompt tokens, and beta at the
# mean context with 128 or 256 tokens made. The third: a line through ml-energy/leaderboard at 0cd52da.
_ENGINES = {
    "qwen3-14b": _Engine(
        *(0.0407618, 0.0109523, 0.00618398, 1024.0, "qwen3-8b"),
        "Engine: Qwen3-14B, 1xH100, vLLM 0.23.0 (vishakha-ramani/pd-model-validation). Accuracy: Qwen3-8B, ",
    ),
    "llama-3.3-70b": _Engine(
        *(0.0650482, 0.0160534, 0.00473250, 1024.0, "r1-distill-8b"),
        "Engine: Llama-3.3-70B, 4xH100, vLLM 0.11.0 (vishakha-ramani/pd-model-validation). Accuracy: "
        "R1-Distill-Llama-8B, ",
    ),
    "llama-3.1-8b": _Engine(
        *(None, 0.0062813, 0.0129432, 0.0, "r1-distill-8b"),
        "Engine: Llama-3.1-8B, 1xH100, vLLM (ml-energy/leaderboard). Accuracy and overheads: "
        "R1-Distill-Llama-8B, ",
    ),
}


def servers() -> Iterator[Recipe]:
    """The instances of the family."""
    yield from _laws()
    yield from _loads()
    yield from _corners()
    yield from _engines()
    yield from _unstable()


def drawn(seed: int, size: int, server: Server, **changes: Any) -> Workload:
    """A workload like the measured ones, of whole numbers and powers of ten."""
    rng = np.random.default_rng([SEED, seed, size])

    def thousandths(low: int, high: int) -> list[float]:
        return [number / 1000 for number in rng.integers(low, high, size).tolist()]

    def decimals(low: int, high: int) -> list[float]:
        """Two digits times a power of ten, from 10 10^low to 99 10^(high - 1)."""
        digits, powers = rng.integers(10, 100, size).tolist(), rng.integers(low, high, size).tolist()
        return [float(f"{digit}e{power}") for digit, power in zip(digits, powers, strict=True)]

    gain = thousandths(100, 600)
    fields: dict[str, Any] = {
        "names": [f"task {k}" for k in range(size)],
        "prior": _priors(rng.integers(1000, 5000, size).tolist()),
        "accuracy_gain": gain,
        "saturation_rate": decimals(-6, -4),
        "base_accuracy": thousandths(0, 400),
        "overhead": thousandths(10, 400),
        "time_per_token": decimals(-5, -3),
        "arrival_rate": 1.0,
        "accuracy_weight": 100.0,
        "max_tokens": 32768.0,
    }
    return Workload(**(fields | {"server": server} | changes))


def _priors(weights: list[int]) -> list[float]:
    """Millionths in about these proportions; the first takes what is left."""
    parts = [weight * _PARTS // sum(weights) for weight in weights]
    parts[0] += _PARTS - sum(parts)
    return [part / _PARTS for part in parts]


def _recipe(name: str, value: str, seed: int | None, workload: Workload) -> Recipe:
    return Recipe(f"servers/{name}", _KNOB, value, seed, workload, SERVED)


def _laws() -> Iterator[Recipe]:
    """The parameters of a server, and the number of types."""
    for sigma in (0.0, 0.005, 0.02, 0.1, 0.3, 0.6, 1.0):
        yield _recipe(f"sigma-{sigma:g}", f"sigma {sigma:g}", 900, drawn(900, 6, Sharing(sigma)))
    for sigma in (0.02, 1.0):
        rated = drawn(900, 6, Sharing(sigma, overhead=sigma), arrival_rate=2.0, deviation=0.25)
        value = f"overheads shared as tokens are, sigma {sigma:g}; with deviations, which do not matter"
        yield _recipe(f"chunked-{sigma:g}", value, 900, rated)
    for overhead in (0.0, 0.1, 0.5):
        rated = drawn(901, 6, Sharing(0.1, overhead), overhead=[0.75] * 6, arrival_rate=2.0)
        value = f"sigma0 {overhead:g}, where one query at a time would be a utilisation of 1.5"
        yield _recipe(f"overhead-{overhead:g}", value, 901, rated)
    for replicas, rate in ((2, 4.0), (8, 12.0)):
        shared = Sharing(0.02, replicas=replicas)
        value = f"{replicas} replicas"
        yield _recipe(f"replicas-{replicas}", value, 902, drawn(902, 6, shared, arrival_rate=rate))
        alone = drawn(902, 6, Fifo(replicas), arrival_rate=rate, deviation_per_token=1e-3)
        yield _recipe(f"fifo-replicas-{replicas}", f"{value}, each one query at a time", 902, alone)
    for size in (1, 2, 5, 20, 50, 100, 200):
        yield _recipe(f"n{size}", f"{size} types", 903, drawn(903, size, Sharing(0.05)))


def _loads() -> Iterator[Recipe]:
    """A load of sigma0 T0 = 1 s a query without tokens, and weights at which types think in spite of it."""
    for digits in range(1, 7):
        rate = float("0." + "9" * digits)
        for replicas, weight in ((1, 30 * 100**digits), (8, 10 * 100**digits)):
            if replicas > 1 and digits % 2:
                continue
            server = Sharing(0.02, replicas=replicas)
            fields = {"arrival_rate": rate, "accuracy_weight": float(weight)}
            w = drawn(904, 6, server, overhead=[float(replicas)] * 6, **fields)
            value = f"utilisation {rate:g} at zero tokens, {replicas} replicas, a weight of {weight:g} s"
            yield _recipe(f"load-{rate:g}-{replicas}", value, 904, w)


def _corners() -> Iterator[Recipe]:
    """Optima at the ends of the box, and a type that is hardly ever asked."""
    for sigma in (0.0, 0.1):
        server = Sharing(sigma)
        zero = drawn(905, 6, server, accuracy_weight=1e-6)
        yield _recipe(f"all-zero-{sigma:g}", f"no type thinks, sigma {sigma:g}", 905, zero)
        top = drawn(905, 6, server, accuracy_weight=1e8, max_tokens=16.0)
        yield _recipe(f"all-max-{sigma:g}", f"all types at 16 tokens, sigma {sigma:g}", 905, top)
    limits = [0.0, 100.0, 0.0, 1000.0, 32768.0, 32768.0]
    mixed = drawn(906, 6, Sharing(0.1), max_tokens=limits, prompt_tokens=512.0)
    yield _recipe("mixed", "some at zero, some at the top, some between", 906, mixed)
    rare = drawn(907, 4, Sharing(0.1), prior=[1e-6, 0.3, 0.3, 0.399999])
    yield _recipe("prior-1e-6", "a prior of 1e-6", 907, rare)


def _engine(name: str, rate: float, weight: float, replicas: int = 1) -> Workload:
    """A measured engine with the tasks of a built-in workload."""
    engine = _ENGINES[name]
    w = load(engine.tasks)
    size = len(w)
    return w.replace(
        overhead=w.overhead if engine.overhead is None else np.full(size, engine.overhead),
        time_per_token=np.full(size, engine.time_per_token),
        prompt_tokens=engine.prompt_tokens,
        arrival_rate=rate,
        accuracy_weight=weight,
        server=Sharing(engine.sigma, replicas=replicas),
        source=engine.source + w.source,
    )


def _engines() -> Iterator[Recipe]:
    for name, rate, weight, replicas in (
        ("qwen3-14b", 2.0, 600.0, 1),
        ("qwen3-14b", 12.0, 2000.0, 1),
        ("qwen3-14b", 64.0, 1000.0, 8),
        ("llama-3.3-70b", 2.0, 1000.0, 1),
        ("llama-3.3-70b", 16.0, 4000.0, 2),
        ("llama-3.1-8b", 4.0, 600.0, 1),
        ("llama-3.1-8b", 10.0, 3000.0, 1),
    ):
        value = f"{rate:g} /s on {replicas} of {name}, a weight of {weight:g} s"
        yield _recipe(f"{name}-{rate:g}-{replicas}", value, None, _engine(name, rate, weight, replicas))


def _unstable() -> Iterator[Recipe]:
    """Utilisation at zero tokens: exactly 1, and above."""
    exact = drawn(908, 2, Sharing(0.1, 0.5, replicas=2), overhead=[0.5] * 2, arrival_rate=8.0)
    yield _recipe("unstable-exactly-1", "utilisation 1 at zero tokens", 908, exact)
    above = exact.replace(arrival_rate=8.00001)
    yield _recipe("unstable-above", "utilisation 1.00000125 at zero tokens", 908, above)
    value = "25 /s on 1 of qwen3-14b, more than its prompts leave time for"
    yield _recipe("unstable-qwen3-14b", value, None, _engine("qwen3-14b", 25.0, 60.0))
