"""Where the instances of the library come from: recipes, family by family, from recorded seeds.

Every family turns one knob of a random realistic workload. `cvxtoken.library.build` certifies what a recipe
makes and writes it down to the last bit; from then on the file is the instance, and the recipe says where it
came from. The recipes of version 0.1.0 use powers and dot products, whose last digits differ between
processors: made elsewhere, their numbers agree up to rounding. Newer recipes may hold only decimals of six
digits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from cvxtoken.allocation import model
from cvxtoken.allocation.fields import PER_TYPE
from cvxtoken.allocation.problem import Workload
from cvxtoken.library import varied
from cvxtoken.library.builtin import load
from cvxtoken.library.recipe import SEED, Recipe
from cvxtoken.library.servers import servers

# The optimal tokens of two types, as limits. They are written out, so that no solver's last digit is in them.
_AT_TOP = {
    501: [365.8564639322404, 32768.0, 915.8867019703013, 32768.0],
    502: [380.57070444729106, 32768.0, 217.95534178134534, 32768.0],
}


def recipes(family: str) -> list[Recipe]:
    """The instances of a family, in a fixed order."""
    return list(FAMILIES[family]())


def random_workload(seed: int, size: int) -> Workload:
    """Like the measured workloads: b from 1e-5 to 1e-2, c from 1e-4 to 2e-3, utilisation at 0 below 0.9."""
    rng = np.random.default_rng([SEED, seed, size])
    prior = rng.uniform(0.2, 1.0, size)
    prior /= prior.sum()
    gain = rng.uniform(0.1, 0.9, size)
    overhead = rng.uniform(0.01, 0.6, size)
    return Workload(
        names=[f"task {k}" for k in range(size)],
        prior=prior,
        accuracy_gain=gain,
        saturation_rate=10 ** rng.uniform(-5, -2, size),
        base_accuracy=rng.uniform(0, 1, size) * (1 - gain),
        overhead=overhead,
        time_per_token=10 ** rng.uniform(-4, -2.7, size),
        arrival_rate=rng.uniform(0.05, 0.9) / float(prior @ overhead),
        accuracy_weight=10 ** rng.uniform(1, 3),
        max_tokens=32768.0,
    )


def at_utilization(workload: Workload, utilization_at_zero: float) -> Workload:
    """The workload with the arrival rate that gives this utilisation without thinking tokens."""
    rate = utilization_at_zero / float(workload.prior @ workload.overhead)
    return workload.replace(arrival_rate=rate)


def _realistic() -> Iterator[Recipe]:
    for size in (1, 2, 3, 6, 12, 25, 50, 100):
        for seed in range(4):
            yield Recipe(f"realistic/n{size}-{seed}", "types", f"{size}", seed, random_workload(seed, size))


def _workloads() -> Iterator[Recipe]:
    for name in ("qwen3-8b", "r1-distill-8b"):
        for rate, weight in (
            (0.01, 30.0),
            (0.05, 30.0),
            (0.1, 30.0),
            (0.1, 60.0),
            (0.5, 100.0),
            (1.0, 200.0),
        ):
            workload = load(name).replace(arrival_rate=rate, accuracy_weight=weight)
            value = f"{rate} /s, {weight:g} s"
            yield Recipe(
                f"workloads/{name}-{rate}-{weight:g}", "arrival rate and weight", value, None, workload
            )


def _utilization() -> Iterator[Recipe]:
    for rho in (0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 0.999, 1 - 1e-4, 1 - 1e-6, 1 - 1e-9):
        for seed in (100, 101):
            label = f"{rho:g}" if rho <= 0.999 else f"1-{1 - rho:.0e}"
            workload = at_utilization(random_workload(seed, 6), rho)
            if seed == 101:  # a weight at which types think in spite of the load
                workload = workload.replace(accuracy_weight=min(30 / (1 - rho) ** 2, 1e14))
            yield Recipe(
                f"utilization/{label}-{seed}", "utilisation at zero tokens", repr(rho), seed, workload
            )


def _weight() -> Iterator[Recipe]:
    for exponent in range(9):
        for seed in (200, 201):
            workload = random_workload(seed, 6).replace(accuracy_weight=10.0**exponent)
            yield Recipe(
                f"weight/1e{exponent}-{seed}", "accuracy weight (s)", f"1e{exponent}", seed, workload
            )


def _spread() -> Iterator[Recipe]:
    for decades in range(6):
        for seed in (300, 301):
            rng = np.random.default_rng([SEED, seed])
            rates = 10 ** (-3.5 + decades * np.concatenate([[-0.5, 0.5], rng.uniform(-0.5, 0.5, 4)]))
            workload = random_workload(seed, 6).replace(saturation_rate=rates)
            knob = "decades between the least and the largest saturation rate"
            yield Recipe(f"spread/{decades}-{seed}", knob, str(decades), seed, workload)


def _size() -> Iterator[Recipe]:
    for size in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000):
        yield Recipe(f"size/{size}", "types", str(size), 400, random_workload(400, size))


def _degenerate() -> Iterator[Recipe]:
    knob = "what is degenerate"
    for size in (2, 8, 32):
        one = random_workload(500, 1)
        columns = {field: np.repeat(getattr(one, field), size) for field in (*PER_TYPE, "max_tokens")}
        columns["prior"] = np.full(size, 1 / size)
        same = one.replace(names=[f"copy {k}" for k in range(size)], **columns)
        yield Recipe(f"degenerate/identical-{size}", knob, f"{size} identical types", 500, same)
    for seed in (501, 502):
        w = random_workload(seed, 4)
        price = model.delay_price(w, np.zeros(4))
        edge = float(np.min(price * w.time_per_token / (w.accuracy_gain * w.saturation_rate)))
        for name, factor in (("", 1.0), ("-above", 1 + 1e-9)):
            value = "one type's derivative vanishes at 0 tokens" + (" nearly" if name else "")
            yield Recipe(
                f"degenerate/at-zero{name}-{seed}",
                knob,
                value,
                seed,
                w.replace(accuracy_weight=edge * factor),
            )
        w = random_workload(seed, 4).replace(accuracy_weight=1e4)
        value = "two types' derivatives vanish at max_tokens"
        yield Recipe(f"degenerate/at-top-{seed}", knob, value, seed, w.replace(max_tokens=_AT_TOP[seed]))
    for exponent in (6, 9, 12, 15):
        w = random_workload(503, 4)
        prior = np.array([10.0**-exponent, 0.3, 0.3, 0.4])
        prior[3] -= prior[0]
        yield Recipe(
            f"degenerate/prior-1e-{exponent}", knob, f"a prior of 1e-{exponent}", 503, w.replace(prior=prior)
        )


def _all_zero() -> Iterator[Recipe]:
    for size in (1, 6, 50):
        for rho in (0.1, 0.5, 0.9):
            workload = at_utilization(random_workload(600, size), rho).replace(accuracy_weight=1e-6)
            yield Recipe(f"all-zero/n{size}-{rho:g}", "utilisation at zero tokens", f"{rho:g}", 600, workload)


def _all_max() -> Iterator[Recipe]:
    for size in (1, 6, 50):
        for limit in (0.5, 1.0, 16.0):
            workload = at_utilization(random_workload(700, size), 0.1)
            workload = workload.replace(accuracy_weight=1e8, max_tokens=limit)
            yield Recipe(f"all-max/n{size}-{limit:g}", "max_tokens", f"{limit:g}", 700, workload)


def _infeasible() -> Iterator[Recipe]:
    """Utilisation at zero tokens: exactly 1 (in binary fractions), one unit above, and far above."""
    knob = "utilisation at zero tokens"
    for size in (1, 2, 8):
        exact = random_workload(800, size).replace(
            prior=np.full(size, 1 / size), overhead=np.full(size, 0.5), arrival_rate=2.0
        )
        yield Recipe(f"infeasible/n{size}-exactly-1", knob, "1", 800, exact)
        above = exact.replace(arrival_rate=float(np.nextafter(2.0, 3.0)))
        yield Recipe(f"infeasible/n{size}-one-ulp-above", knob, "1 + 2^-52", 800, above)
        for rho in (1.001, 2.0, 100.0):
            workload = at_utilization(random_workload(801, size), rho)
            yield Recipe(f"infeasible/n{size}-{rho:g}", knob, f"{rho:g}", 801, workload)


FAMILIES: dict[str, Callable[[], Iterator[Recipe]]] = {
    "realistic": _realistic,
    "workloads": _workloads,
    "utilization": _utilization,
    "weight": _weight,
    "spread": _spread,
    "size": _size,
    "degenerate": _degenerate,
    "all-zero": _all_zero,
    "all-max": _all_max,
    "infeasible": _infeasible,
    "servers": servers,
    "whole": varied.whole,
    "targets": varied.targets,
    "deviations": varied.deviations,
    "robust": varied.robust,
    "lagged": varied.lagged,
    "schedules": varied.schedules,
    "limits": varied.limits,
    "hindsight": varied.hindsight,
}
