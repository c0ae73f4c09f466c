"""What the benchmarks share: the workloads, memory, and a report of all rows (`--report FOLDER`)."""

from __future__ import annotations

import ctypes
import multiprocessing
import platform
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cvxtoken import Workload
from cvxtoken.tables import table
from validation.instances import realistic

SEED = 3  # about two thirds of the types are active


@lru_cache(maxsize=1)
def workload(size: int) -> Workload:
    """The random realistic workload of this size."""
    return realistic(SEED, size)


def fastest(
    function: Callable[[], Any], rounds: int, clock: Callable[[], float] = time.perf_counter
) -> float:
    """Seconds of the fastest of some rounds: what the machine can do when others leave it alone."""
    seconds = []
    for _ in range(rounds):
        started = clock()
        function()
        seconds.append(clock() - started)
    return min(seconds)


def memory(function: Callable[[], Any]) -> float:
    """Peak bytes that a call takes beyond what is there before it, in a process of its own (Linux)."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def kilobytes(field: str) -> int:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(field))

    def run() -> None:
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
        before = kilobytes("VmRSS")
        function()
        sender.send(kilobytes("VmHWM") - before)

    process = context.Process(target=run)
    process.start()
    found = receiver.recv()
    process.join()
    return 1024.0 * found


@dataclass
class Report:
    """The rows of one run, by table, and points for the picture."""

    columns: dict[str, list[str]] = field(default_factory=dict)
    rows: dict[str, list[list[str]]] = field(default_factory=lambda: defaultdict(list))
    points: dict[str, list[tuple[int, float]]] = field(default_factory=lambda: defaultdict(list))

    def add(self, title: str, **cells: str) -> None:
        """A row of a table, which is printed too."""
        self.columns[title] = list(cells)
        self.rows[title].append(list(cells.values()))
        print("\n" + ", ".join(f"{name}: {cell}" for name, cell in cells.items()))

    def exponent(self, name: str, least: int) -> float:
        """The slope of log seconds over log size, of the points from a size on."""
        points = np.log([(size, seconds) for size, seconds in self.points[name] if size >= least])
        return float(np.polyfit(points[:, 0], points[:, 1], 1)[0]) if len(points) > 1 else float("nan")

    def write(self, folder: Path) -> None:
        """The tables as Markdown, and a log-log plot."""
        folder.mkdir(exist_ok=True)
        parts = ["# Benchmarks", "Times are the fastest of several rounds, in one run on one machine: "]
        parts[1] += f"{platform.machine()}, Python {platform.python_version()}, NumPy {np.__version__}."
        for title, rows in self.rows.items():
            parts += [f"## {title}", table(self.columns[title], rows)]
        (folder / "results.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")
        self.draw(folder / "scaling.png")

    def draw(self, path: Path) -> None:
        """Seconds over the number of types, with the growth exponents."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(8, 5), layout="constrained")
        axes = figure.add_subplot()
        for name, points in self.points.items():
            sizes, seconds = zip(*sorted(points), strict=True)
            slope = self.exponent(name, 10_000 if sizes[-1] > 10_000 else 50)
            label = name if np.isnan(slope) else f"{name} (N^{slope:.2f})"
            axes.loglog(sizes, seconds, marker="o", markersize=3, label=label)
        axes.set_xlabel("types N")
        axes.set_ylabel("seconds")
        axes.grid(alpha=0.3)
        axes.legend(fontsize="small")
        figure.savefig(path, dpi=120)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The folder to write to."""
    parser.addoption("--report", type=Path, default=None, help="folder for results.md and scaling.png")


@pytest.fixture(scope="session")
def report(request: pytest.FixtureRequest) -> Iterator[Report]:
    """The report of this run."""
    found = Report()
    yield found
    folder = request.config.getoption("--report")
    if folder is not None:
        found.write(folder)
