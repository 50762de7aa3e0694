"""Everything a random program is checked for, as one function of its seed or text.

Takes a `Program`, gives an `Outcome`; requires the engine. A refusal (S2SError) of a program is a
failure: generated programs stay inside the language. So is any other exception.
"""

from __future__ import annotations

import gc
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from s2s_ad.build import OPTIMISATIONS
from s2s_ad.emit import module
from s2s_ad.errors import S2SError
from s2s_ad.frontend.lower import lower_module
from s2s_ad.ir.text import function_text
from tests.checking import Wrong, check_both, check_derived, check_second_order
from tests.oracles import Kink

from .generate import Program, generate
from .points import TooLong, Trial, find_point, time_limit

Step = Callable[[], object]

SECONDS = 20.0
FIRST_CHECK = "kinds of the call"
# what generated code says where it finds out at run time only that it cannot go on
SHARED = "on an array that other names may share"
GENERATED = re.compile(r"_[0-9a-f]{16}\.py$")


@dataclass(frozen=True)
class Outcome:
    """What became of a program: ok, no point, refused where that is an answer, or failed.

    For a failure or a refusal, `check` says which check and `reason` what kind without the numbers
    of this program (equal for those of one cause, as far as a text can tell).
    """

    program: Program
    status: str
    passed: tuple[str, ...] = ()
    check: str = ""
    reason: str = ""
    message: str = ""
    second_order: str = "not tried"


def round_trip(text: str) -> None:
    """Raise Wrong when printing and reading a function of the module gives another one."""
    for name, function in lower_module(text, "<program>").items():
        printed = function_text(function)
        again = lower_module(printed, "<printed>")[name]
        if again != function:
            raise Wrong("round trip", f"{name} printed as\n{printed}")
        if function_text(again) != printed:
            raise Wrong(
                "round trip", f"{name} printed in two ways\n{printed}\n{function_text(again)}"
            )


def check_program(program: Program, everything: bool = False) -> Outcome:
    """Return what became of the program; by default the costlier checks take turns by seed."""
    trial = find_point(program)
    if not isinstance(trial, Trial):
        return Outcome(program, "no point", trial)
    steps, second = _steps(trial, everything)
    for check, step in steps:
        try:
            with time_limit(SECONDS), warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore", RuntimeWarning)
                step()
        except Kink:
            second = "kink"
        except Wrong as error:
            return Outcome(
                program, "failed", trial.passed, check, f"wrong: {error.check}", str(error)
            )
        except S2SError as error:
            if program.refusable and check != FIRST_CHECK:
                continue  # refused with less known, or where it is differentiated again
            status = "refused" if program.refusable else "failed"
            kind = f"refused: {type(error).__name__}: {_unnamed(error.message)}"
            return Outcome(program, status, trial.passed, check, kind, str(error))
        except TooLong as error:
            return Outcome(program, "failed", trial.passed, check, "too long", str(error))
        except Exception as error:
            if program.refusable and check != FIRST_CHECK and SHARED in str(error):
                continue
            kind = f"{type(error).__name__} {_place(error)}: {_unnamed(str(error))}"
            return Outcome(program, "failed", trial.passed, check, kind, f"{kind}\n{error}")
    return Outcome(program, "ok", trial.passed, second_order=second)


def _steps(trial: Trial, everything: bool) -> tuple[list[tuple[str, Step]], str]:
    """Return what the program is checked for, by name, and whether second order is."""
    program = trial.program
    turn, kind = divmod(max(program.seed, 0), 5)
    steps: list[tuple[str, Step]] = [(FIRST_CHECK, lambda: _both(trial))]
    number = isinstance(trial.value, (float, np.floating))
    if everything or kind in (1, 2) or (kind == 0 and not number):
        steps.append(("kinds off", lambda: _derived(trial, "kinds off", frozenset())))
    for k, option in enumerate(sorted(OPTIMISATIONS)):
        if everything or (kind == 3 and turn % len(OPTIMISATIONS) == k):
            check = f"without {option}"
            steps.append((check, lambda o=option, c=check: _derived(trial, c, frozenset([o]))))  # type: ignore[misc]
    if everything or (kind == 4 and turn % 2):
        off = frozenset(OPTIMISATIONS)
        steps.append(("all off", lambda: _derived(trial, "all off", off)))
    if everything or kind == 4:
        steps.append(("round trip", lambda: round_trip(program.text)))
    # takes as long as ten of the others
    if number and (everything or (kind == 0 and turn % 3 == 0)):
        steps.append(
            ("second order", lambda: check_second_order(trial.function, trial.args, program.wrt))
        )
        return steps, "checked"
    return steps, "not tried"


def hurry() -> None:
    """Leave out what takes time and no number depends on: layout of the texts, most of the gc.

    It stands here for the processes of `--jobs`: they load no `__main__`.
    """
    module.by_black = lambda text, width: text
    gc.freeze()
    gc.set_threshold(200_000, 20, 20)


def check_seed(seed: int, everything: bool = False) -> Outcome:
    return check_program(generate(seed), everything)


def _both(trial: Trial) -> None:
    check_both(trial.function, trial.args, trial.program.wrt, trial.value, trial.reference)


def _derived(trial: Trial, check: str, options: frozenset[str]) -> None:
    texts = check_derived(
        check, trial.function, trial.args, trial.program.wrt, trial.value, trial.reference, options
    )
    if trial.program.seed % 2:
        for text in texts:
            round_trip(text)


def _unnamed(message: str) -> str:
    """Return the message with names and numbers taken out, the first line only."""
    line = message.strip().splitlines()[0] if message.strip() else ""
    line = re.sub(r"'[^']*'|`[^`]*`", "'...'", line)
    return re.sub(r"\d+(\.\d+)?", "0", line)[:120]


def _place(error: BaseException) -> str:
    """Return the innermost place, such as `adjoint.py:120`; one word for generated code."""
    trace = error.__traceback__
    place = ""
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename.rpartition("/")[2]
        ours = not file.startswith("<") and not GENERATED.search(file)
        place = f"{file}:{trace.tb_lineno}" if ours else "generated"
        trace = trace.tb_next
    return f"({place})"
