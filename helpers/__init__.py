"""The course's reference code, in rooms that data walks through once: data, nets, scores, tasks, training, show.

Import it before Keras or TensorFlow: it keeps what TensorFlow writes at its start out of the notebook.
"""

import contextlib
import ctypes
import os
import tempfile
from collections.abc import Iterator

__version__ = "0.1.0"

_INSTALL = {
    "tensorflow": 'pip install -e ".[cpu]" (or ".[gpu]" for an NVIDIA GPU on Linux)',
    "jax": 'pip install -e ".[jax]"',
}

# no information lines at TensorFlow's first step (XLA, devices); its warnings and errors still come through
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")


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


try:
    with _quiet_standard_error():
        import keras as _keras  # noqa: F401
except ModuleNotFoundError as error:
    backend = str(error.name).partition(".")[0]
    if backend not in _INSTALL:
        raise
    raise ImportError(
        f"Keras needs {backend}, which is not installed: run {_INSTALL[backend]} in the course's folder."
    ) from None


def budget(full: int, quick: int = 1) -> int:
    """Say how many epochs, steps or seeds a lesson may spend: `full`, or `quick` when COURSE_QUICK=1 is set.

    With the environment variable set before Jupyter starts, every lesson runs from top to bottom in seconds: to
    see that it runs, not to learn from its numbers.
    """
    return quick if os.environ.get("COURSE_QUICK", "0") not in ("", "0") else full
