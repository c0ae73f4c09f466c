"""Very many workloads in one call: a vectorised search, a float64 gap for each, and proofs on request."""

from __future__ import annotations

import mmap
import multiprocessing
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from math import exp, prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cvxtoken.allocation import model
from cvxtoken.allocation.many.blocks import blocks
from cvxtoken.allocation.many.prove import ProvenBounds, bound_rows, certify_many
from cvxtoken.allocation.many.search import newton, search
from cvxtoken.allocation.many.stable import stable_columns
from cvxtoken.allocation.many.workloads import Workloads
from cvxtoken.allocation.prices.columns import BLOCK, FAST_BLOCK, Columns
from cvxtoken.allocation.prices.gap import Appraisal, appraise
from cvxtoken.allocation.prices.loops import appraise_quickly
from cvxtoken.allocation.prices.search import price_path
from cvxtoken.allocation.problem import Workload
from cvxtoken.allocation.proof.certificate import Certificate, certify
from cvxtoken.arrays import FloatArray
from cvxtoken.errors import CvxtokenError, ProblemError, UnstableError
from cvxtoken.rigorous.elementwise import worthwhile

_NUMBERS = ("objective", "relative_gap", "mean_accuracy", "mean_system_time", "utilization", "theta", "p")
CLOSED_GAP = 1e-20  # relative, proven; a wider one is searched on
SOLVED_GAP = 1e-12  # relative; an instance with a larger gap in float64 is not called solved
Method = Callable[[Columns, FloatArray, bool], tuple[FloatArray, FloatArray]]


class Status(IntEnum):
    """What became of an instance."""

    SOLVED = 0
    UNFINISHED = 1
    UNSTABLE = 2
    INVALID = 3


@dataclass(frozen=True, eq=False)
class Solutions:
    """The optima of B workloads as arrays; NaN where an instance is unstable or invalid.

    Attributes:
        workloads: the instances.
        status: a `Status` of each, shape (B,).
        tokens: l*, shape (B, N); 0 beyond an instance's types.
        objective: J, in s, shape (B,), as are all that follow.
        relative_gap: upper bound of (J* - J) / (1 + |J|) in float64, with an allowance for rounding (no
            proof).
        mean_accuracy: sum pi p.
        mean_system_time: E[T], in s.
        utilization: rho.
        theta, p: the two prices of `prices.search`; they can be the start for neighbouring instances.
        proven: the rigorous bounds of all of them, where they were asked for.
    """

    workloads: Workloads
    status: NDArray[np.int8]
    tokens: FloatArray
    objective: FloatArray
    relative_gap: FloatArray
    mean_accuracy: FloatArray
    mean_system_time: FloatArray
    utilization: FloatArray
    theta: FloatArray
    p: FloatArray
    proven: ProvenBounds | None = None

    @property
    def solved(self) -> NDArray[np.bool_]:
        """Which instances are solved to a relative gap of 1e-12."""
        return np.asarray(self.status == Status.SOLVED)

    def outcome(self, index: int) -> str:
        """What became of an instance, as a sentence."""
        gap = f"the relative dual gap is {self.relative_gap[index]:.2g}"
        match self.status[index]:
            case Status.SOLVED:
                return f"Solved: {gap}."
            case Status.UNFINISHED:
                return f"Not solved: {gap}, more than {SOLVED_GAP}."
        try:
            model.require_stable(self.workloads.workload(index))
        except CvxtokenError as error:
            kind = "Invalid" if self.status[index] == Status.INVALID else "Unstable"
            return f"{kind}: {error}."
        return "Invalid: prior sums to 1 within 1e-9 only by rounding."

    def certify(self, index: int) -> Certificate:
        """The rigorous proof for one of them, about 0.3 ms a type.

        Raises:
            IndexError: there is no such instance.
            ProblemError: it is unstable or invalid; the message says why.
        """
        if self.status[index] >= Status.UNSTABLE:
            raise ProblemError(f"instance {index} has no solution to certify. {self.outcome(index)}")
        workload = self.workloads.workload(index)
        return certify(workload, self.tokens[index, : len(workload)])

    def save(self, path: str | Path) -> None:
        """Write instances, tokens and bounds, proven now where they are not yet; see `ProvenBounds.save`.

        Raises:
            ProblemError: the file cannot be written, or does not end in .npz.
        """
        proven = certify_many(self.workloads, self.tokens) if self.proven is None else self.proven
        proven.save(path)

    def __len__(self) -> int:
        return len(self.status)


def solve_many(
    workloads: Workloads | Sequence[Workload],
    start: Solutions | tuple[ArrayLike, ArrayLike] | None = None,
    workers: int = 1,
    prove: bool = False,
) -> Solutions:
    """The optimal budgets of many workloads, one or two microseconds an instance of five types.

    One Newton search of the two prices (see `prices.search`) runs over all instances together, in blocks that
    stay in the cache; where Numba is installed and types are very many, in compiled loops (docs/arrays.md).
    An instance that breaks a rule or has no stable allocation is marked, and the others are solved. Nothing
    is proven unless `prove` asks for it; `Solutions.certify` proves one.

    Args:
        workloads: arrays, or a list of workloads of any sizes.
        start: prices to begin with: the solutions of a neighbouring call, or theta and p, each of shape (B,)
            or one number for all; NaN where there is no guess.
        workers: processes that share the work; more than one needs a system that can fork (Linux).
        prove: bound every optimum as `certify_many` does, in `proven`. Where the gap is above 1e-20 relative,
            one more search goes on from its prices.

    Raises:
        ProblemError: the list is empty or holds something other than workloads, or the start or workers do
            not fit.
    """
    data = workloads if isinstance(workloads, Workloads) else Workloads.of(workloads)
    log_start = _log_start(start, len(data))
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise ProblemError(f"workers is {workers!r}; it must be a whole number of at least 1")
    if workers > 1 and "fork" not in multiprocessing.get_all_start_methods():
        raise ProblemError(f"workers is {workers}; it must be 1 on a system that cannot fork")
    found = _empty(data)
    rows = np.flatnonzero(data.sizes <= BLOCK)
    for method in (newton, newton, search):  # each on what the one before has left over
        _solve_rows(found, rows, log_start, method, workers)
        rows = np.flatnonzero(found.status == Status.UNFINISHED)
        with np.errstate(all="ignore"):
            log_start = np.log([found.theta, found.p])
    for row in (*np.flatnonzero(data.sizes > BLOCK), *rows):
        _solve_alone(found, int(row))
    if not prove:
        return found
    proven = certify_many(data, found.tokens)
    _close(found, proven, workers)
    return replace(found, proven=proven)


def _close(found: Solutions, proven: ProvenBounds, workers: int) -> None:
    """Search on where a gap is wide, and keep what is better, in place."""
    with np.errstate(invalid="ignore"):
        wide = found.solved & ~(proven.gap <= CLOSED_GAP * (1 + np.abs(found.objective)))
    rows = np.flatnonzero(wide & (found.workloads.sizes <= BLOCK))
    arrays = [getattr(found, name) for name in ("status", "tokens", *_NUMBERS)]
    arrays += [proven.lower, proven.upper, proven.gap]
    before = [array[rows].copy() for array in arrays]
    log_start = np.log([found.theta, found.p])
    _solve_rows(found, rows, log_start, newton, workers)
    bound_rows(replace(proven, tokens=found.tokens), rows)
    worse = ~(proven.gap[rows] < before[-1])
    for array, old in zip(arrays, before, strict=True):
        array[rows[worse]] = old[worse]


def _solve_rows(
    found: Solutions, rows: NDArray[np.intp], log_start: FloatArray, method: Method, workers: int
) -> None:
    """Solve some instances here, or in forked processes that write into the same memory."""
    fast = method is newton and worthwhile(int(found.workloads.sizes.sum()))
    todo = blocks(found.workloads, rows, FAST_BLOCK if fast else BLOCK)

    def solve(share: list[NDArray[np.intp]]) -> None:
        for rows in share:
            _solve_block(found, rows, log_start, method, fast)

    shares = [todo[k::workers] for k in range(workers)] if len(todo) >= 4 * workers else [todo]
    forks = [multiprocessing.get_context("fork").Process(target=solve, args=(share,)) for share in shares[1:]]
    for fork in forks:
        fork.start()
    solve(shares[0])
    for fork, share in zip(forks, shares[1:], strict=True):
        fork.join()
        if fork.exitcode:  # killed, or out of memory
            solve(share)


def _empty(data: Workloads) -> Solutions:
    """Room for the answers, in memory that forked processes share; until written, each is marked invalid."""
    count, width = data.prior.shape

    def room(shape: tuple[int, ...], kind: type, value: float) -> NDArray[Any]:
        size = max(1, prod(shape) * np.dtype(kind).itemsize)
        array: NDArray[Any] = np.frombuffer(mmap.mmap(-1, size), kind, prod(shape)).reshape(shape)
        array.fill(value)
        return array

    numbers: dict[str, Any] = {name: room((count,), np.float64, np.nan) for name in _NUMBERS}
    status = room((count,), np.int8, Status.INVALID)
    return Solutions(data, status, room((count, width), np.float64, 0.0), **numbers)


def _log_start(start: Solutions | tuple[ArrayLike, ArrayLike] | None, count: int) -> FloatArray:
    """The logarithms of the prices to begin with, shape (2, B)."""
    given = (start.theta, start.p) if isinstance(start, Solutions) else start
    try:
        theta, p = (np.nan, np.nan) if given is None else given
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.stack([np.broadcast_to(np.log(np.asarray(x, float)), (count,)) for x in (theta, p)])
    except (TypeError, ValueError) as error:
        raise ProblemError(
            f"start does not fit: {error}; it must be solutions of, or theta and p for, {count} instances"
        ) from error


def _solve_block(
    found: Solutions, rows: NDArray[np.intp], log_start: FloatArray, method: Method, fast: bool
) -> None:
    """Solve the instances of one block and write what came out."""
    with np.errstate(all="ignore"):  # data beyond float64 end unfinished, not in warnings
        columns, valid, stable = stable_columns(found.workloads, rows, Columns)
        found.status[rows[valid & ~stable]] = Status.UNSTABLE
        found.tokens[rows[~stable]] = np.nan
        rows = rows[stable]
        if len(rows):
            prices, tokens = method(columns, log_start[:, rows], fast)
            found.tokens[rows, : len(tokens)] = tokens.T
            loops = fast and columns.is_basic
            judged = appraise_quickly(columns, tokens)[0] if loops else appraise(columns, tokens)
            _write(found, rows, columns, judged, *np.exp(prices))


def _solve_alone(found: Solutions, row: int) -> None:
    """Solve an instance of very many types, or one where the block's search failed."""
    try:
        workload = found.workloads.workload(row)
        model.require_stable(workload)
    except (ProblemError, UnstableError) as error:
        found.status[row] = Status.INVALID if isinstance(error, ProblemError) else Status.UNSTABLE
        found.tokens[row] = np.nan
        return
    found.status[row] = Status.UNFINISHED
    with np.errstate(all="ignore"):
        try:
            *_, last = price_path(workload)
        except (ArithmeticError, ValueError):
            return
        result = appraise(last.columns, last.tokens)
    found.tokens[row, : len(workload)] = last.tokens
    _write(found, row, last.columns, result, exp(last.log_theta), exp(last.log_p))


def _write(
    found: Solutions,
    rows: NDArray[np.intp] | int,
    columns: Columns,
    result: Appraisal,
    theta: FloatArray | float,
    p: FloatArray | float,
) -> None:
    good = result.relative_gap <= SOLVED_GAP
    found.status[rows] = np.where(good, Status.SOLVED, Status.UNFINISHED)
    found.objective[rows] = result.objective
    found.relative_gap[rows] = result.relative_gap
    found.mean_accuracy[rows] = result.mean_accuracy
    found.mean_system_time[rows] = result.mean_service + result.mean_wait
    found.utilization[rows] = 1 - result.idle
    found.theta[rows], found.p[rows] = theta, p
