"""Random programs, a part of them with `-m exhaustive`, and generator, oracles and shrinker.

S2S_AD_PROGRAMS adds as many more; `python -m tests.programs` runs as many as one likes.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.oracles import close, complex_jacobian, difference_jacobian, leaves, rebuild
from tests.programs.check import check_program, check_seed
from tests.programs.generate import FIRST_STORES, Program, generate
from tests.programs.points import Trial, find_point
from tests.programs.save import regression_text
from tests.programs.shims import complex_function
from tests.programs.shrink import shrink

# seeds whose programs are refused, crash or are wrong today, each to be taken off this list
OPEN: frozenset[int] = frozenset()
MORE = int(os.environ.get("S2S_AD_PROGRAMS", "0"))
# large programs first; from 2000 on most are small
STORING = range(FIRST_STORES, FIRST_STORES + 24)
FIXED = (*range(6), *range(2000, 2120), *STORING, *range(3000, 3000 + MORE))
EXHAUSTIVE = (*range(6, 12), *range(2120, 2180), *range(FIRST_STORES + 24, FIRST_STORES + 100))
CHUNK = 10
ROOT = Path(__file__).parent.parent


def chunks(seeds, *marks):
    seeds = [seed for seed in seeds if seed not in OPEN]
    found = [seeds[k : k + CHUNK] for k in range(0, len(seeds), CHUNK)]
    return [pytest.param(chunk, marks=marks, id=str(chunk[0])) for chunk in found]


@pytest.mark.parametrize("seeds", [*chunks(FIXED), *chunks(EXHAUSTIVE, pytest.mark.exhaustive)])
def test_programs(seeds):
    failures = []
    for seed in seeds:
        outcome = check_seed(seed)
        if outcome.status == "failed":
            failures.append(f"seed {seed}, {outcome.check}: {outcome.message}")
    assert not failures, "\n".join([
        *failures, "reproduce: python -m tests.programs --show SEED"
    ])  # fmt: skip


def test_few_of_those_that_store_are_refused():
    outcomes = [check_seed(seed) for seed in STORING]
    assert sum(outcome.status == "refused" for outcome in outcomes) <= len(outcomes) // 4
    assert sum(outcome.status == "ok" for outcome in outcomes) >= len(outcomes) // 2


def test_most_seeds_can_be_tested():
    """Few programs have no smooth point, and few of the rest have no slope at all."""
    trials = [find_point(generate(seed)) for seed in range(200)]
    tested = [trial for trial in trials if isinstance(trial, Trial)]
    assert len(tested) >= 190
    assert sum(trial.reference.method == "complex step" for trial in tested) >= 170
    assert sum(bool(trial.reference.jacobian.any()) for trial in tested) >= 150


def test_programs_do_not_depend_on_the_hash_seed():
    code = "from tests.programs.generate import generate; print([generate(s) for s in range(20)])"
    texts = {
        subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("0", "1", "77")
    }  # fmt: skip
    assert len(texts) == 1


def test_more_than_one_process():
    """A process that another one starts loads no `__main__`: what it calls is elsewhere."""
    run = subprocess.run(
        [sys.executable, "-m", "tests.programs", "--seeds", "2", "--start", "2000", "--jobs", "2"],
        cwd=ROOT, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert "'ok': 2" in run.stdout


def test_every_construct_is_drawn():
    """Over some hundred seeds, every statement of the language occurs."""
    seen = set()
    for seed in range(300):
        for node in ast.walk(ast.parse(generate(seed).text)):
            seen.add(type(node).__name__)
            if isinstance(node, (ast.For, ast.While)) and node.orelse:
                seen.add("LoopElse")
    wanted = (
        "Assign AugAssign AnnAssign If For While LoopElse Break Continue Return Assert Raise Pass"
        " FunctionDef Lambda IfExp BoolOp Compare ListComp GeneratorExp Subscript Slice Dict"
        " JoinedStr keyword"
    )
    assert set(wanted.split()) <= seen


def test_complex_steps_agree_with_differences():
    text = (
        "import math\nimport numpy as np\n\n"
        "def f(x, v):\n"
        "    s = abs(x) ** 3 + math.atan2(x, 2.0) + max(x, -1.0) % 2.0 + math.log1p(x * x)\n"
        "    if s > x and np.max(v) > 0.0:\n"
        "        s = s * np.linalg.norm(v) + np.sum(np.where(v > 0.0, v ** 2, -v))\n"
        "    return s * sum(v), np.clip(v, -0.5, 0.5) * x, np.abs(v), np.var(v)\n"
    )
    program = Program(text, ("x", "v"), ())
    args = (-0.7, np.array([0.3, -0.2, 1.4]))
    by_complex = complex_jacobian(complex_function(text, "f"), args)
    by_differences, error = difference_jacobian(program.load(), args)
    assert close(by_complex, by_differences, error, 1e-9)


def test_structures_are_rebuilt():
    like = (1.0, [np.array([[2.0, 3.0]]), None], {"b": 4.0, "a": (5.0, "text", True)})
    flat = leaves(like)
    assert flat.tolist() == [1.0, 2.0, 3.0, 5.0, 4.0]
    again = rebuild(like, flat)
    assert again[2] == {"b": 4.0, "a": (5.0, "text", True)}
    assert np.array_equal(again[1][0], like[1][0])
    with pytest.raises(ValueError, match="6 numbers"):
        rebuild(like, [0.0] * 6)


def test_kinks_are_passed_over():
    program = Program("def f(x):\n    return abs(x)\n", ("x",), ((0.0,), (1.0,)))
    trial = find_point(program)
    assert isinstance(trial, Trial)
    assert trial.args == (1.0,)
    assert trial.passed[0].startswith("kink")


def test_shrinker_leaves_what_fails():
    """A program 'fails' here when it calls sin of something in a loop."""

    def fails(program):
        for node in ast.walk(ast.parse(program.text)):
            if isinstance(node, ast.For) and "math.sin(" in ast.unparse(node):
                return True
        return False

    big = next(p for p in map(generate, range(100)) if fails(p))
    small = shrink(big, fails)
    assert fails(small)
    assert len(small.text.splitlines()) <= 8
    assert len(small.text) < len(big.text)


def test_saved_regression_is_read_back():
    program = Program("def f(x, n):\n    return x * x * n\n", ("x",), ((3.0, 2),), seed=5)
    outcome = check_program(program)
    assert outcome.status == "ok", outcome.message
    namespace = {}
    exec(regression_text(outcome), namespace)
    assert namespace["ARGS"] == (3.0, 2) and namespace["WRT"] == ("x",)
    assert namespace["expected"]()[0] == pytest.approx(12.0)
