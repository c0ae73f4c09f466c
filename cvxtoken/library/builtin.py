"""Built-in workloads, each with its source, by name."""

from __future__ import annotations

from importlib import resources

from cvxtoken.allocation.problem import Workload
from cvxtoken.errors import ProblemError
from cvxtoken.files import nearest

_FILES = resources.files(__package__)


def workloads() -> list[str]:
    """Names of the built-in workloads, sorted."""
    return sorted(file.name.removesuffix(".toml") for file in _FILES.iterdir() if file.name.endswith(".toml"))


def load(name: str) -> Workload:
    """A built-in workload by name.

    Raises:
        ProblemError: there is none of that name; the message suggests the nearest one.

    >>> load("qwen3-8b").names
    ('AIME 2024', 'AIME 2025', 'GPQA Diamond', 'GSM8K', 'HMMT 2025')
    """
    known = workloads()
    if name not in known:
        raise ProblemError(
            f"{name!r} is not a built-in workload{nearest(name, known)}; they are {', '.join(known)}"
        )
    with resources.as_file(_FILES / f"{name}.toml") as path:
        return Workload.load(path)
