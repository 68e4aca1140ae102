"""What training and scoring need of brain slices: the split by patient, batches, and counts of pixels.

`experiment.run` asks this for `dataset="brain"`, and `streets_task` for the streets.
"""

import itertools
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import keras
import numpy as np

from helpers.data import augment, brain, disk, splits
from helpers.nets import inference
from helpers.scores import metrics

if TYPE_CHECKING:
    from helpers.training.experiment import Settings


class Task:
    """The slices of one run, split by patient: the training side normalised, the other as it was read."""

    reader = brain
    mode, classes, ignore_index = "binary", 1, None
    watched = "validation_dice"
    """The column of the history that says which weights are the best."""

    def __init__(self, settings: "Settings", progress: bool):
        self.settings, self.progress = settings, progress
        slices = brain.load(settings.data, settings.size, progress=progress)
        train_rows, self.validation_rows = split(settings, slices.patients)
        self.training = brain.normalise(slices.select(train_rows))
        self.held_out = slices.select(self.validation_rows)
        self.steps = settings.steps or steps_per_epoch(len(self.training), settings.batch)

    @staticmethod
    def check(settings: "Settings") -> None:
        """Raise ValueError for settings that no slices can meet; reads none."""
        if settings.folds and not 0 <= settings.fold < settings.folds:
            raise ValueError(f"fold is {settings.fold}: give a number from 0 to {settings.folds - 1}.")
        if settings.folds == 1 or settings.folds < 0:
            raise ValueError(f"folds is {settings.folds}: give 2 or more, or 0 for one split by patient.")
        if settings.class_weights:
            raise ValueError("class_weights are for the streets, which have several classes: leave them out.")
        if not 0 <= settings.validation < 1:
            raise ValueError(
                f"validation is {settings.validation}: give a share of the patients from 0 up to, not with, 1."
            )
        if not settings.size > 0:
            raise ValueError(f"size is {settings.size}: give a number above 0.")

    @staticmethod
    def training_sides(settings: "Settings") -> tuple[int, int]:
        """Height and width of the images that are trained on."""
        return settings.size, settings.size

    @staticmethod
    def sides(settings: "Settings") -> tuple[int | None, int | None]:
        """Height and width that the network is built for."""
        return settings.size, settings.size

    def class_weights(self) -> None:
        """None: tumour or not is one probability."""

    def metrics(self) -> list[keras.metrics.Metric]:
        """What is measured on the training batches along the way."""
        return [metrics.CountedDice()]

    def batches(self, epoch: int, share: tuple[int, int] = (0, 1)) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the training batches from `epoch` on; of each, the share (which, of how many) of one process."""
        size = self.settings.batch // share[1]
        part = slice(share[0] * size, (share[0] + 1) * size)
        return ((images[part], masks[part]) for images, masks in batches(self.training, self.settings, epoch))

    def validate(self, model: keras.Model) -> float | None:
        """The mean Dice of the patients that are held out, at the size of training; None if there are none."""
        if not len(self.held_out):
            return None
        counts = count(model, self.held_out)
        return metrics.scores_from_counts(counts, self.held_out.patients)["dice"]["mean"]

    def score(self, model: keras.Model) -> tuple[dict, dict[str, Sequence[Sequence]]]:
        """The scores of the patients that are held out, against the masks at their own size, and slices.csv."""
        if not len(self.held_out):
            return {}, {}
        full = brain.load(self.settings.data, progress=self.progress).select(self.validation_rows)
        counts = count(model, full, flips=self.settings.flips, progress=self.progress)
        rows = zip(full.patients, full.numbers, *counts.T, strict=True)
        table = [("patient", "number", "both", "predicted", "true"), *rows]
        return metrics.scores_from_counts(counts, full.patients), {"slices.csv": table}


def split(settings: "Settings", patients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of the training and of the validation slices; no patient is on both sides."""
    if settings.folds:
        folds = splits.folds_by_patient(patients, settings.folds)
        rows = np.flatnonzero(folds != settings.fold), np.flatnonzero(folds == settings.fold)
    elif settings.validation == 0:
        rows = np.arange(len(patients)), np.arange(0)
    else:
        parts = splits.split_by_patient(patients, validation=settings.validation)
        rows = parts["train"], parts["validation"]
    if not len(rows[0]) or (not len(rows[1]) and (settings.folds or settings.validation)):
        raise ValueError(
            f"{settings.data}: its {len(np.unique(patients))} patients do not fill both sides of the split; "
            "give more patients, fewer folds or another `validation`."
        )
    return rows


def batches(slices: brain.Slices, settings: "Settings", epoch: int = 0) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Give batches without end from `epoch` on, made by threads ahead of the training step.

    A batch depends on the seed, its epoch and its place in the epoch alone: a resumed run sees the same ones.

    Gives:
        images (batch, size, size, 3) float32 in [0, 1] and masks (batch, size, size, 1) float32, 0 or 1.
    """
    augmentation = augment.Augmentation() if settings.augment else augment.Augmentation.none()
    whole = steps_per_epoch(len(slices), settings.batch)

    def rows() -> Iterator[tuple[int, int, np.ndarray]]:
        for number in itertools.count(epoch):
            order = np.random.default_rng((settings.seed, number)).permutation(len(slices))
            for step in range(settings.steps or whole):
                first = step % whole * settings.batch
                # Slices read in ascending order are read once through, also from a file.
                yield number, step, np.sort(order[first : first + settings.batch])

    def batch(number: int, step: int, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        generator = np.random.default_rng((settings.seed, number, step))
        images, masks = augmentation(slices.images[chosen], slices.masks[chosen], generator)
        return images.astype("float32") / 255, masks[..., None].astype("float32")

    return disk.made_ahead(batch, rows(), workers=os.cpu_count() or 1)


def steps_per_epoch(slices: int, batch: int) -> int:
    """The whole batches in an epoch, at least one; the slices left over differ from epoch to epoch."""
    return max(1, slices // batch)


def count(
    model: keras.Model,
    slices: brain.Slices,
    flips: bool = False,
    threshold: float = 0.5,
    progress: bool = False,
) -> np.ndarray:
    """Normalise and predict patient by patient, and count pixels: (n, 3) as `metrics.counts` gives them.

    `slices` are as `brain.load` gives them: only one patient at a time is held in memory.
    """
    counts = np.zeros((len(slices), 3), "int64")
    for patient in disk.progress_bar(np.unique(slices.patients), desc="scoring", unit="patient", disable=not progress):
        rows = np.flatnonzero(slices.patients == patient)
        patient_slices = brain.normalise(slices.select(rows))
        probabilities = inference.predict_probabilities(model, patient_slices.images, flips=flips)
        counts[rows] = metrics.counts(patient_slices.masks, probabilities >= threshold)
    return counts
