"""What a benchmark program is: its primal, its arguments, and the adjoint an expert would write.

Takes nothing, gives `Program`; requires nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Arguments = tuple[Any, ...]


@dataclass(frozen=True)
class Program:
    """A function that returns a number, and its hand-written adjoint.

    group: "scalar" or "array". adjoint: called like what is generated, with the primal's arguments
    and the adjoint of its result; it returns (result, gradients). helpers: the functions that were
    written for it, whose lines count as its own. small: arguments to test it with. real: arguments
    to time it with. variants: by the name of a peer, the primal as it is written for that peer,
    where it takes the text as it stands no better or not at all.
    """

    name: str
    group: str
    primal: Callable[..., Any]
    adjoint: Callable[..., Any]
    wrt: tuple[str, ...]
    small: Callable[[], Arguments]
    real: Callable[[], Arguments]
    helpers: tuple[Callable[..., Any], ...] = ()
