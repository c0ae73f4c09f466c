"""Do measured accuracies follow the saturation curve, and do the intervals of A, b and D hold what they say?

Claims: (1) every measured curve refitted by unweighted least squares comes out with the A, b and D that were
found before (to 2 digits); (2) the four curves of full evaluations fit, the forced answers of GSM8K and
MATH-500 show a lag or a misfit, answers cut off count as a lag, and so does AIME 2024; (3) the 90 % intervals
of A, b and D hold the truth in 85 to 95 % of 500 synthetic data sets, of independent answers and of repeated
questions; (4) a million rows are fitted in 10 s of CPU time. The measured curves are read from the files of a
folder: `python -m validation.fits FOLDER`; without it claims (3) and (4) are looked at. Ends in a verdict.

Sources of the curves: vista_* kong276818/VISTA-Value-Informed-Sequential-Test-time-Allocation at 41e4506;
jspace_* avchadha/AI-Alignment at f31af45; quorum_* Parsa1ll/quorum at 90330f0; qwen3-235b_* Qwen3 Technical
Report, arXiv 2505.09388, Fig. 2.
"""

from __future__ import annotations

import csv
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

import cvxtoken
from cvxtoken.fitting.accuracy import NAMES
from cvxtoken.fitting.curve import Curve
from cvxtoken.picture import COLOURS, GREY, axes, legend, save
from cvxtoken.tables import table
from validation.studies import options

# file: questions, (A, b, D, RMSE) found before by unweighted least squares, verdicts that are right
CURVES = {
    "vista_qwen3-8b_mmlu-pro": (1000, (0.335, 9.96e-4, 0.398, 0.0058), ("fits",)),
    "vista_qwen3-8b_arc-challenge": (1000, (0.120, 4.80e-3, 0.835, 0.0018), ("fits",)),
    "vista_qwen3-8b_medmcqa": (500, (0.0885, 1.68e-3, 0.580, 0.0049), ("fits",)),
    "vista_qwen3-8b_medqa-usmle": (500, (0.163, 8.23e-4, 0.618, 0.0042), ("fits",)),
    "jspace_qwen3-4b_gsm8k": (150, (0.874, 2.06e-3, 0.120, 0.058), ("lag", "misfit")),
    "jspace_qwen3-4b_math500": (150, (0.715, 1.15e-3, 0.182, 0.048), ("lag", "misfit")),
    "jspace_qwen3-4b_gsm8k_hardcap": (150, (1.0, 4.7e-4, 0.0, 0.116), ("lag",)),
    "qwen3-235b_aime-2024": (None, (0.568, 1.48e-4, 0.312, 0.020), ("lag",)),
    "qwen3-235b_aime-2025": (None, None, None),
    "quorum_r1-qwen-1.5b_gsm8k": (50, None, None),
}
BUDGETS = np.array([0.0, 250, 500, 1000, 2000, 4000, 8000])


def measured(folder: Path) -> bool:
    """Every curve refitted, beside what was found before."""
    rows, good = [], True
    for name, (trials, before, right) in CURVES.items():
        with open(folder / f"{name}.csv", encoding="utf-8", newline="") as file:
            lines = list(csv.DictReader(file))
        budgets = [float(line["budget_tokens"]) for line in lines]
        accuracy = [float(line["accuracy"]) for line in lines]
        plain = cvxtoken.fit_accuracy(budgets, accuracy=accuracy, trials=trials, method="least_squares")
        judged = cvxtoken.fit_accuracy(budgets, accuracy=accuracy, trials=trials)
        ours = (*(getattr(plain, field) for field in NAMES), plain.rmse)
        same = before is None or all(two_digits(a, b) for a, b in zip(ours, before, strict=True))
        good &= same and (right is None or judged.verdict in right)
        lag = "-" if judged.lagged is None else f"{judged.lagged.lag:.0f}"
        lag_rmse = "-" if judged.lagged_rmse is None else f"{judged.lagged_rmse:.4f}"
        rows.append(
            (
                name,
                *(f"{value:.3g}" for value in ours),
                "-" if before is None else " ".join(f"{value:.3g}" for value in before),
                *(f"{getattr(judged, field):.3g}" for field in NAMES),
                "-" if judged.goodness_of_fit is None else f"{judged.goodness_of_fit:.2g}",
                lag,
                lag_rmse,
                judged.verdict,
            )
        )
    columns = ["curve", "A", "b", "D", "RMSE", "before", "A (default)", "b", "D"]
    columns += ["fit p", "lag", "RMSE with lag", "verdict"]
    print(table(columns, rows, left=("before", "verdict")))
    return good


def two_digits(ours: float, before: float) -> bool:
    """Whether two numbers agree to half a unit of the second digit; 0 to 0.005."""
    return abs(ours - before) <= (0.05 * abs(before) if before else 0.005)


def coverage(kind: str, sets: int) -> NDArray[np.float64]:
    """Share of synthetic data sets whose 90 % intervals hold A, b and D."""
    hits = np.zeros(3)
    for seed in range(sets):
        rng = np.random.default_rng(seed)
        truth = Curve(rng.uniform(0.25, 0.6), 10 ** rng.uniform(-3.2, -2.5), rng.uniform(0.1, 0.3))
        p = truth(BUDGETS)
        if kind == "answers":
            fit = cvxtoken.fit_accuracy(BUDGETS, rng.binomial(400, p), np.full(7, 400))
        else:  # 200 questions, each hard or easy at every budget, 4 answers to each
            hardness = rng.uniform(size=200)
            chance = betaincinv(2 * p[:, None], 2 * (1 - p[:, None]), hardness).ravel().repeat(4)
            right = (rng.random(len(chance)) < chance).astype(int)
            questions = np.tile(np.arange(200).repeat(4), 7)
            fit = cvxtoken.fit_accuracy(BUDGETS.repeat(800), right, questions=questions)
        ends = fit.intervals.values()
        hits += [
            low <= true <= high for true, (low, high) in zip((truth.A, truth.b, truth.D), ends, strict=True)
        ]
    shares = hits / sets
    print(f"coverage of 90 % intervals, {kind}: A {shares[0]:.3f}, b {shares[1]:.3f}, D {shares[2]:.3f}")
    return shares


def million() -> bool:
    """Rows of five tasks, 2,000 questions each, from a CSV file to a workload."""
    rng, n = np.random.default_rng(0), 1_000_000
    b, A, D = np.array(
        [[2e-4, 0.5, 0.1], [5e-4, 0.3, 0.3], [2.5e-3, 0.6, 0.3], [1e-3, 0.4, 0.2], [1, 0, 0.5]]
    ).T
    task, l = rng.integers(5, size=n), 2 * BUDGETS[rng.integers(7, size=n)]
    right = rng.random(n) < D[task] + A[task] * -np.expm1(-b[task] * l)
    seconds = 0.1 + 0.001 * l * (1 + 0.05 * rng.normal(size=n))
    rows = zip(task, l, right, seconds, rng.integers(2000, size=n), strict=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        with path.open("w") as file:
            file.write("task,budget_tokens,correct,seconds,question\n")
            file.writelines(f"t{k},{x:g},{int(y)},{s:.4f},q{q}\n" for k, x, y, s, q in rows)
        started = time.process_time()  # other work on the machine is not the fit's
        fitted = cvxtoken.fit_workload(path, arrival_rate=0.1)
        took = time.process_time() - started
    verdicts = ", ".join(task.accuracy.verdict for task in fitted.tasks)
    print(f"a million rows: {took:.1f} s of CPU time; {verdicts}")
    return took <= 10


def draw(shares: dict[str, NDArray[np.float64]], path: Path) -> None:
    """The share of intervals that hold the truth, beside the 90 % that they promise."""
    figure, drawn = axes(
        "parameter (A: share, b: 1/token, D: share)", "intervals that hold the truth (share)"
    )
    for (kind, values), colour, marker in zip(shares.items(), COLOURS, "os", strict=False):
        drawn.plot(["A", "b", "D"], values, marker, color=colour, label=kind)
    drawn.axhline(0.9, color=GREY, linestyle="--", linewidth=1)
    drawn.set_ylim(0.75, 1)
    legend(drawn)
    save(figure, path)


def main() -> int:
    """Run the parts, print tables and the verdict."""
    parser = options(__doc__)
    parser.add_argument("folder", nargs="?", type=Path, help="of the measured curves")
    arguments = parser.parse_args()
    good = arguments.folder is None or measured(arguments.folder)
    sets = 100 if arguments.quick else 500
    shares = {kind: coverage(kind, sets) for kind in ("answers", "questions")}
    # of 100 sets, 79 to 98 hold the truth but by chance once in 1,500, if the true share is 0.9
    low, high = (0.79, 0.98) if arguments.quick else (0.85, 0.95)
    good &= all(bool(((share >= low) & (share <= high)).all()) for share in shares.values())
    good &= million()
    if arguments.picture:
        draw(shares, arguments.picture)
    print("verdict: the fits say what they know" if good else "verdict: the fits do NOT hold")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
