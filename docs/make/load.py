"""The first page's picture that moves: the optimal budgets at many loads, in one file without requests.

Nothing is computed in the browser but the drawing: each optimum was found and proven in the build.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

import cvxtoken
from cvxtoken.allocation import model

FOLDER = Path(__file__).parent
RATES = 10 ** (np.arange(-46, 11) / 20)  # from one query in 200 s to 3.2 a second, most of what can be served


def page() -> str:
    """The page as HTML."""
    workload = cvxtoken.load("qwen3-8b")
    rates = np.array([float(f"{rate:.2g}") for rate in RATES])
    found = cvxtoken.solve_many([workload.replace(arrival_rate=rate) for rate in rates.tolist()], prove=True)
    assert found.proven is not None, "it was asked for"
    gap = float(found.proven.relative_gap.max())
    data = {
        "tasks": workload.names,
        "start": int(np.abs(rates - workload.arrival_rate).argmin()),
        "gap": f"{gap:.0e}",
        "stops": [
            {
                "rate": f"{rate:g}",
                "tokens": tokens.round().astype(int).tolist(),
                "accuracy": round(float(model.mean_accuracy(workload, tokens)), 3),
                "time": f"{time:.3g}",
                "load": round(float(rho), 3),
            }
            for rate, tokens, time, rho in zip(
                rates, found.tokens, found.mean_system_time, found.utilization, strict=True
            )
        ],
    }
    text = json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return (FOLDER / "load.html").read_text(encoding="utf-8").replace("/*DATA*/", text)
