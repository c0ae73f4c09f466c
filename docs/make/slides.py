"""The class's slides: one HTML file of `docs/class/slides.md`, its figures inside, without a request."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path

import latex2mathml.converter
import markdown

FOLDER = Path(__file__).resolve().parent
_FORMULA = re.compile(r"\\\[(.*?)\\\]|\$(.+?)\$", re.S)
_IMAGE = re.compile(r'<img alt="(.*?)" src="\.\./images/(.*?)\.svg" />')


def page(pictures: dict[str, str]) -> str:
    """The file; `pictures` are the site's figures, SVG text by name."""
    slides = (FOLDER.parent / "class" / "slides.md").read_text(encoding="utf-8").split("\n---\n")
    made = [_slide(text, number, len(slides), pictures) for number, text in enumerate(slides, 1)]
    return (FOLDER / "slides.html").read_text(encoding="utf-8").replace("SLIDES", "\n".join(made))


def _slide(text: str, number: int, count: int, pictures: dict[str, str]) -> str:
    formulas: list[str] = []

    def keep(found: re.Match[str]) -> str:
        block = found[1] is not None
        tex = (found[1] or found[2]).strip()
        drawn = latex2mathml.converter.convert(tex, display="block" if block else "inline")
        formulas.append(f'<div class="formula">{drawn}</div>' if block else drawn)
        return f"FORMULA{len(formulas) - 1}END"

    def draw(found: re.Match[str]) -> str:
        svg = pictures[found[2]]
        # ids are made unique, for all figures share one page
        inside = re.sub(r'(id="|url\(#|href="#)', rf"\g<1>s{number}-", svg[svg.index("<svg") :])
        labelled = inside.replace("<svg", f'<svg role="img" aria-label="{escape(found[1])}"', 1)
        return f"<figure>{labelled}</figure>"

    html = markdown.markdown(_FORMULA.sub(keep, text))
    html = re.sub(r"<p>(FORMULA\d+END)</p>", r"\1", html)
    # a browser may begin a line with the full stop after a formula
    html = re.sub(r"(FORMULA\d+END)([.,;:])", r'<span class="unbroken">\1\2</span>', html)
    html = re.sub(r"FORMULA(\d+)END", lambda found: formulas[int(found[1])], html)
    html = re.sub(r"<p>(<img [^>]*/>)</p>", r"\1", html)
    return f"<section>\n{_IMAGE.sub(draw, html)}\n<footer>{number} of {count}</footer>\n</section>"
