"""A CVXPY problem as the cone program that CVXPY compiles it to.

The program is what CVXPY gives Clarabel, with quadratic objectives as second-order cones: the doubles as
they are, entries that stand twice summed as the solver sums them, zeros left out. What is true of it is true
of the problem up to CVXPY's own rounding of the data, but for two things that are no rounding: a geometric
program is compiled to its logarithm, and some atoms are replaced by others that are near to them, which
`cvxtoken.conic.replaced` finds. The rows of semidefinite cones are those that CVXPY multiplies by sqrt(2)
off the diagonal, before it does.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from typing import Any

import cvxpy
import cvxpy.atoms
import numpy as np
from scipy import sparse

from cvxtoken.arrays import FloatArray
from cvxtoken.conic.program import (
    EXPONENTIAL,
    MAXIMIZE,
    MINIMIZE,
    MOST_ORDER,
    NONNEGATIVE,
    POWER,
    SECOND_ORDER,
    SEMIDEFINITE,
    ZERO,
    ConeProgram,
    blocks,
    diagonal,
)
from cvxtoken.errors import ProblemError

_FAILURES = (  # what CVXPY raises of problems that it does not compile
    cvxpy.error.DCPError,
    cvxpy.error.DGPError,
    cvxpy.error.SolverError,
    ArithmeticError,
    NotImplementedError,
    TypeError,
    ValueError,
)
_SEMIDEFINITE, _POWER = "semidefinite", "power"


def compiled(problem: cvxpy.Problem, gp: bool = False) -> ConeProgram:
    """The cone program of a CVXPY problem: min q'v + offset subject to A v + s = b, s in K.

    Of a problem that is maximised the program states the negated objective, and its `sense` says so. The
    first columns are not always the problem's variables: CVXPY adds its own. Nothing of the problem is
    changed, CVXPY's cache in it included, and nothing is taken from that cache.

    Args:
        problem: with values for all of its parameters.
        gp: the problem is a geometric program. The program is then that of the logarithms: its value is the
            logarithm of the problem's.

    Raises:
        ProblemError: it is no CVXPY problem; has no variables, or integer ones; has a parameter without a
            value; is not DCP (DGP); its data are not finite; or it needs semidefinite or power cones. The
            message names the variable, parameter, constraint or atom where it can be found.
    """
    _refuse_at_once(problem, gp)
    data, _, inverse = canonical(problem.objective, problem.constraints, gp)
    offset = float(inverse[-1]["offset"])
    dims = data["dims"]
    beyond = _beyond(dims)
    if beyond:
        raise ProblemError(
            f"{_culprit(problem, gp, beyond)} {beyond} cones of another size than can be proven: power cones "
            f"have three rows, semidefinite ones an order of {MOST_ORDER} at most"
        )
    _refuse_discrete(problem, data)
    A = sparse.csc_array(data["A"], copy=True)
    A.sum_duplicates()
    A.eliminate_zeros()
    b, q = (np.array(data[key], dtype=float) for key in ("b", "c"))
    if not all(np.isfinite(values).all() for values in (A.data, b, q, offset)):
        raise ProblemError(_not_finite(problem))
    cones = [
        *[(kind, int(size)) for kind, size in ((ZERO, dims.zero), (NONNEGATIVE, dims.nonneg)) if size],
        *[(SECOND_ORDER, int(size)) for size in dims.soc],
        *[(SEMIDEFINITE, n * (n + 1) // 2) for n in map(int, dims.psd)],
        *[(EXPONENTIAL, 3)] * int(dims.exp),
        *[(POWER, 3)] * len(dims.p3d),
    ]
    triangles = [rows for kind, rows in blocks(tuple(cones)) if kind == SEMIDEFINITE]
    if triangles:
        A, b = _without_roots(A, b, triangles)
    sense = MAXIMIZE if isinstance(problem.objective, cvxpy.Maximize) else MINIMIZE
    return ConeProgram(A, b, q, offset, tuple(cones), sense, tuple(map(float, dims.p3d)))


def _without_roots(
    A: sparse.csc_array, b: FloatArray, triangles: list[range]
) -> tuple[sparse.csc_array, FloatArray]:
    """The data with entries off a diagonal as they are, which CVXPY multiplies by sqrt(2) for Clarabel."""
    off = np.zeros(len(b), dtype=bool)
    for rows in triangles:
        own = np.ones(len(rows), dtype=bool)
        own[diagonal(len(rows))] = False
        off[rows.start : rows.stop] = own
    plain, values = A.tocoo(), A.tocoo().data.copy()
    there = off[plain.coords[0]]
    values[there] = list(map(without_root, values[there].tolist()))
    b = b.copy()
    b[off] = list(map(without_root, b[off].tolist()))
    return sparse.csc_array((values, plain.coords), shape=A.shape), b


def without_root(product: float) -> float:
    """The shortest double whose product with the double nearest sqrt(2) rounds to this; the nearest, if none.

    So a number that is a short one in the problem is found again as it was.
    """
    root = math.sqrt(2)
    near = product / root
    around = (near, math.nextafter(near, math.inf), math.nextafter(near, -math.inf))
    fits = [x for x in around if x * root == product]
    return max(fits, key=_trailing_zeros) if fits else near


def _trailing_zeros(x: float) -> int:
    """Of the binary digits of a double."""
    n, d = x.as_integer_ratio()
    return (n & -n).bit_length() - d.bit_length()


def _refuse_at_once(problem: cvxpy.Problem, gp: bool) -> None:
    """What can be told without compiling."""
    if not isinstance(problem, cvxpy.Problem):
        raise ProblemError(f"problem is a {type(problem).__name__}; it must be a cvxpy.Problem")
    if not any(variable.size for variable in problem.variables()):
        raise ProblemError("the problem has no variables; it must have one at least")
    for variable in problem.variables():
        for kind in ("boolean", "integer"):
            if variable.attributes[kind]:
                raise ProblemError(
                    f"the variable {variable.name()} is {kind}; only continuous ones can be proven"
                )
    for parameter in problem.parameters():
        if parameter.value is None:
            raise ProblemError(f"the parameter {parameter.name()} has no value; all must have one")
    if not (problem.is_dgp() if gp else problem.is_dcp()):
        raise ProblemError(_not_disciplined(problem, gp))


def _not_disciplined(problem: cvxpy.Problem, gp: bool) -> str:
    """What CVXPY says of a problem that is not DCP (DGP), in a line."""
    said = "the problem"
    try:
        canonical(problem.objective, problem.constraints, gp, raw=True)
    except (cvxpy.error.DCPError, cvxpy.error.DGPError) as error:
        lines = str(error).replace("rules.The", "rules.\nThe").splitlines()[1:]
        said = " ".join(line.strip() for line in lines if line.strip() and not line.startswith("However"))
    rule, other = ("DGP", "DCP") if gp else ("DCP", "DGP")
    hint = f"; it is {other}: say gp={not gp}" if (problem.is_dcp() if gp else problem.is_dgp()) else ""
    return f"the problem is not {rule}: {cut(said, 200)}{hint}"


def canonical(
    objective: Any, constraints: list[Any], gp: bool, raw: bool = False
) -> tuple[dict[str, Any], Any, list[Any]]:
    """CVXPY's data for Clarabel, the chain of reductions that makes them, and what it takes to undo each.

    Raises:
        ProblemError: CVXPY does not compile it; `raw` leaves CVXPY's own error.
    """
    fresh = cvxpy.Problem(objective, constraints)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # of exponents and parameters; what is not finite is refused
            data, chain, inverse = fresh.get_problem_data(
                cvxpy.CLARABEL, gp=gp, solver_opts={"use_quad_obj": False}
            )
    except _FAILURES as error:
        if raw:
            raise
        raise ProblemError(f"CVXPY does not compile the problem: {cut(error, 200)}") from error
    return data, chain, inverse


def _beyond(dims: Any) -> str:
    """The kind of cone that is needed and not known here, or nothing."""
    if any(n > MOST_ORDER for n in dims.psd):
        return _SEMIDEFINITE
    return _POWER if getattr(dims, "pnd", None) else ""


def _culprit(problem: cvxpy.Problem, gp: bool, kind: str) -> str:
    """Who needs cones of a kind: a variable, or the first part of the problem that does, and its atoms."""
    for variable in problem.variables():
        if kind == _SEMIDEFINITE and (variable.attributes["PSD"] or variable.attributes["NSD"]):
            return f"the variable {variable.name()} needs"
    for place, part in parts(problem):
        alone = (
            (part, []) if isinstance(part, (cvxpy.Minimize, cvxpy.Maximize)) else (cvxpy.Minimize(1), [part])
        )
        if not part.variables():
            continue
        try:
            found = _beyond(canonical(*alone, gp)[0]["dims"])
        except ProblemError:
            continue
        if found == kind:
            lists = ("PSD_ATOMS",) if kind == _SEMIDEFINITE else ("POWCONE_ATOMS", "POWCONE_ND_ATOMS")
            known = tuple(atom for name in lists for atom in getattr(cvxpy.atoms, name, ()))
            names = [type(atom).__name__ for atom in atoms(part) if isinstance(atom, known)]
            by = f", by {names[0]}," if names else ""
            return f"{place} ({cut(part)}){by} needs"
    return "the problem needs"


def _refuse_discrete(problem: cvxpy.Problem, data: dict[str, Any]) -> None:
    """Refuse what the cones of the data leave out: integer variables of CVXPY's own, and separate bounds."""
    own = data["param_prob"].x.attributes
    if own["boolean"] or own["integer"]:
        places = [place for place, part in parts(problem) if type(part).__name__ == "FiniteSet"]
        who = f"{places[0]} needs" if places else "the problem needs"
        raise ProblemError(f"{who} integer variables; only continuous ones can be proven")
    for key in ("lower_bounds", "upper_bounds"):
        bounds = data.get(key)
        if bounds is not None and np.isfinite(bounds).any():
            raise ProblemError(f"CVXPY compiles the problem with {key} beside its cones, which is not read")
    if data.get("P") is not None:
        raise ProblemError("CVXPY leaves a quadratic objective beside the cones, which is not read")


def _not_finite(problem: cvxpy.Problem) -> str:
    """Where a number of the problem is not finite."""
    for place, part in parts(problem):
        leaves = [(f"the parameter {leaf.name()}", leaf) for leaf in part.parameters()]
        leaves += [(f"a constant of shape {leaf.shape}", leaf) for leaf in part.constants()]
        for name, leaf in leaves:
            value = leaf.value.toarray() if sparse.issparse(leaf.value) else np.asarray(leaf.value)
            bad = np.argwhere(~np.isfinite(value))
            if len(bad):
                index = f" at {bad[0].tolist()}" if value.ndim else ""
                return f"{place}: {name} has {value[tuple(bad[0])]}{index}; all data must be finite"
    return "the compiled data are not finite, though all constants are: numbers overflow in CVXPY's products"


def parts(problem: cvxpy.Problem) -> Iterator[tuple[str, Any]]:
    """The objective and the constraints, each with its place."""
    yield "the objective", problem.objective
    for place, constraint in enumerate(problem.constraints):
        yield f"constraints[{place}]", constraint


def atoms(part: Any) -> Iterator[Any]:
    """All expressions in an objective or constraint, each once."""
    waiting, seen = list(part.args), set()
    while waiting:
        atom = waiting.pop()
        if id(atom) not in seen:
            seen.add(id(atom))
            yield atom
            waiting.extend(atom.args)


def cut(thing: Any, most: int = 60) -> str:
    """A text in one line, cut where it is long."""
    text = " ".join(str(thing).split())
    return text if len(text) <= most else text[: most - 3] + "..."
