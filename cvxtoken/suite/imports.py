"""A module named by the path of its file."""

from __future__ import annotations

import sys
from pathlib import Path


def as_module(name: str) -> str:
    """The name to import: of 'path/to/file.py' it is 'file', found in its folder; other names are left.

    A module that was imported under this name from another file is forgotten, so that not it is found.

    Raises:
        ImportError: there is no such file, or its name cannot be a module's.
    """
    if not name.endswith(".py"):
        return name
    path = Path(name).resolve()
    if not path.is_file():
        raise ImportError(f"there is no file {name}")
    if not path.stem.isidentifier():
        raise ImportError(f"the file's name is {path.name!r}; it must be a Python name and .py")
    folder, known = str(path.parent), sys.modules.get(path.stem)
    if known is not None and getattr(known, "__file__", None) != str(path):
        if path.stem in sys.stdlib_module_names or hasattr(known, "__path__"):
            raise ImportError(f"the file's name is {path.name!r}, and a module of this name is in use")
        del sys.modules[path.stem]
    sys.path[:] = [folder, *(entry for entry in sys.path if entry != folder)]
    return path.stem
