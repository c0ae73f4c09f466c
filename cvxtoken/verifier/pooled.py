#!/usr/bin/env python3
"""Checks a proof about one queue for R servers: `python pooled.py FILE`, with allocation.py beside it.

Standard library only; it shares no code with the search. What a proof states, for task types k and R servers
that take queries from one queue, first come first served, under the law of Lee and Longton, with the load
a = lambda E[S] and all else as in `allocation`:

    maximise  J(l) = alpha sum pi p - E[T],   E[T] = E[S] + lambda E[S^2] / (2 g(a)),
    over 0 <= l <= l_max, a < R,   where  g(a) = a (R - a) / C(R, a),  C Erlang's C formula;

the given tokens reach J >= lower, and no allocation exceeds upper. The law is an approximation of the queue
where R >= 2; what is proven is about the law.

Why: C = a / (a + (R - a) K) with K = sum_{j=0}^{R-1} (R-1)! / (R-1-j)! a^-j, which is K_{R-1} of K_0 = 1,
K_j = 1 + j K_{j-1} / a. So

    g(a) = (R - a) (a + (R - a) K) = R (R - a) + (R - a)^2 sum_{j=1}^{R-1} (R-1)! / (R-1-j)! a^-j.

For 0 < a < R, (R - a)^2 and a^-j are positive, decreasing and convex, and so are their products: g decreases
and is convex. Hence a line h(a) = u - s a that is not below g at both ends of a cell of the load is nowhere
below it between, and there E[T] is at least that of the law

    E[S] + lambda E[S^2] / (2 h(a)) = E[S] + lambda (1/u) E[S^2] / (2 y),   y = 1 - lambda (s/u) E[S],

which is one of `allocation`: its bound at any point with y > 0 then holds for all l with a load in the cell.
A cell may have no line. There E[W] >= 0, and as a <= its end e, every price mu >= 0 of the load gives
    -J(l) >= E[S] - alpha sum pi p + mu (lambda E[S] - e)
          >= -alpha sum pi (A + D) - mu e + kappa T0 + sum pi m,   kappa = 1 + mu lambda,
    m = min of alpha A e^(-b l) + kappa c l over 0 <= l <= l_max, in closed form as in `allocation`.

The cells follow each other from a start <= lambda T0, the load without tokens, to R: each load below R lies
in one of them, so that the largest bound of a cell is one for all allocations. There is a best one, because
E[T] is beyond all limits as a rises to R. J at the tokens takes g at both ends of what encloses their load.

The SHA-256 is of the text 'cvxtoken-pooled/1', that of the instance and R, each followed by a line feed.
"""

import hashlib
from decimal import Decimal, DecimalException
from typing import Any

if __package__:
    from cvxtoken.verifier import allocation
    from cvxtoken.verifier.allocation import Curve, Interval, Law, Model, Refused, require
else:  # run as a script beside allocation.py, without the package
    import allocation  # type: ignore[import-not-found, no-redef]
    from allocation import Curve, Interval, Law, Model, Refused, require  # type: ignore[no-redef]

SCHEMA = "cvxtoken-pooled-certificate/1"
KEYS = (allocation.KEYS - {"radii"}) | {"servers", "start", "cells"}
MAX_SERVERS, MAX_WORK = 1000, 1e9  # the latter takes some 15 s
Cell = tuple[Decimal, list[Decimal], list[Decimal]]  # end; u and s, or mu; the point, if there is a line


def check(document: Any) -> str:
    """The line that states what a parsed proof proves; raises Refused where it does not."""
    good = isinstance(document, dict) and set(document) == KEYS and document["schema"] == SCHEMA
    require(good, f"the keys or the schema are not those of a {SCHEMA}")
    w, digest = read_instance(document["instance"], document["servers"])
    size, servers, digits = len(w["names"]), document["servers"], document["digits"]
    require(document["sha256"] == digest, f"the SHA-256 of instance and servers is {digest}, not that stated")
    require(type(digits) is int and 20 <= digits <= allocation.MAX_DIGITS, "digits is out of range")
    cells = document["cells"]
    require(isinstance(cells, list) and cells, "cells is not a list of cells")
    require(work(size, servers, len(cells), digits) <= MAX_WORK, "the check would take too long")
    tokens = allocation.read_decimals(document["tokens"], size)
    for l, l_max in zip(tokens, w["max_tokens"]):
        require(0 <= l <= Decimal(l_max), f"{l:.6g} tokens are out of range")
    (start,) = allocation.read_decimals([document["start"]], 1)
    read = [read_cell(cell, size) for cell in cells]
    lower, upper, (low, high, gap) = allocation.read_bounds(document)
    try:
        prove(w, servers, tokens, start, read, lower, upper, digits)
    except DecimalException as error:
        raise Refused(f"a number is out of range: {type(error).__name__}") from error
    return (
        f"proven: with one queue for {servers} servers, under the law of Lee and Longton, instance {digest} "
        f"({size} task types) has its optimum J from {low}, which the tokens reach, to {high}, "
        f"relative gap <= {gap}"
    )


def work(size: int, servers: int, cells: int, digits: int) -> float:
    """What a check takes, in units of MAX_WORK."""
    return float((size + servers / 4) * (cells + 1) * max(digits, 100) ** 2)


def prove(
    w: Any,
    servers: int,
    tokens: Any,
    start: Decimal,
    cells: list[Cell],
    lower: Decimal,
    upper: Decimal,
    digits: int,
) -> None:
    """Evaluate J at the tokens, follow the cells from end to end and bound each; raises Refused."""
    model = Model(w, allocation.untargeted(w), allocation.arithmetic(digits))
    at = model.X.at
    require(lower <= attained(model, servers, tokens).low, "lower is above what the tokens attain")
    require(0 <= start <= (model.lam * model.T0).low, "the first cell does not begin at the least load")
    require(cells[-1][0] == servers, "the last cell does not end at the number of servers")
    left, g_left = start, None
    for end, numbers, point in cells:
        require(left < end <= servers, "the cells do not follow each other")
        g_end = spare(servers, at(end))
        if point:
            u, s = map(at, numbers)
            g_left = g_left or spare(servers, at(left))
            for a, g in ((left, g_left), (end, g_end)):
                require((u - s * at(a)).low >= g.high, f"the line of the cell to {end:.6g} is below g")
            bound = under_line(model, u, s, point)
        else:
            bound = without_waits(model, end, numbers[0])
        require(upper >= bound.low.copy_negate(), f"upper is below what the cell to {end:.6g} proves")
        left, g_left = end, g_end


def attained(model: Model, servers: int, tokens: list[Decimal]) -> Interval:
    """J at the tokens: the law with g at their load throughout; at load 0 none waits where R >= 2."""
    zero, one = model.X.at(0), model.X.at(1)
    plain, square = model.law, zero
    load = model.load(list(map(model.X.at, tokens)))
    require(load.high < servers, "the tokens are not stable: their load is not below the number of servers")
    if servers == 1 or load.high > 0:
        g = model.X(spare(servers, model.X.at(load.high)).low, spare(servers, model.X.at(load.low)).high)
        square = one / g
    model.law = Law(zero, one, square, zero, zero, zero)
    J = -model.cost(tokens)
    model.law = plain
    return J


def spare(servers: int, load: Interval) -> Interval:
    """g at a load from 0 to R; at 0 it has none where R >= 2, and the division refuses it."""
    one = load.at(1)
    K = one
    for j in range(1, servers):
        K = one + load.at(j) * K / load
    left = load.at(servers) - load
    return left * (load + left * K)


def under_line(model: Model, u: Interval, s: Interval, point: list[Decimal]) -> Interval:
    """A bound of -J from below under the law of a line."""
    zero, one = model.X.at(0), model.X.at(1)
    plain, share = model.law, s / u
    model.law = Law(zero, one, one / u, zero, share, share)
    bound, curves = model.separate(point)
    model.law = plain
    return bound + total(model, curves)


def without_waits(model: Model, end: Decimal, price: Decimal) -> Interval:
    """A bound of -J from below where no query waits and the load is at most `end`."""
    at, mu = model.X.at, model.X.at(price)
    kappa = at(1) + mu * model.lam
    curves = [
        Curve(pi, at((model.alpha * A).low), b, at((kappa * c).low))
        for pi, A, b, c in zip(model.pi, model.A, model.b, model.c)
    ]
    return kappa * model.T0 - model.best - mu * at(end) + total(model, curves)


def total(model: Model, curves: list[Curve]) -> Interval:
    """The sum of the least values of all curves."""
    return model.mean([curve.least(top) for curve, top in zip(curves, model.l_max)])


def read_instance(instance: Any, servers: Any) -> tuple[dict[str, Any], str]:
    """The instance, every rule checked, and the SHA-256 of it and the number of servers."""
    w, digest = allocation.read_instance(instance)
    alone = w["server"]["kind"] == "fifo" and w["server"]["replicas"] == 1
    require(alone, "the instance's own server is not one that is first come, first served")
    require(type(servers) is int and 1 <= servers <= MAX_SERVERS, f"servers is not from 1 to {MAX_SERVERS}")
    return w, hashlib.sha256(f"cvxtoken-pooled/1\n{digest}\n{servers}\n".encode()).hexdigest()


def read_cell(cell: Any, size: int) -> Cell:
    """The numbers of a cell, every rule checked."""
    keys = set(cell) if isinstance(cell, dict) else set()
    require(keys in ({"end", "price"}, {"end", "line", "point"}), "a cell's keys are off")
    (end,) = allocation.read_decimals([cell["end"]], 1)
    if "price" in cell:
        price = allocation.read_decimals([cell["price"]], 1)
        require(price[0] >= 0, "a price is negative")
        return end, price, []
    point = allocation.read_decimals(cell["point"], size)
    require(min(point) >= 0, "a point has negative tokens")
    return end, allocation.read_decimals(cell["line"], 2), point


if __name__ == "__main__":
    allocation.script(check)
