"""The house: imports point down, and a file has one subject."""

from __future__ import annotations

import ast
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import cvxtoken

ROOT = Path(cvxtoken.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))

WINGS = ["allocation", "clipping", "batching", "scheduling"]
CVXPY_ROOMS = [
    "cvxtoken.allocation.program.forms",
    "cvxtoken.allocation.program.resolves",
    "cvxtoken.allocation.program.solver",
    "cvxtoken.allocation.program.constraints",
]
CVXPY_ROOMS += ["cvxtoken.suite.solvers", "cvxtoken.conic.problems"]
CVXPY_ROOMS += ["cvxtoken.lagged.program", "cvxtoken.robust.program"]
CVXPY_ROOMS += ["cvxtoken.library.problems.modelled"]
CVXPY_ROOMS += ["cvxtoken.conic.compiled", "cvxtoken.conic.replaced", "cvxtoken.conic.kept"]
CVXPY_ROOMS += ["cvxtoken.conic.point"]
CVXPY_ROOMS += ["cvxtoken.conic.named", "cvxtoken.suite.problem_case"]
CVXPY_ROOMS += [
    f"cvxtoken.library.cones.{file.stem}"
    for file in (ROOT / "library" / "cones").glob("*.py")
    if file.stem not in ("__init__", "problem", "catalog", "shipped", "build")
]


def name_of(file: Path) -> str:
    return ".".join(file.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__")


@cache
def imports(file: Path) -> set[str]:
    """Modules of the package that a file imports, at the top or inside functions."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if module_of(name) else node.module for name in names}
    return found


@cache
def module_of(name: str) -> Path | None:
    """The file of a module or package of ours, None where the name is another thing."""
    path = ROOT.parent.joinpath(*name.split("."))
    return next((f for f in (path.with_suffix(".py"), path / "__init__.py") if f.exists()), None)


def needs(folder: Path) -> dict[str, set[str]]:
    """What each file and folder in a folder imports of the others in it; of a package, its `__init__`."""
    found: dict[str, set[str]] = {}
    for file in folder.rglob("*.py"):
        own = file.relative_to(folder).parts[0].removesuffix(".py")
        for name in imports(file):
            target = module_of(name) if name.startswith("cvxtoken.") else None
            if target is not None and target.is_relative_to(folder):
                found.setdefault(own, set()).add(target.relative_to(folder).parts[0].removesuffix(".py"))
    return {own: others - {own} for own, others in found.items()}


@pytest.mark.parametrize("folder", sorted({f.parent for f in FILES}), ids=lambda f: f.name)
def test_imports_point_down(folder: Path) -> None:
    """The rooms of a folder have an order: none imports a room that imports it."""
    assert list(TopologicalSorter(needs(folder)).static_order()) is not None


def test_a_circle_is_found() -> None:
    with pytest.raises(CycleError):
        list(TopologicalSorter(needs(ROOT) | {"errors": {"allocation"}}).static_order())


def test_the_ground_floor_knows_no_room_above() -> None:
    """A file beside the rooms is for all; below are checkers, rigorous arithmetic and what reads tables."""
    below = {"verifier", "rigorous", "logs"}
    for file in ROOT.glob("*.py"):
        others = needs(ROOT).get(file.stem, set())
        assert all((ROOT / f"{name}.py").exists() for name in others - below), file


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
        if "clarabel" in modules:
            assert own == "cvxtoken.conic.search.start", "elsewhere Clarabel is reached through CVXPY"
