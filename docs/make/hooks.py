"""What MkDocs is told beyond mkdocs.yml: what is made for the site, and that formulas become MathML.

Browsers draw MathML themselves, so that the site needs neither a script nor a font from elsewhere.
"""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from html import unescape
from pathlib import Path
from typing import Any

import figures
import latex2mathml.converter
import load
import slides
from mkdocs.structure.files import File, Files

import cvxtoken

ROOT = Path(cvxtoken.__file__).parent.parent
_FORMULA = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>([.,;:]?)', re.S)
_PICTURE = re.compile(r'<p>(<a [^>]*>)?(<img [^>]*?) title="([^"]*)"([^>]*>)(</a>)?</p>')


def on_config(config: Any) -> Any:
    """The version stands on every page."""
    config.site_name = f"cvxtoken {cvxtoken.__version__}"
    _explorer()
    return config


@cache
def _explorer() -> subprocess.Popen[str]:
    """The explorer is computed by a process of its own, beside all else."""
    command = [sys.executable, str(Path(__file__).parent / "explorer.py")]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8")


@cache
def _explorer_page() -> str:
    page, _ = _explorer().communicate()
    if _explorer().returncode:
        raise RuntimeError("the explorer's process failed; its error stands above")
    return page


def on_files(files: Files, config: Any) -> Files:
    """Add the generated files, so that links to them are checked like all others."""
    drawn = figures.all_figures()
    for name, content in drawn.items():
        files.append(File.generated(config, f"images/{name}.svg", content=content))
    files.append(File.generated(config, "class/slides.html", content=slides.page(drawn)))
    files.append(File.generated(config, "explorer-page.html", content=_explorer_page()))
    files.append(File.generated(config, "load-page.html", content=load.page()))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """The page of versions ends with the changes."""
    if page.file.src_uri != "versions.md":
        return markdown
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    entries = changes[changes.index("\n## ") :]
    return markdown + entries.replace("](docs/", "](")


def on_page_content(html: str, **_: Any) -> str:
    """Every formula in TeX as MathML, and below every picture what its title says."""
    return _PICTURE.sub(_figure, _FORMULA.sub(_mathml, html))


def _figure(found: re.Match[str]) -> str:
    before, image, caption, end, after = (part or "" for part in found.groups())
    return f"<figure>{before}{image}{end}{after}<figcaption>{caption}</figcaption></figure>"


def _mathml(found: re.Match[str]) -> str:
    block = found[2] == "["
    formula = latex2mathml.converter.convert(
        unescape(found[3]).strip(), display="block" if block else "inline"
    )
    if block:
        return f'<div class="formula">{formula}</div>{found[4]}'
    # a browser may begin a line with the full stop after a formula
    return f'<span class="unbroken">{formula}{found[4]}</span>' if found[4] else formula
