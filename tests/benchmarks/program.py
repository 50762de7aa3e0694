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
    """A function that returns a number, or leaves an output in an argument; its adjoint by hand.

    group: "scalar", "array" or "kernels". adjoint: called like what is generated, with the primal's
    arguments and the adjoint of its result or output; it returns (result, gradients). helpers: the
    functions that were written for it, whose lines count as its own. small: arguments to test it
    with. real: arguments to time it with. of: the argument that is the output.
    """

    name: str
    group: str
    primal: Callable[..., Any]
    adjoint: Callable[..., Any]
    wrt: tuple[str, ...]
    small: Callable[[], Arguments]
    real: Callable[[], Arguments]
    helpers: tuple[Callable[..., Any], ...] = ()
    of: tuple[str, ...] = ()

    def kept(self, args: Arguments) -> Arguments:
        """Return arguments that the primal may write into."""
        return tuple(x.copy() if self.of and hasattr(x, "copy") else x for x in args)
