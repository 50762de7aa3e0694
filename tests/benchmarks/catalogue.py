"""The sixteen programs, in the order of the table.

Takes nothing, gives `PROGRAMS`; requires the files of programs.
"""

from __future__ import annotations

from tests.benchmarks.array_models import BUNDLE, HEAT, KALMAN
from tests.benchmarks.array_networks import LSTM, NETWORK
from tests.benchmarks.array_statistics import LOG_SUM_EXP, LOGISTIC, MIXTURE
from tests.benchmarks.program import Program
from tests.benchmarks.scalar_closed import HORNER, TARIFF
from tests.benchmarks.scalar_motion import LORENZ, ORBIT, SPRING
from tests.benchmarks.scalar_newton import NEWTON, VOLATILITY
from tests.benchmarks.scalar_solve import THOMAS

PROGRAMS: dict[str, Program] = {
    program.name: program
    for program in (
        HORNER,
        NEWTON,
        LORENZ,
        SPRING,
        VOLATILITY,
        ORBIT,
        THOMAS,
        TARIFF,
        LOGISTIC,
        NETWORK,
        MIXTURE,
        BUNDLE,
        LSTM,
        KALMAN,
        HEAT,
        LOG_SUM_EXP,
    )
}
