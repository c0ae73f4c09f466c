"""The card of a data set: what is in it, in which units, how it is proven and how to check that."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from cvxtoken.allocation.many.stored import BOUNDS, digest, server_document
from cvxtoken.datasets.folder import Folder
from cvxtoken.delay import Server
from cvxtoken.files import Document
from cvxtoken.proofs import CERTIFIED_GAP
from cvxtoken.sweeps.executors import Columns
from cvxtoken.tables import table

SCHEMA = "cvxtoken-dataset/1"
TIGHT = 1e-20  # of 1 + |J|: what the tokens of nearly all instances miss at most
COLUMNS = {
    "index": ("", "number of the instance in the data set, from 0"),
    "prior": ("", "share of the type among the queries"),
    "accuracy_gain": ("", "A of p(l) = A (1 - exp(-b l)) + D"),
    "saturation_rate": ("1/token", "b"),
    "base_accuracy": ("", "D"),
    "overhead": ("s", "t0 of t(l) = t0 + c l"),
    "time_per_token": ("s/token", "c"),
    "deviation": ("s", "s0 of the service time's standard deviation s(l) = s0 + s1 l, given the tokens"),
    "deviation_per_token": ("s/token", "s1"),
    "max_tokens": ("token", "l_max"),
    "prompt_tokens": ("token", "tokens of the prompt; they do not enter the bounds"),
    "arrival_rate": ("1/s", "queries a second, of all types"),
    "accuracy_weight": ("s", "alpha, seconds that an accuracy of 1 is worth"),
    "server": ("", "place of the server in the list `servers`, from 0"),
    "tokens": ("token", "the optimal budgets l*; what J they miss is at most `gap`"),
    "lower": ("s", "J at the tokens, rounded down; J* is not below"),
    "upper": ("s", "J* is not above"),
    "gap": ("s", "J* is at most so much above J at the tokens"),
}


PROVEN = (
    "Weak duality in doubles rounded outward, by + - * / alone: docs/arrays.md of cvxtoken. Nothing is "
    "trusted, neither the tokens nor who found them: J(tokens) >= lower, no allocation exceeds upper, and "
    "J* - J(tokens) <= gap."
)
SAME = (
    "All bits are the same on every machine: whole numbers are drawn from PCG64 seeded by (seed, shard, "
    "family), the parameters are quotients of whole numbers, and tokens and bounds come from operations that "
    "IEEE 754 rounds in one way. The bytes of the Parquet files may change with the version of Polars; the "
    "hashes of the values, `instances` and `proofs` in card.json, do not."
)


def describe(folder: Folder) -> Document:
    """The card of a folder whose shards are all there, from what they hold."""
    recipe, family = folder.recipe, folder.recipe.about
    shards = []
    counts = dict.fromkeys(("proven", "certified", "tight"), 0)
    widest = 0.0
    for shard in range(recipe.shards):
        columns, file_hash = folder.read(shard)
        lower, upper, gap = (columns[name] for name in BOUNDS)
        with np.errstate(invalid="ignore"):  # of what is not proven
            straddles = (lower <= 0) & (upper >= 0)
            least = np.where(straddles, 0.0, np.minimum(np.abs(lower), np.abs(upper)))
            relative = (upper - lower) / (1 + least)
            tight = gap <= TIGHT * (1 + np.abs(lower))
        known = np.isfinite(lower) & np.isfinite(upper)
        for name, which in (("proven", known), ("certified", relative <= CERTIFIED_GAP), ("tight", tight)):
            counts[name] += int((which & known).sum())
        widest = max(widest, float(relative[known].max(initial=0.0)))
        own = {"file": folder.place(shard).name, "rows": len(lower), "sha256": file_hash}
        shards.append(own | _hashes(columns, family.servers))
    lines = "".join(f"{shard['instances']} {shard['proofs']}\n" for shard in shards)
    return {
        "schema": SCHEMA,
        "recipe": recipe.to_document(),
        "about": family.about,
        "sha256": hashlib.sha256(lines.encode()).hexdigest(),
        "columns": {name: {"unit": unit, "meaning": meaning} for name, (unit, meaning) in COLUMNS.items()},
        "drawn_from": family.ranges,
        "servers": [server_document(server) for server in family.servers],
        "proof": PROVEN,
        "reproduced": SAME,
        **counts,
        "largest_relative_gap": widest,
        "shards": shards,
    }


def _hashes(columns: Columns, servers: Sequence[Server]) -> dict[str, str]:
    """SHA-256 of the instances, as `many.stored` has it, and of tokens and bounds as big-endian doubles."""
    count, width = columns["prior"].shape
    sizes = np.broadcast_to(np.int64(width), (count,))
    proofs = hashlib.sha256()
    for name in ("tokens", *BOUNDS):
        proofs.update(columns[name].astype(">f8").tobytes())
    instances = digest(columns | {"which": columns["server"], "sizes": sizes}, servers)
    return {"instances": instances, "proofs": proofs.hexdigest()}


def readme(card: Document) -> str:
    """The card for people, in Markdown."""
    recipe, columns = card["recipe"], card["columns"]
    command = "cvxtoken generate " + " ".join(
        f"--{name.replace('_', '-')} {value}" for name, value in recipe.items()
    )
    fields = [(f"`{name}`", column["unit"] or "-", column["meaning"]) for name, column in columns.items()]
    ranges = [(f"`{name}`", text) for name, text in card["drawn_from"].items()]
    return "\n".join(
        [
            f"# {recipe['count']} proven optima of thinking-token budgets: {recipe['family']}",
            "",
            f"{card['about']} {recipe['types']} types each. Made by `{command} --out DIR` of cvxtoken "
            f"(Apache-2.0); SHA-256 of the values {card['sha256']}.",
            "",
            "An instance asks for the tokens l that maximise J = alpha sum pi p(l) - E[T]; the model is that "
            "of docs/model.md of cvxtoken and of arXiv 2601.10274.",
            "",
            "## Columns",
            "",
            "Numbers of the types are arrays, one number a type.",
            "",
            table(["column", "unit", "meaning"], fields, left=["unit", "meaning"]),
            "",
            "## Drawn from",
            "",
            table(["field", "values, each as likely"], ranges, left=["values, each as likely"]),
            "",
            card["reproduced"],
            "",
            "## Proof",
            "",
            card["proof"],
            "",
            f"{card['proven']} of {recipe['count']} instances are proven, {card['certified']} of them to a "
            f"relative gap of {CERTIFIED_GAP:g}, all to {card['largest_relative_gap']:.2g}; the tokens of "
            f"{card['tight']} miss J* by at most {TIGHT:g} (1 + |J|).",
            "",
            "Check all of it, and ten instances a shard in decimals too: `cvxtoken verify DIR`, or, wherever "
            "NumPy and Polars are, `python many.py DIR 10` with `many.py` and `allocation.py` of "
            "`cvxtoken/verifier/`.",
            "",
        ]
    )
