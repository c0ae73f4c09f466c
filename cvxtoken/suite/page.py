"""A scoreboard as one HTML file that needs nothing else: tables, and plots as SVG inside."""

from __future__ import annotations

import html
import io
from collections.abc import Iterable
from datetime import date

import numpy as np

from cvxtoken.library import Instance
from cvxtoken.picture import require_matplotlib
from cvxtoken.suite.scoreboard import CORRECT, Score, not_understood, summary, told
from cvxtoken.suite.status import SAYS_OPTIMUM

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222 }
body { max-width: 72rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.6rem } h2 { font-size: 1.2rem; margin-top: 2.5rem }
.scroll { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { padding: .25rem .6rem; text-align: right; border-bottom: 1px solid #ddd; white-space: nowrap }
th:first-child, td:first-child { text-align: left }
.bad { color: #b00020; font-weight: 600 }
figure { margin: 1rem 0 } svg { width: 100%; height: auto }
"""
_EXPLANATION = (
    "Errors are true ones, of the objective against certified optima, relative to 1 + |J*|; up to "
    f"{CORRECT:g} counts as correct. 'Solved' is the solver's own claim. Times are shifted geometric means "
    "of whole calls."
)
_COLUMNS = {
    "instances": "instances",
    "claimed_optimal": "solved",
    "correct": "correct",
    "wrongly_optimal": "wrongly optimal",
    "wrongly_infeasible": "wrongly infeasible",
    "wrongly_unbounded": "wrongly unbounded",
    "median_relative_error": "median error",
    "max_relative_error": "worst error",
    "mean_seconds": "mean s",
}


def page(solver: str, version: str, scores: list[Score], left_out: Iterable[Instance] = ()) -> str:
    """The HTML text; instances that were left out are counted in it.

    Raises:
        MissingExtraError: Matplotlib is not installed.
    """
    title = html.escape(f"{solver} {version}".strip())
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
        "<meta name='viewport' content='width=device-width, initial-scale=1'>",
        f"<title>{title} on the cvxtoken library</title><style>{STYLE}</style></head><body>",
        f"<h1>{title} on the cvxtoken library</h1>",
        f"<p>{date.today().isoformat()}. {_EXPLANATION}</p>",
        *(f"<p>{html.escape(text)}</p>" for text in filter(None, [told(left_out), not_understood(scores)])),
    ]
    for form in dict.fromkeys(score.form for score in scores):
        chosen = [score for score in scores if score.form == form]
        parts += [f"<h2>{html.escape(form)} form</h2>", _table(chosen), f"<figure>{_plot(chosen)}</figure>"]
    wrong = [s for s in scores if s.wrongly_optimal or s.wrongly_infeasible or s.wrongly_unbounded]
    if wrong:
        parts += ["<h2>Wrong claims</h2>", _wrong(wrong)]
    return "\n".join([*parts, "</body></html>\n"])


def _table(scores: list[Score]) -> str:
    head = "".join(f"<th>{name}</th>" for name in ("family", *_COLUMNS.values()))
    rows = []
    for family, figures in summary(scores).items():
        cells = [f"<td>{html.escape(family)}</td>"]
        for key in _COLUMNS:
            bad = " class='bad'" if key.startswith("wrongly") and figures[key] else ""
            cells.append(f"<td{bad}>{_shown(key, figures[key])}</td>")
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return f"<div class='scroll'><table><tr>{head}</tr>{''.join(rows)}</table></div>"


def _shown(key: str, value: float | None) -> str:
    if value is None:
        return "&ndash;"
    return (
        f"{value:.1e}" if key.endswith("error") else f"{value:.3f}" if key.endswith("seconds") else str(value)
    )


def _wrong(scores: list[Score]) -> str:
    rows = "".join(
        f"<tr><td>{html.escape(s.instance)}</td><td>{html.escape(s.form)}</td><td>{html.escape(s.claim)}</td>"
        f"<td>{s.relative_error:.1e}</td></tr>"
        for s in scores
    )
    return (
        "<div class='scroll'><table><tr><th>instance</th><th>form</th><th>claim</th><th>true error</th></tr>"
        f"{rows}</table></div>"
    )


def _plot(scores: list[Score]) -> str:
    """True errors by family, as SVG."""
    require_matplotlib("an HTML report")
    from matplotlib.figure import Figure

    families = list(dict.fromkeys(score.family for score in scores if score.feasible))
    figure = Figure(figsize=(8, 0.45 * len(families) + 1.2), layout="constrained")
    axes = figure.add_subplot()
    rng = np.random.default_rng(0)  # spreads points that would lie on each other
    for claim, marker, colour in (
        ("optimal", "o", "#0072b2"),
        ("inaccurate", "^", "#e69f00"),
        ("failed", "x", "#777777"),
    ):
        chosen = [
            s for s in scores if s.feasible and (s.claim if s.claim in SAYS_OPTIMUM else "failed") == claim
        ]
        x = np.clip([s.relative_error for s in chosen], 1e-17, 1e2)
        y = [families.index(s.family) for s in chosen] + rng.uniform(-0.25, 0.25, len(chosen))
        if chosen:
            axes.scatter(
                x, y, s=22, marker=marker, color=colour, alpha=0.7, label=f"claims: {claim}", zorder=2
            )
    axes.axvline(CORRECT, color="#b00020", linewidth=1, zorder=1)
    axes.set_xscale("log")
    axes.set_xlim(2e-18, 3e2)
    axes.set_yticks(range(len(families)), families)
    axes.invert_yaxis()
    axes.set_xlabel(
        "true error of the objective, relative to 1 + |J*| (1e-17: none to be seen; 100: no usable tokens)"
    )
    axes.grid(axis="x", color="#e5e5e5", zorder=0)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, 1.0 + 0.6 / (0.45 * len(families) + 1)),
        ncols=3,
        frameon=False,
    )
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    svg = text.getvalue()
    return svg[svg.index("<svg") :]
