"""All tests: the verifier runs after every pass, and the cache is a directory of this run alone."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

import s2s_ad


def pytest_configure(config):
    # workers of pytest-xdist inherit both from the process that starts them
    os.environ["S2S_AD_CHECK"] = "1"
    # programs that tests start, in any directory, find the package that is tested
    home = str(Path(s2s_ad.__file__).parents[1])
    os.environ["PYTHONPATH"] = os.pathsep.join([home, *filter(None, [os.getenv("PYTHONPATH")])])
    if not hasattr(config, "workerinput"):
        folder = tempfile.mkdtemp(prefix="s2s_ad_test_cache_")
        os.environ["S2S_AD_CACHE"] = folder
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """An empty cache directory for one test."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("S2S_AD_CACHE", str(folder))
    return folder
