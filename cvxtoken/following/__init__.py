"""Budgets that follow a live log: estimates of the rates, when to move, and the feed of lines."""
