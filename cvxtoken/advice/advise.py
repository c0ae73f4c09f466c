"""The one call from tables to advice."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from cvxtoken.advice.result import Advice, Input
from cvxtoken.advice.whole import best_on_average, best_whole
from cvxtoken.advice.worth import draws_for, worth
from cvxtoken.allocation import model
from cvxtoken.allocation.problem import FIFO
from cvxtoken.allocation.targets import Targets
from cvxtoken.delay import Server
from cvxtoken.errors import ProblemError
from cvxtoken.fitting.drawn import MOST_DRAWS
from cvxtoken.fitting.uncertainty import checked_confidence
from cvxtoken.fitting.workload import fit_workload
from cvxtoken.logs.columns import Hints, Table

NO_TARGETS = Targets()


def advise(
    table: Table,
    arrivals: Table | None = None,
    *,
    targets: Targets = NO_TARGETS,
    server: Server = FIFO,
    arrival_rate: float | None = None,
    accuracy_weight: float = 30.0,
    max_tokens: float | None = None,
    columns: Mapping[str, str] | None = None,
    arrivals_columns: Mapping[str, str] | None = None,
    task: str | None = None,
    hints: Hints | None = None,
    service_against: str = "auto",
    confidence: float = 0.9,
    draws: int = 1000,
    seed: int = 0,
) -> Advice:
    """Budgets to deploy from an evaluation's rows and an arrival log, with error bars and what they cost.

    Accuracy, service times (with their scatter) and arrivals are fitted and judged (`fit_workload`). Then
    workloads that might be the true one are drawn (`draw_workloads`), each as likely as the measurements say.
    The budgets are those of the best average J over the first hundred draws: they have the least expected
    loss, where those of the point estimates may rest on one curve that happens to fit. They are proven for
    the draws, and the best budgets of the point estimates stand beside them, in `point`. The intervals hold
    the best budgets of so many draws, and the regret is what these gain over the budgets.

    Where a curve has a lag, or under targets, the budgets are those of the point estimates, proven for these.
    With a lag they are those of `solve_lagged`, and draws have lags too. Under targets, which know no lags,
    each of a hundred draws is solved on its own.

    Args:
        table: an evaluation's rows, see `fit_workload`.
        arrivals: a log, or None where the arrival rate is given.
        targets: the objective, and what the budgets must meet; `Targets(max_mean_system_time=2)`.
        server: the delay law, with its replicas.
        arrival_rate: in 1/s, in place of the log's.
        accuracy_weight: alpha, in s.
        max_tokens: largest budget, in place of the largest measured of each task.
        columns: what the files call a column.
        arrivals_columns: what the log calls one, where it differs.
        task: of all rows, where no column says it.
        hints: what cannot be told from the files, such as units.
        service_against: what seconds are fitted against.
        confidence: of all intervals.
        draws: how many, at most 10,000; fewer where each takes long.
        seed: of the draws.

    Raises:
        ProblemError: the data are bad, no arrival rate is known, an argument is out of range, or a draw is
            too extreme to be solved.
        UnstableError: no budgets are stable, or none are in half of the draws.
        TargetError: no budgets meet the targets.

    >>> l = [0, 500, 1000, 2000, 4000]
    >>> right = [2, 5, 7, 8, 8]
    >>> rows = [(budget, answer < of_ten) for budget, of_ten in zip(l, right) for answer in range(10)]
    >>> table = {"task": ["maths"] * 50, "budget_tokens": [budget for budget, _ in rows],
    ...          "correct": [int(good) for _, good in rows],
    ...          "seconds": [0.2 + 0.001 * budget for budget, _ in rows]}
    >>> found = advise(table, arrival_rate=0.1, draws=100)
    >>> found.budgets["maths"] > 1000, found.interval("maths")[0] < found.budgets["maths"]
    (True, True)
    """
    started = time.perf_counter()
    checked_confidence(confidence)
    if not 1 <= draws <= MOST_DRAWS:
        raise ProblemError(f"draws is {draws}; it must be from 1 to {MOST_DRAWS}")
    fitted = fit_workload(
        table,
        arrivals,
        arrival_rate=arrival_rate,
        accuracy_weight=accuracy_weight,
        max_tokens=max_tokens,
        columns=columns,
        arrivals_columns=arrivals_columns,
        task=task,
        hints=hints,
        confidence=confidence,
        random_service=True,
        service_against=service_against,
        server=server,
    )
    workload = fitted.workload
    targets.check(workload)
    model.require_stable(workload)
    point = best_whole(fitted, targets)
    drawn, best = draws_for(fitted, targets, draws, seed)
    whole = point
    if targets.is_trivial and not point.lag.any():
        average = best_on_average(drawn, point.tokens)
        if model.idle(workload, average.tokens) > 0:  # of very few draws it may be too much for the estimates
            whole = average
    of_point = worth(drawn, best, targets, point.tokens, confidence)
    return Advice(
        fitted=fitted,
        targets=targets,
        whole=whole,
        worth=worth(drawn, best, targets, whole.tokens, confidence) if whole.averaged else of_point,
        point=point,
        point_worth=of_point,
        confidence=confidence,
        seed=seed,
        inputs=tuple(
            Input(role, Path(reading.origin).name, reading.sha256)
            for role, reading in zip(("table", "arrivals"), fitted.readings, strict=False)
            if reading.sha256 is not None
        ),
        seconds=time.perf_counter() - started,
    )
