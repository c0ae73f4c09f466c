"""The convex program term by term, as CVXPY sees it, and the delay in its two parts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cvxtoken.allocation import model
from cvxtoken.allocation.program.forms import presolved_program
from cvxtoken.allocation.reference import Reference
from cvxtoken.tables import table

_FORMULAS = {
    "x": "x = b l",
    "t": "t = t0 + c l",
    "y": "y = 1 - lambda sum pi t",
    "v": "v = (sqrt(pi) t)",
    "p": "p = sum pi (A (1 - exp(-x)) + D)",
    "own": "E[S] = sum pi t",
    "shared": "E[W] = lambda/2 sum pi t^2 / y",
    "J": "J = alpha p - E[S] - E[W]",
}
_RANDOM = {
    "v": "v = (sqrt(pi) t, sqrt(pi) s), s = s0 + s1 l",
    "shared": "E[W] = lambda/2 sum pi (t^2 + s^2) / y",
}
_LAWS = {
    "fifo": {},
    "sharing": {
        "y": "y = 1 - lambda (sigma0 T0 + sigma sum pi c l)",
        "v": "v = sqrt(2 K / lambda), K = T0 + (1 - lambda sigma0 T0) / (lambda sigma)",
        "own": "direct part of E[T], -1 / (lambda sigma)",
        "shared": "shared part of E[T], K / y",
        "J": "J = alpha p - E[T], E[T] = E[S] / y",
    },
}
_UNSHARED = {  # sigma = 0: y does not depend on the tokens
    "y": "y = 1 - lambda sigma0 T0",
    "own": "E[T] = sum pi t / y",
}
_PARTS = {
    "fifo": ("service  E[S]", "waiting  E[W]"),
    "sharing": ("alone   E[S]", "slowed  E[T] - E[S]"),
}
_SYMBOLS = {
    "AddExpression": "sum",
    "NegExpression": "minus",
    "multiply": "constant times",
    "MulExpression": "weighted sum",
}


def explain(reference: Reference) -> str:
    """The objective as a tree of terms with curvature and rule, then E[T] at the optimum, as text."""
    program = presolved_program(reference.workload)
    w = reference.workload
    formulas = _FORMULAS | (_RANDOM if w.is_random else {}) | _LAWS.get(w.server.kind, {})
    if not w.law.token_share:
        formulas |= _UNSHARED
    rate = f"lambda is that of one of {w.server.replicas} replicas, {w.rate:g} /s"
    alone, others = _PARTS.get(w.server.kind, _PARTS["fifo"])
    names = {id(expression): formulas[name] for name, expression in program.terms.items()}
    rows = list(_walk(program.terms["J"], names, 0))
    l = reference.tokens
    service, wait = float(model.moments(w, l)[0]), float(model.mean_wait(w, l))
    total = service + wait
    share = 1 / total if total else 0.0  # 0 where no type takes any time
    return "\n".join(
        [
            f"maximise J over 0 <= x <= b u, for {len(w)} task types ({program.terms['x'].size} may think)",
            table(["term", "curvature", "because"], rows, left=("curvature", "because")),
            *([rate] if w.server.replicas > 1 else []),
            f"is_dcp() is {program.problem.is_dcp()}",
            "",
            f"E[T] = {total:.6f} s at the optimum:",
            f"  {alone} = {service:.6f} s ({service * share:.1%})",
            f"  {others} = {wait:.6f} s ({wait * share:.1%})",
        ]
    )


def _walk(expression: Any, names: dict[int, str], depth: int) -> Iterator[tuple[str, str, str]]:
    """One row for the expression and for each of its arguments that is not constant, down to affine ones."""
    kind = type(expression).__name__
    label = names.get(id(expression), _SYMBOLS.get(kind, kind))
    if kind == "NegExpression" and id(expression.args[0]) in names:
        label = f"minus {names[id(expression.args[0])]}"
    yield "  " * depth + label, expression.curvature.lower(), rule(expression)
    if not expression.is_affine():
        for argument in expression.args:
            if not argument.is_constant():
                yield from _walk(argument, names, depth + 1)


def rule(expression: Any) -> str:
    """The rule of disciplined convex programming that gives a CVXPY expression its curvature."""
    if expression.is_affine():
        return "affine in the variables"
    kind, own = type(expression).__name__, expression.curvature.lower()
    parts = [(i, a) for i, a in enumerate(expression.args) if not a.is_constant()]
    inner = " and ".join(dict.fromkeys(a.curvature.lower() for _, a in parts))
    if kind == "AddExpression":
        return f"a sum of {inner} terms"
    if kind == "NegExpression":
        return f"minus a {inner} term"
    if expression.is_atom_convex() and expression.is_atom_concave():
        return f"a {'non-negative' if inner == own else 'negative'} multiple of a {inner} term"
    shape = "convex" if expression.is_atom_convex() else "concave"
    return f"{kind} is {shape}{_monotonicity(expression, parts)}; its argument is {inner}"


def _monotonicity(expression: Any, parts: list[tuple[int, Any]]) -> str:
    if len(parts) > 1:
        return " in its arguments jointly"
    position = parts[0][0]
    if expression.is_incr(position):
        return " and increasing"
    return " and decreasing" if expression.is_decr(position) else ""
