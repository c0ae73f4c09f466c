"""One report of all studies, as Markdown and as one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import os
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from importlib import metadata
from itertools import groupby
from pathlib import Path
from types import MappingProxyType

from markdown_it import MarkdownIt

import cvxtoken
from cvxtoken.suite.page import STYLE
from validation.claims import CLAIMS, Claim
from validation.studies import Study

_PACKAGES = ("numpy", "scipy", "cvxpy", "clarabel", "highspy", "scs", "matplotlib")
_WIDE = "td[style*=left] { white-space: normal; min-width: 9rem } pre { overflow-x: auto; font-size: .85rem }"


@dataclass(frozen=True)
class Outcome:
    """What became of a study.

    Attributes:
        study: which.
        printed: its output, without the verdict.
        verdict: what it said last, or that it did not end.
        good: whether it ended in a good verdict.
        seconds: that it took.
        figure: its file, if it drew one.
        missing: data that it would also look at and that were not there.
    """

    study: Study
    printed: str
    verdict: str
    good: bool
    seconds: float
    figure: Path | None
    missing: tuple[str, ...]


def markdown(outcomes: list[Outcome], quick: bool, folder: Path) -> str:
    """The text of the report; figures are named as seen from a folder."""
    bad = [outcome.study.name for outcome in outcomes if not outcome.good]
    return "\n\n".join(
        [
            "# What the studies find",
            f"Made by `python -m validation{' --quick' if quick else ''}` on {_setting()}. "
            + ("**Quick: the samples are smaller than in the full run.** " if quick else "")
            + (f"**Verdicts that are bad: {', '.join(bad)}.**" if bad else "Every verdict is good.")
            + " A verdict is good where a study's own claims hold, which stand in its module before any "
            "number: that a figure of the literature does not come out may be one of them.",
            _summary(outcomes),
            "## The papers' claims",
            "Of the papers' full texts none was at hand: the claims are those of their abstracts, and "
            "numbers that other readers report. 'Public' means these, and published data: who has the full "
            "texts may be able to check more. A claim stands as far as its study's verdict does.",
            *_claims(outcomes),
            *(section(outcome, folder) for outcome in outcomes),
            "",
        ]
    )


def updated(text: str, outcomes: list[Outcome], quick: bool, folder: Path) -> str:
    """A report with some studies run again: their rows, sections and claims, and this run's setting."""
    how = f"Run again{' on smaller samples (`--quick`)' if quick else ''} on {_setting()}."
    for outcome in outcomes:
        name, row = outcome.study.name, _row(outcome)
        rows = rf"^\| \[{name}\]\(#{name}\) \|.*$"
        if re.search(rows, text, re.M):
            text = re.sub(rows, lambda _, row=row: row, text, count=1, flags=re.M)
        else:
            *_, last = re.finditer(r"^\| \[\w+\]\(#\w+\) \|.*$", text, re.M)
            text = f"{text[: last.end()]}\n{row}{text[last.end() :]}"
        part = f"{section(outcome, folder)}\n\n{how}"
        old = re.search(rf"^## {name}\n.*?(?=^## |\Z)", text, re.M | re.S)
        if old is None:
            text = f"{text.rstrip()}\n\n{part}\n"
        else:
            text = f"{text[: old.start()]}{part}\n\n{text[old.end() :]}".rstrip() + "\n"
    first = text.index("\n### ", text.index("\n## The papers' claims\n"))
    last = text.index("\n## ", first)
    known = dict(re.findall(r"^\| (.+?) \| (.+?) \| ", text[first:last], re.M))
    return f"{text[:first]}\n" + "\n\n".join(_claims(outcomes, known)) + f"\n{text[last:]}"


def section(outcome: Outcome, folder: Path) -> str:
    """What one study found."""
    name = outcome.study.name
    parts = [f"## {name}", outcome.study.question, _fenced(outcome.printed)]
    if outcome.missing:
        files = ", ".join(f"`{item}`" for item in outcome.missing)
        parts.append(f"Without data: {files} was not there (`--data FOLDER`), and is not looked at above.")
    if outcome.figure is not None:
        parts.append(f"![{name}]({outcome.figure.relative_to(folder).as_posix()})")
    parts.append(f"**{'Verdict' if outcome.good else 'BAD VERDICT'}:** {outcome.verdict}")
    return "\n\n".join(part for part in parts if part)


def standing(claim: Claim, outcomes: list[Outcome], known: Mapping[str, str] = MappingProxyType({})) -> str:
    """What became of a claim in this run, or of one not looked at in an earlier run, by its text."""
    if not claim.study:
        return claim.standing
    found = [outcome for outcome in outcomes if outcome.study.name == claim.study]
    if not found and claim.text in known:
        return known[claim.text]
    if not found or (claim.needs_data and found[0].missing):
        return "not looked at in this run" + (", for want of data" if found else "")
    return claim.standing if found[0].good else "**NOT confirmed in this run**"


def html(text: str, folder: Path) -> str:
    """The Markdown as a page, its figures inside."""
    body = MarkdownIt("commonmark").enable("table").render(text)
    body = body.replace("<table>", "<div class='scroll'><table>").replace("</table>", "</table></div>")

    body = re.sub(r"<h2>(\w+)</h2>", r"<h2 id='\1'>\1</h2>", body)  # where the tables' links lead

    def inside(found: re.Match[str]) -> str:
        content = base64.b64encode((folder / found[1]).read_bytes()).decode()
        return f'<img style="max-width: 100%" src="data:image/png;base64,{content}"'

    body = re.sub(r'<img src="([^"]+)"', inside, body)
    head = "<meta charset='utf-8'><meta name='viewport' content='width=device-width, initial-scale=1'>"
    title = escape(text.partition("\n")[0].removeprefix("# "))
    head += f"<title>{title}</title><style>{STYLE}{_WIDE}</style>"
    return f"<!doctype html><html lang='en'><head>{head}</head><body>{body}</body></html>\n"


def _summary(outcomes: list[Outcome]) -> str:
    return "\n".join(["| study | verdict | seconds |", "|:---|:---|---:|", *map(_row, outcomes)])


def _row(o: Outcome) -> str:
    said = o.verdict if o.good else f"**BAD:** {o.verdict}"
    return f"| [{o.study.name}](#{o.study.name}) | {said} | {o.seconds:.0f} |"


def _claims(outcomes: list[Outcome], known: Mapping[str, str] = MappingProxyType({})) -> list[str]:
    parts = []
    for paper, claims in groupby(CLAIMS, lambda claim: claim.paper):
        rows = [
            f"| {claim.text} | {standing(claim, outcomes, known)} | {claim.why}"
            + (f" ([{claim.study}](#{claim.study})) |" if claim.study else " |")
            for claim in claims
        ]
        parts += [f"### {paper}", "\n".join(["| claim | here | why |", "|:---|:---|:---|", *rows])]
    return parts


def _fenced(printed: str) -> str:
    """Tables as they are, and what stands between them as plain text."""
    parts = []
    for is_table, lines in groupby(printed.strip().splitlines(), lambda line: line.startswith("|")):
        text = "\n".join(lines).strip("\n")
        if text:
            parts.append(_apart(text) if is_table else f"```text\n{text}\n```")
    return "\n\n".join(parts)


def _apart(tables: str) -> str:
    """An empty line between tables that were printed one right after the other."""
    return re.sub(r"\n(?=\|.*\n\|[-:| ]+\|$)", "\n\n", tables, flags=re.M)


def _setting() -> str:
    """Date, machine and versions."""
    versions = [f"cvxtoken {cvxtoken.__version__}", f"Python {platform.python_version()}"]
    for package in _PACKAGES:
        try:
            versions.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            versions.append(f"no {package}")
    date = datetime.now(UTC).strftime("%Y-%m-%d")
    return f"{date}, {os.cpu_count()} cores ({_processor()}, {platform.system()}): {', '.join(versions)}"


def _processor() -> str:
    """The processor's name, as far as it is told."""
    file = Path("/proc/cpuinfo")
    names = re.findall(r"^model name\s*:\s*(.+)$", file.read_text(), re.M) if file.exists() else []
    return names[0] if names else platform.processor() or platform.machine()
