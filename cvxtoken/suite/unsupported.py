"""What a solver cannot be asked in any form: named by family, and never scored."""

from __future__ import annotations

from collections.abc import Iterable

from cvxtoken.library import Instance
from cvxtoken.suite.answer import Subject


def unsupported(subjects: dict[str, Subject], chosen: Iterable[Instance]) -> dict[str, dict[str, int]]:
    """By family, why instances cannot be asked of a solver in any of its forms, and how many."""
    found: dict[str, dict[str, int]] = {}
    for instance in chosen:
        reasons = [tested.unsupported(instance.problem) for tested in subjects.values()]
        if all(reasons):
            by_reason = found.setdefault(instance.family, {})
            by_reason[reasons[0]] = by_reason.get(reasons[0], 0) + 1
    return found


def told(found: dict[str, dict[str, int]]) -> str:
    """The sentences of a scoreboard about what is unsupported; empty where nothing is."""
    parts = [(family, n, reason) for family, reasons in found.items() for reason, n in reasons.items()]
    return "\n".join(f"unsupported: {family} ({n}): {reason}" for family, n, reason in parts)
