"""The command line: parses, calls, prints; computes nothing.

The exit status is 0 where all went well, 1 where a certificate is refused or a solver fails, 2 for bad input,
3 where an optimum could not be certified, and 130 where Ctrl-C ended the scoring of a solver.
"""

from __future__ import annotations

import atexit
import gc
import sys
from io import TextIOWrapper

from cvxtoken.cli.application import app
from cvxtoken.errors import CvxtokenError


def main() -> None:
    """Run the command line; an error of ours is one sentence on stderr and exit status 2."""
    # Python ends with several searches for cycles among all that CVXPY has made: a fifth of a short run
    atexit.register(gc.freeze)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a name that the terminal cannot show must not crash it
    try:
        app()
    except CvxtokenError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
