"""One workload of N types: ours against other people's solvers, and against the least work there is.

Run with `.venv/bin/python -m pytest validation/benchmarks -s` (extra `bench`).
"""

from __future__ import annotations

import time
from typing import Any

import pytest

from cvxtoken import Workload, Workloads, certify_many, price_newton
from cvxtoken.allocation.prices.columns import Columns
from cvxtoken.allocation.prices.gap import appraise
from cvxtoken.arrays import FloatArray
from cvxtoken.rigorous.elementwise import worthwhile
from validation.benchmarks.competitors import FIELD
from validation.benchmarks.conftest import Report, fastest, memory, workload
from validation.benchmarks.limit import single_pass

TITLE = "One workload of N types"
CASES = sorted(
    ((name, size) for name, (_, sizes) in FIELD.items() for size in sizes), key=lambda case: case[1]
)


def true_error(workload: Workload, tokens: FloatArray) -> float:
    """(J* - J) / (1 + |J*|): by the dual gap, or by the optimum, whichever bound is less."""
    found = appraise(Columns.of(workload), tokens)
    best = price_newton(workload)
    top = best.objective + best.trace.residuals[-1] * (1 + abs(best.objective))
    return max(0.0, float(min(found.gap, top - found.objective))) / (1 + abs(best.objective))


@pytest.mark.parametrize(("name", "size"), CASES)
@pytest.mark.filterwarnings("ignore")
def test_solver(benchmark: Any, report: Report, name: str, size: int) -> None:
    w = workload(size)
    solve = FIELD[name][0](w)
    tokens = solve(w)
    rounds = 7 if size >= 100_000 else 15
    limit = fastest(lambda: single_pass(w), rounds)
    benchmark.pedantic(solve, (w,), rounds=rounds if name.startswith("cvxtoken") else 3)
    seconds = benchmark.stats.stats.min
    limit = min(limit, fastest(lambda: single_pass(w), rounds))
    error = true_error(w, tokens)
    report.points[name].append((size, seconds))
    if name.startswith("cvxtoken"):
        report.points["a single pass"].append((size, limit))
    report.add(
        TITLE,
        solver=name,
        types=str(size),
        seconds=f"{seconds:.3g}",
        passes=f"{seconds / limit:.3g}",
        megabytes=f"{memory(lambda: solve(w)) / 1e6:.1f}",
        error=f"{error:.1e}",
    )
    if name.startswith("cvxtoken"):
        assert error <= 1e-12
        if size == 1_000_000:
            assert seconds / limit <= 10


@pytest.mark.parametrize("size", [100_000, 1_000_000, 10_000_000])
def test_with_proof(report: Report, size: int) -> None:
    """In passes, CPU time: a solution and bounds of it, compiled where Numba is there."""
    w = workload(size)
    data, tokens = Workloads.of([w]), price_newton(w).tokens
    calls = [lambda: single_pass(w), lambda: price_newton(w), lambda: certify_many(data, tokens)]
    limit, search, proof = (fastest(call, 5, time.process_time) for call in calls)
    report.add(
        "One workload and its proof",
        types=str(size),
        numba=str(worthwhile(size)),
        nanoseconds_a_pass=f"{1e9 * limit / size:.1f}",
        search=f"{search / limit:.2f}",
        with_proof=f"{(search + proof) / limit:.2f}",
    )
    if size == 1_000_000 and worthwhile(size):
        assert search <= 6 * limit
        assert search + proof <= 8 * limit


def test_cost_grows_linearly(report: Report) -> None:
    name = "cvxtoken price_newton"
    if len(report.points[name]) < 4:
        pytest.skip("needs the sizes above")
    exponent = report.exponent(name, 10_000)
    report.add("Growth", solver=name, sizes="1e4 to 1e7", exponent=f"{exponent:.3f}")
    assert exponent <= 1.1


def test_memory_is_proportional_to_the_types(report: Report) -> None:
    peaks = {}
    for size in (100_000, 1_000_000):
        w = workload(size)
        peaks[size] = memory(lambda w=w: price_newton(w, tolerance=1e-12)) / size  # type: ignore[misc]
        report.add(
            "Memory", solver="cvxtoken price_newton", types=str(size), bytes_a_type=f"{peaks[size]:.0f}"
        )
    assert peaks[1_000_000] <= 1.5 * peaks[100_000]
