"""Plain code that a pass once took for something simpler than it is."""

import itertools
import logging
import math

import numpy as np

from tests.generators import countdown

from .cases import beyond, case

V = np.array([0.3, 1.2, 0.7])
SMALL = np.array([2, 200, 3], dtype=np.uint8)


@case(V)
@case(0.6)
def masks_with_names(x):
    """What multiplies one differential is not added up: mask + mask is mask or mask."""
    m = x > 0.5
    k = x > 0.2
    return np.sum(x * m + x * k) - np.sum(x * k - m * x * x) + np.sum(x) * np.all(k)


@case(V, SMALL)
def small_integers(x, n):
    return np.sum(n * x - x * n.max()) + (n @ x) * n[0]


@case(0.7)
def index_set_behind_the_store(x):
    items = [x, 2 * x, 3 * x]
    i = 0
    items[i], i = items[2], 2
    return items[0] * items[i]


@case([1.2, -0.4, 0.9])
@case(V)
def bounds_from_what_is_stored_into(x):
    a = [0.0] * len(x)
    for i in range(len(a)):
        a[i] = x[i] * x[i - 1]
    for i in range(len(a) - 1, 0, -1):
        a[i - 1] += a[i] * 0.5
    total = 0.0
    for v in a:
        total += v * v
    a[0] = total
    return a[0] * a[1]


@case([1.2, -0.4, 0.9])
def insertion_sort(x):
    a = list(x)
    for i in range(1, len(a)):
        key = a[i]
        j = i - 1
        while j >= 0 and a[j] > key:
            a[j + 1] = a[j]
            j -= 1
        a[j + 1] = key
    return sum(i * v * v for i, v in enumerate(a))


@beyond(0.7, wrt="x")
def shared_where_a_loop_is_left(x):
    a = [x, 2.0]
    b = a[1:]
    for i in range(3):
        if i == 1:
            b = a
            break
    a[0] = x * x
    return b[0] * a[1]


@beyond(V, wrt="x")
def shared_where_a_round_is_left(x):
    a = x * 1
    b = x * 2
    for i in range(3):
        if i == 1:
            b = a
            continue
        a[0] = a[0] * x[1]
    return np.sum(b * x)


@case({"a": 0.7, "b": 1.3}, {"a": 0.4, "b": 0.2}, wrt="x w")
def keys_of_one_dict_for_another(x, w):
    total = 0.0
    for k in x:
        total += w[k] * 2.0
    for i, k in enumerate(reversed(x)):
        total = total * x[k] + i
    return total


@case({1: 0.7, 2: 1.3}, wrt="x")
def keys_that_are_numbers(x):
    return sum(x[k] * 0.5**k for k in x)


@case([0.7, 1.3, 0.2], wrt="x")
def places_counted_beside_items(x):
    total = 0.0
    for i, v in enumerate(x):
        total += x[i - 1] * v * i
    for i in range(1, len(x)):
        total += x[i] * x[i - 1] * total
    return total


@case(0.7, [1.0, 3.0, 2.0])
def iterators_are_used_up_once(x, v):
    """Each is run over once in the derivative too, at the same place."""
    steps = map(float, v)
    y = math.sin(x * sum(steps)) + sum(steps) * x
    for k in countdown(3):
        y = y * x + k
    source = iter(v)
    for a in source:
        y = y * x + a * next(source, 0.5)
    pairs = zip(v, v)
    for a, b in pairs:
        y = y * x - a * b
        if a > 2.0:
            break
    return y * len(list(pairs)) + x * sum([a * b for a, b in pairs]) + x * sum(countdown(2))


@case(0.7, 2)
def groups_inside_of_groups(x, n):
    y = x
    for _ in range(n):
        for k, group in itertools.groupby([1, 1, 2]):
            y = math.sin(y + k * x * len(list(group)))
    return y


@case(0.7)
def endless_iterator(x):
    for k in itertools.count(1):
        x = x * 0.5 + 0.01 / k**2
        if x < 0.1:
            break
    return x * x * k


def first_grows(*args):
    args[0][0] += 1.0
    return args[0][0]


@case(0.7, V)
def arrays_changed_behind_a_star(x, v):
    y = x * v[0]
    y = y * first_grows(v)
    return y * x * v[0]


@case(V)
def popped_and_thrown_away(x):
    rows = [x * 2, x * x, x + 1]
    table = {"a": x[0], "b": x[1]}
    total = np.sum(rows[2] * rows[0])
    rows.pop()
    table.pop("b")
    table.pop("c", None)
    return total * rows[0][1] * rows[1][2] + sum(table.values())


@case([0.3, 1.2], [1.0, 2.0], wrt="x")
def passive_list_beside(x, v):
    total = 0.0
    for i, (a, k) in enumerate(zip(x, v)):
        total += a * a * k * i
    return total + sum(a * k * a for k, a in zip(v, x))


@case(0.7, 1.3, wrt="a")
def shift_register(a, b):
    """What varies reaches the first place only after as many steps as there are places."""
    st = (b, b, b)
    for i in range(5):
        st = (st[1], st[2], a * st[2])
    d = {"new": b, "old": b}
    while d["new"] > 0.1:
        d = {"new": d["new"] * a * a, "old": d["new"]}
    return st[0] + st[1] * d["old"]


@case(0.7)
def popped_inside_of_what_has_no_derivative(x):
    items = [x, x * x, x**3]
    k = int(items.pop() * 100)
    count = len([items.pop()])
    return items[-1] * k * count


LEVEL = [1]
RATES = np.array([1.0, 2.0])
LOG: list[int] = []


class Settings:
    speed = 1.0


SETTINGS = Settings()


def raise_level():
    LEVEL[0] += 1
    return LEVEL[0] > 2


def by_level(t):
    return t * LEVEL[0]


@case(0.7)
def globals_that_change_on_the_way(x):
    """What the reverse sweep reads of them is what was there then."""
    LEVEL[0] = 2
    LOG[:] = [3]
    RATES[0] = 2.0
    SETTINGS.speed = 2.0
    y = x * LEVEL[0] * SETTINGS.speed + by_level(x) * x + x * len(LOG)
    raise_level()
    for _ in range(LEVEL[0]):
        y = y * x * RATES
        LEVEL[0] = 1
        LOG.append(1)
    if LEVEL[0] < 2:
        y = y * np.sum(RATES * x)
    RATES[0] = 7.0
    LEVEL[0] = 5
    SETTINGS.speed = 3.0
    LOG.clear()
    return np.sum(y * x * RATES) * SETTINGS.speed


@case(0.7)
def loop_for_its_effect(x):
    LEVEL[0] = 0
    for _ in range(3):
        if raise_level():
            pass
    return x * x * LEVEL[0]


def _decayed(v, b):
    (a, b), t = ((b, b), math.sin(np.sum(v)))
    b /= 1.5 + b * b
    return a * b * t


@case(V, 0.7)
def number_updated_beside_an_array(v, x):
    """With kinds unknown, what `b` was made of says which argument must be a number."""
    return _decayed(v, x) * v[0]


@case([0.3, 0.7, 1.1], 0.4)
@case(V, 0.4)
def items_that_add_to_items(x, c):
    u = list(x)
    d = {k: x[k] for k in range(3)}
    rows = [[x[0], x[1]], [x[1], c]]
    for i in range(2):
        u[i + 1] += c * u[i] * u[i + 1] + u[i]
        u[-1] -= u[i] * u[2] + c * u[2 * i]
        d[i] += d[i] * d[i + 1] * c
        d[i + 1] -= d[0] * d[i + 1] + d[i] * c
        rows[i][0] += rows[i][0] * rows[1 - i][1] * c
    return u[0] * u[2] + d[0] * d[2] * rows[0][0] * rows[1][0]


@case(V, 0.4)
def parts_that_add_to_parts(x, c):
    u = np.array([*x, c, x[0]])
    u[1:-1] += u[2:] - u[1:-1] * c + u[:-2]
    np.add.at(u, [0, 1, 0], u[[1, 0, 0]] * c + u[0])
    u += u[0] * c
    u *= u[1] + c
    return np.sum(u * u)


@case(0.7, 5)
def loops_over_what_grows(x, n):
    """Each item is read when its turn comes, whatever was done to the list before."""
    todo, s = [x], 0.0
    for a in todo:
        s += a * a
        if len(todo) > n:
            continue
        todo.append(s * a)
        if s > 3.0:
            break
    else:
        s *= x
    pairs = [(x, 0)]
    for v, depth in pairs:
        s = s * v + v
        if depth < 2:
            pairs.append((v * x, depth + 1))
            pairs += [(v + x, depth + 2)]
    for i, a in enumerate(todo, 2):
        s = s * a + i * x
        if len(todo) < n + 3:
            todo.insert(0, s)
    return s * todo[-1]


@case(0.7, 5)
def loops_over_passive_values_that_change(x, n):
    q, table, s = [1, 2, 3], {0: 1, 1: 2, 2: 3}, x
    for k in q:
        s = s * x + k * s
        if len(q) < n:
            q.append(k + 1)
    for i, k in enumerate(q):
        s = s * x * 0.1 + k * s * 0.2
        q[i] = 0
    for key, k in table.items():
        s = s * x + k * s * 0.2
        table[key] = 7
        table[2] = 5
    for k in reversed(q):
        s = s * x + k * s
        q[0] = 3
    for k in q:
        s = s * x + k * s * s
        if k == 3:
            q += [1]
    return s


@case(V)
def items_changed_ahead_of_the_loop(x):
    u = x.copy()
    d = {"a": x[0], "b": x[1]}
    s = 1.0
    for i, a in enumerate(u):
        s = s * a + a
        if i < 2:
            u[i + 1] *= s
    for key in d:
        s = s * d[key] + x[2]
        d[key] = s
    return s * u[2] * d["a"]


TOLD = logging.getLogger("tests.pitfalls")


def _logged(x):
    TOLD.debug("step at %s", x)
    logging.debug("step at %s", [x])
    return x * x


@case([0.7, 1.2])
def messages_to_a_log(x):
    total = 0.0
    for v in x:
        TOLD.info("total %s of %s", total, x)
        total += v * _logged(v)
    return total * x[0]


@case(V, 0.6)
def shapes_that_cancel(x, c):
    """The tangent of what cancels is zero, of what is left a number: the shape is that of x."""
    w = x + c - x
    u = x * c / x - w * 0
    s = 0.0
    for _ in range(2):
        s = s + x - x
        s += c * c
    x = x - x + c
    return [np.sum(w * w + s), np.sum(c + x * 0) * np.sum(u) + np.sum(2 * (x + c) - (x + x))]


@case([0.3, 1.2, 0.7], 0.4)
def names_that_templates_bind(x, v):
    """The variable of a comprehension in a rule's template is no variable of the user's."""
    k = v * v
    return min(max(x), v) * max(x) - max(min(x), v * k) / k


@case(0.7, 3)
def rows_stored_whole_and_read_in_part(x, n):
    """The adjoint (the tangent) of an item that is stored into has the structure of that item."""
    rows = [[x], [2 * x], np.array([x, x * x])]
    d = {"a": [x, 1.0], 0: {"u": x}}
    y = rows[0][0] * d[0]["u"] * rows[2][1]
    rows[0] = [1.0]
    rows[2] = np.zeros(2)
    for i in range(n):
        rows[i % 2] = [rows[i % 2][0] * x, rows[1][0]]
        d["a"] = [d["a"][1] * y, d["a"][0]]
        d[i + 1] = {"u": d[i]["u"] * rows[i % 2][1]}
    return d["a"][0] * d[n]["u"] * rows[1][0] + y * rows[2][1]


@case(np.array([0.3, 0.7, 1.1, -0.4, 0.6]))
def items_of_what_is_gathered(x):
    """`x[m]` is a copy: what is added to an item of the adjoint's copy reaches nothing."""
    u = x * 1.0
    m = u > 0.5
    i = np.array([0, 2])
    first = u[~m][0] * u[m][0]
    u[m] = u[m] * u[~m][0]
    u[i] = u[i] * u[i][0]
    u[i] += u[[2, 1]][1] * u[i][1:][0]
    return np.sum(u * u) + first * u[1:][i][0]


@case(0.7)
def lists_take_what_can_be_run_over(x):
    q, r = [1.0, 2.0], [x, 2.0]
    y = x * q[1]
    q += (3.0,)
    q += range(2)
    r += (3 * x,)
    d = {"a": 2.0}
    seen = d.values()
    y *= y * sum(seen)
    d["a"] = 3.0
    return y * y * sum(q) * sum(r) * sum(seen)


@case(np.array([0.3, 0.7, 1.1]))
@case([0.3, 0.7, 1.1])
def tables(x):
    """Rows that a comprehension makes are each a list of their own."""
    n = 3
    t = [[0.0] * n for _ in range(n)]
    u = {key: [[0.5 for _ in range(2)], [1.0] * 2] for key in "ab"}
    for i in range(n):
        t[i][0] = x[i]
        t[0][i] = x[i] * 2
    for i in range(1, n):
        for j in range(1, n):
            t[i][j] = t[i - 1][j] * x[i] + t[i][j - 1] * t[i - 1][j - 1]
    u["a"][0][1] = t[2][2] * x[0]
    u["b"][1][0] += u["a"][0][1] * u["b"][0][1] * x[1]
    return u["b"][1][0] * u["a"][0][1]


def _folded(xs):
    s = 1.0
    for v in xs:
        s = s * v * 0.5 + v
    return s


def _moved_on(xs, n):
    if n == 0:
        return _folded(xs)
    ys = [v * xs[0] * 0.5 for v in xs]
    ys.append(_moved_on(ys, n - 1))
    s = 0.0
    for _ in range(n):
        zs = xs
        s = s * 0.5 + _folded(zs) * zs[0]
        xs = [s, *ys]
    xs = ys
    return s * _folded(xs)


@case(0.7)
def lists_lent_to_callees(x):
    """What a callee keeps of its argument, under another name too, is what it was at the call."""
    xs = [x, 0.3]
    a = _moved_on(xs, 2)
    xs[0] = a
    xs.append(a * x)
    b = _moved_on(xs, 1)
    xs.pop()
    return a * b, _folded(xs)


def _scaled_on(u, n):
    s = u[0]
    for i in range(n):
        w = u
        u = u * s
        s = s * 0.5 + w[i] * w[0]
    return s


@case(V)
def arrays_lent_to_callees(x):
    u = x * 1.0
    a = _scaled_on(u, 2)
    u[0] = a * 0.3
    b = _scaled_on(u, 3)
    u[1] = a
    return a * b, u


@case(0.2, np.array([[0.1, 0.2], [1.0, -0.7]]), np.array([0.3, -0.2]), wrt="x a p")
@case(0.4, np.array([[0.1, 0.2], [1.0, -0.7]]), np.array([0.3, -0.2]), wrt="x a p")
def array_of_a_branch_not_taken(x, a, p):
    """Whose adjoint begins as zeros in front of the loop, be it there or not."""
    for row in a:
        x = math.sin(x)
        chosen = x > 0.3
        if chosen:
            only = np.sin(row[::-1] - p)
        if chosen:
            x = x + np.sum(only) * 0.5
    return x


@case([0.3, 0.7, 1.1, 0.4], 1, wrt="xs")
def sums_of_whole_numbers_in_an_index(xs, i):
    """What is added up in an index stays as it is written: a sum of floats is no index."""
    first = xs[1 + 1] * math.sin(xs[i + 1 - 1])
    return first * xs[(2 + 1) % len(xs)] + first**2 * xs[i + 1 + 1]
