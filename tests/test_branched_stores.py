"""Random programs that store into items of a table in branches: each store is taken back by itself.

Takes nothing, gives tests; requires nothing. Each program is a nest of loops and branches that
store into a table, read it there and behind, bind it anew, or leave a loop. Gradients are held to
complex steps.
"""

from __future__ import annotations

import linecache
import random
from collections.abc import Callable

import numpy as np
import pytest

from s2s_ad import value_and_grad
from s2s_ad.errors import S2SError

SIZE = 5
POINT = (0.6, 0.35, 3)
STEP = 1e-30j


def program(seed: int) -> str:
    """Return the text of `f(x, y, n)`."""
    draw = random.Random(seed)
    index = ["i", "i - 1", "0", "2", "-1"]

    def item() -> str:
        return f"t[{draw.choice(index)}]"

    def factor() -> str:
        return draw.choice(["x", "y", "0.9", item(), item()])

    def store() -> str:
        if draw.random() < 0.2:
            return f"t[i], t[i - 1] = {item()} * {factor()}, {item()} + 0.1 * x"
        place = draw.choice(index)
        op = draw.choice(["=", "=", "*=", "+="])
        return f"t[{place}] {op} {item()} * {factor()} + 0.1 * {factor()}"

    def block(depth: int, counters: int) -> list[str]:
        out: list[str] = []
        for _ in range(draw.randint(1, 3)):
            kind = draw.random()
            if depth and kind < 0.45:
                test = draw.choice(["i > 1", "(i + k) % 2", "i < n", "k == 1", "i - 1 >= 0"])
                out += [f"if {test}:", *indented(block(depth - 1, counters))]
                if draw.random() < 0.3:
                    out += ["elif i == 1:", *indented(block(depth - 1, counters))]
                if draw.random() < 0.5:
                    out += ["else:", *indented(block(depth - 1, counters))]
            elif depth and kind < 0.6 and counters < 1:
                out += ["for k in range(1, i + 1):", *indented(block(depth - 1, counters + 1))]
            elif kind < 0.68:
                out.append(f"total += t[i] * {item()}")
            elif kind < 0.74:
                out.append(draw.choice(["t = t.copy()", "t = 0.9 * t + x", "t = np.sin(t)"]))
            elif kind < 0.78 and depth < 2:
                out += ["if i == 3:", draw.choice(["    break", "    continue"])]
            else:
                out.append(store())
        return out

    body = ["total = 0.1", f"t = np.full({SIZE}, x)", "k = 0"]
    body += [f"for i in {draw.choice(['range(n + 1)', f'range({SIZE} - 1, 0, -1)'])}:"]
    body += indented(block(3, 0))
    body.append("return total + np.sum(t * t)")
    return "\n".join(["def f(x, y, n):", *indented(body)]) + "\n"


def indented(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def made(text: str, file: str) -> Callable[..., object]:
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    found: dict = {"np": np}
    exec(compile(text, file, "exec"), found)
    return found["f"]


@pytest.mark.parametrize("seed", range(24))
def test_gradient(seed: int) -> None:
    f, (x, y, n) = made(program(seed), f"<branched {seed}>"), POINT
    try:
        value, gradient = value_and_grad(f, wrt=("x", "y"))(x, y, n)
    except S2SError as refused:
        assert "which other names may share" in str(refused)
        return
    assert value == f(x, y, n)
    wanted = [np.imag(f(x + STEP, y + 0j, n)), np.imag(f(x + 0j, y + STEP, n))]
    assert gradient == pytest.approx([w * 1e30 for w in wanted], rel=1e-10, abs=1e-12)


def fold(n, w):
    t = np.zeros((n, n))
    for i in range(n - 1, -1, -1):
        for j in range(i + 1, n):
            if j - 1 >= 0:
                t[i, j] = max(t[i, j], t[i, j - 1] * w[i])
            if i < j - 1:
                t[i, j] = max(t[i, j], t[i + 1, j - 1] + w[i] * w[j])
            else:
                t[i, j] = max(t[i, j], w[i])
            for k in range(i + 1, j):
                t[i, j] = max(t[i, j], t[i, k] * t[k + 1, j])
    return np.sum(t * t)


def test_no_table_is_kept_whole() -> None:
    w, h = np.array([0.3, 0.9, 0.4, 0.7, 0.55]), 1e-5
    made = value_and_grad(fold, "w")
    _, gradient = made(5, w)
    assert "t_saved" not in made.source
    assert "t_item_saved.append(t[i, j])" in made.source
    steps = [(fold(5, w + h * e) - fold(5, w - h * e)) / (2.0 * h) for e in np.eye(5)]
    assert gradient == pytest.approx(steps, rel=1e-7)


def largest_so_far(t, w):
    t = t.copy()
    for i in range(1, len(t)):
        t[i] = max(t[i], t[i - 1])
    return np.sum(t * w)


def test_the_adjoint_of_an_item_is_a_number() -> None:
    made = value_and_grad(largest_so_far, "t")
    _, gradient = made(np.array([0.3, 0.9, 0.4, 0.7]), np.array([1.0, 2.0, 3.0, 4.0]))
    assert gradient == pytest.approx([1.0, 9.0, 0.0, 0.0])
    assert made.source.count("if t[i] > t[i - 1]") == 1
