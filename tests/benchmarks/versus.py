"""One peer on one program, in a process of its own, so that none is disturbed by another.

Takes names, gives an `Outcome`; requires peers, measure, catalogue. The process is this module:
`python -m tests.benchmarks.versus PEER PROGRAM REPEATS` prints the outcome as JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from dataclasses import asdict, dataclass

import numpy as np

from tests.benchmarks.catalogue import PROGRAMS
from tests.benchmarks.measure import fastest
from tests.benchmarks.peers import PEERS
from tests.oracles import leaves

PATIENCE = 120.0  # seconds for a peer and a program, compiling included
SAME = 1e-6  # relative error up to which a gradient is right


@dataclass(frozen=True)
class Outcome:
    """ratio: the time of value and gradient over that of the primal; without one, what went wrong.

    what: "refuses", "wrong", "slow" or "not installed"; detail: the first line of the reason.
    """

    ratio: float | None
    what: str = ""
    detail: str = ""


def versus(peer: str, program: str, repeats: int) -> Outcome:
    """Return what a peer does with a program, by a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.versus", peer, program, str(repeats)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        return Outcome(None, "slow", f"more than {PATIENCE:.0f} s")
    if done.returncode:
        return Outcome(None, "refuses", _last_line(done.stderr))
    return Outcome(**json.loads(done.stdout.splitlines()[-1]))


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["it ended without a message"])[-1][:200]


def _first_line(text: str) -> str:
    lines = (line.strip() for line in text.splitlines())
    return next((line for line in lines if line.strip("= ") and line != "Tangent Error"), "")[:200]


def _outcome(peer: str, name: str, repeats: int) -> Outcome:
    program = PROGRAMS[name]
    args = program.real()
    _, wanted = program.adjoint(*program.real())
    try:
        call = PEERS[peer](program, args)
        _, found = call()
        found = leaves([np.asarray(item) for item in _flat(found)])
    except ModuleNotFoundError as error:
        return Outcome(None, "not installed", str(error))
    except Exception as error:
        return Outcome(None, "refuses", f"{type(error).__name__}: {_first_line(str(error))}")
    numbers = leaves(wanted)
    if found.shape != numbers.shape:
        return Outcome(None, "wrong", f"{found.size} numbers, not {numbers.size}")
    error = float(np.max(np.abs(found - numbers)) / np.max(np.abs(numbers)))
    if not error < SAME:
        return Outcome(None, "wrong", f"relative error {error:.1e}")
    primal, gradient = fastest((lambda: program.primal(*args), call), repeats)
    return Outcome(gradient / primal)


def _flat(found: object) -> list[object]:
    if isinstance(found, (tuple, list)):
        return [number for item in found for number in _flat(item)]
    return [found]


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(json.dumps(asdict(_outcome(sys.argv[1], sys.argv[2], int(sys.argv[3])))))
