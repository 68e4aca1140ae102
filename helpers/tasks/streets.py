"""What training and scoring need of street scenes: batches of pieces streamed from disk, and counts by class.

`experiment.run` asks this for `dataset="cityscapes"`, and `brain_task` for the brain.
"""

import itertools
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import keras
import numpy as np

from helpers.data import augment, disk, streets
from helpers.nets import inference
from helpers.scores import metrics

if TYPE_CHECKING:
    from helpers.training.experiment import Settings


class Task:
    """The scenes of one run: the data set's own train and val splits, of which no pixel is kept in memory."""

    reader = streets
    mode, classes, ignore_index = "multiclass", len(streets.CLASSES), streets.IGNORE
    watched = "validation_mean_iou"
    """The column of the history that says which weights are the best."""

    def __init__(self, settings: "Settings", progress: bool):
        self.settings, self.progress = settings, progress
        self.training = streets.scenes(settings.data, "train")
        self.held_out = streets.scenes(settings.data, "val")
        self.steps = settings.steps or max(1, len(self.training) // settings.batch)

    @staticmethod
    def check(settings: "Settings") -> None:
        """Raise ValueError for settings that no scenes can meet; reads none."""
        if settings.folds:
            raise ValueError(
                f"folds is {settings.folds}: leave it out, since the streets have a val split of their own."
            )
        if min(settings.crop) < 1:
            raise ValueError(f"crop is {_pair(settings.crop)}: give a height and a width above 0.")
        if not 0 < settings.scale[0] <= settings.scale[1]:
            raise ValueError(f"scale is {_pair(settings.scale)}: give a lowest and a highest factor above 0.")

    @staticmethod
    def training_sides(settings: "Settings") -> tuple[int, int]:
        """Height and width of the images that are trained on."""
        return settings.crop

    @staticmethod
    def sides(settings: "Settings") -> tuple[int | None, int | None]:
        """Any height and width, since whole scenes are predicted after training on pieces."""
        return None, None

    def class_weights(self) -> list[float] | None:
        """A weight for each class, by its share of the training pixels; None when all weigh alike."""
        return streets.class_weights(self.training, self.progress) if self.settings.class_weights else None

    def metrics(self) -> list[keras.metrics.Metric]:
        """Nothing: a score of distorted pieces would cost time and say little."""
        return []

    def batches(self, epoch: int, share: tuple[int, int] = (0, 1)) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the training batches from `epoch` on; of each, the share (which, of how many) of one process."""
        return batches(self.training, self.settings, epoch * self.steps, share)

    def validate(self, model: keras.Model) -> float:
        """Mean IoU of the val split."""
        return metrics.mean_iou(count(model, self.held_out).sum(axis=0))

    def score(self, model: keras.Model) -> tuple[dict, dict[str, Sequence[Sequence]]]:
        """The scores of the val split, and confusion.csv: pixels by true class (row) and predicted class."""
        confusions = count(model, self.held_out, flips=self.settings.flips, progress=self.progress)
        rows = zip(streets.NAMES, *confusions.sum(axis=0).T, strict=True)
        return metrics.street_scores(confusions, streets.NAMES), {"confusion.csv": [("", *streets.NAMES), *rows]}


def batches(
    scenes: Sequence[streets.Scene], settings: "Settings", first: int = 0, share: tuple[int, int] = (0, 1)
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Give batches without end from step `first` on, read from disk by threads ahead of the training step.

    A piece depends on the seed and on its place in the run alone: a resumed run sees the same ones. Each pass over
    the scenes has its own order.

    Args:
        scenes: to train on.
        settings: of the run.
        first: the step to begin with.
        share: which of how many equal parts of each batch to read, for one of several processes.

    Gives:
        images (batch, height, width, 3) float32 in [0, 1] and classes (batch, height, width) uint8, 255 ignored.
    """
    vary = augment.StreetAugmentation(settings.crop, settings.scale)
    if not settings.augment:
        vary = augment.StreetAugmentation.none(settings.crop)

    size = settings.batch // share[1]

    def jobs() -> Iterator[tuple[int, streets.Scene]]:
        start = first * settings.batch
        for number in itertools.count(start // len(scenes)):
            order = np.random.default_rng((settings.seed, number)).permutation(len(scenes))
            for place, row in enumerate(order, start=number * len(scenes)):
                if place >= start and place % settings.batch // size == share[0]:
                    yield place, scenes[row]

    def piece(place: int, scene: streets.Scene) -> tuple[np.ndarray, np.ndarray]:
        # The 1 keeps these draws apart from those of the order.
        return vary(*streets.read(scene), np.random.default_rng((settings.seed, place, 1)))

    pieces = disk.made_ahead(piece, jobs(), workers=os.cpu_count() or 1)
    while True:
        images, classes = zip(*itertools.islice(pieces, size), strict=True)
        # One piece at a time: a tenth of the time of stacking all and then dividing the stack.
        batch = np.empty((size, *settings.crop, 3), "float32")
        for row, image in enumerate(images):
            np.multiply(image, np.float32(1 / 255), out=batch[row])
        yield batch, np.stack(classes)


def count(
    model: keras.Model,
    scenes: Sequence[streets.Scene],
    flips: bool = False,
    scales: Sequence[float] = (1.0,),
    window: tuple[int, int] | None = None,
    progress: bool = False,
) -> np.ndarray:
    """Predict scene by scene, and count pixels by true and predicted class: (n, classes, classes) int64.

    Args:
        model: a network of the zoo with a channel for each class.
        scenes: with labels; read one at a time.
        flips, scales, window: as in `inference.predict_probabilities`.
        progress: show a bar.
    """
    confusions = np.zeros((len(scenes), len(streets.CLASSES), len(streets.CLASSES)), "int64")
    ahead = disk.made_ahead(streets.read, ((scene,) for scene in scenes), workers=1)
    bar = disk.progress_bar(ahead, desc="scoring", total=len(scenes), unit="scene", disable=not progress)
    for row, (image, classes) in enumerate(bar):
        probabilities = inference.predict_probabilities(model, np.asarray(image)[None], flips, 1, scales, window)
        predicted = probabilities[0].argmax(axis=-1)
        confusions[row] = metrics.confusion_matrix(np.asarray(classes), predicted, len(streets.CLASSES), streets.IGNORE)
    return confusions


def _pair(values: Sequence[float]) -> str:
    return " ".join(map(str, values))
