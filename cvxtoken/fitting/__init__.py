"""From measurements to a workload: fits with error bars, a judgement, and what scatter does to the queue."""

from cvxtoken.fitting.accuracy import AccuracyFit, fit_accuracy
from cvxtoken.fitting.arrivals import ArrivalFit, fit_arrivals
from cvxtoken.fitting.fitted import FittedWorkload
from cvxtoken.fitting.iterations import IterationFit, PrefillFit, fit_iterations
from cvxtoken.fitting.service import ServiceFit, fit_service, understated_delay
from cvxtoken.fitting.workload import fit_workload

__all__ = [
    "AccuracyFit",
    "ArrivalFit",
    "FittedWorkload",
    "IterationFit",
    "PrefillFit",
    "ServiceFit",
    "fit_accuracy",
    "fit_arrivals",
    "fit_iterations",
    "fit_service",
    "fit_workload",
    "understated_delay",
]
