"""Tuples, lists, dicts, comprehensions, and loops over sequences."""

import functools
import math
import operator

import numpy as np

from .cases import beyond, case

POINTS = ((0.0, 1.0), (0.5, 0.25), (1.5, -2.0))


@case(0.6, 2)
def reads_by_index(x, n):
    values = (x, x * x, 2.0, x**3)
    nested = [[x, 1.0], [2.0, x * x]]
    table = {"a": x, "b": {"c": x * x}, 3: 0.5}
    return values[n] * values[-1] + values[n - 1] + nested[1][n - 1] + table["b"]["c"] * table[3]


@case(0.6, "b")
def reads_by_computed_key(x, key):
    return {"a": x, "b": x * x}[key] * {True: x, False: 1.0}[x > 0.5]


@case(0.6, 4)
def list_by_append(x, n):
    values = []
    for i in range(n):
        values.append(x * i + 0.5)
    return values[0] * values[-1] + sum(values) + len(values) * values[n // 2]


@case(0.6, 4)
def append_reads_back(x, n):
    values = [x, 1.0]
    for i in range(n):
        values.append(values[-1] * x + values[-2])
    return values[-1] * values[2]


@case(0.6)
def comprehension(x):
    squares = [x * k for k in range(1, 4)]
    mixed = [a * b for a, b in zip(squares, squares[1:]) if a > 0.7]
    grid = [i * x + j for i in range(2) for j in range(3) if i != j]
    return sum(squares) + mixed[0] + sum(grid) + sum(v * v for v in squares)


@case(0.6)
def comprehension_shadows(x):
    values = [x * x for x in (x, 2.0, 3.0)]
    return values[0] * x + values[1]


@case(0.6)
def nested_comprehension(x):
    rows = [[x * i + j for j in range(2)] for i in range(2)]
    return rows[1][1] * rows[0][1] + sum(sum(row) for row in rows)


@case(0.6)
def dict_comprehension(x):
    table = {k: x**k for k in range(3)}
    return table[2] * table[1] + sum(table.values())


@case(0.6)
def loop_over_tuple(x):
    total = 0.0
    for item in (x, 2.0, x * x):
        total = total * x + item
    return total


@case([0.6, -0.3, 1.2], wrt="xs")
def loop_over_list(xs):
    total = 1.0
    for value in xs:
        total = total * (1.0 + value * value)
    return total


@case(np.array([0.6, -0.3, 1.2]), wrt="v")
def loop_over_array(v):
    total = 0.0
    for value in v:
        total = math.sin(total + value)
    return total


@case(np.array([[0.6, -0.3], [1.2, 0.1]]), wrt="A")
def loop_over_rows(A):
    total = 0.0
    for row in A:
        total = total * 0.5 + np.sum(row * row) + row[0]
        for item in row:
            total = total + item**3
    return total


@case([0.6, -0.3], np.array([1.5, 2.0]), wrt="xs v")
def loop_over_zip(xs, v):
    total = 0.0
    for a, b in zip(xs, v):
        total = total * b + a * b
    for a, (b, c) in zip(xs, zip(v, reversed(xs))):
        total += a * b * c
    return total


@case([0.6, -0.3], 0.5, wrt="xs x")
def loop_over_enumerate(xs, x):
    total = x
    for i, a in enumerate(xs):
        total = total * a + i * x
    for k, (a, b) in enumerate(zip(xs, xs[1:]), start=2):
        total += a * b * k
    return total


@case([0.6, -0.3, 0.9], 0.5, wrt="xs x")
def loop_over_reversed(xs, x):
    total = x
    for a in reversed(xs):
        total = total * x + a
    for i in reversed(range(3)):
        total = total * xs[i] + i
    for a in xs[::-1]:
        total -= a * total
    return total


@case(0.5)
def loop_over_pairs(x):
    total = 0.0
    for node, weight in POINTS:
        total += weight * (x - node) ** 2
    return total


@case(0.5)
def loop_over_dict(x):
    weights = {"a": x, "b": 2.0 * x}
    total = 0.0
    for name in weights:
        total += weights[name] * len(name)
    for name, value in weights.items():
        total = total * value
    for value in weights.values():
        total = total + value * value
    return total


@case(0.5)
def loop_over_zipped_dicts(x):
    weights = {"a": x, "b": 2.0 * x}
    others = {"p": x * x, "q": 0.5}
    total = x
    for (name, w), v in zip(weights.items(), others.values()):
        total = total * w + v * weights[name]
    for k, name in enumerate(weights):
        total += weights[name] * total * k
    for key in reversed(others):
        total = total * others[key] + x
    return total


@case(0.5)
def list_operations(x):
    a = [x, 1.0]
    b = a + [x * x]
    c = b[1:3]
    return sum(c) * c[-1] + max(b) + (a + c)[3] + len(c)


@case(0.5, 3)
def list_repeated(x, n):
    a = [x] * n
    b = [x, 1.0, x * x] * 2
    c = 2 * [x * x, x]
    return a[1] * b[3] * b[-1] + len(b) + c[2] * c[1] + sum(a)


@case([0.6, 0.3], wrt="xs")
def list_concatenated(xs):
    a = xs + [1.0] + xs
    b = [2.0] + xs[1:]
    return a[0] * a[4] + b[1] + len(a)


@case(0.6)
def tuple_repeated(x):
    a = (x,) + (1.0, x * x)
    a += (2 * x,)
    b = a * 2
    return a[2] * a[3] + b[4] + b[6]


@case(np.array([0.6, 0.2]), wrt="v")
def list_of_an_array(v):
    squares = [t * t for t in v]
    w = np.array([squares[0], v.tolist()[1] * 2])
    x, y = v
    return np.sum(w) * x + y * list(v)[0] + tuple(v)[1]


@beyond(0.5)
def list_appended_through_an_alias(x):
    a = [x]
    b = a
    b.append(x * x)
    return a[0] * a[1] + len(a)


@beyond(0.5)
def list_in_a_tuple_appended(x):
    a = ([x], 2.0)
    a[0].append(x * x)
    return a[0][1] * a[1] + len(a[0])


@beyond([0.5, 0.25], wrt="xs")
def argument_appended(xs):
    xs.append(xs[0] * xs[1])
    return xs[-1] * xs[0] + len(xs)


@case(0.5)
def items_replaced(x):
    a = [x, 1.0]
    a[1] = a[0] * x
    a[0] += a[1]
    return a[0] * a[1]


@case(0.5)
def list_extended(x):
    a = [x]
    a.extend([x * x, 2.0])
    a += [x**3]
    a.insert(0, x * 5)
    last = a.pop()
    return a[0] * a[1], a[2] * last * len(a)


@beyond(0.5)
def callee_appends(x):
    def grow(values, item):
        values.append(item * x)

    a = [x]
    grow(a, 3.0)
    return a[0] * a[1]


@case(0.5)
def dict_filled(x):
    table = {}
    for k in range(3):
        table[k] = x * k
    table["last"] = table[2] * x
    return table["last"] + table[1]


@case(0.5)
def tuple_operations(x):
    a = (x, 1.0) + (x * x,)
    return a[2] * a[0] + sum(a[:2]) + len(a) * (x in a)


@case([0.5, 0.25], wrt="xs")
def list_argument_unpacked(xs):
    a, b = xs
    return a * b + a


@case((0.5, 0.25), wrt="pair")
def tuple_argument(pair):
    return pair[0] ** 2 * pair[1]


@case({"w": 0.5, "b": np.array([0.25, 1.0])}, wrt="params")
def dict_argument(params):
    return params["w"] * np.sum(params["b"] ** 2) + params["w"]


@case({"layers": [(0.5, 0.1), (1.5, -0.2)]}, wrt="params")
def nested_argument(params):
    h = 0.3
    for w, b in params["layers"]:
        h = math.tanh(w * h + b)
    return h


@case(0.5)
def tuple_result(x):
    return x * x, math.sin(x), 3.0


@case(0.5, np.array([1.0, 2.0]), wrt="x v")
def mixed_result(x, v):
    return x * v, [x, v[0] * x], {"a": x**2}


@case(0.5, 3)
def list_result(x, n):
    return [x**k for k in range(n)]


@case(np.array([0.6, -0.3, 1.2]), wrt="v")
def array_result(v):
    return v * np.sum(v)


@case(0.5, 5)
def list_of_tuples(x, n):
    path = [(x, 1.0)]
    for i in range(n):
        a, b = path[-1]
        path.append((a * 0.9 + b, b - 0.1 * a))
    return sum(p[0] * p[1] for p in path)


@case(0.5, 3)
def lists_of_lists(x, n):
    rows = []
    for i in range(n):
        row = []
        for j in range(i + 1):
            row.append(x * j + i)
        rows.append(row)
    return rows[2][1] * rows[1][1] + sum(rows[-1])


@case(0.5)
def stores_into_items_of_items(x):
    rows = [[x, 1.0], [2.0 * x, x]]
    rows[0][1] = x * x
    rows[1][0] += 3.0 * x
    table = {"p": {"q": x, "r": 1.0}, "s": {"q": 2.0, "r": x}}
    table["p"]["r"] = rows[0][1] * x
    table["s"]["q"] *= table["p"]["r"]
    last = rows.pop()
    last[0] = last[1] * x
    return rows[0][1] * last[0] + table["p"]["r"] * table["s"]["q"]


@case(np.array([0.6, -0.3, 1.2]), wrt="v")
def stores_into_arrays_in_a_list(v):
    parts = [v * 1.0, v * 2.0]
    parts[0][1] = v[0] * v[2]
    parts[1] += v * v
    return np.sum(parts[0] * parts[1])


@case(np.array([0.6, -0.3, 1.2]), wrt="v")
def store_into_a_sum_with_a_constant(v):
    """The tangent of the sum is that of v, which the store must not change."""
    shifted = v + 1.0
    shifted[0] = 2.0
    return np.sum(v * shifted)


@beyond(0.5)
def rows_that_are_one_list(x):
    row = [x, 1.0]
    rows = [row, row]
    rows[0][1] = x * x
    return rows[1][1] + row[1]


@beyond(0.5)
def repeated_rows(x):
    rows = [[x, 1.0]] * 2
    rows[0][1] = x * x
    return rows[1][1] * rows[0][1]


@beyond(0.5)
def greatest_row_changed(x):
    rows = [[x, 1.0], [2.0 * x, x]]
    row = max(rows)
    row[0] = 3.0 * x
    return rows[1][0] * rows[0][0]


@beyond(0.5)
def items_of_a_copy_changed(x):
    table = {"a": [x, 1.0]}
    other = dict(table)
    other["a"][1] = x
    return table["a"][1] * x


@beyond(0.5)
def rows_of_an_array_listed(x):
    A = np.zeros((2, 2))
    rows = [row for row in A]
    A[0, 0] = x
    return rows[0][0] * 2.0 + x


@beyond(np.array([0.6, -0.3, 1.2]), wrt="v")
def item_changed_in_place(v):
    w = v * 2.0
    parts = [w, v * 3.0]
    parts[0] += v
    return np.sum(w * v)


@beyond(0.5)
def dict_grows_after_a_loop(x):
    table = {"a": x}
    total = x
    for key in table:
        total += table[key] * x
    table["b"] = total
    return table["b"] * x + total


@case(0.5)
def any_and_all(x):
    values = [x, 1.0, 2.0]
    if all(v > 0 for v in values) and any(v > 1.5 for v in values):
        return x * values[1] + values[0] ** 2
    return x


@case([0.5, 0.2, 0.9], wrt="xs")
def sorted_values(xs):
    low, mid, high = sorted(xs)
    return low * 2 + mid**2 + high**3


@case([0.6, 0.3, 0.9], wrt="xs")
def sorted_items(xs):
    total = 0.0
    for k, t in enumerate(sorted(xs)):
        total = total * 0.5 + t * k
    high, *_ = sorted(xs, reverse=True)
    near = sorted(xs, key=lambda t: abs(t - 0.5))
    low, high2 = min(xs, key=abs), max(xs, key=lambda t: -t * t)
    return total * high + near[0] * near[2] + low * high2


@case([0.6, 0.3, 0.9], wrt="xs")
def reversed_items(xs):
    a, b, c = reversed(xs)
    ys = list(reversed(xs))
    return a * 2 + b**2 * c + ys[0] * ys[1]


@case([0.6, 0.3], [0.2, 0.4], wrt="xs ys")
def pairs_under_one_name(xs, ys):
    total = 0.0
    for pair in zip(xs, ys, strict=True):
        total += pair[0] * pair[1]
    for i, pair in enumerate(zip(xs, reversed(ys)), 1):
        total += pair[0] * pair[1] * i
    for pair in enumerate(xs):
        total += pair[1] ** (pair[0] + 2)
    pairs = list(zip(xs, xs[::-1]))
    counted = list(enumerate(ys))
    return total * pairs[0][0] * pairs[1][1] + counted[1][1]


@case([(0.6, 0.3), (0.2, 0.4)], wrt="rows")
def columns(rows):
    xs, ys = zip(*rows)
    return xs[0] * ys[1] + xs[1] * ys[0] ** 2


@case([0.6, 0.3, 0.2], wrt="xs")
def map_filter_reduce(xs):
    squares = list(map(lambda t: t * t, xs))
    products = map(lambda a, b: a * b, xs, squares)
    large = filter(lambda t: t > 0.25, xs)
    total = functools.reduce(lambda a, b: a * b + 1, xs)
    return sum(squares) * sum(products) + sum(large) + functools.reduce(operator.mul, xs, total)


@case({"a": 0.6, "b": 0.3}, wrt="d")
def dict_of_items(d):
    squares = {k: v * v for k, v in d.items() if v > 0.1}
    named = dict(zip("xy", d.values()))
    total = 1.0
    for pair in d.items():
        total *= pair[1] + len(pair[0])
    for i, (k, v) in enumerate(d.items()):
        total += v ** (i + 1) * len(k)
    for k in reversed(d):
        total *= d[k] + 1.0
    return squares["a"] * sum(squares.values()) * max(d.values()) + named["x"] * total


@case({"a": 0.6, "b": 0.3}, 0.5, wrt="d x")
def dict_read_by_get(d, x):
    return d.get("a") * d.get("b", 1.0) + d.get("c", x) * d.get("a", x) + d.get("z", 2.0)


@case(0.5)
def dict_put_together(x):
    d = dict(a=x, b=2 * x)
    d.update(b=x * x)
    d.update({"c": x**3})
    d.setdefault("a", 100.0)
    e = d.setdefault("e", x * 5)
    both = {**d, "b": x, "f": e} | {"a": x * x}
    both |= {"g": x**4}
    last = both.pop("f")
    return d["b"] * d["c"] + e * both["a"] * both["b"] + last * both["g"] + len(both)


@case({"a": 0.6}, {"b": 0.3, "a": 0.2}, wrt="d e")
def dict_union(d, e):
    f = d | e
    return f["a"] * f["b"] + d["a"]


@case(0.5)
def list_changed_in_place(x):
    a = [x, x * x]
    a.insert(0, 3 * x)
    a.insert(1, 2.0)
    a.extend([x**3, 2.0])
    a.extend(t * x for t in range(1, 3))
    a += (x, 1.0)
    b = a.pop(1) * 0.5
    c = a.pop(0)
    d = a.pop()
    a.reverse()
    e = a[1] * a[-1] * b * c * d
    a.sort(reverse=True)
    return e, a[0] * a[1] * len(a)


@case(0.5)
def list_copied(x):
    a = [x, x * x]
    b = a.copy()
    c = a[:]
    b[0] = 2.0
    return a[0] * b[1] + c[0] * b[0]


@case([0.6, 0.3, 0.2, 0.1], wrt="xs")
def starred_targets(xs):
    a, *rest, b = xs
    *start, end = xs
    total = a * rest[0] * b + rest[1] + len(rest) + start[2] * end
    for first, *others in [xs, rest]:
        total += first * others[0]
    return total


@case([0.6, 0.3], wrt="xs")
def starred_displays(xs):
    a = [*xs, 1.0, *xs]
    t = (0.5, *xs)
    return a[0] * a[4] + t[1] * t[2] + max(*xs)


@beyond(0.5)
def popped_and_read_at_once(x):
    a = [x, x * x, 3 * x]
    return a[-1] * a.pop()


@case([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], [1.0, 0.5, 1.5], wrt="x v")
def sums_in_comprehension(x, v):
    """A list with one sum for each row: what is kept for it is read once for each entry."""
    return [sum(row[i] * v[i] for i in range(len(v))) for row in x]


@case(0.7, [1.5, 2.5, 0.5])
def list_made_anew(x, zs):
    y = zs[0] * x
    zs = []
    for i in range(3):
        zs.append(x * i + y + 1.0)
    for i in range(len(zs)):
        y = y * zs[i]
    zs = [zs[-1]]
    for _ in range(2):
        zs.append(y * zs[-1])
    return zs[-1] * zs[1] * x


@case(0.7, [1.5, None, 0.5])
def comprehension_over_its_own_name(x, zs):
    if x > 0.0:
        zs = [x * i for i in range(3) if zs[i] is not None]
        zs = [z * zs[-1] + x for z in zs]
    else:
        zs = [1.0, 2.0]
    return zs[0] * zs[1]


@case(0.7, [1.5, 2.5, 0.5])
def list_made_anew_in_a_loop(x, zs):
    items = [x]
    for z in zs:
        items.append(items[-1] * z)
        if len(items) > 2:
            items = [items[-1] * x]
    return items[-1] * items[0]


@beyond(0.7, [1.5, 2.5, 0.5])
def list_of_the_caller_or_new(x, zs):
    y = x
    for k in range(3):
        y = y * zs[k]
        if k == 1:
            zs = []
            for j in range(3):
                zs.append(y * x + j)
    return y * zs[2]


def doubled(t):
    return 2.0 * t * t


@case(0.7, [1.5, 2.5, 0.5])
def map_of_a_function(x, zs):
    a, b = map(doubled, (x, zs[0] * x))
    x, first = list(map(float, [x, zs[1]]))
    return a * b + sum(map(doubled, zs)) * tuple(map(doubled, (x, b)))[1] * x * first


@case([4.0, 5.0, 4.5], [1.0, 2.0, 3.0], wrt="b d")
def lists_made_side_by_side(b, d):
    """A tridiagonal system: what one assignment makes is as new as what two make."""
    cp, dp = [1.0 / b[0]], [d[0] / b[0]]
    for i in range(1, len(d)):
        m = b[i] - cp[i - 1]
        cp.append(1.0 / m)
        dp.append((d[i] - dp[i - 1]) / m)
    x = [0.0] * len(d)
    x[-1] = dp[-1]
    for i in range(len(d) - 2, -1, -1):
        x[i] = dp[i] - cp[i] * x[i + 1]
    return sum(v * v for v in x)


@case([1.0, 2.0], [3.0, 4.0], wrt="a b")
def lists_that_change_names(a, b):
    """`c, d = d, c` makes nothing new."""
    c, d = [a[0]], [b[0]]
    c, d = d, c
    total = c[0] * d[0]
    c, d = [c[0], a[1]], c
    c.append(b[1] * total)
    return c[0] * c[1] + c[2] * d[0]


@case(0.7, [1.5, -0.5])
def item_read_on_one_way(x, zs):
    """What was appended is taken back on either way, and once where it is read for each key."""
    d = {"a": x, "b": x * x}
    items = []
    kept = []
    for z in zs:
        items.append(x * z if z > 0.0 else x)
        items.append(z if z > 0.0 else x * z)
        kept.append(dict(d))
        d["a"] = d["a"] * d["b"]
        d["b"] += d["a"]
    return items[0] * items[1] + items[2] * items[3] + d["a"] * d["b"] * kept[1]["b"]


@case(0.6, 1.2, wrt="x y")
def stack_machine(x, y):
    stack = [x, y, x * y]
    while len(stack) > 1:
        stack.append(stack.pop() - 2.0 * stack.pop())
    stack.append(y)
    stack.append(stack.pop(0) * stack[-1])
    return stack[0] * stack[1]


@case(0.6, [1.2, 0.3, 0.9], wrt="x xs")
def extremes_of_stars(x, xs):
    return max(*xs, x) * min(x, *xs, *xs[1:]) + max(*xs)


@case(0.7, 4)
def tuples_on_a_stack(x, n):
    todo = [(x, n)]
    total, last = 0.0, [1.0]
    while todo:
        v, k = todo.pop()
        if k == 0:
            total += v * v
            continue
        todo.append((v * 0.5 + x, k - 1))
        if k > 1:
            todo.append((v * v, k - 2))
            last[0], k = todo[-1]
    found = {"last": x}
    found["last"] = last.pop()
    return total * found["last"]


@case(0.7, [1.5, -0.5, 0.8])
def list_made_anew_in_each_round(x, zs):
    """What a stack receives and is bound anew belongs to it alone, and may change when back."""
    out = [x]
    for z in zs:
        if z > 0.0:
            out = []
            for k in range(3):
                item = x * z
                if out:
                    item = item * out[-1]
                out.append(math.sin(item))
    return x * out[-1] + out[0]


@case(0.7, [1.2, 0.5, 2.0], wrt="x xs")
def extremes_of_tuples(x, xs):
    pairs = [(a * x, k) for k, a in enumerate(xs)]
    nearest, at = min((abs(a - x), k) for k, a in enumerate(xs))
    same = max([(x, 1.0, xs[0]), (x, 0.0, xs[1])])
    return max(pairs)[0] * nearest + at * same[2] + max((xs[0], x), (xs[1], 2.0))[1]


@case([[0.7, 1.2, 0.4], [0.3, 0.2, 0.1]], 0.6, wrt="rows g")
@case(np.array([[0.7, 1.2, 0.4], [0.3, 0.2, 0.1]]), 0.6, wrt="rows g")
def columns_of_rows(rows, g):
    s = 0.0
    for a, b in zip(*rows):
        s = s * a + g * b
    columns = list(zip(*rows))
    x, y, z = zip(*rows)
    return s * columns[1][0] + sum(x) * y[1] + z[0]


@case(0.7, 5)
def stored_into_after_its_keys_were_sorted(x, n):
    powers = {}
    for k in range(2, n):
        powers[k] = x**k / k
    y = 0.0
    for k in sorted(powers, reverse=True):
        y = y * x + powers[k]
    powers[2] = y
    order = sorted(powers.values())
    order[0] = order[1] * powers[2]
    return order[0] * powers[3] + y


@case(np.array([0.7, 0.4, 1.2]), 0.6, wrt="v g")
def sums_of_parts_of_an_array(v, g):
    """A slice in a variable; the adjoint of what Python sums is like it, and stored into."""
    part = slice(0, None, 2)
    return sum(v[part]) * g + sum(v * g) * sum(v[1:])


@case([0.7, 0.4, 1.2, 0.3], wrt="xs")
def sum_from_another_sum(xs):
    a = sum(xs, 1.0)
    b = sum((k * v for k, v in enumerate(xs, start=2)), start=a)
    return a * b + xs[0] * xs[-1]


@case(0.7, ["p", "q", "r"])
def dict_of_pairs_with_written_keys(x, names):
    table = dict(zip(names, [x * k for k in range(1, len(names) + 1)]))
    for i, name in enumerate(names):
        table[f"{name}_{i}"] = table[name] ** 2 + i
    extra = table.pop(names[0] + "_0", 0.0)
    missing = table.pop("none", 2.0)
    return sum(table.values()) * extra + missing * len(table) * x


@case(0.5, [0.3, None, 1.2, None], wrt="x")
@case(0.5, [0.3, 0.4], wrt="x")
@case(0.5, [None, None], wrt="x")
@case(0.5, [0.3, None, 1.2], wrt="x ys")
def some_are_missing(x, ys):
    mean, spread = x, x * x
    total = 0.0
    for y in ys:
        spread = spread * 1.1 + x
        if y is None:
            continue
        gain = spread / (spread + 0.4)
        total -= math.log(spread) + (y - mean) ** 2 / spread
        mean = mean + gain * (y - mean)
    return total + mean


@case(0.5, [(1.0, None), (2.0, 0.7)], {"a": None, "b": 2}, wrt="x")
def some_parts_are_missing(x, rows, known):
    total = 0.0
    for weight, y in rows:
        total += weight * (x if y is None else (x - y) ** 2)
    for name in known:
        value = known[name]
        total += x * x * x if value is None else value * math.sin(x)
    return total


@case(0.6)
def repeated_inside_of_an_expression(x):
    return np.prod([x] * 3) * x + np.sum(np.array([x * x] * 2) ** 2) + math.prod((x,) * 3)
