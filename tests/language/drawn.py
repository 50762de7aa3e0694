"""What random programs found: shrunk to the mechanism."""

import math

import numpy as np

from .cases import case


@case(0.7, 3)
@case(0.7, 0)
def recomputed_from_what_a_loop_overwrites(x, n):
    """y is read in a loop that changes q; computed again in front of its reverse it is too new."""
    q = x
    for i in range(2):
        q = x + q
        y = math.sin(q + np.sin(q))
        k = 0
        while k < n:
            k += 1
            q /= 1.0 + math.sin(y) ** 2
        x = y
    return q * x


@case(0.7, 3)
@case(0.7, 0)
def recomputed_behind_the_loop_that_overwrites(x, n):
    """y is computed again from x, which comes back when the loop that overwrites it is reversed."""
    y = math.hypot(x, 1.25)
    for i in range(n):
        x = 0.7
    for c in (y, 0.5):
        for j in range(2):
            if y > 0:
                break
            y = c
    return math.sin(x) * y + x
