"""Shell scripts in which each `cvxtoken` is a fork of one process that has imported everything already.

A command of its own spends two seconds on imports, and the pages have a hundred. Bash, its pipes and exit
statuses stay what they are: a function hands each command's streams, folder and arguments over a socket.
"""

from __future__ import annotations

import functools
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

import cvxtoken.cli

ROOT = Path(cvxtoken.__file__).parent.parent
OURS = {"PYTHONPATH": str(ROOT), "TERM": "dumb", "COLUMNS": "100"}
ENVIRONMENT = {name: value for name, value in os.environ.items() if "PYTEST" not in name} | OURS
STREAMS = (0, 1, 2)
LIMIT = 1 << 20  # bytes of a request
CLIENT = """
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as server:
    server.connect(sys.argv[1])
    socket.send_fds(server, [json.dumps([os.getcwd(), *sys.argv[2:]]).encode()], [0, 1, 2])
    sys.exit((server.recv(1) or b"\\xff")[0])
"""


def run(script: str, folder: Path) -> str:
    """What a script prints, on stdout and stderr together."""
    preface = f"""cvxtoken() {{ '{sys.executable}' -ISc '{CLIENT}' '{server()[0]}' "$@"; }}
    pytest() {{ '{sys.executable}' -m pytest -p no:cacheprovider "$@"; }}
    """
    done = subprocess.run(
        ["bash", "-c", preface + script],
        cwd=folder,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout


@functools.cache
def server() -> tuple[str, subprocess.Popen[str]]:
    """The socket of the process that forks, and that process: it ends when the pipe to it is closed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.shell"],
        cwd=ROOT,
        env=ENVIRONMENT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process.stdout.readline().strip(), process


def serve() -> None:
    """Print the path of a socket, and fork for each request until stdin is closed."""
    for name in cvxtoken.__all__:
        getattr(cvxtoken, name)  # imports what it needs, CVXPY above all
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # no one waits for the forks
    with (
        tempfile.TemporaryDirectory(prefix="cvxtoken-") as folder,
        socket.socket(socket.AF_UNIX) as listener,
        selectors.DefaultSelector() as selector,
    ):
        listener.bind(f"{folder}/socket")
        listener.listen()
        selector.register(listener, selectors.EVENT_READ)
        selector.register(sys.stdin, selectors.EVENT_READ)
        print(f"{folder}/socket", flush=True)
        while all(key.fileobj is listener for key, _ in selector.select()):
            connection, _ = listener.accept()
            if not os.fork():
                answer(connection)
            connection.close()


def answer(connection: socket.socket) -> None:
    """One command, in a process of its own; its exit status is the answer."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    request, descriptors, *_ = socket.recv_fds(connection, LIMIT, len(STREAMS))
    for stream, descriptor in zip(STREAMS, descriptors, strict=True):
        os.dup2(descriptor, stream)
        os.close(descriptor)
    sys.stdin, sys.stdout = os.fdopen(0), os.fdopen(1, "w")
    sys.stderr = os.fdopen(2, "w", buffering=1)
    folder, *arguments = json.loads(request)
    os.chdir(folder)
    sys.argv = ["cvxtoken", *arguments]
    status = 255
    try:
        cvxtoken.cli.main()
    except SystemExit as stop:
        status = int(stop.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        connection.sendall(bytes([status]))
        os._exit(status)


if __name__ == "__main__":
    serve()
