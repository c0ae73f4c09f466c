"""What came out of the checks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from cvxtoken.tables import table

PASS, FAIL, XFAIL, UNSUPPORTED, UNPROVEN = "PASS", "FAIL", "XFAIL", "UNSUPPORTED", "UNPROVEN"


@dataclass(frozen=True)
class Outcome:
    """One check on one instance.

    Attributes:
        instance: its id.
        check: its name.
        result: PASS, FAIL, XFAIL (failed, or was unproven, as expected), UNSUPPORTED (the check does not
            apply) or UNPROVEN (what is true of a problem of the user's is not proven, or only in part).
        reason: why, where not passed.
        since: the version that first had this check of this instance.
    """

    instance: str
    check: str
    result: str
    reason: str
    since: str

    def __str__(self) -> str:
        """One line that one can act on."""
        return f"{self.instance}: {self.check}: {self.result}" + (f": {self.reason}" if self.reason else "")


@dataclass(frozen=True)
class Report:
    """All outcomes of a run, in the library's order.

    Attributes:
        outcomes: of each check on each instance.
        left_out: why instances that were named were not run; empty where all were.
    """

    outcomes: list[Outcome]
    left_out: str = ""

    @property
    def passed(self) -> list[Outcome]:
        """Those that passed."""
        return self._of(PASS)

    @property
    def failed(self) -> list[Outcome]:
        """Those that failed and were not expected to."""
        return self._of(FAIL)

    @property
    def expected_failures(self) -> list[Outcome]:
        """Those that failed as expected, with the reason given."""
        return self._of(XFAIL)

    @property
    def unsupported(self) -> list[Outcome]:
        """Those that do not apply to this solver."""
        return self._of(UNSUPPORTED)

    @property
    def unproven(self) -> list[Outcome]:
        """One for each problem of the user's of which not all is proven, with the reason."""
        return self._of(UNPROVEN)

    @property
    def ok(self) -> bool:
        """Whether something passed, nothing failed unexpectedly, and no problem is unproven."""
        return bool(self.passed) and not self.failed and not self.unproven

    @property
    def nothing_passed(self) -> str:
        """Why nothing passed where nothing failed either; empty otherwise."""
        if self.passed or self.failed or self.expected_failures or self.unproven:
            return ""
        if not self.outcomes:
            return f"nothing was run: {self.left_out or 'no instance was chosen'}"
        reason, count = Counter(outcome.reason for outcome in self.unsupported).most_common(1)[0]
        return f"nothing passed: {reason} ({count} times)"

    def _of(self, result: str) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.result == result]

    def __str__(self) -> str:
        counts = (
            f"{len(self.passed)} passed, {len(self.failed)} failed, "
            f"{len(self.expected_failures)} expected failures, {len(self.unsupported)} unsupported"
        )
        counts += f", {len(self.unproven)} unproven" if self.unproven else ""
        counts = "; ".join(filter(None, [counts, self.nothing_passed]))
        counts = "\n".join([counts, *(f"unproven: {o.instance}: {o.reason}" for o in self.unproven)])
        if not self.failed:
            return counts
        by_check = Counter(outcome.check for outcome in self.failed)
        rows = []
        for check, count in by_check.most_common():
            first = next(outcome for outcome in self.failed if outcome.check == check)
            rows.append((check, str(count), first.instance, first.reason))
        failures = table(["check", "failed", "first at", "because"], rows, left=("first at", "because"))
        return f"{failures}\n{counts}"
