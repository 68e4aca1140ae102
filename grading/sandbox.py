"""Run what nobody trusts: no network, no rights, nothing to read but Python, `helpers` and what is handed in.

The walls are bubblewrap's (`bwrap`, a package of every Linux). What runs behind them sees a read-only system, the
environment's Python with its packages, `helpers` and this folder, and an empty home that is gone at its end. It has
limits of time, memory, processes, file size, disk and output. `run` is the plain way in: a command, files in, files
out. `Sandbox` is the one beneath, with two pipes for a conversation.
"""

import contextlib
import dataclasses
import json
import os
import pathlib
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping

from grading import inside

ROOT = pathlib.Path(__file__).resolve().parents[1]
COURSE = "/course"  # where helpers and grading stand inside
HOME = "/sandbox/home"
MEGABYTE = 2**20
FIRST_USER = 61_000  # root hands its rights to one of these users, another one for each process of the grader
POLL_SECONDS = 0.1
ANSWER_BYTES = 256 * MEGABYTE


class Unavailable(RuntimeError):
    """There is no sandbox on this machine; the message says why and what to do."""


@dataclasses.dataclass(frozen=True)
class Limits:
    """What a program may take; whichever it passes ends it.

    Attributes:
        seconds: of the clock, from start to end (`run`), or for one exercise.
        memory: bytes in use by all its processes together.
        processes: processes and threads at once; 0 for 64 and 16 more for each core.
        file_size: bytes of one file.
        disk: bytes of all files in its home, and as many in /tmp.
        output: bytes of what it prints, that are kept; the rest is dropped.
    """

    seconds: float = 60.0
    memory: int = 4096 * MEGABYTE
    processes: int = 0
    file_size: int = 256 * MEGABYTE
    disk: int = 512 * MEGABYTE
    output: int = 64 * 1024

    def at_once(self) -> int:
        """How many processes and threads may run at once."""
        return self.processes or 64 + 16 * (os.cpu_count() or 1)


@dataclasses.dataclass(frozen=True)
class Finished:
    """How a program ended: its exit status, why it was ended if it was, what it printed, and its files.

    `reason` is None for a program that ended by itself; else one of "seconds", "memory", "processes" or "lost" (it
    tore down its own room).
    """

    status: int | None
    reason: str | None
    output: str
    files: dict[str, bytes]


def why_unavailable() -> str | None:
    """None where the sandbox works; else a sentence that says what is missing."""
    program = shutil.which("bwrap")
    if not sys.platform.startswith("linux"):
        return "The sandbox needs Linux and its bubblewrap: grade there, or in a container with --no-sandbox."
    if program is None:
        return "bubblewrap is not installed: `sudo apt install bubblewrap`, or grade in a container with --no-sandbox."
    tried = subprocess.run(
        [*_walls(Limits(), {}), "true"], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if tried.returncode:
        said = (tried.stderr.strip().splitlines() or ["no word"])[-1]
        return f"bubblewrap cannot build its walls ({said}): allow user namespaces, or use --no-sandbox in a container."
    return None


def run(
    command: list[str],
    files: Mapping[str, bytes] | None = None,
    wanted: Iterable[str] = (),
    limits: Limits | None = None,
    shared: Mapping[str, str | os.PathLike] | None = None,
    walls: bool = True,
) -> Finished:
    """Run one command in a home of its own and return what it left there.

    Args:
        command: the program and its arguments; "python" stands for this environment's Python, with `helpers` to import.
        files: {name: content} that lie in the home, the working folder, at the start; names may have folders.
        wanted: names of files to bring back from the home; what is not there, or no plain file, is left out.
        limits: see `Limits`.
        shared: {path inside: path outside} of further files or folders, to read only.
        walls: False runs it without bubblewrap, with the rights of the caller.

    Raises:
        Unavailable: there is no sandbox here.
    """
    limits = limits or Limits()
    if walls and (why := why_unavailable()):
        raise Unavailable(why)
    command = [sys.executable if command[0] == "python" else command[0], *command[1:]]
    order = {"command": command, "wanted": list(wanted), "output": limits.output}
    with Sandbox([sys.executable, "-m", "grading.inside"], limits, shared or {}, walls) as box:
        try:
            inside.send(box.writer, order, list((files or {}).items()))
            answer, parts = inside.receive(box, ANSWER_BYTES)
        except TimeoutError:
            return Finished(None, "seconds", "", {})
        except (OSError, ValueError):
            box.wait()
            return Finished(None, box.reason or "lost", "", {})
    allowed = set(order["wanted"])
    found = {name: content for name, content in parts if name in allowed}
    status = answer.get("status")
    return Finished(
        status if isinstance(status, int) else None, box.reason, str(answer.get("output", ""))[: limits.output], found
    )


class Sandbox:
    """A program behind walls, with a pipe into it and one out of it: its standard input and output.

    Attributes:
        end: the hour, of `time.monotonic`, at which patience with it ends; at first the limit's.
        reason: why it was ended, None as long as nobody ended it: "memory", "processes" or what `kill` was told.
    """

    def __init__(
        self, command: list[str], limits: Limits, shared: Mapping[str, str | os.PathLike] | None = None, walls=True
    ):
        self.limits, self.reason, self.end = limits, None, time.monotonic() + limits.seconds
        self._home = None if walls else tempfile.TemporaryDirectory(prefix="grading-", ignore_cleanup_errors=True)
        if walls:
            command, home, environment = [*_walls(limits, shared or {}), *command], "/", {}
        else:
            home = self._home.name
            environment = _environment(home, str(ROOT))
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=home,
            env={"PATH": os.environ.get("PATH", "")} | environment,
            start_new_session=True,
            bufsize=0,
        )
        self.writer, self.reader = self.process.stdin.fileno(), self.process.stdout.fileno()
        os.set_blocking(self.reader, False)
        os.set_blocking(self.writer, False)
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def read(self, size: int) -> bytes:
        """Read exactly `size` bytes of what it says; TimeoutError at `end`, ConnectionResetError if it is gone."""
        parts = []
        while size:
            left = self.end - time.monotonic()
            if left <= 0 or not select.select([self.reader], [], [], left)[0]:
                self.kill("seconds")
                raise TimeoutError
            part = os.read(self.reader, min(size, MEGABYTE))
            if not part:
                raise ConnectionResetError("the program has ended")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def kill(self, reason: str) -> None:
        """End it and all that it started, now."""
        self.reason = self.reason or reason
        for process in [*_family(self.process.pid)[1:], self.process.pid]:
            _signal(process)
        if self._home is not None:
            _signal(-self.process.pid)

    def wait(self, seconds: float = 5.0) -> None:
        """Wait for its end, a little, so that the reason of it is known."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill("lost")

    def close(self) -> None:
        """End it, if it still runs, and put everything away."""
        if self.process.poll() is None:
            reason = self.reason
            self.kill("closed")
            self.reason = reason
        self.process.wait()
        self._watcher.join()
        self.process.stdin.close()
        self.process.stdout.close()
        if self._home is not None:
            self._home.cleanup()

    def _watch(self) -> None:
        """End the program when all its processes together are too many, or too large."""
        looks = 0  # in succession that found too much: a child just forked counts its parent's memory again
        while self.process.poll() is None:
            family = _family(self.process.pid)
            looks = looks + 1 if sum(_resident(each) for each in family) > self.limits.memory else 0
            if sum(_threads(each) for each in family) > self.limits.at_once() + 8:
                self.kill("processes")
            elif looks > 1:
                self.kill("memory")
            time.sleep(POLL_SECONDS)


def _walls(limits: Limits, shared: Mapping[str, str | os.PathLike]) -> list[str]:
    """bubblewrap's command line, up to the command that runs inside."""
    root = os.geteuid() == 0
    walls = ["bwrap", "--die-with-parent", "--new-session", "--clearenv"]
    # root builds the walls itself and drops its rights inside them: only so its other user can reach a Python in /root
    walls += (
        ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
        if root
        else ["--unshare-all", "--cap-drop", "ALL"]
    )
    walls += ["--hostname", "sandbox", "--proc", "/proc", "--dev", "/dev"]
    for folder in ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64"):
        if os.path.islink(folder):
            walls += ["--symlink", os.readlink(folder), folder]
        elif os.path.isdir(folder):
            walls += ["--ro-bind", folder, folder]
    for path in ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "localtime", "fonts"):
        walls += ["--ro-bind-try", f"/etc/{path}", f"/etc/{path}"]
    walls += ["--ro-bind-try", "/sys/devices/system/cpu", "/sys/devices/system/cpu"]
    # before the rest, which may lie below /tmp
    for folder in ("/tmp", HOME):
        walls += ["--perms", "0777", "--size", str(limits.disk), "--tmpfs", folder]
    python = {sys.prefix, sys.base_prefix, *(path for path in sys.path if path.endswith("-packages"))}
    mounts = {path: path for path in sorted(python) if os.path.isdir(path) and not path.startswith("/usr/")}
    mounts |= {f"{COURSE}/{folder}": str(ROOT / folder) for folder in ("helpers", "grading")} | dict(shared)
    made = {pathlib.PurePosixPath("/tmp"), pathlib.PurePosixPath(HOME)}
    for target, source in mounts.items():
        for folder in [*reversed(pathlib.PurePosixPath(target).parents)][1:]:  # bwrap makes them for root's eyes alone
            if folder not in made:
                walls += ["--perms", "0755", "--dir", str(folder)]
                made.add(folder)
        walls += ["--ro-bind", os.fspath(source), target]
    for name, value in _environment(HOME, COURSE).items():
        walls += ["--setenv", name, value]
    rules = {
        "user": FIRST_USER + os.getpid() % 4000 if root else None,
        "processes": limits.at_once(),
        "file_size": limits.file_size,
        "memory": limits.memory,
    }
    return [*walls, "--setenv", "GRADING_RULES", json.dumps(rules), "--chdir", HOME, "--"]


def _environment(home: str, course: str) -> dict[str, str]:
    return {
        "PATH": os.pathsep.join([str(pathlib.Path(sys.executable).parent), "/usr/bin", "/bin"]),
        "HOME": home,
        "USER": "learner",
        "LANG": "C.UTF-8",
        "PYTHONPATH": course,
        "PYTHONNOUSERSITE": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "MPLBACKEND": "agg",
        "MPLCONFIGDIR": home,
        "KERAS_HOME": home,
        "DATA_HOME": home,
        "CUDA_VISIBLE_DEVICES": "",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        # several submissions run side by side, and each thread counts as a process
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "TF_NUM_INTRAOP_THREADS": "1",
        "TF_NUM_INTEROP_THREADS": "1",
    }


def _signal(process: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(process, signal.SIGKILL) if process > 0 else os.killpg(-process, signal.SIGKILL)


def _family(process: int) -> list[int]:
    """The process and all that came from it, as the kernel lists them; those that ended meanwhile are left out."""
    found = [process]
    for each in found:
        try:
            for task in os.listdir(f"/proc/{each}/task"):
                found += map(int, pathlib.Path(f"/proc/{each}/task/{task}/children").read_bytes().split())
        except (OSError, ValueError):
            continue
    return found


def _threads(process: int) -> int:
    try:
        return len(os.listdir(f"/proc/{process}/task"))
    except OSError:
        return 0


def _resident(process: int) -> int:
    try:
        return int(pathlib.Path(f"/proc/{process}/statm").read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0
