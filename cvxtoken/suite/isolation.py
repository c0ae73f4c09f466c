"""Calls that may hang or crash, each in a process of its own, with a time limit."""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any


class Lost(Exception):  # noqa: N818 (it is the verdict)
    """The call did not return; the message says what became of it."""


def call(function: Callable[[], Any], time_limit: float) -> Any:
    """The function's value, from a forked process where the system has them, else from a thread.

    What a process prints goes to standard error.

    Raises:
        Lost: the call hangs or crashes. A process is then killed; a thread is left behind.
    """
    if "fork" in multiprocessing.get_all_start_methods():
        return _in_process(function, time_limit)
    return _in_thread(function, time_limit)


def _in_process(function: Callable[[], Any], time_limit: float) -> Any:
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(function, sender))
    process.start()
    sender.close()
    try:
        if not receiver.poll(time_limit):
            raise Lost(f"did not come back within {time_limit:g} s")
        return receiver.recv()
    except EOFError as error:
        process.join(1)
        raise Lost(f"crashed with exit status {process.exitcode}") from error
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid or 0, signal.SIGKILL)  # with whatever it has started
        process.kill()
        process.join()


def _send(function: Callable[[], Any], sender: Connection) -> None:
    os.setsid()
    # standard output is for the caller's results; a solver under test may print in Python or below it
    with suppress(OSError):  # the caller may have no standard error
        os.dup2(2, 1)
    sys.stdout = sys.stderr
    if highs := sys.modules.get("highspy"):
        # its pool of threads is there after a fork, but not the threads: a run would wait for them forever
        highs.Highs.resetGlobalScheduler(False)
    sender.send(function())
    sender.close()


def _in_thread(function: Callable[[], Any], time_limit: float) -> Any:
    found: queue.Queue[Any] = queue.Queue()
    threading.Thread(target=lambda: found.put(function()), daemon=True).start()
    try:
        return found.get(timeout=time_limit)
    except queue.Empty as error:
        raise Lost(f"did not come back within {time_limit:g} s") from error
