"""Measured latencies of real engines beside the delay law of shared service, for the study of servers.

Nothing is fitted to the runs: the coefficients of iterations are others' calibrations. Sources: of the runs
inference-sim/residency-vllm at 2641b57 and vishakha-ramani/pd-model-validation at 3f2021a, of the
coefficients the latter.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cvxtoken.picture import BLUE, GREEN, GREY, ORANGE, axes, legend, save
from cvxtoken.tables import table

CAP = 256  # requests that the measured engines run at most


@dataclass(frozen=True)
class Iterations:
    """Coefficients of an engine's iterations, in ms: constant, a request, a context token, a prompt token."""

    base: float
    request: float
    context: float
    prompt: float

    def law(self, rate: float, prompt: float, tokens: float) -> dict[str, float]:
        """Times in ms and loads, of queries of so many prompt tokens that make so many."""
        beta, t0 = self.request + self.context * (prompt + tokens / 2), self.prompt * prompt
        alone, lam = t0 + (self.base + beta) * tokens, rate / 1e3
        return {
            "law": alone / (1 - lam * (t0 + beta * tokens)),
            "without": (alone - t0) / (1 - lam * beta * tokens),
            "load": lam * (t0 + beta * tokens),
            "fifo": lam * alone,
            "capped": 1e3 / (t0 + (beta + self.base / CAP) * tokens),
        }


@dataclass(frozen=True)
class Run:
    """A measured run: rate in 1/s, mean time in ms, and what the law says."""

    model: str
    prompt: float
    rate: float
    present: float
    measured: float
    said: dict[str, float]


def read(folder: Path, name: str) -> list[dict[str, str]]:
    """The rows of a file."""
    with open(folder / name, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def runs(folder: Path) -> list[Run]:
    """All open-loop runs, in the order of the files."""
    names = ("c_base_ms", "c_dec_ms_per_req", "c_kv_ms_per_ctx_token", "c_pf_ms_per_prompt_token")
    engines = {
        row["model"].rpartition("/")[2]: Iterations(*(float(row[name]) for name in names))
        for row in read(folder, "published_iteration_coeffs.csv")
    }
    found = []
    for file, prompts, present in (
        ("openloop_residency_qwen3_14b_h100.csv", "input_tokens_mean", "mean_in_system"),
        ("openloop_llama33_70b_tp4_h100.csv", "input_tokens", "concurrency_reported"),
    ):
        for row in read(folder, file):
            model = row["model"].rpartition("/")[2]
            rate, prompt = float(row["request_rate"]), float(row[prompts])
            said = engines[model].law(rate, prompt, float(row["output_tokens_mean"]))
            found.append(Run(model, prompt, rate, float(row[present]), float(row["e2e_ms"]), said))
    return found


def compared(found: list[Run]) -> bool:
    """The fourth claim of the study. A row is a model, a prompt and a rate asked for."""
    groups: dict[tuple[str, float, float], list[Run]] = {}
    for run in found:
        if run.present < CAP - 1:
            asked = round(run.rate) if run.model.startswith("Qwen") else run.rate
            groups.setdefault((run.model, run.prompt, asked), []).append(run)
    rows, biases, loads = [], [], []
    for (model, prompt, _), same in sorted(groups.items()):
        bias = [run.said["law"] / run.measured - 1 for run in same]
        bare = min(run.said["without"] / run.measured - 1 for run in same)
        one = same[0]
        biases += bias
        loads.append(one.said["fifo"])
        row = (model, f"{prompt:.0f}", f"{one.rate:.2f}", f"{len(same)}", f"{one.said['load']:.2f}")
        worst = max(bias, key=abs)
        row += (f"{one.measured:.0f}", f"{one.said['law']:.0f}", f"{100 * worst:+.1f}", f"{100 * bare:+.1f}")
        rows.append((*row, f"{one.said['fifo']:.1f}"))
    columns = ["model", "prompt", "rate (1/s)", "runs", "load", "measured (ms)", "law (ms)"]
    columns += ["law off, worst (%)", "without prefill (%)", "load of one at a time"]
    print(table(columns, rows))
    print(f"{len(rows)} points, {len(biases)} runs: {100 * min(biases):+.1f} to {100 * max(biases):+.1f} %")
    highest = max((run for run in found if run.present < CAP - 1), key=lambda run: run.rate)
    bare = highest.said["without"] / highest.measured - 1
    rows = [
        (f"{run.prompt:.0f}", f"{run.rate:.2f}", f"{run.said['capped']:.2f}", f"{run.said['load']:.2f}")
        for run in found
        if run.present >= CAP - 1
    ]
    print(f"runs at the cap of {CAP} requests, of which the law says nothing:")
    print(table(["prompt", "served (1/s)", "most at the cap by the coefficients (1/s)", "load"], rows))
    return max(map(abs, biases)) <= 0.10 and bare < -0.5 and min(loads) > 1


def draw(found: list[Run], path: Path) -> None:
    """Measured against predicted mean times, with and without prefill in the law."""
    figure, drawn = axes("predicted mean time in the system (s)", "measured mean time in the system (s)")
    open_loop = [run for run in found if run.present < CAP - 1]
    ends = np.array([1.0, 11.0])
    drawn.plot(ends, ends, color=GREY, linewidth=1, label="equal")
    drawn.fill_between(ends, ends / 1.1, ends / 0.9, color=GREY, alpha=0.15, linewidth=0, label="within 10 %")
    for colour, model in zip((BLUE, ORANGE), dict.fromkeys(run.model for run in open_loop), strict=True):
        mine = [run for run in open_loop if run.model == model]
        measured = [run.measured / 1e3 for run in mine]
        drawn.plot(
            [run.said["law"] / 1e3 for run in mine], measured, "o", color=colour, label=model, markersize=5
        )
        without = [run.said["without"] / 1e3 for run in mine]
        drawn.plot(without, measured, "x", color=GREEN, markersize=5)
    drawn.plot([], [], "x", color=GREEN, label="law without prefill")
    drawn.set_xscale("log")
    drawn.set_yscale("log")
    legend(drawn)
    save(figure, path)
