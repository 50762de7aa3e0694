"""Functions that the language cases call in another module, with names of their own."""

import math

RATE = -5.0  # not the caller's
OFFSET = 0.25


def cubed(a):
    return a * a * a


def chain(a):
    return helper(a) * RATE


def helper(a):
    return math.exp(-a) + OFFSET
