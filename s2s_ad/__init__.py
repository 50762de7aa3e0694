"""Derivatives of Python functions as readable Python source.

    from s2s_ad import grad

    @grad
    def f(x):
        return x * x

    f(3.0)    # 6.0
    f.source  # the text of the adjoint

The public names; the transforms are described in `api`, the errors in `errors`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from s2s_ad.api import grad, hessian, hvp, jacfwd, jacrev, jvp, value_and_grad, vjp
from s2s_ad.errors import (
    AliasError,
    ArgumentError,
    MissingRule,
    OutputError,
    S2SError,
    SourceError,
    UnsupportedSyntax,
)
from s2s_ad.runtime import stop_gradient
from s2s_ad.version import VERSION as __version__

if TYPE_CHECKING:
    from s2s_ad.rules import declare

__all__ = [
    "AliasError",
    "ArgumentError",
    "MissingRule",
    "OutputError",
    "S2SError",
    "SourceError",
    "UnsupportedSyntax",
    "__version__",
    "declare",
    "grad",
    "hessian",
    "hvp",
    "jacfwd",
    "jacrev",
    "jvp",
    "stop_gradient",
    "value_and_grad",
    "vjp",
]


def __getattr__(name: str) -> Any:
    # the table of rules is read when it is asked for, not on the way to a cached derivative
    if name == "declare":
        from s2s_ad.rules import declare

        return declare
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
