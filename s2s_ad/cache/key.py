"""The key of a cached derivative: one digest of everything its text depends on.

Takes named parts, gives hexadecimal digests; requires the version (layer 0).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from s2s_ad.version import VERSION


def digest(text: str) -> str:
    """Return the sha256 of a text, in hexadecimal."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def key(parts: Mapping[str, str]) -> str:
    """Return the digest of all parts and of our version; their order does not matter.

    Lengths are hashed too, so that text cannot move from one part to another unseen.

    >>> key({"mode": "adjoint", "wrt": "x"}) == key({"wrt": "x", "mode": "adjoint"})
    True
    >>> key({"a": "bc"}) == key({"ab": "c"})
    False
    """
    hashed = [("s2s_ad", VERSION), *sorted(parts.items())]
    return digest("".join(f"{len(name)}:{name}={len(text)}:{text};" for name, text in hashed))
