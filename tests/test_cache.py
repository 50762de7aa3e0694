"""The cache on disk under concurrency, damage, other users and disks that refuse."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from s2s_ad.cache import store
from s2s_ad.cache.key import digest, key

KEY = key({"test": "cache"})
TEXT = '"""Adjoint."""\n\nx = "é"\n'


def fetch(key, stem, build):
    text, path = store.fetch(key, stem, build)
    return text, path and Path(path)


def never():
    raise AssertionError("what is in the cache was built again")


def run_script(script: str, folder: Path, **options) -> subprocess.Popen:
    environment = dict(os.environ, S2S_AD_CACHE=str(folder))
    command = [sys.executable, "-c", textwrap.dedent(script)]
    return subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, **options)


@pytest.mark.smoke
def test_second_fetch_reads_what_the_first_wrote(own_cache):
    text, path = fetch(KEY, "f", lambda: TEXT)
    assert (text, path.parent) == (TEXT, own_cache)
    assert path.name == f"f_{KEY[:16]}.py"
    assert path.read_text(encoding="utf-8").partition("\n")[2] == TEXT
    assert fetch(KEY, "f", never) == (TEXT, path)
    assert own_cache.stat().st_mode & 0o777 == 0o700
    assert path.stat().st_mode & 0o777 == 0o600


def test_key_depends_on_every_part_and_on_its_borders():
    base = {"source": "x", "mode": "adjoint"}
    keys = {key(base), key({**base, "mode": "tangent"}), key({**base, "wrt": ""})}
    keys |= {key({"source": "xm", "ode": "adjoint"}), key({"source": "", "mode": "xadjoint"})}
    assert len(keys) == 5


DAMAGE = {
    "truncated": lambda text: text[: len(text) - 3],
    "header only": lambda text: text.partition("\n")[0],
    "empty": lambda text: "",
    "edited": lambda text: text.replace("x =", "y ="),
    "appended": lambda text: text + "import os\n",
    "line endings": lambda text: text.replace("\n", "\r\n"),
    "other key": lambda text: text.replace(KEY, key({"other": ""})),
    "hash of nothing": lambda text: text.replace(digest(TEXT), digest("")),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_damaged_file_is_built_again(own_cache, damage):
    _, path = fetch(KEY, "f", lambda: TEXT)
    path.write_bytes(damage(path.read_text(encoding="utf-8")).encode())
    assert fetch(KEY, "f", lambda: "# new\n") == ("# new\n", path)
    assert fetch(KEY, "f", never) == ("# new\n", path)


def test_file_that_is_not_text_is_built_again(own_cache):
    _, path = fetch(KEY, "f", lambda: TEXT)
    path.write_bytes(b"\xff\xfe\x00")
    assert fetch(KEY, "f", lambda: TEXT) == (TEXT, path)


def test_file_of_another_user_is_not_used(own_cache, monkeypatch):
    _, path = fetch(KEY, "f", lambda: TEXT)
    honest = os.fstat

    def fstat(descriptor):
        fields = list(honest(descriptor))
        fields[4] += 1  # st_uid
        return os.stat_result(fields)

    monkeypatch.setattr(os, "fstat", fstat)
    assert fetch(KEY, "f", lambda: "# ours\n")[0] == "# ours\n"


def test_file_that_others_can_write_to_is_not_used(own_cache):
    _, path = fetch(KEY, "f", lambda: TEXT)
    path.chmod(0o666)
    assert fetch(KEY, "f", lambda: "# ours\n") == ("# ours\n", path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_link_and_pipe_are_not_followed(own_cache, tmp_path):
    _, path = fetch(KEY, "f", lambda: TEXT)
    elsewhere = tmp_path / "elsewhere.py"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    assert fetch(KEY, "f", lambda: "# ours\n")[0] == "# ours\n"
    assert elsewhere.read_text(encoding="utf-8").endswith(TEXT)
    path.unlink()
    os.mkfifo(path)
    assert fetch(KEY, "f", lambda: "# again\n") == ("# again\n", path)


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o770])
def test_directory_that_others_can_write_to_is_not_used(own_cache, mode):
    own_cache.mkdir()
    own_cache.chmod(mode)
    assert fetch(KEY, "f", lambda: TEXT) == (TEXT, None)
    assert list(own_cache.iterdir()) == []
    assert store.refusal(str(own_cache)) == "others can write to it"


def test_directory_of_another_user_is_not_used(own_cache, monkeypatch):
    own_cache.mkdir()
    mine = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: mine + 1)
    assert fetch(KEY, "f", lambda: TEXT) == (TEXT, None)
    assert list(own_cache.iterdir()) == []


def test_no_directory_is_no_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "below", "/proc/nowhere/cache", ""):
        monkeypatch.setenv("S2S_AD_CACHE", str(place))
        assert fetch(KEY, "f", lambda: TEXT) == (TEXT, None)
        assert store.entries() == [] and store.clear() == 0


def test_read_only_directory_is_no_error(own_cache, monkeypatch):
    # root may write where the mode forbids it, so the refusal is raised here
    own_cache.mkdir(mode=0o500)
    honest = os.open

    def refuse(path, flags, *mode):
        if flags & os.O_CREAT:
            raise PermissionError(13, "Permission denied")
        return honest(path, flags, *mode)

    monkeypatch.setattr(os, "open", refuse)
    assert fetch(KEY, "f", lambda: TEXT) == (TEXT, None)


def test_full_disk_is_no_error_and_leaves_nothing(own_cache):
    script = """
        import resource, signal
        from s2s_ad.cache import store
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
        print(store.fetch("0" * 64, "f", lambda: "#" * 100_000)[1])
    """
    assert run_script(script, own_cache).communicate()[0] == "None\n"
    assert list(own_cache.iterdir()) == []


def test_32_processes_at_once_all_get_it(own_cache):
    script = """
        import os, time
        from s2s_ad.cache import store
        start = time.time() + 0.3
        def work():
            time.sleep(max(0, start - time.time()))
            for number in range(20):
                wanted = f"x = {number}\\n" * 500
                text, path = store.fetch(f"{number:016x}" * 4, "f", lambda: wanted)
                assert text == wanted and os.path.exists(path)
        children = []
        for _ in range(32):
            pid = os.fork()
            if not pid:
                code = 1
                try:
                    work()
                    code = 0
                finally:
                    os._exit(code)
            children.append(pid)
        print([os.waitpid(pid, 0)[1] for pid in children])
    """
    assert run_script(script, own_cache).communicate()[0] == f"{[0] * 32}\n"
    names = sorted(path.name for path in own_cache.iterdir())
    assert names == [f"f_{number:016x}.py" for number in range(20)]


def test_killed_while_writing_leaves_nothing_half_written(own_cache):
    script = """
        import itertools
        from s2s_ad.cache import store
        print("ready", flush=True)
        for number in itertools.count():
            store.fetch(f"{number % 50:016x}{number:048x}", "f", lambda: "x = 1\\n" * 500_000)
    """
    for _ in range(4):
        process = run_script(script, own_cache)
        process.stdout.readline()
        time.sleep(random.uniform(0.05, 0.3))
        process.send_signal(signal.SIGKILL)
        process.communicate()
    whole = store.entries()
    assert whole
    for entry in whole:
        header, _, text = Path(entry.path).read_text().partition("\n")
        assert header.endswith(digest(text))
        assert digest(text) == hashlib.sha256(text.encode()).hexdigest()


def test_what_killed_processes_left_is_swept_up(own_cache):
    _, path = fetch(KEY, "f", lambda: TEXT)
    old, young = (path.with_name(f".{path.name}.{pid}.7") for pid in (1, 2))
    for left in (old, young):
        left.write_text("half")
    os.utime(old, (0, 0))
    fetch(key({"another": ""}), "g", lambda: TEXT)
    assert not old.exists() and young.exists()


def test_oldest_files_go_when_there_are_too_many(own_cache, monkeypatch):
    monkeypatch.setattr(store, "MOST_FILES", 8)
    paths = []
    for number in range(9):
        _, path = fetch(key({"n": str(number)}), "f", lambda: TEXT)
        os.utime(path, (number + 1, number + 1))
        paths.append(path)
    assert [path.exists() for path in paths] == [False] * 3 + [True] * 6


def test_files_are_not_asked_for_their_age_before_there_are_too_many(own_cache, monkeypatch):
    """That took 20 ms for each derivative that came into a cache of thousands."""
    fetch(KEY, "f", lambda: TEXT)
    monkeypatch.setattr(store, "_files", lambda folder: pytest.fail("each file was looked at"))
    fetch(key({"another": ""}), "g", lambda: TEXT)
    assert len(os.listdir(own_cache)) == 2


def test_list_and_clear_touch_nothing_of_others(own_cache):
    fetch(KEY, "f", lambda: TEXT)
    _, path = fetch(key({"another": ""}), "<lambda>", lambda: TEXT)
    assert path.name.startswith("lambda_")
    (own_cache / "notes.py").write_text("mine")
    assert len(store.entries()) == 2
    assert store.clear() == 2
    assert [left.name for left in own_cache.iterdir()] == ["notes.py"]
