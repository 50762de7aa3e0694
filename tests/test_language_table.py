"""docs/language.md is true: the supported is right in both modes, the refused is refused."""

from __future__ import annotations

import itertools
import linecache
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from s2s_ad import grad, jvp
from s2s_ad.errors import S2SError
from s2s_ad.frontend.subset import CALL, CONSTRUCTS, Construct, language_markdown, program
from tests.checking import check_both, chosen, restricted
from tests.oracles import reference

PAGE = Path(__file__).parent.parent / "docs" / "language.md"
SMOKE = {"overwriting", "early return", "append", "match", "try"}
ARGS = eval(CALL, {"np": np, "f": lambda *args: args})
_files = itertools.count(1)


def load(construct: Construct) -> Callable[..., Any]:
    text = program(construct)
    file = f"language_{next(_files)}.py"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    module = types.ModuleType(file.removesuffix(".py"))
    sys.modules[module.__name__] = module
    exec(compile(text, file, "exec"), module.__dict__)
    return module.f


def parameters(status: str) -> Any:
    return pytest.mark.parametrize(
        "construct",
        [
            pytest.param(
                c, id=f"{c.topic}-{c.name}", marks=pytest.mark.smoke if c.name in SMOKE else ()
            )
            for c in CONSTRUCTS
            if c.status == status
        ],
    )


def test_page_is_current() -> None:
    again = "regenerate it: python -m s2s_ad.frontend.subset > docs/language.md"
    assert PAGE.read_text(encoding="utf-8") == language_markdown(), again


def test_names_are_different() -> None:
    assert len({(c.topic, c.name) for c in CONSTRUCTS}) == len(CONSTRUCTS)


@parameters("supported")
def test_supported(construct: Construct) -> None:
    f = load(construct)
    wrt = tuple(construct.wrt.split())
    like = chosen(f, ARGS, wrt)
    check_both(f, ARGS, wrt, f(*ARGS), reference(restricted(f, wrt, ARGS), like))


@parameters("refused")
def test_refused(construct: Construct) -> None:
    for mode in ["reverse"] if construct.reverse_only else ["reverse", "forward"]:
        refused(construct, mode)


def refused(construct: Construct, mode: str) -> None:
    f = load(construct)
    wrt = tuple(construct.wrt.split())
    with pytest.raises(S2SError) as caught:
        if mode == "reverse":
            grad(f, wrt=wrt)(*ARGS)
        else:
            jvp(f, ARGS, chosen(f, ARGS, wrt), wrt=wrt)
    error = caught.value
    assert error.place is not None and error.hint
    lines = program(construct).splitlines()
    assert error.place.text == lines[error.place.line - 1]
