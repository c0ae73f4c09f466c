"""Does the delay law of shared service hold, in a simulated engine and against measured latencies?

The law: E[T] = (W + (alpha + beta) x) / y with y = 1 - lambda (W + beta x), for a mean blocking prefill W and
x tokens on average, and of type k (t0_k + (alpha + beta) l_k) / y.

Claims: (1) at loads 0.3, 0.6 and 0.8, for three types and three distributions of tokens, without prefill and
with blocking prefill that is a fifth of the load, E[T] is within 1.5 % of an engine simulated by iterations
and each type within 2 %; where prefill is four fifths of the load, within 6 % and 8 %; all apart from 5
standard errors; (2) without prefill the number of queries and the KV tokens are as the law has them: means
within 2.5 %, deviations within 5 %, tails within 0.01, apart from 5 standard errors; where prefill is four
fifths of the load, the true variance of the number is larger; (3) the law is more than 5 % off where types
have iteration costs of their own, and more than 2 % where a cap holds the batch to a deviation above its
mean; (4) with nothing fitted to them, every measured open-loop run that is not at its cap is within 10 %,
while the law without prefill is more than 50 % too low at the highest rate, and a server that takes one at a
time could do none of them; (5) budgets made for one law lose under the other: on a server that batches, those
for one query at a time think too little from 0.1 /s on, and one at a time, those for a server that batches
are unstable from 0.3 /s on. (4) reads the files of a folder: `python -m validation.servers FOLDER`; without
it the other claims are looked at. Ends in a verdict.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
from scipy.sparse import coo_array, diags_array
from scipy.sparse.linalg import spsolve

import cvxtoken
from cvxtoken.allocation import model
from cvxtoken.arrays import FloatArray
from cvxtoken.delay.iterations import simulate_iterations
from cvxtoken.delay.occupancy import kv_in_use, occupancy
from cvxtoken.estimates import Estimate
from cvxtoken.lengths import LengthDistribution
from cvxtoken.tables import table
from validation.measured import compared, draw, runs
from validation.studies import options

ALPHA, BETA = 0.0109, 0.0006  # s, of a 14B model on one H100 whose requests hold some 10,000 tokens
PRIOR, TOKENS = np.array([0.5, 0.3, 0.2]), (100, 200, 600)
PROMPT = np.array([500, 1000, 2000])
FASTER = 0.0000677  # s; beta of the same engine at 1,088 tokens

# what prefill is of the load: beta, tokens and prefill of the types, largest bias of the mean and of a type
SETTINGS = {
    "0 %": (BETA, TOKENS, (0.0, 0.0, 0.0), 0.015, 0.02),
    "22 %": (BETA, TOKENS, (0.02, 0.04, 0.08), 0.015, 0.02),
    "81 %": (FASTER, (64, 160, 320), (0.0208, 0.0408, 0.0908), 0.06, 0.08),
}


def fixed(tokens: int) -> LengthDistribution:
    """Always so many."""
    return LengthDistribution.uniform(tokens, tokens)


def varied(tokens: int) -> LengthDistribution:
    """Half the mean in nine queries of ten, 5.5 means in the tenth: standard deviation 1.5 means."""
    return LengthDistribution.empirical([tokens // 2] * 9 + [11 * tokens // 2])


DISTRIBUTIONS = {
    "fixed": fixed,
    "geometric": lambda tokens: LengthDistribution.geometric(tokens, 30 * tokens),
    "varied": varied,
}


def error(e: Estimate) -> float:
    """Standard error of an estimate, as a share of it."""
    return (e.high - e.low) / 2 / 1.97 / e.value  # Student's t of 256 replications


def off(e: Estimate, law: float, allowed: float) -> tuple[bool, str]:
    """Whether the law is within so much of the estimate, apart from 5 standard errors; how far it is."""
    bias, noise = law / e.value - 1, error(e)
    return abs(bias) <= allowed + 5 * noise, f"{100 * bias:+.2f}"


def means(requests: int, largest_error: float) -> bool:
    """Claim 1. 108 comparisons: by chance alone, at a bias just allowed, one fails once in 10,000 runs."""
    rows, good = [], True
    for part, (beta, tokens, prefill, allowed, of_types) in SETTINGS.items():
        for name, distribution in DISTRIBUTIONS.items():
            lengths = [distribution(number) for number in tokens]
            l, t0 = np.array([d.mean for d in lengths]), np.array(prefill)
            for rho in (0.3, 0.6, 0.8):
                rate = rho / float(PRIOR @ (t0 + beta * l))
                started = time.process_time()
                count = requests * {0.3: 1, 0.6: 2, 0.8: 8}[rho]  # the noise is much the same
                seen = simulate_iterations(
                    rate, PRIOR, lengths, ALPHA, beta, t0, num_requests=count, replications=256
                )
                took = time.process_time() - started
                law = (t0 + (ALPHA + beta) * l) / (1 - rho)
                fits, text = off(seen.mean_system_time, float(PRIOR @ law), allowed)
                types = [off(e, t, of_types) for e, t in zip(seen.per_type, law, strict=True)]
                noise = error(seen.mean_system_time)
                good &= fits and all(ok for ok, _ in types) and noise <= largest_error
                n, value = seen.mean_in_system.value, seen.mean_system_time.value
                row = (part, name, f"{rho}", f"{n:.1f}", f"{value:.3f}", text, f"{100 * noise:.2f}")
                rows.append((*row, *(text for _, text in types), f"{took:.0f}"))
    columns = ["prefill of load", "tokens", "load", "E[N]", "E[T] (s)", "law off (%)", "std error (%)"]
    columns += ["type 1 off (%)", "type 2 off (%)", "type 3 off (%)", "CPU (s)"]
    print(table(columns, rows, left=("tokens",)))
    return good


def spreads(requests: int) -> bool:
    """Claim 2. The engine with prefill is the measured one: 128 tokens, 40.8 ms of prefill."""
    rows, good = [], True
    plain = [DISTRIBUTIONS["geometric"](tokens) for tokens in TOKENS]
    settings = [(rho / BETA / float(PRIOR @ TOKENS), plain, ALPHA, BETA, 0.0) for rho in (0.3, 0.6, 0.75)]
    settings += [(rate, [fixed(128)] * 3, ALPHA, FASTER, 0.0408) for rate in (4.0, 8.0, 10.0, 12.0, 16.2)]
    for rate, lengths, alpha, beta, t0 in settings:
        l = np.array([d.mean for d in lengths])
        rho = rate * float(t0 + beta * PRIOR @ l)
        decoding = PRIOR * (alpha + beta) * l
        demand = rate * float(t0 + decoding.sum())
        n, kv = occupancy(demand, rho), kv_in_use(demand, rho, decoding, lengths, PROMPT, PRIOR * t0)
        many, memory = round(n.mean + 2 * n.deviation), round(1.5 * kv.mean)
        thresholds = {"more_than": [many], "memory_above": [memory]}
        seen = simulate_iterations(
            rate,
            PRIOR,
            lengths,
            alpha,
            beta,
            t0,
            PROMPT,
            num_requests=requests,
            replications=256,
            **thresholds,
        )
        pairs = [
            (seen.mean_in_system, n.mean, 0.025 * n.mean),
            (seen.variance_in_system, n.deviation**2, 0.10 * n.deviation**2),
            (seen.mean_kv, kv.mean, 0.025 * kv.mean),
            (seen.deviation_kv, kv.deviation, 0.05 * kv.deviation),
            (seen.more_than[many], float(n.more_than(many)), 0.01),
            (seen.memory_above[memory], float(kv.above(memory)), 0.01),
        ]
        if t0:
            good &= seen.variance_in_system.low > n.deviation**2
        else:
            good &= all(abs(e.value - law) <= much + 2.6 * (e.high - e.low) / 2 for e, law, much in pairs)
        shown = [f"{law:.4g} / {e.value:.4g}" for e, law, _ in pairs]
        ratio = (
            f"{n.deviation**2 / n.mean:.2f} / {seen.variance_in_system.value / seen.mean_in_system.value:.2f}"
        )
        rows.append(("blocks" if t0 else "none", f"{rho:.2f}", shown[0], ratio, *shown[2:]))
    columns = ["prefill", "load", "E[N]: law / simulated", "Var[N] / E[N]", "E[KV]", "sd of KV"]
    print(table([*columns, "P(N > mean + 2 sd)", "P(KV > 1.5 mean)"], rows))
    return good


def chain(rates: FloatArray, tokens: FloatArray, beta: FloatArray, size: tuple[int, int]) -> FloatArray:
    """E[N_k] of two types whose iterations take 1 + sum_k beta_k n_k, geometric tokens, by its generator."""
    first, second = np.indices(size)
    place, seconds = np.arange(first.size).reshape(size), 1 + beta[0] * first + beta[1] * second
    moves = [
        (place[:-1], place[1:], np.full((size[0] - 1, size[1]), rates[0])),
        (place[:, :-1], place[:, 1:], np.full((size[0], size[1] - 1), rates[1])),
        (place[1:], place[:-1], (first / (tokens[0] * seconds))[1:]),
        (place[:, 1:], place[:, :-1], (second / (tokens[1] * seconds))[:, 1:]),
    ]
    origin, target, rate = (np.concatenate([move[k].ravel() for move in moves]) for k in range(3))
    q = coo_array((rate, (target, origin)), shape=(first.size, first.size))
    balance = (q - diags_array(np.bincount(origin, rate))).tocsc()
    p = np.append(1.0, spsolve(balance[1:, 1:], -balance[1:, [0]].toarray()[:, 0])).reshape(size)
    p /= p.sum()
    if p[-1].sum() + p[:, -1].sum() > 1e-9:
        raise ArithmeticError(f"the chain is cut off at {size}, which it reaches too often")
    return np.array([float((p * n).sum()) for n in (first, second)])


def costs_of_their_own() -> bool:
    """Claim 3, first half: the law takes alpha + beta_k for a token's time, and a load of sum beta_k."""
    rows, worst = [], 0.0
    for ratio in (1, 10, 25):
        beta, pi = np.array([0.4 / (1 + ratio), 0.4 * ratio / (1 + ratio)]), np.array([0.5, 0.5])
        for tokens in (np.array([1.0, 1.0]), np.array([1.0, 4.0])):
            rate = 0.7 / float(pi @ (beta * tokens))
            law = (1 + beta) * tokens / (1 - 0.7)
            size = (100, 120)
            true = chain(rate * pi, tokens, beta, size) / (rate * pi)
            bias = float(pi @ law / (pi @ true)) - 1
            worst = max(worst, abs(bias))
            each = [f"{100 * (a / b - 1):+.1f}" for a, b in zip(law, true, strict=True)]
            name = f"{tokens[0]:.0f}, {tokens[1]:.0f}"
            rows.append(
                (f"{ratio}", name, f"{pi @ law:.3f}", f"{pi @ true:.3f}", f"{100 * bias:+.1f}", *each)
            )
    columns = ["beta_2 / beta_1", "tokens", "law E[T]", "exact E[T]", "law off (%)", "type 1 off (%)"]
    print(table([*columns, "type 2 off (%)"], rows))
    return worst > 0.05


def caps(requests: int) -> bool:
    """Claim 3, second half: load 0.6, one type of 200 tokens; the law knows no cap."""
    rows, rho = [], 0.6
    rate = rho / (BETA * 200)
    n = occupancy(rate * (ALPHA + BETA) * 200, rho)
    law, worst = n.mean / rate, 0.0
    for name, distribution in DISTRIBUTIONS.items():
        for deviations in (1, 2, 3):
            cap = round(n.mean + deviations * n.deviation)
            seen = simulate_iterations(
                rate,
                [1.0],
                [distribution(200)],
                ALPHA,
                BETA,
                max_num_seqs=cap,
                num_requests=requests,
                replications=256,
            ).mean_system_time
            bias = law / seen.value - 1
            worst = max(worst, abs(bias) - 2.6 * error(seen))
            shown = (f"{law:.3f}", f"{seen.value:.3f}", f"{100 * bias:+.1f}", f"{100 * error(seen):.1f}")
            rows.append((name, f"{cap}", f"{float(n.more_than(cap)):.4f}", *shown))
    columns = ["tokens", "cap", "P(N > cap) by the law", "law (s)", "simulated (s)", "law off (%)"]
    print(table([*columns, "std error (%)"], rows))
    return worst > 0.02


def budgets_exchanged() -> bool:
    """Claim (5): the five tasks of qwen3-8b, by both laws; what each law's budgets lose under the other."""
    rows, good = [], True
    for rate in (0.03, 0.1, 0.3, 1.0):
        alone = cvxtoken.load("qwen3-8b").replace(arrival_rate=rate)
        batched = alone.replace(server=cvxtoken.Sharing.from_iterations(ALPHA, FASTER))
        best = {w.server.kind: cvxtoken.solve(w) for w in (alone, batched)}
        lost = {}
        for w, other in ((alone, "sharing"), (batched, "fifo")):
            J = float(model.objective(w, best[other].tokens))
            lost[w.server.kind] = best[w.server.kind].objective - J
        worth = batched.accuracy_weight * (best["sharing"].mean_accuracy - best["fifo"].mean_accuracy)
        rows.append(
            [f"{rate:g}"]
            + [f"{best[kind].mean_tokens:.0f}" for kind in ("fifo", "sharing")]
            + [f"{lost[kind]:.3g}" for kind in ("fifo", "sharing")]
        )
        good &= lost["sharing"] > 0 and (rate < 0.1 or worth > 0) and (rate < 0.3 or lost["fifo"] == np.inf)
    columns = ["rate (1/s)", "tokens, one at a time", "tokens, batched", "lost one at a time (s)"]
    print("\nbudgets of one law under the other, qwen3-8b; infinite where they are unstable")
    print(table([*columns, "lost batched (s)"], rows))
    return good


def main() -> int:
    """Run the parts, print tables and the verdict."""
    parser = options(__doc__)
    parser.add_argument("folder", nargs="?", type=Path, help="folder of measured latencies")
    arguments = parser.parse_args()
    fewer = 10 if arguments.quick else 1
    good = means(500_000 // fewer, 0.02 if arguments.quick else 0.007)
    good &= spreads(1_000_000 // fewer)
    good &= costs_of_their_own()
    good &= caps(1_000_000 // fewer)
    good &= budgets_exchanged()
    if arguments.folder:
        found = runs(arguments.folder)
        good &= compared(found)
        if arguments.picture:
            draw(found, arguments.picture)
    print("verdict: the law holds where it is said to" if good else "verdict: the law does NOT hold")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
