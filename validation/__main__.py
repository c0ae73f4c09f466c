"""Run all studies, two at a time, and write what they find to REPORT.md and REPORT.html.

    python -m validation [--quick] [--data FOLDER] [--out FOLDER] [--only NAME ...]

Exit status 0 where every verdict is good, 1 where one is not, 2 for bad input.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cvxtoken.errors import CvxtokenError, ProblemError
from cvxtoken.files import check_writable, write_text
from cvxtoken.picture import check_path
from validation.report import Outcome, html, markdown, updated
from validation.studies import STUDIES, Study

HERE = Path(__file__).parent
_AT_ONCE = 2


def run(study: Study, data: Path | None, quick: bool, figures: Path) -> Outcome:
    """Run a study in a process of its own."""
    found, missing = split(study, data)
    figure = figures / f"{study.name}.png"
    figure.unlink(missing_ok=True)  # that of an earlier run is not this one's
    command = [sys.executable, "-m", f"validation.{study.name}", *found, "--picture", str(figure)]
    started = time.perf_counter()
    done = subprocess.run(
        command + ["--quick"] * quick,
        cwd=HERE.parent,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},  # a core each
        capture_output=True,
        text=True,
        check=False,
    )
    return Outcome(
        study,
        *verdict_of(done),
        seconds=time.perf_counter() - started,
        figure=figure if figure.exists() else None,
        missing=missing,
    )


def split(study: Study, data: Path | None) -> tuple[list[str], tuple[str, ...]]:
    """Of the data that a study looks at: what is there, as arguments, and what is not."""
    there = [data is not None and (data / item.partition(":")[0]).exists() for item in study.data]
    pairs = list(zip(study.data, there, strict=True))
    return [str(data / item) for item, is_there in pairs if data and is_there], tuple(
        item for item, is_there in pairs if not is_there
    )


def verdict_of(done: subprocess.CompletedProcess[str]) -> tuple[str, str, bool]:
    """What a study printed before its verdict, the verdict, and whether it is good."""
    body, sign, verdict = done.stdout.rpartition("verdict: ")
    if not sign:
        last = (done.stderr.strip().splitlines() or ["it printed nothing"])[-1]
        return done.stdout, f"it ended without a verdict, exit status {done.returncode}: {last}", False
    return body, verdict.strip(), done.returncode == 0


def run_all(studies: tuple[Study, ...], data: Path | None, quick: bool, figures: Path) -> list[Outcome]:
    """Run studies, two at a time; a line for each as it ends."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with (
        Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as progress,
        ThreadPoolExecutor(_AT_ONCE) as pool,
    ):
        task = progress.add_task("studies", total=len(studies))
        jobs = [pool.submit(run, study, data, quick, figures) for study in studies]
        for job in as_completed(jobs):
            outcome = job.result()
            sign = "good" if outcome.good else "BAD"
            print(
                f"{sign:<4} {outcome.study.name:<10} {outcome.seconds:5.0f} s  {outcome.verdict}", flush=True
            )
            progress.advance(task)
    return [job.result() for job in jobs]


def main() -> int:
    """Check the folders, run the studies, write the report."""
    parser = argparse.ArgumentParser(prog="python -m validation", description="Run all studies.")
    parser.add_argument(
        "--quick", action="store_true", help="smaller samples: three minutes, not half an hour"
    )
    parser.add_argument(
        "--data", type=Path, help="a folder with traces/, curves/ and servers/, for what needs them"
    )
    parser.add_argument("--out", type=Path, default=HERE, help="folder of the report; %(default)s")
    parser.add_argument(
        "--only",
        nargs="+",
        metavar="NAME",
        choices=[study.name for study in STUDIES],
        help="run these studies, and renew their parts of the report that is there",
    )
    arguments = parser.parse_args()
    if arguments.only and not (arguments.out / "REPORT.md").exists():
        raise ProblemError(f"only is {arguments.only}; there is no report in {arguments.out} to renew")
    if arguments.data is not None and not arguments.data.is_dir():
        raise ProblemError(f"data is {arguments.data}; it must be a folder")
    figures = arguments.out / "figures"
    try:
        figures.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ProblemError(f"{figures}: cannot be made: {error.strerror}") from error
    check_path(figures / "check.png")
    for name in ("REPORT.md", "REPORT.html"):
        check_writable(arguments.out / name)
    data = None if arguments.data is None else arguments.data.resolve()
    chosen = tuple(study for study in STUDIES if not arguments.only or study.name in arguments.only)
    outcomes = run_all(chosen, data, arguments.quick, figures.resolve())
    folder = arguments.out.resolve()
    if arguments.only:
        before = (folder / "REPORT.md").read_text(encoding="utf-8")
        text = updated(before, outcomes, arguments.quick, folder)
    else:
        text = markdown(outcomes, arguments.quick, folder)
    write_text(arguments.out / "REPORT.md", text)
    write_text(arguments.out / "REPORT.html", html(text, arguments.out))
    print(arguments.out / "REPORT.md")
    return 0 if all(outcome.good for outcome in outcomes) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except CvxtokenError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
