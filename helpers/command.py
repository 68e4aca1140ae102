"""What the commands share: one sentence on stderr and an exit code for an error, and the ways to predict."""

import argparse
import errno
import os
import sys
from collections.abc import Callable, Iterable, Sequence


def run(main: Callable[[Sequence[str] | None], None]) -> int:
    """Call a command's `main` with the process's own arguments and return its exit code.

    0: done. 2: ValueError, OSError or MemoryError, told in one sentence on stderr. 130: stopped with Ctrl-C.
    141: whoever read the output (`| head`) went away. Any other exception is a bug and keeps its traceback.
    """
    try:
        main(None)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("\nstopped: what is finished is kept", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python flushes again at its exit
        return 141
    except (ValueError, OSError, MemoryError) as error:
        print(f"error: {sentence(error)}", file=sys.stderr)
        return 2
    return 0


def sentence(error: ValueError | OSError | MemoryError) -> str:
    """Say what went wrong, where, and what to do."""
    if isinstance(error, MemoryError):
        cause = f" ({error})" if str(error) else ""
        return f"out of memory{cause}: close other programs, or work on less (a smaller --batch or --size)"
    if isinstance(error, OSError):
        if error.errno in (errno.ENOSPC, errno.EDQUOT) or "No space left on device" in str(error):
            place = f"of {error.filename}" if error.filename else f"written to from {os.getcwd()}"
            return f"the disk {place} is full: free some space and run the same command again"
        if error.filename is not None and error.strerror:
            return f"{error.filename}: {error.strerror}"
    return str(error) or type(error).__name__


def add_model(parser: argparse.ArgumentParser, datasets: Iterable[str]) -> None:
    """Add the options that say which network is meant."""
    parser.add_argument("--model", required=True, metavar="FILE", help="a .keras file, or brain or phantom")
    parser.add_argument(
        "--dataset", choices=tuple(datasets), help="what FILE was trained for, where the file does not say it"
    )


def add_inference_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that `averaging` and `threshold` read."""
    parser.add_argument(
        "--threshold", type=float, metavar="P", help="one class: the probability from which a pixel belongs to it (0.5)"
    )
    parser.add_argument("--flips", action="store_true", help="average over each image and its mirror image")
    parser.add_argument(
        "--scales", type=float, nargs="+", default=[1.0], metavar="S", help="average over these scales (1)"
    )
    parser.add_argument(
        "--window", type=int, nargs=2, metavar=("HEIGHT", "WIDTH"),
        help="slide a window of this size over each image, for images too large for memory",
    )  # fmt: skip


def averaging(options: argparse.Namespace) -> dict:
    """Return how to predict, as `inference.predict_probabilities` takes it."""
    return {"flips": options.flips, "scales": options.scales, "window": options.window}


def threshold(options: argparse.Namespace, trained: float | None) -> float | None:
    """Return the threshold that was asked for, or else that of the network, which is None for several classes.

    Raises:
        ValueError: the one that was asked for is no probability, or the network has no use for it.
    """
    if options.threshold is None:
        return trained
    if not 0 < options.threshold < 1:
        raise ValueError(f"--threshold is {options.threshold}: give a probability between 0 and 1.")
    if trained is None:
        raise ValueError(f"--threshold is for one class, and {options.model} has several: leave it out.")
    return options.threshold
