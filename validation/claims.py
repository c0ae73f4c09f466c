"""What the three seed papers claim, and what became of it here.

The claims are those of the papers' abstracts, and numbers that other readers report of their full texts; the
texts themselves were not at hand. A claim stands as far as its study's verdict does.
"""

from __future__ import annotations

from dataclasses import dataclass

REPRODUCED = "reproduced"
CALIBRATED = "reproduced with a calibrated constant"
NOT_PUBLIC = "not reproducible from what is public"

ALLOCATION = "Ozbas and Bastopcu 2026, arXiv 2601.10274"
CLIPPING = "Yang, Xu and Jiao 2024, arXiv 2407.05347"
SCHEDULING = "Chen, Ye and Zhou 2025, arXiv 2508.14544"


@dataclass(frozen=True)
class Claim:
    """One claim.

    Attributes:
        paper: that makes it.
        text: the claim, in our words.
        standing: REPRODUCED, CALIBRATED or NOT_PUBLIC.
        why: in a sentence.
        study: whose verdict it stands on; empty where nothing could be looked at.
        needs_data: whether that study can only look at it with its data.
    """

    paper: str
    text: str
    standing: str
    why: str
    study: str = ""
    needs_data: bool = False


CLAIMS = (
    Claim(
        ALLOCATION,
        "The server is an M/G/1 queue, its mean system time a function of two moments of the service time",
        REPRODUCED,
        "the closed form agrees with an event-driven simulation up to a utilisation of 0.95",
        "queue",
    ),
    Claim(
        ALLOCATION,
        "The objective is strictly concave where the queue is stable: the optimum exists and is unique",
        REPRODUCED,
        "a bound over all allocations meets the optimum on every instance, and encloses each budget",
        "certified",
    ),
    Claim(
        ALLOCATION,
        "The optimum is a projected fixed point; iterating finds it under an explicit sufficient condition",
        REPRODUCED,
        "where the spectral radius at the optimum is below 1 the table shows it converge; the condition is "
        "one derived here, and the tests hold it against random instances",
        "methods",
    ),
    Claim(
        ALLOCATION,
        "A projected gradient method with a computable step converges beyond the contractive regime",
        REPRODUCED,
        "at 0.1 /s, where the fixed point ends in a two-cycle, it converges; at 0.5 /s the step that is "
        "proven here is so small that 20,000 leave a gap of 0.17; the step's bound is one derived here",
        "methods",
    ),
    Claim(
        ALLOCATION,
        "Rounding gives whole tokens at a small loss",
        REPRODUCED,
        "the loss is measured against the best whole tokens, which are proven",
        "rounding",
    ),
    Claim(
        ALLOCATION,
        "The constants of both conditions, the table of fitted parameters, the budgets and losses printed",
        NOT_PUBLIC,
        "they stand in no abstract or summary that was at hand; the workloads here are of arXiv 2608.13315",
    ),
    Claim(
        CLIPPING,
        "A limit on a very small share of the requests greatly reduces the queueing delay of all",
        REPRODUCED,
        "on three production traces a limit on 1 % of the requests saves a share of the wait first come "
        "first served whose 95 % interval is above 0; how much hangs on the tail, and under continuous "
        "batching the same limit saves less of the mean time",
        "savings",
        needs_data=True,
    ),
    Claim(
        CLIPPING,
        "A limit of 1600 tokens, which leaves 70.5 % of the requests whole, cuts the mean wait by 58.93 % "
        "against 3000, from 56 s to about 23 s (the waits second-hand)",
        CALIBRATED,
        "59.65 %, from 55.4 s to 22.3 s, at 0.0225 s a token; 0.023 s, the line through the latencies of "
        "Table I (second-hand), gives 60.76 % and 61.6 s; 0.0219 s and 1.4 s a request give 58.96 % and "
        "59.8 s: none meets all three numbers",
        "clipping",
    ),
    Claim(
        CLIPPING,
        "With impatient users a limit of 1300 loses about 0.12 of the requests, 56.36 % less than 3000, "
        "where it is about 0.275 (second-hand)",
        CALIBRATED,
        "0.119, 56.35 % and 0.273 at 0.0219 s a token and 1.4 s a request, which are fitted to two of these; "
        "0.114, 58.63 % and 0.276 at 0.023 s; the paper's interpolation is compared with the exact loss",
        "clipping",
    ),
    Claim(
        CLIPPING,
        "The limit that the paper calls optimal, 1600 for patient users (second-hand)",
        NOT_PUBLIC,
        "its utility function and weight were not at hand; if whole answers count, 1600 is the best at "
        "0.0225 s a token for a worth of 80.4 to 80.5 s alone, and for utilities that are given the best "
        "limit is found by exhaustion",
    ),
    Claim(
        CLIPPING,
        "The delays of dynamic, fixed and elastic batching as a bulk queue coincide with simulation",
        CALIBRATED,
        "they do at k3 and k4 measured on a T4, k1 and k2 assumed: the paper's four constants were not at "
        "hand, nor its formulas, in place of which the exact chain is solved",
        "batching",
    ),
    Claim(
        CLIPPING,
        "Elastic batching, in which nobody waits for the longest, is faster than dynamic and fixed batching",
        CALIBRATED,
        "at every load of the table, on two sets of measured batch times and under the paper's cap of 49; "
        "continuous batching, which the paper does not have, is faster still",
        "disciplines",
    ),
    Claim(
        CLIPPING,
        "The delays drawn in the paper's figures on batching",
        NOT_PUBLIC,
        "they need its four constants of the batch time",
    ),
    Claim(
        SCHEDULING,
        "A_max, which plans with the upper end of a prediction, degrades as predictions become worse",
        REPRODUCED,
        "its ratio to H-SF grows almost as u / l where outputs are short, to 7 at u / l = 128 on mixed ones",
        "scheduling",
    ),
    Claim(
        SCHEDULING,
        "A_min, which plans with the lower end and refines it, has a competitive ratio of order log(u / l)",
        REPRODUCED,
        "in the sense that its ratio grows by a bounded step with each doubling of u / l in two families; "
        "an experiment does not prove a bound on all, and the proof's constants were not at hand",
        "scheduling",
    ),
    Claim(
        SCHEDULING,
        "A_min often performs nearly as well as the scheduler in hindsight",
        REPRODUCED,
        "in overload on a production trace, with errors of up to 50 %, against H-SF: at most 2 % above it. "
        "H-SF is itself far from the best there: against the best schedule known A_min is up to 24 % above, "
        "and at a load of 0.87 it takes three times as long; not at 100 %, where the lower ends say nothing",
        "scheduling",
        needs_data=True,
    ),
    Claim(
        SCHEDULING,
        "The latencies printed for LMSYS-Chat-1M",
        NOT_PUBLIC,
        "the data set is given to those who sign for it, and the figures were not at hand",
    ),
)
