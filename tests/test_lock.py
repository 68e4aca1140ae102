"""One process at a time: who holds a lock is told, and what a dead process held is free."""

import errno
import json
import os
import platform
import signal
import subprocess
import sys

import pytest

from helpers.data import disk, lock

fcntl = pytest.importorskip("fcntl", reason="Windows frees the locks of a dead process by itself")

# The lock alone, without the package, whose Keras takes seconds to start.
HOLDER = """
import importlib.util, pathlib, sys, time
spec = importlib.util.spec_from_file_location("lock", sys.argv[1])
lock = importlib.util.module_from_spec(spec)
spec.loader.exec_module(lock)
with lock.held(pathlib.Path(sys.argv[2]), "is training in runs/x", "wait for it"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "in_use.json"


def held(path):
    return lock.held(path, "is training in runs/x", "wait for it, or choose another folder")


def write_note(path, process, host):
    path.write_text(json.dumps({"process": process, "host": host, "since": "2026-11-27 11:40:00+00:00"}))


def test_a_second_process_is_told_who_has_it_and_gets_it_when_the_first_is_killed(path):
    command = [sys.executable, "-c", HOLDER, lock.__file__, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        who = (
            rf"process {holder.pid} on {platform.node()} is training in runs/x, since 20\d\d-.*: wait for it, or choose"
        )
        with pytest.raises(BlockingIOError, match=who) as refusal, held(path):
            pass
        assert "delete" not in str(refusal.value), "on one machine a dead process holds nothing"
        assert not lock.is_free(path)
        os.kill(holder.pid, signal.SIGKILL)
    assert path.exists() and lock.is_free(path)
    with held(path):
        assert json.loads(path.read_text())["process"] == os.getpid()
    assert not path.exists(), "nothing is left behind"


def test_the_lock_of_a_dead_machine_has_a_way_out(path):
    with held(path):
        write_note(path, 4711, "node17")
        with pytest.raises(BlockingIOError, match=rf"if node17 has gone down .*, delete {path} first"), held(path):
            pass
        path.unlink()  # as the sentence says
        with held(path):
            assert path.exists()
        with held(path):  # which the first holder does not take away
            pass


def test_a_note_that_is_not_whole_still_refuses(path):
    with held(path):
        path.write_text("{")
        with pytest.raises(BlockingIOError, match="another process is training in runs/x: wait"), held(path):
            pass


@pytest.mark.parametrize(
    ("host", "alive", "free"), [("here", True, False), ("here", False, True), ("node17", False, False)]
)
def test_where_the_file_system_knows_no_locks_the_file_is_the_lock(host, alive, free, path, monkeypatch):
    def no_locks(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    def kill(process, number):
        if not alive:
            raise ProcessLookupError

    monkeypatch.setattr(fcntl, "flock", no_locks)
    monkeypatch.setattr(os, "kill", kill)
    with held(path):
        assert path.exists()
    assert not path.exists()
    write_note(path, 4711, platform.node() if host == "here" else host)
    assert lock.is_free(path) == free and path.exists() != free


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(OSError, match="nowhere"), held(tmp_path / "nowhere/in_use.json"):
        pass


def test_what_a_killed_process_was_writing_is_cleared_by_the_next(tmp_path):
    def phantoms():
        return disk.phantoms(tmp_path / "set", "phantoms", 1)

    left = tmp_path / ".unfinished-phantoms-killed"
    left.mkdir()
    (tmp_path / f"{left.name}.lock").touch()  # which nobody holds
    with phantoms() as unfinished:
        assert not left.exists()
        with phantoms() as other:  # a living one is left alone
            assert unfinished.exists() and other.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["set"]
