"""A search that can be stopped: by its time or by an interruption, with what it has so far."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

Report = Callable[[int, int, str], None]  # a lower and an upper bound, and what is being done


class Watch:
    """The time that is left, whether the search was interrupted, and who is told how far it is.

    In a `with` block of the main thread the first interruption (Ctrl-C) only sets `interrupted`, so that the
    search can end in good order; a second one raises KeyboardInterrupt.

    Args:
        seconds: from now on; None for as long as the steps last.
        report: called with every better bound and every new step.
        outer: a watch whose interruption is this one's, too.
    """

    def __init__(
        self, seconds: float | None = None, report: Report | None = None, outer: Watch | None = None
    ) -> None:
        self.end = None if seconds is None else time.perf_counter() + seconds
        self.report = report
        self.outer = outer
        self._interrupted = False
        self._before: Any = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._interrupt)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self._interrupted:
            raise KeyboardInterrupt
        self._interrupted = True

    @property
    def interrupted(self) -> bool:
        """Whether there was an interruption."""
        return self._interrupted or (self.outer is not None and self.outer.interrupted)

    @property
    def over(self) -> bool:
        """Whether to stop."""
        return self.interrupted or (self.end is not None and time.perf_counter() >= self.end)

    @property
    def left(self) -> float:
        """Seconds until the end, infinite where none is set."""
        return float("inf") if self.end is None else max(self.end - time.perf_counter(), 0.0)

    def half(self) -> Watch:
        """A watch over half of the time that is left."""
        return Watch(None if self.end is None else self.left / 2, self.report, self)

    def say(self, lower: int, upper: int, doing: str) -> None:
        """Tell how far the search is."""
        if self.report is not None:
            self.report(lower, upper, doing)
