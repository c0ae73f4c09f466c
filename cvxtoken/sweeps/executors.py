"""Where chunks of work are done: here, in local processes, or on a Dask cluster."""

from __future__ import annotations

import signal
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol, TypeAlias

from numpy.typing import NDArray

from cvxtoken.errors import MissingExtraError, ProblemError, SolverError

TIMEOUT = 10.0  # seconds that a cluster may take to answer
_WINDOW = 64  # chunks submitted at a time, so that results do not accumulate
_FAILURES = 3  # of one chunk; then its error is raised
MOST_WORKERS = 1024
_BROKEN = 3  # pools in a row that may break before one chunk is done

Columns: TypeAlias = dict[str, NDArray[Any]]
Chunks: TypeAlias = Iterator[tuple[int, Columns]]


class Work(Protocol):
    """What is done in chunks; it is pickled on its way to other processes."""

    def solve(self, chunk: int) -> Columns:
        """The results of one chunk, by column."""


Solver = Callable[[Work, Iterable[int]], Chunks]


def check_place(workers: int, cluster: str | None, executor: Executor | None) -> None:
    """Refuse (ProblemError) what `solver` cannot choose from."""
    if isinstance(workers, bool) or not isinstance(workers, int) or not 1 <= workers <= MOST_WORKERS:
        raise ProblemError(f"workers is {workers!r}; it must be a whole number from 1 to {MOST_WORKERS}")
    if (workers > 1) + (cluster is not None) + (executor is not None) > 1:
        raise ProblemError("workers, cluster and executor exclude each other; give one of them")


@contextmanager
def solver(workers: int, cluster: str | None, executor: Executor | None) -> Iterator[Solver]:
    """What solves the chunks: a cluster or an executor if there is one, else local processes."""
    if cluster is not None:
        with dask_executor(cluster) as remote:
            yield partial(solve_on, remote)
    elif executor is not None:
        yield partial(solve_on, executor)
    else:
        yield solve_here if workers == 1 else partial(solve_in_processes, workers)


def solve_here(work: Work, chunks: Iterable[int]) -> Chunks:
    """Solve chunks one after the other in this process."""
    for chunk in chunks:
        yield chunk, work.solve(chunk)


def solve_on(executor: Executor, work: Work, chunks: Iterable[int]) -> Chunks:
    """Solve chunks on an executor of `concurrent.futures`; they come in the order in which they are done.

    A chunk that fails is tried again, because a cluster may lose a result on its way.
    """
    left = deque(chunks)
    running: dict[Future[Columns], int] = {}
    failures: Counter[int] = Counter()
    try:
        while left or running:
            while left and len(running) < _WINDOW:
                chunk = left.popleft()
                running[executor.submit(work.solve, chunk)] = chunk
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                chunk = running.pop(future)
                try:
                    columns = future.result()
                except (CancelledError, BrokenExecutor):  # no worker is left to try again
                    raise
                except Exception:
                    failures[chunk] += 1
                    if failures[chunk] == _FAILURES:
                        raise
                    left.appendleft(chunk)
                else:
                    yield chunk, columns
    finally:
        for future in running:
            future.cancel()


def solve_in_processes(workers: int, work: Work, chunks: Iterable[int]) -> Chunks:
    """Solve chunks in local processes; if one is killed, the chunks not done start again in new processes.

    Raises:
        SolverError: processes keep dying before any chunk is done.
    """
    left = dict.fromkeys(chunks)
    broken = 0
    while left:
        with ProcessPoolExecutor(min(workers, len(left)), initializer=_leave_interrupts) as executor:
            try:
                for chunk, columns in solve_on(executor, work, list(left)):
                    del left[chunk]
                    broken = 0
                    yield chunk, columns
            except BrokenExecutor as error:
                broken += 1
                if broken == _BROKEN:
                    raise SolverError(
                        f"{broken} times in a row a process was killed before any chunk was done; "
                        "less memory is needed with a smaller chunk size or fewer workers"
                    ) from error


def _leave_interrupts() -> None:
    """Ctrl-C is for the process that waits, which then ends this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def dask_executor(address: str, timeout: float = TIMEOUT) -> Iterator[Executor]:
    """An executor on the workers of a Dask scheduler (extra `cluster`); Dask restarts the work of lost ones.

    Raises:
        MissingExtraError: Dask is not installed.
        ProblemError: the scheduler does not answer in time, or the address is malformed.
        SolverError: workers keep dying, or the scheduler is gone.
    """
    try:
        from distributed import Client, KilledWorker
    except ImportError as error:
        raise MissingExtraError("a cluster needs Dask: pip install 'cvxtoken[cluster]'") from error
    try:
        client: Any = Client(address, timeout=timeout, set_as_default=False)
    except (OSError, ValueError) as error:  # TimeoutError is an OSError
        raise ProblemError(f"cluster {address!r} does not answer within {timeout:g} s: {error}") from error
    try:
        yield client.get_executor(pure=False)
    except (KilledWorker, CancelledError) as error:
        raise SolverError(
            f"cluster {address!r} is gone, or its workers keep dying. {error}".rstrip()
        ) from error
    finally:
        client.close()
