"""The best whole tokens, proven: rounding, search, proof."""
