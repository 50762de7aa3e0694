"""The run of the benchmarks: what is measured of which programs, and the tables of it.

Takes the arguments of the command line, prints tables; requires the other modules of this folder.
"""

from __future__ import annotations

import argparse
import sys

from tests.benchmarks.catalogue import PROGRAMS
from tests.benchmarks.compiled_catalogue import COMPILED
from tests.benchmarks.kernels import KERNELS
from tests.benchmarks.measure import measure
from tests.benchmarks.peers import PEERS
from tests.benchmarks.startup import startup
from tests.benchmarks.table import report
from tests.benchmarks.versus import versus

WHAT = "Measure the benchmark programs: ours, by hand, and by other tools."


def main() -> None:
    options = _options()
    if options.numba:
        _numba(options)
        return
    rows = []
    programs = KERNELS if options.kernels else PROGRAMS
    for name in options.names or programs:
        print(f"{name} ...", file=sys.stderr)
        rows.append(measure(programs[name], options.repeats))
    outcomes = {}
    peers = [] if options.no_peers or options.kernels else list(PEERS)
    for peer in peers:
        for row in rows:
            print(f"{peer}: {row.program.name} ...", file=sys.stderr)
            found = versus(peer, row.program.name, max(3, options.repeats // 4))
            outcomes[peer, row.program.name] = found
    started = None if options.names or options.kernels else startup(options.repeats)
    print("\n".join(report(rows, peers, outcomes, started, options.markdown)))


def _numba(options: argparse.Namespace) -> None:
    from tests.benchmarks.compiled_measure import report as table  # where numba is installed
    from tests.benchmarks.compiled_measure import times

    found = []
    for name in options.names or COMPILED:
        print(f"{name} ...", file=sys.stderr)
        found.append(times(COMPILED[name], options.repeats))
    print("\n".join(table(found, options.markdown)))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=WHAT)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(PROGRAMS))
    parser.add_argument(
        "--repeats", type=int, default=40, help="timings, of which the least counts"
    )
    parser.add_argument("--no-peers", action="store_true", help="leave out the other tools")
    parser.add_argument("--numba", action="store_true", help="the programs that numba compiles")
    parser.add_argument("--kernels", action="store_true", help="kernels that write into arguments")
    parser.add_argument("--markdown", action="store_true", help="print tables in Markdown")
    options = parser.parse_args()
    known = COMPILED if options.numba else KERNELS if options.kernels else PROGRAMS
    unknown = set(options.names) - set(known)
    if unknown:
        parser.error(f"there is no program {', '.join(sorted(unknown))}")
    return options
