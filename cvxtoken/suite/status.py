"""What a solver claims, from the words of fifteen solvers and modelling languages.

A claim is one of

    optimal      infeasible              unbounded                failed
    inaccurate   infeasible_inaccurate   unbounded_inaccurate     unsupported

where `inaccurate` is an optimum of less accuracy. A word that is not in the tables is a fault of the adapter
between solver and suite: it is no claim at all, and least of all that of an optimum. Case, spaces,
underscores and the prefixes of enumerations do not matter: 'ALMOST_SOLVED' and 'AlmostSolved' are one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

OPTIMAL, INFEASIBLE, UNBOUNDED = "optimal", "infeasible", "unbounded"
INACCURATE = "inaccurate"
INFEASIBLE_INACCURATE, UNBOUNDED_INACCURATE = "infeasible_inaccurate", "unbounded_inaccurate"
FAILED, UNSUPPORTED = "failed", "unsupported"
UNKNOWN = "unknown"  # no claim: the adapter gave no status, or one that is not known
CLAIMS = (
    *(OPTIMAL, INACCURATE, INFEASIBLE, INFEASIBLE_INACCURATE, UNBOUNDED, UNBOUNDED_INACCURATE),
    *(FAILED, UNSUPPORTED),
)
SAYS_OPTIMUM = (OPTIMAL, INACCURATE)
SAYS_INFEASIBLE = (INFEASIBLE, INFEASIBLE_INACCURATE)
SAYS_UNBOUNDED = (UNBOUNDED, UNBOUNDED_INACCURATE)


class AdapterError(Exception):
    """A status is missing or not known; the message says which and what to give."""


# Sources, as of 2026:
#   Clarabel     members of clarabel.SolverStatus 0.11
#   CuClarabel, QOCO, COSMO, COPT, Knitro, Gurobi, MOSEK  the tables STATUS_MAP in
#                cvxpy/reductions/solvers of CVXPY 1.9
#   SCS          docs/src/api/exit_flags.rst and the strings of src/scs.c of cvxgrp/scs; versions 1 and 2
#                write 'Solved/Inaccurate', version 3 'solved (inaccurate - reached max_iters)'
#   ECOS         the infostrings of python/src/ecosmodule.c of embotech/ecos-python
#   MOSEK        MSKsolsta_enum of mosek.h, versions 8 (with NEAR_) to 11
#   Hypatia      Status of src/Solvers and its map to MathOptInterface in src/MathOptInterface/wrapper.jl
#   Gurobi       docs.gurobi.com/projects/optimizer, numeric codes, status codes
#   Knitro       KN_RC_... of knitro.h and their map in KNITRO.jl/src/MOI_wrapper.jl
#   Ipopt        ApplicationReturnStatus, coin-or.github.io/Ipopt/IpReturnCodes__inc_8h.html; its EXIT lines
#   HiGHS        HighsModelStatus and Highs.modelStatusToString of highspy 1.16
#   MathOptInterface  TerminationStatusCode, jump.dev/MathOptInterface.jl/stable/reference/models
#   CVXPY        cvxpy/settings.py
_WORDS = {
    OPTIMAL: """
        optimal solved converged success locally_solved locally_optimal local_optimal integer_optimal
        solve_succeeded optimal_solution_found optimal_or_satisfactory locally_optimal_solution_found
        locally_optimal_or_satisfactory_solution_found
        algorithm_terminated_successfully_at_a_locally_optimal_point_satisfying_the_convergence_tolerances
    """,
    # With a point that is claimed to be feasible and not to be optimal, such as MOSEK's PRIM_FEAS, Gurobi's
    # SUBOPTIMAL or Knitro's FEAS_XTOL, a solver says that an optimum exists (these problems are bounded).
    INACCURATE: """
        inaccurate optimal_inaccurate solved_inaccurate almost_solved almost_optimal almost_locally_solved
        near_optimal near_integer_optimal near_opt close_to_optimal close_to_optimal_solution_found
        solved_to_acceptable_level acceptable imprecise suboptimal prim_feas prim_and_dual_feas
        near_prim_feas near_prim_and_dual_feas primal_feasible primal_and_dual_feasible feasible_point
        nearly_feasible_point feasible_point_found feas_xtol feas_no_improve feas_ftol
        feas_best feas_multistart iter_limit_feas time_limit_feas feval_limit_feas mip_exh_feas mip_term_feas
        mip_solve_limit_feas mip_node_limit_feas
    """,
    INFEASIBLE: """
        infeasible primal_infeasible prim_infeas_cer primal_inconsistent locally_infeasible local_infeasible
        infeasible_problem_detected infeas_xtol infeas_no_improve infeas_multistart infeas_con_bounds
        infeas_var_bounds prim_infeas prim_and_dual_infeas primal_and_dual_infeasible
        convergence_to_an_infeasible_point_problem_may_be_locally_infeasible
        converged_to_a_point_of_local_infeasibility_problem_may_be_infeasible
    """,
    # 'Infeasible or unbounded' is true of an infeasible problem, and says less than 'infeasible'.
    INFEASIBLE_INACCURATE: """
        infeasible_inaccurate primal_infeasible_inaccurate almost_infeasible almost_primal_infeasible
        almost_locally_infeasible near_primal_infeasible near_prim_infeas_cer close_to_primal_infeasible
        infeasible_or_unbounded unbounded_or_infeasible primal_infeasible_or_unbounded inf_or_unbd inf_or_unb
        unbounded_or_infeas prim_infeas_or_unbounded
    """,
    UNBOUNDED: """
        unbounded primal_unbounded dual_infeasible dual_infeas_cer dual_infeas dual_inconsistent
        problem_appears_to_be_unbounded
    """,
    UNBOUNDED_INACCURATE: """
        unbounded_inaccurate dual_infeasible_inaccurate almost_unbounded almost_dual_infeasible
        near_dual_infeasible near_dual_infeas_cer close_to_dual_infeasible
    """,
    FAILED: """
        failed failure error solver_error no_solution unknown_result_status stall numerical_problem
        user_limit unknown unknown_status undefined indeterminate
        unsolved not_solved unfinished unstarted not_set not_loaded loaded solve_called in_progress
        max_iterations max_iteration max_iter max_iters max_iter_reached maximum_iterations_exceeded
        maximum_number_of_iterations_reached maximum_number_of_iterations_exceeded iteration_limit
        iteration_limit_reached iter_limit hit_max_iters hit_time_limit
        max_time time_limit time_limit_reached timeout maximum_cputime_exceeded maximum_walltime_exceeded
        maximum_cpu_time_exceeded maximum_wallclock_time_exceeded
        node_limit solution_limit solution_limit_reached memory_limit memory_limit_reached mem_limit
        work_limit objective_limit objective_bound objective_target bound_on_objective_reached user_obj_limit
        target_for_objective_reached norm_limit other_limit cutoff
        numerical_error numerical_failure numerical numeric ran_into_numerical_problems
        run_into_numerical_problems insufficient_progress slow_progress search_direction_becomes_too_small
        search_direction_is_becoming_too_small problem_multipliers_leaving_the_cone
        problem_fatal_error_during_initialization unknown_problem_in_solver
        ill_posed near_ill_posed prim_illposed_cer dual_illposed_cer dual_feas near_dual_feas
        diverging_iterates iterates_diverging_problem_might_be_unbounded
        interrupted interrupt highs_interrupt interrupted_by_user interrupted_by_highs sigint
        callback_terminated user_requested_stop user_termination
        stopping_optimization_at_current_point_as_requested_by_user
        optimize_not_called invalid_model invalid_option invalid_problem_definition invalid_number_detected
        not_enough_degrees_of_freedom problem_has_too_few_degrees_of_freedom other_error internal_error
        restoration_failed error_in_step_computation unrecoverable_exception nonipopt_exception_thrown
        insufficient_memory not_enough_memory out_of_memory
        load_error model_error presolve_error solve_error postsolve_error model_empty empty
        iter_limit_infeas time_limit_infeas feval_limit_infeas mip_exh_infeas mip_solve_limit_infeas
        mip_node_limit_infeas callback_err lp_solver_err eval_err user_termination_err internal_error_err
    """,
    UNSUPPORTED: """
        unsupported not_supported unsupported_problem not_implemented
    """,
}
# Of enumerations and lines: MSK_SOL_STA_OPTIMAL, QOCO_SOLVED, KN_RC_OPTIMAL, GRB_OPTIMAL, kOptimal, EXIT: ...
_PREFIXES = (
    *(
        "msk_sol_sta",
        "msk_pro_sta",
        "msk_res_trm",
        "trm",
        "prosta",
        "sol_sta",
        "solsta",
        "mosek",
        "qoco",
        "scs",
        "ecos",
        "clarabel",
        "cuclarabel",
        "cosmo",
    ),
    *(
        "hypatia",
        "kn_rc",
        "knitro",
        "grb",
        "gurobi",
        "copt",
        "ipopt",
        "exit",
        "highs",
        "osqp",
        "cvxpy",
        "moi",
        "k",
    ),
)
# docs/src/api/exit_flags.rst of SCS; the same numbers mean other things elsewhere, so that they are read
# where an `info` has them under SCS's name alone.
_SCS_CODES = {
    **{1: OPTIMAL, 2: INACCURATE, -1: UNBOUNDED, -2: INFEASIBLE, -6: UNBOUNDED_INACCURATE},
    **{-7: INFEASIBLE_INACCURATE, 0: FAILED, -3: FAILED, -4: FAILED, -5: FAILED, -8: FAILED, -9: FAILED},
}
# include/ecos.h: 10 is added where the tolerances were reached in part
_ECOS_CODES = {
    **{0: OPTIMAL, 1: INFEASIBLE, 2: UNBOUNDED, 10: INACCURATE, 11: INFEASIBLE_INACCURATE},
    **{12: UNBOUNDED_INACCURATE, -1: FAILED, -2: FAILED, -3: FAILED, -4: FAILED, -7: FAILED},
}
_CODES = {
    **dict.fromkeys(("status_val", "statusVal"), _SCS_CODES),
    **dict.fromkeys(("exitFlag", "exitflag"), _ECOS_CODES),
}
_NUMBER = re.compile(r"[-+]?\d+")
_INACCURATE_FORM = {
    OPTIMAL: INACCURATE,
    INFEASIBLE: INFEASIBLE_INACCURATE,
    UNBOUNDED: UNBOUNDED_INACCURATE,
}


def _squeezed(word: str) -> str:
    return re.sub(r"[^a-z0-9]", "", word.lower())


_TABLE = {_squeezed(word): known for known, words in _WORDS.items() for word in words.split()}


def claim(status: Any) -> str:
    """The claim in a status: a word, a sentence, or the member of an enumeration.

    Raises:
        AdapterError: it is missing, a bare number, or not known.
    """
    word = spelled(status)
    if not word or word == "None":
        raise AdapterError("no status was returned; give 'status', or an 'info' that has it")
    if _NUMBER.fullmatch(word):
        raise AdapterError(f"status is {word}; numbers mean other things in each solver: return its word")
    head, _, tail = word.partition("(")
    known = _look_up(head if tail else word)
    if tail and known and tail.lower().startswith("inaccurate"):
        return _INACCURATE_FORM.get(known, known)
    if not tail.startswith("can be specified"):  # by an option: so Ipopt's messages end in Python
        known = _look_up(word) or (None if tail else known)
    if known is None:
        raise AdapterError(f"status {word!r} is not known; return one of {', '.join(CLAIMS)}")
    return known


def spelled(status: Any) -> str:
    """A status as its own word: the name of an enumeration's member, else its text."""
    name = getattr(status, "name", None)
    if isinstance(status, bytes):
        status = status.decode(errors="replace")
    word = (name if isinstance(name, str) else str(status)).strip().partition("::")[0]
    dotted = re.fullmatch(r"(?:[A-Za-z_]\w*\.)+([A-Za-z_]\w*)", word)  # such as SolverStatus.Solved
    return dotted[1] if dotted else word


def status_of(found: Any) -> Any:
    """The status in what a solver returned: its own, else that of an SCS- or ECOS-like `info`; or None."""
    own = part(found, "status")
    info = part(found, "info")
    if own is not None or info is None:
        return own
    for name in ("status", "infostring", "status_msg"):
        word = part(info, name)
        if word is not None and not _NUMBER.fullmatch(spelled(word)):
            return word
    for name, codes in _CODES.items():
        if (code := part(info, name)) is not None:
            return codes.get(int(code), f"{name} {code}")
    return None


def part(found: Any, name: str) -> Any:
    """An entry of a mapping, or an attribute; None where there is none."""
    return found.get(name) if isinstance(found, Mapping) else getattr(found, name, None)


def _look_up(word: str) -> str | None:
    key = _squeezed(word)
    tails = [key, *(key.removeprefix(_squeezed(prefix)) for prefix in _PREFIXES)]
    return next((_TABLE[tail] for tail in tails if tail in _TABLE), None)
