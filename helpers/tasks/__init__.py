"""What a data set asks of a run: one Protocol, and the table of those that have it."""

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import keras
import numpy as np

from helpers.nets import checkpoint, inference
from helpers.settings import Settings
from helpers.tasks import brain, pairs, streets
from helpers.tasks.binary import Table
from helpers.tasks.purpose import Purpose


class Layout(Protocol):
    """How scores are laid out; see `binary.Layout` and `multiclass.Layout`."""

    @property
    def unit(self) -> str:
        """What each score, or the interval, is over: patient, scene."""
        ...

    @property
    def titles(self) -> tuple[str, str]:
        """Of the two columns of `cells`."""
        ...

    def report(self, scores: dict) -> str:
        """The scores as text."""
        ...

    def columns(self, by_seed: Sequence[dict]) -> dict[str, int | float]:
        """The columns of results.csv, from the scores of each seed."""
        ...

    def cells(self, row: dict) -> tuple[str, str]:
        """The two cells of a row of results.csv that are printed."""
        ...

    def details(self, rows: dict[str, dict], scores: dict) -> list[str]:
        """Lines below the printed table, from its rows by their titles, and the scores of one run."""
        ...


class Task(Protocol):
    """Everything that a data set asks of a run. The class answers before a file is read, an object reads the files.

    Attributes:
        name: as `Settings.dataset` has it.
        defaults: what `python -m helpers.train` does unless it is told otherwise, on a small machine.
        uses: the settings that only some data sets read, and this one does.
        normalisation: what is done to the values of an image first, in words; stands in a network's `Purpose`.
        known_classes: names of the classes; None where only the files say them.
        mode: of the losses, "binary" or "multiclass".
        ignore_index: the label that counts for nothing, or None.
        watched: the column of the history that says which weights are the best.
        steps: in an epoch.
        names: of the images that are trained on, and of those that are held out.
    """

    name: str
    defaults: Settings
    uses: frozenset[str]
    normalisation: str
    known_classes: tuple[str, ...] | None
    mode: str
    ignore_index: int | None
    watched: str
    steps: int
    names: tuple[list[str], list[str]]

    def __init__(self, settings: Settings, progress: bool): ...

    @staticmethod
    def check(settings: Settings) -> None:
        """Raise ValueError for settings that cannot be met; reads no image."""
        ...

    @staticmethod
    def classes(settings: Settings) -> tuple[str, ...]:
        """Names of the network's channels; one for an area against the rest."""
        ...

    @staticmethod
    def training_sides(settings: Settings) -> tuple[int, int]:
        """Height and width of the images that are trained on."""
        ...

    @staticmethod
    def sides(settings: Settings) -> tuple[int | None, int | None]:
        """Height and width that the network is built for; None for any."""
        ...

    def class_weights(self) -> list[float] | None:
        """A weight for each class; None when all weigh alike."""
        ...

    def metrics(self) -> list[keras.metrics.Metric]:
        """What is measured on the training batches along the way."""
        ...

    def batches(self, epoch: int, share: tuple[int, int] = (0, 1)) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the training batches from `epoch` on; of each, the share (which, of how many) of one process."""
        ...

    def validate(self, model: keras.Model) -> float | None:
        """The score that is watched; None if nothing is held out."""
        ...

    def score(self, model: keras.Model) -> tuple[dict, dict[str, Table]]:
        """The scores of what is held out, {} if nothing is, and tables to keep, by the names of their files."""
        ...

    @staticmethod
    def joined(folders: Sequence[Path]) -> dict:
        """The scores of the folds that these folders hold, as of one set."""
        ...

    @staticmethod
    def layout(scores: dict) -> Layout:
        """How these scores are laid out."""
        ...

    @staticmethod
    def evaluate(
        model: keras.Model,
        purpose: Purpose,
        source: str,
        rule: inference.AreaRule,
        averaging: dict,
        groups: str | None = None,
    ) -> tuple[dict, str, np.ndarray | None]:
        """Score a trained network on a set.

        Args:
            model: the network.
            purpose: what it was trained for.
            source: as in `Settings.data`.
            rule: from probabilities to an area; of several classes it is not asked.
            averaging: flips, scales and window, as in `inference.predict_probabilities`.
            groups: as in `Settings.groups`, of a data set that reads them; None for those of the network's run.

        Returns:
            The scores, words for what was scored, and the confusion matrix if there are several classes.
        """
        ...

    @staticmethod
    def written(stem: str) -> tuple[str, str]:
        """Names of the two files that `segment` writes for the image STEM: what is found in it, and its overlay."""
        ...

    @staticmethod
    def segment(
        model: keras.Model,
        purpose: Purpose,
        paths: Sequence[Path],
        root: Path,
        output: Path,
        rule: inference.AreaRule,
        averaging: dict,
    ) -> list[str]:
        """Write what a trained network finds in these files, below `output` as they lie below `root`.

        Returns:
            A sentence for each file that cannot be read.
        """
        ...

    @staticmethod
    def folder_of(source: str) -> Path:
        """The folder that a source names, made if it is that of phantoms; OSError if it is not there."""
        ...

    @staticmethod
    def add_preparation(sets) -> None:
        """Add the subcommand of `python -m helpers.prepare` to argparse's subparsers."""
        ...


TASKS: dict[str, type[Task]] = {
    "brain": brain.Task,
    "cityscapes": streets.Task,
    "pairs": pairs.Task,
}
SPECIFIC = frozenset().union(*(task.uses for task in TASKS.values()))
"""The settings that only some data sets read."""


def get(dataset: str) -> type[Task]:
    """Return the task of a data set; ValueError for any other name."""
    if dataset not in TASKS:
        raise ValueError(f"dataset is {dataset!r}: choose one of {', '.join(TASKS)}.")
    return TASKS[dataset]


def refuse_unused(dataset: str, given: dict[str, str]) -> None:
    """Raise ValueError for a setting that a data set does not read.

    Args:
        dataset: its name.
        given: settings by their names, with what the one who gave them calls them.
    """
    unused = SPECIFIC - get(dataset).uses
    for name, words in given.items():
        if name in unused:
            others = " and ".join(other for other, task in TASKS.items() if name in task.uses)
            raise ValueError(f"{words} is for {others}, and {dataset} does nothing with it: leave it out.")


def load(source: str | Path, dataset: str | None = None) -> tuple[keras.Model, Purpose]:
    """Load a trained network and say what it is for: its file says it, or the settings.json of the run it lies in.

    Args:
        source: as in `inference.load_model`.
        dataset: what the caller says; needed for a file that says nothing, refused where it says otherwise.

    Raises:
        FileNotFoundError, ValueError: as `inference.load_model`; or nobody says what it is for, what is said does not
            fit, or this version cannot prepare its images.
    """
    path = inference.weights_file(source)
    model = inference.load_model(source)
    note = checkpoint.read_note(path)
    purpose = _of_note(path, note) if note is not None else _of_folder(path, model, dataset)
    task = get(purpose.dataset)
    if dataset is not None and dataset != purpose.dataset:
        raise ValueError(f"{path}: was trained for {purpose.dataset}, not {dataset}: leave --dataset out.")
    if model.output_shape[-1] != len(purpose.classes):
        raise ValueError(
            f"{path}: predicts {model.output_shape[-1]} classes, and {purpose.dataset} has {len(purpose.classes)}: "
            "give a network that was trained for it."
        )
    if purpose.normalisation != task.normalisation:
        raise ValueError(
            f"{path}: takes images with this normalisation: {purpose.normalisation}; this version has another for "
            f"{purpose.dataset}: {task.normalisation}; use the version that trained it ({purpose.helpers})."
        )
    return model, purpose


def _of_note(path: Path, note: dict) -> Purpose:
    if "history" in note:
        raise ValueError(
            f"{path}: is the state of an unfinished run: finish it, which leaves final.keras, or take best.keras."
        )
    try:
        return Purpose.of_note(note)
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"{path}: says what it was trained for in words that this version cannot read ({error}); use the version "
            "that wrote it."
        ) from error


def _of_folder(path: Path, model: keras.Model, dataset: str | None) -> Purpose:
    """What a network is for whose file does not say it."""
    beside = path.parent / "settings.json"
    if beside.is_file():
        settings = Settings.read(beside)
    elif dataset is not None:
        settings = get(dataset).defaults
    else:
        raise ValueError(
            f"{path}: does not say what it was trained for; say it with --dataset ({', '.join(TASKS)}), or put the "
            "file back into the folder of its run."
        )
    task = get(settings.dataset)
    if task.known_classes is None:
        raise ValueError(f"{path}: does not say which classes it was trained for; train it again.")
    height, width = model.input_shape[1:3]
    purpose = Purpose.of_run(settings, task.known_classes, (height, width), task.normalisation)
    return purpose if beside.is_file() else dataclasses.replace(purpose, settings=None)
