"""What street scenes ask of a run: batches of pieces streamed from disk, and counts of pixels by class."""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import keras
import numpy as np

from helpers.data import disk, download, image_files, phantom_streets, street_classes, streets
from helpers.nets import inference
from helpers.scores import metrics
from helpers.settings import Settings
from helpers.tasks import binary, multiclass, photographs, pieces, preparation
from helpers.tasks.purpose import Purpose

EXAMPLE = f"""example, which makes the embedded phantom streets in ten seconds:

    python -m helpers.prepare cityscapes

the real scenes (https://www.cityscapes-dataset.com, for which you register), from the zips that you have downloaded:

    python -m helpers.prepare cityscapes --source leftImg8bit_trainvaltest.zip gtFine_trainvaltest.zip

or downloaded with your account, which is asked for unless CITYSCAPES_USERNAME and CITYSCAPES_PASSWORD are set:

    python -m helpers.prepare cityscapes --source cityscapes

{preparation.WHERE}"""

LAYOUT = multiclass.Layout("scene")


class Task:
    """The scenes of one run: the data set's own train and val splits, of which no pixel is kept in memory."""

    name = "cityscapes"
    # What was trained on real streets in an hour on one processor core: helpers/results/streets.
    defaults = Settings(
        dataset="cityscapes",
        model="Lite0_UNet",
        pretrained=True,
        loss="Dice_CrossEntropy",
        class_weights=True,
        crop=(256, 256),
        scale=(0.75, 1.5),
        epochs=36,
        batch=4,
        learning_rate=4e-3,
        validate_every=18,
        flips=True,
    )
    uses = frozenset({"crop", "scale", "class_weights"})
    normalisation = "none"
    known_classes: tuple[str, ...] | None = street_classes.NAMES
    mode = "multiclass"
    ignore_index: int | None = street_classes.IGNORE
    watched = "validation_mean_iou"

    def __init__(self, settings: Settings, progress: bool):
        self.settings, self.progress = settings, progress
        preparation.require(streets.inspect(settings.data, progress), "scenes")
        self.training = streets.scenes(settings.data, "train")
        self.held_out = streets.scenes(settings.data, "val")
        self.names = [scene.name for scene in self.training], [scene.name for scene in self.held_out]
        self.steps = settings.steps or max(1, len(self.training) // settings.batch)

    @staticmethod
    def check(settings: Settings) -> None:
        """Raise ValueError for settings that no scenes can meet; reads none."""
        pieces.check(settings)

    @staticmethod
    def classes(settings: Settings) -> tuple[str, ...]:
        """The 19 that are scored."""
        return street_classes.NAMES

    @staticmethod
    def training_sides(settings: Settings) -> tuple[int, int]:
        """Height and width of the images that are trained on."""
        return settings.crop

    @staticmethod
    def sides(settings: Settings) -> tuple[int | None, int | None]:
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

    def score(self, model: keras.Model) -> tuple[dict, dict[str, binary.Table]]:
        """The scores of the val split, and confusion.csv: pixels by true class (row) and predicted class."""
        confusions = count(model, self.held_out, flips=self.settings.flips, progress=self.progress)
        names = street_classes.NAMES
        rows = zip(names, *confusions.sum(axis=0).T, strict=True)
        return metrics.street_scores(confusions, names), {"confusion.csv": [("", *names), *rows]}

    @staticmethod
    def joined(folders: Sequence[Path]) -> dict:
        """There are no folds."""
        raise ValueError("the streets have a val split of their own, and so no folds to join.")

    @staticmethod
    def layout(scores: dict) -> multiclass.Layout:
        """How the scores are laid out."""
        return LAYOUT

    @staticmethod
    def evaluate(
        model: keras.Model,
        purpose: Purpose,
        source: str,
        rule: inference.AreaRule,
        averaging: dict,
        groups: str | None = None,
    ) -> tuple[dict, str, np.ndarray | None]:
        """Score the val split of a set; with the words for it, and the confusion matrix."""
        preparation.require(streets.inspect(source), "scenes")
        scenes = streets.scenes(source, "val")
        confusions = count(model, scenes, progress=True, **averaging)
        scores = metrics.street_scores(confusions, street_classes.NAMES)
        return scores, f"{len(scenes)} scenes", confusions.sum(axis=0)

    @staticmethod
    def written(stem: str) -> tuple[str, str]:
        """Names of the two files that `segment` writes for the image STEM, as the benchmark's server takes them.

        aachen_000000_000019_leftImg8bit.png becomes aachen_000000_000019_labelIds.png.
        """
        return image_files.written(stem.removesuffix("_leftImg8bit"), "labelIds")

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
        """Write label ids and an overlay for each photograph; return what is wrong with those that cannot be read."""
        unreadable: list[str] = []
        for path, image in photographs.readable(paths, unreadable):
            classes = photographs.decide(model, path, image, lambda each: each.argmax(axis=-1), averaging)
            image_files.write_classes(
                image_files.folder_for(path, output, root),
                *Task.written(path.stem),
                image,
                street_classes.LABEL_ID_OF_CLASS[classes],
                street_classes.PALETTE[classes],
            )
        return unreadable

    @staticmethod
    def folder_of(source: str) -> Path:
        """The folder that a source names; phantoms are made on first use."""
        return streets.folder_of(source)

    @staticmethod
    def add_preparation(sets) -> None:
        """Add the subcommand of `python -m helpers.prepare`."""
        part = preparation.add_set(
            sets,
            "cityscapes",
            prepare,
            help="street scenes with 19 classes",
            description="Street scenes with the class of each pixel, in the layout of Cityscapes.",
            epilog=EXAMPLE,
            source={
                "default": ["phantom"],
                "nargs": "+",
                "help": "phantom, cityscapes, or the zips or the folder that you have (phantom)",
            },
        )
        preparation.add_output(part)
        part.add_argument("--train", type=int, metavar="N", help="how many phantom scenes to train on (120)")
        part.add_argument("--val", type=int, metavar="N", help="how many phantom scenes to validate on (40)")
        part.add_argument("--seed", type=int, metavar="S", help="which phantom scenes (0)")


def batches(
    scenes: Sequence[streets.Scene], settings: Settings, first: int = 0, share: tuple[int, int] = (0, 1)
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Give batches without end from step `first` on, read from disk by threads ahead of the training step.

    As `pieces.batches` says.

    Args:
        scenes: to train on.
        settings: of the run.
        first: the step to begin with.
        share: which of how many equal parts of each batch to read, for one of several processes.

    Gives:
        images (batch, height, width, 3) float32 in [0, 1] and classes (batch, height, width) uint8, 255 ignored.
    """
    return pieces.batches(scenes, streets.read, settings.crop, settings, first, share)


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
    confusions = np.zeros((len(scenes), len(street_classes.CLASSES), len(street_classes.CLASSES)), "int64")
    ahead = disk.made_ahead(streets.read, ((scene,) for scene in scenes), workers=1)
    bar = disk.progress_bar(ahead, desc="scoring", total=len(scenes), unit="scene", disable=not progress)
    for row, (image, classes) in enumerate(bar):
        probabilities = inference.predict_probabilities(model, np.asarray(image)[None], flips, 1, scales, window)
        predicted = probabilities[0].argmax(axis=-1)
        confusions[row] = metrics.confusion_matrix(
            np.asarray(classes), predicted, len(street_classes.CLASSES), street_classes.IGNORE
        )
    return confusions


def prepare(options: argparse.Namespace) -> None:
    """Do what the subcommand `cityscapes` was asked; ValueError when the check finds problems."""
    if options.check is not None:
        found = streets.inspect(options.check)
        preparation.tell(found)
        preparation.refuse(found, "scenes")
        return
    source = " ".join(options.source)
    paths = [Path(path).expanduser() for path in options.source]
    phantoms = preparation.phantom_options(options, ("train", "val", "seed"), source)
    home = disk.data_home() / ("phantom_streets" if source == "phantom" else "cityscapes")
    data = "phantom" if source == "phantom" else "cityscapes"  # what the other commands call it
    if options.output:
        home = options.output.expanduser().resolve()
        data = str(home)
    if source in ("phantom", "cityscapes") or paths[0].is_file():
        preparation.print_place(home)
    if source == "phantom":
        phantom_streets.make(home, **phantoms)
    elif source == "cityscapes":
        missing = [part for part in download.STREETS if not (home / part).is_dir()]
        for part, archive in zip(missing, download.fetch_cityscapes(home, missing), strict=True):
            download.unpack(archive, home, part)
            print(f"{archive} is no longer needed")
    elif len(paths) > 1 or paths[0].is_file():
        _unpack(paths, home)
    else:
        home = streets.folder_of(paths[0]).resolve()
        data = str(home)
        preparation.refuse_output(options, source)
    found = streets.inspect(home)
    preparation.tell(found)
    preparation.print_next(data, "--dataset cityscapes --models UNet")
    preparation.refuse(found, "scenes")


def _unpack(paths: Sequence[Path], home: Path) -> None:
    """Unpack zips of Cityscapes into `home`; FileNotFoundError when it then lacks a part."""
    for path in paths:
        if not path.is_file():
            raise FileNotFoundError(f"{path} is no file: after --source give zips of Cityscapes, or one folder")
    found = [(path, part) for path in paths for part in download.parts_of_streets(path)]
    for path, part in found:  # not before all of them are known to be zips of Cityscapes
        download.unpack(path, home, part)
    for part, name in download.STREETS.items():
        if not (home / part).is_dir():
            raise FileNotFoundError(f"{home / part} is still missing: give --source {name} too (the rest is unpacked)")
