"""What the readers of all data sets share: where data is kept, how a file of it is named, bars and threads."""

import collections
import concurrent.futures
import contextlib
import functools
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import tqdm.asyncio
import tqdm.auto

import helpers
from helpers.data import lock

_DAY = 24 * 3600  # seconds
_UNFINISHED = ".unfinished-phantoms-"


def data_home() -> Path:
    """Return the folder for data sets and caches.

    $DATA_HOME; else data/ of the clone that this package lies in; else, installed without a clone,
    ~/where_to_look_data, which is one place for lessons and commands in any folder. That one is told before it is
    first used.
    """
    if os.environ.get("DATA_HOME"):
        return Path(os.environ["DATA_HOME"]).expanduser()
    root = Path(__file__).resolve().parents[2]
    if (root / "pyproject.toml").is_file():  # else it is site-packages, where others may have put a data/ too
        return root / "data"
    folder = Path.home() / "where_to_look_data"
    if not folder.is_dir():
        _say_once(f"Data sets and caches are kept in {folder} (to have them elsewhere, set DATA_HOME to a folder).")
    return folder


@functools.cache
def _say_once(sentence: str) -> None:
    print(sentence, flush=True)


def size_words(size: Sequence[int]) -> str:
    """Put width and height into words, such as 256x256."""
    return f"{size[0]}x{size[1]}"


def below(folder: Path, path: Path) -> str:
    """Name a file by its path below the folder, with slashes, as it can be printed."""
    return printable(path.relative_to(folder).as_posix())


def printable(name: str | Path) -> str:
    r"""A name in one line and in letters that any screen takes: bytes that are no UTF-8 and line breaks as \x.. ."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


def stamp(path: Path) -> list[int]:
    """Numbers that change when a file does, also where its size and time are put back; OSError if it is not there."""
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


def natural_order(line: str) -> list[tuple[int, str]]:
    """Sort key that puts file 2 before file 10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", line)]


class _LastLine(tqdm.auto.tqdm):
    """A bar that is written once, when it ends."""

    def __init__(self, *arguments, **settings):
        super().__init__(*arguments, **{**settings, "mininterval": float("inf")})

    def refresh(self, *arguments, **settings):
        """Write nothing yet."""


def progress_bar(iterable: Iterable | None = None, **settings) -> tqdm.auto.tqdm:
    """Return tqdm's bar, with tqdm's settings: a widget in a notebook, a moving line in a terminal.

    In a file or a pipe, where each move would be one more line, it writes one line at its end.
    """
    in_notebook = tqdm.auto.tqdm is not tqdm.asyncio.tqdm
    return (tqdm.auto.tqdm if in_notebook or sys.stderr.isatty() else _LastLine)(iterable, **settings)


def in_threads(work: Callable, jobs: Sequence[tuple], description: str, unit: str, progress: bool) -> None:
    """Call `work(*job)` for each job on all processors, with a bar; the first error ends it all."""
    with concurrent.futures.ThreadPoolExecutor(min(helpers.processors(), 8)) as pool:
        calls = [pool.submit(work, *job) for job in jobs]
        try:
            finished = concurrent.futures.as_completed(calls)
            for call in progress_bar(finished, desc=description, total=len(calls), unit=unit, disable=not progress):
                call.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def made_ahead(work: Callable, jobs: Iterable[tuple], workers: int | None = None) -> Iterator:
    """Yield `work(*job)` for each job in its order, up to two for each of `workers` threads made in advance.

    There are as many threads as processors, unless it is said.
    """
    workers = workers or helpers.processors()
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        waiting: collections.deque = collections.deque()
        for job in jobs:
            waiting.append(pool.submit(work, *job))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


@contextlib.contextmanager
def phantoms(folder: Path, notice: str, megabytes: float) -> Iterator[Path]:
    """Give a folder to write phantoms to, which gets its name at the end and takes the place of older phantoms.

    A run cut short leaves nothing that looks finished; what a killed one left is removed by the next.

    Args:
        folder: what it will be called.
        notice: its README.md, whose title says what these phantoms are: a folder with another one is not replaced.
        megabytes: about what the phantoms take, for the message.

    Raises:
        FileExistsError: the folder holds something else.
        OSError: the folder cannot be written, or the disk is full.
    """
    readme = folder / "README.md"
    # the title: other pages speak of phantoms too, and a clone of this course holds some of them
    title = notice.partition("\n")[0]
    are_phantoms = readme.is_file() and readme.read_text("utf-8", "replace").partition("\n")[0] == title
    if folder.exists() and any(folder.iterdir()) and not are_phantoms:
        raise FileExistsError(
            f"{folder} is there already and holds no phantoms: choose another folder (on the command line --output)"
        )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        for path in folder.parent.glob(f"{_UNFINISHED}*"):
            if path.is_dir() and is_abandoned(path):
                shutil.rmtree(path, ignore_errors=True)
        with (
            tempfile.TemporaryDirectory(prefix=_UNFINISHED, dir=folder.parent, ignore_cleanup_errors=True) as temporary,
            being_written(Path(temporary)),
        ):
            unfinished = Path(temporary) / folder.name
            unfinished.mkdir()
            (unfinished / "README.md").write_text(notice, encoding="utf-8")
            yield unfinished
            if folder.exists():
                folder.rename(Path(temporary) / "replaced")
            unfinished.rename(folder)
    except OSError as problem:
        raise OSError(
            f"{folder}: the phantoms cannot be written ({problem.strerror or problem}); make room "
            f"(about {megabytes:.0f} MB) or choose a folder that can be written to"
        ) from problem


def is_abandoned(path: Path) -> bool:
    """Whether whoever was writing something unfinished is dead: nobody holds its lock, or it has none and is old."""
    if _lock_of(path).exists():
        return lock.is_free(_lock_of(path))
    return not path.exists() or time.time() - path.stat().st_mtime > _DAY


def being_written(path: Path) -> contextlib.AbstractContextManager[None]:
    """Mark something unfinished, for the length of a with block, as that of a process that lives."""
    return lock.held(_lock_of(path), f"is writing {path}", "wait for it")


def _lock_of(path: Path) -> Path:
    """The lock beside something unfinished."""
    return path.with_name(f"{path.name}.lock")
