"""What do advised budgets lose in truth, against the best uniform budget and against simple choices?

Held-out servers like the built-in workloads (five tasks, every number moved at random): accuracy, times and
arrivals are drawn from the known truth, which is of the model's form; 300 or 3,000 rows a task and a log of
2,000 arrivals are measured; and the budgets that `cvxtoken.advise` finds from these (without proof, and
without the intervals of A, b and D, which no budget depends on) are scored by the truth. The loss is
J* - J(budgets), as a share of what the best uniform budget loses, which is found knowing the truth.

How little could any method lose? 'Oracle prior' are budgets of someone who is told all of the server but the
curves, and of these the distribution from which they were drawn. From that and from the same answers follow
the curves' posterior and the budgets of least expected loss under it: no budgets chosen from the answers lose
less on average, in seconds, over servers such as these.

Claims: (1) from 3,000 rows a task the advised budgets lose at most 5 % in the median of 200 servers, and at
most 25 % in 95 % of them; (2) from 300 rows they lose less in the median than the best budgets of the point
estimates, than any uniform budget of a measured size, than the largest, and than budgets by eye: the smallest
measured one whose measured accuracy is within two points of the best; (3) from 300 rows the limits of (1) are
beyond what such data tell, for the oracle does not keep both, and the advised budgets lose at most three
times what it does in the median. Ends in a verdict.
"""

from __future__ import annotations

import sys
from pathlib import Path
from unittest import mock

import numpy as np

import cvxtoken
from cvxtoken.advice.whole import average_tokens, averaged, best_whole
from cvxtoken.allocation import model
from cvxtoken.allocation.targets import Targets
from cvxtoken.arrays import FloatArray
from cvxtoken.fitting.drawn import draw
from cvxtoken.fitting.inference import Inference
from cvxtoken.picture import COLOURS, GREY, axes, legend, save
from cvxtoken.tables import table
from validation.evaluations import LARGE_BUDGETS, evaluation, like_built_in, log, optimum
from validation.oracle import oracle
from validation.studies import options

_DRAWS = 100  # as many as `advise` averages
_GRID = np.linspace(0, LARGE_BUDGETS[-1], 4097)  # of uniform budgets
_EYE = 0.02
FEW, MANY = 50, 500  # answers to each task at each budget
MEDIAN, MOST = 0.05, 0.25  # losses in the median and in 95 %
ADVISED, POINT, ORACLE, EYE = "advised", "of the point estimates", "oracle prior", "by eye"
LARGEST = f"uniform {LARGE_BUDGETS[-1]:g}, the largest"


def choices(fitted: cvxtoken.FittedWorkload) -> dict[str, FloatArray]:
    """Budgets by what chose them, each of shape (N,)."""
    point = best_whole(fitted, Targets()).tokens
    found = {ADVISED: average_tokens(averaged(draw(fitted, _DRAWS)), point), POINT: point}
    eye = []
    for task in fitted.tasks:
        points = task.accuracy.points
        eye.append(float(points.budgets[np.argmax(points.accuracy >= points.accuracy.max() - _EYE)]))
    found[EYE] = np.array(eye)
    found |= {f"uniform {l:g}": np.full(len(eye), l) for l in LARGE_BUDGETS[:-1]}
    return found | {LARGEST: np.full(len(eye), LARGE_BUDGETS[-1])}


def trial(seed: int, answers: int) -> tuple[dict[str, float], float]:
    """Of one server the losses by choice, as shares of the best uniform one's, and that in s."""
    rng = np.random.default_rng([seed, 7])
    truth, near = like_built_in(rng)
    rows, arrivals = evaluation(truth, rng, budgets=LARGE_BUDGETS, answers=answers), log(truth, rng)
    unknown = ((float("nan"), float("nan")),) * 3
    with mock.patch.object(Inference, "intervals", return_value=unknown):
        fitted = cvxtoken.fit_workload(
            rows, arrivals, accuracy_weight=truth.accuracy_weight, random_service=True
        )
    best = float(model.objective(truth, optimum(truth)))
    uniform = best - float(model.objective(truth, np.tile(_GRID[:, None], len(truth))).max())
    order = [truth.names.index(task.name) for task in fitted.tasks]
    found = {}
    for name, tokens in choices(fitted).items():
        found[name] = np.empty(len(truth))
        found[name][order] = tokens
    if answers == FEW:
        points = {task.name: task.accuracy.points for task in fitted.tasks}
        found[ORACLE] = oracle(truth, near, [points[name] for name in truth.names], rng)
    losses = {name: (best - float(model.objective(truth, l))) / uniform for name, l in found.items()}
    return losses, uniform


def gathered(found: list[tuple[dict[str, float], float]]) -> dict[str, FloatArray]:
    """Losses by choice, shape (servers,)."""
    return {name: np.array([loss[name] for loss, _ in found]) for name in found[0][0]}


def told(losses: dict[str, FloatArray]) -> str:
    """The table of one number of rows."""
    rows = []
    for name, values in losses.items():
        median, most = 100 * ends(values)
        counts = f"{np.mean(values > 1):.2f}", f"{np.isinf(values).sum()}"
        rows.append((name, f"{len(values)}", f"{median:.3g}", f"{most:.3g}", *counts))
    columns = ["budgets", "servers", "median loss (%)", "95 % lose at most (%)"]
    return table([*columns, "worse than the best uniform (share)", "unstable"], rows)


def ends(values: FloatArray) -> FloatArray:
    """The median, and what 95 % do not exceed."""
    return np.asarray(np.quantile(values, [0.5, 0.95], method="higher"))


def _losses(values: FloatArray) -> str:
    median, most = 100 * ends(values)
    return f"{median:.2g} % of the best uniform loss in the median and {most:.2g} % in 95 %"


def draw_picture(few: dict[str, FloatArray], many: dict[str, FloatArray], path: Path) -> None:
    """The share of servers in which a choice loses at most so much."""
    losses = {"advised, 3,000 rows": many[ADVISED], "advised, 300 rows": few[ADVISED]}
    losses |= {"oracle prior, 300 rows": few[ORACLE], "point estimates, 300 rows": few[POINT]}
    losses["uniform 2048"] = few["uniform 2048"]
    figure, drawn = axes("loss (share of the best uniform budget's)", "servers (share)")
    for (name, unsorted), colour in zip(losses.items(), COLOURS, strict=False):
        values = np.sort(unsorted)
        drawn.step(
            np.maximum(values, 1e-5), np.arange(1, len(values) + 1) / len(values), color=colour, label=name
        )
    drawn.axvline(1, color=GREY, linestyle="--", linewidth=1)
    drawn.set_xscale("log")
    drawn.set_xlim(1e-4, 1e3)
    legend(drawn)
    save(figure, path)


def main() -> int:
    """Run all servers, print the table and the verdict."""
    parser = options(__doc__)
    parser.add_argument("--servers", type=int, help="in place of 200")
    arguments = parser.parse_args()
    count = arguments.servers or (5 if arguments.quick else 200)
    few, many = (gathered([trial(seed, n) for seed in range(count)]) for n in (FEW, MANY))
    for answers, losses in ((FEW, few), (MANY, many)):
        print(f"{answers * len(LARGE_BUDGETS)} rows a task, {len(LARGE_BUDGETS)} budgets:")
        print(told(losses))
    if arguments.picture:
        draw_picture(few, many, arguments.picture)
    medians = {name: float(np.median(values)) for name, values in few.items()}
    (median, most), (oracle_median, oracle_most) = ends(many[ADVISED]), ends(few[ORACLE])
    least = min(value for name, value in medians.items() if name not in (ADVISED, ORACLE))
    good = median <= MEDIAN and most <= MOST and medians[ADVISED] < least
    good &= (oracle_median > MEDIAN or oracle_most > MOST) and medians[ADVISED] <= 3 * medians[ORACLE]
    said = f"from 3,000 rows {_losses(many[ADVISED])}; from 300 rows {_losses(few[ADVISED])}, where"
    said += f" the oracle prior loses {_losses(few[ORACLE])}"
    print("verdict: " + f"{'' if good else 'NOT '}as claimed: {said}")
    return 0 if good or arguments.quick else 1


if __name__ == "__main__":
    sys.exit(main())
