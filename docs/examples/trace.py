"""Two lines of code, followed forwards and backwards.

`c = a * b; d = log(c)` at (2, 3): the value, the gradient, and the two derivative programs side by
side. Then a function with a loop, a branch and recursion, a Hessian-vector product of it, and the
same numbers by a class of dual numbers, the other way to do it.

Run: python trace.py [picture.png]
"""

# ruff: noqa: RET504  (the trace names its result)
import itertools
import math
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from s2s_ad import grad, hvp, jacfwd, value_and_grad


def trace(a, b):
    c = a * b
    d = math.log(c)
    return d


def power(x, n):
    """x to the n, by recursion."""
    if n == 0:
        return 1.0
    return x * power(x, n - 1)


def series(a, b):
    """A sum with a loop, a branch and recursion."""
    total = 0.0
    for k in range(1, 5):
        term = power(a, k) / k
        if term > b:
            total += math.log(term)
        else:
            total -= term * b
    return total


# -- the other way: numbers that carry their derivative along --------------------------------------


class Dual:
    """value + slope * epsilon, epsilon**2 = 0; the parts may be duals again."""

    def __init__(self, value, slope):
        self.value, self.slope = value, slope

    @staticmethod
    def of(number):
        return number if isinstance(number, Dual) else Dual(number, 0.0)

    def __add__(self, other):
        other = Dual.of(other)
        return Dual(self.value + other.value, self.slope + other.slope)

    def __neg__(self):
        return Dual(-self.value, -self.slope)

    def __sub__(self, other):
        return self + -Dual.of(other)

    def __rsub__(self, other):
        return Dual.of(other) + -self

    def __mul__(self, other):
        other = Dual.of(other)
        return Dual(self.value * other.value, self.slope * other.value + self.value * other.slope)

    def __truediv__(self, other):
        return self * Dual.of(other).inverse()

    def inverse(self):
        inverse = self.value.inverse() if isinstance(self.value, Dual) else 1.0 / self.value
        return Dual(inverse, -(self.slope * inverse * inverse))

    def log(self):
        inverse = self.value.inverse() if isinstance(self.value, Dual) else 1.0 / self.value
        return Dual(log(self.value), self.slope * inverse)

    def __gt__(self, other):
        return self.value > Dual.of(other).value

    __radd__ = __add__
    __rmul__ = __mul__


def log(number):
    return number.log() if isinstance(number, Dual) else math.log(number)


def on_duals(function):
    """Return the function with a `math` that knows duals: overloading does not reach modules."""
    namespace = {"math": type("math", (), {"log": staticmethod(log)}), "power": power}
    return type(function)(function.__code__, namespace)


def gradient_by_duals(function, a, b):
    """One pass for each argument."""
    run = on_duals(function)
    return run(Dual(a, 1.0), Dual(b, 0.0)).slope, run(Dual(a, 0.0), Dual(b, 1.0)).slope


def hvp_by_duals(function, point, direction):
    """Duals of duals: one pass for each argument."""
    run = on_duals(function)
    products = []
    for seeds in ((1.0, 0.0), (0.0, 1.0)):
        numbers = [
            Dual(Dual(value, dot), Dual(seed, 0.0))
            for value, dot, seed in zip(point, direction, seeds)
        ]
        products.append(run(*numbers).slope.slope)
    return tuple(products)


# -- showing it ---------------------------------------------------------------------------------


def derivative_lines(source):
    """The last function of a generated module: the derivative itself."""
    lines = source.splitlines()
    start = max(k for k, line in enumerate(lines) if line.startswith("def "))
    return lines[start:]


def side_by_side(left, right):
    width = max(map(len, left)) + 4
    for a, b in itertools.zip_longest(left, right, fillvalue=""):
        print(f"{a:<{width}}{b}".rstrip())


def draw(path, value, gradient):
    figure, axes = plt.subplots(figsize=(9, 4), constrained_layout=True)
    places = {"a": (0, 1), "b": (0, 0), "c": (1, 0.5), "d": (2, 0.5)}
    labels = {"a": "a = 2", "b": "b = 3", "c": "c = a * b = 6", "d": f"d = log(c) = {value:.3f}"}
    bars = {"a": gradient[0], "b": gradient[1], "c": 1 / 6, "d": 1.0}
    for start, end in (("a", "c"), ("b", "c"), ("c", "d")):
        arrow = {"arrowstyle": "->", "shrinkA": 55, "shrinkB": 55, "color": "C0"}
        axes.annotate("", places[end], places[start], arrowprops=arrow)
    for name, (x, y) in places.items():
        box = {"boxstyle": "round", "facecolor": "white"}
        text = f"{labels[name]}\n{name}_bar = {bars[name]:.3f}"
        axes.text(x, y, text, ha="center", va="center", bbox=box)
    axes.set(xlim=(-0.4, 2.5), ylim=(-0.3, 1.3), title="Values go right, adjoints come back")
    axes.axis("off")
    figure.savefig(path, dpi=120)


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else Path(__file__).with_suffix(".png")
    reverse = value_and_grad(trace, wrt=("a", "b"))
    forward = jacfwd(trace, wrt=("a", "b"))
    value, gradient = reverse(2.0, 3.0)
    print(f"value {value:.4f}, gradient ({gradient[0]:.4f}, {gradient[1]:.4f})")
    along = forward(2.0, 3.0)
    print(f"forward mode, one pass for each argument: ({along[0]:.4f}, {along[1]:.4f})\n")
    side_by_side(derivative_lines(forward.source), derivative_lines(reverse.source))

    print("\nwith a loop, a branch and recursion, at (1.3, 0.9):")
    slope = grad(series, wrt=("a", "b"))
    print(f"value {series(1.3, 0.9):.6f}")
    print("gradient by s2s_ad ({:.6f}, {:.6f})".format(*slope(1.3, 0.9)))
    print("gradient by duals  ({:.6f}, {:.6f})".format(*gradient_by_duals(series, 1.3, 0.9)))

    primals, tangents = (1.3, 0.9), (1.0, -2.0)
    product = hvp(series, primals, tangents, wrt=("a", "b"))
    print("Hessian-vector product by s2s_ad ({:.6f}, {:.6f})".format(*product))
    by_duals = hvp_by_duals(series, primals, tangents)
    print("Hessian-vector product by duals  ({:.6f}, {:.6f})".format(*by_duals))

    draw(path, value, gradient)
    print(f"picture: {path}")
    print(f"\nThe adjoint of the series:\n\n{slope.source}")


if __name__ == "__main__":
    main()
