"""Measured mean latencies of two systems beside the law of shared service, for the page on servers.

Sources: the runs of inference-sim/residency-vllm at 2641b57 (Qwen3-14B, one H100, vLLM 0.23) and of
vishakha-ramani/pd-model-validation at 3f2021a (Llama-3.3-70B, four H100, vLLM 0.11), and the coefficients of
iterations that the latter publishes: constant, a request, a context token, a prompt token, in ms.
"""

from __future__ import annotations

import numpy as np
from drawing import panels
from matplotlib.figure import Figure

import cvxtoken
from cvxtoken.allocation import model
from cvxtoken.picture import BLUE, INK, ORANGE

SYSTEMS = {
    "Qwen3-14B, 1 H100": (
        (10.884573, 0.01041983, 5.267373e-05, 0.0398064),
        128,
        ((2.02, 1.633), (3.94, 1.797), (6.02, 2.016), (8.05, 2.297), (10.03, 2.700), (12.01, 3.469)),
    ),
    "Llama-3.3-70B, 4 H100": (
        (15.977418, 0.04494688, 2.693211e-05, 0.0635236),
        256,
        (
            *((1.045, 4.625), (1.856, 5.063), (2.668, 5.447), (3.479, 6.018)),
            *((4.291, 6.702), (5.102, 7.528), (5.914, 8.384), (6.725, 9.328)),
        ),
    ),
}
PROMPT = 1024


def served(system: str, rate: float, prefill: bool = True) -> float:
    """E[T] of a system by the law, in s."""
    (base, request, context, prompt), tokens, _ = SYSTEMS[system]
    beta = (request + context * (PROMPT + tokens / 2)) / 1e3
    workload = cvxtoken.Workload(
        names=["query"],
        prior=[1],
        accuracy_gain=[0.5],
        saturation_rate=[1e-3],
        base_accuracy=[0],
        overhead=[prompt * PROMPT / 1e3 if prefill else 0.0],
        time_per_token=[base / 1e3 + beta],
        arrival_rate=rate,
        accuracy_weight=1,
        max_tokens=1e4,
        server=cvxtoken.Sharing.from_iterations(base / 1e3, beta),
    )
    return float(model.mean_system_time(workload, np.array([float(tokens)])))


def measured_servers() -> Figure:
    """Measured points on the law's curves; without prefill the law is far below."""
    figure, both = panels(2, 8.4, 3.4)
    for axes, (system, (_, _, points)) in zip(both, SYSTEMS.items(), strict=True):
        rates = np.linspace(0.3, points[-1][0] * 1.04, 60)
        axes.plot(rates, [served(system, rate) for rate in rates], color=BLUE, label="the law")
        without = [served(system, rate, prefill=False) for rate in rates]
        axes.plot(rates, without, color=ORANGE, linestyle="--", label="without prefill")
        axes.plot(*zip(*points, strict=True), "o", color=INK, markersize=4, label="measured")
        axes.set(
            xlabel="arrival rate λ (1/s)", ylabel="mean system time E[T] (s)", ylim=(0, None), title=system
        )
    both[0].legend(frameon=False, loc="upper left")
    return figure
