"""All that generated code may import from us: shapes of adjoints, products and quotients at zeros.

Takes and gives numbers, numpy arrays, and lists, tuples and dicts of them; requires numpy only.

Every function here that the derivative of a rule may call has a rule itself
(`rules/helpers.py`), so derivatives of any order stay inside the language. None of them
changes its arguments.
"""

from __future__ import annotations

from .calls import call_forward, call_reverse, call_tangent, find_integral, find_root
from .products import (
    advance,
    contract,
    contract_left,
    contract_right,
    delay,
    exclusive_product,
    matmul_left,
    matmul_right,
    recurrence,
    recurrence_back,
    tensordot_left,
    tensordot_right,
    ungradient,
)
from .records import as_instance, attribute_of, with_attribute
from .slopes import (
    absorb,
    divide_or_zero,
    log_or_zero,
    power_slope,
    quotient,
    ties,
    within,
)
from .special import (
    bessel_i,
    digamma,
    polygamma,
    sinc_slope,
)
from .structure import (
    add,
    as_number,
    as_real,
    buffer,
    copied,
    expand,
    keys,
    last_stored,
    scatter,
    scatter_along,
    sequence,
    split_like,
    spread,
    stop_gradient,
    unblock,
    unbroadcast,
    unpad,
    unrepeat,
    unstack,
    zeros_like,
)

# sorted; rules may use these names bare
__all__ = [
    "absorb",
    "add",
    "advance",
    "as_instance",
    "as_number",
    "as_real",
    "attribute_of",
    "bessel_i",
    "buffer",
    "call_forward",
    "call_reverse",
    "call_tangent",
    "contract",
    "contract_left",
    "contract_right",
    "copied",
    "delay",
    "digamma",
    "divide_or_zero",
    "exclusive_product",
    "expand",
    "find_integral",
    "find_root",
    "keys",
    "last_stored",
    "log_or_zero",
    "matmul_left",
    "matmul_right",
    "polygamma",
    "power_slope",
    "quotient",
    "recurrence",
    "recurrence_back",
    "scatter",
    "scatter_along",
    "sequence",
    "sinc_slope",
    "split_like",
    "spread",
    "stop_gradient",
    "tensordot_left",
    "tensordot_right",
    "ties",
    "unblock",
    "unbroadcast",
    "ungradient",
    "unpad",
    "unrepeat",
    "unstack",
    "with_attribute",
    "within",
    "zeros_like",
]
