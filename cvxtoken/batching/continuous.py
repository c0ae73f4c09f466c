"""Continuous batching with the batch times of the other disciplines: by the law of sharing, and simulated.

A batch of b requests whose longest output has L tokens takes H(b, L) = (k1 b + k2) + (k3 b + k4) L seconds.
An engine that batches continuously makes the same steps, a token of each of n requests in k3 n + k4 seconds,
and reads the prompt of a request that joins in k1 + k2 seconds, while all others wait. So (derived here)

    alpha = k4,  beta = k3,  c = k3 + k4,  sigma = k3 / (k3 + k4),  t0 = k1 + k2,  sigma0 = 1.

Two things differ. Requests that join before the same step pay k2 once in H and each here: where k2 is not
small against k1 and many join at once, the law is too slow, and with t0 = k1 too fast. And in H all b
requests take part in every step until the longest is done, here only those that have tokens to make.

The law knows no cap on the batch, and prompts that block make it low. It is claimed where it says that more
than the cap are there for at most 0.1 % of the time, and prompts block for at most a quarter of the time and
are at most half of the load. Elsewhere the mean is simulated by iterations, under the cap.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cvxtoken.batching.problem import BatchingProblem, BatchTime, check_largest
from cvxtoken.delay import Server, Sharing
from cvxtoken.delay.iterations import simulate_iterations
from cvxtoken.delay.occupancy import occupancy
from cvxtoken.errors import ProblemError, UnstableError
from cvxtoken.estimates import Estimate

CONTINUOUS = "continuous"  # the discipline's name
FELT, BLOCKED = 1e-3, 0.25  # shares of time up to which the law is claimed: above the cap, and in prompts
PROMPTS = 0.5  # and of the load: where prompts are most of it the law is up to 4 % low even at a load of 0.26
_SAME_SIGMA = 1e-3  # relative: constants of four digits agree to this
_REPLICATIONS = 64


@dataclass(frozen=True)
class ContinuousReference:
    """Continuous batching at one arrival rate.

    Attributes:
        problem: as given.
        server: the law; time_per_token, overhead: c and t0, in s.
        cap: the most requests that run at once.
        utilization: the load by the law, 1 - y.
        law: mean system time by the law, without a cap, in s.
        mean_running: mean number of requests there by the law.
        above_cap: the share of time with more requests than the cap, by the law.
        claimed: whether the law is claimed.
        simulated: mean system time under the cap; None where it was not asked for.
    """

    problem: BatchingProblem
    server: Sharing
    time_per_token: float
    overhead: float
    cap: int
    utilization: float
    law: float
    mean_running: float
    above_cap: float
    claimed: bool
    simulated: Estimate | None

    @property
    def mean_system_time(self) -> float:
        """By the law where it is claimed, else simulated, in s; not a number where that was not asked for."""
        if self.claimed:
            return self.law
        return float("nan") if self.simulated is None else self.simulated.value

    def to_document(self) -> dict[str, Any]:
        """A mapping of plain values."""
        seen = self.simulated
        times = {} if seen is None else {"simulated": seen.value, "low": seen.low, "high": seen.high}
        return {
            "mean_system_time": {"predicted": self.law, "claimed": self.claimed} | times,
            "cap": self.cap,
            "above_cap": self.above_cap,
            "mean_running": self.mean_running,
            "utilization": self.utilization,
            "sigma": self.server.sigma,
            "time_per_token": self.time_per_token,
            "overhead": self.overhead,
            "stable": True,
        }

    def __str__(self) -> str:
        said = "" if self.claimed else " (not claimed: the cap is felt, or prompts block for long)"
        return (
            f"continuous: mean system time {self.law:.6f} s by the law{said}, {self.mean_running:.2f} there, "
            f"more than {self.cap} for {100 * self.above_cap:.3g} % of the time, utilization "
            f"{self.utilization:.4f}"
        )


def shared_server(batch_time: BatchTime) -> Sharing:
    """The law of a server with these batch times (ProblemError where a step takes no time)."""
    if not batch_time.k3 + batch_time.k4 > 0:
        raise ProblemError("k3 and k4 are 0; under continuous batching a step must take time")
    return Sharing.from_iterations(batch_time.k4, batch_time.k3)


def check_server(problem: BatchingProblem, server: Server) -> Sharing:
    """The server, which the batch times must not contradict.

    Raises:
        ProblemError: it does not share, is several replicas, or its sigma is not k3 / (k3 + k4) to 0.1 %.
    """
    own = shared_server(problem.linear)
    if not isinstance(server, Sharing):
        raise ProblemError(
            f"server is of kind {server.kind!r}, which takes one request at a time; batches need {own.kind!r}"
        )
    if server.replicas != 1:
        raise ProblemError(
            f"server has {server.replicas} replicas, but batches are those of one: leave replicas out, and "
            "divide arrival_rate by them"
        )
    if abs(server.sigma - own.sigma) > _SAME_SIGMA * own.sigma:
        raise ProblemError(
            f"server says sigma = {server.sigma:g}, but batch_time says k3 / (k3 + k4) = {own.sigma:g}: a "
            "step of the server and one of a batch must take the same time"
        )
    return server


def continuous_rate(problem: BatchingProblem, cap: int, server: Sharing | None = None) -> float:
    """The arrival rate below which at most so many requests at once keep up, in 1/s."""
    k, own = problem.linear, server or shared_server(problem.linear)
    token = (
        k.k3 + k.k4 / cap
    )  # what one costs where the batch is full; a prompt that is shared is worked off so
    prompt = token / (k.k3 + k.k4) if own.overhead == own.sigma else own.overhead
    return 1 / (prompt * (k.k1 + k.k2) + token * problem.lengths.mean)


def continuous(
    problem: BatchingProblem,
    server: Server | None = None,
    largest: int | None = None,
    num_requests: int = 0,
    seed: int = 0,
) -> ContinuousReference:
    """Continuous batching of at most `largest` requests.

    Args:
        problem: the data; its batch time must be k1..k4.
        server: where its prompts are not blocking; by default that of `shared_server`.
        largest: the cap, by default the problem's.
        num_requests: simulated, over 64 replications; 0 for none.
        seed: not negative.

    Raises:
        ProblemError: the batch time is a table or a function, or contradicts the server; or its overheads are
            neither blocking (1) nor shared as tokens are (sigma) and are to be simulated.
        UnstableError: the arrival rate is too high; the message says below which it would do.
    """
    cap, k = check_largest(problem, largest), problem.linear
    own = shared_server(k) if server is None else check_server(problem, server)
    c, t0, lam, x = k.k3 + k.k4, k.k1 + k.k2, problem.arrival_rate, problem.lengths.mean
    limit = continuous_rate(problem, cap, own)
    if lam >= limit:
        raise UnstableError(
            f"arrival_rate is {lam} /s; continuous batches of up to {cap} keep up with less than "
            f"{limit:.6g} /s"
        )
    rho = lam * (own.overhead * t0 + own.sigma * c * x)
    running = occupancy(lam * (t0 + c * x), rho)
    above = float(running.more_than(cap))
    blocks = own.overhead == 1 or t0 == 0
    if num_requests and not blocks and own.overhead != own.sigma:
        raise ProblemError(
            f"overhead of the server is {own.overhead}; to be simulated it must be 1 (prompts block the "
            f"batch) or sigma = {own.sigma} (they are shared as tokens are)"
        )
    seen = None
    if num_requests:
        seen = simulate_iterations(
            lam,
            [1.0],
            [problem.lengths],
            alpha=k.k4,
            beta=k.k3,
            prefill=t0,
            chunked=not blocks,
            max_num_seqs=cap,
            num_requests=num_requests,
            seed=seed,
            replications=_REPLICATIONS,
        ).mean_system_time
    return ContinuousReference(
        problem=problem,
        server=own,
        time_per_token=c,
        overhead=t0,
        cap=cap,
        utilization=rho,
        law=running.mean / lam,
        mean_running=running.mean,
        above_cap=above,
        claimed=above <= FELT and (not blocks or lam * t0 <= min(BLOCKED, PROMPTS * rho)),
        simulated=seen,
    )
