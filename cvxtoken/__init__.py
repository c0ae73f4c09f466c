"""Certified optimal thinking-token budgets for LLM servers."""
