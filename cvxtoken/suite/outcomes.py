"""A check's outcome, whatever it is that the check is asked of."""

from __future__ import annotations

from collections.abc import Callable

from cvxtoken.errors import CvxtokenError
from cvxtoken.suite.case import NotApplicable
from cvxtoken.suite.report import FAIL, PASS, UNSUPPORTED, Outcome


def outcome_of(instance: str, check: str, since: str, run: Callable[[], str | None]) -> Outcome:
    """The outcome of a check that returns why it fails, or None; errors of ours are raised."""
    try:
        reason = run()
    except NotApplicable as why:
        return Outcome(instance, check, UNSUPPORTED, str(why), since)
    except NotImplementedError as why:
        return Outcome(instance, check, UNSUPPORTED, f"not implemented: {why}", since)
    except CvxtokenError:
        raise
    except Exception as error:  # what a solver returned may break a check
        told = f"the answer cannot be checked: {type(error).__name__}: {error}"
        return Outcome(instance, check, FAIL, told, since)
    return Outcome(instance, check, FAIL if reason else PASS, reason or "", since)
