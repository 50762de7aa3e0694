"""The programs for numba, in the order of the table.

Takes nothing, gives `COMPILED`; requires the files of programs.
"""

from __future__ import annotations

from tests.benchmarks.compiled_calls import CALLS, TREE
from tests.benchmarks.compiled_grids import ADVECT, CONVOLVE, DENOISE, LOOKUP
from tests.benchmarks.compiled_iterations import BISECT, KEPLER, RELAX
from tests.benchmarks.compiled_matrices import CG, CHOLESKY, MATVEC, THOMAS
from tests.benchmarks.compiled_measured import CAMERA, VANDERPOL, WAVE
from tests.benchmarks.compiled_models import ATTEND, CTC, GMM
from tests.benchmarks.compiled_motion import FALL, LORENZ, NBODY, PAIRS
from tests.benchmarks.compiled_networks import LOGIT, MLP, RNN
from tests.benchmarks.compiled_prices import ASIAN, BINOMIAL, BS, HESTON
from tests.benchmarks.compiled_program import Compiled
from tests.benchmarks.compiled_series import EPIDEMIC, FILTER, GARCH, MARKOV
from tests.benchmarks.compiled_stencils import DIFFUSE, JACOBI, SEIDEL, STENCIL
from tests.benchmarks.compiled_tables import EDIT, SOFTDTW

COMPILED: dict[str, Compiled] = {
    program.name: program
    for program in (
        STENCIL,
        JACOBI,
        DIFFUSE,
        SEIDEL,
        SOFTDTW,
        EDIT,
        CALLS,
        TREE,
        ASIAN,
        BS,
        BINOMIAL,
        HESTON,
        NBODY,
        FALL,
        LORENZ,
        PAIRS,
        RELAX,
        KEPLER,
        BISECT,
        MATVEC,
        CHOLESKY,
        THOMAS,
        CG,
        LOGIT,
        MLP,
        RNN,
        EPIDEMIC,
        MARKOV,
        FILTER,
        GARCH,
        ADVECT,
        CONVOLVE,
        LOOKUP,
        DENOISE,
        GMM,
        ATTEND,
        CTC,
        WAVE,
        CAMERA,
        VANDERPOL,
    )
}
