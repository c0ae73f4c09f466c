"""Are the tests of Poisson arrivals right on any clock, and do they see cycles and bursts?

Claims: (1) of Poisson logs of 3 to a million arrivals, on clocks from exact to 10 arrivals a cell, at most
1 % are called not Poisson: in no group are there more than would happen once in 100,000 by chance at 1 % (so
that the study fails by chance alone once in 3,000); (2) 95 % of logs of 1,000 arrivals in bursts, or more
regular than Poisson, and of three days with a daily cycle, are called not Poisson on every clock; (3) in 95 %
of the last the advice is the busy hour, within three hours of the true one and its rate told to 10 %, and in
95 % of the first it is not to follow the bursts, which are too short. Ends in a verdict.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from scipy.stats import binom

import cvxtoken
from cvxtoken.arrays import FloatArray
from cvxtoken.fitting.arrivals import LEVEL
from cvxtoken.picture import COLOURS, GREY, axes, legend, save
from cvxtoken.tables import table
from validation.studies import options

LOGS = {3: 2000, 10: 2000, 30: 2000, 100: 2000, 1000: 2000, 10_000: 300, 100_000: 40, 1_000_000: 5}
CLOCKS = (0.0, 0.1, 1.0, 10.0)  # mean arrivals in a cell
_MIDNIGHT = 20513 * 86400.0  # in s since 1970


def told(times: FloatArray, cell: float) -> FloatArray:
    """Times as a clock of this resolution tells them."""
    return np.floor(times / cell) * cell if cell else times


def levels(quick: bool) -> tuple[bool, dict[float, list[tuple[int, float]]]]:
    """The first claim, and the shares by clock."""
    rng = np.random.default_rng(0)
    rows, good, shares = [], True, {clock: [] for clock in CLOCKS}
    for size, full in LOGS.items():
        count = min(full, 300) if quick else full
        if quick and size > 1000:
            continue
        row = [f"{size:,}", f"{count:,}"]
        for clock in CLOCKS:
            rejected = tried = 0
            while tried < count:
                times = told(np.cumsum(rng.exponential(1.0, size)), clock)
                if times[-1] > times[0]:  # the others are refused
                    tried += 1
                    rejected += not cvxtoken.fit_arrivals(times).poisson
            good &= bool(rejected <= binom.ppf(1 - 1e-5, count, LEVEL))
            row.append(f"{100 * rejected / count:.2f}")
            shares[clock].append((size, rejected / count))
        rows.append(row)
    columns = [
        "arrivals",
        "logs of each",
        *(f"{clock:g} a cell (%)" if clock else "exact (%)" for clock in CLOCKS),
    ]
    print("Poisson logs that are called not Poisson:")
    print(table(columns, rows))
    return good, shares


def bursts(rng: np.random.Generator) -> FloatArray:
    """A thousand arrivals in groups of ten, close together."""
    return np.cumsum(rng.exponential(1.0, 1000) * np.where(np.arange(1000) % 10, 0.2, 8.2))


def regular(rng: np.random.Generator) -> FloatArray:
    """A thousand arrivals at intervals of a standard deviation of half the mean."""
    return np.cumsum(rng.gamma(4.0, 0.25, 1000))


def tide(rng: np.random.Generator) -> FloatArray:
    """Three days, 0.01 /s at 3 and 0.05 /s at 15 o'clock."""
    times = np.sort(rng.uniform(0, 3 * 86400, rng.poisson(0.05 * 3 * 86400)))
    rate = 0.03 - 0.02 * np.cos(2 * np.pi * (times / 86400 - 1 / 8))
    return _MIDNIGHT + times[rng.random(len(times)) < rate / 0.05]


def powers(quick: bool) -> bool:
    """The second and third claims."""
    count, rows, good = (40 if quick else 200), [], True
    for name, made, cells in (
        ("bursts", bursts, CLOCKS),
        ("regular", regular, CLOCKS[:3]),
        ("tide", tide, (0.0, 1.0, 60.0)),
    ):
        for cell in cells:
            rng = np.random.default_rng(1)
            found = [cvxtoken.fit_arrivals(told(made(rng), cell)) for _ in range(count)]
            seen = np.mean([not one.poisson for one in found])
            if name == "tide":
                right = [
                    one.cycles and one.busy.start in range(12, 18) and abs(one.busy.rate / 0.05 - 1) < 0.1
                    and "--busy-hour" in one.advice
                    for one in found
                ]  # fmt: skip
            elif name == "bursts":
                right = ["watch" not in one.advice.replace("watch the", "") for one in found]
            else:
                right = [one.advice.startswith("arrivals are more regular") for one in found]
            good &= bool(seen >= 0.95) and (name == "regular" or bool(np.mean(right) >= 0.95))
            rows.append(
                (name, f"{cell:g}" if cell else "exact", f"{100 * seen:.1f}", f"{100 * np.mean(right):.1f}")
            )
    print(f"logs that are not Poisson, {count} each:")
    print(table(["arrivals", "clock (s)", "seen (%)", "right advice (%)"], rows))
    return good


def draw(shares: dict[float, list[tuple[int, float]]], path: Path) -> None:
    """False alarms against the size of the log."""
    figure, drawn = axes("arrivals in the log (1)", "called not Poisson (%)")
    for (clock, points), colour in zip(shares.items(), COLOURS, strict=False):
        label = f"{clock:g} arrivals a cell" if clock else "exact clock"
        sizes, values = zip(*points, strict=True)
        drawn.plot(sizes, 100 * np.array(values), "o-", color=colour, label=label, linewidth=1)
    drawn.axhline(100 * LEVEL, color=GREY, linestyle="--", linewidth=1)
    drawn.set_xscale("log")
    drawn.set_ylim(0, 2)
    legend(drawn)
    save(figure, path)


def main() -> int:
    """Run the parts, print tables and the verdict."""
    arguments = options(__doc__).parse_args()
    good, shares = levels(arguments.quick)
    good &= powers(arguments.quick)
    if arguments.picture:
        draw(shares, arguments.picture)
    print("verdict: the tests hold their level on every clock" if good else "verdict: the tests do NOT hold")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
