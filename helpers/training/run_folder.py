"""The folder of one run: what is written into it, whole or not at all, and how it is read again.

settings.json     what was asked for
environment.json  the machine and the versions that it ran on
history.csv       a row for each epoch
best.keras        the weights of the epoch with the best validation score
final.keras       the weights of the last epoch; these are the ones that are scored
*.csv             what the task keeps of each held-out image, to join folds with
scores.json       the honest scores; its presence says that the run is finished
"""

import csv
import dataclasses
import errno
import io
import json
import math
import os
import platform
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

import helpers
from helpers.nets import inference
from helpers.settings import Settings

RESULTS = Path(__file__).resolve().parents[1] / "results"


@dataclasses.dataclass(frozen=True)
class Result:
    """What a finished run left in its folder."""

    folder: Path
    settings: Settings
    history: list[dict[str, float]]
    scores: dict
    parameters: int
    seconds_per_step: float

    def model(self, which: str = "final") -> keras.Model:
        """Load the "final" or the "best" weights."""
        return inference.load_model(self.folder / f"{which}.keras")


def read(folder: str | Path) -> Result:
    """Read a finished run.

    Raises:
        FileNotFoundError: it is not finished.
        ValueError: its settings are those of another version.
    """
    folder = Path(folder)
    if not (folder / "scores.json").exists():
        raise FileNotFoundError(f"{folder}: holds no finished run; run the same command again to finish it.")
    scores = json.loads((folder / "scores.json").read_text())
    history = read_history(folder)
    return Result(
        folder=folder,
        settings=Settings.read(folder / "settings.json"),
        history=history,
        scores=scores,
        parameters=scores["parameters"],
        seconds_per_step=float(np.median([row["seconds_per_step"] for row in history])) if history else math.nan,
    )


def results_folder(source: str | Path) -> Path:
    """Return the folder of a finished comparison: a path, or the name of one that comes with the course.

    It holds results.csv and patients.csv, as `python -m helpers.train` writes them. Read in lesson 11.

    Raises:
        FileNotFoundError: there is no such folder, or no comparison in it.
    """
    come_with_the_course = sorted(path.parent.name for path in RESULTS.glob("*/patients.csv"))
    path = RESULTS / source if str(source) in come_with_the_course else Path(source)
    if not (path / "patients.csv").is_file():
        raise FileNotFoundError(
            f"{path}: holds no patients.csv; give the folder to which python -m helpers.train wrote it, or "
            f"{' or '.join(come_with_the_course)}."
        )
    return path


def read_history(folder: Path) -> list[dict[str, float]]:
    """Return the row of each epoch, without the columns that are empty in it."""
    path = folder / "history.csv"
    if not path.exists():
        return []
    with open(path, newline="") as file:
        return [{name: float(value) for name, value in row.items() if value} for row in csv.DictReader(file)]


def refuse_other_settings(settings: Settings, folder: Path) -> None:
    """Raise ValueError if the folder holds a run with other settings."""
    path = folder / "settings.json"
    if not path.exists():
        return
    there = dataclasses.asdict(Settings.read(path))
    for name, value in dataclasses.asdict(settings).items():
        if there[name] != value:
            raise ValueError(
                f"{folder}: holds a run with {name} {there[name]}, not {value}; "
                "choose another folder (--out), or begin anew with --overwrite."
            )


def clear(folder: Path) -> None:
    """Forget the run that the folder holds."""
    for name in ("scores.json", "state.weights.h5", "history.csv", "settings.json"):
        (folder / name).unlink(missing_ok=True)


def write(path: Path, content: bytes | str) -> None:
    """Write a file whole or not at all: a kill or a full disk leaves the one that was there.

    Raises:
        OSError: it could not be written; the message says how to go on.
    """
    temporary = path.with_name(f"writing-{path.name}")
    try:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        reason = "the disk is full" if error.errno == errno.ENOSPC else str(error)
        raise OSError(
            f"{path}: could not be written ({reason}); make room and run the same command again, "
            "which goes on after the last whole epoch."
        ) from error


def write_json(path: Path, content: dict) -> None:
    """Write a dictionary of plain values, as `write` does."""
    write(path, json.dumps(content, indent=2) + "\n")


def write_rows(path: Path, rows: Sequence[Sequence]) -> None:
    """Write rows as CSV, as `write` does."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    write(path, text.getvalue())


def environment() -> dict[str, str | int]:
    """The machine and the versions, for the record."""
    versions = {"keras": keras.__version__, "numpy": np.__version__}
    backend = keras.backend.backend()
    versions[backend] = __import__(backend).__version__
    return {
        "helpers": helpers.__version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "processors": os.cpu_count() or 1,
        "devices": ", ".join(keras.distribution.list_devices()),
        "backend": backend,
        **versions,
    }
