"""What does a limit on 1 % of the requests save, first come first served and under continuous batching?

This is the second paper's headline: a limit that touches few requests shortens everybody's wait. Lengths are
those of production traces, arrivals Poisson, at a load of 0.7 without the limit, and where prompts then block
for more than a quarter of the time, at the load where they block for so much. Continuous batching is that of
Qwen3-14B on one H100 at the trace's mean input.

Claims: (1) on every trace a limit at the 99 % quantile of the lengths lowers the mean wait first come first
served, its 95 % interval above 0, and where the law is claimed by a larger share than the mean system time of
continuous batching; (2) there the mean system time that iterations simulate is within 1.5 % of the law, with
the limit and without, apart from 5 standard errors. Intervals of savings are from a bootstrap of 2,000 draws
of 100 batches of successive requests, so that neighbours stay together; a table of probabilities has no
requests, and so no interval. Files are given as FILE:COLUMN[:COLUMN OF INPUTS]. Ends in a verdict.
"""

from __future__ import annotations

import csv
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cvxtoken.arrays import FloatArray
from cvxtoken.batching import BatchingProblem, BatchTime, continuous, default_problem, delays, largest_rate
from cvxtoken.batching.continuous import BLOCKED, ContinuousReference
from cvxtoken.batching.problem import DISCIPLINES
from cvxtoken.lengths import LengthDistribution
from cvxtoken.tables import table
from validation.disciplines import h100
from validation.studies import options

LOAD, TOUCHED = 0.7, 0.01
BATCHES, DRAWS = 100, 2000
SMALL, STEPS = 32, 512  # batches whose savings are computed, and steps that their lengths are counted in


@dataclass(frozen=True)
class Trace:
    """Output lengths in the order of the requests (None of a table of probabilities), and the mean input."""

    name: str
    lengths: LengthDistribution
    sample: FloatArray | None
    mean_input: float


def read(source: str) -> Trace:
    """FILE:COLUMN[:INPUT COLUMN], or FILE of a table with the column prob."""
    file, column, *inputs = source.split(":")
    with open(file, encoding="utf-8-sig", newline="") as lines:
        rows = list(csv.DictReader(lines))
    name = Path(file).stem
    if "prob" in rows[0]:
        return Trace(name, LengthDistribution.from_table(file, length=column), None, 1024.0)
    sample = np.array([float(row[column]) for row in rows])
    kept = sample >= 1
    mean = float(np.mean([float(row[inputs[0]]) for row in rows])) if inputs else 1024.0
    return Trace(name, LengthDistribution.empirical(sample[kept]), sample[kept], mean)


def savings(means: FloatArray, squares: FloatArray, k: BatchTime, rates: tuple[float, float]) -> FloatArray:
    """What the limit saves of E[W] and E[T] first come first served, and of E[W] and E[T] of sharing.

    Means and squares are E[N] and E[N^2] without and with the limit, of shape (2, draws), k those of the
    engine that shares, and rates the arrival rates of the two, the first in units of 1 / c.
    """
    lam = rates[0]  # c = 1: nothing hangs on it
    wait = lam * squares / (2 * (1 - lam * means))
    t0, c = k.k1 + k.k2, k.k3 + k.k4
    y = 1 - rates[1] * (t0 + k.k3 * means)
    service = t0 + c * means
    together = service / y
    values = (wait, wait + means, together - service, together)
    return np.array([1 - value[1] / value[0] for value in values])


def moments(lengths: FloatArray, weights: FloatArray, limit: float) -> tuple[FloatArray, FloatArray]:
    """E[N] and E[N^2] without and with the limit, each of shape (2, rows of weights)."""
    both = np.array([lengths, np.minimum(lengths, limit)])
    return both @ weights.T, both**2 @ weights.T


def saved(traces: list[Trace], requests: int) -> bool:
    """Both claims, and the other disciplines exactly."""
    rows, others, good = [], [], True
    for trace in traces:
        limit = float(trace.lengths.quantile(np.array([1 - TOUCHED]))[0])
        touched = float(trace.lengths.survival[int(limit)]) if limit < len(trace.lengths) else 0.0
        k = h100(trace.mean_input, trace.mean_input + trace.lengths.mean / 2)
        n, p = np.arange(1.0, len(trace.lengths) + 1), trace.lengths.probabilities[None]
        means, squares = moments(n, p, limit)
        work = k.k1 + k.k2 + k.k3 * float(means[0, 0])
        # and the load at which prompts block for a quarter of the time
        loads = [LOAD, min(LOAD, BLOCKED * work / (k.k1 + k.k2))]
        for load in dict.fromkeys(loads):
            rates = load / float(means[0, 0]), load / work
            values = savings(means, squares, k, rates)[:, 0]
            spans = [""] * 4
            if trace.sample is not None:
                lows, highs = np.quantile(bootstrapped(trace.sample, limit, k, rates), (0.025, 0.975), axis=1)
                spans = [f" ({100 * a:.1f} .. {100 * b:.1f})" for a, b in zip(lows, highs, strict=True)]
                good &= lows[0] > 0
            runs = [together(trace, k, rates[1], None if whole else int(limit), requests) for whole in (1, 0)]
            claimed = all(run.claimed for run in runs)
            good &= values[0] > values[3] or not claimed
            shown = [f"{100 * value:.1f}{span}" for value, span in zip(values, spans, strict=True)]
            good &= all(not run.claimed or off(run)[0] <= 0.015 + 2.5 * off(run)[1] for run in runs)
            checks = [f"{100 * off(run)[2]:+.1f} +- {100 * off(run)[1]:.1f}" for run in runs]
            row = (
                trace.name,
                f"{limit:.0f}",
                f"{100 * touched:.2f}",
                f"{load:.2f}",
                f"{rates[1] * k.k1:.2f}",
            )
            rows.append((*row, *shown, "yes" if claimed else "no", *checks))
        others.append((trace.name, *batches(trace, int(limit))))
    columns = ["lengths", "limit", "touched (%)", "load", "time in prompts", "FIFO wait saved (%)"]
    columns += ["FIFO time saved (%)", "continuous: lost to others saved (%)", "continuous: time saved (%)"]
    columns += ["claimed", "law off without (%)", "law off with (%)"]
    print("\na limit on 1 % of the requests; the load is that without it; in brackets 95 % intervals")
    print(table(columns, rows))
    print(f"\ntime saved by it in batches of at most {SMALL}, at {LOAD} of what each discipline can do")
    print(table(["lengths", *(f"{name} (%)" for name in DISCIPLINES)], others))
    return good


def off(run: ContinuousReference) -> tuple[float, float, float]:
    """How far the law is from the simulation, relative: its size, half the interval, and with its sign."""
    assert run.simulated is not None
    bias = run.law / run.simulated.value - 1
    return abs(bias), (run.simulated.high - run.simulated.low) / 2 / run.simulated.value, bias


def bootstrapped(sample: FloatArray, limit: float, k: BatchTime, rates: tuple[float, float]) -> FloatArray:
    """Savings of draws of batches of successive requests, at the same rates and limit, shape (4, draws)."""
    parts = np.array_split(sample, BATCHES)
    drawn = np.random.default_rng(23).multinomial(BATCHES, np.full(BATCHES, 1 / BATCHES), DRAWS)
    pairs = [(x, np.minimum(x, limit)) for x in parts]
    sums = [[x.size, x.sum(), y.sum(), (x**2).sum(), (y**2).sum()] for x, y in pairs]
    size, *totals = (drawn @ np.array(sums)).T
    m, m_limited, s, s_limited = (total / size for total in totals)
    return savings(np.array([m, m_limited]), np.array([s, s_limited]), k, rates)


def together(
    trace: Trace, k: BatchTime, rate: float, limit: int | None, requests: int
) -> ContinuousReference:
    """Continuous batching, by the law and by iterations, without a cap that is felt."""
    lengths = trace.lengths if limit is None else trace.lengths.clipped(limit)
    p = BatchingProblem(lengths=lengths, batch_time=k, arrival_rate=rate, max_batch=100_000)
    return continuous(p, num_requests=requests)


def batches(trace: Trace, limit: int) -> list[str]:
    """The time saved under each discipline in percent, on the batch times of the T4."""
    found = []
    step = -(-len(trace.lengths) // STEPS)
    k = default_problem().linear
    coarse = BatchTime(k.k1, k.k2, k.k3 * step, k.k4 * step)
    whole = stepped(trace.lengths, step)
    short = stepped(trace.lengths.clipped(limit), step)
    p = BatchingProblem(lengths=whole, batch_time=coarse, arrival_rate=1.0, max_batch=SMALL)
    for name in DISCIPLINES:
        q = p.replace(arrival_rate=LOAD * largest_rate(p, name, SMALL))
        times = [delays(q.replace(lengths=lengths), name).mean_system_time for lengths in (whole, short)]
        found.append(f"{100 * (1 - times[1] / times[0]):.1f}")
    return found


def stepped(lengths: LengthDistribution, step: int) -> LengthDistribution:
    """The distribution of the steps of some tokens that an output takes, the last not full."""
    p = lengths.probabilities
    return LengthDistribution(np.add.reduceat(p, np.arange(0, len(p), step)))


def main() -> int:
    """Read the traces, print tables and the verdict."""
    parser = options(__doc__)
    parser.add_argument("traces", nargs="*", metavar="FILE:COLUMN[:INPUTS]", help="lengths in CSV files")
    arguments = parser.parse_args()
    paper = Trace("lognormal(7, 0.7)", LengthDistribution.lognormal(7, 0.7, 16_384), None, 1024.0)
    traces = [paper, *(read(source) for source in arguments.traces)]
    good = saved(traces, 2_000 if arguments.quick else 30_000)
    print("verdict: a limit on few helps all, least under sharing" if good else "verdict: a claim FAILED")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
