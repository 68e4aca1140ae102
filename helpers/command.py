"""What the commands share: one sentence on stderr and an exit code for an error, and the ways to predict."""

import argparse
import contextlib
import errno
import io
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

STOPS = ("SIGTERM", "SIGHUP")
"""What a batch system, a shutdown or a closed terminal sends, besides Ctrl-C."""
LARGEST_SCALE = 8
"""Of what an image is predicted at: beyond it the memory of a large machine does not hold a photograph."""

SMALL_WINDOWS = "--window 256 256"
"""How `evaluate` and `predict` work on less where memory is short."""


class Stopped(KeyboardInterrupt):
    """A signal asks the process to end; raised where it is, as Ctrl-C is."""

    def __init__(self, number: int):
        super().__init__(number)
        self.number = number


class Parser(argparse.ArgumentParser):
    """A parser that tells a mistake in one sentence; its usage, of twenty lines for `train`, is for --help."""

    def error(self, message: str) -> NoReturn:
        """Print what is wrong, and exit with code 2."""
        self.exit(2, f"error: {message}: {self.prog} --help lists what there is\n")


def run(
    main: Callable[[Sequence[str] | None], None],
    stopped: str = "what is finished is kept, and the same command goes on from there",
    less: str | None = None,
) -> int:
    """Call a command's `main` with the process's own arguments and return its exit code.

    Args:
        main: of the command.
        stopped: what is kept when it is stopped, and what the same command does then.
        less: how it works on less where memory is short, if it can.

    0: done. 2: ValueError, OSError or MemoryError, told in one sentence on stderr. 130: stopped with Ctrl-C; 143 and
    129: by SIGTERM and by SIGHUP. 141: whoever read the output (`| head`) went away. Any other exception is a bug and
    keeps its traceback.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # sent to a file on Windows, it takes few letters of a path
            stream.reconfigure(errors="backslashreplace")
    try:
        with _stops():
            main(None)
            sys.stdout.flush()
    except KeyboardInterrupt as stop:
        number = stop.number if isinstance(stop, Stopped) else signal.SIGINT
        which = "" if number == signal.SIGINT else f" by {signal.Signals(number).name}"
        _say(f"\nstopped{which}: {stopped}")
        return 128 + number
    except BrokenPipeError:
        _drop(sys.stdout)
        return 141
    except (ValueError, OSError, MemoryError) as error:
        _say(f"error: {sentence(error, less)}")
        return 2
    except Exception as error:
        if not _is_out_of_memory(error):
            raise
        _say(f"error: {sentence(MemoryError(str(error).strip().splitlines()[0][:200]), less)}")
        return 2
    return 0


@contextlib.contextmanager
def _stops() -> Iterator[None]:
    """Have the signals in `STOPS` raise `Stopped`, but for those that somebody (`nohup`) has already seen to."""

    def stop(number, frame):
        raise Stopped(number)

    before = {}
    if threading.current_thread() is threading.main_thread():  # Python lets no other one set a handler
        for number in (getattr(signal, name) for name in STOPS if hasattr(signal, name)):
            if signal.getsignal(number) is signal.SIG_DFL:
                before[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _say(words: str) -> None:
    """Print the last words: what TensorFlow's C++ code has to say of a training that was broken off is left out."""
    with contextlib.suppress(OSError, ValueError):  # stderr is closed
        print(words, file=sys.stderr, flush=True)
        _drop(sys.stderr)
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        return
    _drop(sys.stdout)  # whose disk may be the one that is full: else Python flushes again at its exit


def _drop(stream) -> None:
    """Let nothing more come through a standard stream of the process."""
    with contextlib.suppress(OSError, ValueError):  # it is closed, or no file
        if stream.fileno() in (1, 2):  # else it is somebody's own, such as a test's
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)


def _is_out_of_memory(error: Exception) -> bool:
    """Whether TensorFlow or JAX found no memory, on a GPU mostly; each has an exception of its own for that."""
    return type(error).__name__ == "ResourceExhaustedError" or "RESOURCE_EXHAUSTED" in str(error)


def sentence(error: ValueError | OSError | MemoryError, less: str | None) -> str:
    """Say what went wrong, where, and what to do; `less` as in `run`."""
    if isinstance(error, MemoryError):
        cause = f" ({error})" if str(error) else ""
        return f"out of memory{cause}: close other programs" + (f", or work on less ({less})" if less else "")
    if isinstance(error, OSError):
        if error.errno in (errno.ENOSPC, errno.EDQUOT) or "No space left on device" in str(error):
            place = f"of {error.filename}" if error.filename else f"written to from {os.getcwd()}"
            return f"the disk {place} is full: free some space and run the same command again"
        if error.filename is not None and error.strerror:
            return f"{error.filename}: {error.strerror}"
    return str(error) or type(error).__name__


def check_output(option: str, file: Path, suffixes: Sequence[str] = ()) -> None:
    """Raise ValueError or OSError for what keeps a file from being written, before any long work.

    Args:
        option: by which it was asked for.
        file: to write.
        suffixes: one of which its name has to have, if there are any.
    """
    if suffixes and file.suffix.lower() not in suffixes:
        raise ValueError(f"{option} is {file}: give a name that ends in {' or '.join(suffixes)}.")
    folder = file.resolve().parent  # where a link leads
    if file.is_dir():
        raise IsADirectoryError(f"{file}: is a folder: give the name of a file.")
    if file.exists() and not file.is_file():  # a file would take its place
        raise ValueError(f"{file}: is a pipe or a device: give the name of a file.")
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder for {file.name}; make it first.")
    if not os.access(folder, os.W_OK):
        raise PermissionError(f"{folder}: you may not write {file.name} there; give a file in another folder.")


def add_model(parser: argparse.ArgumentParser, datasets: Iterable[str]) -> None:
    """Add the options that say which network is meant."""
    parser.add_argument("--model", required=True, metavar="FILE", help="a .keras file, or brain, phantom or streets")
    parser.add_argument(
        "--dataset", choices=tuple(datasets), help="what FILE was trained for, where the file does not say it"
    )


def add_inference_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that `averaging` and `area_rule` read."""
    parser.add_argument(
        "--threshold", type=float, metavar="P", help="one class: the probability from which a pixel belongs to it (0.5)"
    )
    parser.add_argument(
        "--smallest-part", type=float, metavar="SHARE",
        help="one class: drop the connected parts of its area, in a patient's slices those of the volume, that are "
        "smaller than this share of the largest (as the network was scored in its run; 0 keeps all)",
    )  # fmt: skip
    parser.add_argument(
        "--flips", action=argparse.BooleanOptionalAction,
        help="average over each image and its mirror image (as the network was scored in its run)",
    )  # fmt: skip
    parser.add_argument(
        "--scales", type=_factor, nargs="+", default=[1.0], metavar="S", help="average over these scales (1)"
    )
    parser.add_argument(
        "--window", type=_side, nargs=2, metavar=("HEIGHT", "WIDTH"),
        help="slide a window of this size over each image, for images too large for memory",
    )  # fmt: skip


def _factor(text: str) -> float:
    if not 0 < float(text) <= LARGEST_SCALE:
        raise argparse.ArgumentTypeError(f"{text} is no factor above 0, up to {LARGEST_SCALE}")
    return float(text)


def _side(text: str) -> int:
    if int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no number of pixels above 0")
    return int(text)


def averaging(options: argparse.Namespace) -> dict:
    """Return what was asked for of the way to predict, as `Purpose.averaging` takes it."""
    return {"flips": options.flips, "scales": options.scales, "window": options.window}


def area_rule(options: argparse.Namespace) -> dict[str, float]:
    """Return what was asked for of the way from probabilities to an area, as `Purpose.area_rule` takes it.

    Raises:
        ValueError: a number is out of its range.
    """
    if options.threshold is not None and not 0 < options.threshold < 1:
        raise ValueError(f"--threshold is {options.threshold}: give a probability between 0 and 1.")
    if options.smallest_part is not None and not 0 <= options.smallest_part < 1:
        raise ValueError(f"--smallest-part is {options.smallest_part}: give a share from 0 up to, not with, 1.")
    asked = {"threshold": options.threshold, "smallest_part": options.smallest_part}
    return {name: value for name, value in asked.items() if value is not None}
