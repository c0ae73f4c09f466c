"""The house: imports point down, the light import stays light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import cvxtoken

ROOT = Path(cvxtoken.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))

# each layer may import what stands before it
LAYERS = [
    ["errors", "arrays"],
    ["verifier", "integer_verifier", "lagged_verifier", "robust_verifier", "schedule_verifier"],
    [
        "files",
        "rigorous",
        "queueing",
        "estimates",
        "tables",
        "conic",
        "cbf",
        "lengths",
        "picture",
        "highs",
        "least_squares",
    ],
    ["allocation"],
    ["lagged"],
    ["robust"],
    ["fitting"],
    ["library"],
    ["sweeps"],
    ["suite"],
    ["clipping"],
    ["batching"],
    ["scheduling"],
    ["plots"],
    ["cli"],
]
# the rooms of allocation, in the same order
ROOMS = [
    "fields",
    "problem",
    "targets",
    "model",
    "columns",
    "gap",
    "least",
    "further",
    "program",
    "response",
    "prices",
    "polish",
    "target_polish",
    "interior",
    "cones",
    "bounds",
    "proof",
    "certificate",
    "methods",
    "corner",
    "targeted",
    "shadow",
    "solver",
    "reference",
    "doubled",
    "search",
    "workloads",
    "many",
    "tracker",
]
ROOMS += ["explain", "comparison", "rounding", "integer_bounds", "integer_search", "integer_certificate"]
ROOMS += ["integer", "simulation", "tokens", "frontier", "sensitivity"]


WINGS = ["allocation", "clipping", "batching", "scheduling"]
CVXPY_ROOMS = ["cvxtoken.allocation.program", "cvxtoken.allocation.solver", "cvxtoken.allocation.further"]
CVXPY_ROOMS += ["cvxtoken.suite.solvers"]
CVXPY_ROOMS += ["cvxtoken.lagged.program", "cvxtoken.robust.program"]


def name_of(file: Path) -> str:
    return ".".join(file.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__")


def imports(file: Path) -> set[str]:
    """Modules of the package that a file imports, at the top or inside functions."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def layer(module: str) -> int:
    room = module.split(".")[1]
    return next(number for number, rooms in enumerate(LAYERS) if room in rooms)


@pytest.mark.parametrize(
    "file", [f for f in FILES if f.parent != ROOT or f.name != "__init__.py"], ids=name_of
)
def test_imports_point_down(file: Path) -> None:
    own = name_of(file)
    known = {name_of(f) for f in FILES} - {"cvxtoken"}
    for module in imports(file) & known:
        assert layer(module) <= layer(own), f"{own} imports {module}"
        if layer(module) == layer(own) and own.startswith("cvxtoken.allocation"):
            order = [ROOMS.index(name.split(".")[2]) for name in (module, own) if name.count(".") >= 2]
            assert order == sorted(order), f"{own} imports {module}"


def test_wings_do_not_know_each_other() -> None:
    for wing in WINGS:
        for file in (ROOT / wing).rglob("*.py"):
            for other in set(WINGS) - {wing}:
                assert not any(m.startswith(f"cvxtoken.{other}") for m in imports(file)), file


def test_who_knows_what() -> None:
    for file in FILES:
        modules = {module.split(".")[0] for module in imports(file)}
        own = name_of(file)
        if "cvxpy" in modules:
            assert own in CVXPY_ROOMS, own
        if "typer" in modules:
            assert own.startswith("cvxtoken.cli")
        assert "clarabel" not in modules, "Clarabel is reached through CVXPY"


def test_the_import_is_light() -> None:
    code = "import cvxtoken, sys; print(sorted({'cvxpy', 'typer', 'matplotlib', 'rich'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_files_have_one_subject() -> None:
    """But for the checkers, each of which must stand alone and is as long as its subject."""
    long = [file for file in FILES if not file.name.endswith("verifier.py")]
    for file in [*long, *Path(__file__).parent.rglob("*.py"), *(ROOT.parent / "docs").rglob("*.py")]:
        assert len(file.read_text(encoding="utf-8").splitlines()) <= 300, file
