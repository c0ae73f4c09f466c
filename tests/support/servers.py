"""Workloads on other servers than one that takes one query at a time."""

from __future__ import annotations

import cvxtoken
from cvxtoken.delay import Fifo, Sharing

BASE = cvxtoken.load("qwen3-8b").replace(arrival_rate=0.2, prompt_tokens=[100.0, 200, 300, 400, 500])
SERVED = {
    "sharing": BASE.replace(server=Sharing(0.1, replicas=2), arrival_rate=1.0),
    "chunked": BASE.replace(server=Sharing(0.3, overhead=0.3), max_tokens=3000.0),
    "never congested": BASE.replace(server=Sharing(0.0)),
    "replicas": BASE.replace(server=Fifo(4), deviation=0.25, accuracy_weight=50.0),
}
