"""From measurements to a workload: fits with error bars, judgements, and what the uncertainty costs."""
