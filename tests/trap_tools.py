"""What the tests of source and scope traps share: modules made from text, both modes at once.

Takes texts and functions, gives modules and derivatives; requires the public interface.
"""

from __future__ import annotations

import importlib.util
import itertools
import sys
import textwrap

import pytest

from s2s_ad import grad, jvp

_names = itertools.count(1)


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A function that imports a text as a module of its own file."""

    def make(text, name=None):
        name = name or f"trap_module_{next(_names)}"
        path = tmp_path / f"{name}.py"
        path.write_text(textwrap.dedent(text))
        spec = importlib.util.spec_from_file_location(name, path)
        loaded = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, loaded)
        spec.loader.exec_module(loaded)
        return loaded

    return make


def both(function, *args, wrt=None):
    """Return the derivative for one argument, which both modes must agree on."""
    name = wrt or function.__code__.co_varnames[0]
    backward = grad(function, wrt=name)(*args)
    _, forward = jvp(function, args, (1.0,), wrt=(name,))
    assert forward == pytest.approx(backward, rel=1e-12)
    return backward
