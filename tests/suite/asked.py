"""All checks of one solver on one instance, without reading the library anew for each."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import cvxtoken
from cvxtoken.suite.answer import subject
from cvxtoken.suite.report import Report
from cvxtoken.suite.run import TIME_LIMIT, TOLERANCE, run_instance


@cache
def library() -> dict[str, cvxtoken.Instance]:
    """The instances by id."""
    return {instance.id: instance for instance in cvxtoken.instances("*")}


def asked(solver: Callable[..., Any], instance: str, kind: str, form: str) -> Report:
    """What `check_solver` finds on one instance."""
    tested = subject(solver, kind, form)
    assert not tested.asks(library()[instance])
    return Report(run_instance(tested, library()[instance], TOLERANCE, TIME_LIMIT, None))
