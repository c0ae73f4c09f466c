"""Price Newton against CVXPY + Clarabel, as a ratio within one run, and how its cost grows with N.

Run with `.venv/bin/python -m pytest validation/benchmarks -s` (extra `bench`). Clarabel's time is that of
its solve, without compilation; the workload has about two thirds of its types active.
"""

from __future__ import annotations

import time
from statistics import median

import numpy as np
import pytest

from cvxtoken import price_newton
from cvxtoken.allocation.program import presolved_program
from tests.instances import realistic

SEED = 3


@pytest.mark.parametrize("size", [100, 1000, 10_000])
def test_ratio_to_clarabel(benchmark, size: int) -> None:  # type: ignore[no-untyped-def]
    workload = realistic(SEED, size)
    result = benchmark(price_newton, workload)
    assert result.converged
    problem = presolved_program(workload).problem
    problem.solve(solver="CLARABEL")
    solver_seconds = problem.solver_stats.solve_time
    ratio = solver_seconds / benchmark.stats.stats.median
    active = float(np.mean((result.tokens > 0) & (result.tokens < workload.max_tokens)))
    benchmark.extra_info.update(ratio_to_clarabel=ratio, active=active)
    print(
        f"\nN = {size} ({active:.0%} active): {ratio:.0f} times faster than Clarabel's {solver_seconds:.3f} s"
    )
    assert size < 10_000 or ratio >= 100


def test_cost_grows_linearly() -> None:
    sizes, seconds = [10_000, 100_000, 1_000_000], []
    for size in sizes:
        workload = realistic(SEED, size)
        runs = []
        for _ in range(3):
            started = time.perf_counter()
            result = price_newton(workload)
            runs.append(time.perf_counter() - started)
        assert result.converged
        assert result.trace.residuals[-1] <= 1e-12
        seconds.append(median(runs))
    exponent = np.polyfit(np.log(sizes), np.log(seconds), 1)[0]
    print(f"\nseconds at N = {sizes}: {[round(s, 3) for s in seconds]}, growth exponent {exponent:.2f}")


def test_memory_is_proportional_to_the_types() -> None:
    import tracemalloc

    peaks = []
    for size in (100_000, 1_000_000):
        workload = realistic(SEED, size)
        assert workload.idle_at_zero > 0
        tracemalloc.start()
        price_newton(workload)
        peaks.append(tracemalloc.get_traced_memory()[1] / size)
        tracemalloc.stop()
    print(f"\npeak bytes a type: {[round(peak) for peak in peaks]}")
    assert peaks[1] <= 1.2 * peaks[0]
