"""Advice as one HTML file that needs nothing else: tables, warnings, and pictures as SVG inside."""

from __future__ import annotations

import html
import io
import re
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cvxtoken import picture
from cvxtoken.advice.result import Advice
from cvxtoken.files import write_text
from cvxtoken.plots import fitting as plots

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STYLE = """
:root { --ink: #1f2328; --back: #ffffff; --line: #d0d7de; --soft: #f6f8fa; --warn: #9a3412;
  --blue: #1059d0; --orange: #c25000; --green: #067c56; color-scheme: light dark }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --back: #0d1117; --line: #3d444d;
  --soft: #161b22; --warn: #ffb68a; --blue: #58b2e8; --orange: #ff9a4d; --green: #3fcf9f } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--back) }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere }
h1 { font-size: 1.6rem } h2 { font-size: 1.2rem; margin-top: 2.5rem }
.scroll { overflow-x: auto }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; overflow-wrap: normal }
th, td { padding: .3rem .7rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap }
th:first-child, td:first-child { text-align: left }
td:nth-child(2) { font-weight: 700 }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1rem }
dt { font-weight: 600 } dd { margin: 0 }
.warnings li { color: var(--warn) }
pre { overflow-x: auto; background: var(--soft); padding: .8rem; border-radius: 6px; font-size: .8rem }
.wide svg { max-width: 42rem }
figure { margin: 1rem 0 } figcaption { font-size: .9rem } svg { width: 100%; height: auto }
.curves { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); gap: 1rem }
.curves figure { margin: 0 }
@media (max-width: 34rem) { dl { grid-template-columns: 1fr } dd { margin-bottom: .5rem } }
"""
_INK = "#123456"  # no default colour, for those are not written to a file
# what is drawn in these colours takes those of the page, light or dark
_OF_PAGE = {
    _INK: "var(--ink)",
    picture.GRID: "var(--line)",
    picture.BLUE: "var(--blue)",
    picture.ORANGE: "var(--orange)",
    picture.GREEN: "var(--green)",
}


def save_report(advice: Advice, path: str | Path) -> None:
    """Write advice as one HTML file for colleagues: tables, warnings, and pictures inside.

    Raises:
        ProblemError: the file cannot be written.
        MissingExtraError: Matplotlib is not installed.
    """
    write_text(path, page(advice))


def page(advice: Advice) -> str:
    """The HTML text.

    Raises:
        MissingExtraError: Matplotlib is not installed.
    """
    picture.require_matplotlib("a report")
    columns, rows = advice.rows()
    title = "Thinking-token budgets for " + ", ".join(advice.names)
    inputs = "; ".join(f"{file.file} (SHA-256 {file.sha256})" for file in advice.inputs)
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
        "<meta name='viewport' content='width=device-width, initial-scale=1'>",
        f"<title>{html.escape(title)}</title><style>{STYLE}</style></head><body>",
        f"<h1>{html.escape(title)}</h1>",
        f"<p>{html.escape(_summary(advice))}</p>",
        _table(columns, rows),
        *_warnings(advice.warnings),
        f"<div class='wide'>{_figure(*_budgets(advice))}</div>",
        "<h2>What they are worth</h2>",
        _definitions(advice.lines()),
        "<h2>What they rest on</h2>",
        "<p>Measured accuracies, the curves fitted to them, and the advised budgets (vertical lines).</p>",
        f"<div class='curves'>{''.join(_figure(*_curve(advice, k)) for k in range(len(advice.names)))}</div>",
        *_fits(str(advice.fitted)),
        *([f"<p>Read: {html.escape(inputs)}.</p>"] if inputs else []),
        "</body></html>\n",
    ]
    return "\n".join(parts)


def _summary(advice: Advice) -> str:
    budgets = ", ".join(f"{tokens} for {name}" for name, tokens in advice.budgets.items())
    return (
        f"Thinking tokens to allow a query: {budgets}. By the point estimates queries then take "
        f"{advice.mean_system_time:.3g} s in the mean and {100 * advice.mean_accuracy:.1f} % of the answers "
        f"are right. An interval holds what may truly be the best budget, at {100 * advice.confidence:g} %."
    )


def _table(columns: list[str], rows: list[tuple[str, ...]]) -> str:
    head = "".join(f"<th scope='col'>{html.escape(name)}</th>" for name in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<div class='scroll'><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"


def _warnings(warnings: tuple[str, ...]) -> list[str]:
    if not warnings:
        return []
    items = "".join(f"<li>{html.escape(text)}</li>" for text in warnings)
    return ["<h2>Before you deploy them</h2>", f"<ul class='warnings'>{items}</ul>"]


def _definitions(lines: list[tuple[str, str]]) -> str:
    return "<dl>" + "".join(f"<dt>{html.escape(n)}</dt><dd>{html.escape(t)}</dd>" for n, t in lines) + "</dl>"


def _fits(text: str) -> list[str]:
    """The fits as they are printed: each table as it is, the sentences between tables as items."""
    parts = []
    for is_table, group in groupby(text.splitlines(), lambda line: line.startswith("|")):
        lines = [html.escape(line) for line in group]
        if is_table:
            parts.append(f"<pre>{chr(10).join(lines)}</pre>")
        else:
            parts.append(f"<ul>{''.join(f'<li>{line}</li>' for line in lines)}</ul>")
    return parts


def _budgets(advice: Advice) -> tuple[Figure, str]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2, 1.3 + 0.4 * len(advice.names)), layout="constrained")
    point = list(advice.point_budgets.values()) if advice.whole.averaged else None
    plots.advised(
        advice.budgets,
        advice.worth.token_intervals,
        advice.confidence,
        point,
        figure.add_subplot(),
    )
    told = "; ".join(f"{row[0]}: {row[1]} tokens, interval {row[2]}" for row in advice.rows()[1])
    return figure, f"Advised budgets and their {100 * advice.confidence:g} % intervals. {told}"


def _curve(advice: Advice, k: int) -> tuple[Figure, str]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.6, 3.4), layout="constrained")
    drawn = plots.fit(advice.fitted.tasks[k], figure.add_subplot())
    drawn.axvline(float(advice.tokens[k]), color=_INK, linewidth=1, linestyle=":")
    name = advice.names[k]
    told = f"accuracy {advice.accuracy[k]:.3f} at the advised budget of {advice.budgets[name]} tokens"
    return figure, f"{name}: {told}"


def _figure(figure: Figure, told: str) -> str:
    """A figure of the page, in its colours, with what it shows as alternative text."""
    from matplotlib import rc_context
    from matplotlib.text import Text

    text = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": told, "font.family": "sans-serif"}):
        figure.patch.set_visible(False)
        for drawn in figure.axes:
            drawn.patch.set_visible(False)
            drawn.tick_params(colors=_INK)
            parts: list[Any] = [*drawn.spines.values(), *drawn.findobj(Text)]
            for part in parts:
                part.set_color(_INK)
        figure.savefig(text, format="svg", metadata={"Date": None})
    svg = text.getvalue()
    svg = re.sub("|".join(_OF_PAGE), lambda found: _OF_PAGE[found[0]], svg[svg.index("<svg") :])
    label = html.escape(told, quote=True)
    svg = svg.replace("<svg ", f"<svg role='img' aria-label=\"{label}\" ", 1)
    return f"<figure>{svg}<figcaption>{html.escape(told)}</figcaption></figure>"
