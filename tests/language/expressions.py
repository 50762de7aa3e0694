"""Assignments, operators, conditions, builtins: straight-line code."""

import enum
import math

import numpy as np

from .cases import beyond, case

GRAVITY = 9.81
TABLE = (0.5, 1.5, 2.5)
LIMITS = {"low": 0.25, "high": 4.0}


@case(0.7)
def identity(x):
    return x


@case(0.7)
def constant(x):
    return 3.0


@case(0.7, 2.0, wrt="x y")
def all_operators(x, y):
    return (x + y) * (x - y) / (x * y) - -x + +y + x**2 + y**x + x % 0.5 + x // 0.3


@case(0.7, 3)
def integer_operators(x, n):
    k = (n // 2) + (n % 2) + (n << 1) + (n >> 1) + (n & 2) + (n | 4) + (n ^ 1) + ~n
    return x * k + n / 2 * x


@case(1.5, 0.3, wrt="x y")
def augmented(x, y):
    s = x
    s += y * x
    s -= y / 2
    s *= x + 1.0
    s /= 2.0 + y
    s **= 2
    s %= 5.0
    return s


@case(1.5, 0.3, wrt="x y")
def tuple_targets(x, y):
    a, b = x * y, x + y
    (c, d), e = (a, b), a * b
    a, b = b, a
    [g, h] = [a * 2, b * 3]
    return a * b + c * d * e + g / h


@case(1.5, 0.3, wrt="x y")
def starred_target(x, y):
    first, *rest = (x * y, x, y, 2.0)
    return first * rest[0] + rest[1] * rest[2] + len(rest)


@case(1.5)
def chained_targets(x):
    a = b = c = x * x
    a += 1.0
    b = b * a
    return a + b + c


@case(1.5)
def chained_with_tuple(x):
    pair = a, b = x * 2, x * 3
    return pair[0] * b + a * pair[1]


@case(0.4)
def overwritten(x):
    y = x
    x = x * x
    y = y + x
    x = math.sin(y) * x
    return x * y


@case(0.4)
def annotated(x: float) -> float:
    scale: float = 2.0
    y: "float" = x * scale
    z: float
    z = y * x
    return z


@case(0.4)
def long_expression(x):
    return (
        x * x  # the square
        + 2 * x * (1 - x)  # and the cross term
        - x
        / (
            1 + x**2  # kept positive
        )
    )


@case(0.4, 0.6, wrt="x y")
@case(0.6, 0.4, wrt="x y")
def conditional_expression(x, y):
    return (x * y if x > y else x - y) + (x if y > 0.5 else (y if x > 0.5 else 1.0)) ** 2


@case(0.4, 0.6, wrt="x y")
@case(-0.4, 2.0, wrt="x y")
def boolean_operators(x, y):
    s = x
    if x > 0 and y < 1 and not x > y:
        s = s * y
    if x < -1 or y > 1.5 or not (x > 0 or y > 0):
        s = s + y * y
    return s


@case(0.4, 0.0, wrt="x")
@case(0.0, 0.7, wrt="y")
def boolean_values(x, y):
    kept = x or y
    both = y and x
    return kept * 3.0 + both * 2.0 + (y or 1.5) * (x or 2.5)


@case(0.4, 0.6, wrt="x y")
@case(1.4, 0.6, wrt="x y")
def chained_comparison(x, y):
    if 0 < x < 1 > y >= 0.5:
        return x * y
    return x + y if 1 < x <= 2 != y else x - y


@case(0.4, 2)
@case(0.4, 3)
def comparisons(x, n):
    s = x
    if n == 2:
        s *= x
    if n != 2:
        s += x
    if n in (3, 5):
        s *= 2
    if n not in [2, 4]:
        s *= 3
    if s is None or n is not None:
        s = s * x
    return s


@case(0.7, 1.6, wrt="x y")
def number_builtins(x, y):
    a = float(x) * abs(-y) + min(x, y) + max(x, y, 0.5) * pow(x, 2) + pow(y, x)
    return a + sum((x, y, x * y)) + sum([x, y], x) + round(y) * x + int(y) * y + bool(x) * y


@case(1.7)
def divmod_of_number(x):
    whole, part = divmod(x, 0.5)
    return whole * x + part * part


@case(1.7, 0.45, wrt="x y")
def divmod_of_two(x, y):
    whole, part = divmod(x, y)
    return whole * x + part * part * y


@case(1.7, 7)
def divmod_of_integer(x, n):
    whole, part = divmod(n, 3)
    return x**whole + part * x


@case(1.7, 1.2, wrt="x y")
def min_max_of_sequences(x, y):
    values = [x, y, x * y]
    return min(values) * max(values) + max((x, y)) + min(values[1:])


@case(0.33)
def math_functions(x):
    a = math.sin(x) + math.cos(x) * math.tan(x) + math.exp(x) - math.log(x) + math.sqrt(x)
    b = math.asin(x) + math.acos(x) * math.atan(x) + math.sinh(x) - math.cosh(x) * math.tanh(x)
    c = math.log(x, 3) + math.log2(x) + math.log10(x) + math.log1p(x) + math.expm1(x)
    d = math.hypot(x, 2.0) + math.atan2(x, 2.0) + math.pow(x, 1.5) + math.erf(x) + math.gamma(x)
    return a * b + c * d + math.floor(x * 10) * x + math.ceil(x) + math.pi * x + math.fabs(-x)


@case(0.3)
def numpy_functions_of_numbers(x):
    return np.sin(x) * np.exp(x) + np.sqrt(x) / np.log(x) + np.arctan2(x, 2.0) + np.maximum(x, 0.1)


@case(0.3)
def module_constants(x):
    return GRAVITY * x**2 + TABLE[1] * x + TABLE[-1] + LIMITS["low"] * x


class Units(enum.Enum):
    SI = "SI"
    IP = "IP"


@case(0.3, "si")
def options_in_other_letters(x, units):
    if units.upper() == Units.IP.value:
        x = np.linalg.multi_dot([x, x])
    return x * x if Units.SI.name.lower() == units.strip() else np.linalg.multi_dot([x, x])


@case(0.3, 2)
def text_and_assertions(x, n):
    """A docstring, f-strings, assert, raise, print and pass do not matter."""
    label = f"{x:.3f} and {n!r:>4} {'nested' + str(n)}"
    assert n > 0, f"wrong {label}"
    if n > 5:
        raise ValueError(label + " is too large")
    if len(label) > 1:
        pass
    print(label, end="")
    return x * n


@case(0.3)
def named_expression(x):
    if (y := x * 2) > 0.1:
        return y * x
    return y


@case(0.3)
def literals_keep_their_text(x):
    return 1e-1 * x + 1_000 * x**2 + 0x10 * x + 0.5 * x + 2.0 * x


@case(2)
def integer_argument(x):
    return x * x * 0.5 + x


@case(np.float64(0.7), np.float64(0.2), wrt="x y")
def numpy_scalars(x, y):
    return x * y + np.sin(x) ** 2 - float(y)


@case(0.8, wrt="result_bar")
def generated_names_as_parameters(result_bar):
    x_bar = result_bar * 2
    result = x_bar * result_bar
    x_saved = [result, x_bar]
    result_dot = x_saved[0] * x_saved[1]
    return result_dot + result


@case(0.8, 0.4, wrt="x y")
def kind_changes(x, y):
    v = 1
    v = v + x
    w = (v, y)
    w = w[0] * w[1]
    w = [w, v]
    return w[0] * w[1] + v


@case(0.7)
def values_that_come_once(x):
    coming = iter([3.0, 4.0, 5.0, 2.0, 0.5, 7.0, 1])
    y = x * next(coming)
    y *= next(coming) + x
    y = y * (next(coming) if x > 0.0 else 1.0) - [x, next(coming)][0]
    for _ in range(int(next(coming) * 4)):
        y = y + x * x
    items = [x, x * x]
    items[next(coming)] = y * next(coming)
    return items[1] + items[0]


SERVED = 0.0


def served():
    global SERVED
    SERVED += 1.0
    return SERVED


@case(0.7)
def effects_of_calls(x):
    before = served()
    y = x * (served() - before) * (served() - before)
    y = y * (SERVED - before) * (x + (served() - before))
    return y * x


@case(0.6)
def stars_in_displays(x):
    """A star before an active item moves its place by as many items as it adds."""
    numbers = (1.0, 2.0)
    front = [*numbers, x * 3.0]
    middle = [x, *numbers, x * 3.0, *numbers, x * x, 2.0]
    return front[2] * middle[3] + middle[-2] * middle[0] + middle[5]


@case(0.9)
def named_in_elif(x):
    total = 0.0
    for i in range(3):
        if i == 0:
            total += x
        elif (t := x * i) < 1.0:
            total += t * t
        elif (u := t * x) < 5.0:
            total += u * t
    return total


@case(0.6)
def named_in_while(x):
    y = x
    k = 0
    while (t := y * 1.5) < 2.0:
        k += 1
        if k == 2:
            y = y + 0.3
            continue
        y = t + 0.1 * x
    else:
        y = y * x
    return y * t


@case([0.6, -0.3, 0.2], wrt="xs")
def named_in_comprehension(xs):
    return sum([u for t in xs if (u := t * t) > 0.05])


@case(0.6)
def named_after_none(x):
    m = None
    if (m := x * 2) is not None and x > 0.1:
        x = x * m
    if m is None:
        x = 0.0
    return x


@beyond(0.6)
@beyond(0.05)
def named_under_a_condition(x):
    t = 1.0
    if x > 0.1 and (t := x * x) < 1.0:
        return t * x
    return t * x * x


@beyond(0.6)
def named_in_a_test_of_items(x):
    t = 1.0
    if any((t := x * k) > 1.0 for k in range(5)):
        return t * x
    return t


@beyond(0.6)
def named_after_it_was_read(x):
    t = x
    return t + (t := x * x) * t


class Doubling:
    def __getitem__(self, index):
        return 2 * index


DOUBLING = Doubling()


@beyond(0.7)
def index_that_varies(x):
    return DOUBLING[x] * x


@beyond(0.7)
def complex_dtype(x):
    return float(np.real(np.asarray(x, complex))) * x


@beyond(0.7)
def dict_as_keywords(x):
    named = {"t": x}
    return t_squared(**named) * x


def t_squared(t=1.0):
    return t * t


@case(0.7, 1.3, 3, wrt="x y")
def divided_several_times(x, y, n):
    """Quotients of one adjoint, with parts that change on the way."""
    s = 0.0
    for i in range(n):
        q = (x * y + s) / (x + y)
        r = q * x / (y * y)
        y = y + 0.1 * r / (x * y) - r * q / (x * y)
        s = s + q / y + r / y + s / y
    return s / (x * y) + x / (x * y)
