"""Calls of user functions, recursion, lambdas, closures, methods, decorated functions."""

import functools
import math
from math import sin as s

import numpy as np

from . import elsewhere
from .cases import beyond, case
from .elsewhere import cubed as third_power

RATE = 0.7


def square(a):
    return a * a


def affine(a, factor=2.0, shift=0.0):
    return a * factor + shift


def split(a, b):
    return a * b, a - b


def overwrites(a):
    a = a * a
    a = a + 1.0
    return a * a


def no_parameter():
    return RATE * 2


def keyword_only(a, *, scale, power=2):
    return (a * scale) ** power


def positional_only(a, /, b):
    return a * b + a


def many(a, *rest):
    total = a
    for item in rest:
        total = total * 0.5 + item * item
    return total


def options(a, **named):
    return a * named["factor"] + named.get("shift", 0.0)


def first_exit(a):
    if a > 1.0:
        return a * 2
    for i in range(5):
        a = a * 1.5
        if a > 1.0:
            return a * a
    return -a


def fibonacci(a, b, n):
    if n == 0:
        return a
    return fibonacci(b, a + b * a, n - 1)


def tree(a, n):
    if n <= 0:
        return math.sin(a)
    return tree(a * 0.9, n - 1) * tree(a + 0.1, n - 2)


def even_step(a, n):
    return a if n == 0 else odd_step(a * a, n - 1) + a


def odd_step(a, n):
    return a if n == 0 else even_step(math.cos(a), n - 1) * 2


@case(0.6)
def positional(x):
    return square(x) + square(square(x)) * square(x + 1)


@case(0.6, 1.2, wrt="x y")
def keywords_and_defaults(x, y):
    return affine(x) + affine(x, y) + affine(y, shift=x) + affine(factor=x, a=y, shift=x * y)


@case(0.6, 1.2, wrt="x y")
def tuple_results(x, y):
    a, b = split(x, y)
    pair = split(a, b)
    return pair[0] * pair[1] + split(x, 2.0)[1] + sum(split(y, x))


@case(0.6)
def callee_overwrites_its_parameter(x):
    y = overwrites(x)
    return y * x + overwrites(y)


@case(0.6)
def call_without_arguments(x):
    return no_parameter() * x


@case(0.6, 1.2, wrt="x y")
def kinds_of_parameters(x, y):
    return keyword_only(x, scale=y) + positional_only(x, y) + positional_only(y, b=x * 2)


@case(0.6, 1.2, wrt="x y")
def star_arguments(x, y):
    pair = (x, y)
    return many(x, y, x * y) + many(x) + split(*pair)[0] + affine(*pair, shift=x)


@beyond(0.6, 1.2, wrt="x y")
def double_star_arguments(x, y):
    settings = {"factor": y, "shift": x}
    return options(x, factor=y) + options(y, shift=x, factor=2.0) + affine(x, **settings)


@case(0.6)
@case(1.6)
@case(0.01)
def callee_with_exits(x):
    return first_exit(x) * x


@case(0.6, 4)
def calls_in_a_loop(x, n):
    total = 0.0
    for i in range(n):
        x = affine(x, 0.5, shift=0.1 * i)
        total += square(x) * overwrites(total)
    return total


@case(0.6, 0.2, 5, wrt="x y")
def recursion(x, y, n):
    return fibonacci(x, y, n)


@case(0.6, 4)
def double_recursion(x, n):
    return tree(x, n)


@case(0.6, 3)
@case(0.6, 4)
def mutual_recursion(x, n):
    return even_step(x, n)


@case(0.6, 3)
def self_recursion(x, n):
    if n == 0:
        return x
    return self_recursion(x * x + 0.1, n - 1) * x


@case(0.6)
def other_modules(x):
    return elsewhere.chain(x) + third_power(x) * elsewhere.OFFSET + s(x)


@case(0.6, 1.2, wrt="x y")
def lambdas(x, y):
    double = lambda a: a * 2
    mixed = lambda a, b=3.0: a * b + y
    return double(x) * mixed(x) + mixed(y, x) + (lambda: x * y)()


@case(0.6, 1.2, wrt="x y")
def nested_functions(x, y):
    def inner(a, k=2):
        scaled = a * y
        for _ in range(k):
            scaled = scaled * x
        return scaled

    return inner(x) + inner(y, 1) * x


@case(0.6)
def late_binding(x):
    """A captured name is read when the closure runs, not when it is made."""
    factor = x
    scale = lambda a: a * factor
    first = scale(2.0)
    factor = x * x
    return first + scale(3.0)


@case(0.6)
def early_binding(x):
    """A default is read when the function is made."""
    factor = x
    scale = lambda a, factor=factor: a * factor
    factor = 100.0
    return scale(2.0) * factor


@case(0.6, 3)
def closures_in_a_loop(x, n):
    total = 0.0
    for i in range(n):
        power = lambda a: a**i * x
        total += power(x + 1)
    return total


@case(0.6)
def function_argument(x):
    def twice(g, a):
        return g(g(a))

    return twice(square, x) + twice(math.sin, x)


@case(0.6)
def closure_argument(x):
    def twice(g, a):
        return g(g(a))

    return twice(lambda a: a * x, x)


@beyond(0.6, 1)
@beyond(0.6, 0)
def function_chosen(x, n):
    g = square if n else overwrites
    table = {"sin": math.sin, "square": square}
    return g(x) * table["square"](x) + [math.cos, math.exp][n](x)


def make_scaler(factor):
    def scale(a):
        return a * factor

    return scale


tripled = make_scaler(3.0)


@case(0.6)
def module_closure(x):
    return tripled(x) * x


@beyond(0.6)
def closure_made_inside(x):
    scale = make_scaler(x)
    return scale(x) + scale(2.0)


def doubled(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return 2.0 * function(*args, **kwargs)

    return wrapper


@doubled
def decorated_square(a):
    return a * a


@case(0.6)
def calls_decorated(x):
    return decorated_square(x) * x


@case(0.6)
@doubled
def decorated_itself(x):
    return math.sin(x)


class Spring:
    """A spring whose state is read only."""

    unit = 2.0

    def __init__(self, stiffness, rest):
        self.stiffness = stiffness
        self.rest = rest
        self.part = {"mass": 1.5}

    def energy(self, x):
        stretch = self.stretch(x)
        return self.stiffness * stretch**2 / self.unit + self.part["mass"] * x

    def stretch(self, x):
        return x - self.rest

    @staticmethod
    def cube(x):
        return x**3

    @classmethod
    def scaled(cls, x):
        return x * x * cls.unit

    def __call__(self, x):
        return self.energy(x) * x


spring = Spring(3.0, 0.25)
case(0.6)(spring.energy)
case(0.6)(Spring.cube)
case(0.6)(Spring.scaled)


@case(0.6)
def calls_methods(x):
    called = spring.scaled(x) * spring.cube(x)
    return spring.energy(x) * spring.stretch(x) + Spring.cube(x) + spring(x) * called


@case(0.6)
def imports_inside(x):
    import math as m
    from math import cos

    return m.sin(x) * cos(x)


class Heavier(Spring):
    def energy(self, x):
        return super().energy(x) * 2.0


heavier = Heavier(2.0, 0.1)
case(0.6)(heavier.energy)


@beyond(0.6, 1.2, wrt="x y")
def star_in_a_builtin(x, y):
    values = [x, y, x * y]
    return max(*values)


@case(0.6)
def partial_application(x):
    return functools.partial(affine, shift=x)(x, 3.0)


def call_with(function, a):
    return function(a)


def integral(f, low, high, n):
    step = (high - low) / n
    total = 0.0
    for i in range(n):
        total += f(low + (i + 0.5) * step)
    return total * step


def bisection(f, low, high, n):
    middle = 0.5 * (low + high)
    if n == 0:
        return middle + f(low) * 0.1
    if f(middle) > 0:
        return bisection(f, low, middle, n - 1)
    return bisection(f, middle, high, n - 1)


def through_a_closure_of_its_own(g, a):
    def scaled(t):
        return g(t) * a

    return call_with(scaled, a) + scaled(2.0)


def twice_with(function, *args):
    return 2 * function(*args)


@case(0.6, 1.3, wrt="x a")
def closures_handed_over(x, a):
    def f(t):
        return math.exp(-a * t) * x

    return integral(f, 0.0, x, 6) + integral(n=2, low=x, high=2.0, f=f) + twice_with(f, a)


@case(0.6)
def closures_handed_on(x):
    root = bisection(lambda t: t * t - x, 0.0, 2.0, 5)
    return root * through_a_closure_of_its_own(lambda t: t * x, x + 1)


@case(0.6)
def closure_under_two_names(x):
    def inner(t):
        return t * x

    outer = inner
    return outer(x) + call_with(outer, 2.0)


@case(0.6, 3)
def closure_of_a_loop_handed_over(x, n):
    total = 0.0
    for i in range(n):

        def term(t):
            return t**i * x

        total += call_with(term, x + 1)
    return total


@case(0.6)
def closure_bound_late(x):
    k = 1.0

    def term(t):
        return t * k

    k = x * x
    return call_with(term, 2.0)


@case(0.6, 4)
def local_mutual_recursion(x, n):
    y = x * 2

    def even(k, t, s=y):
        return t * s if k == 0 else odd(k - 1, t * x)

    def odd(k, t):
        return t if k == 0 else even(k - 1, t + x)

    y = 5.0
    return even(n, x) + even(n - 1, x) * y


@case(0.6)
def local_function_redefined(x):
    def part(t):
        return t * x

    y = part(2.0)

    def part(t):  # noqa: F811
        return t + x * x

    return y * part(3.0)


@case(0.7, 0.4, wrt="x y")
def lambda_redefined(x, y):
    h = lambda t: t * y  # noqa: E731
    a = h(x)
    y = y * 2.0
    b = h(x)
    h = lambda t, k=3: t**k + a  # noqa: E731
    return b * h(b) + sum(map(h, [x, y])) + h(x, k=2)


@case(0.7, 1.2, wrt="x y")
def pure_whatever_the_kinds(x, y):
    """Nothing that is called changes what is read before it in the line."""
    both = [x, y]
    return (
        x / y
        + functools.reduce(lambda p, q: p * q + x, both)
        + y * _weighed(*(x, y), rate=y / 10.0) * _weighed(*[y, x], rate=x)
    )


def _weighed(a, b, *, rate):
    return a * (1.0 + rate) + b


@beyond(0.6)
def local_name_shadows_what_is_captured(x):
    def inner(t):
        return t * x

    def outer(x):
        return inner(x) + x

    return outer(2.0) * x


@beyond(0.6)
def closure_kept(x):
    def chosen(f):
        functions = [f]
        return functions[0](2.0)

    return chosen(lambda t: t * x)


@case(0.6)
def closure_of_a_comprehension(x):
    return sum([call_with(lambda t: t * k * x, x) for k in range(3)])  # noqa: B023


@case(0.6)
def lambdas_called_in_comprehensions(x):
    k = x * 2.0
    powers = {k: (lambda t: t**k * x)(x) for k in (1, 2) if (lambda u: u * k)(x) > 0.1}  # noqa: B023
    nested = max((lambda t: (t - k) ** 2)(x) for k in powers.values())  # noqa: B023
    return nested + (lambda t: t * k)(x) + sum(map(lambda k: k * x, powers))


fixed_shift = functools.partial(affine, shift=0.25)
fixed_first = functools.partial(affine, 2.0)


@functools.lru_cache(None)
def remembered(a):
    return a * a


@case(0.6)
def partial_and_cached(x):
    return fixed_shift(x) + fixed_first(x) + fixed_shift(x, shift=x) + remembered(x) * x


case(0.6, wrt="a")(remembered)


def with_more(t, **named):
    named.update({"t": t * 3.0})
    return t_times(**named)


def t_times(t, k=1.0):
    return t * t * k


@beyond(0.7)
def keywords_that_change(x):
    return with_more(x, k=x)


def handed_back(v):
    return v


@case([0.5, 1.2, 0.8], wrt="xs")
def items_of_what_a_call_returns(xs):
    """A loop over a call is one over its value, whatever that is, and makes no copy of it."""
    s = 0.0
    for a in handed_back(xs):
        s = s * a + a
    for k, a in enumerate(handed_back(xs), 1):
        s += a**k
    return s


def flattened(tree):
    out = []
    for item in tree:
        if isinstance(item, (list, tuple)):
            out.extend(flattened(item))
        else:
            out.append(item)
    return out


@case(1.3, 0.7, wrt="x y")
def list_filled_by_recursion(x, y):
    """What changes a list of its own changes nothing else."""
    return sum(a * (i + 1) for i, a in enumerate(flattened([x, [y, (x * y, [2.0])], y])))


def product_and_sum(a, b):
    return [a * b, a + b]


@case(0.7, [1.5, 2.5], wrt="x v")
def items_handed_to_what_replaces_them(x, v):
    """The callee's adjoint of the new list is not added to that of the old one."""
    p = [x * v[0], v[1]]
    for i in range(2):
        p = product_and_sum(p[0], p[1])
    q, p = p[1], product_and_sum(p[1], p[0])
    p, r = [p[0], q], p
    return p[0] * p[1] + r[1]


@case(0.7, np.array([1.5, 2.5]), wrt="x v")
def items_added_to_all(x, v):
    v = v * x
    v += v[0] * v[1] + v[0]
    v = v[0] * v + v[1]
    return v @ v


def one_of_two_ways(a, inverse):
    if inverse:
        b = np.asarray(a)
        c = 1.0 / b
        for _ in range(2):
            c = c / b
    else:
        c = a * a
        for _ in range(2):
            c = c * a
    return c


@beyond(0.5, True)
@beyond(0.5, False)
def argument_changes_after_a_call(x, inverse):
    v = x * np.ones(3)
    y = one_of_two_ways(v, inverse)
    v[1] = x
    return np.sum(y * v)


def _parts_of(v):
    w = v * 2.0
    w[0] = w[1] * v[0]
    return v[0] * v[1], w


@case([0.3, 0.2, 0.5])
def array_returned_for_nothing(x):
    """The callee reads items of the adjoint of a part that nobody uses."""
    first, rest = _parts_of(np.array(x))
    return first * first


def _damped(b, n):
    if n <= 0:
        return math.cos(b)
    back = _damped(math.sin(b), n - 1)
    return back * 0.8 + math.cos(back**2)


def _to_and_fro(b, n):
    return (b, b * b) if n <= 0 else _fro_and_to(math.sin(b) * n, n - 1)


def _fro_and_to(b, n):
    first, second = _to_and_fro(b * b, n - 1)
    return first * b, second


@case(0.7, 2)
def results_of_recursion_in_a_tuple(x, n):
    """What a forward half keeps holds what the one inside has kept, and so on."""
    x = _damped(x, n)
    for c in (x, 1.25, 0.5):
        x -= 0.1 * math.cos(_damped(c, n) / 2.0)
    return x


@case(0.7, 3)
def functions_that_call_each_other(x, n):
    """At first neither is known to return."""
    first, second = _to_and_fro(x, n)
    return first * second


def _grown(x, n, done):
    return x * done[1] if n == 0 else _grown(x * x, n - 1, (done, x + n))


@case(0.7, 3)
def argument_that_grows_with_each_call(x, n):
    """Its kind holds the one of the call before, and so on: not for ever."""
    return _grown(x, n, (0.5, x))
