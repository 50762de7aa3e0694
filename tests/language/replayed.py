"""Stages of a step that are made again in its reverse, and numbers that look like such."""

import math

from .cases import case

FACTOR = 1.0


def slopes(x, y, a):
    return a * (y - x), x * (a - y) - y


def slopes_and_more(x, y, a):
    return a * (y - x), x * (a - y) - y, x * y * a


def waves(x, y):
    u = math.sin(x * y) * math.exp(-x) * math.cos(y) * math.log(2.0 + x * x)
    return u, math.sqrt(1.0 + u * u) * math.exp(-u * y)


def scaled(x, y):
    return FACTOR * x * y, x + FACTOR * y


def rescaled(k):
    global FACTOR
    FACTOR = 1.0 + 0.1 * k


@case(0.4, 0.3, 1.1, 0.1, 3, wrt="x y a h")
@case(0.4, 0.3, 1.1, 0.1, 0, wrt="x y a h")
def two_stages(x, y, a, h, n):
    for _ in range(n):
        p, q = slopes(x, y, a)
        r, s = slopes(x + 0.5 * h * p, y + 0.5 * h * q, a)
        x = x + h * r * r
        y = y + h * s
    return x * y


@case(0.4, 0.3, 1.1, 0.1, 3, wrt="x y a h")
def stages_that_are_given_other_values(x, y, a, h, n):
    """`q` is changed later in the step, `r` goes on to the next one, `s` behind the loop."""
    r = x
    s = y
    for _ in range(n):
        p, q = slopes(x + r * h, y, a)
        x = x + h * p * q
        q = q * q
        y = y + h * math.sin(q) * p
        r, s = slopes(x * r, y * s, a)
        x = x + h * r * s
    return x * y + r * s


@case(0.4, 0.3, 1.1, 0.1, 3, wrt="x y a h")
def one_of_them_read(x, y, a, h, n):
    for _ in range(n):
        p, q, r = slopes_and_more(x, y, a)
        x = x + h * p * p
        y = y + h * q + r
    return x * y


@case(0.4, 0.3, 1.1, 0.1, 3, wrt="x y a h")
def stages_in_branches(x, y, a, h, n):
    total = 0.0
    for i in range(n):
        if x > 0.42:
            p, q = slopes(x, y, a)
            total += p * q * a
        else:
            p, q = slopes(y, x, a)
            total += p * p * q
        for _ in range(i):
            r, s = slopes(p + x, q, a)
            total += r * s * p
            x = x + h * r * s
        y = y + h * p * q
    return total * x


@case(0.4, 0.3, 0.1, 3, wrt="x y h")
def stages_of_much_work(x, y, h, n):
    for _ in range(n):
        p, q = waves(x, y)
        x = x + h * p * q
        y = y + h * p * p
    return x * y


@case(0.4, 0.3, 0.1, 3, wrt="x y h")
def stages_of_a_global_that_changes(x, y, h, n):
    for k in range(n):
        rescaled(k)
        p, q = scaled(x, y)
        x = x + h * p * q
        y = y + h * p * p
    rescaled(0)
    return x * y


@case(0.4, 0.3, 1.1, [0.1, 0.2, 0.3], wrt="x y a steps")
def stages_of_items(x, y, a, steps):
    for h in steps:
        p, q = slopes(x, h * y, a)
        x = x + h * p * q
        y, x = slopes(x, y + q * p, a)
    return x * y


@case(0.3, 0.5, 3, wrt="x a")
@case(0.3, 0.5, 0, wrt="x a")
def products_of_what_may_have_no_value(x, a, n):
    """What is the same at each step is multiplied in front of the loop only where it is there."""
    if n > 0:
        k = 2.0 * a
        h = a + 1.0
    y = x
    z = 0.0
    for _ in range(n):
        z += y * 0.5 * k * h
        y = y * k * h * 0.5 + z
        z = z + 0.5 * k * h * y * y
    return y + z


@case(0.4, 0.3, 1.1, 0.1, 3, wrt="x y a h")
def products_in_front_that_change(x, y, a, h, n):
    """`0.5 * h` is not what it was in front of the loop, where `h` changes in it."""
    total = 0.0
    for _ in range(n):
        p, q = slopes(x, y, a)
        r, s = slopes(x + 0.5 * h * p, y + 0.5 * h * q, a)
        x = x + 0.5 * h * r * r
        y = y + 0.5 * h * s * r
        h = h * 0.9
        total += 0.5 * h * x
    return x * y + total


@case(0.5, 0.4, 0.2, [0.1, 0.2, -0.4], wrt="x sigma dt")
@case(0.5, 0.4, -0.2, [], wrt="x sigma dt")
def the_same_at_each_step(x, sigma, dt, zs):
    """Nothing of what is the same is kept, and a root of a negative number is not taken."""
    t = 0.0
    for z in zs:
        disc = math.exp(-sigma * dt)
        root = sigma * math.sqrt(dt)
        x = x * math.exp(root * z) + disc * x * x
        t += x * disc + math.sin(sigma) * math.sqrt(dt) * x
    return t * x


@case(0.5, 0.4, 4, wrt="x sigma")
@case(0.5, 0.4, 1, wrt="x sigma")
@case(0.5, 0.4, 0, wrt="x sigma")
def the_same_in_inner_loops(x, sigma, n):
    t = x
    for i in range(n):
        for j in range(i):
            c = math.cos(sigma * i)
            d = math.exp(sigma)
            x = math.sin(c * x) * d + math.tanh(sigma * 0.3) * x
            t += x * c * x
        t = t * math.log(1.5 + sigma)
    return t * x


@case(0.5, 0.4, 4, wrt="x y")
@case(0.9, 0.4, 4, wrt="x y")
@case(0.9, 1.4, 0, wrt="x y")
def the_same_but_for_some_steps(x, y, n):
    """What is read in front of its definition, made in a branch, or changed behind the loop."""
    s = 0.3
    v = y * y
    for i in range(n):
        x = x * v + math.cos(s) * x
        v = math.exp(-y)
        if x > 0.6:
            w = math.sin(y)
            x = x * w * w
            break
        u = math.sqrt(1.0 + y * y)
        x = x * u + x * x
        s = u * v
    y = x * s
    v = y * x
    return v * y + s


@case(0.5, 0.4, wrt="x y")
@case(0.5, 2.4, wrt="x y")
def the_same_until_it_converges(x, y):
    change = 1.0
    while abs(change) > 1e-3:
        limit = math.tanh(y)
        new = limit * math.cos(x) + 0.1 * math.exp(-y) * x
        change = new - x
        x = new
        if x < -5.0:
            return 0.0
    y = 3.0 * y
    return x * y


def _steps(x, sigma, n):
    for i in range(n):
        decay = math.exp(-sigma)
        x = decay * math.sin(x) + x * math.sqrt(sigma)
    return x


@case(0.5, 0.4, 3, wrt="x sigma")
@case(0.5, 0.4, 0, wrt="x sigma")
def the_same_in_callees(x, sigma, n):
    for k in range(2):
        x = _steps(x, sigma, n) * _steps(x, 0.5, k)
    return x


@case(1.5, [0.4, 0.7], wrt="x items")
def constants_of_calls(x, items):
    for v in items:
        x = x * math.log(v * x) / math.log(10.0) + math.atan2(1.0, -2.0) * v * x
    return x


@case(20.0, 3.0, 9.0, wrt="span sag weight")
@case(11.0, 2.0, 1.0, wrt="span sag weight")
def calls_of_one_quotient(span, sag, weight):
    """Contributions that cancel when the same call has one name, in two statements of a step."""
    a = span * span / (8.0 * sag)
    half = 0.5 * span
    while True:
        f = a * (math.cosh(half / a) - 1.0) - sag
        df = math.cosh(half / a) - 1.0 - half / a * math.sinh(half / a)
        change = f / df
        a = a - change
        if abs(change) < 1e-12 * a:
            break
    return weight * a * math.cosh(half / a)


@case(0.03, 0.4, 5, wrt="rate mu")
@case(0.03, 0.4, 0, wrt="rate mu")
@case(0.03, 4.4, 5, wrt="rate mu")
def calls_kept_for_what_they_read(rate, mu, n):
    """The exponential is kept, not the number that nothing else reads."""
    survival = 1.0
    total = 0.0
    for t in range(n):
        force = mu + rate * 1.1**t
        survival = survival * math.exp(-force)
        total += survival / (1.0 + rate) ** t
        if survival < 0.05:
            break
    return total


@case(0.8, 0.1, 1.2, 40, wrt="theta omega length")
@case(0.2, -1.1, 1.2, 40, wrt="theta omega length")
@case(0.2, -1.1, 1.2, 0, wrt="theta omega length")
def kept_for_a_branch_alone(theta, omega, length, n):
    for _ in range(n):
        speed = omega - 0.1 * math.sin(theta) / length
        angle = theta + 0.1 * speed
        if angle < 0.1 and speed < 0.0:
            s = (theta - 0.1) / (theta - angle)
            speed = -0.8 * (omega + s * (speed - omega))
            angle = 0.1 + (1.0 - s) * 0.1 * speed
        theta = angle
        omega = speed
    return omega * omega + math.cos(theta)


@case(0.5, 0.3, 4, wrt="x y")
@case(1.5, 0.3, 4, wrt="x y")
@case(1.5, 0.3, 1, wrt="x y")
def kept_before_an_exit(x, y, n):
    for i in range(n):
        if x * y > 1.0:
            x = math.sin(x)
            break
        if x < -2.0:
            y = y * x
            x = x * x
            continue
        z = y - x * x
        x = x + 0.5 * z * x
        y = math.cos(y) * z
    return x * y


@case(0.6, 2.7, wrt="x y")
@case(-0.53, 2.7, wrt="x y")
def steps_of_loops_in_loops(x, y):
    """Neither loop has an index, and the inner one binds the name that stands for none."""
    while x < 0.5:
        x = x + 0.4
        while y > x + 1.0:
            y = 0.75 * y
            x = x + 0.1
    return y * x


@case(0.6, 1.5, wrt="x y")
@case(-0.5, 1.5, wrt="x y")
def constants_of_loops_in_loops(x, y):
    n = 0
    while n < 2:
        n += 1
        m = 0
        while m < n:
            m += 1
            y = 2.0
    return y * x
