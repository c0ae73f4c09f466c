"""The class's notebooks, made of its page of exercises: `python docs/make/classroom.py` writes them anew.

In the page an exercise is a heading, text, and blocks titled `yours`, `check` and `solution`; the notebooks
fold the solution, and each check is a function, so that its names are its own.
"""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import NamedTuple

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

FOLDER = Path(__file__).resolve().parent.parent / "class"
_BLOCK = re.compile(r'^( *)```python title="(\w+)"\n(.*?)^ *```\n', re.M | re.S)
_FOLD = re.compile(r'^\?\?\? note "(.*?)"\n\n(.*)\Z', re.M | re.S)


class Exercise(NamedTuple):
    """One exercise: the text above, what is to be filled in, the check, and the folded rest."""

    text: str
    yours: str
    check: str
    solution: str
    folded: str


def exercises() -> tuple[str, str, list[Exercise]]:
    """The text before the exercises, the code that all need, and the exercises."""
    source = (FOLDER / "exercises.md").read_text(encoding="utf-8")
    first, *others = re.split(r"^(?=## )", source, flags=re.M)
    (setup,) = (found[3] for found in _BLOCK.finditer(first))
    return _BLOCK.sub("", first).strip(), setup, [_exercise(part) for part in others]


def _exercise(part: str) -> Exercise:
    blocks = {found[2]: textwrap.dedent(found[3]) for found in _BLOCK.finditer(part)}
    (fold,) = _FOLD.findall(part)
    text = _BLOCK.sub("", _FOLD.sub("", part)).strip()
    folded = textwrap.dedent(fold[1]).replace('python title="solution"', "python")
    return Exercise(text, blocks["yours"], blocks["check"], blocks["solution"], folded)


def notebook() -> nbformat.NotebookNode:
    """The notebook for Jupyter and Colab."""
    text, setup, found = exercises()
    title = re.sub(r"\n*The same as a notebook:.*", "", text, flags=re.S)
    cells = [("text", title), ("code", setup.strip())]
    for number, one in enumerate(found, 1):
        check = f"def check_{number}():\n{textwrap.indent(one.check, '    ')}\n\ncheck_{number}()"
        folded = f"<details><summary>Solution</summary>\n\n{one.folded.strip()}\n\n</details>"
        cells += [("text", one.text), ("code", one.yours.strip()), ("code", check), ("text", folded)]
    made = []
    for number, (kind, source) in enumerate(cells):
        new, tex = (new_code_cell, source) if kind == "code" else (new_markdown_cell, _tex(source))
        made.append(new(tex, id=f"cell-{number}"))
    language = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return new_notebook(cells=made, metadata=language)


def _tex(text: str) -> str:
    """Formulas as notebooks write them."""
    return re.sub(r"\\\[(.*?)\\\]", r"$$\1$$", text, flags=re.S)


def main() -> None:
    """Write both notebooks."""
    made = FOLDER / "class.ipynb"
    nbformat.validate(notebook())
    nbformat.write(notebook(), made)
    convert = [sys.executable, "-m", "marimo", "-y", "convert", str(made), "-o", str(made.with_suffix(".py"))]
    subprocess.run(convert, check=True)


if __name__ == "__main__":
    main()
