"""What MkDocs is told beyond mkdocs.yml: figures, explorer and slides are made, formulas become MathML.

Browsers draw MathML themselves, so that the site needs neither a script nor a font from elsewhere.
"""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import explorer
import figures
import latex2mathml.converter
import slides
from mkdocs.structure.files import File, Files

_FORMULA = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>([.,;:]?)', re.S)


def on_files(files: Files, config: Any) -> Files:
    """Add the generated files, so that links to them are checked like all others."""
    drawn = figures.all_figures()
    for name, content in drawn.items():
        files.append(File.generated(config, f"images/{name}.svg", content=content))
    files.append(File.generated(config, "class/slides.html", content=slides.page(drawn)))
    files.append(File.generated(config, "explorer-page.html", content=explorer.page()))
    return files


def on_page_content(html: str, **_: Any) -> str:
    """Every formula in TeX as MathML."""
    return _FORMULA.sub(_mathml, html)


def _mathml(found: re.Match[str]) -> str:
    block = found[2] == "["
    formula = latex2mathml.converter.convert(
        unescape(found[3]).strip(), display="block" if block else "inline"
    )
    if block:
        return f'<div class="formula">{formula}</div>{found[4]}'
    # a browser may begin a line with the full stop after a formula
    return f'<span class="unbroken">{formula}{found[4]}</span>' if found[4] else formula
