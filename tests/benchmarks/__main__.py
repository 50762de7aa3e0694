"""Measure the benchmark programs: `python -m tests.benchmarks [NAME ...]`.

Takes what `run` takes; requires it.
"""

from __future__ import annotations

import os

if __name__ == "__main__":
    # one thread for all: ratios of one core's work; NumPy's libraries read it when they are loaded
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    os.environ.pop("S2S_AD_CHECK", None)  # the verifier is for tests

    from tests.benchmarks.run import main

    main()
