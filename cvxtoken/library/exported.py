"""The library as a folder of files for programs in any language, with an index of what is true of them.

The folder holds a file of each instance's cone program and `index.json`, of the schema `cvxtoken-export/1`:
a mapping with `schema`, `version` (of cvxtoken), `format`, and `instances`, each with

    id, family, kind, knob, value, since    as in the library
    file                  of the cone program, relative to the folder
    sha256                of the instance (the workload), not of the file
    form                  presolved or raw; infeasible instances are always raw
    status                what is true: optimal or infeasible
    objective             the optimal value of the file's program, 40 digits in a text; null if infeasible
    tolerance             relative to 1 + |objective|: what counts as right
    offset                the constant of the objective; Clarabel's files have no place for it, and there
                          `objective` is without it
    witness               of an infeasible one the utilisation without tokens, exactly: a text such as 9/8
    variables             count, and what they are; of tokens the map: those of type types[k] are
                          scale[k] x[k], others 0
    integers              the columns that must be whole, from 0
    rows                  how many; the length of z
    duals                 z at the optimum in the order of the file's rows; null with over 100 types, and
                          where they are not known
    columns               in nl alone, which has an order of its own: the column of each variable; x is
                          given in the file's order, and dual values and rays are not read

and, where the format has no place for some, `left_out`: by id why. The objective is minimised: where J is
maximised, it is -J*. The file's numbers are doubles, the optimum is that of the exact instance.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from decimal import Context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxtoken.arrays import FloatArray
from cvxtoken.conic.cbf import row_order, write_cbf
from cvxtoken.conic.mps import not_linear, write_mps
from cvxtoken.conic.nl import write_nl
from cvxtoken.conic.program import ConeProgram
from cvxtoken.errors import ProblemError
from cvxtoken.files import nearest, write_text
from cvxtoken.library.problems.written import INTEGERS
from cvxtoken.library.shipped import DUALS_STORED, Instance

SCHEMA, INDEX = "cvxtoken-export/1", "index.json"
CBF, CLARABEL, MPS, NPZ, NL = "cbf", "clarabel-json", "mps", "npz", "nl"
ENDINGS = {CBF: ".cbf", CLARABEL: ".json", MPS: ".mps", NPZ: ".npz", NL: ".nl"}
TOLERANCE = 1e-6  # relative; what general-purpose solvers promise
_DIGITS = Context(40)


def export(
    folder: str | Path,
    chosen: Iterable[Instance],
    file_format: str = CBF,
    form: str = "presolved",
    on_instance: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Write the cone programs and the index, and return the index.

    Args:
        folder: made where it is missing; files of the same names are written over.
        chosen: the instances.
        file_format: cbf, clarabel-json, mps (linear programs alone, also with integers), nl (smooth, see
            `conic.nl`), or npz (arrays A_data, A_indices, A_indptr of the columns, b, q, offset,
            cone_kinds, cone_rows, integers).
        form: presolved or raw.
        on_instance: called with the id of each instance when it is written.

    Raises:
        ProblemError: the format is not known, or has no place for any of them, or the folder cannot be
            written.
        MissingExtraError: nl is asked for, and Pyomo is not installed.
    """
    from cvxtoken import __version__

    if file_format not in ENDINGS:
        raise ProblemError(f"format is {file_format!r}; it must be one of {', '.join(ENDINGS)}")
    entries, left_out = [], {}
    for instance in chosen:
        if reason := _no_place(instance, file_format, form):
            left_out[instance.id] = reason
        else:
            entries.append(_write(Path(folder), instance, file_format, form))
        if on_instance is not None:
            on_instance(instance.id)
    if left_out and not entries:
        first, reason = next(iter(left_out.items()))
        count = len(left_out)
        raise ProblemError(
            f"none of the {count} instances can be written as {file_format}: {reason} ({first})"
        )
    index: dict[str, Any] = {"schema": SCHEMA, "version": __version__, "format": file_format}
    index |= {"instances": entries} | ({"left_out": left_out} if left_out else {})
    write_text(Path(folder) / INDEX, json.dumps(index, indent=1, allow_nan=False) + "\n")
    return index


def _no_place(instance: Instance, file_format: str, form: str) -> str:
    """Why a format has no place for an instance; empty where it has."""
    if file_format == CLARABEL and INTEGERS in instance.problem.needs:
        return "the format has no place for whole numbers"
    if file_format != MPS:
        return ""
    return not_linear(instance.problem.cones(form if instance.feasible else "raw").program)


def _write(folder: Path, instance: Instance, file_format: str, form: str) -> dict[str, Any]:
    """Write one instance's program; its entry in the index."""
    form = form if instance.feasible else "raw"
    problem = instance.problem
    written = problem.cones(form)
    program = written.program
    file = f"{instance.id}{ENDINGS[file_format]}"
    columns = _write_program(folder / file, program, file_format)
    objective = duals = None
    if instance.feasible:
        shift = 0 if file_format != CLARABEL else _DIGITS.create_decimal_from_float(program.offset)
        optimum = instance.optimum.copy_negate() if problem.sense < 0 else instance.optimum
        objective = str(_DIGITS.subtract(optimum, shift))
        known = columns is None and len(problem.names) <= DUALS_STORED
        z = problem.duals(instance.certificate, form) if known else None
        duals = None if z is None else z[file_order(program, file_format)].tolist()
    return {
        "id": instance.id,
        "family": instance.family,
        "kind": instance.kind,
        "knob": instance.knob,
        "value": instance.value,
        "since": instance.since,
        "file": file,
        "sha256": problem.sha256,
        "form": form,
        "status": "optimal" if instance.feasible else "infeasible",
        "objective": objective,
        "tolerance": TOLERANCE,
        "offset": program.offset,
        "witness": None if instance.feasible else str(instance.witness),
        "variables": {"count": len(program.q), **written.variables},
        "integers": list(program.integers),
        "rows": len(program.b),
        "duals": duals,
        **({} if columns is None else {"columns": columns}),
    }


def _write_program(path: Path, program: ConeProgram, file_format: str) -> list[int] | None:
    """Write a file; of each of its variables the column, where they stand in another order."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if file_format == NPZ:
            np.savez(path, **_arrays(program))
    except OSError as error:
        raise ProblemError(f"{path}: cannot be written: {error.strerror}") from error
    if file_format == CBF:
        write_text(path, write_cbf(program))
    elif file_format == MPS:
        write_text(path, write_mps(program, program.integers))
    elif file_format == CLARABEL:
        write_text(path, json.dumps(program.to_clarabel(), allow_nan=False) + "\n")
    elif file_format == NL:
        text, columns = write_nl(program)
        write_text(path, text)
        return columns
    return None


def _arrays(program: ConeProgram) -> dict[str, Any]:
    return {
        "A_data": program.A.data,
        "A_indices": program.A.indices,
        "A_indptr": program.A.indptr,
        "b": program.b,
        "q": program.q,
        "offset": np.array(program.offset),
        "cone_kinds": np.array([kind for kind, _ in program.cones]),
        "cone_rows": np.array([rows for _, rows in program.cones]),
        "integers": np.array(program.integers, dtype=np.int64),
    }


def file_order(program: ConeProgram, file_format: str) -> NDArray[np.intp]:
    """Of each row of a file the row of the program; the same map leads back."""
    return row_order(program.cones) if file_format == CBF else np.arange(len(program.b))


def from_file_order(program: ConeProgram, file_format: str, z: FloatArray) -> FloatArray:
    """Dual values in the order of the program's rows, from those in the order of the file's."""
    ordered: FloatArray = z[file_order(program, file_format)]
    return ordered


def read_index(folder: str | Path) -> dict[str, Any]:
    """The index of a folder that `export` has written.

    Raises:
        ProblemError: there is none, it cannot be read, or it is of another schema.
    """
    path = Path(folder) / INDEX
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ProblemError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ProblemError(f"{path}: not valid JSON: {error}") from error
    schema = index.get("schema") if isinstance(index, dict) else None
    if schema != SCHEMA:
        raise ProblemError(f"{path}: schema is {schema!r}; this version reads {SCHEMA!r}")
    if str(index.get("format")) not in ENDINGS:
        hint = nearest(str(index.get("format")), ENDINGS)
        raise ProblemError(
            f"{path}: format is {index.get('format')!r}{hint}; it must be one of {', '.join(ENDINGS)}"
        )
    entries = index.get("instances")
    if not isinstance(entries, list) or not entries:
        raise ProblemError(f"{path}: instances must be a list of mappings")
    for place, entry in enumerate(entries):
        if reason := _entry_fault(entry):
            raise ProblemError(f"{path}: instances[{place}] {reason}")
    if len({entry["id"] for entry in entries}) < len(entries):
        raise ProblemError(f"{path}: an id stands twice in instances")
    return dict(index)


def _entry_fault(entry: Any) -> str:
    """What is wrong with an entry of an index, as far as it is read; empty where nothing is."""
    if not isinstance(entry, dict):
        return f"is {entry!r:.60}; it must be a mapping"
    for key in ("id", "sha256", "form", "status", "objective", "tolerance"):
        if key not in entry:
            return f"has no {key!r}"
    for key, known in (("form", ("presolved", "raw")), ("status", ("optimal", "infeasible"))):
        if entry[key] not in known:
            return f"has {key} {entry[key]!r:.60}; it must be {' or '.join(known)}"
    if not isinstance(entry["id"], str):
        return f"has id {entry['id']!r:.60}; it must be a text"
    for key in ("objective", "tolerance"):
        if key == "objective" and entry["status"] == "infeasible":
            continue
        try:
            number = float(entry[key])
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not math.isfinite(number):
            return f"has {key} {entry[key]!r:.60}; it must be a finite number"
    return ""
