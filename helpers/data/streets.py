"""Read street scenes and the class of each pixel from the layout of Cityscapes.

    leftImg8bit/train/aachen/aachen_000000_000019_leftImg8bit.png       3 channels, uint8
    gtFine/train/aachen/aachen_000000_000019_gtFine_labelIds.png        1 channel, a label id in each pixel

Cordts et al. 2016, "The Cityscapes Dataset for Semantic Urban Scene Understanding". The embedded phantom streets
have the same layout. Built by hand in lesson 12.
"""

import collections
import dataclasses
import hashlib
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from helpers.data import disk

SPLITS = ("train", "val", "test")
IGNORE = 255
"""The class of a pixel that is neither learned nor scored."""


@dataclasses.dataclass(frozen=True)
class StreetClass:
    """One of the 19 classes that are scored.

    Attributes:
        name: as the benchmark's table has it.
        label_id: the value in a labelIds file; the class itself is the place in `CLASSES`.
        colour: red, green and blue of the official overlays, 0 to 255.
    """

    name: str
    label_id: int
    colour: tuple[int, int, int]


CLASSES = (
    StreetClass("road", 7, (128, 64, 128)),
    StreetClass("sidewalk", 8, (244, 35, 232)),
    StreetClass("building", 11, (70, 70, 70)),
    StreetClass("wall", 12, (102, 102, 156)),
    StreetClass("fence", 13, (190, 153, 153)),
    StreetClass("pole", 17, (153, 153, 153)),
    StreetClass("traffic light", 19, (250, 170, 30)),
    StreetClass("traffic sign", 20, (220, 220, 0)),
    StreetClass("vegetation", 21, (107, 142, 35)),
    StreetClass("terrain", 22, (152, 251, 152)),
    StreetClass("sky", 23, (70, 130, 180)),
    StreetClass("person", 24, (220, 20, 60)),
    StreetClass("rider", 25, (255, 0, 0)),
    StreetClass("car", 26, (0, 0, 142)),
    StreetClass("truck", 27, (0, 0, 70)),
    StreetClass("bus", 28, (0, 60, 100)),
    StreetClass("train", 31, (0, 80, 100)),
    StreetClass("motorcycle", 32, (0, 0, 230)),
    StreetClass("bicycle", 33, (119, 11, 32)),
)
NAMES = tuple(each.name for each in CLASSES)
LABEL_IDS = 34  # 0 to 33; -1, a licence plate, is left out of the files; 255 is allowed as in train ids

CLASS_OF_LABEL_ID = np.full(256, IGNORE, "uint8")
"""For each value of a labelIds file its class, 0 to 18, or `IGNORE`; (256,) uint8."""
CLASS_OF_LABEL_ID[[each.label_id for each in CLASSES]] = np.arange(len(CLASSES))

LABEL_ID_OF_CLASS = np.zeros(256, "uint8")
"""For each class its label id, which the benchmark's server wants; `IGNORE` becomes 0, unlabelled; (256,) uint8."""
LABEL_ID_OF_CLASS[: len(CLASSES)] = [each.label_id for each in CLASSES]

PALETTE = np.zeros((256, 3), "uint8")
"""For each class its colour; `IGNORE` is black; (256, 3) uint8."""
PALETTE[: len(CLASSES)] = [each.colour for each in CLASSES]

_NAME = re.compile(r"(?P<city>[A-Za-z0-9-]+)_(?P<sequence>\d+)_(?P<frame>\d+)_(?P<kind>.+)\.png")


@dataclasses.dataclass(frozen=True)
class Scene:
    """The files of one scene.

    Attributes:
        name: such as "aachen_000000_000019".
        image: the photograph.
        labels: its labelIds, or labelTrainIds where such a file lies beside; None in the test split.
    """

    name: str
    image: Path
    labels: Path | None


def folder_of(source: str | Path = "phantom") -> Path:
    """Return the folder that holds `leftImg8bit` and `gtFine`; phantoms are made on first use, with a bar.

    Args:
        source: "phantom", "cityscapes" (put there by `python -m helpers.prepare cityscapes`),
            or the path of a folder in the layout of Cityscapes.

    Raises:
        FileNotFoundError: the folder or its `leftImg8bit` is missing; the message says what to do.
        NotADirectoryError: the path is a file.
    """
    if source == "phantom":
        folder = disk.data_home() / "phantom_streets"
        if not folder.is_dir():
            from helpers.data import phantom_streets  # costs an import that only the first use needs

            phantom_streets.make(folder)
        return folder
    if source == "cityscapes":
        folder = disk.data_home() / "cityscapes"
        if not (folder / "leftImg8bit").is_dir():  # its zip may lie there
            raise FileNotFoundError(
                f"the set in {folder} is missing; `python -m helpers.prepare cityscapes --help` says how to get it "
                "with an account"
            )
        return folder
    folder = Path(source).expanduser()
    if folder.is_file():
        raise NotADirectoryError(
            f"{folder} is a file, not a folder; unpack downloaded zips with "
            "`python -m helpers.prepare cityscapes --source ZIP ZIP`"
        )
    if not (folder / "leftImg8bit").is_dir():
        raise FileNotFoundError(
            f"{folder / 'leftImg8bit'} is missing; give the folder that holds leftImg8bit and gtFine, or phantom, "
            "or cityscapes after `python -m helpers.prepare cityscapes`"
        )
    return folder


def scenes(source: str | Path, split: str) -> list[Scene]:
    """List the scenes of a split by name, without opening a file.

    Args:
        source: as in `folder_of`.
        split: "train", "val" or "test"; scenes of "test" may have no labels.

    Raises:
        ValueError: there is no such split, or an image has no labels or labels have no image.
        FileNotFoundError: the folder is missing, or holds no scene of this split.
    """
    if split not in SPLITS:
        raise ValueError(f"split is {split!r}; choose one of {', '.join(SPLITS)}")
    folder = folder_of(source)
    images, labels = _images(folder, split), _labels(folder, split)
    if not images:
        raise FileNotFoundError(
            f"{folder / 'leftImg8bit' / split} holds no scene (CITY/CITY_SEQUENCE_FRAME_leftImg8bit.png); give the "
            "folder that holds leftImg8bit and gtFine, or unpack both of the zips"
        )
    for name, path in labels.items():
        if name not in images:
            raise ValueError(f"{path}: labels without image; {_advice(folder)}")
    if split != "test":
        for name, path in images.items():
            if name not in labels:
                raise ValueError(f"{path}: image without labels; {_advice(folder)}")
    return [Scene(name, images[name], labels.get(name)) for name in sorted(images)]


def read(scene: Scene) -> tuple[Image.Image, Image.Image]:
    """Read a photograph, mode RGB, and its classes, mode L, as Pillow's images: the quickest way to a piece of them.

    Raises:
        ValueError: as `read_image` and `read_classes`, and where the two have different sizes.
    """
    image, classes = _named(disk.read_rgb, scene.image), _classes_of(scene)
    if image.size != classes.size:
        raise ValueError(
            f"{scene.labels}: labels have {disk.size_words(classes.size)} pixels, their image "
            f"{disk.size_words(image.size)}; get both files again"
        )
    return image, classes


def read_image(scene: Scene, size: tuple[int, int] | None = None) -> np.ndarray:
    """Read a photograph, (height, width, 3) uint8.

    Args:
        scene: as `scenes` gives it.
        size: (height, width) to scale to, averaging; None for the file's own.

    Raises:
        ValueError: the file cannot be read to its end, or has no three channels of 8 bits; the message names it.
    """
    image = _named(disk.read_rgb, scene.image)
    if size is not None and size != image.size[::-1]:
        image = image.resize(size[::-1], Image.Resampling.BOX)
    return np.asarray(image)


def read_classes(scene: Scene, size: tuple[int, int] | None = None) -> np.ndarray:
    """Read the class of each pixel, (height, width) uint8: 0 to 18, or `IGNORE`.

    Args:
        scene: as `scenes` gives it.
        size: (height, width) to scale to, each pixel taking the class of the nearest; None for the file's own.

    Raises:
        ValueError: the scene has no labels, or its file cannot be read to its end or holds a value that is no label
            id; the message names the file.
    """
    classes = _classes_of(scene)
    if size is not None and size != classes.size[::-1]:
        classes = classes.resize(size[::-1], Image.Resampling.NEAREST)
    return np.asarray(classes)


def _classes_of(scene: Scene) -> Image.Image:
    if scene.labels is None:
        raise ValueError(f"{scene.name} has no labels, as all scenes of the test split; choose train or val")
    return _named(_read_classes, scene.labels)


def _named(read: Callable[[Path], Image.Image], path: Path) -> Image.Image:
    try:
        return read(path)
    except ValueError as error:
        raise ValueError(f"{path}: {error}; get this file again") from error


def load(
    source: str | Path, split: str, size: tuple[int, int], most: int | None = None, progress: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Read a split into memory, scaled: for the phantom streets and for small sets; training streams from disk.

    Args:
        source: as in `folder_of`.
        split: "train" or "val".
        size: (height, width) of what is returned.
        most: at most so many scenes, spread evenly over the split.
        progress: show a progress bar.

    Returns:
        images (n, height, width, 3) uint8 and classes (n, height, width) uint8, 0 to 18 or `IGNORE`.

    Raises:
        FileNotFoundError, ValueError: as `scenes`, `read_image` and `read_classes`.
    """
    chosen = scenes(source, split)
    if most is not None and most < len(chosen):
        chosen = [chosen[row] for row in np.linspace(0, len(chosen) - 1, most).astype(int)]
    images = np.empty((len(chosen), *size, 3), "uint8")
    classes = np.empty((len(chosen), *size), "uint8")
    for row, scene in enumerate(disk.progress_bar(chosen, desc=f"reading {split}", unit="scene", disable=not progress)):
        images[row], classes[row] = read_image(scene, size), read_classes(scene, size)
    return images, classes


def class_shares(classes: np.ndarray) -> np.ndarray:
    """The share of each class among the pixels that are not ignored, (19,), in [0, 1]."""
    counts = class_counts(classes)
    return counts / max(counts.sum(), 1)


def class_counts(classes: np.ndarray) -> np.ndarray:
    """The number of pixels of each class, (19,); ignored ones are not counted."""
    return np.bincount(np.ravel(classes), minlength=256)[: len(CLASSES)]


def class_weights(scenes: Sequence[Scene], progress: bool = True) -> list[float]:
    """A weight for each class, the larger the rarer it is: 1 / ln(1.02 + its share of the labelled pixels).

    Paszke et al. 2016, "ENet", section 5.1. They lie between 1.4 for a class that is everywhere and 50.5 for one that
    is nowhere.

    Args:
        scenes: with labels; each file of labels is read once.
        progress: show a bar.

    Raises:
        ValueError: as in `read_classes`.
    """
    counts = np.zeros(len(CLASSES))
    read = disk.made_ahead(read_classes, ((scene,) for scene in scenes), workers=os.cpu_count() or 1)
    bar = disk.progress_bar(read, desc="counting classes", total=len(scenes), unit="scene", disable=not progress)
    for classes in bar:
        counts += class_counts(classes)
    return (1 / np.log(1.02 + counts / max(counts.sum(), 1))).tolist()


def check(source: str | Path, progress: bool = True) -> list[str]:
    """Open every file of a data set once and return all that is wrong with it, one line for each problem.

    A line starts with the file's path below the folder. Reported are: an image without labels (but in the test
    split), labels without image, labels of another size than their image, values that are no label id, files that
    cannot be read to their end, images with the same pixels as another one, file names that fit no scene, and
    splits without a scene. JSON, colour and instance files beside the labels are left alone.

    Raises:
        FileNotFoundError: the folder is not there, as in `folder_of`.
    """
    folder = folder_of(source).resolve()
    problems, jobs = [], []
    for split in SPLITS:
        images, labels = _images(folder, split, problems), _labels(folder, split, problems)
        if not images and split != "test":
            problems.append(f"leftImg8bit/{split}: no scene in here")
        jobs += [(split, images.get(name), labels.get(name)) for name in sorted(images | labels)]
    seen: dict[bytes, str] = {}
    for split, image_path, labels_path in disk.progress_bar(
        jobs, desc=f"checking {folder.name}", unit="scene", disable=not progress
    ):
        size = None
        if image_path is None:
            problems.append(f"{disk.below(folder, labels_path)}: labels without image")
        else:
            name = disk.below(folder, image_path)
            try:
                image = disk.read_rgb(image_path, verify=True)
            except ValueError as error:
                problems.append(f"{name}: {error}")
            else:
                size = image.size
                digest = hashlib.sha256(f"{size}".encode() + image.tobytes()).digest()
                if seen.setdefault(digest, name) != name:
                    problems.append(f"{name}: duplicate, the same pixels as {seen[digest]}")
        if labels_path is None:
            if split != "test":
                problems.append(f"{disk.below(folder, image_path)}: image without labels")
        else:
            name = disk.below(folder, labels_path)
            try:
                classes = _read_classes(labels_path, verify=True)
            except ValueError as error:
                problems.append(f"{name}: {error}")
            else:
                own = classes.size
                if size is not None and own != size:
                    problems.append(
                        f"{name}: labels have {disk.size_words(own)} pixels, their image {disk.size_words(size)}"
                    )
    return sorted(problems, key=disk.natural_order)


def _images(folder: Path, split: str, problems: list[str] | None = None) -> dict[str, Path]:
    return _scan(folder, "leftImg8bit", split, ("leftImg8bit",), problems)


def _labels(folder: Path, split: str, problems: list[str] | None = None) -> dict[str, Path]:
    """Labels by scene; labelTrainIds, which somebody has converted, come before labelIds."""
    return _scan(folder, "gtFine", split, ("gtFine_labelTrainIds", "gtFine_labelIds"), problems)


def _scan(folder: Path, part: str, split: str, kinds: Sequence[str], problems: list[str] | None) -> dict[str, Path]:
    found: dict[str, dict[str, Path]] = collections.defaultdict(dict)
    beside = {"gtFine_color", "gtFine_instanceIds", "gtFine_instanceTrainIds"}
    for path in sorted((folder / part / split).glob("*/*.png")):
        match = _NAME.fullmatch(path.name)
        if path.name.startswith(".") or (match and match["kind"] in beside):
            continue
        if match is None or match["kind"] not in kinds or match["city"] != path.parent.name:
            if problems is not None:
                wanted = f"{path.parent.name}_SEQUENCE_FRAME_{kinds[-1]}.png"
                problems.append(f"{disk.below(folder, path)}: name fits no scene (such as {wanted})")
            continue
        found["_".join(match.group("city", "sequence", "frame"))][match["kind"]] = path
    return {name: paths[next(kind for kind in kinds if kind in paths)] for name, paths in found.items()}


def _read_classes(path: Path, verify: bool = False) -> Image.Image:
    labels = disk.read(path, verify)
    if labels.mode not in ("L", "P"):
        raise ValueError(f"labels have mode {labels.mode}, not one channel of 8 bits (L)")
    train_ids = path.name.endswith("_labelTrainIds.png")
    allowed = len(CLASSES) if train_ids else LABEL_IDS
    counts = labels.histogram()
    strange = [value for value in range(allowed, IGNORE) if counts[value]]
    if strange:
        kind = "train ids, 0 to 18 and 255" if train_ids else "label ids, 0 to 33 and 255"
        raise ValueError(f"holds {', '.join(map(str, strange[:5]))}, which are no {kind}")
    if labels.mode == "P":  # its values are the labels; the palette is for looking at them
        labels = Image.fromarray(np.asarray(labels))
    return labels if train_ids else labels.point(CLASS_OF_LABEL_ID.tolist())


def _advice(folder: Path) -> str:
    return f"see all that is wrong with `python -m helpers.prepare cityscapes --check {folder}`"
