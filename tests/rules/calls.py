"""The lines of `test_calls`: parameters of a function and what it returns."""

from __future__ import annotations

import numpy as np

rng = np.random.default_rng(260001)
x = np.array([0.37, 0.81, -0.42, 0.66])
A = np.array([[2.1, 0.3, -0.2], [0.4, 1.7, 0.25], [-0.1, 0.35, 1.4]])
VALUES = {
    "x": x,
    "y": np.array([1.3, 0.52, 0.95, 1.71]),
    "p": np.array([0.31, 0.72, 0.55, 0.18]),
    "A": A,
    "S": A @ A.T,
    "B": rng.normal(size=(3, 4)),
    "T": rng.normal(size=(2, 3, 4)),
    "Z": np.zeros((0, 3)),
    "s": 0.7,
}


def lines(block: str) -> list[str]:
    return [line.strip() for line in block.strip().splitlines() if line.strip()]


EINSUM = lines("""
    A :: np.einsum("ii", A)
    A :: np.einsum("ii->i", A)
    A :: np.einsum("ii->", A)
    A, S :: np.einsum("ii,ij->j", A, S)
    A, S :: np.einsum("ij,jj,kj->ki", A, S, S)
    T :: np.einsum("iji->j", T[:, :, :2])
    T :: np.einsum("ijk,ijk->ik", T, T)
    A, B :: np.einsum("...ij,...jk->...ik", A, B)
    A, T :: np.einsum("...ij,...jk->...ik", A, T)
    T, x :: np.einsum("...j,j->...", T, x)
    T, x :: np.einsum("...j,j", T, x)
    T :: np.einsum("i...->...i", T)
    T, B :: np.einsum("...,...->...", T, B[:, :1])
    A, B :: np.einsum(A, [0, 1], B, [1, 2])
    A, B :: np.einsum(A, [0, 1], B, [1, 2], [0, 2])
    A :: np.einsum(A, [0, 0], [0])
    A :: np.einsum(A, [0, 0])
    A, B :: np.einsum("ij,jk->ik", A, B, optimize=True)
    Z, A :: np.einsum("ij,jk->ik", Z, A)
    s, x :: np.einsum(",i->i", s, x)
""")
SPECIAL = lines("""
    y :: special.logsumexp(y, b=np.stack([y, 2.0 * y]), axis=1)
    y, s :: special.logsumexp(y, b=s)
    y :: special.fresnel(y)
    s :: special.airy(s)
    s :: special.j1(s - 0.7) + special.i1(s - 0.7)
    y :: special.expn(1, y)
    s :: special.exprel(s - 0.7)
    x :: special.eval_hermite(2, x)
""")
CALLS = [*EINSUM, *SPECIAL]
# that return lists
NEW: frozenset[str] = frozenset()
REFUSED = lines("""
    A, B :: np.einsum("ij,jk->ik", *[A, B])
""")
