"""The stand-alone page: the notebook's `scene` at every stop of its sliders, in one file without requests.

Nothing is computed in the browser but the drawing: each position was solved and certified when the docs
were built.
"""

from __future__ import annotations

import importlib.util
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np

from cvxtoken.allocation import model
from cvxtoken.picture import COLOURS, DARK

FOLDER = Path(__file__).parent


def page() -> str:
    """The page as HTML."""
    notebook = _notebook()
    sliders = [
        ("arrival rate λ, queries per second", notebook.ARRIVAL_RATES, 0.1),
        ("accuracy weight α, seconds", notebook.ACCURACY_WEIGHTS, 30),
        (f"saturation rate b of {notebook.TASK}, times", notebook.RATE_FACTORS, 1),
        (f"time per token c of {notebook.TASK}, times", notebook.TIME_FACTORS, 1),
    ]
    positions = itertools.product(*(stops for _, stops, _ in sliders))
    first = notebook.scene(*(value for _, _, value in sliders))
    data = {
        "sliders": [
            {"label": label, "stops": stops, "start": stops.index(value)} for label, stops, value in sliders
        ],
        "tasks": first.workload.names,
        "methods": list(notebook.METHODS),
        "colors": [(colour, DARK[colour]) for colour in notebook.COLORS],
        "shades": [(colour, DARK[colour]) for colour in COLOURS[: len(first.workload)]],
        "scenes": [record(notebook.scene(*position)) for position in positions],
    }
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False).replace(
        "<", "\\u003c"
    )
    return (FOLDER / "explorer.html").read_text(encoding="utf-8").replace("/*DATA*/", text)


def record(scene: Any) -> dict[str, Any]:
    """What the page shows of a scene, rounded to what can be seen; gaps as tenths of their log10."""
    w, proof = scene.workload, scene.certificate
    tokens = np.array([float(l) for l in proof.tokens])
    load = w.arrival_rate * w.prior * model.service_time(w, tokens)
    return {
        "tokens": tokens.round(1).tolist(),
        "accuracy": model.accuracy(w, tokens).round(4).tolist(),
        "load": load.round(4).tolist(),
        "time": round(float(model.mean_system_time(w, tokens)), 3),
        "J": f"{float(proof.lower):.6f}",
        "gap": str(proof.relative_gap),
        "radius": str(max(proof.radii)),
        "contraction": scene.contraction.reason,
        "runs": [
            {
                "outcome": result.outcome,
                "gaps": [_tenths(gap) for gap in result.trace.residuals],
                "loads": [round(rho, 3) for rho in result.trace.utilization],
            }
            for result in scene.results.values()
        ],
    }


def _tenths(gap: float) -> int | None:
    return round(10 * float(np.log10(max(gap, 1e-17)))) if gap < np.inf else None


def _notebook() -> Any:
    spec = importlib.util.spec_from_file_location("cvxtoken_notebook", FOLDER.parent / "notebook.py")
    if spec is None or spec.loader is None:
        raise ImportError("docs/notebook.py cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
