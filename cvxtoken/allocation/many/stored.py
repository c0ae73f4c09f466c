"""The file of many proven bounds: NumPy arrays and a header, which `cvxtoken.verifier.many` checks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxtoken.allocation.fields import PROMPT, RANDOM, REQUIRED, SCALARS
from cvxtoken.allocation.many.workloads import GIVEN, Workloads
from cvxtoken.allocation.targets import Targets
from cvxtoken.arrays import FloatArray
from cvxtoken.delay import Server, read_server
from cvxtoken.errors import CertificateError, ProblemError

# the order in which they are hashed
_COLUMNS = (*REQUIRED, "max_tokens", *RANDOM, PROMPT)
_ROWS = 1_000_000  # numbers that are hashed at a time
BOUNDS = ("lower", "upper", "gap")


def write(
    workloads: Workloads, tokens: FloatArray, bounds: tuple[FloatArray, ...], targets: Targets, path: Path
) -> None:
    """Write bounds (ProblemError: the ending, the place, or targets)."""
    if path.suffix != ".npz":
        raise ProblemError(f"{path}: the ending is {path.suffix!r}; it must be .npz")
    if not targets.is_trivial:
        raise ProblemError("bounds under targets are not stored together; save certify(index) of single ones")
    header = {
        "schema": "cvxtoken-bounds/1",
        "sha256": sha256(workloads),
        "servers": [server_document(server) for server in workloads.servers],
    }
    arrays: dict[str, Any] = {"header": np.frombuffer(json.dumps(header).encode(), np.uint8)}
    arrays |= {name: _shared(getattr(workloads, name)) for name in (*_COLUMNS, *SCALARS)}
    arrays |= {name: getattr(workloads, name).astype(np.int64) for name in ("which", "sizes")}
    arrays |= {"tokens": tokens, **dict(zip(BOUNDS, bounds, strict=True))}
    try:
        with path.open("wb") as file:
            np.savez(file, **arrays)
    except OSError as error:
        raise ProblemError(f"{path}: cannot be written: {error.strerror}") from error


def read(path: str | Path) -> tuple[Workloads, FloatArray, tuple[FloatArray, FloatArray, FloatArray]]:
    """Instances, tokens and bounds of a file that is proven first (CertificateError)."""
    from cvxtoken.verifier import Refused, many

    try:
        many.check(str(path))
        arrays, header = many.read(str(path))
    except Refused as refusal:
        raise CertificateError(f"{path}: {refusal}") from refusal
    servers = [read_server(server) for server in header["servers"]]
    given = {name: arrays[name] for name in (*GIVEN, *SCALARS)}
    own = [servers[number] for number in arrays["which"].tolist()]
    workloads = Workloads(**given, server=own, sizes=arrays["sizes"])
    lower, upper, gap = (arrays[name] for name in BOUNDS)
    return workloads, arrays["tokens"], (lower, upper, gap)


def sha256(workloads: Workloads) -> str:
    """SHA-256 of the exact instances in hexadecimal; the bytes are those of `verifier.many`.

    They are a header, JSON of the schema, B, N and of every server its kind and parameters; as big-endian
    whole numbers all sizes, then which server; as big-endian doubles arrival_rate, accuracy_weight, and row
    by row every field of the types, with 0 beyond an instance's types.
    """
    arrays = {name: getattr(workloads, name) for name in ("sizes", "which", *SCALARS, *_COLUMNS)}
    return digest(arrays, workloads.servers)


def digest(arrays: Mapping[str, NDArray[Any]], servers: Sequence[Server]) -> str:
    """The same of arrays in full shape, `sizes` and `which` among them."""
    count, width = arrays["prior"].shape
    kinds = [[server.kind, *map(str, server.parameters.values())] for server in servers]
    found = hashlib.sha256(json.dumps(["cvxtoken-bounds/1", count, width, kinds]).encode())
    for name in ("sizes", "which"):
        found.update(arrays[name].astype(">i8").tobytes())
    for name in SCALARS:
        found.update((arrays[name] + 0.0).astype(">f8").tobytes())
    step = max(1, _ROWS // width)
    for name in _COLUMNS:
        for first in range(0, count, step):
            rows = slice(first, first + step)
            filled = np.arange(width) < arrays["sizes"][rows, None]
            values = np.where(filled, arrays[name][rows] + 0.0, 0.0)
            found.update(values.astype(">f8").tobytes())
    return found.hexdigest()


def server_document(server: Server) -> dict[str, Any]:
    """A server as JSON, all its parameters doubles."""
    return {"kind": server.kind, **server.parameters}


def _shared(array: FloatArray) -> FloatArray:
    """An array with what it repeats along an axis once."""
    places = tuple(slice(0, 1) if stride == 0 else slice(None) for stride in array.strides)
    return np.ascontiguousarray(array[places])
