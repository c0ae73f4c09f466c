"""Rigorous arithmetic: in decimals of any precision, and in NumPy arrays whose bits no processor changes.

`decimals` has exact sums and intervals of decimals, `dyadic` arrays of whole numbers times powers of two.
`pairs`, `balls` and `elementary` work on arrays of doubles by + - * / alone, which IEEE 754 fixes to the last
bit; docs/arrays.md derives their error bounds. `elementwise` lets their formulas run in compiled loops too.
"""

from cvxtoken.rigorous.decimals import (
    Interval,
    Rounding,
    double_above,
    double_below,
    exact_dot,
    nearest_double,
    whole_numbers,
)

__all__ = [
    "Interval",
    "Rounding",
    "double_above",
    "double_below",
    "exact_dot",
    "nearest_double",
    "whole_numbers",
]
