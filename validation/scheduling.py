"""What do scheduling policies lose against the hindsight optimum, by certified intervals?

(1) The two synthetic models of the literature (arXiv 2502.07115): there MC-SF is reported within 1.005 and
1.047 of the optimum on average. Here each trial gives an interval that holds the ratio: TEL over the best
schedule known, and over a proven bound. `--trials 200` as there takes hours; 6 are looked at by default.
(2) A_min against A_max as the interval [l, u] widens, the two claims of arXiv 2508.14544: a logarithm of
1 / alpha = u / l against a power; also where few are long, and these come first, which is hard for A_max. The
paper's theorems are told of one prompt length, one interval and no arrivals, so they say nothing of a trace.
(3) The Azure conversation trace by its path, memory 16,492, overloaded and at a load of 0.87, with our policy
of backfilling beside A_min and A_max: `python -m validation.scheduling [TRACE] [--trials N]`.
(4) Which side is to blame for a gap, schedule or bound: on the library's schedules with proven optima.
(5) Of instances of 5 to 25 requests, how many are proven optimal in a minute each, one at a time on a core.
Ends in a verdict.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from rich.progress import track

from cvxtoken import verifier
from cvxtoken.arrays import FloatArray
from cvxtoken.library import instances
from cvxtoken.picture import BLUE, ORANGE, axes, legend, save
from cvxtoken.scheduling import (
    Requests,
    ScheduleReference,
    Simulation,
    a_max,
    a_min,
    backfilling,
    best_schedule,
    hindsight_shortest_first,
    mc_sf,
    model_1,
    model_2,
    predict_relative,
    read_trace,
)
from cvxtoken.scheduling.bounds import triples
from cvxtoken.scheduling.certificate import VOLUME, ScheduleCertificate
from cvxtoken.scheduling.guided import beam_schedule
from cvxtoken.scheduling.heuristics import good_schedule, quick_schedule
from cvxtoken.scheduling.watch import Watch
from cvxtoken.tables import table
from validation.studies import options

SMALL = ("at once", "over time", "short outputs", "large memories")
REPORTED = {"model 1": 1.005, "model 2": 1.047}
MODELS: dict[str, Callable[[int], Requests]] = {"model 1": model_1, "model 2": model_2}


def trial(name: str, seed: int) -> tuple[float, float, float, float]:
    """The interval of MC-SF's ratio, the certified gap, and the seconds of one trial."""
    requests = MODELS[name](seed)
    total = mc_sf(requests, "true").total_latency
    assert total is not None
    found = best_schedule(requests, "courses")
    return total / found.upper, total / found.lower, found.certificate.relative_gap, found.seconds


def models(trials: int) -> bool:
    """The ratio of MC-SF with true lengths to the optimum, and the gap reached."""
    rows, good = [], True
    with ProcessPoolExecutor(2) as pool:
        for name in MODELS:
            jobs = [pool.submit(trial, name, 1000 + seed) for seed in range(trials)]
            results = [job.result() for job in track(jobs, name, disable=not sys.stderr.isatty())]
            low, high, gap, seconds = np.array(results).T
            mean = f"{low.mean():.3f} to {high.mean():.3f}"
            worse = f"{(low > REPORTED[name]).sum()} of {trials}"
            worst = f"{low.max():.3f}"
            gaps = f"{np.median(gap):.3f}", f"{gap.max():.3f}"
            rows.append((name, mean, f"{REPORTED[name]}", worse, worst, *gaps, f"{seconds.max():.0f}"))
            good &= bool(np.median(gap) <= 0.06)
    header = ["MC-SF to the optimum", "mean is in", "reported mean", "above it, surely", "largest lower end"]
    print(table([*header, "median gap", "largest gap", "longest (s)"], rows))
    return good


def widening(picture: Path | None) -> bool:
    """Ratios to H-SF as u / l widens, all predicted alike: log-uniform, all l, or a few u that come first."""
    widths = [2**k for k in range(8)]
    ratios = np.array([[ratios_to_hsf(lengths, width) for lengths in MIXES.values()] for width in widths])
    rows = [
        (f"{width}", *(f"{x:.3f}" for x in row))
        for width, row in zip(widths, ratios.reshape(len(widths), -1), strict=True)
    ]
    print(table(["u / l", *(f"{name}, {mix}" for mix in MIXES for name in ("A_min", "A_max"))], rows))
    if picture:
        draw(widths, ratios, picture)
    spread, short, first = ratios.transpose(1, 2, 0)
    powers = [np.diff(np.log(high[:5])) / np.log(2) for _, high in (short, first)]  # before the queue ends
    for mix, power in zip(("all are l", "the long come first"), powers, strict=True):
        print(f"where {mix}, A_max grows as (u / l)^{power.min():.2f} to {power.max():.2f} up to u / l = 16")
    steps = [np.diff(low).max() for low, _ in (spread, first)]
    print(f"A_min's largest step at a doubling: {steps[0]:.2f} where log-uniform, {steps[1]:.2f} long first")
    good = steps[0] < 0.5 and steps[1] < 1.0 and min(map(np.min, powers)) > 0.8
    return bool(good and (spread[0] <= spread[1] + 1e-9).all())


def draw(widths: list[int], ratios: FloatArray, path: Path) -> None:
    """The ratios against the width of the interval."""
    figure, drawn = axes("1 / alpha = u / l (no unit)", "total latency to that of H-SF (ratio)")
    for column, (mix, style) in enumerate(zip(MIXES, ("o-", "--", ":"), strict=True)):
        for policy, name, colour in ((0, "A_min", BLUE), (1, "A_max", ORANGE)):
            drawn.loglog(widths, ratios[:, column, policy], style, color=colour, label=f"{name}, {mix}")
    legend(drawn)
    save(figure, path)


def log_uniform(l: int, u: int) -> FloatArray:
    """2000 lengths."""
    spread = np.exp(np.random.default_rng(5).uniform(np.log(l), np.log(u + 1), 2000))
    return np.floor(spread).clip(l, u)


def long_first(l: int, u: int) -> FloatArray:
    """8000 lengths, of which a share of l / (2 u) is long, and comes first."""
    return np.where(np.arange(8000) < 8000 * l / (2 * u), u, l).astype(float)


MIXES: dict[str, Callable[[int, int], FloatArray]] = {
    "log-uniform": log_uniform,
    "all l": lambda l, u: np.full(2000, float(l)),
    "long first": long_first,
}


def ratios_to_hsf(lengths: Callable[[int, int], FloatArray], width: int) -> list[float]:
    """Of A_min and A_max, for requests at once; the memory has room for 20 of the upper length, or for 40."""
    l, u = 8, 8 * width
    o = lengths(l, u)
    n = len(o)
    requests = Requests(
        arrival=np.zeros(n, int),
        prompt_tokens=np.zeros(n, int),
        output_tokens=o,
        predicted_low=np.full(n, l),
        predicted_high=np.full(n, u),
        memory=(20 if n == 2000 else 40) * u,
    )
    base, *totals = [policy(requests).total_latency for policy in (hindsight_shortest_first, a_min, a_max)]
    assert base
    return [total / base for total in totals if total]


def sides(share: int) -> bool:
    """How far schedules and bounds are from the proven optima of the library, every so many of them."""
    ratios: dict[str, list[float]] = {}
    good = True
    for instance in instances("hindsight*")[::share]:
        requests, proof = instance.problem.data, instance.certificate.proof
        best, of = instance.certificate.upper, (triples(requests), requests.memory)
        volume, busy = verifier.schedule.volume_bound(*of), verifier.schedule.busy_bound(*of)
        bounds = {"volume": volume, "busy": busy}
        watch = Watch()
        found = quick_schedule(requests, watch, enough=volume)
        totals = {"dispatches": found.total}
        totals["windows, local search"] = good_schedule(requests, found, watch, volume).total
        if "inequalities" in proof:
            bounds["snapshots"] = verifier.schedule.snapshot_bound(*of, proof["scale"], proof["inequalities"])
            first = ScheduleCertificate(requests, found.starts, volume, VOLUME)
            totals["dispatches, beams"] = beam_schedule(first, proof, watch).upper
        good &= max(bounds.values()) <= best <= min(totals.values())
        for side, found_of in (("schedule", totals), ("bound", bounds)):
            for name, value in found_of.items():
                ratio = value / best if side == "schedule" else best / value
                ratios.setdefault(f"{side}: {name}", []).append(ratio)
    rows = [
        (name, f"{len(row)}", f"{np.mean(row):.4f}", f"{max(row):.4f}", f"{row.count(1.0)}")
        for name, row in sorted(ratios.items())
    ]
    print("\nwhere the optimum is proven: a schedule over the optimum, and the optimum over a bound")
    print(table(["side", "instances", "mean ratio", "largest", "exact"], rows))
    return good


def trace(path: Path) -> bool:
    """The conversation trace under policies at several predictions, and 100,000 requests for the time."""
    good = True
    for seconds in (0.01, 0.05):
        requests, _, _ = read_trace(path, round_seconds=seconds)
        hindsight = hindsight_shortest_first(requests)
        found = best_schedule(requests, "prices")
        load = requests.volume.sum() / requests.memory / (requests.arrival.max() + 1)
        print(
            f"{path.name}: {len(requests)} requests, memory {requests.memory}, {seconds} s a round,", end=" "
        )
        print(f"a load of {load:.2f}")
        print(
            f"best schedule: {found.upper} rounds, by {found.method}; bound: {found.lower}, by "
            f"{found.certificate.proof['kind']}"
        )
        rows = [ratio("true", "H-SF", hindsight, found)]
        for error in (0.0, 0.2, 0.5, 1.0):
            told = predict_relative(requests, error)
            for name, policy in (("A_min", a_min), ("A_max", a_max), ("backfilling", backfilling)):
                rows.append(ratio(f"{error:.0%}", name, policy(told), found))
        print(table(["prediction error", "policy", "ratio to the optimum", "evictions"], rows))
        good &= found.lower <= found.upper <= (hindsight.total_latency or 0)
    told = predict_relative(requests, 0.5)
    copies = -(-100_000 // len(requests))
    span = int(requests.arrival.max()) + 1
    fields = ("prompt_tokens", "output_tokens", "predicted_low", "predicted_high")
    many = Requests(
        arrival=np.concatenate([requests.arrival + span * k for k in range(copies)])[:100_000],
        memory=requests.memory,
        **{field: np.tile(getattr(told, field), copies)[:100_000] for field in fields},
    )
    started = time.process_time()  # other work on the machine is not the policy's
    run = a_min(many)
    seconds = time.process_time() - started
    print(f"A_min on 100,000 requests of it in {seconds:.1f} s of CPU time, {len(run.evictions)} evictions")
    return good and seconds <= 30


def small(name: str, seed: int) -> Requests:
    """5 to 25 requests, s ~ U{1..5}; as the models' but for their number, or with short outputs.

    At once, and over time with gaps of Poisson(U(2, 10)): M ~ U{30..50}, o ~ U{1..M - s}. Else all at once,
    M ~ U{20..200}, o ~ U{1..M / 6} or U{1..M - s}.
    """
    rng = np.random.default_rng([24, SMALL.index(name) + 1, seed])
    n, narrow = int(rng.integers(5, 26)), name in ("at once", "over time")
    M = int(rng.integers(30, 51) if narrow else rng.integers(20, 201))
    s = rng.integers(1, 6, n)
    o = rng.integers(1, max(2, M // 6) + 1, n) if name == "short outputs" else rng.integers(1, M - s + 1)
    a = np.zeros(n, dtype=np.int64)
    if name == "over time":
        a[1:] = np.cumsum(rng.poisson(rng.uniform(2, 10), n)[1:])
    return Requests(arrival=a, prompt_tokens=s, output_tokens=o, memory=M)


def attempt(name: str, seed: int) -> tuple[bool, float, float]:
    """Whether one is proven optimal in a minute, its gap, and the seconds it took."""
    found = best_schedule(small(name, seed), "milp", seconds=60.0)
    return found.exact, found.certificate.relative_gap, found.seconds


def exact(trials: int) -> None:
    """Of small instances, the share that is proven optimal, and what is left of the others."""
    rows = []
    with ProcessPoolExecutor(2) as pool:
        for name in SMALL:
            jobs = [pool.submit(attempt, name, seed) for seed in range(trials)]
            results = [job.result() for job in track(jobs, name, disable=not sys.stderr.isatty())]
            gaps = [gap for proven, gap, _ in results if not proven]
            seconds = [taken for proven, _, taken in results if proven]
            rows.append(
                (
                    name,
                    f"{len(seconds)} of {trials}",
                    f"{np.median(seconds):.0f}" if seconds else "",
                    f"{max(gaps):.3f}" if gaps else "",
                )
            )
    print("\n5 to 25 requests, a minute each")
    print(table(["instances", "exact", "median seconds of these", "largest gap of the others"], rows))


def ratio(error: str, name: str, run: Simulation, found: ScheduleReference) -> tuple[str, str, str, str]:
    """A row: the interval that holds the ratio of a policy to the optimum."""
    assert run.total_latency is not None
    ends = run.total_latency / found.upper, run.total_latency / found.lower
    return error, name, f"{ends[0]:.4f} to {ends[1]:.4f}", f"{len(run.evictions)}"


def main() -> int:
    """Run the study."""
    parser = options(__doc__)
    parser.add_argument("trace", nargs="?", type=Path)
    parser.add_argument("--trials", type=int, help="of each model; 6 by default, and 1 where quick")
    arguments = parser.parse_args()
    trials = arguments.trials or (1 if arguments.quick else 6)
    good = widening(arguments.picture)
    if arguments.trace is not None:
        good &= trace(arguments.trace)
    good &= sides(8 if arguments.quick else 1)
    good &= models(trials)
    exact(trials)
    print(
        "verdict: as the interval widens A_min loses a step a doubling, and A_max a power where all outputs "
        "are short, as claimed (where all lower ends are 1, A_min knows nothing and A_max is better: see the "
        "trace at 100 %); the reported mean ratios of MC-SF fail where the table counts better schedules"
        if good
        else "verdict: NOT as expected"
    )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
