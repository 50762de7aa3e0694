"""What a call shares storage with: how much of its result is new.

Takes names of functions and methods that have rules, gives `FIRST` (it is the first argument, or as
new as that), `VIEW` (a view of the first argument if that is an array, made of it if it is a list),
`METHOD_VIEW` (a view of the array whose method it is), `SHARES`, `NEW` (the outermost container is)
or `WHOLLY_NEW`. Requires nothing.
"""

from __future__ import annotations

FIRST, VIEW, METHOD_VIEW, SHARES, NEW, WHOLLY_NEW = range(6)

# functions and methods of arrays that may return a view of their argument, or that itself
VIEWS = frozenset(
    "reshape transpose ravel squeeze expand_dims asarray asanyarray ascontiguousarray "
    "asfortranarray atleast_1d atleast_2d atleast_3d swapaxes moveaxis rollaxis real "
    "real_if_close flip fliplr flipud rot90 split array_split hsplit vsplit dsplit view T "
    "permute_dims matrix_transpose mT".split()
)
# the same, of which an entry may be seen at several places, which cannot be stored into, or which
# are of another argument than the first
SHARING = frozenset(
    "broadcast_to broadcast_arrays diagonal diag imag conj conjugate unstack trim_zeros einsum "
    "diff matrix_power item require float64 sliding_window_view polyder polyint".split()
)
# builtins and methods that make a container of items that are not new
CONTAINERS = frozenset("list sorted dict sum copy fromkeys values keys items".split())
# builtins that give a number, or one of their arguments
NUMBERS = frozenset("len float int range abs".split())
# helpers of `runtime` that may return their first argument itself
HELPERS_OF_FIRST = frozenset("unbroadcast stop_gradient as_number as_real sequence".split())


def newness_of_function(name: str, args: int = 1) -> int:
    """Return how much is new of what a library function of this name returns.

    args: how many arguments it is called with. A contraction of several arrays makes one, and so
    do differences of an array, but those of order 0.
    """
    if name == "diff" and args == 1:
        return WHOLLY_NEW
    if name == "einsum" and args > 2:
        return WHOLLY_NEW
    if name in VIEWS:
        return VIEW
    if name in SHARING:
        return SHARES
    return NEW if name in CONTAINERS else WHOLLY_NEW


def newness_of_method(name: str) -> int:
    """Return how much is new of what a method of this name returns."""
    found = newness_of_function(name)
    return METHOD_VIEW if found == VIEW else found


def newness_of_builtin(name: str) -> int:
    """Return how much is new of what a builtin returns."""
    if name in NUMBERS:
        return WHOLLY_NEW
    return NEW if name in CONTAINERS else SHARES


def newness_of_helper(name: str) -> int:
    """Return how much is new of what a helper of `runtime` returns."""
    if name in HELPERS_OF_FIRST:
        return FIRST
    # the items of what is spread are one and the same; what is called may return what it is given
    return SHARES if name == "spread" or name.startswith("call_") else WHOLLY_NEW
