"""Dense arrays that are not stored into: arithmetic, broadcasting, indexing, shapes, reductions."""

import numpy as np

from .cases import beyond, case

V = np.array([0.5, -0.25, 1.5])
W = np.array([0.3, 0.8, -0.6])
A = np.array([[0.5, 1.0, -0.3], [0.2, -0.7, 0.9]])
S = np.array([[2.0, 0.3, 0.1], [0.3, 1.5, 0.2], [0.1, 0.2, 1.0]])


class Weights:
    x = np.array([2.0, 1.0, 0.5])


def weighted(y, x=W):
    return y * S[0] * x


@case(V[:1])
def objects_named_like_a_parameter(x):
    """Lengths of `Weights.x`, and of `x` in the callee, have nothing to do with that of x."""
    return np.sum(Weights.x * x) + np.sum(weighted(x))


ORDER = 3


@case(V)
def norms_of_known_orders(x):
    return np.linalg.norm(x, ord=np.inf) * np.linalg.norm(x * x - 1.0, ord=ORDER) * x


@case(V, 2.0, wrt="x s")
def scalar_broadcast(x, s):
    return x * s + s / (1.0 + x**2) - s


@case(A, V, wrt="x v")
def row_broadcast(x, v):
    return np.sum((x + v) * (v - x) / (2.0 + x * v))


@case(V, W[:2], wrt="x w")
def outer_broadcast(x, w):
    return x[None, :] * w[:, np.newaxis] + x


@case(np.array([[0.7]]), A, wrt="x a")
def length_one_axes(x, a):
    return np.sum(x * a + x)


@case(V, W, wrt="x w")
def products(x, w):
    return x @ w + np.dot(x, w) ** 2 + np.inner(x, w) + np.sum(np.outer(x, w) ** 2)


@case(A, V, wrt="x v")
def matrix_products(x, v):
    return (x @ v) @ x @ (x.T @ (x @ v)) + np.trace(x @ x.T) + np.sum(np.matmul(x, v))


@case(A)
def reductions(x):
    a = x.sum() * np.mean(x) + np.prod(x[0]) + x.max() + np.min(x) + x.std() + np.var(x)
    b = np.sum(x, axis=0) * np.mean(x, axis=0) + x.max(axis=0) + np.std(x, axis=0)
    c = np.sum(x, axis=1, keepdims=True) * x
    return a + np.sum(b**2) + np.sum(c * np.prod(x, axis=-1, keepdims=True)) + x.mean(1)[0]


@case(V)
def cumulative(x):
    return np.cumsum(x) * x


@case(A)
def shapes(x):
    y = x.reshape(3, 2) @ np.transpose(x.reshape(-1, 2))
    z = np.ravel(x) + x.T.flatten()
    w = np.expand_dims(x, 0) + np.squeeze(x[None, ..., None])
    return (
        np.sum(y) * np.sum(z**2)
        + np.sum(w**3)
        + np.reshape(x, -1)[4] * x.shape[0] * x.ndim * x.size
    )


@case(V, W, wrt="x w")
def joins(x, w):
    a = np.concatenate([x, w * 2, x])
    b = np.stack((x, w), axis=1)
    c = np.array([x[0], w[1] * 2, 3.0])
    return np.sum(a**2) + np.sum(b[:, 0] * b[:, 1]) + c @ x + np.sum(np.asarray([x, w]) ** 3)


@case(V, 0.5, wrt="x s")
def makers(x, s):
    a = np.zeros(3) + s * np.ones_like(x) + np.full(3, s) + np.full_like(x, 2.0 * s)
    return np.sum(a * x * np.linspace(0.0, s, 3)) + np.sum(np.zeros_like(x) + x * np.arange(3))


@case(A, 1)
def indexing(x, k):
    a = x[k, 2] * x[0][1] + x[-1, -1] + x[k][0]
    b = x[:, 1] @ x[:, k] + np.sum(x[0, ::2]) + np.sum(x[..., ::-1] * x) + x[k, 1:][0]
    return a * b


@case(V)
def fancy_indexing(x):
    index = np.array([2, 0, 0])
    return np.sum(x[index] * x) + np.sum(x[[1, 1]] ** 2) + np.sum(x[x > 0] ** 3)


@case(A)
def pairs_of_index_arrays(x):
    return np.sum(x[np.array([0, 1, 1]), np.array([2, 2, 0])] ** 2) + np.sum(
        x[np.ix_([0, 1], [1, 2])] ** 2
    )


@case(V, W, wrt="x w")
def selections(x, w):
    a = np.where(x > w, x * w, x - w)
    b = np.maximum(x, w) * np.minimum(x, 0.3) + np.clip(w, -0.5, 0.7)
    return np.sum(a * b) + np.sum(np.where(x > 0, x, 0.0))


@case(V)
def elementwise_functions(x):
    p = 1.5 + x**2
    a = np.sin(x) * np.cos(x) + np.tanh(x) + np.exp(x) / np.log(p) + np.sqrt(p) + np.abs(x)
    b = np.arctan(x) + np.log1p(p) * np.expm1(x) + np.square(x) + np.power(p, 1.5) + np.sign(x) * x
    return np.sum(a * b + np.logaddexp(x, p) + np.hypot(x, p) + np.arctan2(x, p) + np.floor(x) * x)


@case(S)
def norms(x):
    return np.linalg.norm(x) + np.linalg.norm(x[0]) * np.sum(np.linalg.norm(x, axis=1))


@case(V)
def broadcast_to(x):
    return np.sum(np.broadcast_to(x, (2, 3)) * np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]))


@case(V, 3)
def overwritten_in_a_loop(x, n):
    h = x
    for i in range(n):
        h = np.tanh(h * x) + h / (i + 1)
    return np.sum(h * h)


@case(A, 4)
def power_iteration(x, n):
    v = np.ones(3) / 3
    for _ in range(n):
        v = x.T @ (x @ v)
        v = v / np.linalg.norm(v)
    return v @ (x.T @ x) @ v


@case(A)
def number_becomes_array(x):
    total = 0.0
    for row in x:
        total = total + row * row
    return np.sum(total * total)


@case(V)
def array_becomes_number(x):
    x = x * 2
    x = np.sum(x * x)
    x = x * x
    return x


@case(V, W, wrt="x w")
def aliases(x, w):
    y = x
    x = x * w
    z = y
    y = x + y
    return np.sum(x * y * z)


@case(np.array(0.75))
def zero_dimensional(x):
    return x * np.sin(x)


@case(np.array([0.5, 1.5], dtype=np.float64), np.array([2, 3]))
def integer_array(x, n):
    return np.sum(x**n * n)


@case(V, 2)
@case(V, 0)
def branch_on_reduction(x, n):
    if np.sum(x) > 1.0 and np.all(x > -1.0) and n:
        return np.sum(x * x) * np.max(x)
    return x[n] * 2.0


@case(V, W, 0.4, wrt="x w b")
def sigmoid_loss(x, w, b):
    p = 1.0 / (1.0 + np.exp(-(x * w + b)))
    return -np.mean(np.log(p) * 0.3 + np.log(1.0 - p) * 0.7)


@case(S, V, wrt="x v")
def softmax(x, v):
    scores = x @ v
    scores = scores - np.max(scores)
    weights = np.exp(scores) / np.sum(np.exp(scores))
    return np.sum(weights * v)


@beyond(V, W, wrt="x w")
def stores(x, w):
    a = np.zeros(3)
    a[0] = x[1] * w[2]
    a[1:] = x[:2]
    a += w
    b = a
    b *= x
    return np.sum(a * b)


@beyond(V)
def argument_overwritten(x):
    x *= 2.0
    x[0] = x[1] * x[2]
    return np.sum(x * x)


@beyond(V)
def view_written(x):
    y = x * 1.0
    z = y[1:]
    z[0] = x[0] * 5.0
    y.sort()
    return np.sum(y * z[0])


@beyond(V)
def out_argument(x):
    y = np.empty(3)
    np.multiply(x, x, out=y)
    np.add(y, x, y)
    return np.sum(y * y)


@beyond(V)
def sorting(x):
    order = np.argsort(x)
    return np.sort(x)[0] * x[order][-1] + np.median(x) * np.sum(np.diff(x) ** 2)


@case(A, V, wrt="x v")
def axes_added_by_an_index(x, v):
    d = x[:, None, :] - v[None, None, :] * x[None, :, :]
    top = np.max(d, axis=2)
    e = np.exp(d - top[:, :, None])
    return np.sum(np.log(np.sum(e, axis=2)) * top) + np.sum(np.exp(v)[:, np.newaxis] * x[0])


@case(V, wrt="v")
def axis_added_to_a_single_number(v):
    total = np.sum(v, keepdims=True)
    return np.sum(total[None, :] * v[:, None] ** 2)


@case(A, np.array([1, 0]), wrt="x")
def gathered_and_averaged(x, y):
    top = np.max(x, axis=1)
    rows = np.arange(len(y))
    return np.mean(top - x[rows, y] * top[y])


@case([0.5, 1.5])
@case(np.array([0.5, -0.25]))
def axes_of_numbers(x):
    parts = [t[..., np.newaxis] * 2.0 for t in np.asarray(x, float)]
    pair = np.concatenate(parts, axis=-1)
    return np.sum(pair * pair) + np.sum(pair[0][None] * pair[1][...])


@case(0.7)
@case(V)
def array_of_least_rank(x):
    row = np.array(x, copy=True, ndmin=1)
    table = np.array(x, dtype=float, ndmin=2)
    return np.sum(row * row) * np.sum(table) * table[0, -1]


@case(1.5, 1.0)
@case(1.5, V)
def stored_where_there_are_no_axes(x, like):
    a = np.zeros(np.shape(like))
    a[a >= 0.0] = x * x
    return np.sum(3.0 * a) * x


@case(1.5)
def store_into_array_of_no_axes(x):
    a = np.asarray(x * x).copy()
    a[a > 1.0] = x
    return 3.0 * a * x


@case(0.7)
@case(V)
def branch_on_a_class(x):
    y = np.sum(x) if isinstance(x, (list, tuple)) else x * x
    if isinstance(x, np.ndarray) and not isinstance(y, str):
        y = y * x
    return np.sum(y)


def square(a):
    return a * a


@case(V)
def result_of_a_call_stored(x):
    y = np.zeros_like(x)
    y[x > 0.0] = square(x[x > 0.0])
    y[1] = square(x[0])
    return np.sum(y * x)


@case(np.array([0.5, 1.3, 0.8]), np.array([1.0, 0.2, 0.7]), wrt="u v")
def trace_and_parts_of_a_matrix(u, v):
    m = np.outer(u, v) + np.eye(*(3, 3)) * np.inner(u, v)
    return np.trace(m @ m.T) + m[1:, :2].sum() + m[::-1, 0] @ u + m[..., -1].prod()


@case(np.array([[0.5, 1.3], [0.8, -0.4], [0.9, 0.2]]), wrt="m")
def sums_beside_columns_of_unknown_width(m):
    rows = np.sum(m + m[:, 1:], axis=1, keepdims=True)
    return np.sum(rows * rows) + np.sum(np.mean(m * m[:1:], axis=0, keepdims=True) ** 3)


@case(0.5, np.array([[0.5, 1.3, 0.4], [0.8, -0.4, 0.9], [0.7, 0.1, 0.2]]), wrt="x m")
def shapes_of_what_is_computed(x, m):
    y = np.zeros_like(m)
    y[:, 1:] = np.exp(x * m[:, :1]) * square(m[:, 1:])
    y[:, 0] += x * np.cos(m[:, 0]) * m[:1, 2:][0]
    y += (m[:, 1:2] @ m[2:, :] + m[:1]) * (m[:, 2:] + square(m[:1]))
    np.add.at(y, 0, x * 2.0 * m[:, 2:][0])
    z = np.concatenate([m[0][1:] * x, x * x + m[1], [x, 2.0]])
    return np.sum(y * y) * np.mean(z * z)


@case(np.array([0.5, 1.3, 0.8, -0.2]), np.array([0.6, -0.4]), wrt="u v")
@case(np.array([0.5]), np.array([0.6]), wrt="u v")
@case(np.array([]), np.array([0.6, 0.3]), wrt="u v")
def parts_of_joined_arrays(u, v):
    m = np.stack([u, np.sin(u), u * v[0]], axis=1)
    for _ in range(2):
        u = np.concatenate([u[:1], u[1:-1] * 1.5, u[-1:]])
    z = np.concatenate([m[:, :1], m[:, 1:] * v[0], m[:, -1:]], axis=1)
    q = np.concatenate([u[:1], v * 0.3, u[-1:], u * v[0], v[:1]])
    k = np.stack([v[0], np.sum(u), 2.0])
    return np.sum(z * z) + np.sum(q * q * q) + np.sum(k * k * v[-1])


@case(np.array([0.5, 1.3, 0.8, -0.2]), 2)
@case(np.array([0.5]), 0)
def parts_that_may_overlap(x, n):
    total = x[:1] * x[-1:] + x[n] * x[-1] + x[0] * x[n:]
    for k in range(n):
        total = total + x[k] * x[k + 1] - x[-1 - k] * x[:1]
    return np.sum(total) + np.sum(x[::2]) * np.sum(x[1:]) * np.sum(x[:-1])


@case(np.array([[0.5, -1.3], [0.8, 0.2]]), np.array([0.1, 0.3]), wrt="w b")
def masks_of_products(w, b):
    h = np.maximum(w @ w + b, 0.0)
    for _ in range(2):
        h = np.minimum(h @ w - b, 0.3) + np.maximum(h - 0.1, 0.2)
    g = np.maximum(0.1, np.sin(h) * 0.5)
    return np.sum(np.maximum(h @ w, 0.05) * np.tanh(g @ w)) + np.sum(np.maximum(b, 0.2))


@case(np.array([[0.5, -1.3, 0.4], [0.8, 0.2, -0.7]]), np.array([0.1, 0.3, 0.7]), 0.6, wrt="m v s")
@case(np.array([[0.5, -1.3, 0.4]]), np.array([0.1, 0.3, 0.7]), 0.6, wrt="m v s")
def factors_that_are_level(m, v, s):
    scale = np.exp(-m[0])
    z = (m[:, None, :] - v * s) * scale
    density = -0.5 * np.sum(z**2, axis=2) * v[0] - np.sum(m, axis=1)[:, None]
    w = m.T @ m * s + (m @ (v[:, None] * v)).T @ m
    column = np.sum(m, axis=1, keepdims=True) * s
    return np.sum(density * column) + np.sum(w * v[:, None] * s) + np.mean(v * column * m)


@case(np.array([[1.5, -0.3], [0.4, 0.9]]), 1.7, wrt="m s")
def items_of_results(m, s):
    total = np.linalg.slogdet(m * s)[1] * s - np.linalg.slogdet(m)[-1] + np.modf(s * s)[0]
    return total * divmod(s * 2.5, 0.7)[1] + np.linalg.slogdet(m)[0] * s


@case(np.array([[0.5, -1.3, 0.4], [0.8, 0.2, -0.7]]), np.array([2, 2]))
@case(np.array([[0.5, -1.3, 0.4]]), np.array([1]))
def one_entry_of_each_row(x, labels):
    picked = x[np.arange(len(labels)), labels]
    total = np.sum(picked * np.log(np.sum(np.exp(x), axis=1)))
    return total + np.sum(np.tanh(x.T)[labels, np.arange(len(labels))] ** 2) + np.sum(x[0, labels])


@case(V, 0.1, W, wrt="x low high")
@case(np.stack([V, W]), -0.2, 0.4, wrt="x low high")
def bounds_that_vary(x, low, high):
    y = x.clip(low) * x.clip(max=high) + x.clip(low - 1.0, high + 1.0) * np.clip(x, low, 2.0)
    return np.sum(y * (x[0] - low).clip(S, 3.0)[:1])


@case(V, 0.3, np.array([1, 2]), wrt="x s")
def dtypes_that_change_nothing(x, s, counts):
    mean = np.sum(counts, dtype=float) / counts.size
    y = np.add(x, s, out=None)[0] * np.cumsum(x, dtype=float) ** mean
    z = np.concatenate((x, y), dtype=float)[1:] * np.linspace(s, 1.0, 5, dtype=float)
    fill = np.full(3, s, dtype=float) * np.full_like(x, x, dtype=np.float64)
    steps = np.full_like(x, s, dtype=int) + np.full(3, s, int)
    return np.sum(z) * x.mean(dtype=float) + np.sum(fill * np.add(y, steps)) * np.add(x, y)[1]


@case(V)
def arrays_without_axes(x):
    """`y[...]` of an array without axes is a view of it, `y[()]` a number."""
    y = np.array(x.sum())
    before = y[()]
    y[...] = y * x[0]
    z = np.zeros(())
    z[()] = before * x[1] + y[...]
    first = x * 2.0
    seen = first[..., 0] * x[...][1]
    first[0] = y * z
    return seen[()] * z * first[:1].reshape(())


@case(0.3, 1.4, V, wrt="x s v")
def numbers_that_become_arrays(x, s, v):
    """What the result is called was a number before: it stays inside the sum over its entries."""
    x = v / s
    s = v * s + x
    items = [s * 2.0]
    return items[0] @ x


LOWEST, HIGHEST, AXIS = -0.1, None, None


@case(V)
def options_outside_that_are_none(x):
    return np.clip(x, LOWEST, HIGHEST) * np.sum(x * x, axis=AXIS)


@case(V)
def reductions_of_lists(x):
    total = np.sum([x[0] * x[1], x[2]]) * np.mean([v * v for v in x])
    return total * np.average((x[0], x[1])) + np.sum([x, x * x]) * x[1]


@case(np.stack([A, A * A]))
def means_over_axes_in_any_order(x):
    return x.mean(axis=(-1, 0)).sum() * x.var(axis=(1,), ddof=1).sum() * x.sum((2, 0)) @ x[0, :, 0]


@case(np.array([0.3, 0.9, -0.4]), wrt="v")
def shape_of_what_is_taken_away(v):
    """The square of the length is left of the sum, an array all the same."""
    return v @ v - v + v
