#!/usr/bin/env python3
"""Checks bounds of very many optima: `python many.py FILE [SAMPLES]`, by NumPy, allocation.py beside it.

FILE may be a folder of a data set, too, which takes Polars to read its Parquet files.

It shares no code with what writes such files. allocation.py says what an instance is, which objective J it
has, and why a dual bound holds; it also proves `SAMPLES` instances anew in decimals, which the file cannot
choose, and those whose numbers are not all from 2^-64 to 2^64. The others are proven here, all together.

A file is an archive of NumPy arrays: `header`, JSON in UTF-8 with `schema`, `sha256` and the different
`servers`; all fields of the instances, of shape (B, N) or with 1 in place of B or N; arrival_rate and
accuracy_weight, (B,) or (1,); `which` server and how many types (`sizes`) each instance has; `tokens`, and
`lower`, `upper` and `gap` of shape (B,). Of every instance with finite bounds it states that

    lower <= J(tokens) <= J* <= upper,   J* - J(tokens) <= gap.

A data set has card.json, with `schema`, `servers`, and of each of its `shards` the `file`, its `sha256`, and
`instances` and `proofs`: the SHA-256 of the instances as above, and of tokens, lower, upper and gap. A shard
has the same columns, but `server` in the place of `which` and no `sizes`.

Why: F = -J is convex in the tokens. Let t = t0 + c l, s = s0 + s1 l, x = b l, and r_k pi_k the derivative of
E[T] in l_k at the tokens. The bound of allocation.py at z = t / y and v = s / y is there
F - F_bound = sum pi e,   e = phi(x) - min of phi over [0, b l_max],   phi(x') = alpha A e^-x' + r / b x'.
With G = alpha A e^-x, sig = r / b, d = |G - sig|:   e <= d^2 / (2 min(G, sig)), because for Q = G / sig,
e <= sig (Q - 1 - ln Q), and Q - 1 - ln Q <= (Q - 1)^2 / 2 for Q >= 1, (1 - Q)^2 / (2 Q) else. By the tangent,
e <= d (x_max - x) where G > sig, d x else. Where these are large, e is evaluated with ln Q, or at the end.

Rounding, u = 2^-53: a pair high + low is right to some u^2 after each operation (Dekker, Knuth). e^-x is
(1 + e_5) 2^-k, x = k ln 2 - 32 s, e_0 = e^s - 1 by its series, whose terms from s^3 on are doubles (their
rounding and what is left out are below 2^-72), e_(i+1) = 2 e_i + e_i^2. So its error is below 2^-65 relative,
that of 1 - e^-x below 2^-62. Sums of up to 2^22 terms of one sign are right to 2^-92. The error of y is
2^-90 (1 + rho); it is what J and r lose near rho = 1. G has 3 roundings, sig 11.
"""

import hashlib
import io
import json
import os
import random
import sys
import zipfile
from collections.abc import Iterator
from decimal import ROUND_CEILING, Context, Decimal, DecimalException
from typing import Any

import numpy as np
from numpy.typing import NDArray

if __package__:
    from cvxtoken.verifier import allocation
    from cvxtoken.verifier.allocation import Refused, require
else:  # run as a script
    import allocation  # type: ignore[import-not-found, no-redef]
    from allocation import Refused, require  # type: ignore[no-redef]

SCHEMA = "cvxtoken-bounds/1"
SET_SCHEMA = "cvxtoken-dataset/1"
COLUMNS = (*allocation.COLUMNS, *allocation.RANDOM, "prompt_tokens")
SCALARS = allocation.SCALARS
MEMBERS = ("header", *COLUMNS, *SCALARS, "which", "sizes", "tokens", "lower", "upper", "gap")
MAX_BYTES, MAX_HEADER = 8_000_000_000, 10_000_000
BLOCK = 32_768  # types at a time
DIGITS = 80  # of samples
U = 2.0**-53
LEAST, MOST = 2.0**-64, 2.0**64
UNDERFLOW = 2.0**-700
LN2_HIGH, LN2_LOW = float.fromhex("0x1.62e42feep-1"), float.fromhex("0x1.a39ef35793c76p-33")
SERIES = (1 / 6, 1 / 24, 1 / 120, 1 / 720, 1 / 5040, 1 / 40320, 1 / 362880)
OUT = 1 + 2.0**-45

Array = NDArray[np.float64]
Pair = tuple[Array, Array]


def two_sum(a: Any, b: Any) -> Pair:
    """a + b, rounded and what that loses."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def two_prod(a: Any, b: Any) -> Pair:
    """a b, rounded and what that loses."""
    (a1, a2), (b1, b2) = split(a), split(b)
    product = a * b
    return product, ((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2


def split(a: Any) -> Pair:
    """Two numbers of 26 bits with the sum a."""
    big = a * 134217729.0
    high = big - (big - a)
    return high, a - high


def add(a: Pair, b: Pair) -> Pair:
    """The sum of two pairs."""
    high, low = two_sum(a[0], b[0])
    return two_sum(high, low + (a[1] + b[1]))


def multiply(a: Pair, b: Pair) -> Pair:
    """The product of two pairs."""
    high, low = two_prod(a[0], b[0])
    return two_sum(high, low + (a[0] * b[1] + a[1] * b[0]))


def divide(a: Pair, b: Pair) -> Pair:
    """The quotient of two pairs."""
    first = a[0] / b[0]
    product, lost = two_prod(first, b[0])
    return two_sum(first, (((a[0] - product) - lost) + (a[1] - first * b[1])) / b[0])


def total(terms: Pair) -> Pair:
    """The sum along the first axis, by halves."""
    while len(terms[0]) > 1:
        half = len(terms[0]) // 2
        first, second, rest = (
            [part[i] for part in terms] for i in (slice(half), slice(half, 2 * half), slice(2 * half, None))
        )
        both = add((first[0], first[1]), (second[0], second[1]))
        terms = np.concatenate([both[0], rest[0]]), np.concatenate([both[1], rest[1]])
    return terms[0][0], terms[1][0]


def decay(x: Pair) -> tuple[Pair, Pair]:
    """e^-x and 1 - e^-x of 0 <= x <= 600."""
    k = np.rint(x[0] / (LN2_HIGH + LN2_LOW))
    r = add(two_sum(k * LN2_HIGH - x[0], k * LN2_LOW), (-x[1], 0.0 * x[1]))  # the first difference is exact
    s, s_low = r[0] / 32, r[1] / 32
    square, lost = two_prod(s, s)
    tail = s * SERIES[-1]
    for coefficient in SERIES[-2::-1]:
        tail = (tail + coefficient) * s
    e = add((s, s_low), (square / 2, (lost / 2 + s * s_low) + tail * square))
    for _ in range(5):
        e = add((2 * e[0], 2 * e[1]), multiply(e, e))
    power = np.ldexp(1.0, -k.astype(np.int64))
    one = np.ones_like(s), np.zeros_like(s)
    left = add(one, e)
    left = left[0] * power, left[1] * power
    gain = add(one, (-left[0], -left[1]))
    near = k == 0
    return left, (np.where(near, -e[0], gain[0]), np.where(near, -e[1], gain[1]))


class Block:
    """Some instances of one server, types along the first axis, whose numbers neither overflow nor vanish."""

    def __init__(
        self, w: dict[str, Array], lam: Array, alpha: Array, server: dict[str, Any], l: Array
    ) -> None:
        self.w, self.lam, self.alpha, self.l = w, lam, alpha, l
        zero = np.zeros_like(l)
        c, b = w["time_per_token"], w["saturation_rate"]
        self.t = add((w["overhead"], zero), two_prod(c, l))
        self.s = add((w["deviation"], zero), two_prod(w["deviation_per_token"], l))
        self.x = b * l
        far = self.x > 600
        x = two_prod(b, l)
        (left, _), gain = decay((np.where(far, 0.0, x[0]), np.where(far, 0.0, x[1])))
        self.left = np.where(far, 0.0, left)
        gain = np.where(far, 1.0, gain[0]), np.where(far, 0.0, gain[1])
        p = add((w["base_accuracy"], zero), multiply((w["accuracy_gain"], zero), gain))
        self.accuracy = self.mean(p)
        self.service = self.mean(self.t)
        self.squares = self.mean(add(multiply(self.t, self.t), multiply(self.s, self.s)))
        self.overhead = self.mean((w["overhead"], zero))
        self.delays(server)

    def mean(self, values: Pair) -> Pair:
        """sum pi value."""
        return total(multiply((self.w["prior"], 0.0 * self.l), values))

    def delays(self, server: dict[str, Any]) -> None:
        """y and E[T], what their rounding may be, and dE[T]/dt = level + theta t, dE[T]/ds = theta s."""
        one, zero = np.ones_like(self.lam), np.zeros_like(self.lam)
        lam = self.lam, zero
        together = server["kind"] in allocation.TOGETHER
        sigma, sigma0 = (server["sigma"], server["overhead"]) if together else (1.0, 1.0)
        thinking = add(self.service, (-self.overhead[0], -self.overhead[1]))
        load = add(two_scaled(sigma0, self.overhead), two_scaled(sigma, thinking))
        load = multiply(lam, load)
        self.y = y = add((one, zero), (-load[0], -load[1]))
        lost = 2.0**-90 * (1 + np.abs(load[0])) + UNDERFLOW
        self.stable = y[0] > 4 * lost
        self.y_error = lost / y[0] * (1 + 2.0**-20)
        if together:  # E[T] = E[S] / y, dE[T]/dC = (y + lambda sigma E[S]) / y^2
            self.system = divide(self.service, y)
            self.level = (y[0] + self.lam * sigma * self.service[0]) / (y[0] * y[0])
            self.theta = zero
        else:  # E[T] = E[S] + lambda E[S^2] / (2 y)
            wait = divide(multiply(lam, self.squares), (2 * y[0], 2 * y[1]))
            self.system = add(self.service, wait)
            self.level = 1 + self.lam * (wait[0] / y[0])
            self.theta = self.lam / y[0]

    def excess(self) -> Array:
        """sum pi e, at most."""
        w, l, x = self.w, self.l, self.x
        b, c = w["saturation_rate"], w["time_per_token"]
        sig = (
            (self.t[0] * self.theta + self.level) * c + self.theta * self.s[0] * w["deviation_per_token"]
        ) / b
        G = self.alpha * w["accuracy_gain"] * self.left
        rest = b * (w["max_tokens"] - l)
        error = (12 * U + 3 * self.y_error) * sig
        all_error = error + 3 * U * G + UNDERFLOW
        right, left = np.maximum(G - sig + all_error, 0.0), np.maximum(sig - G + all_error, 0.0)
        right = right * np.fmin(right / np.maximum(sig - error, 0.0) * 0.5, rest)
        left = left * np.fmin(left / G * 0.5, x)
        found = np.maximum(right, left)
        far = found > 1e-3 * sig
        if far.any():
            found[far] = np.fmin(found[far], excess_far(G[far], sig[far], error[far], x[far], rest[far]))
        return np.asarray(total((w["prior"] * found * OUT, 0.0 * found))[0]) * OUT + UNDERFLOW

    def proves(self, lower: Array, upper: Array, gap: Array) -> NDArray[np.bool_]:
        """Which bounds are surely true."""
        zero = np.zeros_like(self.lam)
        gain = multiply((self.alpha, zero), self.accuracy)
        J = add(gain, (-self.system[0], -self.system[1]))
        lost = 2.0**-61 * gain[0] + (2.0**-90 + 2 * self.y_error) * self.system[0] + UNDERFLOW
        excess = self.excess()
        below, above = (two_sum(J[0], -bound) for bound in (lower, upper))
        spare = (lost + excess) * OUT
        reached = below[0] + (below[1] + (J[1] - lost * OUT)) >= 0
        covered = above[0] + (above[1] + (J[1] + spare)) <= 0
        return self.stable & reached & covered & (gap >= excess)


def two_scaled(factor: float, pair: Pair) -> Pair:
    """A pair times a double."""
    return multiply((np.full_like(pair[0], factor), np.zeros_like(pair[0])), pair)


def excess_far(G: Array, sig: Array, error: Array, x: Array, rest: Array) -> Array:
    """e itself where it is no small number: at the root, or at the end of the range that is before it."""
    usable = (sig > 1e-150) & (G > 1e-150) & (error < 2.0**-40 * sig)
    g = np.log(np.where(usable, G / sig, 1.0))  # only a guess: Q = e^g (1 + delta), |delta| <= off
    ends = np.minimum(np.abs(g), 600.0)
    (fall, _), _ = decay((ends, 0.0 * ends))
    Q = G / sig
    off = np.abs(np.where(g > 0, Q * fall, Q / fall) - 1) + 16 * U
    usable &= (off < 2.0**-40) & (np.abs(g) < 600)
    size = G + sig * (1 + np.abs(g))
    free = (G - sig) - sig * g + 2 * sig * off + 8 * U * size + error * (1 + np.abs(g))
    (_, _), (gain, _) = decay((np.minimum(rest, 600.0), 0.0 * rest))
    high = G * gain - sig * rest + 8 * U * (G + sig * rest) + error * rest
    (left, _), (gain, _) = decay((np.minimum(x, 600.0), 0.0 * x))
    rise = G * gain / left
    low = sig * x - rise + 8 * U * (rise + sig * x) + error * x
    beyond = usable & (g * (1 - 2.0**-39) - 2.0**-39 > rest)
    below = usable & (-g * (1 - 2.0**-39) - 2.0**-39 > x) & (x < 600)
    found = np.where(beyond, high, np.where(below, low, np.where(usable, free, np.inf)))
    return np.maximum(found, 0.0) * OUT


class File:
    """The arrays and header of a file, every rule of their form checked, and the instances' SHA-256."""

    def __init__(self, arrays: dict[str, NDArray[Any]], header: dict[str, Any]) -> None:
        self.arrays = a = arrays
        require(set(header) == {"schema", "sha256", "servers"} and header["schema"] == SCHEMA, f"no {SCHEMA}")
        self.count, self.width = a["lower"].shape[0] if a["lower"].ndim == 1 else 0, a["tokens"].shape[-1]
        require(self.count and self.width, "there are no instances")
        for name in (*COLUMNS, "tokens"):
            a[name] = self.spread(name, (self.count, self.width), np.float64)
        for name in (*SCALARS, "lower", "upper", "gap"):
            a[name] = self.spread(name, (self.count,), np.float64)
        for name in ("which", "sizes"):
            a[name] = self.spread(name, (self.count,), np.int64)
        servers = header["servers"]
        require(isinstance(servers, list) and servers, "servers is no list of servers")
        self.servers = [allocation.read_server(server) for server in servers]
        sizes, which = a["sizes"], a["which"]
        require(((sizes >= 1) & (sizes <= self.width)).all(), "sizes is out of its range")
        require(((which >= 0) & (which < len(servers))).all(), "which is out of its range")
        self.sha256 = self.digest()
        require(
            header["sha256"] == self.sha256, f"the instances' SHA-256 is {self.sha256}, not the one stated"
        )
        self.claimed = np.isfinite(a["lower"]) & np.isfinite(a["upper"])

    def spread(self, name: str, shape: tuple[int, ...], kind: type) -> NDArray[Any]:
        """An array of that kind in full shape, which may be stored with 1 in place of B or N."""
        array = self.arrays[name]
        require(array.dtype == kind and array.ndim == len(shape), f"{name} is not of its kind or shape")
        require(all(n in (1, full) for n, full in zip(array.shape, shape)), f"{name} is not of its shape")
        return np.broadcast_to(array, shape)

    def digest(self) -> str:
        """SHA-256 of a header and all arrays of the instances, row by row, big-endian, 0 beyond `sizes`."""
        plain = [[server["kind"], *map(str, list(server.values())[1:])] for server in self.servers]
        found = hashlib.sha256(json.dumps([SCHEMA, self.count, self.width, plain]).encode())
        for name in ("sizes", "which"):
            found.update(self.arrays[name].astype(">i8").tobytes())
        for name in SCALARS:
            found.update((self.arrays[name] + 0.0).astype(">f8").tobytes())
        step = max(1, 1_000_000 // self.width)
        for name in COLUMNS:
            for first in range(0, self.count, step):
                rows = slice(first, first + step)
                filled = np.arange(self.width) < self.arrays["sizes"][rows, None]
                found.update(np.where(filled, self.arrays[name][rows] + 0.0, 0.0).astype(">f8").tobytes())
        return found.hexdigest()

    def blocks(self) -> Iterator[tuple[NDArray[np.intp], int]]:
        """Rows with bounds that share a server, of similar size, and the largest size."""
        a = self.arrays
        for number in range(len(self.servers)):
            rows = np.flatnonzero(self.claimed & (a["which"] == number))
            rows = rows[np.argsort(-a["sizes"][rows], kind="stable")]
            while len(rows):
                width = int(a["sizes"][rows[0]])
                cut = max(1, BLOCK // width)
                yield rows[:cut], width
                rows = rows[cut:]

    def prove(self) -> list[int]:
        """Prove all rows with bounds but those beyond the range, which are returned (Refused)."""
        left = []
        for rows, width in self.blocks():
            w, filled = self.columns(rows, width)
            l = np.where(filled, self.arrays["tokens"][rows, :width].T, 0.0)
            rate, alpha = (self.arrays[name][rows] for name in SCALARS)
            server = self.servers[int(self.arrays["which"][rows[0]])]
            require(((l >= 0) & (l <= w["max_tokens"])).all(), "tokens are out of their range")
            obey(w, filled, rate, alpha)
            lam = rate / server["replicas"]
            bounds = [self.arrays[name][rows] for name in ("lower", "upper", "gap")]
            with np.errstate(all="ignore"):  # what overflows is no number, and proves nothing
                inside = in_range(w, lam, alpha)
                proven = Block(w, lam, alpha, server, l).proves(*bounds)
            left += rows[~proven | ~inside].tolist()
        return left

    def columns(self, rows: NDArray[np.intp], width: int) -> tuple[dict[str, Array], NDArray[np.bool_]]:
        """The fields of some instances, types first, and where there is a type; others change nothing."""
        filled = np.arange(width)[:, None] < self.arrays["sizes"][rows]
        neutral = {"saturation_rate": 1.0, "time_per_token": 1.0, "accuracy_gain": 0.5}
        return {
            name: np.where(filled, self.arrays[name][rows, :width].T, neutral.get(name, 0.0))
            for name in COLUMNS
        }, filled

    def prove_exactly(self, row: int) -> None:
        """Prove one row's bounds in decimals, by allocation.py (Refused)."""
        a, size = self.arrays, int(self.arrays["sizes"][row])
        instance: dict[str, Any] = {"names": [f"type {k}" for k in range(size)]}
        instance |= {name: a[name][row, :size].tolist() for name in COLUMNS}
        instance |= {name: float(a[name][row]) for name in SCALARS}
        server = self.servers[int(a["which"][row])]
        if server == allocation.DEFAULT and not any(instance["prompt_tokens"]):
            del instance["prompt_tokens"]
        else:
            instance["server"] = server
        w, _ = allocation.read_instance(instance)
        model = allocation.Model(w, allocation.untargeted(w), allocation.arithmetic(DIGITS))
        tokens = [Decimal(l) for l in a["tokens"][row, :size].tolist()]
        cost = model.cost(tokens)
        bound, curves = model.separate(tokens)
        for curve, top in zip(curves, model.l_max):
            bound += curve.pi * curve.least(top)
        lower, upper, gap = (Decimal(float(a[name][row])) for name in ("lower", "upper", "gap"))
        require(lower <= cost.high.copy_negate(), f"lower of instance {row} is above what the tokens attain")
        require(upper >= bound.low.copy_negate(), f"upper of instance {row} is below what the bound proves")
        require(gap >= (cost - bound).high, f"gap of instance {row} is below what the bound proves")


def obey(w: dict[str, Array], filled: NDArray[np.bool_], rate: Array, alpha: Array) -> None:
    """Refuse instances that break a rule of a workload."""
    for name, values in w.items():
        good = values > 0 if name in allocation.POSITIVE else values >= 0
        require((good & (values < np.inf) | ~filled).all(), f"{name} is out of its range")
    for name, scalars in zip(SCALARS, (rate, alpha)):
        require(((scalars > 0) & (scalars < np.inf)).all(), f"{name} is out of its range")
    require((np.abs(total((w["prior"], 0.0 * w["prior"]))[0] - 1) <= 2e-9).all(), "a prior does not sum to 1")
    best = np.where(filled, w["accuracy_gain"] + w["base_accuracy"], 0.0)
    require((best <= 1 + 2e-9).all(), "an accuracy exceeds 1")


def in_range(w: dict[str, Array], lam: Array, alpha: Array) -> NDArray[np.bool_]:
    """Which instances have numbers that neither overflow nor vanish on the way."""
    good = (lam >= LEAST) & (lam <= MOST) & (alpha >= LEAST) & (alpha <= MOST)
    for name, values in w.items():
        least = LEAST if name in allocation.POSITIVE and name != "prior" else 0.0
        good &= (values.min(axis=0) >= least) & (values.max(axis=0) <= MOST)
    return np.asarray(good)


def read(path: str) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The arrays of a file and its header (Refused)."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = {info.filename: info for info in archive.infolist()}
            size = sum(info.file_size for info in members.values())
            require(
                set(members) == {f"{name}.npy" for name in MEMBERS}, "the members are not those of a file"
            )
            require(len(archive.infolist()) == len(members), "a member stands twice")
            require(all(info.compress_type == 0 for info in members.values()), "a member is compressed")
            require(size <= MAX_BYTES, f"the file is larger than {MAX_BYTES} bytes")
        with np.load(path, allow_pickle=False) as found:
            arrays = {name: found[name] for name in MEMBERS}
        header = arrays.pop("header")
        require(header.dtype == np.uint8 and header.size <= MAX_HEADER, "the header is no text")
        document = json.loads(header.tobytes().decode("utf-8"), object_pairs_hook=allocation.unique)
    except OSError as error:
        raise Refused(f"the file cannot be read: {error.strerror or error}") from error
    except (ValueError, KeyError, RecursionError, MemoryError, zipfile.BadZipFile) as error:
        raise Refused(f"the file is damaged: {error}") from error
    require(isinstance(document, dict), "the header is no object")
    return arrays, document


def shards(folder: str) -> Iterator[tuple[dict[str, NDArray[Any]], dict[str, Any]]]:
    """The arrays of the shards of a data set and a header for each, as `read` has them (Refused)."""
    try:
        import polars
    except ImportError as error:
        raise Refused("a data set needs Polars: pip install polars") from error
    try:
        with open(os.path.join(folder, "card.json"), encoding="utf-8") as text:
            card = json.loads(text.read(), object_pairs_hook=allocation.unique)
        require(card["schema"] == SET_SCHEMA and card["shards"], f"card.json is no {SET_SCHEMA}")
        for shard in card["shards"]:
            name = str(shard["file"])
            require(os.path.basename(name) == name, f"{name} is no file of the folder")
            path = os.path.join(folder, name)
            require(os.path.getsize(path) <= MAX_BYTES, f"{name} is larger than {MAX_BYTES} bytes")
            with open(path, "rb") as file:
                data = file.read()
            found = hashlib.sha256(data).hexdigest()
            require(found == shard["sha256"], f"the SHA-256 of {name} is {found}, not the one stated")
            frame = polars.read_parquet(io.BytesIO(data))
            arrays = {column: frame[column].to_numpy() for column in frame.columns}
            arrays["which"] = arrays.pop("server")
            arrays["sizes"] = np.array([arrays["tokens"].shape[1]])
            arrays = {member: arrays[member] for member in MEMBERS[1:]}
            proofs = hashlib.sha256()
            for member in ("tokens", "lower", "upper", "gap"):
                proofs.update(arrays[member].astype(">f8").tobytes())
            require(
                proofs.hexdigest() == shard["proofs"], f"{name}: the proofs' SHA-256 is not the one stated"
            )
            yield arrays, {"schema": SCHEMA, "sha256": shard["instances"], "servers": card["servers"]}
    except OSError as error:
        raise Refused(f"the data set cannot be read: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, IndexError, RecursionError, MemoryError) as error:
        raise Refused(f"the data set is damaged: {error!r}") from error
    except polars.exceptions.PolarsError as error:
        raise Refused(f"a shard is damaged: {error}") from error


class Proven:
    """What has been proven of some files: how many instances, and the largest gaps."""

    def __init__(self) -> None:
        self.count = self.bounded = self.width = self.chosen = 0
        self.widest = self.largest = 0.0
        self.hashes: list[str] = []

    def add(self, file: File, samples: int) -> None:
        """Prove a file's bounds, some at random in decimals too (Refused)."""
        left = file.prove()
        a, bounded = file.arrays, np.flatnonzero(file.claimed)
        seed = hashlib.sha256(file.sha256.encode())
        for name in ("tokens", "lower", "upper", "gap"):
            seed.update(np.ascontiguousarray(a[name]).tobytes())
        chosen = random.Random(seed.hexdigest()).sample(bounded.tolist(), min(samples, len(bounded)))
        try:
            for row in (*left, *chosen):
                file.prove_exactly(row)
        except DecimalException as error:
            raise Refused(f"a number is out of range: {type(error).__name__}") from error
        lower, upper, gap = (a[name][bounded] for name in ("lower", "upper", "gap"))
        require((lower <= upper).all(), "lower exceeds upper")
        least = np.where((lower <= 0) & (upper >= 0), 0.0, np.minimum(np.abs(lower), np.abs(upper)))
        self.widest = max(self.widest, float(((upper - lower) / (1 + least)).max(initial=0.0)))
        self.largest = max(self.largest, float((gap / (1 + least)).max(initial=0.0)))
        self.count, self.bounded = self.count + file.count, self.bounded + len(bounded)
        self.width, self.chosen = max(self.width, file.width), self.chosen + len(chosen)
        self.hashes.append(file.sha256)

    def __str__(self) -> str:
        up = Context(3, ROUND_CEILING).create_decimal
        widest, largest = (up(Decimal(share * (1 + 2.0**-50))) for share in (self.widest, self.largest))
        name = (
            self.hashes[0]
            if len(self.hashes) == 1
            else hashlib.sha256("".join(self.hashes).encode()).hexdigest()
        )
        return (
            f"proven: {self.bounded} of {self.count} instances {name} (of up to {self.width} task types) "
            f"have their optimum J between their bounds, relative gap <= {widest}; the tokens reach the "
            f"lower values and miss the optima by at most {largest}, relative; "
            f"{self.chosen} of them proven in decimals too"
        )


def check(path: str, samples: int = 0) -> str:
    """The line that states what a file, or a folder of a data set, proves; raises Refused where it does not.

    Args:
        path: of the file or folder.
        samples: of each file, so many instances are proven in decimals too, at random; the file's bytes are
            the seed.
    """
    proven = Proven()
    for arrays, header in shards(path) if os.path.isdir(path) else [read(path)]:
        proven.add(File(arrays, header), samples)
    return str(proven)


def script() -> None:
    """Check the file named on the command line; exit status 1 where it is refused."""
    if len(sys.argv) not in (2, 3) or not all(map(str.isdigit, sys.argv[2:])):
        sys.exit(f"usage: python {sys.argv[0]} FILE [SAMPLES]")
    try:
        print(check(sys.argv[1], *map(int, sys.argv[2:])))
    except Refused as refusal:
        print(f"refused: {refusal}")
        sys.exit(1)


if __name__ == "__main__":
    script()
