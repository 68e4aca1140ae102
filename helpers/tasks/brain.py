"""What brain slices ask of a run: the split by patient, normalisation, batches, and counts of pixels."""

import argparse
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import keras
import numpy as np

from helpers.data import augment, brain, disk, download, image_files, phantom_brain
from helpers.nets import inference
from helpers.scores import metrics
from helpers.settings import Settings
from helpers.tasks import binary, held_out, preparation
from helpers.tasks.purpose import Purpose

EXAMPLE = f"""example, which makes the embedded phantom brains in half a minute:

    python -m helpers.prepare brain

the real slices (Kaggle's mateuszbuda/lgg-mri-segmentation), downloaded, or from a zip that you have:

    python -m helpers.prepare brain --source kaggle
    python -m helpers.prepare brain --source archive.zip

{preparation.WHERE}"""

LAYOUT = binary.Layout("patient", "slice", "tumour")
_UNIT = "patients' folders"


class Task:
    """The slices of one run, split by patient: the training side normalised, the other as it was read."""

    name = "brain"
    defaults = Settings()
    uses = frozenset({"size", "tumour_free", "rotation", "smallest_part"}) | held_out.USES
    normalisation = "each channel by the 10th and 99th percentile of its patient"
    known_classes: tuple[str, ...] | None = ("tumour",)
    mode = "binary"
    ignore_index: int | None = None
    watched = "validation_dice"

    def __init__(self, settings: Settings, progress: bool):
        self.settings, self.progress = settings, progress
        preparation.require(brain.inspect(settings.data, progress), _UNIT)
        slices = brain.load(settings.data, settings.size, progress=progress)
        train_rows, self.validation_rows = split(settings, slices.patients)
        self.held_out = slices.select(self.validation_rows)
        self.training = brain.normalise(slices.select(train_rows))
        self.names = _names(self.training), _names(self.held_out)
        number_seen = seen(self.training, settings)
        if settings.epochs and not number_seen:
            raise ValueError(
                f"{settings.data}: tumour_free {settings.tumour_free} leaves no slice to train on, for the patients of "
                "the training side have no tumour: raise it, or hold out others (`validation`, `folds`)."
            )
        self.steps = settings.steps or steps_per_epoch(number_seen, settings.batch)

    @staticmethod
    def check(settings: Settings) -> None:
        """Raise ValueError for settings that no slices can meet; reads none."""
        held_out.check(settings)
        if settings.tumour_free > 1:
            raise ValueError(f"tumour_free is {settings.tumour_free}: give a share from 0 to 1.")

    @staticmethod
    def classes(settings: Settings) -> tuple[str, ...]:
        """Tumour or not, one probability."""
        return ("tumour",)

    @staticmethod
    def training_sides(settings: Settings) -> tuple[int, int]:
        """Height and width of the images that are trained on."""
        return settings.size, settings.size

    @staticmethod
    def sides(settings: Settings) -> tuple[int | None, int | None]:
        """Height and width that the network is built for."""
        return Task.training_sides(settings)

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

    def score(self, model: keras.Model) -> tuple[dict, dict[str, binary.Table]]:
        """The scores of the patients that are held out, against the masks at their own size, and slices.csv."""
        if not len(self.held_out):
            return {}, {}
        full = brain.load(self.settings.data, progress=self.progress).select(self.validation_rows)
        rule = inference.AreaRule(smallest_part=self.settings.smallest_part)
        counts = count(model, full, rule, flips=self.settings.flips, progress=self.progress)
        table = binary.counts_table(LAYOUT, full.patients, "number", full.numbers, counts)
        return metrics.scores_from_counts(counts, full.patients), {"slices.csv": table}

    @staticmethod
    def joined(folders: Sequence[Path]) -> dict:
        """The scores of the folds in these folders, as of one set of patients."""
        return binary.joined([folder / "slices.csv" for folder in folders], LAYOUT)

    @staticmethod
    def layout(scores: dict) -> binary.Layout:
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
        """Score all patients of a set; the words say how many they are, and there is no confusion matrix."""
        preparation.require(brain.inspect(source), _UNIT)
        slices = brain.load(source)
        counts = count(model, slices, rule, progress=True, **averaging)
        scores = metrics.scores_from_counts(counts, slices.patients)
        return scores, f"{len(scores['patients'])} patients, {len(slices)} slices", None

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
        """Write a mask and an overlay for each slice; return what is wrong with those that cannot be read.

        The slices of one patient in one folder are normalised together, also with those that are not asked for, and
        are one volume for the rule.
        """
        volumes: dict[tuple[Path, str], list[Path]] = {}
        for path in paths:
            volumes.setdefault(_volume_of(path), []).append(path)
        beside = _neighbours({folder for folder, _ in volumes})
        unreadable = []
        bar = disk.progress_bar(total=len(paths), unit="image")
        for volume, chosen in volumes.items():
            values: dict[Path, np.ndarray] = {}
            asked_for = set(chosen)
            for path in [*chosen, *(path for path in beside.get(volume, ()) if path not in asked_for)]:
                try:
                    values[path] = image_files.read_values(path)
                except OSError as error:
                    if path in asked_for:
                        unreadable.append(str(error))
            images = dict(zip(values, image_files.in_bytes(list(values.values())), strict=True))
            for shape in {image.shape for image in images.values()}:
                same = sorted((path for path in images if images[path].shape == shape), key=_number_of)
                stack = np.stack([images[path] for path in same])
                # A part's size is known only when the whole volume has been looked at.
                rows = [row for row, path in enumerate(same) if path in asked_for or rule.smallest_part]
                normalised = brain.normalise_images(stack)[rows]
                areas = rule(inference.predict_probabilities(model, normalised, **averaging))
                for row, area in zip(rows, areas, strict=True):
                    path = same[row]
                    if path in asked_for:
                        folder = image_files.folder_for(path, output, root)
                        image_files.write_area(folder, path.stem, stack[row], area, _truth_beside(path))
            bar.update(len(chosen))
        bar.close()
        return unreadable

    @staticmethod
    def folder_of(source: str) -> Path:
        """The folder that a source names; phantoms are made on first use."""
        return brain.folder_of(source)

    @staticmethod
    def add_preparation(sets) -> None:
        """Add the subcommand of `python -m helpers.prepare`."""
        part = preparation.add_set(
            sets,
            "brain",
            prepare,
            help="slices of brain MRI with tumours",
            description="Slices of brain MRI with tumours, in the layout of Kaggle's lgg-mri-segmentation.",
            epilog=EXAMPLE,
            source={"default": "phantom", "help": "phantom, kaggle, or a zip or folder that you have (phantom)"},
        )
        preparation.add_output(part)
        part.add_argument("--patients", type=int, metavar="N", help="how many phantom patients (24)")
        part.add_argument("--seed", type=int, metavar="S", help="which phantom patients (0)")


def split(settings: Settings, patients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of the training and of the validation slices; no patient is on both sides."""
    return held_out.split(settings, patients, LAYOUT.unit)


def batches(slices: brain.Slices, settings: Settings, epoch: int = 0) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Give batches without end from `epoch` on, made by threads ahead of the training step.

    A batch depends on the seed, its epoch and its place in the epoch alone: a resumed run sees the same ones.

    Gives:
        images (batch, height, width, 3) float32 in [0, 1] and masks (batch, height, width, 1) float32, 0 or 1.
    """
    augmentation = augment.Augmentation(rotation=settings.rotation) if settings.augment else augment.Augmentation.none()
    has_tumour = slices.has_tumour
    free = np.flatnonzero(~has_tumour)
    number_seen = seen(slices, settings)
    whole = steps_per_epoch(number_seen, settings.batch)

    def rows() -> Iterator[tuple[int, int, np.ndarray]]:
        for number in itertools.count(epoch):
            rng = np.random.default_rng((settings.seed, number))
            if number_seen < len(slices):
                drawn = rng.choice(free, number_seen - np.count_nonzero(has_tumour), replace=False)
                order = rng.permutation(np.concatenate([np.flatnonzero(has_tumour), drawn]))
            else:
                order = rng.permutation(len(slices))
            # Where they do not fill a batch they come again, or devices could not share it.
            order = np.resize(order, max(len(order), settings.batch))
            for step in range(settings.steps or whole):
                first = step % whole * settings.batch
                # Slices read in ascending order are read once through, also from a file.
                yield number, step, np.sort(order[first : first + settings.batch])

    def batch(number: int, step: int, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng((settings.seed, number, step))
        images, masks = augmentation(slices.images[chosen], slices.masks[chosen], rng)
        return images.astype("float32") / 255, masks[..., None].astype("float32")

    return disk.made_ahead(batch, rows())


def seen(slices: brain.Slices, settings: Settings) -> int:
    """How many slices an epoch sees: all with tumour, and the share of the others that `tumour_free` says."""
    with_tumour = np.count_nonzero(slices.has_tumour)
    return int(with_tumour) + round(settings.tumour_free * (len(slices) - with_tumour))


def steps_per_epoch(slices: int, batch: int) -> int:
    """The whole batches in an epoch, at least one; the slices left over differ from epoch to epoch."""
    return max(1, slices // batch)


def count(
    model: keras.Model,
    slices: brain.Slices,
    rule: inference.AreaRule = inference.HALF,
    flips: bool = False,
    progress: bool = False,
    **averaging,
) -> np.ndarray:
    """Normalise and predict patient by patient, and count pixels: (n, 3) as `metrics.counts` gives them.

    `slices` are as `brain.load` gives them: only one patient at a time is held in memory. `rule` sees a patient's
    slices as one volume. `averaging`: scales and window, as in `inference.predict_probabilities`.
    """
    counts = np.zeros((len(slices), 3), "int64")
    for patient in disk.progress_bar(np.unique(slices.patients), desc="scoring", unit="patient", disable=not progress):
        rows = np.flatnonzero(slices.patients == patient)
        patient_slices = brain.normalise(slices.select(rows))
        probabilities = inference.predict_probabilities(model, patient_slices.images, flips=flips, **averaging)
        counts[rows] = metrics.counts(patient_slices.masks, rule(probabilities))
    return counts


def _names(slices: brain.Slices) -> list[str]:
    return [f"{patient}_{number}" for patient, number in zip(slices.patients, slices.numbers, strict=True)]


def _volume_of(path: Path) -> tuple[Path, str]:
    """Say which images belong together: those of one patient in one folder, or else the image alone."""
    name, _, number = path.stem.rpartition("_")
    return path.parent, name if name and number.isdigit() else path.stem


def _number_of(path: Path) -> tuple[int, str]:
    """Where an image stands among those of its volume."""
    number = path.stem.rpartition("_")[2]
    return (int(number) if number.isdecimal() else 0), path.name


def _neighbours(folders: set[Path]) -> dict[tuple[Path, str], list[Path]]:
    """The images of each volume in these folders, of which each is listed once and none below it."""
    found: dict[tuple[Path, str], list[Path]] = {}
    for folder in folders:
        for path in sorted(path for path in folder.iterdir() if image_files.is_to_predict(path)):
            found.setdefault(_volume_of(path), []).append(path)
    return found


def _truth_beside(path: Path) -> np.ndarray | None:
    """The true area of an image, if its mask lies beside it and can be read."""
    mask = path.with_name(f"{path.stem}_mask{path.suffix}")
    try:
        return image_files.read(mask)[..., 0] > 127 if mask.exists() else None
    except OSError:
        return None


def prepare(options: argparse.Namespace) -> None:
    """Do what the subcommand `brain` was asked; ValueError when the check finds problems."""
    if options.check is not None:
        found = brain.inspect(options.check)
        preparation.tell(found)
        preparation.refuse(found, _UNIT)
        return
    source = options.source
    phantoms = preparation.phantom_options(options, ("patients", "seed"), source)
    home = disk.data_home() / ("phantom_brain" if source == "phantom" else "lgg-mri-segmentation")
    data = "phantom" if source == "phantom" else "kaggle"  # what the other commands call it
    if options.output:
        home = options.output.expanduser().resolve()
        data = str(home / "kaggle_3m")
    if source in ("phantom", "kaggle") or Path(source).expanduser().is_file():
        preparation.print_place(home)
    if source == "phantom":
        folder = phantom_brain.make(home, **phantoms)
    elif source == "kaggle":
        folder = home / "kaggle_3m"
        if not folder.is_dir():
            archive = download.fetch_kaggle(home)
            folder = download.unpack(archive, home)
            print(f"{archive} is no longer needed")
    elif Path(source).expanduser().is_file():
        folder = download.unpack(Path(source).expanduser(), home)
    else:
        folder = brain.folder_of(source).resolve()
        data = str(folder)
        preparation.refuse_output(options, source)
    found = brain.inspect(folder)
    preparation.tell(found)
    preparation.print_next(data, "--models UNet")
    preparation.refuse(found, _UNIT)
