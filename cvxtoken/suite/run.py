"""Run the checks over the library: in one call, or as the cases of a pytest function."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Any

from cvxtoken.errors import CvxtokenError, LibraryError, ProblemError
from cvxtoken.library import Instance, instances
from cvxtoken.suite.answer import Subject, subject
from cvxtoken.suite.case import Case
from cvxtoken.suite.checks import CHECKS, Check
from cvxtoken.suite.isolation import Lost, call
from cvxtoken.suite.outcomes import outcome_of
from cvxtoken.suite.problem_checks import run_problem
from cvxtoken.suite.problems import Problems, own_problems
from cvxtoken.suite.report import FAIL, UNPROVEN, UNSUPPORTED, XFAIL, Outcome, Report

TOLERANCE = 1e-6  # relative; what general-purpose solvers promise
TIME_LIMIT = 60.0  # seconds an instance, for all its checks


def check_solver(
    solve_fn: Callable[..., Any],
    include: str | Iterable[str] = "*",
    exclude: str | Iterable[str] = (),
    expected_failures: Mapping[str, str] | None = None,
    added_before: str | None = None,
    *,
    kind: str | None = None,
    form: str = "presolved",
    tolerance: float = TOLERANCE,
    time_limit: float = TIME_LIMIT,
    on_instance: Callable[[str], None] | None = None,
    problems: Problems | None = None,
    certificates: str | Path | None = None,
) -> Report:
    """Check a solver against the certified optima of the library, or of problems of your own.

    Your own are certified once and kept by their digest, in memory; they are asked about as they stand. What
    cannot be proven is reported as unproven with the reason, and is no problem that passed.

    Args:
        solve_fn: see `cvxtoken.suite.answer` for what it takes and returns.
        include: patterns over instance ids, such as 'realistic*'.
        exclude: the same.
        expected_failures: reasons by pattern over 'instance' or 'instance:check'.
        added_before: a version; checks and instances that came with it or later are left out, so that new
            ones do not break pinned tests.
        kind: workload, problem or cones, where the function does not tell.
        form: how problems and cone data are written: presolved or raw; or parametric, for re-solves of one
            CVXPY problem whose parameters change from instance to instance of the same size.
        tolerance: on the true error of the objective, relative to 1 + |J*|.
        time_limit: for all checks of one instance, in s; to certify one of `problems` may take longer.
        on_instance: called with the id of each instance when it is done.
        problems: in place of the library, `cvxpy.Problem`s in a list or by name. A geometric program is
            solved by its logarithm: a parameter `gp` of the function is then True. Cone data are those that
            CVXPY compiles a problem to.
        certificates: a folder that keeps the proofs of `problems` from run to run; each is checked again
            before it is used.

    Raises:
        ProblemError: a pattern matches nothing, what the function takes cannot be found out, or `problems`
            holds something else; or comes with a form, or with added_before.
        MissingExtraError: `problems` must be certified, and python-flint is not installed.
    """
    tested = subject(solve_fn, kind, form)
    for name, value in (("tolerance", tolerance), ("time_limit", time_limit)):
        if not value > 0:
            raise ProblemError(f"{name} is {value}; it must be positive")
    if expected_failures is not None and not isinstance(expected_failures, Mapping):
        raise ProblemError("expected_failures must map patterns to reasons")
    runs: Iterator[tuple[str, list[Outcome]]]
    if problems is None:
        wanted, left_out = selection(tested, include, exclude, added_before)
        runs = ((i.id, run_instance(tested, i, tolerance, time_limit, added_before)) for i in wanted)
    else:
        if form != "presolved" or added_before is not None:
            raise ProblemError("form and added_before are of the library's instances, not of problems")
        left_out, own = "", own_problems(problems, include, exclude, certificates)
        runs = ((problem.name, run_problem(tested, problem, tolerance, time_limit)) for problem in own)
    outcomes: list[Outcome] = []
    faults: dict[str, str] = {}
    for name, found in runs:
        outcomes += [expected(_once(outcome, faults), expected_failures or {}) for outcome in found]
        if on_instance is not None:
            on_instance(name)
    return Report(outcomes, left_out)


def parametrize(solve_fn: Callable[..., Any], *, argument: str = "case", **options: Any) -> Any:
    """A pytest decorator: the function is run once for each instance, with a case to call.

    Args:
        solve_fn: as for `check_solver`, and so are the options.
        argument: name of the parameter that takes the case.
        options: include, exclude, expected_failures, added_before, kind, form, tolerance, time_limit.
    """
    import pytest

    wanted = {key: options.pop(key) for key in ("include", "exclude", "added_before") if key in options}
    tested = subject(solve_fn, options.get("kind"), options.get("form", "presolved"))
    cases = []
    run, left_out = selection(
        tested, wanted.get("include", "*"), wanted.get("exclude", ()), wanted.get("added_before")
    )
    if not run:
        skipped = pytest.mark.skip(reason=f"nothing was run: {left_out}")
        return pytest.mark.parametrize(argument, [pytest.param(None, id="none", marks=skipped)])
    for instance in run:

        def case(name: str = instance.id) -> None:
            report = check_solver(solve_fn, include=name, added_before=wanted.get("added_before"), **options)
            if report.failed:
                told = "; ".join(f"{o.check}: {o.reason}" for o in report.failed)
                raise AssertionError(f"{name}: {told}")
            if report.expected_failures and not report.passed:
                pytest.xfail(report.expected_failures[0].reason)
            if not report.passed:
                pytest.skip(report.unsupported[0].reason)

        cases.append(pytest.param(case, id=instance.id))
    return pytest.mark.parametrize(argument, cases)


def selection(
    tested: Subject, include: str | Iterable[str], exclude: str | Iterable[str], added_before: str | None
) -> tuple[list[Instance], str]:
    """The instances to run, and why others of those named are left out."""
    named = instances(include, exclude)
    late = [instance for instance in named if not is_before(instance.since, added_before)]
    reasons = {instance.id: tested.asks(instance) for instance in named if instance not in late}
    counts = Counter(reason for reason in reasons.values() if reason)
    told = [f"{count} of {len(named)} left out: {reason}" for reason, count in counts.items()]
    if late:
        told.append(f"{len(late)} of {len(named)} left out: new in {added_before} or later (added_before)")
    return [i for i in named if reasons.get(i.id) == ""], "; ".join(told)


def _once(outcome: Outcome, faults: dict[str, str]) -> Outcome:
    """The outcome; a fault of the adapter that was named before is only referred to."""
    if outcome.check != "adapter" or outcome.result != FAIL:
        return outcome
    first = faults.setdefault(outcome.reason, outcome.instance)
    if first == outcome.instance:
        return outcome
    return replace(outcome, result=UNSUPPORTED, reason=f"as at {first}: {outcome.reason}")


def run_instance(
    tested: Subject, instance: Instance, tolerance: float, time_limit: float, added_before: str | None
) -> list[Outcome]:
    """All checks of one instance, in a process of their own.

    Raises:
        LibraryError: the instance is damaged, or what is asked about it cannot be written; no solver is
            scored for that.
    """
    # our own errors must be raised here; later they would count as the solver's
    why = tested.unsupported(instance.problem)
    if why:
        return [Outcome(instance.id, "answers", UNSUPPORTED, why, instance.since)]
    checks = [check for check in CHECKS if is_before(check.since, added_before)]

    def outcomes() -> list[Outcome] | LibraryError:
        case = Case(tested, instance, tolerance)
        try:
            return [_outcome(check, case) for check in checks]
        except CvxtokenError as error:  # not the solver's: those are answers
            return LibraryError(f"{instance.id}: {error}")

    try:
        found: list[Outcome] | LibraryError = call(outcomes, time_limit)
    except Lost as lost:
        return [Outcome(instance.id, "answers", FAIL, str(lost), instance.since)]
    if isinstance(found, LibraryError):
        raise found
    return found


def _outcome(check: Check, case: Case) -> Outcome:
    since = max(check.since, case.instance.since, key=_version)
    return outcome_of(case.instance.id, check.name, since, partial(check.run, case))


def expected(outcome: Outcome, reasons: Mapping[str, str]) -> Outcome:
    """The outcome; a failure that was expected becomes XFAIL, with the reason given."""
    if outcome.result not in (FAIL, UNPROVEN):
        return outcome
    for pattern, reason in reasons.items():
        if any(
            fnmatchcase(name, pattern) for name in (outcome.instance, f"{outcome.instance}:{outcome.check}")
        ):
            return Outcome(outcome.instance, outcome.check, XFAIL, reason, outcome.since)
    return outcome


def is_before(since: str, added_before: str | None) -> bool:
    """Whether what came with one version was there before another; None: whatever came is (ProblemError)."""
    return added_before is None or _version(since) < _version(added_before)


def _version(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split("."))
    except ValueError as error:
        raise ProblemError(f"added_before is {text!r}; it must be a version such as 0.2.0") from error
