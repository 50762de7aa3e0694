"""The cache on disk: one readable `.py` file per derivative, safe to execute or not used at all.

Takes keys and texts, gives texts and the files that hold them; requires cache.key.

Cached text is executed, so a file is believed only when it is a plain file of our own that nobody
else can write to, in a directory of which the same holds, and when its first line carries its key
and the hash of all that follows. Anything else is built again. Whatever the disk refuses (no
directory, read-only, full) means no cache, never an error.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from s2s_ad.cache.key import digest

VARIABLE = "S2S_AD_CACHE"
MOST_FILES = 4096
_HEADER = "# s2s_ad cache, key {key}, the rest of this file has sha256 {sha}\n"
_COMPILED = (".nbi", ".nbc")
_ABANDONED = 3600.0


class Entry(NamedTuple):
    """One cached derivative."""

    path: str
    size: int
    modified: float


def directory() -> str | None:
    """Return where derivatives are kept: $S2S_AD_CACHE, else the user's cache directory.

    None when the variable is set and empty, which switches the cache off.
    """
    chosen = os.environ.get(VARIABLE)
    if chosen is not None:
        return os.path.abspath(os.path.expanduser(chosen)) if chosen else None
    # not at the top: most programs set neither and the warm path is measured in milliseconds
    import platformdirs

    return platformdirs.user_cache_dir("s2s_ad")


def refusal(folder: str | None) -> str | None:
    """Return why a directory cannot be used as the cache, or None when it can."""
    if folder is None:
        return f"{VARIABLE} is set to nothing"
    try:
        status = os.stat(folder)
    except FileNotFoundError:
        return "it does not exist yet"
    except OSError as error:
        return error.strerror or str(error)
    if not stat.S_ISDIR(status.st_mode):
        return "it is not a directory"
    return _untrusted(status)


def fetch(key: str, stem: str, build: Callable[[], str]) -> tuple[str, str | None]:
    """Return the text kept under `key` and its file; build and keep it when there is none.

    The text is what `build` returned; the file holds one line more, in front. The path is None
    when nothing could be kept.
    """
    folder = directory()
    if folder is None or not _ready(folder):
        return build(), None
    path = os.path.join(folder, f"{_plain(stem)}_{key[:16]}.py")
    text = _read(path, key)
    if text is not None:
        return text, path
    text = build()
    header = _HEADER.format(key=key, sha=digest(text))
    return text, path if _write(path, header + text) else None


def entries() -> list[Entry]:
    """Return what the cache holds, oldest first."""
    folder = directory()
    if folder is None or refusal(folder):
        return []
    found = [entry for entry in _files(folder) if not _is_temporary(entry)]
    return sorted(found, key=lambda entry: (entry.modified, entry.path))


def clear() -> int:
    """Delete every cached derivative and return how many there were."""
    count = 0
    for entry in entries():
        count += _remove(entry.path)
    return count


def _plain(stem: str) -> str:
    return re.sub(r"\W+", "", stem, flags=re.ASCII)[:80] or "derivative"


def _untrusted(status: os.stat_result) -> str | None:
    if not hasattr(os, "geteuid"):  # Windows: the profile directory is the user's own
        return None
    if status.st_uid != os.geteuid():
        return "it belongs to another user"
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return "others can write to it"
    return None


def _ready(folder: str) -> bool:
    """Return whether the directory can be trusted, making it when it is missing."""
    try:
        if not os.path.exists(folder):
            os.makedirs(os.path.dirname(folder), exist_ok=True)
            os.mkdir(folder, mode=0o700)
    except FileExistsError:
        pass  # another process was faster
    except OSError:
        return False
    return refusal(folder) is None


def _read(path: str, key: str) -> str | None:
    """Return the text in a cache file, or None unless it is ours and whole."""
    try:
        # a link could lead out of the directory, a pipe could block
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        descriptor = os.open(path, flags)
    except OSError:
        return None
    try:
        with open(descriptor, encoding="utf-8", newline="") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or _untrusted(status):
                return None
            header, newline, text = file.read().partition("\n")
    except (OSError, UnicodeDecodeError):
        return None
    return text if header + newline == _HEADER.format(key=key, sha=digest(text)) else None


def _write(path: str, content: str) -> bool:
    """Put a whole file in its place in one step; return whether that worked."""
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f".{name}.{os.getpid()}.{time.monotonic_ns()}")
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with open(os.open(temporary, flags, 0o600), "w", encoding="utf-8", newline="") as file:
            file.write(content)
        os.replace(temporary, path)
    except (OSError, UnicodeEncodeError):
        _remove(temporary)
        return False
    _prune(folder)
    return True


def _files(folder: str) -> Iterator[Entry]:
    try:
        with os.scandir(folder) as scan:
            for item in scan:
                if re.search(r"_[0-9a-f]{16}\.py(\.\d+\.\d+)?$", item.name) and item.is_file(
                    follow_symlinks=False
                ):
                    status = item.stat(follow_symlinks=False)
                    yield Entry(item.path, status.st_size, status.st_mtime)
    except OSError:
        return  # another process is clearing the directory


def _is_temporary(entry: Entry) -> bool:
    return os.path.basename(entry.path).startswith(".")


def _prune(folder: str) -> None:
    """Delete the oldest quarter once there are too many, and what killed processes left behind."""
    try:
        names = os.listdir(folder)
    except OSError:
        return  # another process is clearing the directory
    if len(names) <= MOST_FILES and not any(name.startswith(".") for name in names):
        return  # asking each file for its age would take as long as a build
    found = sorted(_files(folder), key=lambda entry: entry.modified)
    whole = [entry for entry in found if not _is_temporary(entry)]
    if len(whole) > MOST_FILES:
        for entry in whole[: len(whole) - MOST_FILES * 3 // 4]:
            _remove(entry.path)
    for entry in found:
        if _is_temporary(entry) and entry.modified < time.time() - _ABANDONED:
            _remove(entry.path)


def _remove(path: str) -> bool:
    """Delete a file, and what numba has compiled of it and keeps beside it."""
    folder, name = os.path.split(path)
    beside = os.path.join(folder, "__pycache__")
    with contextlib.suppress(OSError):
        for compiled in os.listdir(beside):
            if compiled.startswith(f"{name.removesuffix('.py')}.") and compiled.endswith(_COMPILED):
                os.unlink(os.path.join(beside, compiled))
    try:
        os.unlink(path)
    except OSError:
        return False
    return True
