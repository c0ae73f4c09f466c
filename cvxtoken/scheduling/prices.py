"""Prices of the memory over time: a lower bound for tens of thousands of requests, at any M.

With a price p_t >= 0 of the whole memory in round t, a request that starts at k pays its share of it, and
every schedule has (Lagrange's relaxation of the memory's inequality; `cvxtoken.verifier.schedule` redoes it)

    TEL >= q(p) = sum_i min over k >= a_i of [k + o_i - a_i + sum_j (s_i + j) p_{k+j} / M] - sum_t p_t.

q is concave, and its maximum is that of the linear relaxation of the integer program, without a horizon. Here
prices are constant in spans of h rounds. q is maximised by quasi-Newton steps on a smooth function below it,
in which the least of the costs c_k is replaced by

    min_k c_k - e log sum_k exp((min c - c_k) / e),

over starts k that are sparse where the wait is long; then with a smaller e, narrower spans and more starts.
Nothing of this has to be exact, as any prices give a bound. Derived here, of textbook parts.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from scipy.optimize import minimize

from cvxtoken.arrays import FloatArray, IntArray
from cvxtoken.scheduling.problem import Requests

SPANS = 6000  # to the end of a known schedule, at most
PIECES = 3_000_000  # of starts that the checker looks at, about; wider spans leave fewer
# (h over the final one, starts a span while the wait is short, entries of the matrix of payments at most (12
# bytes each), softness e over the mean latency)
STAGES = (
    (4, 2, 1_000_000, (0.3, 0.1, 0.03)),
    (1, 2, 4_000_000, (0.03, 0.01)),
    (1, 4, 6_000_000, (0.01, 0.003)),
)
GOLDEN = (5**0.5 - 1) / 2  # whose multiples spread evenly over 0..1
STEPS = 80  # of each softness, at most


class SmoothDual:
    """The smooth function below q, over chosen starts of every request.

    Args:
        requests: the data.
        span: h.
        longest: the longest wait k - a to look at, shape (n,).
        waits: chosen waits, ascending from 0. A request has the first, and one in each gap, at another place
            than the next request, so that prices cannot rise between the starts of all.
    """

    def __init__(self, requests: Requests, span: int, longest: IntArray, waits: IntArray) -> None:
        a, s, o = requests.arrival, requests.prompt_tokens, requests.output_tokens
        self.size, self.span = len(requests), span
        self.counts = np.searchsorted(waits, longest, side="right")
        self.first = np.cumsum(self.counts) - self.counts
        i = np.repeat(np.arange(len(requests)), self.counts)
        number = np.arange(len(i)) - self.first[i]
        place = GOLDEN * np.arange(1, len(requests) + 1) % 1
        gap = np.diff(waits, append=waits[-1] + 1)
        wait = waits[number] + (np.where(number, place[i], 0) * gap[number]).astype(np.int64)
        self.latency = (wait + o[i]).astype(float)
        start = a[i] + wait
        left, right = start // span, (start + o[i] - 1) // span
        begins = np.concatenate([[0], np.cumsum(right - left + 1)])
        row = np.repeat(np.arange(len(i)), right - left + 1)
        column = np.arange(begins[-1]) - begins[row] + left[row]
        # in span g the tokens number low + 1..high are made
        low = np.maximum(column * span - start[row], 0)
        high = np.minimum((column + 1) * span - start[row], o[i[row]])
        held = (high - low) * (s[i[row]] + (low + high + 1) / 2)
        self.spans = int(right.max()) + 1
        shape = (len(i), self.spans)
        self.share = sp.csr_matrix((held / requests.memory, column.astype(np.int32), begins), shape)

    def least(self, prices: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The cost of every chosen start, and the least of each request."""
        costs = self.latency + self.share @ prices
        return costs, np.minimum.reduceat(costs, self.first)

    def value(self, prices: FloatArray, softness: float) -> tuple[float, FloatArray]:
        """The function and its gradient, both over the number of requests."""
        costs, least = self.least(prices)
        chances = np.exp((np.repeat(least, self.counts) - costs) / softness)
        sums = np.add.reduceat(chances, self.first)
        chances /= np.repeat(sums, self.counts)
        total = (least - softness * np.log(sums)).sum() - self.span * prices.sum()
        return total / self.size, (self.share.T @ chances - self.span) / self.size

    def maximised(self, prices: FloatArray, softness: float, unit: float) -> FloatArray:
        """Better prices, from given ones; a unit of prices sets the scale of the first step."""

        def negative(x: FloatArray) -> tuple[float, FloatArray]:
            value, gradient = self.value(x * unit, softness)
            return -value, -gradient * unit

        options = {"maxiter": STEPS, "maxcor": 20, "ftol": 1e-9}
        bounds = [(0.0, None)] * self.spans
        found = minimize(negative, prices / unit, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
        return np.asarray(found.x) * unit


def memory_prices(requests: Requests, starts: IntArray, lower: int) -> tuple[int, FloatArray]:
    """The rounds h of a span, and good prices of a token for a round in each span.

    Args:
        requests: the data.
        starts: of a known schedule; to its end, at least, there are prices.
        lower: a lower bound of TEL.
    """
    o, latency = requests.output_tokens, lower / len(requests)
    end = int((starts + o).max())
    span = -(-end // SPANS)
    # the known schedule is among the chosen ones, so that q is bounded there, and so are its prices
    longest = 2 * (starts - requests.arrival) + 8 * STAGES[0][0] * span + round(latency)
    prices, before = np.zeros(0), 1
    for widening, starts_a_span, entries, softnesses in STAGES:
        width = widening * span
        waits = _waits(requests, longest, width, max(1, width // starts_a_span), entries)
        dual = SmoothDual(requests, width, longest, waits)
        middle = (np.arange(dual.spans) * width + width // 2) // before
        prices = np.append(prices, 0.0)[np.minimum(middle, len(prices))]
        for softness in softnesses:
            unit = requests.memory / float(requests.volume.mean())
            prices = dual.maximised(prices, softness * latency, unit)
        _, least = dual.least(prices)
        longest = np.ceil(1.2 * (least - o)).astype(np.int64).clip(min=5 * width)
        if widening > 1:
            span = max(span, round(2 * least.sum() / PIECES))
        before = width
    return span, prices / requests.memory


def _waits(requests: Requests, longest: IntArray, width: int, step: int, entries: int) -> IntArray:
    """Waits from 0 to the longest, in steps that grow with the wait as little as the entries allow."""
    most, spans, growth = int(longest.max()), requests.output_tokens / width + 2, 0.0
    while True:
        waits = [0]
        while waits[-1] < most:
            waits.append(waits[-1] + max(step, int(growth * waits[-1])))
        found = np.array(waits)
        if np.searchsorted(found, longest, side="right") @ spans <= entries or len(found) < 10:
            return found
        growth = max(0.01, 1.5 * growth)
        step = step if growth < 0.2 else 2 * step
