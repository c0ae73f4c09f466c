"""The command line: parses, calls, prints; computes nothing.

The exit status is 0 where all went well, 1 where a certificate is refused, a solver fails or nothing can
be printed, 2 for bad input, 3 where an optimum could not be certified, and 130 where Ctrl-C ended it.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import sys
from io import TextIOWrapper

from cvxtoken.cli.application import StoppedError, app
from cvxtoken.errors import CvxtokenError

BAD_OUTPUT, BAD_INPUT, STOPPED = 1, 2, 130


def main() -> None:
    """Run the command line.

    What goes wrong is one sentence on stderr; with --json an object {"error": sentence} on stdout as well.
    """
    # Python ends with several searches for cycles among all that CVXPY has made: a fifth of a short run
    atexit.register(gc.freeze)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a name that the terminal cannot show must not crash it
    try:
        try:
            app()
        finally:
            sys.stdout.flush()  # what cannot be written must be known here
    except CvxtokenError as error:
        _end(str(error), BAD_INPUT)
    except StoppedError as stopped:
        _end(str(stopped), STOPPED)
    except MemoryError:
        _end("there is not enough memory for this", BAD_INPUT)
    except BrokenPipeError:  # who read the output has had enough of it
        _discard()
        sys.exit(BAD_OUTPUT)
    except OSError as error:
        _discard()
        what = "the output cannot be written" if error.filename is None else error.filename
        print(f"error: {what}: {error.strerror or error}", file=sys.stderr)
        sys.exit(BAD_OUTPUT)


def _end(sentence: str, status: int) -> None:
    """Say what is wrong and exit."""
    print(f"error: {sentence}", file=sys.stderr)
    if "--json" in sys.argv[1:]:
        try:
            print(json.dumps({"error": sentence}), flush=True)
        except OSError:
            _discard()
    sys.exit(status)


def _discard() -> None:
    """Let what is still to be written go nowhere, or Python would complain of it at its end."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError:  # no file is beneath it
        sys.stdout = None
