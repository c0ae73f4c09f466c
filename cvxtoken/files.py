"""TOML and JSON documents: read with errors that name the file, written without loss."""

from __future__ import annotations

import difflib
import json
import os
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import tomli_w

from cvxtoken.errors import ProblemError

Document = dict[str, Any]


def nearest(word: str, known: Iterable[str]) -> str:
    """The hint ' (did you mean ...?)', or nothing where no known word is near."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.4)
    return f" (did you mean {close[0]!r}?)" if close else ""


def check_ending(path: Path) -> None:
    """Refuse a file that is neither .toml nor .json (ProblemError)."""
    if path.suffix not in (".toml", ".json"):
        raise ProblemError(f"{path}: the ending is {path.suffix!r}; it must be .toml or .json")


def check_writable(path: Path) -> None:
    """Refuse a file that cannot be written, before there is anything to write. The file is left as it was.

    Raises:
        ProblemError: it cannot be written.
    """
    is_new = not path.exists()
    if not (is_new or path.is_file() or path.is_dir()):
        return  # to open and close a pipe would end it for its reader
    try:
        path.open("ab").close()
        if is_new:
            path.unlink()
    except OSError as error:
        raise ProblemError(f"{path}: cannot be written: {error.strerror}") from error


def read_document(path: str | Path) -> Document:
    """The mapping in a .toml or .json file.

    Raises:
        ProblemError: the ending is neither, the file cannot be read, or it is not of the format of its
            ending.
    """
    path = Path(path)
    check_ending(path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ProblemError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ProblemError(f"{path}: not UTF-8 text: {error.reason} at byte {error.start}") from error
    try:
        document = tomllib.loads(text) if path.suffix == ".toml" else parse_json(text)
    except (ValueError, RecursionError) as error:
        raise ProblemError(f"{path}: not valid {path.suffix[1:].upper()}: {error}") from error
    if not isinstance(document, dict):
        raise ProblemError(f"{path}: holds a {type(document).__name__}; it must be a table of keys")
    return document


def parse_json(text: str) -> Any:
    """Strict JSON: a repeated key, NaN and Infinity are errors (ValueError)."""
    return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)


def write_document(path: str | Path, document: Document) -> None:
    """Write a mapping to a .toml or .json file; floats keep every bit.

    Raises:
        ProblemError: the ending is neither, or the file cannot be written.
    """
    path = Path(path)
    check_ending(path)
    if path.suffix == ".toml":
        text = tomli_w.dumps(document)
    else:
        text = json.dumps(document, indent=2, allow_nan=False) + "\n"
    write_text(path, text)


def write_text(path: str | Path, text: str) -> None:
    """Write UTF-8 text; a file that cannot be written is a ProblemError."""
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ProblemError(f"{path}: cannot be written: {error.strerror}") from error


def write_whole(place: Path, write: Callable[[Path], Any], folder: Path | None = None) -> None:
    """Write under another name first, so that no half-written file is ever seen (OSError).

    Args:
        place: of the file.
        write: writes to the path that it is given.
        folder: of the file under its other name, on the same disk; by default that of the file.
    """
    draft = (folder or place.parent) / f"{place.name}.{os.getpid()}.draft"
    try:
        write(draft)
        os.replace(draft, place)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _unique(pairs: list[tuple[str, Any]]) -> Document:
    document = dict(pairs)
    if len(document) < len(pairs):
        raise ValueError("a key stands twice")
    return document


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a number of JSON")
