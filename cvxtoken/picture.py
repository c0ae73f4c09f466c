"""What pictures share (extra `plot`): one style, and one way to a file."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from cvxtoken.errors import MissingExtraError, ProblemError
from cvxtoken.files import check_writable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

# told apart by all eyes (Okabe and Ito's colours without the yellow, which is faint on white)
BLUE, ORANGE, GREEN = "#0072b2", "#d55e00", "#009e73"
COLOURS = (BLUE, ORANGE, GREEN, "#cc79a7", "#e69f00", "#56b4e9", "#000000")
GREY = "#777777"  # of lines that only guide the eye
_LETTERS = 15  # of a legend to an inch


def axes(x: str, y: str, ax: Axes | None = None) -> tuple[Figure, Axes]:
    """A figure and its labelled axes in the common style: the axes given, or new ones.

    Raises:
        MissingExtraError: Matplotlib is not installed.
    """
    drawn = panels(1)[1][0] if ax is None else ax
    drawn.set_xlabel(x)
    drawn.set_ylabel(y)
    drawn.grid(color="#e5e5e5")
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


def legend(drawn: Axes, title: str | None = None) -> None:
    """A legend above the axes, where it hides no line, in as many columns as have room."""
    labels = drawn.get_legend_handles_labels()[1]
    inches = drawn.get_window_extent().width / drawn.figure.figure.dpi
    rows = math.ceil(len(labels) / max(1, int(inches * _LETTERS / (max(map(len, labels)) + 8))))
    drawn.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=math.ceil(len(labels) / rows),  # as many rows, evenly filled
        frameon=False,
        fontsize=9,
        title=title,
        title_fontsize=9,
        alignment="left",
    )


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


def save(figure: Figure | SubFigure, path: Path) -> None:
    """Write a figure (ProblemError where the file cannot be written)."""
    try:
        figure.figure.savefig(path)
    except (OSError, ValueError) as error:
        raise ProblemError(f"{path}: cannot be written: {error}") from error
