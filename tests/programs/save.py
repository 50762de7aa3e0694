"""The text of a regression file for a program that failed.

Takes an `Outcome`, gives a module with `f`, `ARGS`, `WRT`, `expected()` (and `SEED`, the weights of
a result that is not one number) as tests/test_regressions.py reads them; requires the oracles.
"""

from __future__ import annotations

import numpy as np

from tests.oracles import leaves, rebuild

from .check import Outcome
from .points import Trial, find_point


def regression_text(outcome: Outcome) -> str:
    """Return the module; without `expected()` when the program cannot be run."""
    program = outcome.program
    head = f'"""Random program of seed {program.seed}: {_one_line(outcome.message)}"""\n\n'
    trial = find_point(program)
    if not isinstance(trial, Trial):
        return head + program.text
    bars = np.ones(len(leaves(trial.value)))
    gradient = rebuild(trial.args_wrt, bars @ trial.reference.jacobian)
    text = program.text
    if "import numpy as np" not in text:
        text = "import numpy as np\n" + text
    seed = "" if len(bars) == 1 else f"SEED = {_literal(rebuild(trial.value, bars))}\n"
    return (
        f"{head}{text}\n\nARGS = {_literal(trial.args)}\nWRT = {program.wrt!r}\n{seed}\n\n"
        f"def expected():\n    # by {trial.reference.method}\n    return {_literal(gradient)}\n"
    )


def _literal(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"np.array({value.tolist()!r})"
    if isinstance(value, np.floating):
        return repr(float(value))
    if isinstance(value, tuple):
        return "(" + "".join(f"{_literal(item)}, " for item in value) + ")"
    if isinstance(value, list):
        return "[" + ", ".join(map(_literal, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {_literal(item)}" for key, item in value.items()) + "}"
    return repr(value)


def _one_line(message: str) -> str:
    return " ".join(message.split())[:70].replace('"', "'").replace("\\", "/")
