"""What MkDocs is told beyond mkdocs.yml: what is made for the site, and how formulas are drawn.

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
import gallery
import latex2mathml.converter
import load
import slides
from mkdocs.structure.files import File, Files
from wrapping import wrapped

import cvxtoken

ROOT = Path(cvxtoken.__file__).parent.parent
_FORMULA = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>([.,;:]?)', re.S)
# a prime as an exponent is raised twice, and hardly seen
_PRIME = re.compile(r"<msup>(<mi>[^<]*</mi>)<mi>&#x02032;</mi></msup>")
_PRIME_INDEX = re.compile(r"<msubsup>(<mi>[^<]*</mi>)(<mi>[^<]*</mi>)<mi>&#x02032;</mi></msubsup>")
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


def on_files(files: Files, config: Any) -> Files:
    """Add the generated files, so that links to them are checked like all others; some are still empty."""
    names = dict.fromkeys(gallery.of_workload(), "")
    for name, content in (names | _own()).items():
        files.append(File.generated(config, f"images/{name}.svg", content=content))
    for page in ("class/slides.html", "explorer-page.html"):
        files.append(File.generated(config, page, content=""))
    files.append(File.generated(config, "load-page.html", content=load.page()))
    return files


@cache
def _own() -> dict[str, str]:
    return figures.own_figures()


def on_env(env: Any, files: Files, **_: Any) -> Any:
    """Fill what was made beside, now that the pages are read and nothing is written yet."""
    for path, content in _made().items():
        files.src_uris[path].content_string = content
    return env


@cache
def _made() -> dict[str, str]:
    """By path, what is made beside, and the slides, which need it."""
    text, _ = _beside().communicate()
    if _beside().returncode:
        raise RuntimeError("docs/make/beside.py failed; its error stands above")
    beside = json.loads(text)
    pages = {
        "class/slides.html": slides.page(_own() | beside["pictures"]),
        "explorer-page.html": beside["explorer"],
    }
    return pages | {f"images/{name}.svg": content for name, content in beside["pictures"].items()}


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """The page of versions ends with the changes."""
    if page.file.src_uri != "versions.md":
        return markdown
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    entries = changes[changes.index("\n## ") :]
    return markdown + entries.replace("](docs/", "](")


def on_page_content(html: str, **_: Any) -> str:
    """Formulas in TeX as MathML, below pictures what their titles say, and lines that break well."""
    return wrapped(_PICTURE.sub(_figure, _FORMULA.sub(_mathml, html)))


def _figure(found: re.Match[str]) -> str:
    before, image, caption, end, after = (part or "" for part in found.groups())
    return f"<figure>{before}{image}{end}{after}<figcaption>{caption}</figcaption></figure>"


def _mathml(found: re.Match[str]) -> str:
    block = found[2] == "["
    formula = latex2mathml.converter.convert(
        unescape(found[3]).strip(), display="block" if block else "inline"
    )
    formula = _PRIME.sub(r"<mrow>\1<mo>&#x02032;</mo></mrow>", formula)
    formula = _PRIME_INDEX.sub(r"<msub><mrow>\1<mo>&#x02032;</mo></mrow>\2</msub>", formula)
    if block:
        return f'<div class="formula">{formula}</div>{found[4]}'
    # a browser may begin a line with the full stop after a formula
    return f'<span class="unbroken">{formula}{found[4]}</span>' if found[4] else formula
