"""One process at a time: a lock that says who holds it, and that goes when its holder dies, however it dies."""

import contextlib
import datetime
import errno
import json
import os
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any

if os.name == "nt":
    import msvcrt
else:
    import fcntl

_BYTE = 2**20  # the byte that Windows locks, far behind the note: nobody can read a byte that is locked
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}


@contextlib.contextmanager
def held(path: Path, work: str, way_out: str) -> Iterator[None]:
    """Hold a lock for the length of a with block.

    The operating system frees it when the process ends, also when it is killed. On a file system that knows no locks
    the file itself is the lock, and the one of a process that has died on this machine is taken over.

    Args:
        path: the file of the lock, which is there as long as it is held.
        work: what the holder does, for the sentence: "is training in runs/x".
        way_out: what the other one can do, for the sentence.

    Raises:
        BlockingIOError: another process holds it; says which, on which machine and since when.
        OSError: the file cannot be written.
    """
    file = _take(path)
    if file is None:
        raise BlockingIOError(_sentence(path, work, way_out))
    try:
        yield
    finally:
        _give_back(path, file)


def is_free(path: Path) -> bool:
    """Whether nobody holds the lock of this file: he has given it back, or is dead."""
    try:
        file = _take(path)
    except OSError:
        return False
    if file is not None:
        _give_back(path, file)
    return file is not None


def _take(path: Path) -> int | None:
    """Lock the file and return its descriptor; None if another process has it."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            if not _lock(file, path):
                os.close(file)
                return None
            if _is_still_there(path, file):
                os.truncate(file, 0)
                os.write(file, json.dumps(_me()).encode())
                return file
        except BaseException:
            os.close(file)
            raise
        os.close(file)  # its holder gave it back, and took it away, in this moment


def _give_back(path: Path, file: int) -> None:
    mine = _is_still_there(path, file)
    if os.name == "nt":  # where an open file cannot be removed
        os.close(file)
    with contextlib.suppress(OSError):  # another process is opening it
        if mine:
            path.unlink()
    if os.name != "nt":
        os.close(file)


def _lock(file: int, path: Path) -> bool:
    try:
        if os.name == "nt":
            os.lseek(file, _BYTE, os.SEEK_SET)
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
            os.lseek(file, 0, os.SEEK_SET)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EAGAIN, errno.EDEADLK):
            return False
        if os.name != "nt" and error.errno in _NO_LOCKS:
            return _is_left_behind(path)
        raise
    return True


def _is_still_there(path: Path, file: int) -> bool:
    try:
        return os.path.samestat(os.fstat(file), os.stat(path))
    except FileNotFoundError:
        return False


def _is_left_behind(path: Path) -> bool:
    """Whether a file that cannot be locked is new, or that of a process which has died on this machine."""
    holder = _read(path)
    if holder is None:
        return True
    if holder["host"] != platform.node():
        return False
    try:
        os.kill(holder["process"], 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # it is somebody else's
        pass
    return False


def _me() -> dict[str, Any]:
    now = datetime.datetime.now().astimezone().isoformat(" ", "seconds")
    return {"process": os.getpid(), "host": platform.node(), "since": now}


def _read(path: Path) -> dict[str, Any] | None:
    try:
        note = json.loads(path.read_text(encoding="utf-8"))
        return {"process": int(note["process"]), "host": str(note["host"]), "since": str(note["since"])}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _sentence(path: Path, work: str, way_out: str) -> str:
    holder = _read(path)
    if holder is None:
        return f"another process {work}: {way_out}."
    who = f"process {holder['process']} on {holder['host']} {work}, since {holder['since']}"
    if holder["host"] == platform.node():
        return f"{who}: {way_out}."
    return f"{who}: {way_out}; if {holder['host']} has gone down and will not come back, delete {path} first."
