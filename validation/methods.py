"""Where does each method work, and does any claim what it did not reach?

Claims: (1) every result that says it converged has a rigorously certified relative gap of at most 1e-10, on
the built-in workloads, a grid of arrival rates and weights, 500 random workloads and the stress matrix, from
zero and from random starts; (2) the price Newton method always converges, to 1e-12; (3) the plain fixed
point converges wherever its contraction bound is below 1; (4) where it does not converge, at 0.1 /s and 30 s
of the default workload, the gradient method with its proven step does. Ends in a verdict; non-zero exit where
it is bad.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

import cvxtoken
from cvxtoken import plots
from cvxtoken.allocation import methods, model
from cvxtoken.allocation.methods.loop import CLAIMED_GAP
from cvxtoken.arrays import FloatArray
from cvxtoken.picture import save
from cvxtoken.tables import table
from validation.instances import realistic, stress
from validation.studies import options

METHODS: dict[str, Callable[..., methods.Result]] = {
    "fixed_point": methods.fixed_point,
    "fixed_point_damped": partial(methods.fixed_point, damping=0.5),
    "gauss_seidel": partial(methods.fixed_point, order="gauss-seidel"),
    "projected_gradient": partial(methods.projected_gradient, max_iterations=1000),
    "backtracking": partial(methods.projected_gradient, rule="backtracking", max_iterations=1000),
    "accelerated": partial(methods.projected_gradient, rule="accelerated", max_iterations=1000),
    "newton": methods.newton,
    "price_newton": methods.price_newton,
}

LOADS = ((0.01, 30.0), (0.1, 30.0), (0.5, 100.0))


def instances(quick: bool) -> Iterator[tuple[str, cvxtoken.Workload]]:
    """Family and workload of everything that is tried."""
    for name in cvxtoken.workloads():
        for rate in (0.01, 0.1, 1.0) if quick else (0.001, 0.01, 0.05, 0.1, 0.5, 1.0, 1.5):
            for weight in (10.0, 30.0, 100.0, 1000.0):
                yield "built-in grid", cvxtoken.load(name).replace(arrival_rate=rate, accuracy_weight=weight)
    for seed in range(25 if quick else 500):
        yield "random", realistic(seed, (1, 2, 6, 20, 50)[seed % 5])
    for _, workload in stress((6,) if quick else (1, 6, 50)):
        yield "stress", workload


def starts(workload: cvxtoken.Workload, seed: int) -> list[FloatArray | None]:
    """Zero, and random stable tokens up to close to the limit."""
    rng = np.random.default_rng(seed)
    l = rng.uniform(0, 1, len(workload)) * workload.max_tokens
    thinking = workload.arrival_rate * float((workload.time_per_token * l) @ workload.prior)
    share = min(1.0, 0.999 * float(workload.idle_at_zero) / thinking)
    return [None, l * share * 10.0 ** rng.uniform(-4, 0)]


def study(quick: bool) -> tuple[list[tuple[str, ...]], list[str]]:
    """Rows of the table, and the faults found."""
    counts: dict[tuple[str, str], Counter[str]] = {}
    worst: dict[tuple[str, str], float] = {}
    faults = []
    for number, (family, workload) in enumerate(instances(quick)):
        bound = cvxtoken.contraction_bound(workload).value
        for start in starts(workload, number):
            if start is not None and not model.idle(workload, start) > 0:
                continue
            for name, method in METHODS.items():
                result = method(workload, start=start)
                key = (name, family)
                kind = "converged" if result.converged else result.outcome.split(":")[0].split(" of ")[0]
                counts.setdefault(key, Counter())[kind] += 1
                if not result.converged:
                    if name == "price_newton" or (name == "fixed_point" and bound is not None and bound < 1):
                        faults.append(f"{name} should converge on {family} {number}: {result.outcome}")
                    continue
                gap = float(result.certificate.relative_gap)
                worst[key] = max(worst.get(key, 0.0), gap)
                if gap > (1e-12 if name == "price_newton" else CLAIMED_GAP):
                    faults.append(f"{name} claims to converge on {family} {number} with a gap of {gap}")
    rows = []
    for (name, family), counter in counts.items():
        kinds = ", ".join(f"{kind} {count}" for kind, count in counter.most_common() if kind != "converged")
        share = f"{counter['converged']}/{counter.total()}"
        rows.append((name, family, share, f"{worst.get((name, family), 0.0):.1e}", kinds))
    return rows, faults


def beyond_contraction() -> bool:
    """The plain fixed point and the gradient method with its proven step, from light load to heavy."""
    rows, found = [], {}
    for rate, weight in LOADS:
        workload = cvxtoken.load("qwen3-8b").replace(arrival_rate=rate, accuracy_weight=weight)
        radius = cvxtoken.spectral_radius_at(workload, cvxtoken.solve(workload).tokens)
        results = methods.fixed_point(workload), methods.projected_gradient(workload)
        found[rate] = [result.converged for result in results]
        outcomes = [f"{result.outcome.split(':')[0].rstrip('.')}; {result.iterations}" for result in results]
        rows.append((f"{rate:g} /s, {weight:g} s", f"{radius:.3f}", *outcomes))
    columns = ["load", "spectral radius", "fixed point; steps", "gradient, proven step; steps"]
    print(table(columns, rows, left=columns[2:]))
    return found[0.01] == [True, True] and found[0.1] == [False, True]


def draw(path: Path) -> None:
    """The certified gap along the iterations on the default workload."""
    workload = cvxtoken.load("qwen3-8b")
    results = {name: method(workload) for name, method in methods.METHODS.items()}
    save(plots.convergence(results).figure, path)


def main() -> int:
    """Run the study, print the tables and the verdict."""
    arguments = options(__doc__).parse_args()
    rows, faults = study(arguments.quick)
    print(table(["method", "family", "converged", "worst proven gap", "else"], rows, left=("family", "else")))
    for fault in faults:
        print(fault)
    if not beyond_contraction():
        faults.append("the gradient method should converge where the plain fixed point does not")
    if arguments.picture:
        draw(arguments.picture)
    print(
        "verdict: no method claims what it did not reach" if not faults else f"verdict: {len(faults)} FAULTS"
    )
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
