"""The application: its commands by name; each is imported when it is run.

A module of commands imports at its top what all its commands need. What only one needs, that one imports.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from cvxtoken import __version__

# name: where the function is, and its line in the list, which is that of its docstring; the list must not
# import the rooms that the commands need
COMMANDS = {
    "advise": (
        "advise.advise_command",
        "Print whole budgets to deploy, their error bars and what these cost, from measurements.",
    ),
    "integer": (
        "allocation.integer_command",
        "Print the best budgets in whole tokens, proven, and what rounding loses.",
    ),
    "explain": (
        "allocation.explain",
        "Print the convex program term by term, and the delay in its two parts.",
    ),
    "methods": (
        "allocation.methods",
        "Run every iterative method and hold it against the certified optimum.",
    ),
    "simulate": (
        "allocation.simulate_command",
        "Simulate the queue at an allocation, beside what the closed forms predict.",
    ),
    "export": (
        "allocation.export",
        "Write the problem for other programs: CBF, Clarabel's problem file, or the workload as JSON.",
    ),
    "batch": (
        "batching.batch_command",
        "Print delays of batched service and the best batch sizes, by analysis and in simulation.",
    ),
    "clip": ("clipping.clip", "Print the best limit on output tokens, and what other limits do."),
    "fit": ("fitting.fit", "Fit accuracy, service times and arrivals, and say where the model does not fit."),
    "fit-server": (
        "fitting.fit_server",
        "Fit a server that batches continuously, from its benchmarks; print the table to paste.",
    ),
    "formal": (
        "formal.formal",
        "Write a certificate as a theorem that Coq checks, or compare such a file with its certificate.",
    ),
    "generate": (
        "generate.generate_command",
        "Write a data set of proven optima as Parquet files; run again to go on after an interruption.",
    ),
    "verify": ("library.verify", "Check a certificate file; print what it proves, or why it is refused."),
    "workloads": ("library.workloads", "List the built-in workloads with their sources."),
    "library": (
        "folders.library",
        "Write the library's cone programs for any program, and score its answers.",
    ),
    "check": (
        "checking.check",
        "Score a solver by its true errors over the instance library; exit status 1 where it fails.",
    ),
    "solve": (
        "optimum.solve_command",
        "Print the optimal budgets and the proven gap, under any targets what each of them costs.",
    ),
    "certify-problem": (
        "proving.certify_problem_command",
        "Prove the optimum of any problem of these cones, or that it has none; of a function or a CBF file.",
    ),
    "frontier": (
        "optimum.frontier_command",
        "Print the best accuracy for every mean system time, each point proven, and its budgets.",
    ),
    "plot": ("plot.plot_command", "Draw a picture to a file."),
    "watch": (
        "watching.watch_command",
        "Follow a live log: print new budgets whenever they are worth it.",
    ),
    "schedule": (
        "scheduling.schedule",
        "Run scheduling policies, and hold them against a certified bound in hindsight.",
    ),
    "sweep": (
        "sweep.sweep_command",
        "Solve every combination of values, written as they come; run again to go on after an interruption.",
    ),
}


class StoppedError(Exception):
    """Ctrl-C: what was kept, and how to go on, in a sentence."""


# Click's class of what is wrong with the arguments, which Typer prints; by Typer's version another module's
_BAD_USAGE: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")


@contextmanager
def _told_in_json() -> Iterator[None]:
    """With --json, print an object of an error of the arguments; Typer then says it on stderr and exits."""
    try:
        yield
    except _BAD_USAGE as error:
        if "--json" in sys.argv[1:]:
            print(json.dumps({"error": error.format_message()}), flush=True)
        raise


class Commands(TyperGroup):
    """The commands as a list; the module of each is imported when it is to be run."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands = {name: TyperCommand(name, help=line) for name, (_, line) in COMMANDS.items()}

    # Any: the types of what is passed are Click's or Typer's own, by Typer's version
    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Name, command and what is left of the arguments, as Typer finds them, but the command in full."""
        name, _, rest = super().resolve_command(ctx, args)
        return name, None if name is None else command(name), rest

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Read what stands before the command's name."""
        with _told_in_json():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: Any) -> Any:
        """Read the command's arguments and run it; a KeyboardInterrupt of its own says what was kept."""
        try:
            with _told_in_json():
                return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            kept = str(stop) or "nothing was kept; the same command starts anew"
            raise StoppedError(f"stopped by Ctrl-C: {kept}") from None


def command(name: str) -> Any:
    """The command with its options."""
    module, _, function = COMMANDS[name][0].partition(".")
    found = getattr(import_module(f"cvxtoken.cli.{module}"), function)
    if isinstance(found, typer.Typer):  # it has commands of its own
        return typer.main.get_command(found)
    alone = typer.Typer(add_completion=False)
    alone.command(name)(found)
    return typer.main.get_command(alone)


app = typer.Typer(
    cls=Commands,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _print_version(asked: bool) -> None:
    """Callback of --version."""
    if asked:
        print(f"cvxtoken {__version__}")
        raise typer.Exit


@app.callback()
def _application(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Certified optimal thinking-token budgets for LLM servers."""
