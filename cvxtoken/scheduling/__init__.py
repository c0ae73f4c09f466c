"""Scheduling under a KV-cache memory: requests, one simulator, and the policies of the literature."""

from cvxtoken.scheduling.certificate import ScheduleCertificate
from cvxtoken.scheduling.comparison import Comparison, compare
from cvxtoken.scheduling.generate import (
    default_requests,
    geometric,
    model_1,
    model_2,
    predict_buckets,
    predict_interval,
    predict_relative,
    two_point,
    uniform,
)
from cvxtoken.scheduling.policies import (
    POLICIES,
    a_max,
    a_min,
    backfilling,
    fcfs,
    hindsight_shortest_first,
    mc_sf,
    protection_greedy,
)
from cvxtoken.scheduling.problem import PREDICTIONS, Requests
from cvxtoken.scheduling.reference import ScheduleReference, best_schedule
from cvxtoken.scheduling.schedule import check_schedule
from cvxtoken.scheduling.simulation import Policy, Server, Simulation, simulate
from cvxtoken.scheduling.trace import read_trace

__all__ = [
    "POLICIES",
    "PREDICTIONS",
    "Comparison",
    "Policy",
    "Requests",
    "ScheduleCertificate",
    "ScheduleReference",
    "Server",
    "Simulation",
    "a_max",
    "a_min",
    "backfilling",
    "best_schedule",
    "check_schedule",
    "compare",
    "default_requests",
    "fcfs",
    "geometric",
    "hindsight_shortest_first",
    "mc_sf",
    "model_1",
    "model_2",
    "predict_buckets",
    "predict_interval",
    "predict_relative",
    "protection_greedy",
    "read_trace",
    "simulate",
    "two_point",
    "uniform",
]
