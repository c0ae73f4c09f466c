"""What a data set is made of, and its shards, each of which depends on nothing else."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from cvxtoken.allocation.fields import SCALARS
from cvxtoken.allocation.many.portable import solve_portably
from cvxtoken.allocation.many.stored import BOUNDS
from cvxtoken.allocation.many.workloads import GIVEN
from cvxtoken.datasets.draws import Stream
from cvxtoken.datasets.families import FAMILIES, Family
from cvxtoken.errors import ProblemError
from cvxtoken.files import Document, nearest
from cvxtoken.sweeps.executors import Columns

SHARD_SIZE = 50_000
_LIMITS = {"count": (1, 10**9), "types": (1, 1000), "seed": (0, 2**63 - 1), "shard_size": (1, 10**6)}
_MOST_SHARDS = 10**5
_NUMBERS = 10_000_000  # tokens in a shard, at most (80 MB)


@dataclass(frozen=True)
class Recipe:
    """A data set, to the last bit.

    Attributes:
        family: a key of `FAMILIES`.
        count: of instances.
        types: in each.
        seed: of the random numbers.
        shard_size: instances in a shard; the last may have fewer.

    Raises:
        ProblemError: the family is not known, a number is out of its range, or there are too many shards.
    """

    family: str
    count: int
    types: int = 5
    seed: int = 0
    shard_size: int = SHARD_SIZE

    def __post_init__(self) -> None:
        if self.family not in FAMILIES:
            hint, told = nearest(str(self.family), FAMILIES), ", ".join(FAMILIES)
            raise ProblemError(f"family {self.family!r} is not known{hint}; there are: {told}")
        for name, (low, high) in _LIMITS.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                raise ProblemError(f"{name} is {value!r}; it must be a whole number from {low} to {high}")
        if self.shard_size * self.types > _NUMBERS:
            most = _NUMBERS // self.types
            raise ProblemError(f"shard_size is {self.shard_size}; of {self.types} types it may be {most}")
        if self.shards > _MOST_SHARDS:
            least = -(-self.count // _MOST_SHARDS)
            raise ProblemError(
                f"shard_size is {self.shard_size}; of {self.count} it must be {least} at least"
            )

    @property
    def about(self) -> Family:
        """The family."""
        return FAMILIES[self.family]

    @property
    def shards(self) -> int:
        """How many shards there are."""
        return -(-self.count // self.shard_size)

    def rows(self, shard: int) -> int:
        """How many instances a shard has."""
        return min(self.shard_size, self.count - shard * self.shard_size)

    def solve(self, shard: int) -> Columns:
        """A shard: its instances, tokens and proven bounds, by column.

        Its random numbers depend on family, seed, types, shard_size and its number, not on the count: more
        instances begin with the same ones. (The last bits of tokens may depend on which others are sought
        with them.)
        """
        rows, first = self.rows(shard), shard * self.shard_size
        stream = Stream(self.seed, self.family, shard)
        drawn = self.about.draw(stream, self.shard_size, self.types, rows)
        proven = solve_portably(drawn)
        columns: Columns = {"index": np.arange(first, first + rows)}
        columns |= {name: getattr(drawn, name) for name in (*GIVEN, *SCALARS)}
        columns["server"] = np.array([self.about.servers.index(server) for server in drawn.servers])[
            drawn.which
        ]
        return columns | {"tokens": proven.tokens} | {name: getattr(proven, name) for name in BOUNDS}

    def to_document(self) -> Document:
        """The recipe as JSON."""
        document: dict[str, Any] = asdict(self)
        return document
