"""What pictures share (extra `plot`): one style, and one way to a file.

An SVG file follows the light or dark scheme of whoever looks at it; files of other formats are light.
"""

from __future__ import annotations

import io
import math
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from cvxtoken.errors import MissingExtraError, ProblemError
from cvxtoken.files import check_writable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

# Told apart by all eyes, with a contrast to white of 3 at least; the first four and ink of 4.5, as for text.
BLUE, ORANGE, GREEN, PURPLE = "#1059d0", "#c25000", "#067c56", "#ad439e"
INK = "#111111"  # not black, which SVG files leave out, so that nothing could be said of it for the dark
COLOURS = (BLUE, ORANGE, GREEN, PURPLE, "#6f3d17", "#2698e9", INK)
GREY = "#707070"  # of lines that only guide the eye
GRID, NOWHERE, PAPER = "#e5e5e5", "#dddddd", "#ffffff"
DARK = {  # what stands for each of them on a dark ground
    BLUE: "#6094f5",
    ORANGE: "#f26b3a",
    GREEN: "#3ad29a",
    PURPLE: "#cf6fb6",
    "#6f3d17": "#ffd452",
    "#2698e9": "#a5d8ff",
    INK: "#f2f2f2",
    GREY: "#a3a3a3",
    GRID: "#3a3f4a",
    NOWHERE: "#363b47",
    PAPER: "#1e2129",
    "#000000": "#d5d7de",  # of axes and ticks
}
_LETTERS = 15  # of a legend to an inch
_TITLE = 10  # points


def axes(x: str, y: str, ax: Axes | None = None) -> tuple[Figure, Axes]:
    """A figure and its labelled axes in the common style: the axes given, or new ones.

    Raises:
        MissingExtraError: Matplotlib is not installed.
    """
    drawn = panels(1)[1][0] if ax is None else ax
    drawn.set_xlabel(x)
    drawn.set_ylabel(y)
    drawn.grid(color=GRID)
    drawn.set_axisbelow(True)
    for side in ("top", "right"):
        drawn.spines[side].set_visible(False)
    return drawn.figure.figure, drawn  # twice: the axes given may belong to a subfigure


def panels(count: int) -> tuple[Figure, list[Axes]]:
    """A figure and so many bare axes, three in a row (MissingExtraError without Matplotlib)."""
    require_matplotlib()
    from matplotlib.figure import Figure

    across = min(count, 3)
    down = -(-count // across)
    size = (7, 4.5) if count == 1 else (4.2 * across, 3.2 * down)
    figure = Figure(figsize=size, dpi=120, layout="constrained")
    return figure, [figure.add_subplot(down, across, number) for number in range(1, count + 1)]


def colours(count: int) -> list[str]:
    """Colours for so many lines: the seven, or for more lines a map from dark to light."""
    if count <= len(COLOURS):
        return list(COLOURS[:count])
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return [to_hex(colormaps["viridis"](k / (count - 1))) for k in range(count)]


def words(name: str) -> str:
    """A name as it is read: fixed_point is 'fixed point'."""
    return name.replace("_", " ")


def title(drawn: Axes, text: str) -> None:
    """What is to be seen, above axes without a legend."""
    drawn.set_title(_wrapped(drawn, text), loc="left", fontsize=_TITLE, fontweight="bold")


def legend(drawn: Axes, text: str | None = None) -> None:
    """What is to be seen, and a legend in as many columns as have room; above the axes they hide no line."""
    labels = drawn.get_legend_handles_labels()[1]
    rows = math.ceil(len(labels) / max(1, int(_letters(drawn) / (max(map(len, labels)) + 8))))
    drawn.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=math.ceil(len(labels) / rows),  # as many rows, evenly filled
        frameon=False,
        fontsize=9,
        title=None if text is None else _wrapped(drawn, text),
        title_fontproperties={"size": _TITLE, "weight": "bold"},
        alignment="left",
    )


def _letters(drawn: Axes) -> float:
    """How many letters of a legend the axes are wide."""
    return float(drawn.get_window_extent().width / drawn.figure.figure.dpi * _LETTERS)


def _wrapped(drawn: Axes, text: str) -> str:
    return textwrap.fill(text, max(24, round(0.85 * _letters(drawn))))  # bold letters are wider


def require_matplotlib(what: str = "a plot") -> None:
    """Raise MissingExtraError where Matplotlib is not installed."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(f"{what} needs Matplotlib: pip install 'cvxtoken[plot]'") from error


def check_path(path: Path) -> None:
    """Refuse a file that no picture can be written to, before there is a picture. The file is left as it was.

    Raises:
        MissingExtraError: Matplotlib is not installed.
        ProblemError: the file cannot be written, or its ending is not that of a picture format.
    """
    require_matplotlib()
    from matplotlib.backend_bases import FigureCanvasBase

    known = FigureCanvasBase.get_supported_filetypes()
    if path.suffix[1:].lower() not in known:
        raise ProblemError(f"{path}: the ending is {path.suffix!r}; it must be one of .{', .'.join(known)}")
    check_writable(path)


def svg(figure: Figure | SubFigure) -> str:
    """A figure as SVG, the same text each time, which follows the light or dark scheme of its reader.

    Programs that know nothing of schemes show the light one. Colours that are not in `DARK` stay as they are.
    """
    from matplotlib import rc_context

    out = io.StringIO()
    with rc_context({"svg.hashsalt": "cvxtoken"}):
        figure.figure.savefig(out, format="svg", metadata={"Date": None})
    head, tag, rest = out.getvalue().partition("<defs>")
    rules = [
        f'[style*="{what}: {light}"]{{{what}:{dark}!important}}'
        for light, dark in DARK.items()
        if light in rest
        for what in ("fill", "stroke")
    ]
    text = f'[id*="text_"]{{fill:{DARK["#000000"]}}}'  # black letters name no colour
    return f"{head}<style>@media (prefers-color-scheme:dark){{{text}{''.join(rules)}}}</style>{tag}{rest}"


def save(figure: Figure | SubFigure, path: Path) -> None:
    """Write a figure (ProblemError where the file cannot be written)."""
    try:
        if path.suffix.lower() == ".svg":
            path.write_text(svg(figure), encoding="utf-8")
        else:
            figure.figure.savefig(path)
    except (OSError, ValueError) as error:
        raise ProblemError(f"{path}: cannot be written: {error}") from error
