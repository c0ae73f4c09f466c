"""Two runs of a solver: what became worse from one to the other."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cvxtoken.errors import ProblemError
from cvxtoken.files import read_document
from cvxtoken.suite.verdict import GAVE_UP, PASSED, WRONG, Verdict

SLOWER = 2.0  # times as long counts as slower
_SHIFT = 0.01  # s, added to both times: below it a clock and a busy machine decide
_TEXTS = ("form", "instance", "verdict", "reason")

NOW_WRONG, LOST, NOW_SLOWER = "wrong", "lost", "slower"


@dataclass(frozen=True)
class Change:
    """One thing that became worse.

    Attributes:
        kind: wrong (was not), lost (passed before and now fails or was not asked), or slower.
        form, instance: which.
        told: what it was and is.
    """

    kind: str
    form: str
    instance: str
    told: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.form} {self.instance}: {self.told}"


def read_verdicts(path: str | Path) -> list[Verdict]:
    """The verdicts in a file that `cvxtoken check --json` has printed.

    Raises:
        ProblemError: it cannot be read, or holds something else.
    """
    records = read_document(path).get("outcomes")
    if not isinstance(records, list):
        raise ProblemError(f"{path}: has no list 'outcomes'; it must be what `cvxtoken check --json` prints")
    for place, record in enumerate(records):
        kinds = {**dict.fromkeys(_TEXTS, (str,)), "seconds": (int, float)}
        for field, kind in kinds.items():
            if not isinstance(record, dict) or not isinstance(record.get(field), kind):
                raise ProblemError(f"{path}: outcomes[{place}] has no {field!r} of the right kind")
        if record["verdict"] not in (PASSED, WRONG, GAVE_UP):
            raise ProblemError(f"{path}: outcomes[{place}] has the verdict {record['verdict']!r}")
    return [
        Verdict(**{text: r[text] for text in _TEXTS}, seconds=r["seconds"], relative_error=None)
        for r in records
    ]


def worse(old: list[Verdict], new: list[Verdict], asked: set[tuple[str, str]] | None = None) -> list[Change]:
    """What is worse in the new run, in its order, then what it does not have.

    Args:
        old: verdicts of the run before.
        new: of this one.
        asked: forms and ids that the new run was to answer; only these can be lost by not being there. None:
            all.
    """
    before = {v.key: v for v in old}
    changes = []
    for now in new:
        was = before.get(now.key)
        if now.verdict == WRONG and (was is None or was.verdict != WRONG):
            told = "not asked before" if was is None else f"{was.verdict} before"
            changes.append(Change(NOW_WRONG, now.form, now.instance, f"{now.reason}; {told}"))
        elif was is not None and was.verdict == PASSED and now.verdict == GAVE_UP:
            changes.append(Change(LOST, now.form, now.instance, f"{now.reason}; passed before"))
        elif was is not None and was.verdict == now.verdict == PASSED and _slower(was.seconds, now.seconds):
            told = f"{now.seconds:.3g} s, before {was.seconds:.3g} s"
            changes.append(Change(NOW_SLOWER, now.form, now.instance, told))
    gone = set(before) - {v.key for v in new}
    lost = [v for v in old if v.key in gone and v.verdict == PASSED and (asked is None or v.key in asked)]
    told = "passed before, and has no result now"
    return changes + [Change(LOST, was.form, was.instance, told) for was in lost]


def _slower(before: float, now: float) -> bool:
    return now + _SHIFT > SLOWER * (before + _SHIFT)
