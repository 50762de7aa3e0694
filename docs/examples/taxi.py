"""How fast does the taxi drive? Fitting one parameter, and three ways to get the slope.

A trip's duration follows from its distance and one parameter, the average speed. A 6 km trip took
12 minutes; starting from a guess of 35 km/h, gradient descent finds the speed that explains it.
The slope comes from finite differences, from a formula written by hand, and from s2s_ad.

Run: python taxi.py [picture.png]
"""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from s2s_ad import grad

DISTANCE = 6.0  # km
DURATION = 12.0  # minutes, as measured


def duration(distance, speed):
    """Minutes that a trip takes at this average speed."""
    return 60.0 * distance / speed


def squared_error(speed):
    """How far the model is from the trip that was measured, in square minutes."""
    error = duration(DISTANCE, speed) - DURATION
    return error * error


slope = grad(squared_error)


def slope_by_hand(speed):
    """The same derivative, worked out on paper."""
    return 2.0 * (60.0 * DISTANCE / speed - DURATION) * (-60.0 * DISTANCE / speed**2)


def slope_by_differences(speed, step=1e-4):
    """The same derivative, nearly: from two evaluations close to each other."""
    return (squared_error(speed + step) - squared_error(speed)) / step


def descend(slope_of, speed, rate=2.0, steps=40):
    """Return all speeds that gradient descent goes through."""
    speeds = [speed]
    for _ in range(steps):
        speed = speed - rate * slope_of(speed)
        speeds.append(speed)
    return speeds


def draw(path, descents, steps, errors):
    figure, (curve, fit, digits) = plt.subplots(1, 3, figsize=(15, 4.5), constrained_layout=True)
    speeds = np.linspace(20.0, 45.0, 200)
    curve.plot(speeds, [squared_error(v) for v in speeds], label="squared error")
    tangent = squared_error(35.0) + slope(35.0) * (speeds - 35.0)
    near = abs(speeds - 35.0) < 6.0
    curve.plot(speeds[near], tangent[near], "--", label=f"tangent at 35 km/h: {slope(35.0):.3f}")
    curve.plot(35.0, squared_error(35.0), "o", color="black")
    curve.set(xlabel="average speed [km/h]", ylabel="squared error [min²]", title="The error curve")
    curve.legend()

    styles = {"finite differences": "-", "by hand": "--", "s2s_ad": ":"}
    for name, path_taken in descents.items():
        fit.plot(path_taken, styles[name], linewidth=3, alpha=0.7, label=name)
    fit.axhline(30.0, color="grey", linewidth=0.8)
    fit.set(xlabel="step", ylabel="average speed [km/h]", title="Gradient descent")
    fit.legend()

    digits.loglog(steps, np.maximum(errors, 1e-17), ".-", label="finite differences")
    exact = abs(slope(35.0) - slope_by_hand(35.0))
    digits.axhline(max(exact, 1e-17), color="C2", linestyle=":", label="s2s_ad")
    digits.invert_xaxis()
    digits.set(xlabel="step of the difference", ylabel="error of the slope", title="Digits lost")
    digits.legend()
    figure.savefig(path, dpi=120)


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else Path(__file__).with_suffix(".png")
    print(f"at 35 km/h the trip takes {duration(DISTANCE, 35.0):.2f} min, not {DURATION:.0f}")
    print(f"squared error: {squared_error(35.0):.3f} min²")
    print(f"slope there: {slope(35.0):.6f} min² per km/h")
    print(f"     by hand: {slope_by_hand(35.0):.6f}")

    descents = {
        "finite differences": descend(slope_by_differences, 35.0),
        "by hand": descend(slope_by_hand, 35.0),
        "s2s_ad": descend(slope, 35.0),
    }
    for name, speeds in descents.items():
        print(f"gradient descent, {name}: {speeds[-1]:.6f} km/h")

    steps = 10.0 ** np.arange(-1, -15, -1.0)
    exact = slope_by_hand(35.0)
    errors = np.array([abs(slope_by_differences(35.0, h) - exact) for h in steps])
    print("error of the slope by finite differences:")
    for h, error in zip(steps, errors):
        print(f"    step {h:.0e}: {error:.1e}")
    print(f"best step {steps[np.argmin(errors)]:.0e}; below it, digits are lost again")
    print(f"error of the slope by s2s_ad: {abs(slope(35.0) - exact):.1e}")

    draw(path, descents, steps, errors)
    print(f"picture: {path}")
    print(f"\nThe derivative that was used:\n\n{slope.source}")


if __name__ == "__main__":
    main()
