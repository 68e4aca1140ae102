"""What people's own images and masks ask of a run: their classes, a split by group, pieces, and counts of pixels.

No image is normalised: a photograph keeps its values, as the networks with an ImageNet encoder expect it.
"""

import argparse
import colorsys
import csv
import functools
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import keras
import numpy as np
from PIL import Image

from helpers.data import disk, image_files, pairs
from helpers.nets import inference
from helpers.scores import metrics
from helpers.settings import Settings
from helpers.tasks import binary, held_out, multiclass, photographs, pieces, preparation
from helpers.tasks.purpose import Purpose

EXAMPLE = """example: check a folder of your own, then train on it:

    python -m helpers.prepare pairs --check FOLDER
    python -m helpers.train --dataset pairs --data FOLDER

FOLDER holds images/ and masks/ with files of the same names, or NAME.jpg beside NAME_mask.png."""

ONE_AREA, SEVERAL = binary.Layout("group", "image", "an area"), multiclass.Layout("image")


class Task:
    """The pairs of one run, split by group: those to train on small and in memory, the others as files."""

    name = "pairs"
    defaults = Settings(
        dataset="pairs", model="Lite0_UNet", pretrained=True, size=256, scale=(0.75, 1.5), epochs=20, flips=True
    )
    uses = frozenset({"size", "scale", "class_weights", "groups", "smallest_part"}) | held_out.USES
    normalisation = "none"
    known_classes: tuple[str, ...] | None = None
    ignore_index: int | None = pairs.IGNORE

    def __init__(self, settings: Settings, progress: bool):
        self.settings, self.progress = settings, progress
        preparation.require(pairs.inspect(settings.data, progress), "pairs")
        found = pairs.find(settings.data)
        self.kinds = pairs.classes_of(found, progress)
        self.mode = "binary" if self.kinds.one_area else "multiclass"
        self.watched = "validation_dice" if self.kinds.one_area else "validation_mean_iou"
        if self.kinds.one_area and settings.class_weights:
            raise ValueError("class_weights are for several classes, and these masks show one area: leave them out.")
        if not self.kinds.one_area and settings.smallest_part:
            raise ValueError("smallest_part is for one area, and these masks show several classes: leave it out.")
        self.groups = pairs.groups_of(found, settings.groups)
        training, self.rows = held_out.split(settings, self.groups, "group")
        self.held_out = [found[row] for row in self.rows]
        self.names = [found[row].name for row in training], [pair.name for pair in self.held_out]
        self.table = pairs.class_table(self.kinds)
        self.training = self._small([found[row] for row in training])
        self.steps = settings.steps or max(1, len(self.training) // settings.batch)

    def _small(self, chosen: Sequence[pairs.Pair]) -> list[tuple[Image.Image, Image.Image]]:
        read = functools.partial(pairs.read, table=self.table, size=self.settings.size)
        ahead = disk.made_ahead(read, ((pair,) for pair in chosen), workers=2)
        return list(
            disk.progress_bar(ahead, desc="reading", total=len(chosen), unit="image", disable=not self.progress)
        )

    @staticmethod
    def check(settings: Settings) -> None:
        """Raise ValueError for settings that no images can meet; reads none."""
        held_out.check(settings)
        pieces.check(settings)

    @staticmethod
    def classes(settings: Settings) -> tuple[str, ...]:
        """The values that the masks hold."""
        return pairs.classes_of(pairs.find(settings.data), progress=False).names

    @staticmethod
    def training_sides(settings: Settings) -> tuple[int, int]:
        """Height and width of the pieces that are trained on."""
        return settings.size, settings.size

    @staticmethod
    def sides(settings: Settings) -> tuple[int | None, int | None]:
        """Height and width that the network is built for: it sees an image whole, its longer side so long."""
        return settings.size, settings.size

    def class_weights(self) -> list[float] | None:
        """1 / ln(1.02 + share of the pixels), as for the streets; None when all weigh alike."""
        if not self.settings.class_weights:
            return None
        shares = np.array(self.kinds.pixels) / sum(self.kinds.pixels)
        return (1 / np.log(1.02 + shares)).tolist()

    def metrics(self) -> list[keras.metrics.Metric]:
        """Nothing: a score of distorted pieces would cost time and say little."""
        return []

    def batches(self, epoch: int, share: tuple[int, int] = (0, 1)) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the training batches from `epoch` on; of each, the share (which, of how many) of one process."""
        crop = self.settings.size, self.settings.size
        stream = pieces.batches(self.training, _as_it_is, crop, self.settings, epoch * self.steps, share)
        for images, labels in stream:
            yield images, labels[..., None].astype("float32") if self.kinds.one_area else labels

    def validate(self, model: keras.Model) -> float | None:
        """The score that is watched, at the size of training; None if nothing is held out."""
        if not self.held_out:
            return None
        counts = count(model, self._held_out(self.settings.size), self.kinds)
        if self.kinds.one_area:
            return metrics.scores_from_counts(counts, self.groups[self.rows])["dice"]["mean"]
        return metrics.mean_iou(counts.sum(axis=0))

    def score(self, model: keras.Model) -> tuple[dict, dict[str, binary.Table]]:
        """The scores of the pairs that are held out, at their own size, and images.csv."""
        if not self.held_out:
            return {}, {}
        examples = disk.progress_bar(
            self._held_out(None), desc="scoring", total=len(self.held_out), disable=not self.progress
        )
        rule = inference.AreaRule(smallest_part=self.settings.smallest_part)
        counts = count(model, examples, self.kinds, rule, flips=self.settings.flips)
        groups, names = self.groups[self.rows], [pair.name for pair in self.held_out]
        if self.kinds.one_area:
            table = binary.counts_table(ONE_AREA, groups, "file", names, counts)
            return metrics.scores_from_counts(counts, groups), {"images.csv": table}
        # A column for each pair of a true and a predicted class.
        columns = [f"{true} as {predicted}" for true in self.kinds.names for predicted in self.kinds.names]
        rows = [(group, name, *each.ravel()) for group, name, each in zip(groups, names, counts, strict=True)]
        return metrics.street_scores(counts, self.kinds.names), {"images.csv": [("group", "file", *columns), *rows]}

    def _held_out(self, size: int | None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        return _arrays(self.held_out, self.table, size)

    @staticmethod
    def joined(folders: Sequence[Path]) -> dict:
        """The scores of the folds in these folders, as of one set."""
        paths = [folder / "images.csv" for folder in folders]
        with open(paths[0], newline="", encoding="utf-8") as file:
            columns = next(csv.reader(file))
        if "both" in columns:
            return binary.joined(paths, ONE_AREA)
        names = [column.split(" as ")[1] for column in columns[2:]]
        names = names[: round(len(names) ** 0.5)]
        counts = []
        for path in paths:
            with open(path, newline="", encoding="utf-8") as file:
                counts += [list(map(int, row[2:])) for row in list(csv.reader(file))[1:]]
        return metrics.street_scores(np.reshape(counts, (-1, len(names), len(names))), names)

    @staticmethod
    def layout(scores: dict) -> binary.Layout | multiclass.Layout:
        """How the scores are laid out."""
        return ONE_AREA if "dice" in scores else SEVERAL

    @staticmethod
    def evaluate(
        model: keras.Model,
        purpose: Purpose,
        source: str,
        rule: inference.AreaRule,
        averaging: dict,
        groups: str | None = None,
    ) -> tuple[dict, str, np.ndarray | None]:
        """Score all pairs of a folder; with the words for them, and the confusion matrix of several classes."""
        preparation.require(pairs.inspect(source, trained=purpose.classes), "pairs")
        found = pairs.find(source)
        kinds = pairs.classes_of(found, trained=purpose.classes)
        try:
            units = pairs.groups_of(found, groups or (purpose.settings or {}).get("groups"))
        except (OSError, ValueError) as error:
            if groups is not None:
                raise
            # those of the training: other files need not have them
            reason = disk.printable(str(error).rstrip("."))
            print(f"{reason}. Each image is scored as a group of its own: give --groups.", file=sys.stderr, flush=True)
            units = pairs.groups_of(found, None)
        examples = disk.progress_bar(_arrays(found, pairs.class_table(kinds), None), desc="scoring", total=len(found))
        counts = count(model, examples, kinds, rule, **averaging)
        words = f"{len(found)} images, {len(set(units))} groups"
        if kinds.one_area:
            return metrics.scores_from_counts(counts, units), words, None
        return metrics.street_scores(counts, purpose.classes), words, counts.sum(axis=0)

    @staticmethod
    def written(stem: str) -> tuple[str, str]:
        """Names of the two files that `segment` writes for the image STEM."""
        return image_files.written(stem)

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
        """Write a mask, with the values of those that were trained on, and an overlay for each image."""
        values = np.array(purpose.classes, "int").astype("uint8")
        colours = _colours(len(values))

        def decide(probabilities: np.ndarray) -> np.ndarray:
            return probabilities >= rule.threshold if len(values) == 1 else probabilities.argmax(axis=-1)

        unreadable: list[str] = []
        for path, image in photographs.readable(paths, unreadable):
            classes = photographs.decide(model, path, image, decide, averaging)
            folder = image_files.folder_for(path, output, root)
            if len(values) == 1:
                image_files.write_area(
                    folder, path.stem, image, rule.without_small_parts(classes > 0), value=int(values[0])
                )
            else:
                names = Task.written(path.stem)
                image_files.write_classes(folder, *names, image, values[classes], colours[classes])
        return unreadable

    @staticmethod
    def folder_of(source: str) -> Path:
        """The folder that a source names."""
        return pairs.folder_of(source)

    @staticmethod
    def add_preparation(sets) -> None:
        """Add the subcommand of `python -m helpers.prepare`."""
        preparation.add_set(
            sets,
            "pairs",
            prepare,
            help="your own images and masks",
            description="Your own images and masks: they stay where they are, and every file of them is checked.",
            epilog=EXAMPLE,
            source={"help": "the folder of the images and masks"},
        )


def _as_it_is(example: tuple[Image.Image, Image.Image]) -> tuple[Image.Image, Image.Image]:
    return example


def _arrays(chosen: Sequence[pairs.Pair], table: np.ndarray, size: int | None) -> Iterator:
    for image, labels in disk.made_ahead(pairs.read, ((pair, table, size) for pair in chosen), workers=1):
        yield np.asarray(image), np.asarray(labels)


def count(
    model: keras.Model,
    examples: Iterable[tuple[np.ndarray, np.ndarray]],
    kinds: pairs.Classes,
    rule: inference.AreaRule = inference.HALF,
    **averaging,
) -> np.ndarray:
    """Predict image by image, and count pixels that are not ignored.

    Args:
        model: a network of the zoo.
        examples: images (height, width, 3) uint8 with the labels (height, width) uint8 of their pixels.
        kinds: what the labels mean.
        rule: from probabilities to one area.
        averaging: as in `inference.predict_probabilities`.

    Returns:
        (n, 3) of one area, as `metrics.counts` gives them; (n, classes, classes) of several.
    """
    counts = []
    for image, labels in examples:
        probabilities = inference.predict_probabilities(model, image[None], batch=1, **averaging)[0]
        if kinds.one_area:
            area = rule(probabilities) & (labels != pairs.IGNORE)
            counts.append(metrics.counts((labels == 1)[None], area[None])[0])
        else:
            classes = len(kinds.values)
            counts.append(metrics.confusion_matrix(labels, probabilities.argmax(axis=-1), classes, pairs.IGNORE))
    return np.array(counts)


def _colours(number: int) -> np.ndarray:
    """As many colours as classes, (number, 3) uint8; the first class, mostly what lies behind, is black."""
    hues = [colorsys.hsv_to_rgb(0.61803 * place % 1, 0.8, 1.0) for place in range(number - 1)]
    return np.rint(255 * np.array([(0, 0, 0), *hues])).astype("uint8")


def prepare(options: argparse.Namespace) -> None:
    """Do what the subcommand was asked; ValueError when the check finds problems."""
    if options.check is None and options.source is None:
        raise ValueError("pairs are your own images and masks: give their folder after --source or --check.")
    found = pairs.inspect(options.check or options.source)
    preparation.tell(found)
    if options.check is None:
        preparation.print_next(str(found.folder.resolve()), "--dataset pairs", lesson=False)
    preparation.refuse(found, "pairs")
