"""What MkDocs is told beyond mkdocs.yml: what is made for the site, and how formulas and code are drawn.

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

import cvxtoken

ROOT = Path(cvxtoken.__file__).parent.parent
_FORMULA = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>([.,;:]?)', re.S)
# a prime as an exponent is raised twice, and hardly seen
_PRIME = re.compile(r"<msup>(<mi>[^<]*</mi>)<mi>&#x02032;</mi></msup>")
_PRIME_INDEX = re.compile(r"<msubsup>(<mi>[^<]*</mi>)(<mi>[^<]*</mi>)<mi>&#x02032;</mi></msubsup>")
_NAME = re.compile(r"(?<!</span>)<code>([^<\s]{1,28})</code>")
_PRINTED = re.compile(r'<div class="language-text highlight">(?=.*?<code>(.*?)</code>)', re.S)
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
    names = dict.fromkeys(gallery.kinds(), "")
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
    text, _ = _beside().communicate()
    if _beside().returncode:
        raise RuntimeError("docs/make/beside.py failed; its error stands above")
    beside = json.loads(text)
    made = {f"images/{name}.svg": content for name, content in beside["gallery"].items()}
    made["class/slides.html"] = slides.page(_own() | beside["gallery"])
    made["explorer-page.html"] = beside["explorer"]
    for path, content in made.items():
        files.src_uris[path].content_string = content
    return env


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """The page of versions ends with the changes."""
    if page.file.src_uri != "versions.md":
        return markdown
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    entries = changes[changes.index("\n## ") :]
    return markdown + entries.replace("](docs/", "](")


def on_page_content(html: str, **_: Any) -> str:
    """Formulas in TeX as MathML, below pictures what their titles say, and code that wraps where it may."""
    html = _PICTURE.sub(_figure, _FORMULA.sub(_mathml, html))
    return _PRINTED.sub(_printed, _NAME.sub(r'<code class="unbroken">\1</code>', html))


def _printed(found: re.Match[str]) -> str:
    """A block of what was printed, marked if its table is wider than the page."""
    lines = unescape(re.sub(r"<.*?>", "", found[1])).splitlines()
    if any(line.startswith("|") and len(line) > 105 for line in lines):
        return found[0].replace("language-text", "language-text wide")
    return found[0]


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
