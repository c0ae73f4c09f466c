"""What a score means to a build: a verdict, a reason in one line, and what makes the build fail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cvxtoken.suite.scoreboard import CORRECT, Score
from cvxtoken.suite.status import FAILED, SAYS_INFEASIBLE, SAYS_UNBOUNDED, UNSUPPORTED

PASSED, WRONG, GAVE_UP = "passed", "wrong", "failed"
FAIL_ON = {"wrong": (WRONG,), "failed": (GAVE_UP,), "any": (WRONG, GAVE_UP)}


@dataclass(frozen=True)
class Verdict:
    """What came out of one form of one instance.

    Attributes:
        form, instance: which.
        verdict: passed; wrong (a claim that is not true); or failed (not solved, and not claimed to be).
        reason: why not passed, with the figure and the tolerance.
        seconds: of the call.
        relative_error: of the objective, None where there is none.
    """

    form: str
    instance: str
    verdict: str
    reason: str
    seconds: float
    relative_error: float | None

    @property
    def key(self) -> tuple[str, str]:
        """Form and instance."""
        return self.form, self.instance


def verdict(score: Score) -> Verdict:
    """The verdict on a score."""
    error = score.relative_error if score.relative_error < float("inf") else None
    if score.correct:
        found, reason = PASSED, ""
    else:
        false = score.wrongly_optimal or score.wrongly_infeasible or score.wrongly_unbounded
        found = WRONG if false else GAVE_UP
        reason = _reason(score, error)
    return Verdict(score.form, score.instance, found, reason, score.seconds, error)


def _reason(score: Score, error: float | None) -> str:
    said = f"claims {score.claim!r}" + (f" ({score.detail})" if score.detail not in ("", score.claim) else "")
    if not score.feasible:
        return f"{said}; expected 'infeasible'"
    if score.claim in (*SAYS_INFEASIBLE, *SAYS_UNBOUNDED):
        return f"{said}; the instance has an optimum"
    if score.claim in (FAILED, UNSUPPORTED):
        return said
    if error is None:
        return f"{said}; there are no tokens, or they are not stable"
    return f"{said}; the objective is off by {error:.3g} relative, over {CORRECT:g}"


def failing(verdicts: list[Verdict], fail_on: str) -> list[Verdict]:
    """Those that make a build fail.

    Args:
        verdicts: of a run.
        fail_on: wrong, failed or any.
    """
    return [v for v in verdicts if v.verdict in FAIL_ON[fail_on]]


def to_records(verdicts: list[Verdict]) -> list[dict[str, Any]]:
    """Plain mappings, which `compare.read_verdicts` reads again."""
    return [dict(vars(v)) for v in verdicts]
