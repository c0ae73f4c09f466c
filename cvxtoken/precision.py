"""All working precisions, in decimal digits, and why they suffice; no proof rests on them.

A proof is checked anew, in the precision that its file names. These precisions decide how much is proven, and
how fast. A gap is of second order in the tokens' error: tokens of 17 digits can prove about 33 digits of J.
"""

DOUBLE = 17  # tell one double from another

# of bounds
GUARD = 8  # of the last ones, given away in published bounds, because a checker rounds in another order
GUARD_FAR = 3  # more of them for terms that count far from the optimum alone
SQUARED = 50  # lagged, pooled and robust bounds at doubles: the 33 that these can prove, and some to spare
SIGNS = 10  # more than that in a robust proof's file, so that its checker sees every sign that was seen
WHOLE = 60  # whole tokens: gaps of 1e-27 of J, and sums of a thousand types near utilisation 1

# of tokens and what leads to them
POLISHED = 60  # tokens under targets, which then close gaps that are of first order in the targets' slack
POLISHING = 100  # the prices on the way there: 1e-75 of them, although y may be a difference of large numbers
LEAST = 70  # least tokens of an accuracy, rounded up: finer than polished ones, which must not undercut them
LEAST_WORKING = 100  # on the way there, ln(A / (A + D - q)), where the difference cancels
FALLBACK = 70  # tokens moved from a bound towards the least ones by shares of as little as 1e-40
IDLE = 60  # y at doubles: the sum is exact but for its last digits, however near 1 the utilisation
DUALS = 80  # dual values of the cone program, from tokens of 40 digits

# of the library
SHIPPED = 40  # optimal tokens: gaps below 1e-60
SHIPPED_PROOF = 110  # their certificates
