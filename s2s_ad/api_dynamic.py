"""What generated code asks for when it runs: values of calls with their adjoints or tangents.

Takes a function, what it is called with and what of that is active; requires api_calls, api_roots,
api_integrals.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from s2s_ad import api_integrals, api_roots
from s2s_ad.api_calls import call_of, grouped, like, passive, reversed_call, tangent_of
from s2s_ad.runtime import zeros_like
from s2s_ad.runtime.calls import Active, find_integral, find_root


def forward(
    function: Callable[..., Any], active: Active, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[Any, Callable[[Any], Any]]:
    """Return the value of a call, and what turns its adjoint into those of what is active."""
    if function is find_root:
        return api_roots.forward(active, args, kwargs)
    if function is find_integral:
        return api_integrals.forward(active, args, kwargs)
    call = call_of(function, active, args, kwargs)
    if not call.wrt:
        return passive(function, args, kwargs), lambda value_bar: grouped(call, {})
    value, bars = reversed_call(function, call)
    zero = zeros_like(value)

    def reverse(value_bar: Any) -> Any:
        return grouped(call, dict(zip(call.wrt, bars(like(zero, value_bar)))))

    return value, reverse


def tangent(
    function: Callable[..., Any],
    active: Active,
    dots: Sequence[Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
) -> tuple[Any, Any]:
    """Return the value of a call and its derivative along `dots`."""
    if function is find_root:
        return api_roots.tangent(active, dots, args, kwargs)
    if function is find_integral:
        return api_integrals.tangent(active, dots, args, kwargs)
    call = call_of(function, active, args, kwargs)
    if not call.wrt:
        value = passive(function, args, kwargs)
        return value, zeros_like(value)
    return tangent_of(function, call, dots)
