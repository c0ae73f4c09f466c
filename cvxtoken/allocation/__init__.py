"""Reasoning-token allocation: arXiv 2601.10274 as a convex program with a proof."""
