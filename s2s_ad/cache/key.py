"""The key of a cached derivative: one digest of everything its text depends on.

Takes named parts, gives hexadecimal digests; requires the version (layer 0).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from s2s_ad.version import VERSION


def _plain_sha256() -> Callable[[bytes], Any]:
    # hashlib loads OpenSSL, a fifth of a warm start; `random` of the standard library shuns it too
    for module in ("_sha2", "_sha256"):
        try:
            found: Callable[[bytes], Any] = import_module(module).sha256
        except ImportError:
            continue
        return found
    import hashlib

    return hashlib.sha256


_sha256 = _plain_sha256()


def digest(text: str) -> str:
    """Return the sha256 of a text, in hexadecimal."""
    found: str = _sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return found


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
