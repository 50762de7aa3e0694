"""What s2s_ad costs around the derivative itself: import, first call from the cache, each call.

Takes nothing, gives `Startup`; requires s2s_ad, and starts processes of this Python.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

from s2s_ad import value_and_grad
from tests.benchmarks.generated import generated
from tests.benchmarks.measure import fastest
from tests.benchmarks.scalar_motion import SPRING

FIRST_CALL = """
    import time
    import numpy
    from tests.benchmarks.{module} import {name}
    start = time.process_time()
    from s2s_ad import value_and_grad
    imported = time.process_time()
    value_and_grad({name}.primal, wrt={name}.wrt)(*{name}.small())
    print(imported - start, time.process_time() - imported)
"""


@dataclass(frozen=True)
class Startup:
    """Seconds: of the import above numpy's, of a first call from the cache, of each call."""

    imported: float
    first: float
    overhead: float


def startup(repeats: int) -> Startup:
    """Return the least of so many measurements of each."""
    with tempfile.TemporaryDirectory() as folder:
        found = [_process(folder, "scalar_motion", "SPRING") for _ in range(10)][1:]
    imported = min(pair[0] for pair in found)
    first = min(pair[1] for pair in found)
    return Startup(imported, first, _overhead(repeats))


def _process(folder: str, module: str, name: str) -> tuple[float, float]:
    # the folder keeps compiled modules too, whatever the settings of this process are
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment["S2S_AD_CACHE"] = str(Path(folder) / "derivatives")
    environment["PYTHONPYCACHEPREFIX"] = str(Path(folder) / "modules")
    program = dedent(FIRST_CALL).format(module=module, name=name)
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    imported, first = map(float, done.stdout.split())
    return imported, first


def _overhead(repeats: int) -> float:
    # no steps: what remains is the call
    args = (2.3, 0.8, 0)
    direct = generated(SPRING, "adjoint", args).call
    transform = value_and_grad(SPRING.primal, wrt=SPRING.wrt)
    transform(*args)
    calls = (lambda: direct(*args)), (lambda: transform(*args))
    bare, wrapped = fastest(calls, repeats)
    return wrapped - bare
