"""What may a file of up to 50 MB cost a checker? Files made to keep each checker as busy as its limits allow.

Claim: every checker ends within 30 s of CPU and 500 MB on every one of them, with a verdict and no traceback.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cvxtoken
from cvxtoken import verifier
from cvxtoken.lagged import LaggedWorkload
from cvxtoken.picture import BLUE, GREY, axes, save
from cvxtoken.pooled import PooledWorkload
from cvxtoken.tables import table
from validation.conic_limits import CONES
from validation.instances import realistic
from validation.studies import options

CPU, MEMORY = 30.0, 500e6  # s and bytes, of a whole process
SIZE = 49_900_000  # bytes of a file
LONG = 2.0**-900 * (1 - 2.0**-53)  # a double of some 750 significant digits
Document = dict[str, Any]
VOLUME: Document = {"kind": "volume"}


def filled(piece: str, head: str = "[", tail: str = "]") -> bytes:
    """A file of 50 MB that repeats a piece of JSON."""
    return (head + ",".join([piece] * ((SIZE - 10) // (len(piece) + 1))) + tail).encode()


def plain(size: int, digits: int, **columns: list[float]) -> Document:
    """A certificate of so many types, bounds aside a valid one, at no tokens."""
    names = [f"{k}" for k in range(size)]
    instance: Document = {
        "names": names,
        "prior": [1 / size] * size,
        "accuracy_gain": [0.7] * size,
        "saturation_rate": [1 / 3000] * size,
        "base_accuracy": [0.1] * size,
        "overhead": [0.1] * size,
        "time_per_token": [1 / 3000] * size,
        "max_tokens": [32768.1] * size,
        "arrival_rate": 0.3,
        "accuracy_weight": 30.1,
    } | columns
    return {
        "schema": verifier.allocation.SCHEMA,
        "sha256": cvxtoken.Workload(**instance).sha256,
        "instance": instance,
        "digits": digits,
        "lower": "-1e9",
        "upper": "1e9",
        "relative_gap": "1e10",
        "tokens": [f"{100 + k % 7}.{'7' * min(digits, 60)}" for k in range(size)],
        "radii": ["1000.3"] * size,
    }


def long_doubles(size: int, digits: int, columns: int) -> Document:
    """The same with columns of doubles whose exact values have hundreds of digits."""
    long = dict.fromkeys(("saturation_rate", "overhead", "time_per_token", "base_accuracy"), [LONG] * size)
    return plain(size, digits, **dict(list(long.items())[:columns]))


def with_rows(size: int, rows: int, digits: int) -> Document:
    """A certificate with linear targets."""
    document = plain(size, digits)
    targets = {"objective": "trade-off", "linear": [[0.1] * size + [1e9] for _ in range(rows)]}
    digest = cvxtoken.Targets(linear=tuple(map(tuple, targets["linear"])))  # type: ignore[arg-type]
    workload = cvxtoken.Workload(**document["instance"])
    multipliers = {"linear": ["1e-30"] * rows}
    head = {"schema": verifier.allocation.TARGET_SCHEMA, "sha256": digest.sha256(workload)}
    return document | head | {"targets": targets, "multipliers": multipliers}


def whole(size: int, cells: int, upper: str = "", prices: str = "") -> Document:
    """A proof of whole tokens in equal cells, at other prices z or with another upper bound."""
    document = cvxtoken.solve_integer(realistic(3, size)).certificate.to_document()
    document |= {"lower": "-1e9", "relative_gap": "1e10"}
    document["upper"] = upper or document["upper"]
    document["z"] = [prices] * size if prices else document["z"]
    document["edges"] = [str(k / cells) for k in range(cells)] + ["1"]
    document["multipliers"] = [["0", "0.0001", "-0.0001"]] * cells
    return document


def many_multipliers(size: int, count: int) -> Document:
    """A proof of whole tokens whose one cell has many multipliers, with all tokens of the types left open."""
    columns = {"max_tokens": [1e9] * size, "saturation_rate": [1e-5] * size, "time_per_token": [1e-7] * size}
    document = plain(size, 100, **columns)
    del document["radii"]
    extra = {"schema": verifier.whole.SCHEMA, "tokens": [0] * size, "z": ["0"] * size, "edges": ["0", "1"]}
    multipliers = [[f"0.{k:06d}" for k in range(count)]]
    return document | extra | {"multipliers": multipliers, "upper": "-100"}


def leaves(size: int, depth: int, pointed: bool, digits: int) -> Document:
    """A lagged proof of 2^depth leaves; no points but for one where a type that is on is too much."""
    overhead = [0.1 if pointed else 3.3333333] * size
    document = plain(size, digits, overhead=overhead)
    workload = cvxtoken.Workload(**document["instance"])
    lag = [16.3 if pointed else 32000.1] * size
    del document["radii"]
    choices = [format(k, f"0{depth}b") + "." * (size - depth) for k in range(2**depth)]
    free = ["0"] * size
    extra = {
        "schema": verifier.lagged.SCHEMA,
        "sha256": LaggedWorkload(workload, lag).sha256,
        "lag": lag,
        "leaves": [{"choices": c, "point": free if pointed or "1" not in c else None} for c in choices],
        "tokens": free,
    }
    return document | extra


def pooled(size: int, servers: int, count: int, digits: int, lined: bool = True) -> Document:
    """A proof of one queue with many cells of the load, the lines far above g, and long numbers."""
    document = plain(size, digits)
    del document["radii"]
    sevens = "7" * min(digits, 60)
    rest = (
        {"line": ["1e9000", f"0.{sevens}"], "point": [f"10.{sevens}"] * size}
        if lined
        else {"price": f"0.{sevens}"}
    )
    ends = [f"{0.02 + (servers - 0.02) * k / count:.30f}" for k in range(1, count)] + [str(servers)]
    extra = {
        "schema": verifier.pooled.SCHEMA,
        "sha256": PooledWorkload(cvxtoken.Workload(**document["instance"]), servers).sha256,
        "servers": servers,
        "start": "0.02",
        "cells": [{"end": end} | rest for end in ends],
    }
    return document | extra


def draws(size: int, count: int, digits: int) -> Document:
    """A robust proof of many draws."""
    document = plain(size, digits)
    instances = [document.pop("instance")] * count
    del document["radii"]
    _, digest = verifier.robust.read_draws(instances)
    extra = {"schema": verifier.robust.SCHEMA, "sha256": digest, "instances": instances}
    return document | extra | {"ends": ["32768"] * size}


def schedule(columns: dict[str, list[int]], memory: int, proof: Document, apart: int = 0) -> Document:
    """A proof about requests that start one after the other."""
    instance = {"memory": memory, **columns}
    requests, _, digest = verifier.schedule.read_instance(instance)
    now, starts = max(columns["arrival"]) + 1000, []
    for _, _, o in requests:
        starts.append(now)
        now += apart or o
    upper = sum(start + o - a for (a, _, o), start in zip(requests, starts, strict=True))
    head = {"schema": verifier.schedule.SCHEMA, "sha256": digest, "instance": instance}
    return {**head, "starts": starts, "lower": upper, "upper": upper, "proof": proof}


def searched(memory: int, outputs: list[int], arrival: int, prompt: int) -> Document:
    """A search of all schedules."""
    n = len(outputs)
    columns = {"arrival": [arrival] * n, "prompt_tokens": [prompt] * n, "output_tokens": outputs}
    return schedule(columns, memory, {"kind": "search"}, 1 if memory > 10**6 else 0)


def snapshots(memory: int, places: list[tuple[int, int]], outputs: list[int], horizon: int) -> Document:
    """A proof by an inequality over places (m, r) and times."""
    n = len(outputs)
    columns = {"arrival": [0] * n, "prompt_tokens": [1] * n, "output_tokens": outputs}
    rows = [[m, r, 1000 + (m * m + r) % 997] for m, r in places]
    item = {"weights": rows or "memory", "multipliers": [999_999_999] * horizon}
    return schedule(columns, memory, {"kind": "snapshots", "scale": 10**9, "inequalities": [item]})


def guided(columns: dict[str, list[int]], memory: int, lower: int, horizon: int = 0) -> Document:
    """A search of all schedules, guided by the memory's multipliers, which are poor."""
    item = {"weights": "memory", "multipliers": [1] * horizon}
    proof = {"kind": "guided", "scale": 10**9, "inequalities": [item]}
    made = schedule(columns, memory, proof)
    return made | {"lower": min(lower, made["upper"])}


def crowd(n: int, prompt: int, outputs: int) -> dict[str, list[int]]:
    """Requests at once, no two alike."""
    return {
        "arrival": [0] * n,
        "prompt_tokens": [prompt + k % 7 for k in range(n)],
        "output_tokens": [outputs + k for k in range(n)],
    }


def prices(row: list[int], span: int) -> Document:
    """A proof by prices with a fine scale."""
    return {"kind": "prices", "scale": 10**18, "span": span, "prices": row}


def priced(row: list[int], n: int) -> Document:
    """A proof by long prices, of requests that look at all of them."""
    columns = {"arrival": [k % 7 for k in range(n)], "prompt_tokens": [10**8] * n, "output_tokens": [9] * n}
    return schedule(columns, 10**9, prices(row, 1))


def requests(n: int, proof: Document = VOLUME) -> Document:
    """As many requests as a file holds."""
    columns = {
        "arrival": [10**8 + 7 * k % 1000 for k in range(n)],
        "prompt_tokens": [300 + k % 7 for k in range(n)],
        "output_tokens": [300 + k % 11 for k in range(n)],
    }
    return schedule(columns, 10**6, proof, 1000)


ATTACKS: dict[str, tuple[str, Callable[[], bytes | Document]]] = {
    "objects": ("allocation", lambda: filled('{"":0}')),
    "lists": ("allocation", lambda: filled("[]")),
    "numbers": ("allocation", lambda: filled("0")),
    "long numbers": ("allocation", lambda: filled("1" * 4000)),
    "text beyond ASCII": (
        "allocation",
        lambda: ('["' + "\N{GRINNING FACE}" * (SIZE // 4 - 4) + '"]').encode(),
    ),
    "escapes": ("allocation", lambda: filled('"\\ud83d\\ude00"')),
    "text of which a character is wide": ("allocation", lambda: b'["\xf0\x9f\x98\x80' + b"x" * SIZE + b'"]'),
    "nested": ("allocation", lambda: b"[" * SIZE),
    "types, 100 digits": ("allocation", lambda: plain(100_000, 100)),
    "types, 400 digits": ("allocation", lambda: plain(6_250, 400)),
    "long doubles": ("allocation", lambda: long_doubles(100_000, 100, 1)),
    "longer doubles": ("allocation", lambda: long_doubles(100_000, 100, 4)),
    "long doubles, 400 digits": ("allocation", lambda: long_doubles(6_250, 400, 4)),
    "rows": ("allocation", lambda: with_rows(315, 315, 100)),
    "one type, many rows": ("allocation", lambda: with_rows(1, 99_000, 100)),
    "whole, poor prices": ("whole", lambda: whole(5, 1, prices="0")),
    "whole, poor prices of many": ("whole", lambda: whole(50, 1, prices="0.1")),
    "whole, upper of 0": ("whole", lambda: whole(5, 1, upper="0")),
    "whole, cells": ("whole", lambda: whole(30, 3000, upper="1e9")),
    "whole, cells of one type": ("whole", lambda: whole(1, 200_000, upper="1e9")),
    "whole, many multipliers": ("whole", lambda: many_multipliers(1, 300)),
    "whole, many types": ("whole", lambda: many_multipliers(40_000, 1)),
    "leaves with points": ("lagged", lambda: leaves(18, 13, True, 100)),
    "leaves without points": ("lagged", lambda: leaves(13, 13, False, 100)),
    "leaves, 400 digits": ("lagged", lambda: leaves(18, 9, True, 400)),
    "cells of one type": ("pooled", lambda: pooled(1, 2, 60_000, 100)),
    "cells of many types": ("pooled", lambda: pooled(30, 2, 3000, 100)),
    "cells of many servers": ("pooled", lambda: pooled(1, 1000, 390, 100)),
    "cells of many servers, 400 digits": ("pooled", lambda: pooled(1, 1000, 23, 400)),
    "cells without a line": ("pooled", lambda: pooled(1, 2, 60_000, 100, False)),
    "draws": ("robust", lambda: draws(5, 20_000, 100)),
    "draws of many types": ("robust", lambda: draws(20_000, 5, 100)),
    "draws, 400 digits": ("robust", lambda: draws(5, 1250, 400)),
    "search, late arrivals": ("schedule", lambda: searched(10**9, list(range(1, 21)), 10**9, 1)),
    "search, tight": ("schedule", lambda: searched(60, [9 + k % 9 for k in range(20)], 0, 3)),
    "guided, states": ("schedule", lambda: guided(crowd(20, 3, 5), 60, 900)),
    "guided, large states": ("schedule", lambda: guided(crowd(100, 1, 1), 10**9, 10**6)),
    "guided, long tables": ("schedule", lambda: guided(crowd(9, 1, 99_000), 10**6, 10**9, 10_000)),
    "guided, late arrivals": (
        "schedule",
        lambda: guided(crowd(100, 1, 1) | {"arrival": [0] + [10**9] * 99}, 10**6, 10**9),
    ),
    "snapshots, places": (
        "schedule",
        lambda: snapshots(700, [(m, 0) for m in range(1, 150)], [40], 9),
    ),
    "snapshots, times": ("schedule", lambda: snapshots(1000, [], list(range(470, 500)), 100_000)),
    "snapshots, kinds": (
        "schedule",
        lambda: schedule(
            {"arrival": [0] * 2200, "prompt_tokens": list(range(1, 2201)), "output_tokens": [1] * 2200},
            10**9,
            {
                "kind": "snapshots",
                "scale": 1,
                "inequalities": [{"weights": "memory", "multipliers": []}] * 2200,
            },
        ),
    ),
    "requests": ("schedule", lambda: requests(740_000)),
    "requests, mean times": ("schedule", lambda: requests(740_000, {"kind": "busy"})),
    "prices of many requests": ("schedule", lambda: requests(740_000, prices([9] * 100, 10**6))),
    "prices, pieces": ("schedule", lambda: priced([10**17] * 200_000, 40)),
    "prices, spans": ("schedule", lambda: priced([10**18] * 1_000_000, 3)),
    **{name: ("conic", make) for name, make in CONES.items()},
}


# the peak of memory is that of the process alone: what the system tells of a child counts its parent's too
MEASURED = """
import os, runpy, sys
script, sys.argv = sys.argv[1], sys.argv[1:]
sys.path[0] = os.path.dirname(script)
try:
    runpy.run_path(script, run_name="__main__")
finally:
    print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


QUICK = (
    "objects",
    "text of which a character is wide",
    "rows",
    "leaves without points",
    "search, tight",
    "two long denominators",
)


def run(checker: str, file: Path) -> tuple[str, float, float]:
    """What a checker says of a file, its CPU seconds and its peak of memory in bytes (on Linux)."""
    script = Path(verifier.__file__).with_name(f"{checker}.py")
    process = subprocess.Popen(
        [sys.executable, "-c", MEASURED, str(script), str(file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    *said, kilobytes = process.stdout.read().strip().splitlines()
    _, _, usage = os.wait4(process.pid, 0)
    return "\n".join(said), usage.ru_utime + usage.ru_stime, int(kilobytes) * 1024.0


def draw(rows: dict[str, tuple[float, float]], path: Path) -> None:
    """CPU seconds of every attack, and the limit."""
    figure, drawn = axes("CPU time of the whole check (s)", "file")
    drawn.barh(list(rows), [seconds for seconds, _ in rows.values()], color=BLUE)
    drawn.axvline(CPU, color=GREY, linestyle="--", linewidth=1)
    drawn.invert_yaxis()
    save(figure, path)


def main() -> int:
    """Run all attacks, print the table and the verdict."""
    arguments = options(__doc__).parse_args()
    found, rows, good = {}, [], True
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "attack.json"
        for name, (checker, make) in ATTACKS.items():
            if arguments.quick and name not in QUICK:
                continue
            made = make()
            file.write_bytes(made if isinstance(made, bytes) else json.dumps(made).encode())
            size = file.stat().st_size
            said, seconds, memory = run(checker, file)
            verdict = said.startswith(("proven: ", "refused: "))
            found[name] = (seconds, memory)
            good &= verdict and seconds <= CPU and memory <= MEMORY and size <= 50_000_000
            short = " ".join(said.split()[:9]) if said.startswith("proven") else said
            rows.append((name, f"{size / 1e6:.2f}", f"{seconds:.1f}", f"{memory / 1e6:.0f}", short[:70]))
    print(table(["file", "MB", "CPU (s)", "memory (MB)", "said"], rows))
    if arguments.picture:
        draw(found, arguments.picture)
    print("verdict: every file" if good else "verdict: NOT every file", end=" ")
    print(f"is answered within {CPU:g} s of CPU and {MEMORY / 1e6:g} MB")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
