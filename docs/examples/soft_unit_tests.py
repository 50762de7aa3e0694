"""A program specified by examples: 200 pairs (x, y), a candidate with one unknown, its best value.

Unit tests say yes or no. Make them soft, a squared error instead of an assertion, and how far a
program is from passing becomes a number with a slope. Here the pairs come from a program that
nobody shows us, the candidate is `sin(omega * x)`, and gradient descent finds omega = 1.5. The loss
has local minima: where the descent starts matters, and the picture shows it.

Run: python soft_unit_tests.py [picture.png]
"""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import minimize

from s2s_ad import value_and_grad

X = np.random.default_rng(7).uniform(0.0, 8.0, 200)
Y = np.sin(1.5 * X)


def candidate(omega, x):
    """The program to be found, but for the number omega."""
    return np.sin(omega * x)


def loss(omega, x, y):
    """Mean squared error over all pairs: 0 when every test passes."""
    error = candidate(omega, x) - y
    return np.mean(error * error)


loss_and_slope = value_and_grad(loss)


def descend(omega, rate=0.02, steps=200):
    """Return the (omega, loss) that gradient descent goes through."""
    path = []
    for _ in range(steps):
        value, slope = loss_and_slope(omega, X, Y)
        path.append((float(omega), float(value)))
        omega = omega - rate * slope
    return path


def passed(omega):
    """How many of the pairs pass as hard unit tests."""
    return int(np.sum(np.abs(candidate(omega, X) - Y) < 1e-6))


def draw(path, good, bad):
    figure, axes = plt.subplots(figsize=(9, 5), constrained_layout=True)
    omegas = np.linspace(0.0, 4.0, 800)
    axes.plot(omegas, [loss(omega, X, Y) for omega in omegas], color="grey", label="loss")
    for taken, colour, name in ((good, "C2", "descent from 1.2"), (bad, "C3", "descent from 2.6")):
        axes.plot(*zip(*taken), ".-", color=colour, label=f"{name}: ends at {taken[-1][0]:.3f}")
        axes.plot(*taken[-1], "o", color=colour)
    axes.set(xlabel="omega", ylabel="mean squared error", title="Soft unit tests")
    axes.legend()
    figure.savefig(path, dpi=120)


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else Path(__file__).with_suffix(".png")
    good = descend(1.2)
    source = loss_and_slope.source
    print(f"descent from 1.2: omega = {good[-1][0]:.6f}, loss {good[-1][1]:.1e}")
    print(f"tests passed: {passed(1.2)} of {len(X)} before, {passed(good[-1][0])} after")
    bad = descend(2.6)
    print(f"descent from 2.6: omega = {bad[-1][0]:.6f}, loss {bad[-1][1]:.3f}: a local minimum")

    found = minimize(loss_and_slope, x0=np.array([1.2]), args=(X, Y), jac=True)
    print(f"scipy.optimize.minimize: omega = {found.x[0]:.6f} after {found.nfev} evaluations")

    draw(path, good, bad)
    print(f"picture: {path}")
    print(f"\nThe derivative that the descent used:\n\n{source}")


if __name__ == "__main__":
    main()
