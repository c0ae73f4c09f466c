"""Synthetic requests from recorded seeds, and models of the predictions about them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from cvxtoken.arrays import IntArray
from cvxtoken.errors import ProblemError
from cvxtoken.scheduling.problem import LARGEST, Requests


def two_point(
    size: int, memory: int, low: int = 10, high: int = 100, share: float = 0.5, seed: int = 0
) -> Requests:
    """Outputs `high` with probability `share`, else `low`; all at time 0, no prompts, predicted as low..high.

    Raises:
        ProblemError: an argument breaks its rule, as in all generators here.
    """
    _whole("low", low, 1, LARGEST)
    _whole("high", high, low, LARGEST)
    _share("share", share)
    rng = _rng(size, seed)
    return _at_once(np.where(rng.random(size) < share, high, low), memory, low, high)


def uniform(size: int, memory: int, low: int = 1, high: int = 100, seed: int = 0) -> Requests:
    """Outputs uniform on low..high; all at time 0, no prompts, predicted as low..high."""
    _whole("low", low, 1, LARGEST)
    _whole("high", high, low, LARGEST)
    return _at_once(_rng(size, seed).integers(low, high + 1, size), memory, low, high)


def geometric(
    size: int, memory: int, probability: float = 0.05, longest: int = 100, seed: int = 0
) -> Requests:
    """Outputs with P(o >= j) = (1 - p)^(j - 1) up to `longest`; at 0, no prompts, predicted as 1..longest."""
    _share("probability", probability)
    _whole("longest", longest, 1, LARGEST)
    if probability == 0:
        raise ProblemError("probability is 0; it must be positive")
    outputs = np.minimum(_rng(size, seed).geometric(probability, size), longest)
    return _at_once(outputs, memory, 1, longest)


def model_1(seed: int = 0) -> Requests:
    """40-60 requests at 0: M ~ U{30..50}, n ~ U{40..60}, s ~ U{1..5}, o ~ U{1..M - s}; exact predictions.

    Source: the first synthetic model of arXiv 2502.07115, by the readings of it that were available.
    """
    rng = _rng(1, seed)
    M, n = int(rng.integers(30, 51)), int(rng.integers(40, 61))
    return _drawn(np.zeros(n, dtype=np.int64), M, rng)


def model_2(seed: int = 0) -> Requests:
    """Poisson(lambda) requests a round for T rounds: T ~ U{40..60}, lambda ~ U(0.5, 1.5); else as model 1.

    Source: the second synthetic model of arXiv 2502.07115, by the readings of it that were available.
    """
    rng = _rng(1, seed)
    M, T, rate = int(rng.integers(30, 51)), int(rng.integers(40, 61)), rng.uniform(0.5, 1.5)
    return _drawn(np.repeat(np.arange(T), rng.poisson(rate, T)), M, rng)


def predict_interval(requests: Requests, low: int, high: int) -> Requests:
    """Predict low..high of every request (ProblemError where an output lies outside)."""
    _whole("low", low, 1, LARGEST)
    _whole("high", high, low, LARGEST)
    n = len(requests)
    return requests.replace(predicted_low=np.full(n, low), predicted_high=np.full(n, high))


def predict_buckets(requests: Requests, width: int) -> Requests:
    """Predict the bucket 1..w, w + 1..2 w, ... that holds the output."""
    _whole("width", width, 1, LARGEST)
    low = (requests.output_tokens - 1) // width * width + 1
    return requests.replace(predicted_low=low, predicted_high=np.minimum(low + width - 1, LARGEST))


def predict_relative(requests: Requests, error: float) -> Requests:
    """Predict the whole numbers of [(1 - x) o, (1 + x) o] from 1; their middle is the output itself if x < 1.

    Args:
        requests: the data.
        error: x, from 0 to 1000; rounded to six digits after the point.
    """
    if isinstance(error, bool) or not isinstance(error, int | float) or not 0 <= error <= 1000:
        raise ProblemError(f"error is {error!r}; it must be a number from 0 to 1000")
    x = Fraction(error).limit_denominator(10**6)
    o = requests.output_tokens
    off = o * x.numerator // x.denominator
    return requests.replace(predicted_low=np.maximum(o - off, 1), predicted_high=np.minimum(o + off, LARGEST))


def default_requests() -> Requests:
    """Twelve requests made up by this project, predicted in buckets of 4 tokens."""
    return predict_buckets(
        Requests(
            arrival=[0, 0, 0, 0, 1, 2, 2, 4, 5, 7, 9, 9],
            prompt_tokens=[3, 1, 4, 2, 5, 1, 3, 2, 4, 1, 2, 3],
            output_tokens=[6, 9, 2, 10, 4, 7, 1, 8, 3, 5, 10, 2],
            memory=30,
        ),
        4,
    )


def _at_once(outputs: IntArray, memory: int, low: int, high: int) -> Requests:
    nothing = np.zeros(len(outputs), dtype=np.int64)
    requests = Requests(
        arrival=nothing, prompt_tokens=nothing, output_tokens=outputs.astype(np.int64), memory=memory
    )
    return predict_interval(requests, low, high)


def _drawn(arrival: IntArray, M: int, rng: np.random.Generator) -> Requests:
    s = rng.integers(1, 6, len(arrival))
    return Requests(arrival=arrival, prompt_tokens=s, output_tokens=rng.integers(1, M - s + 1), memory=M)


def _rng(size: int, seed: int) -> np.random.Generator:
    _whole("size", size, 1, LARGEST)
    _whole("seed", seed, 0, 2**63)
    return np.random.default_rng(seed)


def _whole(name: str, value: int, least: int, most: int) -> None:
    if type(value) is not int or not least <= value <= most:
        raise ProblemError(f"{name} is {value!r}; it must be a whole number from {least} to {most}")


def _share(name: str, value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ProblemError(f"{name} is {value!r}; it must be from 0 to 1")
