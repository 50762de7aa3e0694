"""Command line: `python -m tests.programs --seeds N [--start S] [--jobs J]`.

Runs random programs, prints how many failed and why, shrinks one failure of each reason, and with
`--save` writes the shrunk programs to fixtures/regressions. Exit status 1 when any failed.
"""

from __future__ import annotations

import argparse
import collections
import functools
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from .check import Outcome, check_program, check_seed, hurry
from .generate import Program
from .save import regression_text
from .shrink import shrink


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.programs", description=__doc__)
    parser.add_argument("--seeds", type=int, default=300, help="how many programs (default 300)")
    parser.add_argument("--start", type=int, default=0, help="the first seed")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--everything", action="store_true", help="every check on every program")
    parser.add_argument("--shrink", type=int, default=1, help="how many to shrink of each reason")
    parser.add_argument("--save", metavar="DIR", help="write shrunk failures there")
    parser.add_argument("--show", type=int, metavar="SEED", help="print one program and stop")
    options = parser.parse_args()
    os.environ.setdefault("S2S_AD_CHECK", "1")
    if options.show is not None:
        outcome = check_seed(options.show, True)
        print(outcome.program.text, outcome.program.wrt, outcome.program.points[0], sep="\n")
        print(outcome.status, outcome.check, outcome.message)
        return outcome.status == "failed"
    with tempfile.TemporaryDirectory(prefix="s2s_ad_programs_") as folder:
        os.environ["S2S_AD_CACHE"] = folder
        return run(options)


def run(options: argparse.Namespace) -> int:
    began = time.monotonic()
    counts: collections.Counter[str] = collections.Counter()
    refusals: collections.Counter[str] = collections.Counter()
    failures: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in outcomes(options):
        counts[outcome.status] += 1
        counts["points passed over"] += len(outcome.passed)
        counts[f"second order {outcome.second_order}"] += 1
        if outcome.status == "refused":
            refusals[outcome.reason] += 1
        if outcome.status == "failed":
            failures.setdefault((outcome.check, outcome.reason), []).append(outcome)
        if sum(counts[s] for s in ("ok", "failed", "no point", "refused")) % 1000 == 0:
            print(f"... {dict(counts)} after {time.monotonic() - began:.0f} s", flush=True)
    for (check, reason), found in sorted(failures.items(), key=lambda item: -len(item[1])):
        seeds = ", ".join(str(outcome.program.seed) for outcome in found[:8])
        print(f"\n== {len(found)} x {check}: {reason}\n   seeds {seeds}")
        by_size = sorted(found, key=lambda outcome: len(outcome.program.text))
        for outcome in by_size[: max(1, options.shrink)]:
            report(outcome, options)
    for reason, count in refusals.most_common():
        print(f"{count} x {reason}")
    print(f"\n{dict(counts)} in {time.monotonic() - began:.0f} s")
    return bool(failures)


def outcomes(options: argparse.Namespace) -> Iterator[Outcome]:
    seeds = range(options.start, options.start + options.seeds)
    one = functools.partial(check_seed, everything=options.everything)
    if options.jobs == 1:
        hurry()
        yield from map(one, seeds)
        return
    with multiprocessing.get_context("spawn").Pool(options.jobs, hurry) as pool:
        yield from pool.imap_unordered(one, seeds, chunksize=10)


def report(outcome: Outcome, options: argparse.Namespace) -> None:
    if options.shrink:

        def fails(program: Program) -> bool:
            again = check_program(program, options.everything)
            return again.status == "failed" and again.reason == outcome.reason

        program = shrink(outcome.program, fails)
        outcome = check_program(program, options.everything)
    text = regression_text(outcome)
    print(text)
    print("   " + outcome.message.replace("\n", "\n   "))
    if options.save:
        path = Path(options.save) / f"program_{outcome.program.seed}.py"
        path.write_text(text)
        print(f"   written to {path}")


if __name__ == "__main__":
    sys.exit(main())
