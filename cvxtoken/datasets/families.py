"""The families of a data set: what the numbers of their instances are drawn from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from cvxtoken.allocation.fields import SCALARS
from cvxtoken.allocation.many.workloads import Workloads
from cvxtoken.allocation.problem import FIFO
from cvxtoken.datasets.draws import Chosen, Digits, Even, Range, Stream, priors, scaled
from cvxtoken.delay import Server, Sharing

_GAIN, _OVERHEAD, _LOAD = Even(100, 900, 1000), Even(10, 600, 1000), Even(50, 900, 1000)
_COMMON: dict[str, Range] = {
    "saturation_rate": Digits(-7, -5),
    "time_per_token": Digits(-6, -5),
    "max_tokens": Chosen((32768.0,)),
    "accuracy_weight": Digits(-1, 0),
}
_BILLION = 10**9  # parts of a second and of a load
_IDLE = -9, -4  # from and to which power of ten idle shares go where the load is near 1
_SIGMAS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


@dataclass(frozen=True)
class Family:
    """Workloads drawn at random, all alike; see `ranges` for what from.

    Attributes:
        about: what is special, in a sentence.
        own: what fields are drawn from that other families draw from something else, or not at all.
        servers: of which each instance has one, each as likely.
        near_full: whether the utilisation without tokens is near 1, and the weight so large that types think.
    """

    about: str
    own: dict[str, Range] = field(default_factory=dict)
    servers: tuple[Server, ...] = (FIFO,)
    near_full: bool = False

    @property
    def ranges(self) -> dict[str, str]:
        """What each field is drawn from, in words."""
        load, weight = str(_LOAD), {}
        if self.near_full:
            load = "1 - d 10^k, d from 100 to 999, k from {} to {}".format(*_IDLE)
            weight = {
                "accuracy_weight": "w 10^(-2 k - 6), w from 100 to 999, k being that of the arrival rate"
            }
        return {
            "prior": "whole numbers from 200 to 1000 as shares of their sum, in millionths",
            "accuracy_gain": str(_GAIN),
            "base_accuracy": "0 to 1 - accuracy_gain in steps of 0.001",
            "overhead": str(_OVERHEAD),
            "arrival_rate": f"the utilisation without tokens is {load}; rounded down to 1e-9 /s",
            **{name: str(kind) for name, kind in (_COMMON | self.own).items()},
            **weight,
            "server": ", ".join(str(server) for server in self.servers),
        }

    def draw(self, stream: Stream, drawn: int, types: int, kept: int) -> Workloads:
        """The first instances of so many that are drawn."""
        rows, shape = (drawn,), (drawn, types)
        shares, gain, overhead = (
            priors(stream, shape),
            _GAIN.integers(stream, shape),
            _OVERHEAD.integers(stream, shape),
        )
        numbers: dict[str, Any] = {
            "prior": shares / 1_000_000,
            "accuracy_gain": gain / _GAIN.parts,
            "base_accuracy": stream.integers(0, 1000 - gain, shape) / 1000,
            "overhead": overhead / _OVERHEAD.parts,
        }
        for name, kind in (_COMMON | self.own).items():
            numbers[name] = kind.draw(stream, rows if name in SCALARS else shape)
        load = _LOAD.integers(stream, rows) * (_BILLION // _LOAD.parts)
        if self.near_full:
            digits, k = stream.integers(100, 999, rows), stream.integers(*_IDLE, rows)
            load = _BILLION - digits * 10 ** (k - _IDLE[0])
            numbers["accuracy_weight"] = scaled(stream.integers(100, 999, rows), -2 * k - 6)
        work = (shares * overhead).sum(axis=1)  # sum pi t0, in 1e-9 s
        numbers["arrival_rate"] = load * _BILLION // work / _BILLION
        which = stream.integers(0, len(self.servers) - 1, rows)
        own = [self.servers[number] for number in which[:kept].tolist()]
        return Workloads(**{name: values[:kept] for name, values in numbers.items()}, server=own)


FAMILIES: dict[str, Family] = {
    "realistic": Family("Like the measured workloads of the library."),
    "deviations": Family(
        "Service times vary though the tokens are given.",
        {"deviation": Even(0, 500, 1000), "deviation_per_token": Digits(-7, -5)},
    ),
    "sharing": Family(
        "Servers batch continuously; their tokens share them by sigma.",
        servers=tuple(Sharing(sigma) for sigma in _SIGMAS),
    ),
    "loaded": Family("The server is nearly full before any type thinks.", near_full=True),
    "corners": Family(
        "Many budgets are 0, many as large as they may be.",
        {
            "max_tokens": Chosen((0.0, *(float(2**k) for k in range(13)))),
            "saturation_rate": Digits(-7, -3),
            "accuracy_weight": Digits(-4, 3),
        },
    ),
}
