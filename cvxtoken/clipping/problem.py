"""The data of a clipping problem: output lengths, the server's speed, the load, and what an answer is worth.

Source of the model: Yang, Xu and Jiao, "A Queueing Theoretic Perspective on Low-Latency LLM Inference with
Variable Token Length", arXiv 2407.05347 (2024).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from cvxtoken.arrays import FloatArray
from cvxtoken.clipping.inputs import InputLengths
from cvxtoken.delay import Fifo, Server, read_server
from cvxtoken.errors import ProblemError
from cvxtoken.files import Document, nearest, read_document, write_document
from cvxtoken.lengths import LengthDistribution, from_document

Utility = str | Sequence[float] | Callable[[FloatArray], FloatArray]
NAMED_UTILITIES = ("share_whole", "share_tokens")
# Patient: theta / (1 - theta) = 79 s a unit, so that one percent more of whole answers is worth 0.79 s of
# everybody's wait. The limit of 1600 tokens that the paper reports is then about optimal in its setting.
# Impatient: a whole answer is worth as much as a request that does not leave. Both derived here.
PATIENT_WEIGHT, IMPATIENT_WEIGHT = 0.9875, 0.5
_NUMBERS = ["arrival_rate", "time_per_token", "overhead", "utility_weight", "patience"]
_KEYS = [*_NUMBERS, "utility", "max_batch", "server", "inputs", "type"]


@dataclass(frozen=True, eq=False, kw_only=True)
class ClippingProblem:
    """One server that stops every answer at a limit of tokens.

    An answer of N tokens clipped at n takes t0 + c min(N, n) seconds alone. Requests arrive at random
    (Poisson) and are served first come first served, or all at once by a server that shares
    (`cvxtoken.Sharing`). Impatient ones leave if their service has not begun after tau.

    Attributes:
        lengths: the distribution of N, one for each type; a single one stands for one type.
        shares: of the types, positive, sum 1.
        time_per_token: c, in s/token; positive.
        overhead: t0, in s; not negative.
        arrival_rate: lambda, in 1/s; positive.
        utility: 'share_whole' (the share of the requests left whole), 'share_tokens' (the share of the tokens
            delivered), or the utility of 1..n_max delivered tokens as a table or a function of an array.
        utility_weight: theta, from 0 to 1, of the objective theta E[u] - (1 - theta) E[W], in which the loss
            replaces E[W] where requests are impatient; by default 0.9875, or 0.5 for impatient requests. E[W]
            is what requests lose to others, E[T] - E[S]: first come first served, the wait in queue.
        patience: tau, in s; None where nobody leaves.
        server: the delay law, `Fifo()` by default; of several replicas each sees arrival_rate / replicas.
        max_batch: requests that a server which shares runs at once; the others wait. No law knows of it: what
            it does is simulated. None for no cap.
        inputs: input lengths, where the time depends on them; None where it does not.

    Raises:
        ProblemError: a field breaks its rule; the message names the field, the value and the rule.

    Source: arXiv 2407.05347; the field names are this project's.
    """

    lengths: LengthDistribution | Sequence[LengthDistribution]
    time_per_token: float
    arrival_rate: float
    overhead: float = 0.0
    shares: Sequence[float] = (1.0,)
    utility: Utility = "share_whole"
    utility_weight: float | None = None
    patience: float | None = None
    server: Server = Fifo()  # noqa: RUF009 - frozen
    max_batch: int | None = None
    inputs: InputLengths | None = None

    def __post_init__(self) -> None:
        types = self.lengths
        if isinstance(types, LengthDistribution):
            types = (types,)
        types = tuple(types) if isinstance(types, list | tuple) else ()
        if not types or not all(isinstance(item, LengthDistribution) for item in types):
            raise ProblemError("lengths must be one LengthDistribution, or a list with at least one")
        object.__setattr__(self, "lengths", types)
        try:
            shares = tuple(float(share) for share in self.shares)
        except (TypeError, ValueError) as error:
            raise ProblemError(f"shares is {self.shares!r}; it must be a list of numbers") from error
        if len(shares) != len(types) or not all(share > 0 for share in shares) or abs(sum(shares) - 1) > 1e-9:
            raise ProblemError(f"shares is {shares}; it must be one positive number a type, and sum to 1")
        object.__setattr__(self, "shares", shares)
        for name in ("time_per_token", "arrival_rate"):
            _require(name, getattr(self, name), "finite and positive", lambda x: 0 < x < math.inf)
        _require("overhead", self.overhead, "finite and not negative", lambda x: 0 <= x < math.inf)
        if self.utility_weight is not None:
            _require("utility_weight", self.utility_weight, "from 0 to 1", lambda x: 0 <= x <= 1)
        if self.patience is not None:
            _require("patience", self.patience, "finite and positive", lambda x: 0 < x < math.inf)
        if isinstance(self.utility, str) and self.utility not in NAMED_UTILITIES:
            hint = nearest(self.utility, NAMED_UTILITIES)
            raise ProblemError(
                f"utility is {self.utility!r}; it must be one of {', '.join(NAMED_UTILITIES)}{hint}"
            )
        for n in range(len(types)):
            self.utility_values(n)
        self._check_server()

    def _check_server(self) -> None:
        if not isinstance(self.server, Server):
            raise ProblemError(f"server is {self.server!r}; it must be a server, such as Fifo()")
        if self.inputs is not None and not isinstance(self.inputs, InputLengths):
            raise ProblemError(f"inputs is {self.inputs!r}; it must be InputLengths")
        if self.max_batch is None:
            return
        if type(self.max_batch) is not int or self.max_batch < 1:
            raise ProblemError(f"max_batch is {self.max_batch!r}; it must be a whole number from 1")
        if not self.server.runs_together:
            raise ProblemError(
                f"max_batch is {self.max_batch}, but a server of kind {self.server.kind!r} takes one request "
                "at a time; it must not be given"
            )

    @property
    def rate(self) -> float:
        """lambda at one replica, in 1/s."""
        return self.arrival_rate / self.server.replicas

    @property
    def is_simulated(self) -> bool:
        """Whether no law says what a limit does: requests share, and are impatient or held by a cap."""
        return self.server.runs_together and (self.patience is not None or self.max_batch is not None)

    @property
    def theta(self) -> float:
        """The weight of the utility, given or by default."""
        if self.utility_weight is None:
            return PATIENT_WEIGHT if self.patience is None else IMPATIENT_WEIGHT
        return self.utility_weight

    @property
    def types(self) -> tuple[LengthDistribution, ...]:
        """The length distributions, one a type."""
        assert isinstance(self.lengths, tuple)
        return self.lengths

    def utility_values(self, number: int) -> FloatArray:
        """The utility of 1..n_max delivered tokens of a type, by its table or function (ProblemError)."""
        size = len(self.types[number])
        if isinstance(self.utility, str):
            return np.arange(1.0, size + 1)
        given = self.utility(np.arange(1.0, size + 1)) if callable(self.utility) else self.utility
        try:
            values = np.asarray(given, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ProblemError("utility must be a table of numbers, or a function that gives one") from error
        if values.ndim != 1 or len(values) < size or not np.isfinite(values[:size]).all():
            raise ProblemError(f"utility must give a finite number for each of 1 to {size} delivered tokens")
        return values[:size]

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed, validated anew (ProblemError)."""
        unknown = [name for name in changes if name not in self.__dataclass_fields__]
        if unknown:
            raise ProblemError(
                f"{unknown[0]} is not a field of the problem{nearest(unknown[0], self.__dataclass_fields__)}"
            )
        return replace(self, **changes)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a problem from a .toml or .json file.

        At the top stand `arrival_rate` and `time_per_token`, and optionally `overhead`, `utility`,
        `utility_weight`, `patience` and `max_batch`. Each type is a table `[[type]]` with `share` and
        `distribution`, which is one of lognormal (`mu`, `sigma`), geometric (`mean`), uniform (`low`,
        `high`), trace (`path`, `column`), table (`path`) or probabilities (`probabilities`). There may be the
        tables `[server]`, as in a workload, and `[inputs]`, a distribution with `growth` and `reference`.

        Raises:
            ProblemError: a key is unknown or missing, or a value breaks its rule.
        """
        document = read_document(path)
        for key in document:
            if key not in _KEYS:
                raise ProblemError(f"{path}: {key!r} is not a known key{nearest(key, _KEYS)}")
        types = document.pop("type", None)
        if not isinstance(types, list) or not types or not all(isinstance(item, dict) for item in types):
            raise ProblemError(f"{path}: type must be a list of tables, one a type")
        try:
            if "server" in document:
                document["server"] = read_server(document["server"])
            if "inputs" in document:
                document["inputs"] = InputLengths.from_table(document["inputs"], Path(path).parent)
            lengths = [
                from_document({k: v for k, v in item.items() if k != "share"}, Path(path).parent)
                for item in types
            ]
            return cls(lengths=lengths, shares=[item.get("share", 1.0) for item in types], **document)
        except TypeError as error:
            raise ProblemError(f"{path}: {error}") from error

    def save(self, path: str | Path) -> None:
        """Write the problem, distributions as probabilities (ProblemError if the utility is a function)."""
        if callable(self.utility):
            raise ProblemError("utility is a function, which cannot be written; give a table")
        given = {key: getattr(self, key) for key in _NUMBERS}
        document: Document = {key: float(x) for key, x in given.items() if x is not None}
        if self.max_batch is not None:
            document["max_batch"] = self.max_batch
        named = isinstance(self.utility, str)
        document["utility"] = self.utility if named else np.asarray(self.utility, dtype=float).tolist()
        if self.server != Fifo():
            document["server"] = self.server.to_document()
        if self.inputs is not None:
            document["inputs"] = self.inputs.to_table()
        document["type"] = [
            {"share": share, "distribution": "probabilities", "probabilities": item.probabilities.tolist()}
            for share, item in zip(self.shares, self.types, strict=True)
        ]
        write_document(path, document)


def _require(name: str, value: Any, rule: str, good: Callable[[float], bool]) -> None:
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not number or abs(value) > 1e300 or not good(float(value)):
        raise ProblemError(f"{name} is {value!r}; it must be {rule}")


def default_problem() -> ClippingProblem:
    """The paper's setting: lognormal(7, 0.7), lambda = 1/40; c = 0.0225 s is calibrated by this project."""
    return ClippingProblem(
        lengths=LengthDistribution.lognormal(7, 0.7), time_per_token=0.0225, arrival_rate=1 / 40
    )
