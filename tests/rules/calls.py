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
    T :: np.einsum(T, [0, ..., 1], [1, ...])
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
REDUCTIONS = lines("""
    x :: np.sum(x, where=x > 0)
    B :: np.sum(B, axis=1, where=B > 0, keepdims=True)
    B, s :: np.sum(B, axis=0, initial=s)
    B :: np.mean(B, axis=0, where=np.abs(B) > 0.1)
    B :: np.std(B, where=B > -0.5)
    B :: np.var(B, axis=1, where=B > -5.0, ddof=1)
    x :: np.max(x, initial=-3.0)
    x :: np.max(x, where=x < 0.7, initial=-3.0)
    x :: np.min(x, where=x > 5.0, initial=0.3) * x
    B, s :: np.prod(B, axis=1, where=B > 0, initial=s)
    Z :: np.sum(Z, axis=0, where=Z > 0)
    x :: np.sum(np.log(x), where=x > 0)
    B :: B.sum(axis=0, where=B > 0)
    x, y :: np.add(x, y, where=x > 0, out=np.zeros(4))
    x, y :: np.divide(y, x, out=np.zeros_like(x), where=x > 0)
    x :: np.log(x, where=x > 0.5, out=np.ones_like(x)) * x
    B, x :: np.power(B, x, where=B > 0, out=np.full((3, 4), 0.5))
    B, x :: np.average(B, axis=1, weights=x)
    B, p :: np.average(B, axis=-1, weights=p)
    B :: np.average(B, axis=0, weights=np.abs(B))
    B :: np.cov(B)
    B :: np.cov(B, rowvar=False)
    B :: np.cov(B, bias=True)
    B :: np.cov(B, ddof=0)
    x :: np.cov(x)
    x, y :: np.cov(x, y)
    x, y :: np.cov(np.stack([x, y]))
    B :: np.cov(B[:1])
    B :: np.corrcoef(B)
    x :: np.nanmedian(np.where(x > 0.7, np.nan, x))
    B :: np.nanmedian(np.where(B > 0.7, np.nan, B), axis=1)
    B :: np.nanpercentile(np.where(B > 0.7, np.nan, B), 30, axis=0, keepdims=True)
    x :: np.nancumprod(np.where(x > 0.7, np.nan, x))
    B :: np.nancumprod(np.where(B > 0.7, np.nan, B), axis=1)
    x :: np.add.reduceat(x, [0, 2])
    x :: np.add.reduceat(x, np.array([2, 0, 1, 1]))
""")
PIECES = lines("""
    x, y :: np.block([x, y])
    A, B :: np.block([[A, B], [A, 2.0 * B]])
    A, x, s :: np.block([[A, x[:3, None]], [x[None, :3], s]])
    x :: np.diagflat(x)
    x :: np.diagflat(x, -1)
    A :: np.diagflat(A, 1)
    x :: np.lib.stride_tricks.sliding_window_view(x, 2)
    T :: np.lib.stride_tricks.sliding_window_view(T, 2, axis=2)
    x, B :: np.sum(np.broadcast_arrays(x, B)[0] * np.broadcast_arrays(x, B)[1])
    x :: np.take(x, [0, 5], mode="clip")
    B :: np.take(B, [0, 5, -1], axis=1, mode="wrap")
    x :: np.ediff1d(x, to_begin=0.0)
    x :: np.ediff1d(x, to_begin=[1.0, 2.0], to_end=3.0)
    x :: np.unwrap(x * 5.0)
    x :: np.histogram(x)[0] * x[0]
    x :: np.histogram(x, bins=3)[1]
    x :: np.histogram(x, bins=np.array([-1.0, 0.5, 1.0]))[0] * x[:2]
    x :: np.digitize(x, np.array([0.0, 0.5])) * x
    A, x :: np.kron(A, x)
    x, A :: np.kron(x, A)
    x :: np.convolve(x, [1.0, 2.0])
    x :: np.convolve([1.0, -0.5, 2.0], x, mode="same")
    x :: np.real_if_close(x)
    x :: x.compress([True, False, True, True])
    A :: A.mT @ A
    B :: np.triu(B, 1) + np.tril(B)
    s :: np.logspace(s, 2.0, 4)
    s :: np.geomspace(s, 8.0, 4)
    T :: np.repeat(T, 0)
    T :: np.diff(T, n=3, axis=2)
    T :: np.diff(T, n=3, axis=0)
    T :: np.diff(T, n=0)
    T :: np.gradient(T)[2]
    T :: np.gradient(T, axis=(1, -1))[1]
    s, x :: np.kron(s, x) + np.kron(x, s)
""")
POLYNOMIALS = lines("""
    x, y :: np.polyval(x, y)
    x, s :: np.polyval(x, s)
    x, A :: np.polyval(x, A)
    x :: np.polyder(x)
    x :: np.polyint(x)
    x, y :: np.polyadd(x[:2], y)
    x, y :: np.polysub(x, y[1:])
    y :: np.polyfit(np.arange(4.0), y, 2)
    B, y :: np.trapezoid(B, np.cumsum(y), axis=1)
    B :: np.trapezoid(B, np.array([0.0, 0.5, 2.0]), axis=0)
    y, p :: np.interp(p, np.cumsum(y) - 1.5, y)
    y, x :: np.angle(x + y * 1j) * np.angle(y + 1j * x)
    y, p, s :: np.interp(p, np.cumsum(y) - 1.0, y, left=s, right=0.0)
    y, p, s :: np.interp(p, np.cumsum(y) - 3.5, y, right=s)
    p :: np.interp(p, [0.2, 0.4, 0.6], [1.0, 3.0, 2.0], left=0.0)
""")
ALGEBRA = lines("""
    A :: np.linalg.norm(A, -2)
    A :: np.linalg.norm(A, -1)
    A :: np.linalg.norm(A, -np.inf)
    x :: np.linalg.norm(x, -np.inf)
    x :: np.linalg.norm(x, -1)
    x :: np.linalg.norm(x, 0.5)
    x :: np.linalg.norm(x, 0) * x
    B :: np.linalg.norm(B, 3, axis=1)
    A :: np.linalg.cond(A)
    S :: np.linalg.eigh(S, "U")[0]
    S :: np.linalg.eigvalsh(S, "U")
    T :: np.linalg.pinv(T)
    B :: np.linalg.norm(B, "nuc", axis=(0, 1))
    x, p, S :: stats.multivariate_normal.logpdf(x[:3], p[:3], S, allow_singular=False)
    A :: np.linalg.matrix_power(A, -2)
    A :: np.linalg.matrix_power(A, 6)
    A :: np.linalg.svd(A)[1]
    A, x :: np.linalg.svd(A)[0] * np.linalg.svd(A)[0] @ x[:3]
    A :: np.linalg.svdvals(A)
    B :: np.linalg.vector_norm(B)
    A :: np.linalg.matrix_norm(A)
    A, x :: np.matvec(A, x[:3])
    T, x :: np.vecmat(x[:3], T)
    T :: np.matrix_transpose(T)
    x :: np.cumulative_sum(x)
    S, x :: linalg.solve(S, x[:3])
    S :: linalg.eigh(S)[0]
    A :: linalg.qr(A)[1]
    B :: linalg.qr(B.T, mode="economic")[1]
    B :: linalg.norm(B, axis=0)
    S, x :: linalg.solve(S, x[:3], assume_a="pos")
    A, x :: linalg.solve(A, np.outer(x[:3], x), lower=True, assume_a="sym")
    A, B :: linalg.solve_triangular(A, B, trans="T", unit_diagonal=True)
    B, x :: linalg.lstsq(B.T, x)[0]
    B, T :: linalg.lstsq(B.T, T[0].T)[0]
    T :: np.linalg.cholesky(T @ np.swapaxes(T, 1, 2))
    T :: np.linalg.eigh(T @ np.swapaxes(T, 1, 2))[0]
    T :: np.linalg.eigvalsh(T @ np.swapaxes(T, 1, 2))
    T :: np.linalg.svd(T, compute_uv=False)
    T :: np.linalg.svd(T, full_matrices=False)[1]
    A, T :: np.linalg.solve(A, T)
    A :: np.linalg.eigvals(A)
    A :: np.linalg.eig(A)[0]
    A :: np.linalg.inv(np.linalg.eig(A)[1]) @ A @ np.linalg.eig(A)[1]
""")
# with whole numbers, which are no reason for the result to be such
WHOLE = lines("""
    x :: np.append(np.arange(3), x)
    A :: np.append(np.arange(9).reshape(3, 3), A, axis=1)
    x :: np.convolve(np.array([1, -2, 1]), x, mode="same")
    x :: np.correlate(np.arange(3), x, mode="full")
    x :: np.cross(np.arange(3), x[:3])
    x :: np.meshgrid(np.arange(3), x)[1]
    x :: np.polyadd(np.arange(3), x) + np.polysub(np.arange(3), x)
    x :: signal.convolve(np.arange(3), x) + signal.fftconvolve(np.arange(3), x)
    s :: np.append([1, 2], s) * np.insert(np.arange(2.0), 1, s)
    T :: np.moveaxis(T.reshape((*T.shape[:1], -1, 2, 2)), -1, 0)[1]
""")
# forms that are written with other functions, and some that have a rule of their own
FORMS = lines("""
    T :: np.linalg.norm(T, 1, axis=(1, 2))
    T :: np.linalg.norm(T, -1, axis=(2, 0), keepdims=True)
    T :: np.linalg.norm(T, np.inf, axis=(-1, 0))
    T :: np.linalg.norm(T, -np.inf, (0, 1), True)
    T :: np.linalg.norm(T, 2, axis=(0, 2))
    T :: np.linalg.norm(T, ord=-2, axis=(2, 1), keepdims=True)
    T :: np.linalg.norm(T, "nuc", axis=(1, -1))
    x, y :: np.choose([0, 7, -3, 1], [x, y], mode="clip")
    x, s :: np.choose([0, 7, -3, 1], [x, s], mode="wrap")
    B :: np.add.reduce(B, where=B > 0)
    B, s :: np.multiply.reduce(B, axis=1, initial=s)
    B :: np.maximum.reduce(B, (0, 1), initial=0.1)
    B :: np.add.reduceat(B, [0, 2, 1], axis=1)
    T :: np.add.reduceat(T, np.array([1, 0]))
    T :: np.add.reduceat(T, [2, 1, 1], axis=-1)
    B, s :: np.pad(B, ((1, 2), (0, 1)), constant_values=s)
    x, s :: np.pad(x, 2, "constant", constant_values=s * s)
""")
CALLS = [*FORMS, *WHOLE, *EINSUM, *SPECIAL, *REDUCTIONS, *PIECES, *POLYNOMIALS, *ALGEBRA]
REFUSED = lines("""
    A, B :: np.einsum("ij,jk->ik", *[A, B])
""")
