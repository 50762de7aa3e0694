"""Times and memory of a program, its hand-written adjoint and what is generated, in one run.

Takes programs, gives a `Row`; requires generated, program. Times are those of the processor, not of
the clock: what else the machine does is not in them.
"""

from __future__ import annotations

import gc
import inspect
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from s2s_ad.errors import S2SError
from tests.benchmarks.generated import code_lines, generated, lines_by_hand
from tests.benchmarks.program import Arguments, Program
from tests.checking import interleaved
from tests.oracles import leaves, rebuild

SHORTEST = 0.003  # seconds that one timing lasts at least, that of a function faster is a loop
LONGEST = 10.0  # seconds after which a call is not timed again

Call = Callable[[], Any]


@dataclass(frozen=True)
class Row:
    """What was measured of a program; times in seconds. refused: why there is no derivative."""

    program: Program
    primal: float
    hand: float
    ours: float = float("nan")
    tangent: float = float("nan")
    memory_hand: int = 0
    memory_ours: int = 0
    lines_hand: int = 0
    lines_ours: int = 0
    build: float = float("nan")
    refused: str = ""


def fastest(calls: Sequence[Call], repeats: int) -> list[float]:
    """Return the least time of each call, timed in turns so that noise hits all of them alike."""
    counts = [_count(call) for call in calls]
    best = [float("inf")] * len(calls)
    spent = [0.0] * len(calls)
    gc.collect()
    gc.disable()
    try:
        for _ in range(repeats):
            for k, (call, count) in enumerate(zip(calls, counts)):
                if spent[k] > LONGEST:
                    continue
                start = time.process_time()
                for _ in range(count):
                    call()
                taken = time.process_time() - start
                best[k] = min(best[k], taken / count)
                spent[k] += taken
    finally:
        gc.enable()
    return best


def _count(call: Call) -> int:
    count = 1
    while True:
        start = time.process_time()
        for _ in range(count):
            call()
        if time.process_time() - start >= SHORTEST:
            return count
        count *= 2


def peak(call: Call) -> int:
    """Return the most bytes that a call holds at a time, its result included."""
    call()
    gc.collect()
    tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        result = call()
        most = tracemalloc.get_traced_memory()[1] - before
        del result
    finally:
        tracemalloc.stop()
    return most


def directions(program: Program, args: Arguments) -> tuple[Any, ...]:
    """Return a tangent for each argument in wrt."""
    names = list(inspect.signature(program.primal).parameters)
    like = tuple(args[names.index(name)] for name in program.wrt)
    dots: tuple[Any, ...] = rebuild(like, np.cos(1.0 + np.arange(len(leaves(like)))))
    return dots


def bars(program: Program, args: Arguments) -> tuple[Any, ...]:
    """Return an adjoint for each output that is an argument; that of a number is 1 by itself."""
    names = list(inspect.signature(program.primal).parameters)
    like = tuple(args[names.index(name)] for name in program.of)
    found: tuple[Any, ...] = rebuild(like, np.sin(1.0 + np.arange(len(leaves(like)))))
    return found


def measure(program: Program, repeats: int) -> Row:
    """Return all figures of a program that need no peer."""
    args = program.real()
    seeds = bars(program, args)
    primal, hand = (
        (lambda: program.primal(*program.kept(args))),
        (lambda: program.adjoint(*args, *seeds)),
    )
    try:
        adjoint = generated(program, "adjoint", args, builds=4)
        along = generated(program, "tangent", args)
    except S2SError as error:
        times = fastest((primal, hand), repeats)
        return Row(program, *times, refused=str(error).splitlines()[0])
    dotted = interleaved(program.primal, args, program.wrt, directions(program, args))
    ours, tangent = (lambda: adjoint.call(*args, *seeds)), (lambda: along.call(*dotted))
    times = fastest((primal, hand, ours, tangent), repeats)
    return Row(
        program,
        *times,
        memory_hand=peak(hand),
        memory_ours=peak(ours),
        lines_hand=lines_by_hand(program),
        lines_ours=code_lines(adjoint.text),
        build=adjoint.seconds,
    )
