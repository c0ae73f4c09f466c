"""A CBF file that is right, for tests that read it or damage it."""

# x_0 + x_1 is smallest where 2 x_0 x_1 >= x_2^2 and x_2 = 2: at x_0 = x_1 = sqrt 2
GOOD = """\
# a comment
VER
3

OBJSENSE
MIN

VAR
3 2
L+ 1
F 2

CON
4 2
QR 3
L= 1

OBJACOORD
2
0 1
1 1.0

OBJBCOORD
0.5

ACOORD
4
0 0 1
1 1 1
2 2 1
3 2 1

BCOORD
1
3 -2
"""
