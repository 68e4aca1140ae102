"""Read street scenes and the class of each pixel from the layout of Cityscapes.

    leftImg8bit/train/aachen/aachen_000000_000019_leftImg8bit.png       3 channels, uint8
    gtFine/train/aachen/aachen_000000_000019_gtFine_labelIds.png        1 channel, a label id in each pixel

Cordts et al. 2016, "The Cityscapes Dataset for Semantic Urban Scene Understanding". The embedded phantom streets
have the same layout. Built by hand in lesson 12.
"""

import collections
import dataclasses
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from helpers.data import disk, image_files, inspection, street_classes

SPLITS = ("train", "val", "test")
_OTHER_SPLITS = ("train_extra", "demoVideo")  # come with the real set, and are not read
_NAME = re.compile(r"(?P<city>.+)_(?P<sequence>\d+)_(?P<frame>\d+)_(?P<kind>.+)")
_LARGEST_TRAIN_ID = 18


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
        ValueError: there is no such split, an image has no labels, labels have no image, or two files are of one
            scene.
        FileNotFoundError: the folder is missing, or holds no scene of this split.
    """
    if split not in SPLITS:
        raise ValueError(f"split is {split!r}; choose one of {', '.join(SPLITS)}")
    folder = folder_of(source)
    parts = [_scan(folder, part) for part in KINDS]
    inspection.refuse_ambiguous("cityscapes", folder, [finding for part in parts for finding in part.findings])
    images, labels = (part.splits[split] for part in parts)
    if not images:
        raise FileNotFoundError(
            f"{folder / 'leftImg8bit' / split} holds no scene (CITY/CITY_SEQUENCE_FRAME_leftImg8bit.png); give the "
            "folder that holds leftImg8bit and gtFine, or unpack both of the zips"
        )
    for name, path in labels.items():
        if name not in images:
            raise ValueError(f"{disk.printable(path)}: labels without image; {_advice(folder)}")
    if split != "test":
        for name, path in images.items():
            if name not in labels:
                raise ValueError(f"{disk.printable(path)}: image without labels; {_advice(folder)}")
    return [Scene(name, images[name], labels.get(name)) for name in sorted(images)]


def read(scene: Scene) -> tuple[Image.Image, Image.Image]:
    """Read a photograph, mode RGB, and its classes, mode L, as Pillow's images: the quickest way to a piece of them.

    Raises:
        ValueError: as `read_image` and `read_classes`, and where the two have different sizes.
    """
    image, classes = _named(image_files.open_rgb, scene.image), _classes_of(scene)
    if image.size != classes.size:
        raise ValueError(f"{disk.printable(scene.labels)}: {_misfit(classes.size, image.size)}; get both files again")
    return image, classes


def read_image(scene: Scene, size: tuple[int, int] | None = None) -> np.ndarray:
    """Read a photograph, (height, width, 3) uint8.

    Args:
        scene: as `scenes` gives it.
        size: (height, width) to scale to, averaging; None for the file's own.

    Raises:
        ValueError: the file cannot be read to its end, or has no three channels of 8 bits; the message names it.
    """
    image = _named(image_files.open_rgb, scene.image)
    if size is not None and size != image.size[::-1]:
        image = image.resize(size[::-1], Image.Resampling.BOX)
    return np.asarray(image)


def read_classes(scene: Scene, size: tuple[int, int] | None = None) -> np.ndarray:
    """Read the class of each pixel, (height, width) uint8: 0 to 18, or `street_classes.IGNORE`.

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
        raise ValueError(f"{disk.printable(path)}: {error}; get this file again") from error


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
        images (n, height, width, 3) uint8 and classes (n, height, width) uint8, 0 to 18 or `street_classes.IGNORE`.

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
    return np.bincount(np.ravel(classes), minlength=256)[: len(street_classes.CLASSES)]


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
    counts = np.zeros(len(street_classes.CLASSES))
    read = disk.made_ahead(read_classes, ((scene,) for scene in scenes))
    bar = disk.progress_bar(read, desc="counting classes", total=len(scenes), unit="scene", disable=not progress)
    for classes in bar:
        counts += class_counts(classes)
    return (1 / np.log(1.02 + counts / max(counts.sum(), 1))).tolist()


def check(source: str | Path, progress: bool = True) -> list[str]:
    """Open every file of a data set and return all that is wrong with it, one line for each problem: see `inspect`."""
    return inspect(source, progress).lines


def inspect(source: str | Path, progress: bool = True) -> inspection.Inspection:
    """Look at every file of a data set that has not been looked at, and say all that is wrong with it.

    A line starts with the file's path below the folder. Reported are: an image without labels (but in the test
    split), labels without image, labels of another size than their image, values that are no label id, train ids
    under the name of label ids, labels without one pixel of a class (but in the test split, whose labels are blank),
    files that cannot be read to their end or hold several pages, labels that are JPEG or have grey of 2 or 4 bits,
    photographs of one value, images with the same pixels as another one, files a level too high or too deep, links
    that lead nowhere, two files for one, names that fit no scene, and splits without a scene or of another name. JSON,
    colour and instance files beside the labels are left alone.

    Raises:
        FileNotFoundError: the folder is not there, as in `folder_of`.
    """
    given = folder_of(source)
    folder = given.resolve()
    images, labels = _scan(folder, "leftImg8bit"), _scan(folder, "gtFine")
    findings = images.findings + labels.findings
    has_labels = (folder / "gtFine").is_dir()
    if not has_labels and (images.splits["train"] or images.splits["val"]):
        findings.append(image_files.Finding("gtFine", "no such folder, so no scene has labels"))
    looks: dict[Path, inspection.Look] = {
        path: _look_image for each in images.splits.values() for path in each.values()
    }
    looks |= {path: _look_labels for each in labels.splits.values() for path in each.values()}
    facts, _ = inspection.look_at_all("cityscapes", folder, looks, "file", progress)

    def find(path: Path, words: str) -> None:
        findings.append(image_files.Finding(disk.below(folder, path), words))

    findings += inspection.unusable(folder, facts)
    seen_as: dict[str, Path] = {}
    values: set[int] = set()
    for split in SPLITS:
        if not images.splits[split] and split != "test":
            findings.append(image_files.Finding(f"leftImg8bit/{split}", "no scene in here"))
        for name in sorted(images.splits[split] | labels.splits[split]):
            image, label = images.splits[split].get(name), labels.splits[split].get(name)
            photograph: inspection.Facts = {}
            if image is not None:
                photograph = facts[image]
                if label is None and split != "test" and has_labels:
                    find(image, "image without labels")
                if photograph.get("flat"):
                    find(image, "photograph is of one value throughout")
                elif "digest" in photograph and seen_as.setdefault(photograph["digest"], image) != image:
                    find(image, f"duplicate, the same pixels as {disk.below(folder, seen_as[photograph['digest']])}")
            if label is not None:
                drawn = facts[label]
                if image is None:
                    find(label, "labels without image")
                if "problem" in drawn:
                    continue
                if photograph.get("size", drawn["size"]) != drawn["size"]:
                    find(label, _misfit(drawn["size"], photograph["size"]))
                if split != "test":
                    words = _wrong_kind(drawn, label)
                    if words:
                        find(label, words)
                    elif not _is_train_ids(label):
                        values |= set(map(int, drawn["counts"]))
    values.discard(street_classes.IGNORE)
    if len(values) > 2 and max(values) <= _LARGEST_TRAIN_ID and not any("train ids under" in f.words for f in findings):
        words = f"no labels hold a value above {_LARGEST_TRAIN_ID}, so these are train ids under the name of label ids"
        findings.append(image_files.Finding("gtFine", words))
    counts = ", ".join(f"{len(images.splits[split])} {split}" for split in SPLITS)
    return inspection.inspection(given, f"scenes: {counts} in {disk.printable(given)}", findings)


def _look_image(path: Path) -> inspection.Facts:
    return inspection.pixels(image_files.open_rgb(path, verify=True))


def _look_labels(path: Path) -> inspection.Facts:
    labels = _open_labels(path, verify=True)
    return {"size": list(labels.size), "counts": {value: n for value, n in enumerate(labels.histogram()) if n}}


def _wrong_kind(drawn: inspection.Facts, path: Path) -> str | None:
    """What is wrong with the values of a file of labels as a whole, if anything is.

    Train ids run from 0 to 18; read as label ids, most of their pixels have no class, and nothing has a value above
    18, though vegetation, sky and cars would. In none of 468 real scenes is that so.
    """
    counts = {int(value): number for value, number in drawn["counts"].items() if int(value) != street_classes.IGNORE}
    if _is_train_ids(path):
        return None if counts else "no pixel has a class"
    without = sum(n for value, n in counts.items() if street_classes.CLASS_OF_LABEL_ID[value] == street_classes.IGNORE)
    if len(counts) > 2 and max(counts) <= _LARGEST_TRAIN_ID and 2 * without > sum(counts.values()):
        return "holds train ids under the name of label ids: name it _gtFine_labelTrainIds, or give the label ids"
    return "no pixel has one of the 19 classes" if without == sum(counts.values()) else None


def _is_train_ids(path: Path) -> bool:
    return path.stem.endswith("_labelTrainIds")


KINDS = {"leftImg8bit": ("leftImg8bit",), "gtFine": ("gtFine_labelTrainIds", "gtFine_labelIds")}
"""What the names of the files that are read end in, by the part of the set; what somebody has converted comes first."""
_BESIDE = {"gtFine_color", "gtFine_instanceIds", "gtFine_instanceTrainIds"}


@dataclasses.dataclass(frozen=True)
class _Part:
    """The files of a part of a set by split and scene, and what is wrong with the names and places of the others."""

    splits: dict[str, dict[str, Path]]
    findings: list[image_files.Finding]


def _scan(folder: Path, part: str) -> _Part:
    kinds = KINDS[part]
    found: dict[str, dict[str, dict[str, Path]]] = {split: collections.defaultdict(dict) for split in SPLITS}
    findings: list[image_files.Finding] = []
    if not (folder / part).is_dir():
        return _Part({split: {} for split in SPLITS}, [])
    paths, broken = image_files.files(folder / part)
    findings += [dataclasses.replace(each, place=f"{part}/{each.place}") for each in broken]
    others: set[str] = set()
    for path in paths:
        name, parts = disk.below(folder, path), path.relative_to(folder / part).parts
        match = _NAME.fullmatch(path.stem)
        if match and match["kind"] in _BESIDE:
            continue
        if len(parts) > 1 and parts[0] not in SPLITS:
            others |= {parts[0]} - set(_OTHER_SPLITS)
        elif len(parts) != 3:
            words = "lies a level too high" if len(parts) < 3 else "lies too deep"
            findings.append(image_files.Finding(name, f"{words}: a file belongs into {part}/SPLIT/CITY"))
        elif match is None or match["kind"] not in kinds or _other_city(match["city"], parts[1]):
            wanted = f"{disk.printable(parts[1])}_SEQUENCE_FRAME_{kinds[-1]}.png"
            findings.append(image_files.Finding(name, f"name fits no scene (such as {wanted})"))
        else:
            scene = image_files.same_letters("_".join(match.group("city", "sequence", "frame")))
            first = found[parts[0]][scene].setdefault(match["kind"], path)
            if first != path:
                words = f"a second file beside {disk.printable(first.name)}"
                findings.append(image_files.Finding(name, words, ambiguous=True))
    for split in sorted(others):
        words = f"is no split, and nothing in it is read: call it {', '.join(SPLITS[:-1])} or {SPLITS[-1]}"
        findings.append(image_files.Finding(f"{part}/{disk.printable(split)}", words))
    splits = {
        split: {name: kept[next(kind for kind in kinds if kind in kept)] for name, kept in scenes.items()}
        for split, scenes in found.items()
    }
    return _Part(splits, findings)


def _other_city(city: str, folder: str) -> bool:
    return image_files.same_letters(city) != image_files.same_letters(folder)


def _misfit(labels: Sequence[int], image: Sequence[int]) -> str:
    return f"labels have {disk.size_words(labels)} pixels, their image {disk.size_words(image)}"


def _open_labels(path: Path, verify: bool = False) -> Image.Image:
    """Read a file of labels, mode L, its values as they are in the file."""
    labels = image_files.open_image(path, verify, labels=True)
    if labels.mode not in ("L", "P"):
        raise ValueError(f"labels have mode {labels.mode}, not one channel of 8 bits (L)")
    train_ids = _is_train_ids(path)
    allowed = len(street_classes.CLASSES) if train_ids else street_classes.LABEL_IDS
    counts = labels.histogram()
    strange = [value for value in range(allowed, street_classes.IGNORE) if counts[value]]
    if strange:
        kind = "train ids, 0 to 18 and 255" if train_ids else "label ids, 0 to 33 and 255"
        raise ValueError(f"holds {', '.join(map(str, strange[:5]))}, which are no {kind}")
    if labels.mode == "P":  # its values are the labels; the palette is for looking at them
        labels = Image.fromarray(np.asarray(labels))
    return labels


def _read_classes(path: Path) -> Image.Image:
    labels = _open_labels(path)
    return labels if _is_train_ids(path) else labels.point(street_classes.CLASS_OF_LABEL_ID.tolist())


def _advice(folder: Path) -> str:
    return inspection.advice("cityscapes", folder)
