from __future__ import annotations

from pathlib import Path

import numpy as np

import cvxtoken
from cvxtoken import plots
from tests.fitting.data import write_rows


def test_points_curve_band_and_lag(tmp_path: Path) -> None:
    fitted = cvxtoken.fit_workload(write_rows(tmp_path / "rows.csv", per_budget=100), arrival_rate=0.1)
    for task in fitted.tasks:
        fit, drawn = task.accuracy, plots.fit(task)
        lines = drawn.get_lines()
        assert len(lines) == (2 if fit.lagged is None else 3)
        l, p = lines[0].get_data()
        assert (p == fit.curve(l)).all()
        assert (lines[-1].get_xydata() == np.column_stack([fit.points.budgets, fit.points.accuracy])).all()
        (band,) = drawn.collections
        low, high = fit.band(l)
        corners = band.get_paths()[0].vertices
        assert (corners[:, 1].min(), corners[:, 1].max()) == (low.min(), high.max())
        assert " ".join(drawn.get_title(loc="left").split()) == f"{task.name}: {fit.verdict}"
    (puzzles,) = (task for task in fitted.tasks if task.name == "puzzles")
    dashed = plots.fit(puzzles).get_lines()[1]
    assert (dashed.get_ydata() == puzzles.accuracy.lagged(dashed.get_xdata())).all()
