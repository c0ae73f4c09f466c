"""Broken copies of a module: what tests of a checker must notice."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any


def damaged(original: ModuleType, old: str, new: str) -> ModuleType:
    """A copy of a module of the package with one piece of its source, which stands there once, replaced."""
    source = Path(str(original.__file__)).read_text(encoding="utf-8")
    assert source.count(old) == 1, source.count(old)
    module = ModuleType(f"damaged_{original.__name__}")
    module.__package__ = original.__name__.rpartition(".")[0]
    exec(compile(source.replace(old, new), module.__name__, "exec"), module.__dict__)
    return module


def refused(module: ModuleType, document: dict[str, Any]) -> bool:
    """Whether a checker, whole or broken, refuses a proof."""
    try:
        module.check(document)
    except module.Refused:
        return True
    return False
