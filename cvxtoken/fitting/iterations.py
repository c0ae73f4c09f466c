"""The server that batches continuously: seconds an iteration takes against the requests that run.

    tau(n) = alpha + beta n,   c = alpha + beta,   sigma = beta / c.

An iteration gives each of the n requests that run one token. c is the time of a token alone; sigma is the
share of a token's work that is not shared with the others. A prompt of m tokens takes
t0(m) = fixed + per_token m before the first token, and blocks the batch while it does. With W seconds of
prefill and x tokens a query, the server keeps up with arrivals below 1 / (W + beta x).

beta is that of the contexts measured: an iteration also reads the KV cache of every request, so that beta
grows with their mean length. Measure at the lengths that will be served.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cvxtoken.arrays import FloatArray
from cvxtoken.errors import ProblemError
from cvxtoken.files import Document
from cvxtoken.fitting.bend import LEAST_SIZES, Judgement, judge
from cvxtoken.fitting.line import Interval, Line, fit_line
from cvxtoken.fitting.measured import NEAR, Measured, read_measured
from cvxtoken.logs.columns import Hints, Table
from cvxtoken.logs.reading import Reading
from cvxtoken.tables import table as text_table

_ALIKE = 1.5  # largest over smallest mean prompt; beyond, beta is of no one context


@dataclass(frozen=True)
class PrefillFit:
    """The line t0(m) = fixed + per_token m, by least squares with neither negative.

    Attributes:
        fixed: in s.
        per_token: in s a token of the prompt.
        intervals: 95 %, of `fixed` and `per_token`.
        r_squared: share of the variance explained.
        rows: how many.
        verdict: fits, flat then linear, kinked, or not a line.
        sentence: why.
    """

    fixed: float
    per_token: float
    intervals: dict[str, Interval]
    r_squared: float
    rows: int
    verdict: str
    sentence: str

    def overhead(self, prompt_tokens: ArrayLike) -> FloatArray:
        """t0 of prompts of m tokens, in s, of the shape of m."""
        return np.asarray(self.fixed + self.per_token * np.asarray(prompt_tokens, dtype=np.float64))

    def to_document(self) -> Document:
        """A mapping of plain values."""
        return {
            "fixed": self.fixed,
            "per_token": self.per_token,
            "intervals": {name: list(ends) for name, ends in self.intervals.items()},
            "r_squared": self.r_squared,
            "rows": self.rows,
            "verdict": self.verdict,
            "sentence": self.sentence,
        }


@dataclass(frozen=True)
class IterationFit:
    """The line tau(n) = alpha + beta n, by least squares with neither negative, and what follows from it.

    Attributes:
        alpha: in s an iteration.
        beta: in s an iteration and request.
        intervals: 95 %, of `alpha`, `beta`, `time_per_token` and `sigma`; that of sigma to first order. They
            hold whatever the scatter, if the line does (`cvxtoken.fitting.line`).
        r_squared: share of the variance explained, of the rows that the line is fitted to.
        rows: how many these are.
        holds: the smallest and the largest n between which the line holds; None where it does not.
        verdict: fits, flat then linear, kinked, or not a line (`cvxtoken.fitting.bend`). Flat then linear is
            fitted to the linear part; the others to all rows.
        sentence: why.
        prefill: t0 against the prompt; None where fewer than three prompt lengths were measured.
        readings: what was understood of each table.
    """

    alpha: float
    beta: float
    intervals: dict[str, Interval]
    r_squared: float
    rows: int
    holds: tuple[float, float] | None
    verdict: str
    sentence: str
    prefill: PrefillFit | None
    readings: tuple[Reading, ...] = ()

    @property
    def time_per_token(self) -> float:
        """c = alpha + beta, in s: a token of a request that runs alone."""
        return self.alpha + self.beta

    @property
    def sigma(self) -> float:
        """beta / (alpha + beta), the share of a token's work that is not shared, from 0 to 1."""
        return self.beta / self.time_per_token

    @property
    def judgement(self) -> str:
        """The verdict and why."""
        return f"{self.verdict}: {self.sentence}"

    def largest_stable_rate(self, tokens: float, prefill: float = 0.0) -> float:
        """1 / (W + beta x), in 1/s: arrivals must stay below; infinite where nothing loads the server.

        Args:
            tokens: x, the mean of what a query generates.
            prefill: W, the mean of the seconds a query's prefill blocks the batch.

        Raises:
            ProblemError: one of them is negative or not finite.
        """
        for name, value in {"tokens": tokens, "prefill": prefill}.items():
            if not 0 <= value < float("inf"):
                raise ProblemError(f"{name} is {value!r}; it must be finite and not negative")
        work = prefill + self.beta * tokens
        return 1 / work if work > 0 else float("inf")

    def prefill_seconds(self, prompt_tokens: float | None) -> float:
        """W = t0(m) for prompts of mean m, in s; 0 for None (ProblemError: m is negative, t0 not fitted)."""
        if prompt_tokens is None:
            return 0.0
        if not 0 <= prompt_tokens < float("inf"):
            raise ProblemError(f"prompt_tokens is {prompt_tokens!r}; it must be finite and not negative")
        if self.prefill is None:
            raise ProblemError(
                f"prompt_tokens is {prompt_tokens:g}, and no prefill was fitted; "
                f"first tokens must be timed at {LEAST_SIZES} prompt lengths or more"
            )
        return float(self.prefill.overhead(prompt_tokens))

    def server_document(self) -> Document:
        """The table `server` of a workload, sigma in four digits; overhead = 1: prefill blocks the batch."""
        return {"kind": "sharing", "sigma": float(f"{self.sigma:.4g}"), "overhead": 1.0}

    def server_table(self) -> str:
        """The same as TOML to paste into a workload, with the judgement where the line does not fit."""
        import tomli_w

        remark = "" if self.verdict == "fits" else f"# {self.judgement}\n"
        return remark + tomli_w.dumps({"server": self.server_document()})

    def to_document(self) -> Document:
        """A mapping of plain values."""
        return {
            "alpha": self.alpha,
            "beta": self.beta,
            "time_per_token": self.time_per_token,
            "sigma": self.sigma,
            "intervals": {name: list(ends) for name, ends in self.intervals.items()},
            "r_squared": self.r_squared,
            "rows": self.rows,
            "holds": None if self.holds is None else list(self.holds),
            "verdict": self.verdict,
            "sentence": self.sentence,
            "prefill": None if self.prefill is None else self.prefill.to_document(),
            "server": self.server_document(),
            "readings": [reading.to_document() for reading in self.readings],
        }

    def __str__(self) -> str:
        units = {"alpha": "s", "beta": "s/request", "time_per_token": "s", "sigma": "1"}
        rows = [_row(name, unit, getattr(self, name), self.intervals[name]) for name, unit in units.items()]
        lines = [f"iteration: {self.judgement}"]
        if self.holds is not None:
            low, high = self.holds
            lines.append(
                f"the line holds for n from {low:g} to {high:g}, by the {self.rows} rows measured there"
            )
        if self.prefill is None:
            lines.append(
                f"prefill: not fitted; that takes first tokens at {LEAST_SIZES} prompt lengths or more"
            )
        else:
            names = {"fixed": "s", "per_token": "s/token"}
            rows += [
                _row(f"prefill {name}", unit, getattr(self.prefill, name), self.prefill.intervals[name])
                for name, unit in names.items()
            ]
            lines.append(f"prefill: {self.prefill.verdict}: {self.prefill.sentence}")
        return "\n".join([text_table(["", "unit", "estimate", "95 % interval"], rows), *lines])


def fit_iterations(
    table: Table | Sequence[Table],
    *,
    columns: Mapping[str, str] | None = None,
    hints: Hints | None = None,
) -> IterationFit:
    """Fit tau(n) = alpha + beta n, and t0(m) where first tokens were timed, to measurements of one server.

    Args:
        table: rows of batch size (or concurrency) and seconds a token, and if known of prompt tokens and
            seconds to the first token; one table or several. A table is any file of rows, a file of results
            of `vllm bench serve`, SGLang or guidellm, or columns by name. Columns go by their usual names
            (n, concurrency, tpot, itl_ms, input_tokens, ttft_ms, ...); those in _ms are milliseconds. First
            tokens count at low load alone: at the smallest n (and 10 % above), or, if there are such, from
            tables that have no batch sizes.
        columns: what the tables call `batch`, `seconds_per_token`, `prompt_tokens` or `first_token`.
        hints: what is told of the tables; its `where` chooses one series out of several.

    Raises:
        ProblemError: a table cannot be read; a number is not finite or not positive, or takes so long that it
            must be milliseconds; several models or machines; fewer than three batch sizes; or the time of an
            iteration falls with the batch by more than chance.

    >>> found = fit_iterations({"n": [1, 8, 32, 128], "tpot_ms": [10.1, 10.8, 13.2, 22.8]})
    >>> print(round(found.alpha, 6), round(found.beta, 7), found.verdict)
    0.01 0.0001 fits
    """
    several = isinstance(table, Sequence) and not isinstance(table, str)
    tables: Sequence[Table] = table if several else [table]  # type: ignore[assignment, list-item]
    measured, readings = read_measured(tables, columns or {}, hints or Hints())
    found = _judged("n", measured.batch, "seconds_per_token", measured.seconds_per_token)
    line = found.line
    gradients = {"alpha": (1.0, 0.0), "beta": (0.0, 1.0), "time_per_token": (1.0, 1.0)}
    intervals = {name: line.interval(gradient) for name, gradient in gradients.items()}
    return IterationFit(
        alpha=line.intercept,
        beta=line.slope,
        intervals=intervals | {"sigma": line.share_interval()},
        r_squared=line.r_squared,
        rows=len(line.x),
        holds=found.holds,
        verdict=found.verdict,
        sentence=found.sentence + _remarks(measured, line),
        prefill=_prefill(measured),
        readings=readings,
    )


def _judged(symbol: str, x: FloatArray, field: str, t: FloatArray) -> Judgement:
    """The judgement of times against x (ProblemError: fewer than three x, or the times fall)."""
    sizes = np.unique(x)
    if len(sizes) < LEAST_SIZES:
        raise ProblemError(
            f"{symbol} has {len(sizes)} distinct values, {', '.join(f'{size:g}' for size in sizes)}; "
            f"at least {LEAST_SIZES} are needed, two for the line, and one more to see whether it holds"
        )
    line = fit_line(x, t)
    if line.falls:
        raise ProblemError(
            f"{field} falls with {symbol}, by {-line.free[1]:.3g} s a unit, and by more than chance; "
            "it must rise or stay"
        )
    return judge(x, t, symbol)


def _prefill(measured: Measured) -> PrefillFit | None:
    """The line of the first tokens, where enough prompt lengths are known."""
    if len(np.unique(measured.prompt_tokens)) < LEAST_SIZES:
        return None
    found = _judged("prompt_tokens", measured.prompt_tokens, "first_token", measured.first_token)
    line = found.line
    return PrefillFit(
        fixed=line.intercept,
        per_token=line.slope,
        intervals={"fixed": line.interval((1.0, 0.0)), "per_token": line.interval((0.0, 1.0))},
        r_squared=line.r_squared,
        rows=len(line.x),
        verdict=found.verdict,
        sentence=found.sentence,
    )


def _remarks(measured: Measured, line: Line) -> str:
    """What else is worth knowing of the iterations."""
    parts = [
        f"{name} is at its bound 0" for name, x in (("alpha", line.intercept), ("beta", line.slope)) if x == 0
    ]
    above = measured.batch > NEAR * measured.batch.min()  # below, prompts vary where prefill is measured
    prompts = measured.prompts[above & ~np.isnan(measured.prompts)]
    if len(prompts) and prompts.max() > _ALIKE * prompts.min():
        parts.append(
            f"prompts are from {prompts.min():g} to {prompts.max():g} tokens, "
            "and beta moves with the context: choose one length"
        )
    return "".join(f"; {part}" for part in parts)


def _row(name: str, unit: str, value: float, ends: Interval) -> tuple[str, ...]:
    low, high = ends
    return name, unit, f"{value:.4g}", f"{low:.4g} .. {high:.4g}"
