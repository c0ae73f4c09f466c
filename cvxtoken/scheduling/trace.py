"""Requests from a trace: any table with a time of arrival, prompt and output tokens a row."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cvxtoken.errors import ProblemError
from cvxtoken.files import nearest
from cvxtoken.logs.columns import Column, Hints
from cvxtoken.logs.reading import Reading
from cvxtoken.scheduling.problem import LARGEST, Requests, checked_memory

ROLES = {"arrival": "timestamp", "prompt": "prompt_tokens", "output": "output_tokens"}
WANTED = {
    "timestamp": Column("time", called="arrival"),
    "prompt_tokens": Column("tokens", whole=True, called="prompt"),
    "output_tokens": Column("tokens", least=1, whole=True, called="output"),
    "status": Column("status", required=False),
}
MEMORY = 16_492  # tokens: Llama-2-70B on two A100, the setting of arXiv 2502.07115
ROUND_SECONDS = 0.05  # of a decoding step; an assumption of this project


class Trace(NamedTuple):
    """What a trace holds.

    Attributes:
        requests: with exact predictions.
        dropped: how many needed more than the memory.
        reading: what was understood of the file.
    """

    requests: Requests
    dropped: int
    reading: Reading


def read_trace(
    path: str | Path,
    memory: int = MEMORY,
    round_seconds: float = ROUND_SECONDS,
    columns: Mapping[str, str] | None = None,
    drop_oversized: bool = False,
    hints: Hints | None = None,
) -> Trace:
    """The requests of a trace.

    The first arrives at 0, every other at the first round that begins at its time or later. Times are taken
    to the microsecond.

    Args:
        path: the file: CSV and its kin, JSON, JSON lines or Parquet, plain or compressed.
        memory: M, in tokens.
        round_seconds: how long a round takes, from 1e-6 s.
        columns: the columns' names by role: arrival, prompt and output. Others are found by the names of
            known tools (`cvxtoken.logs.aliases`). Arrivals are dates with times, or numbers in the unit that
            the name ends in, or the tool uses, or their size tells; else seconds.
        drop_oversized: leave out the requests with s + o > M, which are an error otherwise.
        hints: what is told of the file.

    Raises:
        ProblemError: the file, a column or an argument is bad; or a line is malformed, or needs more than the
            memory; the message names the line.
    """
    from cvxtoken.logs.read import read  # Polars, beneath it, is slow to import

    M = checked_memory(memory)
    if isinstance(round_seconds, bool) or not isinstance(round_seconds, int | float):
        raise ProblemError(f"round_seconds is {round_seconds!r}; it must be a number")
    if not 1e-6 <= round_seconds <= LARGEST:
        raise ProblemError(f"round_seconds is {round_seconds}; it must be from 1e-6 to 1e9")
    for role in columns or {}:
        if role not in ROLES:
            raise ProblemError(
                f"columns names {role!r}; it must name {', '.join(ROLES)}{nearest(role, ROLES)}"
            )
    (hints or Hints()).check(WANTED)
    told = {ROLES[role]: name for role, name in (columns or {}).items()}
    found, reading, place = read(path, WANTED, told, hints, option="--columns")
    prompts, outputs = (found[name].astype(np.int64) for name in ("prompt_tokens", "output_tokens"))
    fits = prompts + outputs <= M
    dropped = int((~fits).sum())
    if dropped and not drop_oversized:
        row = int(np.argmin(fits))
        raise ProblemError(
            f"{path}, {place(row)}: prompt + output is {prompts[row] + outputs[row]}; it must be at most the "
            f"memory of {M}; --drop-oversized leaves such requests out"
        )
    if not fits.any():
        raise ProblemError(f"{path}: all {dropped} requests need more than the memory of {M}")
    micros, steps = (
        np.rint(found["timestamp"].seconds[fits] * 1e6).astype(np.int64).tolist(),
        _round(round_seconds),
    )
    rounds = [-(-time * steps.denominator // steps.numerator) for time in micros]  # rounded up, exactly
    try:
        requests = Requests(
            arrival=rounds, prompt_tokens=prompts[fits], output_tokens=outputs[fits], memory=M
        )
    except ProblemError as error:  # an arrival after 1e9 rounds
        raise ProblemError(f"{path}: {error}") from error
    return Trace(requests, dropped, reading)


def _round(seconds: float) -> Fraction:
    """A round in microseconds, as its decimal digits say."""
    return Fraction(str(seconds)) * 10**6
