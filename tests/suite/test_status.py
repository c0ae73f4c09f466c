"""The words of solvers as claims: what each solver writes, and what is none of them."""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import Any

import clarabel
import cvxpy
import highspy
import pytest

from cvxtoken.suite.status import AdapterError, claim, status_of

WORDS = {
    "optimal": [
        *("Solved", "SOLVED", "solved", "optimal", "OPTIMAL", "QOCO_SOLVED", "Optimal solution found"),
        *("LOCALLY_SOLVED", "GRB_OPTIMAL", "MSK_SOL_STA_INTEGER_OPTIMAL", "solsta.optimal", "kOptimal"),
        *("Solve_Succeeded", "EXIT: Optimal Solution Found.", "KN_RC_OPTIMAL_OR_SATISFACTORY"),
        *("OPTIMAL::TerminationStatusCode = 1", b"Solved", "SolverStatus.Solved", "MOI.OPTIMAL"),
    ],
    "inaccurate": [
        *(
            "optimal_inaccurate",
            "AlmostSolved",
            "ALMOST_SOLVED",
            "QOCO_SOLVED_INACCURATE",
            "Solved/Inaccurate",
        ),
        *("solved (inaccurate - reached max_iters)", "solved (inaccurate - reached time_limit_secs)"),
        *("Close to optimal solution found", "NearOptimal", "ALMOST_OPTIMAL", "IMPRECISE", "SUBOPTIMAL"),
        *("Solved_To_Acceptable_Level", "KN_RC_NEAR_OPT", "KN_RC_ITER_LIMIT_FEAS", "MSK_SOL_STA_PRIM_FEAS"),
    ],
    "infeasible": [
        *("infeasible", "PrimalInfeasible", "PRIMAL_INFEASIBLE", "Primal_infeasible", "Primal infeasible"),
        *("MSK_SOL_STA_PRIM_INFEAS_CER", "PrimalInconsistent", "Infeasible_Problem_Detected"),
        *("LOCALLY_INFEASIBLE", "KN_RC_INFEAS_XTOL", "kInfeasible", "MSK_PRO_STA_PRIM_INFEAS"),
    ],
    "infeasible_inaccurate": [
        *("infeasible_inaccurate", "infeasible (inaccurate)", "AlmostPrimalInfeasible", "ALMOST_INFEASIBLE"),
        *("Close to primal infeasible", "NearPrimalInfeasible", "INF_OR_UNBD", "INF_OR_UNB"),
        *("INFEASIBLE_OR_UNBOUNDED", "Primal infeasible or unbounded", "KN_RC_UNBOUNDED_OR_INFEAS"),
    ],
    "unbounded": [
        *("unbounded", "DualInfeasible", "DUAL_INFEASIBLE", "Dual_infeasible", "Dual infeasible"),
        *("MSK_SOL_STA_DUAL_INFEAS_CER", "DualInconsistent", "kUnbounded", "KN_RC_UNBOUNDED"),
    ],
    "unbounded_inaccurate": [
        *("unbounded_inaccurate", "unbounded (inaccurate)", "Almost_DUAL_INFEASIBLE", "AlmostDualInfeasible"),
        *("Close to dual infeasible", "NearDualInfeasible", "ALMOST_DUAL_INFEASIBLE", "Unbounded/Inaccurate"),
    ],
    "failed": [
        *("failed", "solver_error", "user_limit", "MaxIterations", "MAX_TIME", "InsufficientProgress"),
        *("QOCO_MAX_ITER", "QOCO_NUMERICAL_ERROR", "Max_iter_reached", "Time_limit_reached", "Unsolved"),
        *("interrupted", "indeterminate", "Maximum number of iterations reached", "SLOW_PROGRESS"),
        *("OPTIMIZE_NOT_CALLED", "NORM_LIMIT", "Diverging_Iterates", "Restoration_Failed", "UNSTARTED"),
        *("Time limit reached", "Unknown", "CUTOFF", "TIMEOUT", "KN_RC_ITER_LIMIT_INFEAS"),
        *("MSK_RES_TRM_STALL", "rescode.trm_max_time", "NO_SOLUTION", "QOCO_UNSOLVED", "NODELIMIT"),
    ],
    "unsupported": ["unsupported", "Not supported", "NOT_IMPLEMENTED"],
}


@pytest.mark.parametrize("known", WORDS)
def test_the_words_of_solvers(known: str) -> None:
    assert {word: claim(word) for word in WORDS[known]} == dict.fromkeys(WORDS[known], known)


def test_every_member_of_the_enumerations_that_are_installed_here_is_known() -> None:
    members = {name: getattr(clarabel.SolverStatus, name) for name in dir(clarabel.SolverStatus)}
    found = {name: claim(status) for name, status in members.items() if name[0].isupper()}
    assert found["AlmostDualInfeasible"] == "unbounded_inaccurate"
    assert found["CallbackTerminated"] == "failed"
    solver = highspy.Highs()
    for name in (name for name in dir(highspy.HighsModelStatus) if name.startswith("k")):
        status = getattr(highspy.HighsModelStatus, name)
        assert claim(status) == claim(name) == claim(solver.modelStatusToString(status))
    names = ("OPTIMAL", "OPTIMAL_INACCURATE", "INFEASIBLE", "INFEASIBLE_INACCURATE", "UNBOUNDED")
    names += ("UNBOUNDED_INACCURATE", "INFEASIBLE_OR_UNBOUNDED", "USER_LIMIT", "SOLVER_ERROR")
    assert all(claim(getattr(cvxpy.settings, name)) for name in names)


def test_members_of_enumerations_are_read_by_name() -> None:
    class Plain(Enum):
        SOLVED = 7

    class Numbered(IntEnum):
        MAX_ITER = 0

    assert (claim(Plain.SOLVED), claim(Numbered.MAX_ITER)) == ("optimal", "failed")


@pytest.mark.parametrize(
    ("info", "known"),
    [
        ({"status": "solved (inaccurate - reached max_iters)", "status_val": 2}, "inaccurate"),
        ({"status_val": 1}, "optimal"),
        ({"statusVal": -7}, "infeasible_inaccurate"),
        ({"status_val": -6}, "unbounded_inaccurate"),
        ({"exitFlag": 0, "infostring": "Optimal solution found"}, "optimal"),
        ({"exitFlag": 11}, "infeasible_inaccurate"),
        (
            {"status": -1, "status_msg": b"Maximum number of iterations exceeded (can be specified)."},
            "failed",
        ),
        ({"exitFlag": 12}, "unbounded_inaccurate"),
    ],
)
def test_an_info_is_read_as_scs_and_ecos_write_it(info: dict[str, Any], known: str) -> None:
    assert claim(status_of({"x": None, "info": info})) == known


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (None, "no status was returned; give 'status', or an 'info' that has it"),
        ("", "no status was returned"),
        (1, "status is 1; numbers mean other things in each solver"),
        ("-2", "status is -2; numbers mean other things"),
        ("finished fine", "status 'finished fine' is not known; return one of optimal, inaccurate"),
        ("not optimal", "status 'not optimal' is not known"),
        ("solved (perhaps)", r"status 'solved \(perhaps\)' is not known"),
        (status_of({"info": {"status_val": 99}}), "status 'status_val 99' is not known"),
    ],
)
def test_what_is_no_claim_is_named(status: Any, message: str) -> None:
    with pytest.raises(AdapterError, match=message):
        claim(status)
