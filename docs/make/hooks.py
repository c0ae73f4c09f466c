"""What MkDocs is told beyond mkdocs.yml: what is made for the site, and that formulas become MathML.

Browsers draw MathML themselves, so that the site needs neither a script nor a font from elsewhere.
"""

from __future__ import annotations

import json
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
    _beside()
    return config


@cache
def _beside() -> subprocess.Popen[str]:
    """Half of the work is done by a process of its own, which is not waited for."""
    command = [sys.executable, str(Path(__file__).parent / "beside.py")]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@cache
def _made() -> tuple[dict[str, str], str]:
    """All figures by name, and the explorer's page."""
    own = figures.own_figures()
    text, _ = _beside().communicate()
    if _beside().returncode:
        raise RuntimeError("docs/make/beside.py failed; its error stands above")
    beside = json.loads(text)
    return own | beside["gallery"], beside["explorer"]


def on_files(files: Files, config: Any) -> Files:
    """Add the generated files, so that links to them are checked like all others."""
    drawn, explorer = _made()
    for name, content in drawn.items():
        files.append(File.generated(config, f"images/{name}.svg", content=content))
    files.append(File.generated(config, "class/slides.html", content=slides.page(drawn)))
    files.append(File.generated(config, "explorer-page.html", content=explorer))
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
