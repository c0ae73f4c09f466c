"""Are a million generated, proven instances the same bits on any processor, and made within a minute?

Claims: of every family all instances are proven to a relative gap of 1e-12, and the checker, which shares no
code with what wrote them, proves all of them anew. A processor without AVX2 and FMA, as NumPy, OpenBLAS and
the C library see it, writes the same bytes, even where a worker is killed meanwhile. A million realistic
instances of five types take at most 60 s of CPU time on each of two cores.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import polars
from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

from cvxtoken.arrays import FloatArray
from cvxtoken.datasets import FAMILIES
from cvxtoken.tables import table
from cvxtoken.verifier import many
from validation.proofs import draw
from validation.studies import options

GAP = 1e-12
CORES = 2
SECONDS = 60.0  # of a core, for a million
OLD = {
    "NPY_DISABLE_CPU_FEATURES": " ".join(name for name in __cpu_dispatch__ if __cpu_features__.get(name)),
    "OPENBLAS_CORETYPE": "Prescott",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA",
}


class Made(NamedTuple):
    """What the command printed, the CPU seconds of all its processes, and whether one was killed."""

    card: dict[str, Any]
    seconds: float
    killed: bool


def made(family: str, count: int, folder: Path, setting: dict[str, str], kill: bool) -> Made:
    """A data set by the command, in two processes, one of which may be killed after the first shard."""
    command = [sys.executable, "-m", "cvxtoken.cli", "generate", "--family", family, "--count", str(count)]
    command += ["--shard-size", str(count // 20), "--workers", str(CORES), "--out", str(folder), "--json"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run = subprocess.Popen(command, env={**os.environ, **setting}, stdout=subprocess.PIPE, text=True)
    killed = False
    while kill and not killed and run.poll() is None:
        time.sleep(0.02)
        workers = Path(f"/proc/{run.pid}/task/{run.pid}/children")
        if any(folder.glob("shard-*.parquet")) and (own := workers.read_text().split()):
            os.kill(int(own[-1]), signal.SIGKILL)
            killed = True
    printed, _ = run.communicate()
    if run.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with status {run.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Made(json.loads(printed), seconds, killed)


def same(first: Path, second: Path) -> bool:
    """Whether two folders hold the same files, to the last byte."""
    files = [{file.name: file for file in folder.iterdir()} for folder in (first, second)]
    return files[0].keys() == files[1].keys() and all(
        file.read_bytes() == files[1][name].read_bytes() for name, file in files[0].items()
    )


def judge(family: str, count: int, place: Path) -> tuple[bool, tuple[str, ...], FloatArray]:
    """Whether a family is as claimed, its row of the table, and what its tokens miss, relative."""
    new, old = place / family, place / f"{family} on an old processor"
    plain, other = made(family, count, new, {}, kill=False), made(family, count, old, OLD, kill=True)
    equal = same(new, old)
    line = many.check(str(new), samples=2)
    rows = polars.read_parquet(new / "*.parquet", columns=["lower", "gap"])
    gaps = (rows["gap"] / (1 + rows["lower"].abs())).to_numpy()
    card = plain.card
    good = card["proven"] == count and card["largest_relative_gap"] <= GAP and equal
    good &= line.startswith(f"proven: {count} of {count} ")
    good &= count < 10**6 or plain.seconds / CORES <= SECONDS  # the time of fewer says little
    row = (
        family,
        f"{count}",
        f"{card['largest_relative_gap']:.2g}",
        f"{card['tight'] / count:.2%}",
        f"{plain.seconds / CORES:.1f}",
        ("equal" if equal else "DIFFER") + (", one killed" if other.killed else ""),
    )
    return good, row, gaps


def main() -> int:
    """Make all families twice, print the table and the verdict."""
    arguments = options(__doc__).parse_args()
    good, rows, gaps = True, [], {}
    for family in FAMILIES:
        count = 4000 if arguments.quick else 1_000_000 if family == "realistic" else 100_000
        with TemporaryDirectory() as place:
            right, row, gaps[family] = judge(family, count, Path(place))
        good &= right
        rows.append(row)
    heads = ["family", "instances", "largest relative gap", "J* - J <= 1e-20", "CPU s a core"]
    print(table([*heads, "files of an old processor"], rows))
    if arguments.picture:
        draw(gaps, arguments.picture, least=1e-50)
    print()
    print("verdict: " + ("all proven, the same on both processors, in time" if good else "a claim fails"))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
