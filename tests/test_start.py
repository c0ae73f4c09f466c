"""What a process loads: an import and a command take what they need, and no more."""

from __future__ import annotations

import inspect
import subprocess
import sys
from importlib import import_module

import pytest
import typer

import cvxtoken
from cvxtoken.cli.application import COMMANDS

WINGS = (
    "clipping",
    "batching",
    "scheduling",
    "fitting",
    "lagged",
    "pooled",
    "robust",
    "sweeps",
    "suite",
    "plots",
    "advice",
)
MAIN = "import sys; sys.argv[1:] = {}; from cvxtoken.cli import main; main()"


def loaded(code: str) -> set[str]:
    """Modules that a process has at its end."""
    report = "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr)); "
    done = subprocess.run([sys.executable, "-c", report + code], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def others(modules: set[str]) -> set[str]:
    """Packages that are neither Python's nor ours, nor loaded into every process by the installation."""
    own = loaded("") | sys.stdlib_module_names | {"cvxtoken"}
    return {name.partition(".")[0] for name in modules} - own


def rooms(modules: set[str]) -> set[str]:
    """The wings among them."""
    return {name for name in WINGS if f"cvxtoken.{name}" in modules}


def test_the_import_loads_nothing() -> None:
    assert others(loaded("import cvxtoken")) == {"lazy_loader"}


def test_a_name_loads_its_room_and_no_other() -> None:
    modules = loaded("import cvxtoken; cvxtoken.load('qwen3-8b')")
    assert rooms(modules) == set()
    assert others(modules) - others(loaded("import numpy")) == {"lazy_loader", "tomli_w"}


def test_every_public_name_is_there() -> None:
    assert {"solve", "Workload", "verifier"} <= set(dir(cvxtoken))
    assert dir(cvxtoken) == sorted(cvxtoken.__all__)
    for name in cvxtoken.__all__:
        assert getattr(cvxtoken, name) is not None
    with pytest.raises(AttributeError, match="slove"):
        cvxtoken.slove  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_what_only_tells_of_commands_loads_none_of_their_rooms(option: str) -> None:
    modules = loaded(MAIN.format([option]))
    assert {name for name in modules if name.startswith("cvxtoken.")} == {
        *("cvxtoken.cli", "cvxtoken.cli.application", "cvxtoken.errors")
    }
    assert not others(modules) & {"numpy", "scipy", "cvxpy", "highspy", "matplotlib", "pyarrow"}


def test_solve_loads_only_what_solving_needs() -> None:
    modules = loaded(MAIN.format(["solve"]))
    assert rooms(modules) == set()
    assert "cvxtoken.highs" not in modules
    mine = others(modules) - others(loaded("import cvxpy"))  # which itself loads the solvers it finds
    assert not mine & {"highspy", "matplotlib", "pyarrow", "scs"}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_of_a_command_what_its_own_page_says(name: str) -> None:
    where, line = COMMANDS[name]
    module, _, function = where.partition(".")
    found = getattr(import_module(f"cvxtoken.cli.{module}"), function)
    if isinstance(found, typer.Typer):  # it has commands of its own
        found = found.registered_callback.callback  # type: ignore[union-attr]
    assert inspect.getdoc(found) == line
