"""The folder of one run: what is written into it, whole or not at all, and how it is read again.

settings.json     what was asked for
environment.json  the machine and the versions that it ran on
history.csv       a row for each epoch
state.keras       while it is not finished: what to go on from, after each epoch
in_use.json       while a process works in the folder: which
begin_anew.json   where --overwrite has not come to this run yet: the settings with which it is to begin anew
best.keras        the weights of the epoch with the best validation score
final.keras       the weights of the last epoch; these are the ones that are scored
*.csv             what the task keeps of each held-out image, to join folds with
scores.json       the honest scores; its presence says that the run is finished
"""

import contextlib
import csv
import dataclasses
import errno
import io
import json
import math
import os
import platform
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

import helpers
from helpers.data import disk, lock
from helpers.nets import checkpoint, inference
from helpers.settings import Settings

RESULTS = Path(__file__).resolve().parents[1] / "results"

_MARK = "begin_anew.json"
_CLEARED = ("scores.json", "state.keras", "final.keras", "best.keras", "settings.json")


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


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Have the folder, made if missing, for oneself, without what a killed process left half-written.

    Raises:
        BlockingIOError: another process works in it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    work, way_out = f"is training in {folder}", "wait for it, stop it, or choose another folder (--out)"
    with lock.held(folder / "in_use.json", work, way_out):
        for path in folder.glob("writing-*"):
            path.unlink(missing_ok=True)
        yield


def is_finished(folder: str | Path) -> bool:
    """Whether the folder holds whole scores."""
    return _scores(Path(folder)) is not None


def says_its_settings(folder: Path) -> bool:
    """Whether settings.json is there and whole."""
    try:
        Settings.read(folder / "settings.json")
    except (OSError, ValueError):
        return False
    return True


def _scores(folder: Path) -> dict[str, Any] | None:
    try:
        scores = json.loads((folder / "scores.json").read_text())
        return scores if "parameters" in scores else None
    except (OSError, ValueError, TypeError):
        return None


def read(folder: str | Path) -> Result:
    """Read a finished run.

    Raises:
        FileNotFoundError: it is not finished.
        ValueError: its settings are those of another version.
    """
    folder = Path(folder)
    scores = _scores(folder)
    if scores is None:
        raise FileNotFoundError(f"{folder}: holds no finished run; run the same command again to finish it.")
    try:
        history = read_history(folder)
    except ValueError as error:
        print(f"{disk.printable(str(error))}; its scores are whole", flush=True)
        history = []
    if not has_network(folder):
        final, scores_file = (disk.printable(folder / name) for name in ("final.keras", "scores.json"))
        print(
            f"{final}: is damaged or missing, though the scores are whole: to train it again, delete {scores_file} and "
            "run the same command.",
            flush=True,
        )
    return Result(
        folder=folder,
        settings=Settings.read(folder / "settings.json"),
        history=history,
        scores=scores,
        parameters=scores["parameters"],
        seconds_per_step=float(np.median([row["seconds_per_step"] for row in history])) if history else math.nan,
    )


def has_network(folder: Path) -> bool:
    """Whether final.keras is there and whole."""
    return checkpoint.is_whole(folder / "final.keras")


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
    """Return the row of each epoch, without the columns that are empty in it.

    Raises:
        ValueError: history.csv is damaged.
    """
    path = folder / "history.csv"
    if not path.exists():
        return []
    try:
        text = path.read_text()
        rows = [
            {name: _number(name, value) for name, value in row.items() if value}
            for row in csv.DictReader(io.StringIO(text), strict=True)
        ]
        whole = text.endswith("\n") and [row["epoch"] for row in rows] == list(range(1, len(rows) + 1))
    except (KeyError, OSError, TypeError, ValueError, csv.Error):
        whole = False
    if not whole:
        raise ValueError(f"{path}: is damaged, and with it the curves of this run are lost")
    return rows


def _number(name: str, value: str) -> float:
    return int(value) if name == "epoch" else float(value)


def write_history(folder: Path, history: Sequence[dict[str, float]]) -> None:
    """Write the row of each epoch to history.csv."""
    # The last epoch is always validated, but until then a column may have holes.
    names = tuple(max(history, key=len))
    write_rows(folder / "history.csv", [names, *([row.get(name, "") for name in names] for row in history)])


def read_state(folder: Path) -> dict[str, Any] | None:
    """Return the note of state.keras, what `Keeper` put there; None, and a sentence, if it is damaged."""
    path = folder / "state.keras"
    if not path.exists():
        return None
    try:
        note = checkpoint.read_note(path)
        if note is None or not isinstance(note.get("history"), list):
            raise ValueError(f"{path}: is not of this version of the course.")
    except (OSError, ValueError) as error:
        print(f"{disk.printable(str(error))} The training begins with its first epoch.", flush=True)
        return None
    return note


def final_is_there(settings: Settings, folder: Path) -> bool:
    """Whether final.keras is whole and of a run with these settings, so that it only needs its scores."""
    noted = _noted(folder / "final.keras")
    return noted is not None and noted.in_full() == settings.in_full()


def needs_no_start(settings: Settings, folder: Path) -> bool:
    """Whether the folder holds something to go on from, so that what the run began with may be gone."""
    begun = is_finished(folder) or final_is_there(settings, folder) or checkpoint.is_whole(folder / "state.keras")
    return begun and not is_to_begin_anew(settings, folder)


def refuse_other_images(settings: Settings, folder: Path, note: dict[str, Any], split: str | None) -> None:
    """Raise ValueError if a network was trained on images of other names, or held out others, than there are now.

    Args:
        settings: of the run.
        folder: where it is kept.
        note: in the .keras file; an older one does not say it.
        split: as `Purpose` has it, of the images that there are now.
    """
    if note.get("split") not in (None, split):
        raise ValueError(
            f"{folder}: was begun with other images, or with others of them held out, than {settings.data} gives now: "
            "give the images that it was begun with, or begin anew with --overwrite."
        )


def _noted(path: Path) -> Settings | None:
    """The settings that a .keras file of a run was trained with; None if it is damaged or says nothing."""
    try:
        note = checkpoint.read_note(path)
        return Settings(**note["settings"]) if note else None
    except (KeyError, OSError, TypeError, ValueError):
        return None


def refuse_other_settings(settings: Settings, folder: Path) -> None:
    """Raise ValueError if the folder holds a run with other settings, or nobody can say with which."""
    path = folder / "settings.json"
    names = [f"{name}.keras" for name in ("final", "best", "state") if (folder / f"{name}.keras").exists()]
    try:
        found = Settings.read(path)
    except (OSError, ValueError) as error:
        found = next((noted for name in names if (noted := _noted(folder / name)) is not None), None)
        if found is None and (names or is_finished(folder)):
            missing = isinstance(error, FileNotFoundError)
            reason = f"{path}: is missing; choose another folder (--out)" if missing else str(error).rstrip(".")
            raise ValueError(f"{reason}; or begin anew with --overwrite.") from error
    if found is None:
        return
    there, asked = found.in_full(), settings.in_full()
    for name in (field.name for field in dataclasses.fields(settings)):
        if getattr(there, name) != getattr(asked, name):
            further = f" (to train on from it, with --start {folder / 'final.keras'})" if name == "epochs" else ""
            raise ValueError(
                f"{folder}: holds a run with {name} {getattr(found, name)}, not {getattr(settings, name)}; "
                f"choose another folder (--out){further}, or begin anew with --overwrite."
            )


def refuse_cleared_start(settings: Settings, folders: Sequence[Path]) -> None:
    """Raise ValueError if `start` is a file that `clear` would remove from one of these folders."""
    if settings.start is None:
        return
    start = inference.weights_file(settings.start).resolve()
    if start.name in _CLEARED and start.parent in {folder.resolve() for folder in folders}:
        raise ValueError(
            f"start is {settings.start}, which --overwrite would remove: copy it to another place, or choose another "
            "folder for the runs (--out)."
        )


def clear(folder: Path) -> None:
    """Forget the run that the folder holds, and last that it is to begin anew."""
    for path in (*(folder / name for name in _CLEARED), *folder.glob("*.csv"), folder / _MARK):
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def beginning_anew(runs: Sequence[tuple[Settings, Path]]) -> Iterator[None]:
    """Have these runs begin anew, also those that an interruption leaves to a later process.

    An error before the first of them has begun leaves all as it was.

    Raises:
        BlockingIOError: another process works in one of the folders.
    """
    marked = []
    try:
        for settings, folder in runs:
            if folder.is_dir():
                with alone_in(folder):
                    if not is_to_begin_anew(settings, folder):
                        write_json(folder / _MARK, dataclasses.asdict(settings))
                        marked.append(folder)
    except Exception:
        for folder in marked:
            (folder / _MARK).unlink(missing_ok=True)
        raise
    try:
        yield
    except Exception:
        if not any(says_its_settings(folder) and not is_to_begin_anew(settings, folder) for settings, folder in runs):
            for _, folder in runs:
                (folder / _MARK).unlink(missing_ok=True)
        raise


def is_to_begin_anew(settings: Settings, folder: Path) -> bool:
    """Whether a run with these settings is to begin anew in this folder, and has not begun; see `beginning_anew`."""
    try:
        return Settings.read(folder / _MARK).in_full() == settings.in_full()
    except (OSError, ValueError):
        return False


def write(path: Path, content: bytes | str) -> None:
    """Write a file whole or not at all: a kill or a full disk leaves the one that was there.

    Raises:
        OSError: it could not be written; the message says how to go on.
    """
    target = path.resolve()  # a link goes on leading there
    temporary = target.with_name(f"writing-{target.name}")
    try:
        with open(temporary, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())  # else a power cut can leave an empty file under the new name
        os.replace(temporary, target)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        reason = "the disk is full" if full else error.strerror or str(error)
        raise OSError(
            f"{path}: could not be written ({reason}); {'make room' if full else 'see to that'} and run the same "
            "command again; a training, given without --overwrite, goes on from what is finished."
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
        "devices": ", ".join(inference.devices()),
        "backend": backend,
        **versions,
    }
