"""Random programs that fill rows item by item: what is kept of a row must have what comes later.

Each is a loop that makes a row, stores into its items in turn and all over, reads it, and may keep
it under a second name. Gradients are held to complex steps.
"""

from __future__ import annotations

import cmath
import linecache
import math
import random

import pytest

from s2s_ad import value_and_grad
from s2s_ad.errors import UnsupportedSyntax

SIZE = 5
POINT = (0.6, 0.35, 3)


def program(seed: int) -> str:
    """Return the text of `f(x, y, n)`."""
    draw = random.Random(seed)

    def item(below: int) -> str:
        return draw.choice([*(f"row[{k}]" for k in range(below)), "x", "y", "total"])

    made = ["[x, 0.4, y, 0.2, 0.1]", "[0.5 * b for b in before]", "before[:]", f"[y] * {SIZE}"]
    body = [f"row = {draw.choice(made)}"]
    if draw.random() < 0.7:
        body.append(f"row[0] = row[0] * row[0] * {draw.choice(['x', 'y', 'total'])}")
    if draw.random() < 0.3:
        body.append(f"for i in range(1, {SIZE}):")
        body.append(f"    row[i] = math.sin(row[i - 1] + {draw.choice(['x', 'before[i] * x'])})")
    for k in range(1, SIZE):
        if draw.random() < 0.6:
            body.append(f"row[{k}] = math.sin({item(k)} * {item(k)} + x)")
        if draw.random() < 0.2:
            body.append(f"total += row[{k}] * row[{draw.randint(0, k)}]")
    if draw.random() < 0.3:
        body.append("total += sum([v * v for v in row])")
        body.append("for j in range(7):")
        body.append(f"    row[j % {SIZE}] = {draw.choice(['0.3', f'row[j % {SIZE}] * 0.9'])}")
    body.append(f"total += {draw.choice(['sum(row)', 'row[1] * row[1] * row[0]'])}")
    body.append("x = 0.7 * x")
    if draw.random() < 0.4:
        body.append("before = row")
    lines = ["total = 0.1", f"before = [x] * {SIZE}", "for _ in range(n):"]
    lines += [f"    {line}" for line in body]
    lines.append("return total + before[1] * sum(before)")
    return "\n".join(["def f(x, y, n):", *(f"    {line}" for line in lines)]) + "\n"


@pytest.mark.parametrize("seed", range(12, 42))
def test_gradient(seed: int) -> None:
    text, file = program(seed), f"<row {seed}>"
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    ours: dict = {"math": math}
    exec(compile(text, file, "exec"), ours)
    f, (x, y, n) = ours["f"], POINT
    try:
        value, gradient = value_and_grad(f, wrt=("x", "y"))(x, y, n)
    except UnsupportedSyntax as refused:
        # an item of a row that was just bound to the name of the row before
        assert "which other names may share" in str(refused)
        return
    assert value == f(x, y, n)
    reference: dict = {"math": cmath}
    exec(text, reference)
    wanted = [reference["f"](x + 1e-30j, y, n), reference["f"](x, y + 1e-30j, n)]
    assert gradient == pytest.approx([w.imag * 1e30 for w in wanted], rel=1e-10, abs=1e-12)
