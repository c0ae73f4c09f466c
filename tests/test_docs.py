"""The docs are true: every block of every page runs, in order, and prints what the page says."""

from __future__ import annotations

import doctest
import re
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from itertools import zip_longest
from pathlib import Path

import pytest

import cvxtoken
from cvxtoken.cli.application import COMMANDS
from cvxtoken.plots.kinds import OF_FILE, OF_WORKLOAD
from tests.support import shell

ROOT = Path(cvxtoken.__file__).parent.parent
PAGES = sorted(page for page in (ROOT / "docs").rglob("*.md") if page.stem != "slides")  # they are one file
TEACHING = [page for page in PAGES if page.parent.name == "docs"]
FENCE = re.compile(r"^```(\w*)(?: title=\"([\w.]+)\")?\n(.*?)^```\n", re.M | re.S)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the file it shows if any, and where it stands."""

    language: str
    file: str
    text: str
    line: int
    adjacent: bool  # nothing but white space between the block before and this one


def blocks(page: Path) -> list[Block]:
    source = page.read_text(encoding="utf-8")
    found, end = [], 0
    for match in FENCE.finditer(source):
        line = source.count("\n", 0, match.start()) + 1
        adjacent = not source[end : match.start()].strip()
        found.append(Block(match[1], match[2] or "", match[3], line, adjacent))
        end = match.end()
    return found


def examples(page: Path) -> Iterator[tuple[Block, str | None]]:
    """Each block with the output that stands below it, where one does."""
    found = blocks(page)
    for block, after in zip_longest(found, found[1:]):
        if block.language != "text":
            shown = after is not None and after.language == "text" and after.adjacent
            yield block, after.text if after is not None and shown else None


def runner(folder: Path) -> Callable[[Block], str]:
    """Runs the blocks of one page, one after the other, in a folder; what a block printed."""
    namespace: dict[str, object] = {"__name__": "page"}

    def run(block: Block) -> str:
        if block.file:
            (folder / block.file).write_text(block.text, encoding="utf-8")
            return ""
        if block.language == "python":
            out = StringIO()
            with redirect_stdout(out):
                exec(compile(block.text, f"line {block.line}", "exec"), namespace)
            return out.getvalue()
        return shell.run(block.text, folder)

    return run


def is_install(block: Block) -> bool:
    return block.language == "sh" and block.text.startswith("python3 -m venv")


def test_the_pages_are_there_and_teach() -> None:
    assert len(TEACHING) >= 12
    assert sum(len(list(examples(page))) for page in TEACHING) >= 40


@pytest.mark.parametrize("page", TEACHING, ids=lambda page: page.stem)
def test_every_block_shows_its_result(page: Path) -> None:
    for block, printed in examples(page):
        where = f"{page.name}:{block.line}"
        if block.file or is_install(block):
            assert printed is None, where
        else:
            assert block.language in ("python", "sh"), where
            assert printed, where
    for block in blocks(page):
        if block.language == "text":
            assert block.adjacent, f"{page.name}:{block.line} is output of nothing"


def test_the_readme_installs_in_the_same_way() -> None:
    installs = [block.text for page in PAGES for block in blocks(page) if is_install(block)]
    assert installs
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert all(text in readme for text in installs)


@pytest.mark.parametrize("page", TEACHING, ids=lambda page: page.stem)
def test_code_prints_what_the_page_says(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = runner(tmp_path)
    for block, printed in examples(page):
        if is_install(block):
            continue
        got = run(block)
        same = doctest.OutputChecker().check_output(printed or "", got, doctest.ELLIPSIS)
        assert same, f"{page.name}:{block.line} prints\n{got}\nand the page says\n{printed}"


def test_every_kind_of_picture_is_shown() -> None:
    page = (ROOT / "docs" / "pictures.md").read_text(encoding="utf-8")
    for kind in (*OF_WORKLOAD, *OF_FILE):
        assert f"(images/plot-{kind}.svg)\n<figcaption><code>{kind}</code>: " in page, kind


def test_every_part_of_the_reference_links_to_a_page_that_teaches_it() -> None:
    references = sorted((ROOT / "docs" / "reference").glob("*.md"))
    assert len(references) >= 10
    for page in references:
        first, *parts = re.split(r"^## ", page.read_text(encoding="utf-8"), flags=re.M)
        for part in [first] * (":::" in first) + parts:
            taught = {ROOT / "docs" / name for name in re.findall(r"\]\(\.\./([\w-]+\.md)", part)}
            assert taught & set(TEACHING), f"{page.name}: {part[:40]}"


def test_every_picture_says_what_is_to_be_seen() -> None:
    """An alternative text for who cannot see it, and below it what to look at."""
    for page in PAGES:
        for alternative, rest in re.findall(
            r"!\[([^\]]*)\]\(([^)]*)\)(?!\n<figcaption>)", page.read_text("utf-8")
        ):
            caption = re.fullmatch(r'images/[\w-]+\.svg "([^"]+)"', rest)
            assert caption, f"{page.name}: {rest}"
            assert len(alternative) > 15, f"{page.name}: {rest}"
            assert caption[1] != alternative, f"{page.name}: {rest}"


def test_links_and_pages_agree_with_the_navigation() -> None:
    listed = re.findall(r": ([\w/-]+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.M)
    assert sorted(listed) == sorted(str(page.relative_to(ROOT / "docs")) for page in PAGES)
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+\.md)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_command_has_its_section_and_every_kind_of_picture_its_name() -> None:
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^### ([\w-]+)$", page, re.M)) == set(COMMANDS)
    assert set(re.findall(r"^\| \[`([\w-]+)`\]\(#\1\) \|", page, re.M)) == set(COMMANDS)
    (kinds,) = re.findall(r"The kinds are ([^;]+);", page)
    assert re.findall(r"`(\w+)`", kinds) == [*OF_WORKLOAD, *OF_FILE]
