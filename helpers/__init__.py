"""The course's reference code, in rooms that data walks through once: data, nets, scores, tasks, training, show.

Import it before Keras or TensorFlow: it keeps what TensorFlow writes at its start out of the notebook.
"""

import contextlib
import ctypes
import itertools
import json
import math
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

__version__ = "0.1.0"

_INSTALL = {
    "tensorflow": 'pip install -e ".[cpu]" (or ".[gpu]" for an NVIDIA GPU on Linux)',
    "jax": 'pip install -e ".[jax]"',
}

# no information lines at TensorFlow's first step (XLA, devices); its warnings and errors still come through, but in a
# notebook, where they would stand in red below a cell that is right, the errors only
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2" if "ipykernel" in sys.modules else "1")


def _keep_freed_memory() -> None:
    """Have glibc keep the memory that a training step frees for the next step, in one arena for all threads.

    Left alone it returns some 200 MB to the kernel after each step on a CPU, and the next step pays for fetching them
    again, page by page: a fifth of its time. One arena also lowers the peak. Other C libraries are left as they are.
    """
    arenas_at_most, kept_at_the_top = -8, -2  # M_ARENA_MAX and M_TOP_PAD in malloc.h
    with contextlib.suppress(AttributeError, OSError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(arenas_at_most, 1)
        mallopt(kept_at_the_top, 256 * 2**20)


_keep_freed_memory()


def processors(groups: Path = Path("/sys/fs/cgroup")) -> int:
    """Say how many processors this process may use: those of the machine, or as many as a container's quota pays for.

    Args:
        groups: where Linux keeps the control groups of a container, of either version.
    """
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for files in (["cpu.max"], ["cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"]):
        with contextlib.suppress(OSError, ValueError):  # no such file, or "max"
            quota, period = (int(word) for file in files for word in (groups / file).read_text().split())
            if quota > 0:
                count = min(count, math.ceil(quota / period))
    return count


def _keep_to_the_quota() -> None:
    """Have TensorFlow and the linear algebra use no more threads than a container's quota pays for.

    They count the machine's processors. On Binder or a class hub, where a container has one or two of sixty-four,
    the threads in excess wait for each other at the container's expense: with 64 threads instead of 2 a training
    step took 1.8 times the processor time and 130 MB more memory (SE_UNet, 16 filters, 8 slices of 128 x 128).
    """
    count = processors()
    if count < (os.cpu_count() or 1):
        for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
            os.environ.setdefault(name, str(count))


_keep_to_the_quota()


@contextlib.contextmanager
def _quiet_standard_error() -> Iterator[None]:
    """Keep what the block writes to file descriptor 2, and show it only if the block fails.

    TensorFlow's C++ code writes there before any log level counts, and Jupyter reads that descriptor into the
    notebook, so replacing `sys.stderr` would not help.
    """
    try:
        standard_error = os.dup(2)
        log = tempfile.TemporaryFile()  # noqa: SIM115
    except OSError:  # closed, or no room for a temporary file: go on as it is
        yield
        return
    with log:
        os.dup2(log.fileno(), 2)
        try:
            yield
        except BaseException:
            log.seek(0)
            os.write(standard_error, log.read())
            raise
        finally:
            os.dup2(standard_error, 2)
            os.close(standard_error)


def _start_keras() -> None:
    """Import Keras; refuse what the user's own settings of it make impossible, and say where they stand."""
    try:
        with _quiet_standard_error():
            import keras
    except (ModuleNotFoundError, ValueError) as error:  # ValueError: a backend that Keras does not know
        backend = error.name.partition(".")[0] if isinstance(error, ModuleNotFoundError) and error.name else ""
        named, place = _backend_that_is_named()
        if backend in _INSTALL:
            _refuse(f"Keras needs {backend}, which is not installed: run {_INSTALL[backend]} in the course's folder.")
        if named is not None and (backend == named or isinstance(error, ValueError)):
            _refuse(f"{place} says that Keras is to run on {named}, which is not installed here: say tensorflow there.")
        raise
    except KeyboardInterrupt:
        if not _is_command():
            raise
        print("\nstopped: nothing was begun", file=sys.stderr, flush=True)
        os._exit(130)  # TensorFlow, half imported, would have more to say
    for name, needed in (("image_data_format", "channels_last"), ("floatx", "float32")):
        there = getattr(keras.config, name)() if hasattr(keras, "config") else needed  # a test's stand-in has none
        if there != needed:
            _refuse(f'{_settings_of_keras()} says {name} "{there}", and this course needs "{needed}": change it there.')


def _settings_of_keras() -> Path:
    """The file that Keras takes a user's own settings from."""
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "keras.json"


def _backend_that_is_named() -> tuple[str | None, str]:
    """The backend that the user names, None if none, and where."""
    if os.environ.get("KERAS_BACKEND"):
        return os.environ["KERAS_BACKEND"], "the environment variable KERAS_BACKEND"
    try:
        return json.loads(_settings_of_keras().read_text())["backend"], str(_settings_of_keras())
    except (OSError, ValueError, KeyError, TypeError):
        return None, ""


def _is_command() -> bool:
    """Whether this is `python -m helpers.SOMETHING`, whose user wants a sentence and no traceback."""
    return any(one == "-m" and other.startswith("helpers.") for one, other in itertools.pairwise(sys.orig_argv))


def _refuse(sentence: str) -> NoReturn:
    if _is_command():
        print(f"error: {sentence}", file=sys.stderr)
        sys.exit(2)
    raise ImportError(sentence) from None


# The doctor looks at an installation that may be broken, and at this import from outside.
if "helpers.doctor" not in sys.orig_argv:
    _start_keras()


def budget(full: int, quick: int = 1) -> int:
    """Say how many epochs, steps or seeds a lesson may spend: `full`, or `quick` when COURSE_QUICK=1 is set.

    With the environment variable set before Jupyter starts, every lesson runs from top to bottom in seconds: to
    see that it runs, not to learn from its numbers.
    """
    return quick if os.environ.get("COURSE_QUICK", "0") not in ("", "0") else full
